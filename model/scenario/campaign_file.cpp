#include "scenario/campaign_file.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "core/detmath.hpp"
#include "scenario/reader.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

using Unit = CampaignDraw::Unit;
constexpr std::size_t kMostValues = 100'000;  // of one sweep

/// A quantity as a count of its unit, or as a real number.
struct Quantity {
    Unit unit = Unit::whole;
    std::uint64_t count = 0;
    double real = 0;
};

double real_of(const Value& v) {
    if (v.is(Value::Type::whole)) return static_cast<double>(v.whole);
    if (v.is(Value::Type::negative)) return static_cast<double>(v.negative);
    return v.is(Value::Type::real) ? v.real : 0;
}

const char* unit_word(Unit unit) {
    switch (unit) {
        case Unit::whole: return "a whole number";
        case Unit::real: return "a number with a fraction";
        case Unit::time: return "a time";
        case Unit::size: return "a size";
        case Unit::address: return "an address";
    }
    return "";
}

class CampaignReader {
public:
    CampaignReader(Document& document, Findings& findings, Campaign& campaign)
        : document_(document), findings_(findings), campaign_(campaign) {}

    void read() {
        const Cursor root(kCampaignShape, Path{nullptr, &document_.root});
        campaign_.name = root.text("name");
        campaign_.description = root.text("description");
        read_scenario(root);
        campaign_.seed = root.number("seed");
        campaign_.common = root.truth("common");
        read_settings(root, "set", campaign_.set);
        read_variants(root);
        root.each("sweep", [&](const Cursor& sweep, std::size_t) { read_sweep(sweep); });
        root.each("draw", [&](const Cursor& draw, std::size_t) { read_draw(draw); });
        check_places();
        read_measures(root);
        read_classes(root);
        read_numbers(root);
        read_runs(root);
    }

private:
    void add(const Path& at, std::string wrong, std::string right) {
        findings_.add(at, {std::move(wrong), std::move(right)});
    }

    Place place(const Path& path) const {
        const auto position = document_.position(path.value->source, path.value->offset);
        return {position.line, position.column, path.pointer()};
    }

    void read_scenario(const Cursor& root) {
        namespace fs = std::filesystem;
        const std::string_view name = root.text("scenario");
        campaign_.scenario_place = place(root.at("scenario"));
        const fs::path folder = document_.source(document_.root.source).folder;
        campaign_.scenario = name == "-" ? "-" : (folder / fs::path(name)).lexically_normal().string();
        if (name == "-")
            add(root.at("scenario"), "a campaign cannot read its scenario from standard input",
                "write the path of a file");
    }

    /// "cores" or "/machine/cpus/cores" as a pointer; a finding when it is neither.
    std::string pointer_of(const Path& at, std::string_view of) {
        if (of.empty()) return {};
        if (of[0] == '/') {
            for (std::size_t i = 0; i < of.size(); ++i) {
                if (of[i] == '~' && (i + 1 == of.size() || (of[i + 1] != '0' && of[i + 1] != '1')))
                    add(at, in_quotes(of) + " is no JSON pointer", "after ~ comes 0 (~) or 1 (/)");
            }
            static constexpr std::string_view kNotThese[] = {"/schema", "/name", "/seed", "/matrix",
                                                             "/include"};
            for (const std::string_view not_this : kNotThese) {
                if (of == not_this)
                    add(at, in_quotes(of) + " cannot be changed by a campaign",
                        of == "/seed" ? "every run has a seed of its own, from the campaign's"
                                      : "change the scenario");
            }
            return std::string(of);
        }
        std::string pointer = "/params/";
        for (const char c : of) pointer += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
        return pointer;
    }

    static std::string last_step(std::string_view pointer) {
        return std::string(pointer.substr(pointer.rfind('/') + 1));
    }

