#pragma once  // Tables of formats, for import and export.
#include <iterator>
#include <string>
#include <vector>

#include "options.hpp"

namespace mcemu::cli {

/// "  ndctl  what it is", a line each.
template <class Format, std::size_t N>
std::string format_list(const Format (&formats)[N]) {
    std::string out = "FORMAT:\n";
    for (const Format& f : formats) {
        std::string left = "  " + std::string(f.name);
        left.resize(14, ' ');
        out += left + f.what + "\n";
    }
    return out;
}

/// The format of that name. Throws UsageError with the nearest known.
template <class Format, std::size_t N>
const Format& find_format(const Format (&formats)[N], const std::string& name) {
    std::vector<std::string> names;
    std::string all;
    for (const Format& f : formats) {
        if (name == f.name) return f;
        names.emplace_back(f.name);
        all += (all.empty() ? "" : ", ") + names.back();
    }
    const std::string near = nearest_name(name, names);
    throw UsageError("there is no format '" + name +
                     "': " + (near.empty() ? "there is: " + all : "'" + near + "' would be one"));
}

}  // namespace mcemu::cli
