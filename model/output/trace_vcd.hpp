#pragma once  // The trace as a value change dump, for waveform viewers.
#include "core/run_view.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::output {

/// IEEE 1364-2005 section 18, timescale 1 ps, with the strings of GTKWave for enumerations. Scopes:
/// cpus, banks, worker, processes, pages, memory, kernel. Names are Verilog identifiers: what is
/// none of [A-Za-z0-9_] becomes "_", and a number makes equal names differ. Every signal has an
/// initial value; several changes at one time show the last one. The caller commits `file`.
void write_vcd(const RunView& view, AtomicFile& file);

}  // namespace mcemu::output
