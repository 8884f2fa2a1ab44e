#pragma once  // Text on its way into HTML and SVG: names of scenarios are not to be trusted.
#include <cstdint>
#include <string>
#include <string_view>

namespace mcemu::report {

/// For text and for attribute values in either kind of quotes.
std::string escape(std::string_view text);
/// escape() in <bdi>: a name cannot turn the direction of what follows.
std::string name_markup(std::string_view text);
/// JSON that may stand in a script element: without <, >, & and line separators.
std::string script_safe(std::string_view json);
/// Two decimals at most, for coordinates.
std::string coordinate(double value);
std::string base64(std::string_view bytes);
/// zlib format (RFC 1950).
std::string deflate(std::string_view bytes);

}  // namespace mcemu::report
