#include "regress/became.hpp"

#include <algorithm>
#include <string_view>

#include "output/verdict.hpp"

namespace mcemu::regress {

using output::Json;

namespace {

constexpr std::size_t kMostEvents = 12;

}  // namespace

std::vector<std::string> what_became(const Json& result) {
    const std::string text = output::verdict(
        result, [](const std::string&) { return std::string(); }, false);
    std::vector<std::string> lines;
    std::size_t left_out = 0;
    const std::size_t events = result["events"].size();
    for (std::size_t begin = 0, number = 0; begin < text.size(); ++number) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = std::string_view(text).substr(begin, end - begin);
        begin = end + 1;
        if (line.starts_with("failed ") || line.starts_with("expectations: ")) continue;
        if (number < events && number >= kMostEvents) {
            ++left_out;
            continue;
        }
        if (left_out > 0 && number >= events) {
            lines.push_back("... and " + std::to_string(left_out) + " more events");
            left_out = 0;
        }
        lines.emplace_back(line);
    }
    return lines;
}

}  // namespace mcemu::regress
