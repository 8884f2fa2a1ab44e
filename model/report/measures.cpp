#include "report/measures.hpp"

#include <algorithm>

#include "output/words.hpp"
#include "report/values.hpp"

namespace mcemu::report {
namespace {

bool closes_direct_map(const TraceRecord& r) {
    constexpr std::uint64_t kPresent = 1 << 8;
    const auto cacheable = [](std::uint64_t packed) {
        return (packed & kPresent) != 0 &&
               static_cast<kernel::CacheMode>(packed & 0xff) == kernel::CacheMode::wb;
    };
    return cacheable(r.c) && !cacheable(r.b);
}

/// What a record is the effect of, in words; empty: of nothing that is measured.
std::string_view effect_of(const TraceRecord& r, const Past& past) {
    switch (r.kind) {
        case TraceKind::mc_taken:
            return "#MC taken";
        case TraceKind::cmci:
            return "CMCI";
        case TraceKind::mce_record:
            return "error recorded";
        case TraceKind::memory_failure_end:
            return "memory_failure() done";
        case TraceKind::page_flag:
            return r.c != 0 && r.b == kernel::PG_hwpoison ? "PG_hwpoison set" : "";
        case TraceKind::page_unmapped:
            // The failed page itself, not what its process loses when it dies of it.
            return past.failure >= r.c && past.failure - r.c < r.b >> kPageShift ? "page unmapped" : "";
        case TraceKind::direct_map:
            return closes_direct_map(r) ? "direct map closed" : "";
        case TraceKind::signal_delivered:
            return "signal delivered";
        case TraceKind::process_state:
            return "process ended";
        case TraceKind::syscall:
            return "system call returned";
        case TraceKind::badblocks_set:
            return "bad block known";
        case TraceKind::panic:
            return "panic";
        case TraceKind::shutdown:
            return "shutdown";
        case TraceKind::oops:
            return "oops";
        default:
            return "";
    }
}

/// Effects that have a name of their own, as expectations write it.
std::string named_effect(const TraceRecord& r, const output::TraceNames& names) {
    switch (r.kind) {
        case TraceKind::signal_delivered:
            return "signal:" + names.process(r.subject);
        case TraceKind::syscall:
            return "syscall:" + names.event(r.subject);
        case TraceKind::panic:
            return "panic";
        default:
            return "";
    }
}

}  // namespace

std::string_view phase_name(std::size_t phase) {
    if (phase < kLatCount) return latency_info(static_cast<Lat>(phase)).name;
    return phase == kUnnamed ? "waiting" : "latent";
}

void Measure::add(std::uint64_t ps,
                  const std::vector<std::pair<std::uint32_t, std::uint64_t>>& way,
                  std::uint32_t cause_id, std::uint32_t effect_id) {
    if (samples.count() == 0) first = static_cast<double>(ps);
    const double beyond = static_cast<double>(ps) - first;
    totals += beyond;
    samples.add(ps);
    if (deadline && ps > *deadline) ++missed;
    for (std::size_t i = 0; i < way.size(); ++i) {
        Phase& phase = phases[way[i].first];
        phase.ps += way[i].second;
        phase.with_total += static_cast<double>(way[i].second) * beyond;
        const bool again = std::any_of(way.begin(), way.begin() + static_cast<std::ptrdiff_t>(i),
                                       [&](const auto& w) { return w.first == way[i].first; });
        if (!again) ++phase.samples;
    }
    if (slowest.size() == kSlowest && slowest.back().ps >= ps) return;
    const auto place = std::upper_bound(slowest.begin(), slowest.end(), ps,
                                        [](std::uint64_t v, const Slow& s) { return v > s.ps; });
    slowest.insert(place, {ps, cause_id, effect_id, 0, way});
    if (slowest.size() > kSlowest) slowest.pop_back();
}

void Measure::merge(const Measure& other, std::uint32_t run) {
    if (other.samples.count() == 0) return;
    if (samples.count() == 0) first = other.first;
    const double shift = other.first - first;
    totals += other.totals + static_cast<double>(other.samples.count()) * shift;
    samples.merge(other.samples);
    missed += other.missed;
    if (!deadline) deadline = other.deadline;
    for (std::size_t i = 0; i < kPhases; ++i) {
        phases[i].with_total +=
            other.phases[i].with_total + static_cast<double>(other.phases[i].ps) * shift;
        phases[i].ps += other.phases[i].ps;
        phases[i].samples += other.phases[i].samples;
    }
    for (Slow slow : other.slowest) {
        slow.run = run;
        slowest.push_back(std::move(slow));
    }
    std::stable_sort(slowest.begin(), slowest.end(),
                     [](const Slow& a, const Slow& b) { return a.ps > b.ps; });
    if (slowest.size() > kSlowest) slowest.resize(kSlowest);
}

double Measure::variance_share(std::size_t phase) const {
    const double deviation = samples.standard_deviation();
    const auto n = static_cast<double>(samples.count());
    if (deviation == 0 || n < 2) return 0;
    const double sum = static_cast<double>(phases[phase].ps);
    const double covariance = (phases[phase].with_total - sum * totals / n) / (n - 1);
    return covariance / (deviation * deviation);
}

Measures::Measures(const output::TraceNames& names, std::vector<Wanted> wanted)
    : names_(names), wanted_(std::move(wanted)), asked_(wanted_.size()) {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        asked_[i].from = wanted_[i].from;
        asked_[i].to = wanted_[i].to;
        asked_[i].deadline = wanted_[i].deadline;
        asked_[i].pair = asked_[i].asked = true;
    }
}

