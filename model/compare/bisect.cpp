#include "compare/bisect.hpp"

namespace mcemu::compare {

std::vector<std::string> split_values(std::string_view list) {
    std::vector<std::string> values(1);
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < list.size(); ++i) {
        const char c = list[i];
        if (quoted) {
            if (c == '\\' && i + 1 < list.size()) values.back() += list[i++];
            else if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if (c == ']' || c == '}') {
            --depth;
        } else if (c == ',' && depth == 0) {
            values.emplace_back();
            continue;
        }
        values.back() += list[i];
    }
    if (depth != 0 || quoted) return {};
    for (const std::string& v : values)
        if (v.empty()) return {};
    return values;
}

}  // namespace mcemu::compare
