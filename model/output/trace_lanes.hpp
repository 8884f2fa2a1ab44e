#pragma once  // Where on a timeline a trace record belongs: a CPU, a bank, a page ...
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace.hpp"
#include "output/trace_names.hpp"

namespace mcemu::output {

enum class LaneGroup : std::uint8_t {
    scenario, cpu, bank, worker, process, page, memory, kernel, count_
};
/// "CPUs", "banks": the heading of a group.
std::string_view word(LaneGroup group);

/// Lanes sort as they are shown. `number`: CPU; CPU << 32 | bank; process; page frame;
/// Module << 32 | device; KernelLane.
struct Lane {
    LaneGroup group = LaneGroup::kernel;
    std::uint64_t number = 0;
    auto operator<=>(const Lane&) const = default;
};
enum class KernelLane : std::uint8_t { log, nvdimm_driver, memory_types, other };

/// "CPU 3", "CPU 3 bank 7", "page 0x12345", "nmem0".
std::string lane_name(Lane lane, const TraceNames& names);

/// Takes the records of one trace in their order.
class LaneFinder {
public:
    /// The lane of `record`. What a worker does is found through its causes and through what only
    /// a worker does; causes further back than `kWindow` records are forgotten.
    Lane lane(std::uint32_t id, const TraceRecord& record);
    /// When a phase really begins: phases that are announced together follow each other. The
    /// record's own time for everything else. After lane() of the same record.
    SimTime begin(std::uint32_t id, const TraceRecord& record) const {
        return record.kind == TraceKind::phase ? past_[id % kWindow].end - SimTime{record.b}
                                               : record.at;
    }

private:
    static constexpr std::uint32_t kWindow = 1 << 16;
    struct Past {
        std::uint32_t id = 0;
        bool worker = false;
        SimTime at{};   // the record's own time
        SimTime end{};  // of a phase; else `at`
    };
    const Past* past(std::uint32_t id) const {
        if (past_.empty() || id == 0) return nullptr;
        const Past& p = past_[id % kWindow];
        return p.id == id ? &p : nullptr;
    }
    std::vector<Past> past_;
};

}  // namespace mcemu::output
