#pragma once  // What is wrong with a scenario, where, and what would be right.
#include <cstdint>
#include <span>
#include <string>

namespace mcemu::scenario {

struct Finding {
    std::string source;        ///< file as the user named it, "<stdin>", "--set 1", "--profile"
    std::uint32_t line = 0;    ///< counted from 1; 0: the source has no lines (an option)
    std::uint32_t column = 0;  ///< in characters, from 1
    std::string pointer;       ///< JSON pointer; "" is the whole document
    std::string wrong, right;

    bool operator==(const Finding&) const = default;
};

/// `FILE:LINE:COL: /json/pointer: what is wrong: what would be right`, on one line. The pointer of
/// the whole document is shown as "/".
std::string to_text(const Finding& finding);

/// The findings of `files` as a SARIF 2.1.0 log. `version` is the program's.
std::string to_sarif(std::span<const Finding> findings, const std::string& version);

}  // namespace mcemu::scenario