bool can_measure(std::string_view what) {
    const auto colon = what.find(':');
    const std::string_view type = what.substr(0, colon);
    const std::string_view id = colon == std::string_view::npos ? "" : what.substr(colon + 1);
    if (type == "event" || type == "signal" || type == "syscall") return true;
    if (type == "phase") {
        const auto which = find_latency(id);
        return id.empty() || (which && latency_info(*which).use == LatencyInfo::Use::phase);
    }
    if (type == "flag") return find_page_flag(id).has_value();
    return colon == std::string_view::npos && (type == "panic" || find_kind(type));
}

bool Measures::matches(const std::string& what, TraceKind kind, std::uint32_t subject,
                       std::uint64_t a, std::uint64_t b) const {
    const auto colon = what.find(':');
    const std::string_view type = std::string_view(what).substr(0, colon);
    const std::string_view id =
        colon == std::string::npos ? "" : std::string_view(what).substr(colon + 1);
    const auto is = [&](const std::vector<std::string>& names) {
        return id.empty() || (subject < names.size() && names[subject] == id);
    };
    if (type == "event") return kind == TraceKind::scenario_event && is(names_.events);
    if (type == "signal") return kind == TraceKind::signal_delivered && is(names_.processes);
    if (type == "syscall") return kind == TraceKind::syscall && is(names_.events);
    if (type == "phase")
        return kind == TraceKind::phase && (id.empty() || phase_name(a) == id);
    if (type == "panic") return kind == TraceKind::panic;
    if (type == "flag")
        return kind == TraceKind::page_flag && output::page_flag_name(static_cast<std::uint32_t>(b)) == id;
    return output::word(kind) == type;
}

void Measures::sample(Measure& measure, const Chains::Path& path, std::uint64_t begin,
                      const Past& effect) {
    phases_.clear();
    if (begin < path.begin) phases_.emplace_back(kLatent, path.begin - begin);
    for (const Chains::Spent& s : path.spent) {
        const std::uint32_t phase = s.latency < kLatCount ? s.latency : kUnnamed;
        if (!phases_.empty() && phases_.back().first == phase)
            phases_.back().second += s.ps;
        else
            phases_.emplace_back(phase, s.ps);
    }
    measure.add(effect.at - begin, phases_, path.steps.front()->id, effect.id);
}

