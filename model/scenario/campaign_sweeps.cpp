#include <algorithm>
#include <cmath>
#include <limits>

#include "core/detmath.hpp"
#include "scenario/campaign_reader.hpp"

namespace mcemu::scenario {
namespace {

constexpr std::size_t kMostValues = 100'000;  // of one sweep

}  // namespace

const char* unit_word(CampaignDraw::Unit unit) {
    switch (unit) {
        case CampaignDraw::Unit::whole:
            return "a whole number";
        case CampaignDraw::Unit::real:
            return "a number with a fraction";
        case CampaignDraw::Unit::time:
            return "a time";
        case CampaignDraw::Unit::size:
            return "a size";
        case CampaignDraw::Unit::address:
            return "an address";
    }
    return "";
}

std::optional<CampaignReader::Quantity> CampaignReader::quantity(const Cursor& cursor,
                                                                 std::string_view key) {
    const Value* v = cursor.find(key);
    if (v == nullptr) return std::nullopt;
    return quantity(v, cursor.at(key));
}

std::optional<CampaignReader::Quantity> CampaignReader::quantity(const Value* v, const Path& at) {
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

bool CampaignReader::alike(const Cursor& cursor, std::string_view key, const Quantity& first,
                           Quantity& other) {
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

void CampaignReader::read_sweep(const Cursor& cursor) {
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

void CampaignReader::read_range(const Cursor& cursor, CampaignSweep& sweep) {
    const auto from = quantity(cursor, "from");
    auto to = quantity(cursor, "to");
    for (const char* key : {"from", "to"}) {
        if (!cursor.given(key))
            add(cursor.path(), in_quotes(key) + " is missing", "a range has both ends");
    }
    const int ways =
        int{cursor.given("step")} + int{cursor.given("factor")} + int{cursor.given("points")};
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
            for (std::uint64_t i = 0, c = first.count; i < static_cast<std::uint64_t>(count);
                 ++i, c += step->count)
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

bool CampaignReader::too_many(const Cursor& cursor, double count) {
    if (count <= static_cast<double>(kMostValues)) return false;
    add(cursor.path(), "the range has more than " + std::to_string(kMostValues) + " values",
        "take larger steps");
    return true;
}

void CampaignReader::push(CampaignSweep& sweep, const Cursor& cursor, Unit unit, double value) {
    if (unit != Unit::real)
        return push_count(sweep, cursor, unit, static_cast<std::uint64_t>(std::llround(value)));
    sweep.values.emplace_back(value);
    sweep.places.push_back(place(cursor.path()));
}

void CampaignReader::push_count(CampaignSweep& sweep, const Cursor& cursor, Unit unit,
                                std::uint64_t count) {
    nlohmann::json value = quantity_json(unit, count);
    // Ratios of small whole numbers round to the same one.
    if (!sweep.values.empty() && sweep.values.back() == value) return;
    sweep.values.push_back(std::move(value));
    sweep.places.push_back(place(cursor.path()));
}

}  // namespace mcemu::scenario