    void read_settings(const Cursor& cursor, std::string_view key, std::vector<Setting>& out) {
        const Value* table = cursor.find(key);
        if (table == nullptr || !table->is(Value::Type::object)) return;
        const Path at = cursor.at(key);
        for (const Value& member : table->children()) {
            const Path here{&at, &member, member.key};
            out.push_back({pointer_of(here, member.key), to_json(member), place(here)});
        }
    }

    void read_variants(const Cursor& root) {
        Registry names("variant", "variants");
        root.each("variants", [&](const Cursor& variant, std::size_t) {
            CampaignVariant v{std::string(variant.text("name")), {}, place(variant.path())};
            names.add(findings_, variant.at("name"), variant.text("name"));
            read_settings(variant, "set", v.set);
            campaign_.variants.push_back(std::move(v));
        });
        if (campaign_.variants.empty()) campaign_.variants.emplace_back();
    }

    // ------------------------------------------------------------ quantities

    std::optional<Quantity> quantity(const Cursor& cursor, std::string_view key) {
        const Value* v = cursor.find(key);
        if (v == nullptr) return std::nullopt;
        return quantity(v, cursor.at(key));
    }
    std::optional<Quantity> quantity(const Value* v, const Path& at) {
        if (findings_.touched(v)) return std::nullopt;
        Quantity q;
        if (v->is(Value::Type::whole)) {
            q.count = v->whole;
            q.real = static_cast<double>(v->whole);
            return q;
        }
        if (v->is(Value::Type::real) || v->is(Value::Type::negative)) {
            q.unit = Unit::real;
            q.real = real_of(*v);
            return q;
        }
        if (!v->is(Value::Type::text)) return std::nullopt;
        const std::string_view text = v->text();
        if (const auto address = parse_address(text); address.value) {
            q.unit = Unit::address;
            q.count = *address.value;
        } else if (const auto time = parse_time(text); time.value) {
            q.unit = Unit::time;
            q.count = time.value->count();
        } else if (const auto size = parse_size(text); size.value) {
            q.unit = Unit::size;
            q.count = *size.value;
        } else {
            add(at, in_quotes(text) + " is no quantity",
                "write a number, a time (\"10us\"), a size (\"2MiB\") or an address (\"0x1000\")");
            return std::nullopt;
        }
        q.real = static_cast<double>(q.count);
        return q;
    }

    /// Brings quantities to one unit; false with a finding when they have none in common. A size
    /// may stand beside an address, as a step.
    bool alike(const Cursor& cursor, std::string_view key, const Quantity& first, Quantity& other) {
        if (first.unit == other.unit) return true;
        if (first.unit == Unit::address && (other.unit == Unit::size || other.unit == Unit::whole)) {
            other.unit = Unit::address;
            return true;
        }
        add(cursor.at(key),
            in_quotes(key) + " is " + unit_word(other.unit) + " beside " + unit_word(first.unit),
            "give both in the same unit");
        return false;
    }

    // ------------------------------------------------------------ sweeps

    void read_sweep(const Cursor& cursor) {
        CampaignSweep sweep;
        sweep.pointer = pointer_of(cursor.at("of"), cursor.text("of"));
        sweep.name = cursor.given("name") ? std::string(cursor.text("name")) : last_step(sweep.pointer);
        const bool range = cursor.given("from") || cursor.given("to");
        if (cursor.given("values") == range) {
            add(cursor.path(), range ? "both values and a range are given" : "it has no values",
                "give \"values\", or \"from\" and \"to\" with \"step\", \"factor\" or \"points\"");
            return;
        }
        if (range) {
            read_range(cursor, sweep);
        } else if (const Value* values = cursor.find("values"); values->is(Value::Type::array)) {
            const Path at = cursor.at("values");
            for (std::size_t i = 0; i < values->count; ++i) {
                const Path here{&at, &values->items[i], {}, i, true};
                sweep.values.push_back(to_json(values->items[i]));
                sweep.places.push_back(place(here));
                for (std::size_t j = 0; j < i; ++j) {
                    if (sweep.values[j] == sweep.values[i])
                        add(here, "this value stands twice", "keep one");
                }
            }
        }
        campaign_.sweeps.push_back(std::move(sweep));
    }

