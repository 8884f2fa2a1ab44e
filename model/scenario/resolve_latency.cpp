#include <array>
#include <span>

#include "core/latency.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {

void Resolver::resolve_latency(const Cursor& machine) {
    const Value* table = machine.find("latency");
    if (table == nullptr || !table->is(Value::Type::object)) return;
    const Path at = machine.at("latency");
    std::map<Lat, std::string_view> seen;
    for (std::size_t i = 0; i < table->count; ++i) {
        const Value& value = table->items[i];
        const Path here{&at, &value, value.key};
        const std::optional<Lat> which = find_latency(value.key);
        if (!which) {
            if (findings_.full()) return;
            std::array<std::string_view, kLatCount> names;
            for (std::size_t n = 0; n < kLatCount; ++n)
                names[n] = latency_info(static_cast<Lat>(n)).name;
            findings_.add_at_key(here, {"there is no timing parameter " + in_quotes(value.key),
                                        did_you_mean(value.key, names, "see `mcemu latencies`")});
            continue;
        }
        const auto [other, fresh] = seen.emplace(*which, value.key);
        if (!fresh)
            findings_.add_at_key(here, {in_quotes(value.key) + " is the same timing parameter as " +
                                            in_quotes(other->second), "keep one"});
        Distribution how;
        if (value.is(Value::Type::object)) {
            how = distribution(Cursor(kDistributionShape, here));
        } else if (value.is(Value::Type::text) || value.is(Value::Type::whole)) {
            how.first = SimTime{parse_quantity(kTime, value).value.value_or(0)};
        }
        scenario.latency.emplace_back(*which, std::move(how));
    }
}

std::optional<Lat> Resolver::phase_named(const Path& at, std::string_view name) {
    const auto which = find_latency(name);
    if (!which) {
        std::array<std::string_view, kLatCount> names;
        std::size_t count = 0;
        for (std::size_t n = 0; n < kLatCount; ++n)
            if (const LatencyInfo& info = latency_info(static_cast<Lat>(n));
                info.use == LatencyInfo::Use::phase)
                names[count++] = info.name;
        add(at, "there is no phase " + in_quotes(name),
            did_you_mean(name, std::span(names).first(count), "see `mcemu latencies`"));
        return std::nullopt;
    }
    const LatencyInfo& info = latency_info(*which);
    if (info.use == LatencyInfo::Use::phase) return which;
    const std::string in(info.in);
    if (info.use == LatencyInfo::Use::part)
        add(at, in_quotes(name) + " is no phase: it is a part of " + in,
            "name what it belongs to, or a phase of `mcemu latencies`");
    else
        add(at, in_quotes(name) + " is no phase: nothing takes it", "name one of " + in);
    return std::nullopt;
}

Distribution Resolver::distribution(const Cursor& value) {
    using Kind = Distribution::Kind;
    Distribution d;
    if (bad(value) || value.chosen() == nullptr) return d;
    const std::string_view name = value.chosen()->name;
    if (name == "uniform") {
        d.kind = Kind::uniform;
        d.first = value.time("low");
        d.second = value.time("high");
        if (d.second < d.first)
            add(value.at("high"), "\"high\" " + time_text(d.second) + " is below \"low\" " + time_text(d.first),
                "exchange them");
    } else if (name == "normal") {
        d.kind = Kind::normal;
        d.first = value.time("mean");
        d.second = value.time("sd");
    } else if (name == "lognormal") {
        d.kind = Kind::lognormal;
        d.first = value.time("median");
        struct Percentile {
            std::string_view key;
            double share;
        };
        constexpr Percentile kPercentiles[] = {
            {"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};
        int given = 0;
        for (const Percentile& p : kPercentiles) {
            if (!value.given(p.key)) continue;
            ++given;
            d.second = value.time(p.key);
            d.percentile = p.share;
            if (d.second < d.first)
                add(value.at(p.key), in_quotes(p.key) + ' ' + time_text(d.second) +
                                         " is below the median " + time_text(d.first),
                    "make it larger");
        }
        if (given != 1)
            add(value.path(), std::to_string(given) + " percentiles are given",
                "give one of \"p90\", \"p95\", \"p99\", \"p999\"");
        if (d.first == SimTime::zero() && given == 1)
            add(value.at("median"), "the median is zero", "a log-normal time is above zero");
    } else if (name == "exponential") {
        d.kind = Kind::exponential;
        d.first = value.time("mean");
    } else {
        d.kind = Kind::empirical;
        const Value& table = *value.find("table");
        const Path at = value.at("table");
        for (std::size_t i = 0; i < table.count; ++i) {
            const Value& row = table.items[i];
            const Value& share = row.items[0];
            const double s = share.is(Value::Type::whole) ? static_cast<double>(share.whole)
                                                          : share.real;
            const SimTime t{parse_quantity(kTime, row.items[1]).value.value_or(0)};
            if (!d.table.empty() && (s <= d.table.back().first || t < d.table.back().second))
                add(Path{&at, &row, {}, i, true}, "the table does not rise here",
                    "shares rise, and times do not fall");
            d.table.emplace_back(s, t);
        }
        if (!d.table.empty() && d.table.back().first != 1.0)
            add(at, "the last share is not 1", "the last row holds the longest time: [1, TIME]");
    }
    return d;
}

}  // namespace mcemu::scenario
