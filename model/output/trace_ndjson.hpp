#pragma once  // The trace as newline-delimited JSON: a record a line, values by name.
#include <string_view>

#include "core/run_view.hpp"
#include "output/atomic_file.hpp"
#include "output/text_buffer.hpp"

namespace mcemu::output {

inline constexpr std::string_view kTraceSchema = "mcemu/trace/1";

/// One line per record still held, oldest first:
/// {"t_ps":1000210000,"id":7,"cause":6,"origin":"e1","module":"kernel","kind":"phase","cpu":0,
///  "latency":"kernel.mf_unmap","ps":4000000}. Addresses, registers and masks are hex strings.
/// The first record also says what the file is, which tells a whole file from one cut off:
/// "trace":{"schema":"mcemu/trace/1","scenario":..,"profile":..,"seed":..,"version":..,
///  "last":62,"end_ps":..,"processes":[{"id","pid","comm"}]}, with the id of the last record.
/// The caller commits `file`.
void write_ndjson(const RunView& view, AtomicFile& file);
/// The same lines to whoever takes them.
void write_ndjson(const RunView& view, const ByteSink& out);

}  // namespace mcemu::output