    void read_range(const Cursor& cursor, CampaignSweep& sweep) {
        const auto from = quantity(cursor, "from");
        auto to = quantity(cursor, "to");
        for (const char* key : {"from", "to"}) {
            if (!cursor.given(key)) add(cursor.path(), in_quotes(key) + " is missing", "a range has both ends");
        }
        const int ways = int{cursor.given("step")} + int{cursor.given("factor")} + int{cursor.given("points")};
        if (ways != 1) {
            add(cursor.path(), std::to_string(ways) + " ways to step are given",
                "give one of \"step\", \"factor\" and \"points\"");
            return;
        }
        if (!from || !to) return;
        Quantity first = *from;
        if (first.unit == Unit::whole && to->unit == Unit::real) first.unit = Unit::real;
        if (first.unit == Unit::real && to->unit == Unit::whole) to->unit = Unit::real;
        if (!alike(cursor, "to", first, *to)) return;
        if (to->real < first.real) {
            add(cursor.at("to"), "the range ends before it begins", "exchange \"from\" and \"to\"");
            return;
        }
        std::vector<double> values;
        if (cursor.given("step")) {
            auto step = quantity(cursor, "step");
            if (!step) return;
            if (first.unit == Unit::real || first.unit == Unit::whole) {
                if (step->unit == Unit::real) first.unit = Unit::real;
                if (step->unit == Unit::whole) step->unit = first.unit;
            }
            if (!alike(cursor, "step", first, *step)) return;
            if (!(step->real > 0)) {
                add(cursor.at("step"), "the step is not above zero", "a step leads on");
                return;
            }
            const double count = std::floor((to->real - first.real) / step->real * (1 + 1e-12)) + 1;
            if (too_many(cursor, count)) return;
            if (first.unit == Unit::real) {
                for (double i = 0; i < count; ++i)
                    push(sweep, cursor, first.unit, first.real + i * step->real);
            } else {
                for (std::uint64_t i = 0, c = first.count; i < static_cast<std::uint64_t>(count); ++i, c += step->count)
                    push_count(sweep, cursor, first.unit, c);
            }
            return;
        }
        if (!(first.real > 0)) {
            add(cursor.at("from"), "the first value is not above zero", "values at equal ratios are");
            return;
        }
        double factor = 0, count = 0;
        if (cursor.given("factor")) {
            factor = real_of(*cursor.find("factor"));
            if (!(factor > 1)) {
                add(cursor.at("factor"), "the factor is not above 1", "values at equal ratios rise");
                return;
            }
            count = std::floor(detmath::log(to->real / first.real) / detmath::log(factor) + 1e-9) + 1;
        } else {
            count = static_cast<double>(cursor.number("points"));
            if (count < 2) {
                add(cursor.at("points"), "a range has at least its two ends", "write 2 or more");
                return;
            }
            factor = detmath::exp(detmath::log(to->real / first.real) / (count - 1));
        }
        if (too_many(cursor, count)) return;
        double value = first.real;
        for (double i = 0; i < count; ++i, value *= factor) {
            const bool last = cursor.given("points") && i + 1 == count;
            push(sweep, cursor, first.unit, last ? to->real : value);
        }
    }

    bool too_many(const Cursor& cursor, double count) {
        if (count <= static_cast<double>(kMostValues)) return false;
        add(cursor.path(), "the range has more than " + std::to_string(kMostValues) + " values",
            "take larger steps");
        return true;
    }

    void push(CampaignSweep& sweep, const Cursor& cursor, Unit unit, double value) {
        if (unit != Unit::real) return push_count(sweep, cursor, unit, static_cast<std::uint64_t>(std::llround(value)));
        sweep.values.emplace_back(value);
        sweep.places.push_back(place(cursor.path()));
    }
    void push_count(CampaignSweep& sweep, const Cursor& cursor, Unit unit, std::uint64_t count) {
        nlohmann::json value = quantity_json(unit, count);
        // Ratios of small whole numbers round to the same one.
        if (!sweep.values.empty() && sweep.values.back() == value) return;
        sweep.values.push_back(std::move(value));
        sweep.places.push_back(place(cursor.path()));
    }

