#pragma once  // The trace as Chrome trace JSON, for Perfetto and chrome://tracing.
#include "core/run_view.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::output {

/// {"displayTimeUnit":"ns","traceEvents":[...]}: a process per group of lanes, a thread per lane
/// (CPU, bank, worker, process, page, memory device); phases as complete events, everything else as
/// slices without length, what lasts (a valid bank, PG_hwpoison, memory_failure()) as slices with
/// it; a flow from each cause to its effects. Times in microseconds of the simulation, exact to the
/// picosecond. The caller commits `file`.
void write_perfetto(const RunView& view, AtomicFile& file);

}  // namespace mcemu::output
