#include "compare/timeless.hpp"

#include <algorithm>

namespace mcemu::compare {
namespace {

/// Puts "-" for the word behind `before`, in a line of a hardware error.
void blank(std::string& line, std::string_view before) {
    const std::size_t at = line.find(before);
    if (at == std::string::npos) return;
    const std::size_t begin = at + before.size();
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    line.replace(begin, end - begin, "-");
}

}  // namespace

std::string without_times(std::string_view line) {
    std::string out(line);
    if (line.find("[Hardware Error]:") == std::string_view::npos) return out;
    blank(out, "]: TSC ");
    blank(out, " TIME ");
    return out;
}

}  // namespace mcemu::compare
