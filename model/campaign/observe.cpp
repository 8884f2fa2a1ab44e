#include "campaign/observe.hpp"

#include <algorithm>

#include "output/classify.hpp"
#include "output/temporal.hpp"

namespace mcemu::campaign {
namespace {

using nlohmann::json;

/// The members of `expect` that only bound durations from above.
json only_deadlines(const json& expect) {
    json kept = json::array();
    const auto latency = expect.find("latency");
    if (latency == expect.end()) return nullptr;
    const json list = latency->is_array() ? *latency : json::array({*latency});
    for (const json& one : list) {
        if (!one.is_object() || !one.contains("max")) continue;
        kept.push_back(one);
        kept.back().erase("min");
    }
    if (kept.empty()) return nullptr;
    return {{"latency", std::move(kept)}};
}

/// All but its orders over time.
bool all_met(const json& when, const output::Json& result, const output::Aliases& devices) {
    for (const output::Finding& f : output::evaluate(when, result, devices))
        if (!f.ok) return false;
    return !when.contains("class") || output::evaluate_class(when["class"], result).ok;
}

std::optional<double> number(const output::Json& result, const std::string& pointer) {
    try {
        const output::Json::json_pointer at(pointer);
        if (!result.contains(at)) return std::nullopt;
        const output::Json& value = result.at(at);
        if (value.is_number()) return value.get<double>();
        if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
        if (value.is_array() || value.is_object()) return static_cast<double>(value.size());
    } catch (const output::Json::exception&) {
        // An index where a name belongs, or the other way round: not there.
    }
    return std::nullopt;
}

}  // namespace

Observer::Observer(const scenario::Campaign& campaign, const scenario::LoadedScenario& loaded)
    : campaign_(campaign),
      deadlines_(only_deadlines(loaded.expect)),
      asked_(deadlines_.is_null() ? json::object() : deadlines_) {
    for (const auto& m : campaign.measures)
        points_.push_back({output::TimedPoint(loaded.scenario, m.from),
                           output::TimedPoint(loaded.scenario, m.to)});
    json latency = asked_.value("latency", json::array());
    json pages = json::array();
    for (const auto& c : campaign.classes) {
        if (const auto l = c.when.find("latency"); l != c.when.end())
            for (const json& one : l->is_array() ? *l : json::array({*l})) latency.push_back(one);
        for (const Pfn pfn : output::expected_pages(c.when)) pages.push_back({{"pfn", pfn.value}});
        for (const auto& [key, value] : c.when.items())
            members_.emplace(output::result_member_of(key));
    }
    if (!latency.empty()) asked_["latency"] = std::move(latency);
    if (!pages.empty()) asked_["pages"] = std::move(pages);
    if (!deadlines_.is_null()) members_.emplace("latency");
    for (const auto& n : campaign.numbers)
        members_.emplace(n.pointer.substr(1, n.pointer.find('/', 1) - 1));
    for (const NamespaceConfig& ns : loaded.scenario.machine.namespaces)
        devices_[ns.device] = ns.id;
}

bool Observer::misses_deadline(const RunRecord& record) const {
    for (std::size_t i = 0; i < record.durations.size(); ++i) {
        const auto& deadline = campaign_.measures[i].deadline;
        if (deadline && (!record.durations[i] || record.durations[i]->ps > deadline->count()))
            return true;
    }
    return false;
}

RunRecord Observer::observe(const RunView& view) const {
    RunRecord record;
    record.seed = view.scenario.seed;
    record.end_ps = view.end.count();
    for (const Points& p : points_) {
        const auto found = output::measure(view, p.from, p.to);
        record.durations.emplace_back();
        if (!found) continue;
        Duration& d = record.durations.back().emplace();
        d.ps = found->time.count();
        for (const auto& [which, time] : found->phases)
            d.phases.emplace_back(which ? static_cast<std::uint16_t>(*which) : Duration::kNoPhase,
                                  time.count());
    }
    record.exposure = output::exposure(view);

    const std::string_view in_time = output::classify(view, false);
    bool late = false;
    // Where nothing was injected or all was healed, nothing could come in time.
    const bool effective = in_time != "not-effective" && in_time != "masked";
    if (effective) late = misses_deadline(record);
    output::Json result;
    if (!members_.empty()) {
        result = output::make_result(view, asked_, members_);
        if (effective && !deadlines_.is_null())
            for (const output::Finding& f : output::evaluate(deadlines_, result, {}))
                late = late || f.late;
    }
    record.of_class = late ? output::classify(view, true) : in_time;
    if (members_.empty()) return record;
    result["class"] = record.of_class;
    std::size_t order = 0;  // of Scenario::temporal: those of the classes, one after the other
    for (std::size_t i = 0; i < campaign_.classes.size() && record.user_class < 0; ++i) {
        const json& when = campaign_.classes[i].when;
        const std::size_t orders = when.contains("temporal") ? when["temporal"].size() : 0;
        if (all_met(when, result, devices_) && output::temporal_met(view, order, orders))
            record.user_class = static_cast<int>(i);
        order += orders;
    }
    for (const auto& n : campaign_.numbers) record.numbers.push_back(number(result, n.pointer));
    return record;
}

}  // namespace mcemu::campaign
