#include "output/causes.hpp"

#include <algorithm>

namespace mcemu::output {

const TraceNames& Causes::names() const {
    if (!names_) names_ = names_of(view_);
    return *names_;
}

const Encounters& Causes::encounters() const {
    if (!encounters_) encounters_.emplace(view_);
    return *encounters_;
}

std::string Causes::event_id(std::uint32_t index) const { return names().event(index); }

std::string Causes::process_id(std::uint32_t index) const { return names().process(index); }

std::vector<std::uint32_t> Causes::chain(std::uint32_t id) const {
    std::vector<std::uint32_t> ids;
    const std::uint32_t origin = view_.trace.holds(id) ? view_.trace[id].why.origin : 0;
    while (id != 0 && view_.trace.holds(id)) {
        ids.push_back(id);
        const TraceRecord& r = view_.trace[id];
        // A trigger may chain one event to another: the story of an effect begins at its own.
        if (r.kind == TraceKind::scenario_event && r.subject + 1 == origin) break;
        if (r.why.cause >= id) break;  // causes are older than their effects
        id = r.why.cause;
    }
    std::reverse(ids.begin(), ids.end());
    return ids;
}

std::uint32_t Causes::root(const std::vector<std::uint32_t>& chain) const {
    if (chain.empty()) return 0;
    const TraceRecord& first = view_.trace[chain.front()];
    return first.kind == TraceKind::scenario_event ? first.subject + 1 : 0;
}

std::string Causes::describe(std::uint32_t id) const {
    if (!view_.trace.holds(id)) return "record " + std::to_string(id);
    return output::describe(view_.trace[id], names());
}

std::string Causes::story(std::uint32_t id) const {
    constexpr std::size_t kMost = 7;  // as many steps as a reader takes in at a glance
    std::vector<std::uint32_t> ids = chain(id);
    std::erase_if(ids, [&](std::uint32_t i) {
        const TraceKind k = view_.trace[i].kind;
        return k == TraceKind::phase || k == TraceKind::log_line || k == TraceKind::lock_wait ||
               k == TraceKind::bank_cleared || k == TraceKind::tlb_flush ||
               k == TraceKind::cache_flush;
    });
    std::string out;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!out.empty()) out += " -> ";
        if (ids.size() > kMost && i == 3) {
            out += "... -> ";
            i = ids.size() - 3;
        }
        out += describe(ids[i]);
    }
    return out;
}

}  // namespace mcemu::output