    // ------------------------------------------------------------ draws

    void read_draw(const Cursor& cursor) {
        using Kind = Distribution::Kind;
        CampaignDraw draw;
        draw.pointer = pointer_of(cursor.at("of"), cursor.text("of"));
        draw.name = cursor.given("name") ? std::string(cursor.text("name")) : last_step(draw.pointer);
        draw.place = place(cursor.path());
        if (cursor.chosen() == nullptr || bad(cursor)) return;
        const std::string_view dist = cursor.chosen()->name;
        if (dist == "choice") {
            read_choice(cursor, draw);
        } else if (dist == "uniform") {
            draw.how.kind = Kind::uniform;
            read_uniform(cursor, draw);
        } else if (dist == "normal") {
            draw.how.kind = Kind::normal;
            counts(cursor, draw, "mean", "sd");
        } else if (dist == "exponential") {
            draw.how.kind = Kind::exponential;
            counts(cursor, draw, "mean", {});
        } else if (dist == "empirical") {
            draw.how.kind = Kind::empirical;
            read_table(cursor, draw);
        } else {
            draw.how.kind = Kind::lognormal;
            read_lognormal(cursor, draw);
        }
        campaign_.draws.push_back(std::move(draw));
    }

    bool bad(const Cursor& cursor) const { return findings_.touched(&cursor.value()); }

    /// One or two whole quantities of one unit.
    void counts(const Cursor& cursor, CampaignDraw& draw, std::string_view one, std::string_view two) {
        const auto first = quantity(cursor, one);
        if (!first) return;
        if (first->unit == Unit::real) {
            add(cursor.at(one), "a fraction stands here", "this distribution has whole numbers, times or sizes");
            return;
        }
        draw.unit = first->unit;
        draw.how.first = SimTime{first->count};
        if (two.empty()) return;
        auto second = quantity(cursor, two);
        if (second && alike(cursor, two, *first, *second)) draw.how.second = SimTime{second->count};
    }

    void read_uniform(const Cursor& cursor, CampaignDraw& draw) {
        auto low = quantity(cursor, "low"), high = quantity(cursor, "high");
        if (!low || !high) return;
        if (low->unit == Unit::real && high->unit == Unit::whole) high->unit = Unit::real;
        if (low->unit == Unit::whole && high->unit == Unit::real) low->unit = Unit::real;
        if (!alike(cursor, "high", *low, *high)) return;
        if (high->real < low->real) {
            add(cursor.at("high"), "\"high\" is below \"low\"", "exchange them");
            return;
        }
        draw.unit = low->unit;
        draw.low = low->real;
        draw.high = high->real;
        draw.how.first = SimTime{low->count};
        draw.how.second = SimTime{high->count};
        if (!cursor.given("step")) return;
        auto step = quantity(cursor, "step");
        if (!step || !alike(cursor, "step", *low, *step)) return;
        if (draw.unit == Unit::real || step->count == 0) {
            add(cursor.at("step"), draw.unit == Unit::real ? "steps of fractions are not exact" : "the step is zero",
                "write a whole step, or none");
            return;
        }
        draw.step = step->count;
    }

