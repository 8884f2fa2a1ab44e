#pragma once  // What SystemC itself costs on this machine, now: the yardstick of every ratio.
#include <cstdint>
#include <string>
#include <vector>

namespace mcemu::bench {

/// The cases, in this order:
///   a     one SC_METHOD that reschedules itself with next_trigger(1 ns)
///   b     one sc_event, notify(1 ns), and a method statically sensitive to it
///   e64, e256, e512, e1024, e4096
///         one sc_event that wakes as many methods; the unit is one method woken
///   j1    an agenda (one method, one sc_event, own heap), one entry per timestamp
///   j16   the same with 16 entries on every timestamp
///   jq    as j1, running ahead within 1 us of local time per activation
///   f     the agenda's heap without SystemC
const std::vector<std::string>& raw_cases();

/// Events per second of one case. Needs a SystemC kernel of its own (a forked child).
double raw_rate(const std::string& name, std::uint64_t events);

}  // namespace mcemu::bench
