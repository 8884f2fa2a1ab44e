#include "report/chains.hpp"

#include <algorithm>

namespace mcemu::report {

const Past* Chains::find(std::uint32_t id) const {
    if (id == 0 || past_.empty()) return nullptr;
    const std::size_t place = id & (past_.size() - 1);
    return past_[place].id == id ? &past_[place] : nullptr;
}

const Past& Chains::add(std::uint32_t id, const TraceRecord& r) {
    // Doubles while everything still fits: small traces take little memory.
    if (past_.size() < kWindow && (past_.empty() || past_[id & (past_.size() - 1)].id != 0)) {
        std::vector<Past> larger(std::max<std::size_t>(past_.size() * 2, 1024));
        for (const Past& p : past_)
            if (p.id != 0) larger[p.id & (larger.size() - 1)] = p;
        past_ = std::move(larger);
    }
    Past now;
    now.id = id;
    now.cause = r.why.cause;
    now.root = id;
    now.kind = r.kind;
    now.subject = r.subject;
    now.origin = r.why.origin;
    now.at = now.end = r.at.count();
    now.a = r.a;
    now.b = r.b;
    const Past* cause = find(r.why.cause);
    if (r.kind == TraceKind::phase) {
        // Phases of one moment are announced one after the other: the second waits for the first.
        if (cause && cause->at == now.at) now.end = std::max(now.end, cause->end);
        now.end += r.b;
        if (endings_.empty()) endings_.resize(std::size_t{1} << 16);
        if (r.b != 0) endings_[place_of(now.end, now.origin)] = id;
    }
    if (cause) {
        now.root = cause->root;
        if (r.kind != TraceKind::scenario_event) now.failure = cause->failure;
    }
    if (r.kind == TraceKind::memory_failure) now.failure = r.a;
    if (cause && now.at > cause->at && now.at != cause->end) now.setter = setter_of(now);
    Past& place = past_[id & (past_.size() - 1)];
    place = now;
    return place;
}

std::uint32_t Chains::setter_of(const Past& now) const {
    if (endings_.empty()) return 0;
    const Past* phase = find(endings_[place_of(now.at, now.origin)]);
    if (!phase || phase->end != now.at || phase->origin != now.origin || phase->root != now.root)
        return 0;
    return phase->id;
}

void Chains::path(const Past& effect, std::uint32_t origin, Path& path) const {
    path.steps.clear();
    path.whole = false;
    for (const Past* p = &effect; p; p = before(*p)) {
        path.steps.push_back(p);
        if (p->kind == TraceKind::scenario_event && (p->subject + 1 == origin || p->cause == 0)) {
            path.whole = true;
            break;
        }
    }
    account(path);
}

/// Divides the time between the steps among the phases that were announced before. A chain that
/// leaves in the middle of a phase takes only what had passed of it.
void Chains::account(Path& path) {
    std::reverse(path.steps.begin(), path.steps.end());
    path.spent.clear();
    path.begin = path.steps.empty() ? 0 : path.steps.front()->at;
    const auto add = [&](std::uint32_t latency, std::uint64_t ps) {
        if (ps == 0) return;
        if (!path.spent.empty() && path.spent.back().latency == latency)
            path.spent.back().ps += ps;
        else
            path.spent.push_back({latency, ps});
    };
    std::size_t first = 0;  // the oldest step whose phase has not been spent
    std::uint64_t now = path.begin;
    for (std::size_t i = 1; i < path.steps.size(); ++i) {
        std::uint64_t gap = path.steps[i]->at - now;
        if (gap == 0) continue;
        for (; first < i && gap > 0; ++first) {
            if (path.steps[first]->kind != TraceKind::phase) continue;
            const std::uint64_t ps = std::min(gap, path.steps[first]->b);
            add(static_cast<std::uint32_t>(path.steps[first]->a), ps);
            gap -= ps;
        }
        add(kUnnamed, gap);
        first = i;
        now = path.steps[i]->at;
    }
}

}  // namespace mcemu::report
