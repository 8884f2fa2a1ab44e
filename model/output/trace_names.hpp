#pragma once  // The names behind the numbers of trace records, and a record in a few words.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/run_view.hpp"

namespace mcemu::output {

/// What a trace record holds as an index, by name. An index beyond a list has no name.
struct TraceNames {
    std::vector<std::string> events;   ///< ids
    std::vector<std::string> actions;  ///< per event, the scenario's word: "madvise"
    std::vector<std::string> processes, drams, nvdimms, memdevs;
    /// Appends the text of a line of the kernel log.
    std::function<void(std::string& out, std::uint64_t index)> log_text;

    std::string event(std::uint64_t index) const;    ///< "event 7" without a name
    std::string action(std::uint64_t index) const;   ///< "?" without a name
    std::string process(std::uint64_t index) const;  ///< "process 7" without a name
    /// Subject of a record of module dram, nvdimm or firmware; "root": the bus (ACPI0012).
    std::string device(Module module, std::uint32_t index) const;
};

/// The names of a run; `view` must outlive them.
TraceNames names_of(const RunView& view);

/// "bank 1 of CPU 0 latched 0xbd80000000100134".
std::string describe(const TraceRecord& record, const TraceNames& names);

}  // namespace mcemu::output
