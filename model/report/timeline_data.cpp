#include "report/timeline_data.hpp"

#include <set>

#include "core/latency.hpp"
#include "output/dmesg.hpp"
#include "output/trace_shape.hpp"
#include "output/words.hpp"

namespace mcemu::report {
namespace {

using output::As;

/// How the script shows a value: "n" as it is, "i" signed, "x" hex, or the name of a list.
std::string way_of(As as) {
    switch (as) {
        case As::signed_number: return "i";
        case As::hex: return "x";
        case As::event: return "events";
        case As::action: return "actions";
        case As::origin: return "origin";
        case As::process:
        case As::process_or_none: return "processes";
        case As::device: return "device";
        case As::latency: return "latencies";
        case As::access: return "access";
        case As::access_result: return "access_result";
        case As::page_flag: return "flags";
        case As::process_state: return "states";
        case As::signal: return "signal";
        case As::signal_code: return "code";
        case As::cache_mode: return "modes";
        case As::requested_mode: return "requested";
        case As::found_mode: return "found";
        case As::log_index:
        case As::log_text: return "text";
        case As::low_byte: return "low";
        case As::high_byte: return "high";
        case As::word: return "words";
        default: return "n";
    }
}

template <class Word>
Json list_of(std::uint64_t count, Word word) {
    Json list = Json::array();
    for (std::uint64_t i = 0; i < count; ++i) list.push_back(std::string(word(i)));
    return list;
}

Json shapes() {
    Json all = Json::array();
    for (std::size_t kind = 0; kind < static_cast<std::size_t>(TraceKind::count_); ++kind) {
        const output::Shape& shape = output::shape_of(static_cast<TraceKind>(kind));
        const std::string more(1, shape.more_of);
        Json fields = Json::array();
        const auto add = [&](const output::Field& f, const std::string& slot) {
            if (f.as == As::none) return;
            Json field = {f.name, slot, way_of(f.as)};
            if (f.as == As::word) {
                Json words = Json::array();
                for (const std::string_view w : f.words) words.push_back(std::string(w));
                field.push_back(std::move(words));
            }
            fields.push_back(std::move(field));
        };
        add(shape.subject, "s");
        add(shape.a, "a");
        add(shape.b, "b");
        add(shape.c, "c");
        add(shape.more, more);
        all.push_back(std::move(fields));
    }
    return all;
}

/// The codes of signals that occur, by "signo:code".
Json codes_of(const TraceFigures& trace) {
    Json codes = Json::object();
    std::set<std::uint64_t> seen;
    for (const TimelineRow& row : trace.timeline.rows()) {
        if (row.record.kind != TraceKind::signal_sent && row.record.kind != TraceKind::signal_delivered)
            continue;
        if (!seen.insert(row.record.a).second) continue;
        const int signo = static_cast<int>(row.record.a & 0xff);
        const int code = static_cast<int>(static_cast<std::int64_t>(row.record.a) >> 8);
        codes[std::to_string(signo) + ":" + std::to_string(code)] =
            output::signal_code_name(signo, code);
    }
    return codes;
}

}  // namespace

Json timeline_head(const TraceFigures& t) {
    const Timeline& timeline = t.timeline;
    Json lanes = Json::array();
    for (std::size_t i = 0; i < timeline.lanes().size(); ++i)
        lanes.push_back({static_cast<int>(timeline.lanes()[i].group),
                         output::lane_name(timeline.lanes()[i], t.names),
                         timeline.lane_counts()[i], timeline.lanes()[i].number});
    Json texts = Json::array();
    for (const std::string& text : timeline.texts()) texts.push_back(text);
    const auto words = [](auto type, std::uint64_t i) {
        return output::word(static_cast<decltype(type)>(i));
    };
    return {
        {"rows", timeline.rows().size()},
        {"t0", timeline.first_at()},
        {"end", timeline.last_at()},
        {"lanes", std::move(lanes)},
        {"groups", list_of(static_cast<std::uint64_t>(output::LaneGroup::count_),
                           [&](std::uint64_t i) { return words(output::LaneGroup{}, i); })},
        {"kinds", list_of(static_cast<std::uint64_t>(TraceKind::count_),
                          [&](std::uint64_t i) { return words(TraceKind{}, i); })},
        {"phase", static_cast<int>(TraceKind::phase)},
        {"shapes", shapes()},
        {"events", t.names.events},
        {"actions", t.names.actions},
        {"processes", t.names.processes},
        {"drams", t.names.drams},
        {"nvdimms", t.names.nvdimms},
        {"latencies", list_of(kLatCount, [](std::uint64_t i) {
             return latency_info(static_cast<Lat>(i)).name;
         })},
        {"flags", list_of(32, [](std::uint64_t i) {
             return output::page_flag_name(static_cast<std::uint32_t>(i));
         })},
        {"states", list_of(4, [&](std::uint64_t i) { return words(kernel::ProcessState{}, i); })},
        {"access", list_of(8, [&](std::uint64_t i) { return words(AccessKind{}, i); })},
        {"access_result", list_of(output::access_results().size(),
                                  [](std::uint64_t i) { return output::access_results()[i]; })},
        {"modes", list_of(8, [](std::uint64_t i) { return output::cache_mode_name(i); })},
        {"signals", list_of(65, [](std::uint64_t i) {
             return output::signal_name(static_cast<int>(i));
         })},
        {"codes", codes_of(t)},
        {"texts", std::move(texts)},
    };
}

}  // namespace mcemu::report
