#include "scenario/nearest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mcemu::scenario {
namespace {

constexpr std::size_t kLongest = 64;
constexpr unsigned kFar = 1000;

char folded(char c) {
    if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
    return c == '-' || c == '.' || c == ' ' ? '_' : c;
}

}  // namespace

unsigned edit_distance(std::string_view a, std::string_view b) {
    if (a.size() > kLongest || b.size() > kLongest) return kFar;
    // Three rows of the distance table are enough for transpositions of neighbours.
    std::array<std::array<unsigned, kLongest + 1>, 3> rows;
    for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<unsigned>(j);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        auto& row = rows[i % 3];
        const auto& above = rows[(i + 2) % 3];
        const auto& twice_above = rows[(i + 1) % 3];
        row[0] = static_cast<unsigned>(i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const char x = folded(a[i - 1]), y = folded(b[j - 1]);
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (x == y ? 0u : 1u)});
            if (i > 1 && j > 1 && x == folded(b[j - 2]) && folded(a[i - 2]) == y)
                row[j] = std::min(row[j], twice_above[j - 2] + 1);
        }
    }
    return rows[a.size() % 3][b.size()];
}

std::string_view nearest(std::string_view wrong, std::span<const std::string_view> names) {
    std::string_view best;
    unsigned best_distance = kFar;
    for (const std::string_view name : names.first(std::min<std::size_t>(names.size(), 1000))) {
        const std::size_t longer = std::max(wrong.size(), name.size());
        const std::size_t shorter = std::min(wrong.size(), name.size());
        const std::size_t limit = std::max<std::size_t>(1, longer / 3);
        if (longer - shorter > limit) continue;
        const unsigned distance = edit_distance(wrong, name);
        if (distance <= limit && distance < best_distance) {
            best = name;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace mcemu::scenario
