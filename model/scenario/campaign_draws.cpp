#include <algorithm>
#include <cmath>

#include "core/detmath.hpp"
#include "scenario/campaign_reader.hpp"

namespace mcemu::scenario {

void CampaignReader::read_draw(const Cursor& cursor) {
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

void CampaignReader::counts(const Cursor& cursor, CampaignDraw& draw, std::string_view one,
                            std::string_view two) {
    const auto first = quantity(cursor, one);
    if (!first) return;
    if (first->unit == Unit::real) {
        add(cursor.at(one), "a fraction stands here",
            "this distribution has whole numbers, times or sizes");
        return;
    }
    draw.unit = first->unit;
    draw.how.first = SimTime{first->count};
    if (two.empty()) return;
    auto second = quantity(cursor, two);
    if (second && alike(cursor, two, *first, *second)) draw.how.second = SimTime{second->count};
}

void CampaignReader::read_uniform(const Cursor& cursor, CampaignDraw& draw) {
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
        add(cursor.at("step"),
            draw.unit == Unit::real ? "steps of fractions are not exact" : "the step is zero",
            "write a whole step, or none");
        return;
    }
    draw.step = step->count;
}

void CampaignReader::read_table(const Cursor& cursor, CampaignDraw& draw) {
    const Value& rows = *cursor.find("table");
    const Path at = cursor.at("table");
    for (std::size_t i = 0; i < rows.count; ++i) {
        const Value& row = rows.items[i];
        const Path here{&at, &row, {}, i, true};
        const double share = real_of(row.items[0]);
        const auto value = quantity(&row.items[1], Path{&here, &row.items[1], {}, 1, true});
        if (!value) return;
        if (value->unit == Unit::real) {
            add(here, "a fraction stands here",
                "this distribution has whole numbers, times or sizes");
            return;
        }
        if (i == 0) draw.unit = value->unit;
        if (value->unit != draw.unit) {
            add(here,
                std::string(unit_word(value->unit)) + " stands beside " + unit_word(draw.unit),
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

void CampaignReader::read_lognormal(const Cursor& cursor, CampaignDraw& draw) {
    struct Percentile {
        std::string_view key;
        double share;
    };
    constexpr Percentile kPercentiles[] = {
        {"p90", 0.90}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}};
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

void CampaignReader::read_choice(const Cursor& cursor, CampaignDraw& draw) {
    for (const Value& v : cursor.find("values")->children()) draw.choices.push_back(to_json(v));
    std::vector<double> weights(draw.choices.size(), 1.0);
    if (const Value* list = cursor.find("weights")) {
        weights.clear();
        const Path at = cursor.at("weights");
        for (std::size_t i = 0; i < list->count; ++i) {
            weights.push_back(real_of(list->items[i]));
            if (weights.back() < 0)
                add(Path{&at, &list->items[i], {}, i, true}, "a weight is below zero",
                    "write 0 or more");
        }
        if (weights.size() != draw.choices.size()) {
            add(at,
                std::to_string(weights.size()) + " weights for " +
                    std::to_string(draw.choices.size()) + " values",
                "give each value one");
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

}  // namespace mcemu::scenario
