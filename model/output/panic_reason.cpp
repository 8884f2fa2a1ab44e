#include "output/panic_reason.hpp"

#include <algorithm>

#include "core/mca/status.hpp"
#include "output/dmesg.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

using kernel::Line;
using kernel::LogRecord;

/// The last line of that kind; null: there is none.
const LogRecord* last_line(const RunView& view, Line line) {
    const auto& log = view.kernel.log.records();
    const auto it = std::find_if(log.rbegin(), log.rend(),
                                 [&](const LogRecord& r) { return r.line == line; });
    return it == log.rend() ? nullptr : &*it;
}

/// The row that has this message and graded a record so; 0: it is no row's.
unsigned row_of(const RunView& view, std::string_view message) {
    const mca::SeverityGrader& grader = view.kernel.machine_check_core.grader();
    unsigned number = 0;
    for (const mca::SeverityRow& row : grader.table())
        if (grader.covered(++number) && row.message == message) return number;
    return 0;
}

std::string record_words(const RunView& view) {
    const LogRecord* r = last_line(view, Line::mce_cpu);
    if (!r) return {};
    const auto mcg = static_cast<std::uint64_t>(r->args[2]);
    const auto bank = static_cast<std::int64_t>(r->args[3]);
    std::string out = "CPU " + std::to_string(r->args[0]) + ", ";
    if (bank >= 0) out += "bank " + std::to_string(bank) + ", ";
    return out + "STATUS " + hex(static_cast<std::uint64_t>(r->args[4])) + ", MCG_STATUS " + hex(mcg) +
           ": RIPV " + (mcg & mca::MCG_STATUS_RIPV ? "1" : "0") + ", EIPV " +
           (mcg & mca::MCG_STATUS_EIPV ? "1" : "0");
}

/// Without a record that was graded PANIC: what the machine check lacked.
std::string no_row(const RunView& view) {
    if (view.kernel.counters.machine_checks == 0) return {};
    const bool valid = std::any_of(view.banks.begin(), view.banks.end(), [](const BankSnapshot& b) {
        return (b.status & mca::MCI_STATUS_VAL) != 0;
    });
    const auto& records = view.kernel.machine_check_core.records();
    if (records.empty() && !valid) return "no bank held a valid record (VAL), and none was graded";
    return "no record was graded PANIC";
}

}  // namespace

std::string panic_line(const RunView& view) {
    if (view.kernel.outcome != kernel::Outcome::panic) return {};
    const LogRecord* line = last_line(view, Line::panic);
    return line ? Dmesg(view.scenario.kernel.profile, view.names).text(*line) : std::string();
}

std::string panic_reason(const RunView& view) {
    const std::string line = panic_line(view);
    if (line.empty()) return {};
    std::string out;
    if (const LogRecord* graded = last_line(view, Line::mce_machine_check)) {
        const std::string& message = view.names[static_cast<std::uint32_t>(graded->args[0])];
        const unsigned row = row_of(view, message);
        const bool v6 = view.scenario.kernel.profile == ProfileId::v6_1;
        const std::string record = record_words(view);
        out = row == 0 ? "machine check: \"" + message + "\""
                       : "row " + std::to_string(row) + " of the severity table (" +
                             (v6 ? "v6.1" : "v4.x") + ") graded PANIC, \"" + message + "\"";
        if (!record.empty()) out += " (" + record + ")";
    } else {
        out = no_row(view);
    }
    return out + (out.empty() ? "log: " : "; log: ") + line;
}

}  // namespace mcemu::output
