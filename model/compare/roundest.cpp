#include "compare/roundest.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>

#include "scenario/quantity.hpp"

namespace mcemu::compare {
namespace {

using Json = nlohmann::ordered_json;

/// Digits that are not zeros at the end, then length, then value: the least is the roundest.
using Cost = std::tuple<std::size_t, std::size_t, std::uint64_t>;

Cost cost(const std::string& text, std::uint64_t value) {
    std::string digits = text.starts_with("0x") ? text.substr(2) : text;
    digits.resize(std::min(digits.find_first_not_of("0123456789abcdef."), digits.size()));
    std::erase(digits, '.');
    const std::size_t last = digits.find_last_not_of('0');
    return {last == std::string::npos ? 0 : last + 1, text.size(), value};
}

/// `value` with its first `keep` digits of that base, the rest zero.
std::uint64_t truncated(std::uint64_t value, std::uint64_t base, unsigned keep) {
    std::uint64_t scale = 1;
    std::uint64_t limit = 1;
    for (unsigned i = 0; i < keep; ++i) limit *= base;
    while (value / scale >= limit) scale *= base;
    return value / scale * scale;
}

struct Candidate {
    Cost price;
    Json value;
};

class Candidates {
public:
    Candidates(Cost now) : now_(now) {}
    void add(std::uint64_t value, const std::string& text, Json json) {
        const Cost c = cost(text, value);
        if (c < now_) list_.push_back({c, std::move(json)});
    }
    std::vector<Json> take() {
        std::stable_sort(list_.begin(), list_.end(),
                         [](const Candidate& a, const Candidate& b) { return a.price < b.price; });
        std::vector<Json> out;
        for (Candidate& c : list_)
            if (out.empty() || out.back() != c.value) out.push_back(std::move(c.value));
        return out;
    }

private:
    Cost now_;
    std::vector<Candidate> list_;
};

template <class Text>
std::vector<Json> of_text(std::uint64_t value, const std::string& now,
                          std::initializer_list<std::uint64_t> favourites, std::uint64_t base,
                          Text text) {
    Candidates c(cost(now, value));
    for (const std::uint64_t v : favourites) c.add(v, text(v), text(v));
    for (unsigned keep = 1; keep <= 4; ++keep) {
        const std::uint64_t v = truncated(value, base, keep);
        c.add(v, text(v), text(v));
    }
    c.add(value, text(value), text(value));  // the same in a better unit
    return c.take();
}

}  // namespace

std::vector<Json> rounder(const Json& value) {
    if (value.is_number_unsigned()) {
        const auto v = value.get<std::uint64_t>();
        Candidates c(cost(std::to_string(v), v));
        for (const std::uint64_t f : {0u, 1u, 2u, 4u, 10u, 100u, 1000u}) c.add(f, std::to_string(f), f);
        for (unsigned keep = 1; keep <= 4; ++keep) {
            const std::uint64_t t = truncated(v, 10, keep);
            c.add(t, std::to_string(t), t);
        }
        return c.take();
    }
    if (!value.is_string()) return {};
    const std::string text = value.get<std::string>();
    if (text.empty() || text.front() < '0' || text.front() > '9') return {};
    if (text.starts_with("0x")) {
        const auto v = scenario::parse_address(text).value;
        if (!v) return {};
        return of_text(*v, text, {0, 0x1000, 0x200000, 0x10000000, 0x40000000, 0x200000000}, 16,
                       [](std::uint64_t x) { return scenario::hex_text(x); });
    }
    if (const auto t = scenario::parse_time(text).value)
        return of_text(t->count(), text,
                       {0, 1'000, 1'000'000, 10'000'000, 100'000'000, 1'000'000'000, 10'000'000'000,
                        1'000'000'000'000},
                       10, [](std::uint64_t ps) { return scenario::time_text(SimTime{ps}); });
    if (const auto bytes = scenario::parse_size(text).value)
        return of_text(*bytes, text, {64, 4096, 1u << 20, 2u << 20, 1u << 30}, 2,
                       [](std::uint64_t b) { return scenario::size_text(b); });
    return {};
}

}  // namespace mcemu::compare
