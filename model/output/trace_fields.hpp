#pragma once  // The values of trace records by name, as JSON members.
#include <cstdint>
#include <string>
#include <vector>

#include "output/text_buffer.hpp"
#include "output/trace_names.hpp"
#include "output/trace_shape.hpp"

namespace mcemu::output {

class FieldWriter {
public:
    /// Writes to `out`; both must outlive this.
    FieldWriter(const TraceNames& names, TextBuffer& out);

    /// `,"cpu":0,"latency":"kernel.mf_unmap","ps":4000000`: what TraceKind says the record holds.
    void fields(const TraceRecord& record);
    /// The id of the scenario's event at the root, quoted; null: none.
    void origin(const TraceRecord& record);

private:
    void field(const Field& f, const std::string& key, std::uint64_t value, const TraceRecord& r);
    void put_id(const std::vector<std::string>& ids, std::uint64_t index);
    void put_log_text(std::uint64_t index);

    const TraceNames& names_;
    TextBuffer& out_;
    std::vector<std::string> events_, actions_, processes_, drams_, nvdimms_, memdevs_;  // JSON literals
    std::vector<std::string> keys_;                                            // per kind, five
    std::string text_, literal_;
};

}  // namespace mcemu::output
