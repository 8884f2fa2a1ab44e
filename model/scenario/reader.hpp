#pragma once  // Holds a document against its shape: types, keys, ranges, units.
#include "scenario/document.hpp"
#include "scenario/shape.hpp"

namespace mcemu::scenario {

struct ReadResult {
    /// False when something is wrong that the JSON Schema of the same shape refuses too. Units and
    /// hex digits inside strings are beyond the schema.
    bool fits_schema = true;
};

/// Adds a finding for everything in `value` that `shape` does not allow. Texts that came from
/// "${name}" become numbers or truth values where those belong, and numbers become texts.
ReadResult read(Document& document, const Shape& shape, Value& value, Findings& findings);

/// Size, time or address `value` of that shape, in bytes, picoseconds or as it is.
Parsed<std::uint64_t> parse_quantity(const Shape& shape, const Value& value);

/// What belongs where `shape` stands: "a whole number from 1 to 64", "one of \"raw\", ...".
std::string wanted(const Shape& shape);

/// "did you mean \"x\"?" when a name is near, else `otherwise`.
std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> names,
                         std::string otherwise);
/// `"a", "b", "c"`
std::string listed(std::span<const std::string_view> names);

}  // namespace mcemu::scenario
