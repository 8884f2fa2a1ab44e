#pragma once  // `mce` commands of QEMU's human monitor.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/remark.hpp"

namespace mcemu::formats {

/// mce [-b] cpu bank status mcgstatus addr misc.
struct QemuMce {
    unsigned line = 0;  ///< from 1
    bool broadcast = false;
    std::uint32_t cpu = 0, bank = 0;
    std::uint64_t status = 0, mcgstatus = 0, addr = 0, misc = 0;
};

struct QemuMonitorText {
    std::vector<QemuMce> commands;
    std::vector<Remark> passed_over;  ///< other commands, and what QEMU answered
    std::vector<Remark> errors;       ///< what the monitor would refuse; all of them
};

/// Reads a session or a script, a command a line, with or without the prompt "(qemu) "; also the
/// QMP form {"execute": "human-monitor-command", "arguments": {"command-line": "mce ..."}}. Numbers
/// are expressions as the monitor takes them (+ - * / % & | ^ ~, parentheses, 0x, 0, decimal,
/// 'c'), 64 bits; registers such as $rip have no value here. A line that begins with # is a
/// comment, which the monitor does not know.
/// Source: QEMU monitor/hmp.c expr_sum(), hmp-commands.hx "mce", target/i386/helper.c
/// cpu_x86_inject_mce().
QemuMonitorText parse_qemu_monitor(std::string_view text);

/// The command line for a record.
std::string qemu_mce_command(const QemuMce& command);

}  // namespace mcemu::formats
