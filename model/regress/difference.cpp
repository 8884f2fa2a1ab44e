#include "regress/difference.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace mcemu::regress {
namespace {

constexpr std::size_t kAround = 3;
constexpr std::size_t kMostCells = 25'000'000;  ///< beyond, the changed part is shown as a whole

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
    return lines;
}

struct Line {
    char sign;
    std::string_view text;
};

/// Longest common subsequence of what lies between the common ends.
std::vector<Line> compare(const std::vector<std::string_view>& a,
                          const std::vector<std::string_view>& b) {
    std::size_t head = 0, tail = 0;
    while (head < std::min(a.size(), b.size()) && a[head] == b[head]) ++head;
    while (tail < std::min(a.size(), b.size()) - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
        ++tail;
    const std::size_t n = a.size() - head - tail, m = b.size() - head - tail;
    std::vector<Line> out;
    for (std::size_t i = 0; i < head; ++i) out.push_back({' ', a[i]});
    if (n * m > kMostCells) {
        for (std::size_t i = 0; i < n; ++i) out.push_back({'-', a[head + i]});
        for (std::size_t j = 0; j < m; ++j) out.push_back({'+', b[head + j]});
    } else {
        std::vector<std::uint32_t> length((n + 1) * (m + 1));
        const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& {
            return length[i * (m + 1) + j];
        };
        for (std::size_t i = n; i-- > 0;)
            for (std::size_t j = m; j-- > 0;)
                at(i, j) = a[head + i] == b[head + j] ? at(i + 1, j + 1) + 1
                                                      : std::max(at(i + 1, j), at(i, j + 1));
        std::size_t i = 0, j = 0;
        while (i < n || j < m) {
            if (i < n && j < m && a[head + i] == b[head + j]) {
                out.push_back({' ', a[head + i]});
                ++i, ++j;
            } else if (i < n && (j == m || at(i + 1, j) >= at(i, j + 1))) {
                out.push_back({'-', a[head + i++]});
            } else {
                out.push_back({'+', b[head + j++]});
            }
        }
    }
    for (std::size_t i = a.size() - tail; i < a.size(); ++i) out.push_back({' ', a[i]});
    return out;
}

}  // namespace

std::string difference(const std::string& name, std::string_view before, std::string_view after) {
    if (before == after) return {};
    const std::vector<Line> lines = compare(lines_of(before), lines_of(after));
    std::string out = "--- " + name + "\n+++ " + name + "\n";
    std::size_t line_a = 1, line_b = 1;  // of lines[at]
    std::size_t at = 0;
    const auto changed = [&](std::size_t i) { return lines[i].sign != ' '; };
    while (true) {
        std::size_t first = at;
        while (first < lines.size() && !changed(first)) ++first;
        if (first == lines.size()) return out;
        const std::size_t begin = std::max(at, first - std::min(first, kAround));
        std::size_t last = first;  // the last change of this piece
        for (std::size_t i = first; i < lines.size() && i <= last + 2 * kAround; ++i)
            if (changed(i)) last = i;
        const std::size_t end = std::min(last + kAround + 1, lines.size());
        line_a += begin - at;
        line_b += begin - at;
        std::size_t count_a = 0, count_b = 0;
        std::string body;
        for (std::size_t i = begin; i < end; ++i) {
            if (lines[i].sign != '+') ++count_a;
            if (lines[i].sign != '-') ++count_b;
            body += lines[i].sign;
            body += lines[i].text;
            if (!lines[i].text.ends_with('\n')) body += "\n\\ No newline at end of file\n";
        }
        out += "@@ -" + std::to_string(line_a) + "," + std::to_string(count_a) + " +" +
               std::to_string(line_b) + "," + std::to_string(count_b) + " @@\n" + body;
        line_a += count_a;
        line_b += count_b;
        at = end;
    }
}

}  // namespace mcemu::regress
