#pragma once  // Comparing wanted JSON with what came: subsets, numbers in two spellings, patterns.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/units.hpp"

namespace mcemu::output {

using Json = nlohmann::ordered_json;

/// A pattern the user wrote badly; the message is for the user.
class BadPattern : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A number, or a string in 0x hex: its value.
std::optional<std::uint64_t> as_number(const Json& value);
/// "50us", "1.5ms", or whole nanoseconds.
std::optional<SimTime> as_time(const Json& value);

/// Whether `text` holds a match of {"re": pattern} (ECMAScript). Patterns beyond 1000 characters
/// are refused, lines beyond 4000 never match: std::regex recurses per character.
bool matches_pattern(const Json& pattern, std::string_view text);
bool is_pattern(const Json& wanted);

/// The pointer, relative to `wanted`, of the first place where `got` is not what was wanted:
/// objects may have more members than wanted, arrays must have as many items, numbers may be
/// written as hex strings, {"re": ...} matches texts. nullopt: it matches.
std::optional<std::string> mismatch(const Json& wanted, const Json& got);

/// Levenshtein distance of at most `limit`, else limit + 1.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit);

}  // namespace mcemu::output
