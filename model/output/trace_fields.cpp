#include "output/trace_fields.hpp"

#include "output/dmesg.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

std::vector<std::string> literals(const std::vector<std::string>& texts) {
    std::vector<std::string> out(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) append_json_string(out[i], texts[i]);
    return out;
}

}  // namespace

FieldWriter::FieldWriter(const TraceNames& names, TextBuffer& out)
    : names_(names),
      out_(out),
      events_(literals(names.events)),
      actions_(literals(names.actions)),
      processes_(literals(names.processes)),
      drams_(literals(names.drams)),
      nvdimms_(literals(names.nvdimms)),
      memdevs_(literals(names.memdevs)) {
    for (std::size_t kind = 0; kind < static_cast<std::size_t>(TraceKind::count_); ++kind) {
        const Shape& shape = shape_of(static_cast<TraceKind>(kind));
        for (const Field* f : {&shape.subject, &shape.a, &shape.b, &shape.c, &shape.more})
            keys_.push_back(f->name ? ",\"" + std::string(f->name) + "\":" : "");
    }
}

void FieldWriter::fields(const TraceRecord& r) {
    const Shape& shape = shape_of(r.kind);
    const std::string* keys = &keys_[static_cast<std::size_t>(r.kind) * 5];
    field(shape.subject, keys[0], r.subject, r);
    field(shape.a, keys[1], r.a, r);
    field(shape.b, keys[2], r.b, r);
    field(shape.c, keys[3], r.c, r);
    const bool in_subject = shape.more_of == 's';
    field(shape.more, keys[4], in_subject ? r.subject : shape.more_of == 'a' ? r.a : r.c, r);
}

void FieldWriter::origin(const TraceRecord& r) {
    if (r.why.origin == 0)
        out_.put("null");
    else
        put_id(events_, r.why.origin - 1);
}

void FieldWriter::put_id(const std::vector<std::string>& ids, std::uint64_t index) {
    if (index < ids.size())
        out_.put(ids[index]);
    else
        out_.dec(index);
}

void FieldWriter::put_log_text(std::uint64_t index) {
    text_.clear();
    literal_.clear();
    if (names_.log_text) names_.log_text(text_, index);
    append_json_string(literal_, text_);
    out_.put(literal_);
}

void FieldWriter::field(const Field& f, const std::string& key, std::uint64_t value,
                        const TraceRecord& r) {
    if (f.as == As::none) return;
    out_.put(key);
    switch (f.as) {
        case As::number:
            return out_.dec(value);
        case As::signed_number:
            return out_.signed_dec(static_cast<std::int64_t>(value));
        case As::hex:
            return out_.hex(value);
        case As::event:
            return put_id(events_, value);
        case As::origin:
            if (value == 0) return out_.put("null");
            return put_id(events_, value - 1);
        case As::action:
            return put_id(actions_, value);
        case As::process:
            return put_id(processes_, value);
        case As::process_or_none:
            if (static_cast<std::uint32_t>(value) == ~std::uint32_t{0}) return out_.put("null");
            return put_id(processes_, value);
        case As::device:  // the bus's own calls go to its root device (ACPI0012)
            if (static_cast<std::uint32_t>(value) == ~std::uint32_t{0})
                return out_.put("\"root\"");
            return put_id(r.module == Module::dram     ? drams_
                          : r.module == Module::memdev ? memdevs_
                                                       : nvdimms_,
                          value);
        case As::latency:
            return out_.quoted(latency_info(static_cast<Lat>(value)).name);
        case As::access:
            return out_.quoted(word(static_cast<AccessKind>(value & 0xff)));
        case As::access_result: {
            const std::uint64_t result = value >> 8;
            if (result < access_results().size())
                return out_.quoted(access_results()[result]);
            return out_.dec(result);
        }
        case As::page_flag:
            return out_.quoted(page_flag_name(static_cast<std::uint32_t>(value)));
        case As::process_state:
            return out_.quoted(word(static_cast<kernel::ProcessState>(value)));
        case As::signal:
            return out_.quoted(signal_name(static_cast<int>(value & 0xff)));
        case As::signal_code:
            return out_.quoted(
                signal_code_name(static_cast<int>(value & 0xff), static_cast<int>(value >> 8)));
        case As::cache_mode:
            return out_.quoted(cache_mode_name(value));
        case As::requested_mode:
            return out_.quoted(cache_mode_name(value & 0xff));
        case As::found_mode:
            return out_.quoted(cache_mode_name(value >> 8));
        case As::low_byte:
            return out_.dec(value & 0xff);
        case As::high_byte:
            return out_.signed_dec(static_cast<std::int64_t>(value) >> 8);
        case As::word:
            if (value < f.words.size()) return out_.quoted(f.words[value]);
            return out_.dec(value);
        case As::log_text:
            return put_log_text(r.subject);
        case As::log_index:
            return put_log_text(r.a);
        case As::none:
            return;
    }
}

}  // namespace mcemu::output