    void read_table(const Cursor& cursor, CampaignDraw& draw) {
        const Value& rows = *cursor.find("table");
        const Path at = cursor.at("table");
        for (std::size_t i = 0; i < rows.count; ++i) {
            const Value& row = rows.items[i];
            const Path here{&at, &row, {}, i, true};
            const double share = real_of(row.items[0]);
            const auto value = quantity(&row.items[1], Path{&here, &row.items[1], {}, 1, true});
            if (!value) return;
            if (value->unit == Unit::real) {
                add(here, "a fraction stands here", "this distribution has whole numbers, times or sizes");
                return;
            }
            if (i == 0) draw.unit = value->unit;
            if (value->unit != draw.unit) {
                add(here, std::string(unit_word(value->unit)) + " stands beside " + unit_word(draw.unit),
                    "give all values in the same unit");
                return;
            }
            const SimTime count{value->count};
            auto& table = draw.how.table;
            if (!table.empty() && (share <= table.back().first || count < table.back().second))
                add(here, "the table does not rise here", "shares rise, and values do not fall");
            table.emplace_back(share, count);
        }
        if (draw.how.table.back().first != 1.0)
            add(at, "the last share is not 1", "the last row holds the largest value: [1, VALUE]");
    }

    void read_lognormal(const Cursor& cursor, CampaignDraw& draw) {
        struct Percentile {
            std::string_view key;
            double share;
        };
        constexpr Percentile kPercentiles[] = {{"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};
        std::string_view chosen;
        int given = 0;
        for (const Percentile& p : kPercentiles) {
            if (!cursor.given(p.key)) continue;
            ++given;
            chosen = p.key;
            draw.how.percentile = p.share;
        }
        if (given != 1) {
            add(cursor.path(), std::to_string(given) + " percentiles are given",
                "give one of \"p90\", \"p95\", \"p99\", \"p999\"");
            return;
        }
        counts(cursor, draw, "median", chosen);
        if (bad(cursor)) return;
        if (draw.how.first == SimTime::zero())
            add(cursor.at("median"), "the median is zero", "a log-normal value is above zero");
        if (draw.how.second < draw.how.first)
            add(cursor.at(chosen), in_quotes(chosen) + " is below the median", "make it larger");
    }

    void read_choice(const Cursor& cursor, CampaignDraw& draw) {
        for (const Value& v : cursor.find("values")->children()) draw.choices.push_back(to_json(v));
        std::vector<double> weights(draw.choices.size(), 1.0);
        if (const Value* list = cursor.find("weights")) {
            weights.clear();
            const Path at = cursor.at("weights");
            for (std::size_t i = 0; i < list->count; ++i) {
                weights.push_back(real_of(list->items[i]));
                if (weights.back() < 0)
                    add(Path{&at, &list->items[i], {}, i, true}, "a weight is below zero", "write 0 or more");
            }
            if (weights.size() != draw.choices.size()) {
                add(at, std::to_string(weights.size()) + " weights for " +
                            std::to_string(draw.choices.size()) + " values", "give each value one");
                return;
            }
        }
        double sum = 0;
        for (const double w : weights) sum += w;
        if (!(sum > 0)) {
            add(cursor.at("weights"), "all weights are zero", "one at least is above zero");
            return;
        }
        double so_far = 0;
        for (const double w : weights) draw.shares.push_back((so_far += w) / sum);
        draw.shares.back() = 1;
    }

    /// Each place is changed once, and each name stands for one thing.
    void check_places() {
        std::set<std::string> taken, names;
        const auto claim = [&](const std::string& pointer, const Place& at) {
            if (pointer.empty() || taken.insert(pointer).second) return;
            late_.push_back(campaign_.at(at, in_quotes(pointer) + " is changed twice", "change each place once"));
        };
        const auto name = [&](const std::string& text, const Place& at) {
            if (names.insert(text).second) return;
            late_.push_back(campaign_.at(at, "the name " + in_quotes(text) + " is taken", "give it a \"name\" of its own"));
        };
        for (const Setting& s : campaign_.set) claim(s.pointer, s.place);
        for (const CampaignSweep& s : campaign_.sweeps) {
            if (s.places.empty()) continue;
            claim(s.pointer, s.places.front());
            name(s.name, s.places.front());
        }
        for (const CampaignDraw& d : campaign_.draws) {
            claim(d.pointer, d.place);
            name(d.name, d.place);
        }
        for (const CampaignVariant& v : campaign_.variants) {
            for (const Setting& s : v.set) {
                bool clash = false;
                for (const CampaignSweep& sweep : campaign_.sweeps) clash = clash || sweep.pointer == s.pointer;
                for (const CampaignDraw& draw : campaign_.draws) clash = clash || draw.pointer == s.pointer;
                if (clash)
                    late_.push_back(campaign_.at(s.place, in_quotes(s.pointer) + " is swept or drawn as well",
                                                 "change each place once"));
            }
        }
    }

    void read_measures(const Cursor& root) {
        Registry names("measure", "measures");
        root.each("measures", [&](const Cursor& cursor, std::size_t) {
            CampaignMeasure m;
            m.from = cursor.text("from");
            m.to = cursor.text("to");
            m.name = cursor.given("name") ? std::string(cursor.text("name")) : m.from + " to " + m.to;
            if (cursor.given("deadline")) m.deadline = cursor.time("deadline");
            m.place = place(cursor.path());
            campaign_.measures.push_back(std::move(m));
            names.add(findings_, cursor.at("name"), document_.keep(campaign_.measures.back().name));
        });
    }

    void read_classes(const Cursor& root) {
        Registry names("class", "classes");
        root.each("classes", [&](const Cursor& cursor, std::size_t) {
            names.add(findings_, cursor.at("name"), cursor.text("name"));
            const Value* when = cursor.find("when");
            if (when == nullptr) return;
            if (when->is(Value::Type::object) && when->count == 0)
                add(cursor.at("when"), "every run would fit", "say what must be met");
            campaign_.classes.push_back({std::string(cursor.text("name")), to_json(*when), place(cursor.at("when"))});
        });
    }

    /// Whether results can have something at the pointer, by their schema.
    void check_result_pointer(const Path& at, std::string_view of) {
        std::vector<const Shape*> here = {&kResultShape};  // what may stand there
        for (std::size_t begin = 1; begin <= of.size();) {
            const std::size_t end = std::min(of.find('/', begin), of.size());
            const std::string_view step = of.substr(begin, end - begin);
            std::vector<const Shape*> next;
            std::vector<std::string_view> names;
            for (std::size_t i = 0; i < here.size(); ++i) {
                const Shape& shape = *here[i];
                const bool index = !step.empty() && step.find_first_not_of("0123456789") == step.npos;
                if (shape.kind == Shape::Kind::any_of) {
                    here.insert(here.end(), shape.forms.begin(), shape.forms.end());
                } else if (shape.kind == Shape::Kind::object) {
                    for (const Field& f : shape.fields) names.push_back(f.name);
                    if (const Field* f = find_field(shape.fields, step)) next.push_back(f->shape);
                    for (const Case& c : shape.cases)
                        if (const Field* f = find_field(c.fields, step)) next.push_back(f->shape);
                } else if (shape.kind == Shape::Kind::table || (shape.kind == Shape::Kind::list && index)) {
                    next.push_back(shape.item);
                } else if (shape.kind == Shape::Kind::tuple && index) {
                    next.insert(next.end(), shape.forms.begin(), shape.forms.end());
                } else if (shape.kind == Shape::Kind::anything) {
                    return;
                }
            }
            if (next.empty()) {
                add(at, "results have no " + in_quotes(step) + (begin > 1 ? " in " + std::string(of.substr(0, begin - 1)) : ""),
                    did_you_mean(step, names, "see `mcemu schema result`"));
                return;
            }
            here = std::move(next);
            begin = end + 1;
        }
    }

    void read_numbers(const Cursor& root) {
        Registry names("number", "numbers");
        root.each("numbers", [&](const Cursor& cursor, std::size_t) {
            const std::string_view of = cursor.text("of");
            std::string name = cursor.given("name") ? std::string(cursor.text("name")) : last_step(of);
            if (of.empty() || of[0] != '/')
                add(cursor.at("of"), in_quotes(of) + " is no JSON pointer", "write /a/b, as in /counters/cmci");
            else
                check_result_pointer(cursor.at("of"), of);
            names.add(findings_, cursor.path(), document_.keep(name));
            campaign_.numbers.push_back({std::move(name), std::string(of), place(cursor.at("of"))});
        });
    }

    void read_runs(const Cursor& root) {
        if (const Value* v = root.find("confidence")) {
            campaign_.confidence = real_of(*v);
            if (!(campaign_.confidence > 0.5 && campaign_.confidence < 1))
                add(root.at("confidence"), "the confidence is not between 0.5 and 1", "write 0.95, or 0.99");
        }
        if (root.given("runs")) {
            campaign_.runs = root.number("runs");
            if (campaign_.runs == 0) add(root.at("runs"), "no runs are asked for", "write 1 or more");
            if (campaign_.runs > 1'000'000'000)
                add(root.at("runs"), "so many runs end after years", "write at most 1000000000");
        }
        const auto stop = root.object("stop");
        if (!stop) return;
        if (root.given("runs"))
            add(root.at("runs"), "\"stop\" says how many runs there are",
                "take \"runs\" away, or say \"at_most\" in \"stop\"");
        CampaignStop s;
        s.of_class = stop->text("class");
        s.of_measure = stop->text("measure");
        s.place = place(stop->path());
        if (s.of_class.empty() == s.of_measure.empty())
            add(stop->path(), "it does not say what must be known", "give \"class\" or \"measure\"");
        if (const Value* v = stop->find("quantile")) {
            s.quantile = real_of(*v);
            if (!(s.quantile > 0 && s.quantile < 1))
                add(stop->at("quantile"), "the quantile is not between 0 and 1", "write 0.5, or 0.99");
        }
        if (const Value* v = stop->find("within")) {
            s.within = real_of(*v);
            if (!(s.within > 0 && s.within < 1))
                add(stop->at("within"), "the width is not between 0 and 1", "write 0.01, or 0.1");
        }
        s.at_least = stop->given("at_least") ? stop->number("at_least") : s.at_least;
        s.at_most = stop->given("at_most") ? stop->number("at_most") : std::max(s.at_most, s.at_least);
        if (s.at_least == 0) add(stop->at("at_least"), "no runs are asked for", "write 1 or more");
        if (s.at_most < s.at_least)
            add(stop->at("at_most"), "\"at_most\" is below \"at_least\"", "exchange them");
        campaign_.runs = s.at_most;
        campaign_.stop = std::move(s);
    }

public:
    std::vector<Finding> late_;  ///< told beside those of the reader

private:
    Document& document_;
    Findings& findings_;
    Campaign& campaign_;
};

}  // namespace

nlohmann::json quantity_json(CampaignDraw::Unit unit, std::uint64_t count) {
    switch (unit) {
        case Unit::time: return time_text(SimTime{count});
        case Unit::size: return size_text(count);
        case Unit::address: return hex_text(count);
        case Unit::whole:
        case Unit::real: break;
    }
    return count;
}

CampaignResult read_campaign(std::string name, std::string text) {
    const std::string folder = name == "<stdin>" ? "" : std::filesystem::path(name).parent_path().string();
    Document document;
    Findings findings;
    CampaignResult out;
    Campaign campaign;
    campaign.file = name;
    const std::uint16_t source = document.add_source({std::move(name), std::move(text), folder});
    std::vector<Finding> late;
    if (const auto root = parse(document, source, findings)) {
        document.root = *root;
        mcemu::scenario::read(document, kCampaignShape, document.root, findings);
        if (findings.empty()) {
            CampaignReader reader(document, findings, campaign);
            reader.read();
            late = std::move(reader.late_);
        }
    }
    out.findings = findings.finish(document);
    out.findings.insert(out.findings.end(), late.begin(), late.end());
    if (out.findings.empty()) out.campaign = std::move(campaign);
    return out;
}

}  // namespace mcemu::scenario
