#include "output/trace_perfetto.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "output/text.hpp"
#include "output/trace_fields.hpp"
#include "output/trace_lanes.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

/// Slices of one lane that overlap without nesting need rows of their own: viewers drop them
/// otherwise. Row 0 has what has no length.
class Rows {
public:
    /// The first row beyond 0 that is free from `begin` on, which is then taken until `end`.
    std::uint32_t take(SimTime begin, SimTime end) {
        std::size_t row = 0;
        while (row < until_.size() && until_[row] > begin) ++row;
        if (row == until_.size()) until_.emplace_back();
        until_[row] = end;
        return static_cast<std::uint32_t>(row + 1);
    }

private:
    std::vector<SimTime> until_;
};

class Writer {
public:
    Writer(const RunView& view, AtomicFile& file)
        : view_(view), names_(names_of(view)), out_(file), fields_(names_, out_) {}

    void write() {
        find_causes();
        out_.put("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"scenario\":");
        put_string(view_.scenario.name);
        out_.put("},\"traceEvents\":[");
        for (std::uint32_t id = view_.trace.first(); view_.trace.holds(id); ++id)
            record(id, view_.trace[id]);
        for (auto& [lane, spans] : spans_)
            while (!spans.empty()) end_span(spans, view_.end);
        out_.put("\n]}\n");
        out_.flush();
    }

private:
    enum class Span : std::uint8_t { bank, poisoned, memory_failure };
    struct Track {
        std::uint32_t process, thread;
    };
    struct Open {
        Span what;
        Track track;
    };

    void find_causes() {
        const std::uint32_t first = view_.trace.first();
        has_effect_.resize(view_.trace.count() + 1);
        for (std::uint32_t id = first; view_.trace.holds(id); ++id)
            has_effect_[view_.trace[id].why.cause] = true;
    }

    void record(std::uint32_t id, const TraceRecord& r) {
        const Lane lane = lanes_.lane(id, r);
        close_spans(lane, r);
        std::string name = describe(r, names_);
        if (name.empty()) name = word(r.kind);
        if (r.kind == TraceKind::phase && r.b > 0) {
            const SimTime begin = lanes_.begin(id, r);
            const Track track = track_of(lane, rows_[lane].take(begin, begin + SimTime{r.b}));
            event("X", track, begin);
            out_.put(",\"dur\":");
            put_time(SimTime{r.b});
            put_name(latency_info(static_cast<Lat>(r.a)).name, r);
            put_args(id, r);
            flows(id, r, track, begin);
            return;
        }
        const Track track = track_of(lane, 0);
        event("B", track, r.at);
        put_name(name, r);
        put_args(id, r);
        flows(id, r, track, r.at);
        event("E", track, r.at);
        out_.put('}');
        open_span(lane, r);
    }

    /// From the cause to here, and onwards: inside the slice, to which viewers bind them.
    void flows(std::uint32_t id, const TraceRecord& r, Track track, SimTime at) {
        if (r.why.cause != 0 && view_.trace.holds(r.why.cause)) flow("f", r.why.cause, track, at);
        if (has_effect_[id]) flow("s", id, track, at);
    }
    void flow(std::string_view phase, std::uint32_t id, Track track, SimTime at) {
        event(phase, track, at);
        if (phase == "f") out_.put(",\"bp\":\"e\"");
        out_.put(",\"cat\":\"cause\",\"name\":\"cause\",\"id\":");
        out_.dec(id);
        out_.put('}');
    }

    // ------------------------------------------------------------ what lasts
    void open_span(Lane lane, const TraceRecord& r) {
        std::string name;
        Span what = Span::bank;
        if (r.kind == TraceKind::bank_logged) {
            name = "status " + hex(r.b);
        } else if (r.kind == TraceKind::page_flag && r.c != 0 &&
                   page_flag_name(static_cast<std::uint32_t>(r.b)) == "hwpoison") {
            what = Span::poisoned;
            name = "PG_hwpoison";
        } else if (r.kind == TraceKind::memory_failure) {
            what = Span::memory_failure;
            name = "memory_failure()";
        } else {
            return;
        }
        std::vector<Open>& spans = spans_[lane];
        for (const Open& open : spans)
            if (open.what == what) return;
        const Track track = track_of(lane, 100 + static_cast<std::uint32_t>(what));
        spans.push_back({what, track});
        event("B", track, r.at);
        put_name(name, r);
        out_.put('}');
    }
    void close_spans(Lane lane, const TraceRecord& r) {
        Span what = Span::bank;
        if (r.kind == TraceKind::memory_failure_end)
            what = Span::memory_failure;
        else if (r.kind == TraceKind::page_flag && r.c == 0 &&
                 page_flag_name(static_cast<std::uint32_t>(r.b)) == "hwpoison")
            what = Span::poisoned;
        else if (r.kind != TraceKind::bank_cleared && r.kind != TraceKind::bank_overwritten)
            return;
        const auto open = spans_.find(lane);
        if (open == spans_.end()) return;
        std::vector<Open>& spans = open->second;
        for (std::size_t i = 0; i < spans.size(); ++i) {
            if (spans[i].what != what) continue;
            std::swap(spans[i], spans.back());
            return end_span(spans, r.at);
        }
    }
    void end_span(std::vector<Open>& spans, SimTime at) {
        event("E", spans.back().track, at);
        out_.put('}');
        spans.pop_back();
    }

