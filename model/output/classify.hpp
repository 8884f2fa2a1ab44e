#pragma once  // The class of a run, for campaigns: one word from a closed list.
#include <cstdint>
#include <string_view>

#include "core/run_view.hpp"

namespace mcemu::output {

/// A class and what it rests on.
struct Classified {
    enum class Basis : std::uint8_t {
        end,         ///< how the run ended
        oops,
        restarts,    ///< an access that machine checks restart for ever
        event,       ///< the fate of the event `index`
        configured,  ///< what became of the errors that the configuration holds
        process,     ///< the process `index` was killed
        deadline,
        nothing,
    };
    std::string_view word;
    Basis basis = Basis::nothing;
    int index = -1;
};
Classified classified(const RunView& view, bool late);

/// The worst of what happened, in this order; the first rule that holds names the class
/// (core/meanings.hpp has them for users).
///
///   shutdown       a processor shut down and took the machine with it
///   panic          the kernel panicked
///   kernel-bug     an oops of the kernel stub's kernel
///   silent         poison was delivered as good data (its error was suppressed by EN or the bank's
///                  CTL), or an uncorrected error was lost to another one in its bank
///   over-kill      a process was killed that neither touched the poison nor had the page mapped
///   late           `late`: a deadline of the scenario (expect/latency/max) was missed
///   latent         an event's poison is still in the media or its record still in a bank, and
///                  nobody was told; or an uncorrected memory error was only logged: its page is
///                  still mapped cacheable
///   recovered      an uncorrected error was met and the kernel acted on it
///   corrected      a corrected error was logged
///   masked         what was injected was healed before anybody met it
///   not-effective  nothing was injected, or all of it was filtered: in no denominator
///
/// A scenario may also plant poison in its configuration, without an event: what the kernel did
/// then (its counters) stands for the event's fate.
std::string_view classify(const RunView& view, bool late);

/// Whether process `index` was killed though it neither touched the poison nor had it mapped.
bool bystander_killed(const RunView& view, std::uint32_t index);

}  // namespace mcemu::output