void Measures::asked(const Chains& chains, const Past& past, const TraceRecord& r) {
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
        if (!matches(wanted_[i].to, r.kind, r.subject, r.a, r.b)) continue;
        Chains::Path path;
        chains.path_to(past, [&](const Past& p) {
            return matches(wanted_[i].from, p.kind, p.subject, p.a, p.b);
        }, path);
        if (path.whole) {
            sample(asked_[i], path, path.begin, past);
            continue;
        }
        // The error's own event is not always an ancestor of what it led to: poison waits.
        const std::uint32_t origin = r.why.origin;
        if (origin == 0 || origin > began_.size() || began_[origin - 1].times != 1) continue;
        if (!matches(wanted_[i].from, TraceKind::scenario_event, origin - 1, 0, 0)) continue;
        sample(asked_[i], path, began_[origin - 1].first, past);
    }
}

Measure* Measures::pair(std::uint32_t event, const TraceRecord& r, std::string_view effect) {
    const std::string to = named_effect(r, names_);
    if (to.empty()) return nullptr;
    const std::uint64_t which = r.kind == TraceKind::panic ? 0 : r.subject;
    const Key key{event, static_cast<std::uint64_t>(r.kind) << 32 | which};
    const auto found = pairs_.find(key);
    if (found != pairs_.end()) return &found->second;
    if (pairs_.size() == kMostPairs) {
        ++left_out_;
        return nullptr;
    }
    Measure& m = pairs_[key];
    m.from = "event:" + names_.event(event);
    m.to = to;
    m.effect = effect;
    m.pair = true;
    return &m;
}

void Measures::add(const Chains& chains, const Past& past, const TraceRecord& r) {
    if (r.kind == TraceKind::scenario_event) {
        if (began_.size() <= r.subject) began_.resize(r.subject + 1);
        Began& b = began_[r.subject];
        if (b.times++ == 0) b = {past.at, 1, past.id};
    }
    if (!wanted_.empty()) asked(chains, past, r);
    const std::string_view effect = effect_of(r, past);
    if (effect.empty()) return;
    chains.path(past, r.why.origin, path_);
    const Past& begin = *path_.steps.front();
    if (!path_.whole) {
        if (begin.cause != 0 && begin.kind != TraceKind::scenario_event) ++cut_;  // without a cause it is the machine's own: a scrub, a timer
        return;
    }
    const auto [place, fresh] = kinds_.try_emplace(std::string(effect));
    if (fresh) {
        place->second.from = "event";
        place->second.to = effect;
    }
    sample(place->second, path_, path_.begin, past);
    if (Measure* m = pair(begin.subject, r, effect)) sample(*m, path_, path_.begin, past);
    const std::uint32_t origin = r.why.origin;
    if (origin == 0 || origin == begin.subject + 1 || origin > began_.size()) return;
    const Began& own = began_[origin - 1];
    // An event that ran several times: which one planted this error cannot be told.
    if (own.times != 1 || own.first > path_.begin) return;
    if (Measure* m = pair(origin - 1, r, effect)) sample(*m, path_, own.first, past);
}

std::vector<Measure> Measures::take() {
    std::vector<Measure> all;
    for (Measure& m : asked_) all.push_back(std::move(m));
    for (auto& [key, m] : pairs_) {
        const bool again = std::any_of(all.begin(), all.end(), [&](const Measure& other) {
            return other.asked && other.from == m.from && other.to == m.to;
        });
        if (!again) all.push_back(std::move(m));
    }
    for (auto& [effect, m] : kinds_) {
        // Where all of a kind are one pair, the pair has said it.
        const bool again = std::any_of(all.begin(), all.end(), [&](const Measure& other) {
            return other.pair && !other.asked && other.effect == effect &&
                   other.samples.count() == m.samples.count() &&
                   other.samples.mean() == m.samples.mean() && other.samples.max() == m.samples.max();
        });
        if (!again) all.push_back(std::move(m));
    }
    return all;
}

}  // namespace mcemu::report
