#pragma once  // What a campaign keeps of one run, and how it travels from the process that made it.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/units.hpp"
#include "output/exposure.hpp"

namespace mcemu::campaign {

/// Which run.
struct RunId {
    std::uint64_t cell = 0, rep = 0;
    auto operator<=>(const RunId&) const = default;
};

/// A measure's outcome in one run.
struct Duration {
    std::uint64_t ps = 0;
    /// Phase (a Lat as number, or kNoPhase) and picoseconds, in the order of the critical path.
    std::vector<std::pair<std::uint16_t, std::uint64_t>> phases;
    static constexpr std::uint16_t kNoPhase = 0xffff;
    bool operator==(const Duration&) const = default;
};

struct RunRecord {
    RunId id;
    std::uint64_t seed = 0;
    std::string of_class;   ///< one of the contract's; empty: the run failed
    int user_class = -1;    ///< index of the campaign's class that fits, or -1
    std::string failure;    ///< how the emulator itself failed ("signal 11", "time limit"), or empty
    std::uint64_t end_ps = 0;
    output::Exposure exposure;
    std::vector<std::optional<Duration>> durations;  ///< per measure; nullopt: it never came
    std::vector<std::optional<double>> numbers;      ///< per number of the campaign
    bool operator==(const RunRecord&) const = default;
};

/// Bytes for another process of this program on this machine; not a file format.
void encode(const RunRecord& record, std::string& out);
/// Takes one record from the front of `bytes`; nullopt when it is not complete yet. Throws
/// std::runtime_error for what is no record.
std::optional<RunRecord> decode(std::string_view& bytes);

}  // namespace mcemu::campaign
