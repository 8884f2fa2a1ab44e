#pragma once  // Why something happened: the chain of trace records back to the scenario's event.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/run_view.hpp"
#include "output/encounters.hpp"
#include "output/trace_names.hpp"

namespace mcemu::output {

class Causes {
public:
    explicit Causes(const RunView& view) : view_(view) {}

    /// Ids of the records that led to `id`, oldest first, `id` itself last. Begins with the
    /// scenario event that is at the root; later when the trace no longer holds the beginning.
    std::vector<std::uint32_t> chain(std::uint32_t id) const;
    /// 1 + index of the scenario event that the chain begins with: the error's own, or the one
    /// that met it (a load that reads what an earlier event poisoned). 0: the trace has lost it.
    std::uint32_t root(const std::vector<std::uint32_t>& chain) const;

    /// One record in a few words: "bank 1 of CPU 0 latched 0xbd80000000100134".
    std::string describe(std::uint32_t id) const;
    /// The chain of `id` in words, joined by " -> ", without phases and log lines; long chains
    /// lose their middle. Empty when the record is gone.
    std::string story(std::uint32_t id) const;

    const Encounters& encounters() const;
    std::string event_id(std::uint32_t index) const;
    std::string process_id(std::uint32_t index) const;

private:
    const TraceNames& names() const;

    const RunView& view_;
    // Made when the first one is asked for.
    mutable std::optional<TraceNames> names_;
    mutable std::optional<Encounters> encounters_;
};

}  // namespace mcemu::output
