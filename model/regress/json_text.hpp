#pragma once  // Editing JSON as text: where a value ends, how one is left out, how one is written.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "regress/outcome.hpp"

namespace mcemu::regress {

/// "0x1f"
std::string hex_text(std::uint64_t value);

/// The offset behind the value that begins at `offset` of a text that parses (comments allowed).
std::size_t end_of_value(std::string_view text, std::size_t offset);

/// The edit that takes out the member of an object or item of an array in [begin, end), with its
/// comma, and its line when it stands there alone.
Edit removal(std::string_view text, std::size_t begin, std::size_t end);

/// `value` in the layout of what stands at [begin, end): lists with an item a line when those had.
std::string written(const nlohmann::json& value, std::string_view text, std::size_t begin,
                    std::size_t end);

}  // namespace mcemu::regress