    // ------------------------------------------------------------ text
    Track track_of(Lane lane, std::uint32_t row) {
        const auto [place, fresh] = tracks_.try_emplace({lane, row});
        if (!fresh) return place->second;
        const auto process = static_cast<std::uint32_t>(lane.group) + 1;
        place->second = {process, static_cast<std::uint32_t>(tracks_.size())};
        if (!(named_ & 1u << process)) {
            named_ |= 1u << process;
            meta("process_name", place->second, word(lane.group));
            sort_index("process_sort_index", place->second, process);
        }
        std::string name = lane_name(lane, names_);
        if (row >= 100) {
            constexpr const char* kSpans[] = {" (valid)", " (poisoned)", " (memory_failure)"};
            name += kSpans[row - 100];
        } else if (row > 0) {
            name += row == 1 ? " (phases)" : " (phases " + std::to_string(row) + ")";
        }
        meta("thread_name", place->second, name);
        return place->second;
    }
    void meta(std::string_view what, Track track, std::string_view name) {
        event("M", track, SimTime{});
        out_.put(",\"name\":");
        out_.quoted(what);
        out_.put(",\"args\":{\"name\":");
        put_string(name);
        out_.put("}}");
    }
    void sort_index(std::string_view what, Track track, std::uint32_t index) {
        event("M", track, SimTime{});
        out_.put(",\"name\":");
        out_.quoted(what);
        out_.put(",\"args\":{\"sort_index\":");
        out_.dec(index);
        out_.put("}}");
    }
    /// All but the end of the object.
    void event(std::string_view phase, Track track, SimTime at) {
        out_.put(first_ ? "\n{\"ph\":" : ",\n{\"ph\":");
        first_ = false;
        out_.quoted(phase);
        out_.put(",\"pid\":");
        out_.dec(track.process);
        out_.put(",\"tid\":");
        out_.dec(track.thread);
        out_.put(",\"ts\":");
        put_time(at);
    }
    /// Microseconds.
    void put_time(SimTime t) {
        out_.dec(t.count() / 1'000'000);
        std::uint64_t rest = t.count() % 1'000'000;
        if (rest == 0) return;
        text_ = ".";
        append_padded(text_, rest, 6, '0');
        while (text_.back() == '0') text_.pop_back();
        out_.put(text_);
    }
    void put_name(std::string_view name, const TraceRecord& r) {
        out_.put(",\"name\":");
        put_string(name);
        out_.put(",\"cat\":");
        out_.quoted(word(r.module));
    }
    void put_args(std::uint32_t id, const TraceRecord& r) {
        out_.put(",\"args\":{\"id\":");
        out_.dec(id);
        out_.put(",\"cause\":");
        out_.dec(r.why.cause);
        out_.put(",\"kind\":");
        out_.quoted(word(r.kind));
        out_.put(",\"origin\":");
        fields_.origin(r);
        fields_.fields(r);
        out_.put("}}");
    }
    void put_string(std::string_view text) {
        literal_.clear();
        append_json_string(literal_, text);
        out_.put(literal_);
    }

    const RunView& view_;
    TraceNames names_;
    TextBuffer out_;
    FieldWriter fields_;
    LaneFinder lanes_;
    std::map<Lane, Rows> rows_;
    std::map<std::pair<Lane, std::uint32_t>, Track> tracks_;
    std::map<Lane, std::vector<Open>> spans_;
    std::vector<bool> has_effect_;
    std::uint32_t named_ = 0;  // bit per process
    bool first_ = true;
    std::string text_, literal_;
};

}  // namespace

void write_perfetto(const RunView& view, AtomicFile& file) {
    std::make_unique<Writer>(view, file)->write();  // its buffer is too big for a stack
}

}  // namespace mcemu::output
