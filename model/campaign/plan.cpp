#include "campaign/plan.hpp"

#include <algorithm>
#include <set>

#include "campaign/draw.hpp"
#include "scenario/quantity.hpp"
#include "sim/philox.hpp"

namespace mcemu::campaign {
namespace {

using scenario::Campaign;
using scenario::CampaignDraw;
using scenario::Finding;

constexpr std::uint32_t kSeedStream = 0;

/// A draw's stream comes from what it changes: another draw beside it changes nothing of it.
std::uint32_t stream_of(const std::string& pointer) {
    std::uint32_t hash = 2166136261u;  // FNV-1a
    for (const char c : pointer) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash == kSeedStream ? 1 : hash;
}

std::string shown(const nlohmann::json& value) {
    if (value.is_string()) return value.get<std::string>();
    std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
}

/// Whether `b` says what `a` says, wherever each stands.
bool same_problem(const Finding& a, const Finding& b) {
    return a.source == b.source && a.pointer == b.pointer && a.wrong == b.wrong;
}

}  // namespace

// ---------------------------------------------------------------- making one

Plan::Result Plan::load(const std::string& path) {
    const std::string name = path == "-" ? "<stdin>" : path;
    scenario::ReadText text = scenario::read_file(path);
    if (!text.text) return {nullptr, {{name, 0, 0, "", "cannot be read", text.error}}};
    scenario::CampaignResult read = scenario::read_campaign(name, *text.text);
    if (!read.campaign) return {nullptr, std::move(read.findings)};
    std::shared_ptr<Plan> plan(new Plan);
    plan->campaign_ = std::move(*read.campaign);
    plan->files_.push_back({name, std::move(*text.text)});
    if (auto finding = plan->count_cells()) return {nullptr, {std::move(*finding)}};
    plan->open_ = true;
    std::vector<Finding> findings = plan->check();
    plan->open_ = false;
    std::sort(plan->read_.begin(), plan->read_.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    for (SourceFile& file : plan->read_) plan->files_.push_back(std::move(file));
    plan->read_.clear();
    if (!findings.empty()) return {nullptr, std::move(findings)};
    return {std::move(plan), {}};
}

Plan::Result Plan::restore(std::vector<SourceFile> files) {
    if (files.empty()) return {nullptr, {{"", 0, 0, "", "no campaign is in it", "take another"}}};
    scenario::CampaignResult read = scenario::read_campaign(files[0].path, files[0].text);
    if (!read.campaign) return {nullptr, std::move(read.findings)};
    std::shared_ptr<Plan> plan(new Plan);
    plan->campaign_ = std::move(*read.campaign);
    plan->files_ = std::move(files);
    if (auto finding = plan->count_cells()) return {nullptr, {std::move(*finding)}};
    return {std::move(plan), {}};
}

std::optional<Finding> Plan::count_cells() {
    cells_ = campaign_.variants.size();
    for (const auto& sweep : campaign_.sweeps) {
        cells_ *= std::max<std::size_t>(sweep.values.size(), 1);
        if (cells_ > kMostCells)
            return campaign_.at(sweep.places.front(), "the sweeps make more than " +
                                    std::to_string(kMostCells) + " cells", "take fewer values");
    }
    std::set<std::uint32_t> used;
    for (const CampaignDraw& draw : campaign_.draws) {
        streams_.push_back(stream_of(draw.pointer));
        if (!used.insert(streams_.back()).second)
            return campaign_.at(draw.place, "its random numbers would be those of another draw",
                                "write the place with another pointer, or as a param");
    }
    return std::nullopt;
}

const SourceFile* Plan::file(const std::string& path) const {
    for (const auto* list : {&files_, static_cast<const std::vector<SourceFile>*>(&read_)})
        for (const SourceFile& f : *list)
            if (f.path == path) return &f;
    return nullptr;
}

// ---------------------------------------------------------------- cells

Cell Plan::cell(std::uint64_t index) const {
    Cell cell;
    cell.values.resize(campaign_.sweeps.size());
    for (std::size_t i = campaign_.sweeps.size(); i-- > 0;) {
        const std::uint64_t count = campaign_.sweeps[i].values.size();
        cell.values[i] = static_cast<std::uint32_t>(index % count);
        index /= count;
    }
    cell.variant = static_cast<std::uint32_t>(index);
    return cell;
}

nlohmann::ordered_json Plan::cell_values(std::uint64_t index) const {
    const Cell c = cell(index);
    nlohmann::ordered_json out = nlohmann::ordered_json::object();
    if (campaign_.variants.size() > 1 || !campaign_.variants[0].name.empty())
        out["variant"] = campaign_.variants[c.variant].name;
    for (std::size_t i = 0; i < c.values.size(); ++i)
        out[campaign_.sweeps[i].name] = campaign_.sweeps[i].values[c.values[i]];
    return out;
}

std::string Plan::cell_name(std::uint64_t index) const {
    const Cell c = cell(index);
    std::string name = campaign_.variants[c.variant].name;
    for (std::size_t i = 0; i < c.values.size(); ++i)
        name += (name.empty() ? "" : ", ") + campaign_.sweeps[i].name + " " +
                shown(campaign_.sweeps[i].values[c.values[i]]);
    return name.empty() ? "all runs" : name;
}

// ---------------------------------------------------------------- random numbers

std::uint64_t Plan::bits(std::uint32_t stream, std::uint64_t cell, std::uint64_t rep) const {
    // Repetitions stay below 2^30, so that cells with numbers of their own never share any.
    const std::uint64_t draw = campaign_.common ? rep : (cell + 1) << 34 | rep;
    return sim::PhiloxRng(campaign_.seed).bits(stream, draw);
}

std::uint64_t Plan::seed(std::uint64_t cell, std::uint64_t rep) const {
    return bits(kSeedStream, cell, rep);
}

nlohmann::json Plan::drawn(std::size_t draw, std::uint64_t cell, std::uint64_t rep) const {
    return draw_value(campaign_.draws[draw], bits(streams_[draw], cell, rep));
}

double Plan::drawn_share(std::size_t draw, std::uint64_t cell, std::uint64_t rep) const {
    return static_cast<double>(bits(streams_[draw], cell, rep) >> 11) * 0x1p-53;
}

// ---------------------------------------------------------------- scenarios

std::vector<Plan::Change> Plan::changes(std::uint64_t index, std::optional<std::uint64_t> rep) const {
    std::vector<Change> out;
    const Cell c = cell(index);
    for (const auto& s : campaign_.set) out.push_back({&s.pointer, s.value, &s.place, s.pointer + " " + shown(s.value)});
    for (const auto& s : campaign_.variants[c.variant].set)
        out.push_back({&s.pointer, s.value, &s.place, s.pointer + " " + shown(s.value)});
    for (std::size_t i = 0; i < c.values.size(); ++i) {
        const auto& sweep = campaign_.sweeps[i];
        const nlohmann::json& value = sweep.values[c.values[i]];
        out.push_back({&sweep.pointer, value, &sweep.places[c.values[i]], sweep.name + " " + shown(value)});
    }
    if (!rep) return out;
    for (std::size_t i = 0; i < campaign_.draws.size(); ++i) {
        const auto& draw = campaign_.draws[i];
        nlohmann::json value = drawn(i, index, *rep);
        std::string name = draw.name + " " + shown(value);
        out.push_back({&draw.pointer, std::move(value), &draw.place, std::move(name)});
    }
    return out;
}

scenario::LoadResult Plan::load_with(const std::vector<Change>& changes, std::uint64_t seed,
                                     bool schema_too) const {
    scenario::LoadOptions options;
    options.second_opinion = schema_too;
    options.overrides.seed = seed;
    for (const Change& c : changes) {
        options.overrides.set.push_back(
            *c.pointer + "=" +
            c.value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    options.read_file = [this](const std::string& path) -> scenario::ReadText {
        if (const SourceFile* known = file(path)) return {known->text, {}};
        if (!open_) return {std::nullopt, "it is not among the campaign's files"};
        scenario::ReadText text = scenario::read_file(path);
        if (text.text) read_.push_back({path, *text.text});
        return text;
    };
    return scenario::load_file(campaign_.scenario, options);
}

scenario::LoadResult Plan::load_run(std::uint64_t cell, std::uint64_t rep) const {
    static const std::string kTemporal = "/expect/temporal";
    static const scenario::Place kNowhere;
    nlohmann::json orders = nlohmann::json::array();
    for (const auto& c : campaign_.classes)
        if (const auto list = c.when.find("temporal"); list != c.when.end())
            orders.insert(orders.end(), list->begin(), list->end());
    std::vector<Change> all = changes(cell, rep);
    const bool any = !orders.empty();
    if (any) all.push_back({&kTemporal, std::move(orders), &kNowhere, ""});
    // The plan's own check has asked the schema; runs differ by values that the reader checks.
    scenario::LoadResult read = load_with(all, seed(cell, rep), false);
    // The scenario's own are not looked at: nothing need watch them.
    if (read.loaded && !any) read.loaded->scenario.temporal.clear();
    return read;
}

std::vector<Finding> Plan::explain(std::uint64_t cell, std::uint64_t rep) const {
    return blame(changes(cell, rep));
}

// ---------------------------------------------------------------- whose fault is it?

/// The scenario's findings under `changes`. What the scenario has by itself is told as it stands;
/// the rest where the campaign file has the value that alone brings it about, or else the last one.
std::vector<Finding> Plan::blame(const std::vector<Change>& changes) const {
    const scenario::LoadResult all = load_with(changes, 0);
    if (all.findings.empty()) return {};
    const scenario::LoadResult alone = load_with({}, 0);
    std::vector<Finding> out;
    if (!alone.findings.empty() && changes.empty()) return alone.findings;
    for (const Finding& f : all.findings) {
        if (std::any_of(alone.findings.begin(), alone.findings.end(),
                        [&](const Finding& g) { return same_problem(f, g); })) {
            out.push_back(f);
            continue;
        }
        const Change* culprit = nullptr;
        bool by_itself = false;
        for (const Change& c : changes) {
            // An option's number says whose value it was.
            if (f.source == "--set " + std::to_string(&c - changes.data() + 1)) culprit = &c;
        }
        for (const Change& c : changes) {
            if (culprit) break;
            for (const Finding& g : load_with({c}, 0).findings)
                if (g.pointer == f.pointer && g.wrong == f.wrong) culprit = &c, by_itself = true;
        }
        if (!culprit) {
            // Together they are wrong: the shortest beginning that is.
            std::vector<Change> some;
            for (const Change& c : changes) {
                some.push_back(c);
                const auto found = load_with(some, 0).findings;
                if (std::any_of(found.begin(), found.end(), [&](const Finding& g) {
                        return g.pointer == f.pointer && g.wrong == f.wrong;
                    })) {
                    culprit = &c;
                    break;
                }
            }
        }
        if (!culprit) culprit = &changes.back();
        std::string with = culprit->name;
        if (!by_itself) {
            for (const Change& c : changes)
                if (&c != culprit && c.place->pointer != culprit->place->pointer &&
                    f.source.rfind("--", 0) != 0)
                    with += ", " + c.name;
        }
        std::string where = f.source;
        if (f.line == 0) where = campaign_.scenario;
        if (f.line != 0) where += ':' + std::to_string(f.line) + ':' + std::to_string(f.column);
        out.push_back(campaign_.at(*culprit->place,
                                   "with " + with + " in " + where + ", " +
                                       (f.pointer.empty() ? "/" : f.pointer) + ": " + f.wrong,
                                   f.right));
    }
    return out;
}

std::vector<Finding> Plan::check() {
    std::vector<Finding> findings;
    const scenario::LoadResult base = load_with({}, 0);
    if (base.unreadable) {
        findings.push_back(campaign_.at(campaign_.scenario_place,
                                        scenario::in_quotes(campaign_.scenario) + " cannot be read: " +
                                            base.findings.front().right,
                                        "write the path of a scenario, from the folder of this file"));
        return findings;
    }
    const auto add_once = [&](std::vector<Finding> more) {
        for (Finding& f : more)
            if (std::find(findings.begin(), findings.end(), f) == findings.end())
                findings.push_back(std::move(f));
    };
    if (cells_ <= kCheckedCells) {
        for (std::uint64_t i = 0; i < cells_ && findings.size() < 100; ++i) add_once(blame(changes(i, 0)));
    } else {
        // One value after the other, the other sweeps at their first.
        std::uint64_t stride = cells_;
        const auto walk = [&](std::uint64_t count) {
            stride /= count;
            for (std::uint64_t i = 0; i < count && findings.size() < 100; ++i)
                add_once(blame(changes(i * stride, 0)));
        };
        walk(campaign_.variants.size());
        for (const auto& sweep : campaign_.sweeps) walk(sweep.values.size());
    }
    if (findings.empty()) check_draws(findings);
    if (findings.empty()) check_scenario_words(findings);
    return findings;
}

/// The ends of every distribution, and every choice.
void Plan::check_draws(std::vector<Finding>& findings) const {
    for (std::size_t i = 0; i < campaign_.draws.size(); ++i) {
        for (const nlohmann::json& value : extremes(campaign_.draws[i])) {
            std::vector<Change> with = changes(0, 0);
            Change& mine = with[with.size() - campaign_.draws.size() + i];
            mine.value = value;
            mine.name = campaign_.draws[i].name + " " + shown(value);
            for (Finding& f : blame(with))
                if (std::find(findings.begin(), findings.end(), f) == findings.end())
                    findings.push_back(std::move(f));
        }
    }
}

/// Names of events, processes and so on in measures and classes: the scenario knows them when they
/// stand in its "expect".
void Plan::check_scenario_words(std::vector<Finding>& findings) const {
    static const std::string kLatency = "/expect", kNone;
    const auto tell = [&](const nlohmann::json& expect, const scenario::Place& place,
                          const std::string& prefix) {
        std::vector<Change> with = changes(0, 0);
        with.push_back({&kLatency, expect, &place, ""});
        for (const Finding& f : load_with(with, 0).findings) {
            scenario::Place at = place;
            if (f.pointer.rfind(prefix, 0) == 0) at.pointer += f.pointer.substr(prefix.size());
            findings.push_back(campaign_.at(at, f.wrong, f.right));
        }
    };
    for (const auto& m : campaign_.measures)
        tell({{"latency", {{"from", m.from}, {"to", m.to}, {"min", 0}}}}, m.place, "/expect/latency");
    for (const auto& c : campaign_.classes) tell(c.when, c.place, "/expect");
}

}  // namespace mcemu::campaign
