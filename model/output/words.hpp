#pragma once  // The words of enumerations and numbers in results, traces and messages.
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/cxl/mailbox.hpp"
#include "core/event.hpp"
#include "core/fate.hpp"
#include "core/kernel/kernel.hpp"
#include "core/trace.hpp"

namespace mcemu::output {

std::string_view word(Fate fate);        ///< "consumed"; "none" without one
std::string_view word(Module module);    ///< "memory_controller"
std::string_view word(TraceKind kind);   ///< "bank_logged"
std::string_view word(cxl::PoisonSource source);  ///< "injected"
std::string_view word(AccessKind kind);  ///< "load"
std::string_view word(CounterName counter);  ///< "machine_checks"
inline constexpr std::string_view kDropReasons[] = {"left_in_bank", "not_enabled", "dont_log",
                                                    "bank_cleared", "filtered",    "pool_full"};
static_assert(std::size(kDropReasons) == static_cast<std::size_t>(DropReason::count_));
inline std::string_view word(DropReason why) { return kDropReasons[static_cast<std::size_t>(why)]; }
std::string_view word(kernel::Outcome outcome);
std::string_view word(kernel::ProcessState state);
std::string_view word(mca::Severity severity);     ///< "PANIC"
std::string_view word(mca::RecordSource source);   ///< "exception"
std::string_view word(kernel::LoggedRecord::Taken taken);
/// "UC-", "WB": as the direct map's types are written.
std::string_view short_word(kernel::CacheMode mode);
/// The scenario's word for an action: "madvise".
std::string_view word(const Action& action);

/// "SIGBUS"; the number where it has no name here.
std::string signal_name(int signo);
/// "BUS_MCEERR_AR"; the number where it has no name here.
std::string signal_code_name(int signo, int code);
/// "EBUSY" for 16; empty for a number that is no errno of Linux on x86.
std::string_view errno_name(int number);
/// 16 for "EBUSY" or "-EBUSY"; 0 when there is none of that name.
int errno_number(std::string_view name);

/// Name of a page flag bit: "hwpoison"; empty for an unused bit.
std::string_view page_flag_name(std::uint32_t bit);
/// Names of the set flags, rising by bit.
std::vector<std::string_view> page_flag_names(std::uint32_t flags);

/// A time for people: "1.000 ms", "30.834 us", "2.000 s".
std::string human_time(SimTime t);

}  // namespace mcemu::output
