#include "output/trace_ndjson.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "output/result.hpp"
#include "output/text.hpp"
#include "output/trace_fields.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

class Writer {
public:
    Writer(const RunView& view, ByteSink out)
        : view_(view), names_(names_of(view)), out_(std::move(out)), fields_(names_, out_) {
        for (std::size_t kind = 0; kind < static_cast<std::size_t>(TraceKind::count_); ++kind)
            kinds_.push_back(",\"kind\":\"" + std::string(word(static_cast<TraceKind>(kind))) + "\"");
    }

    void record(std::uint32_t id, const TraceRecord& r) {
        out_.put("{\"t_ps\":");
        out_.dec(r.at.count());
        out_.put(",\"id\":");
        out_.dec(id);
        out_.put(",\"cause\":");
        out_.dec(r.why.cause);
        out_.put(",\"origin\":");
        fields_.origin(r);
        out_.put(",\"module\":");
        out_.quoted(word(r.module));
        out_.put(kinds_[static_cast<std::size_t>(r.kind)]);
        fields_.fields(r);
        if (id == view_.trace.first()) head();
        out_.put("}\n");
    }
    void flush() { out_.flush(); }

private:
    /// What the file is: its first record says it, so that every line remains a record.
    void head() {
        const Scenario& s = view_.scenario;
        std::string text = ",\"trace\":{\"schema\":\"" + std::string(kTraceSchema) + "\",\"scenario\":";
        append_json_string(text, s.name);
        text += ",\"profile\":\"" + std::string(kernel::profile(s.kernel.profile).name);
        text += "\",\"seed\":" + std::to_string(s.seed) + ",\"version\":";
        append_json_string(text, program_version());
        text += ",\"last\":" + std::to_string(view_.trace.count());
        text += ",\"end_ps\":" + std::to_string(view_.end.count()) + ",\"processes\":[";
        const char* separator = "";
        for (std::uint32_t i = 0; i < view_.kernel.processes.size(); ++i) {
            const kernel::Process& p = view_.kernel.processes[i];
            text += separator;
            text += "{\"id\":";
            append_json_string(text, p.id);
            text += ",\"pid\":" + std::to_string(p.pid) + ",\"comm\":";
            append_json_string(text, view_.names[p.comm]);
            text += "}";
            separator = ",";
        }
        text += "]}";
        out_.put(text);
    }

    const RunView& view_;
    TraceNames names_;
    TextBuffer out_;
    FieldWriter fields_;
    std::vector<std::string> kinds_;  // the member, per kind
};

}  // namespace

void write_ndjson(const RunView& view, AtomicFile& file) {
    write_ndjson(view, [&file](std::string_view bytes) { file.write(bytes); });
}

void write_ndjson(const RunView& view, const ByteSink& out) {
    const auto writer = std::make_unique<Writer>(view, out);  // its buffer is too big for a stack
    for (std::uint32_t id = view.trace.first(); id <= view.trace.count(); ++id)
        if (view.trace.holds(id)) writer->record(id, view.trace[id]);
    writer->flush();
}

}  // namespace mcemu::output
