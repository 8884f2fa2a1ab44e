#include "output/match.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <regex>
#include <vector>

namespace mcemu::output {
namespace {

constexpr std::size_t kLongestPattern = 1000;
constexpr std::size_t kLongestLine = 4000;

const std::regex& compiled(const std::string& pattern) {
    static std::map<std::string, std::regex> cache;
    if (const auto it = cache.find(pattern); it != cache.end()) return it->second;
    if (pattern.size() > kLongestPattern)
        throw BadPattern("the pattern has " + std::to_string(pattern.size()) +
                         " characters, at most " + std::to_string(kLongestPattern) + " are taken");
    try {
        return cache.emplace(pattern, std::regex(pattern, std::regex::ECMAScript)).first->second;
    } catch (const std::regex_error& e) {
        throw BadPattern("\"" + pattern + "\" is no ECMAScript pattern: " + e.what());
    }
}

std::string escaped(std::string_view key) {
    std::string out;
    for (const char c : key) {
        if (c == '~')
            out += "~0";
        else if (c == '/')
            out += "~1";
        else
            out += c;
    }
    return out;
}

}  // namespace

std::optional<std::uint64_t> as_number(const Json& value) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer()) return static_cast<std::uint64_t>(value.get<std::int64_t>());
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    if (text.size() < 3 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
        return std::nullopt;
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data() + 2, end, number, 16);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return number;
}

std::optional<SimTime> as_time(const Json& value) {
    if (value.is_number_integer()) {
        if (!value.is_number_unsigned() && value.get<std::int64_t>() < 0) return std::nullopt;
        return from_ns(value.get<std::uint64_t>());
    }
    if (!value.is_string()) return std::nullopt;
    const auto& text = value.get_ref<const std::string&>();
    const std::size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string::npos) return std::nullopt;
    std::uint64_t scale = 0;  // picoseconds
    const std::string_view unit = std::string_view(text).substr(digits);
    if (unit == "ps")
        scale = 1;
    else if (unit == "ns")
        scale = 1'000;
    else if (unit == "us")
        scale = 1'000'000;
    else if (unit == "ms")
        scale = 1'000'000'000;
    else if (unit == "s")
        scale = 1'000'000'000'000;
    else
        return std::nullopt;
    const std::size_t dot = std::min(text.find('.'), digits);
    std::uint64_t whole = 0;
    const auto [stopped, error] = std::from_chars(text.data(), text.data() + dot, whole);
    if (error != std::errc{} || stopped != text.data() + dot) return std::nullopt;
    if (whole > ~std::uint64_t{0} / scale) return std::nullopt;
    std::uint64_t ps = whole * scale;
    for (std::size_t i = dot + 1; i < digits; ++i) {
        if (text[i] == '.') return std::nullopt;
        scale /= 10;
        ps += static_cast<std::uint64_t>(text[i] - '0') * scale;
    }
    return SimTime{ps};
}

bool is_pattern(const Json& wanted) {
    return wanted.is_object() && wanted.size() == 1 && wanted.contains("re") &&
           wanted["re"].is_string();
}

bool matches_pattern(const Json& pattern, std::string_view text) {
    if (text.size() > kLongestLine) return false;
    return std::regex_search(text.begin(), text.end(),
                             compiled(pattern["re"].get_ref<const std::string&>()));
}

std::optional<std::string> mismatch(const Json& wanted, const Json& got) {
    if (is_pattern(wanted)) {
        if (got.is_string() && matches_pattern(wanted, got.get_ref<const std::string&>()))
            return std::nullopt;
        return "";
    }
    if (wanted.is_object()) {
        if (!got.is_object()) return "";
        for (const auto& [key, value] : wanted.items()) {
            const auto it = got.find(key);
            const auto below = mismatch(value, it == got.end() ? Json(nullptr) : *it);
            if (below) return "/" + escaped(key) + *below;
        }
        return std::nullopt;
    }
    if (wanted.is_array()) {
        if (!got.is_array()) return "";
        for (std::size_t i = 0; i < std::max(wanted.size(), got.size()); ++i) {
            if (i >= wanted.size() || i >= got.size()) return "/" + std::to_string(i);
            if (const auto below = mismatch(wanted[i], got[i]))
                return "/" + std::to_string(i) + *below;
        }
        return std::nullopt;
    }
    if (wanted == got) return std::nullopt;
    const auto a = as_number(wanted), b = as_number(got);
    // A number that is negative on one side only is no match of the other's two's complement.
    const auto negative = [](const Json& v) {
        return v.is_number_integer() && !v.is_number_unsigned() && v.get<std::int64_t>() < 0;
    };
    if (a && b && *a == *b && negative(wanted) == negative(got)) return std::nullopt;
    return "";
}

std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
    if (a.size() > b.size()) std::swap(a, b);
    if (b.size() - a.size() > limit) return limit + 1;
    std::vector<std::size_t> row(a.size() + 1);
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
        std::size_t diagonal = row[0];
        row[0] = j;
        std::size_t least = j;
        for (std::size_t i = 1; i <= a.size(); ++i) {
            const std::size_t above = row[i];
            row[i] =
                std::min({above + 1, row[i - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u)});
            diagonal = above;
            least = std::min(least, row[i]);
        }
        if (least > limit) return limit + 1;
    }
    return std::min(row[a.size()], limit + 1);
}

}  // namespace mcemu::output
