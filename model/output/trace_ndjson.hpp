#pragma once  // The trace as newline-delimited JSON: a record a line, values by name.
#include <functional>
#include <string_view>

#include "core/run_view.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::output {

/// One line per record still held, oldest first:
/// {"t_ps":1000210000,"id":7,"cause":6,"origin":"e1","module":"kernel","kind":"phase","cpu":0,
///  "latency":"kernel.mf_unmap","ps":4000000}. Addresses, registers and masks are hex strings.
/// The caller commits `file`.
void write_ndjson(const RunView& view, AtomicFile& file);
/// The same lines to whoever takes them, some 64 KiB at a time.
void write_ndjson(const RunView& view, const std::function<void(std::string_view)>& out);

}  // namespace mcemu::output
