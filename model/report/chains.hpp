#pragma once  // The causes of recent records, in bounded memory.
#include <cstdint>
#include <vector>

#include "core/trace.hpp"

namespace mcemu::report {

/// What is kept of a record for those that it causes.
struct Past {
    std::uint32_t id = 0;
    std::uint32_t cause = 0;
    std::uint32_t root = 0;     ///< record where its chain begins; itself when it has no cause
    TraceKind kind = TraceKind::count_;
    std::uint32_t subject = 0;
    std::uint32_t setter = 0;   ///< record whose end set the time, where that is not the cause
    std::uint32_t origin = 0;   ///< as in Causality
    std::uint64_t end = 0;      ///< ps; of a phase when it is over, else `at`
    std::uint64_t at = 0;       ///< ps
    std::uint64_t a = 0, b = 0; ///< as in TraceRecord
    std::uint64_t failure = ~std::uint64_t{0};  ///< page frame whose memory_failure() it belongs to
};

class Chains {
public:
    /// Causes further back than this many records are forgotten.
    static constexpr std::uint32_t kWindow = 1u << 20;

    /// Takes the records of one trace in their order; returns what is kept of this one.
    const Past& add(std::uint32_t id, const TraceRecord& record);
    /// Null: none, or forgotten.
    const Past* find(std::uint32_t id) const;

    /// A step of a chain, and what its phases took until the next step.
    struct Spent {
        std::uint32_t latency;  ///< Lat; kUnnamed: time that no phase accounts for
        std::uint64_t ps;
    };
    static constexpr std::uint32_t kUnnamed = 0xffffffff;

    struct Path {
        std::vector<const Past*> steps;  ///< oldest first
        std::vector<Spent> spent;        ///< in order, neighbours of one name put together
        std::uint64_t begin = 0;         ///< ps
        bool whole = false;              ///< the beginning was found
    };
    /// The critical path: from `effect` back to the scenario's event that began it: its own (`origin`, 1 + index), or
    /// else the one that met the error. Each step's predecessor is what set its time: the phase that
    /// ended in that moment for the same reason (a signal waits for the return to user mode), or
    /// else its cause. Reuses `path`.
    void path(const Past& effect, std::uint32_t origin, Path& path) const;
    /// The same, back to the nearest record for which `stop` is true.
    template <class Stop>
    void path_to(const Past& effect, Stop stop, Path& path) const {
        path.steps.clear();
        path.whole = false;
        for (const Past* p = &effect; p; p = before(*p)) {
            path.steps.push_back(p);
            if (p != &effect && stop(*p)) {
                path.whole = true;
                break;
            }
        }
        account(path);
    }

private:
    const Past* before(const Past& p) const { return find(p.setter ? p.setter : p.cause); }
    std::uint32_t setter_of(const Past& now) const;
    static std::size_t place_of(std::uint64_t end, std::uint32_t origin) {
        return (end * 0x9e3779b97f4a7c15ull + origin * 0x85ebca77u) >> 48;
    }
    static void account(Path& path);
    std::vector<std::uint32_t> endings_;  // by place_of(): the latest phase that ends there
    std::vector<Past> past_;  // a ring once kWindow are there
};

}  // namespace mcemu::report
