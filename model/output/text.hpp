#pragma once  // Numbers into text with std::to_chars: no locale, no stream.
#include <charconv>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace mcemu::output {

inline void append_dec(std::string& out, std::uint64_t value) {
    char digits[20];
    out.append(digits, std::to_chars(digits, std::end(digits), value).ptr);
}
inline void append_signed(std::string& out, std::int64_t value) {
    char digits[21];
    out.append(digits, std::to_chars(digits, std::end(digits), value).ptr);
}
/// Lower-case hex, padded with zeros to `width` digits.
inline void append_hex(std::string& out, std::uint64_t value, std::size_t width = 1) {
    char digits[16];
    const char* end = std::to_chars(digits, std::end(digits), value, 16).ptr;
    const auto length = static_cast<std::size_t>(end - digits);
    if (length < width) out.append(width - length, '0');
    out.append(digits, length);
}
/// "0x20cb00", and "0x0" for zero: how addresses are written in JSON and messages.
inline std::string hex(std::uint64_t value) {
    std::string out = "0x";
    append_hex(out, value);
    return out;
}
/// Decimal, padded with `fill` on the left to `width`.
inline void append_padded(std::string& out, std::uint64_t value, std::size_t width, char fill) {
    char digits[20];
    const char* end = std::to_chars(digits, std::end(digits), value).ptr;
    const auto length = static_cast<std::size_t>(end - digits);
    if (length < width) out.append(width - length, fill);
    out.append(digits, length);
}
/// A JSON string literal of `text`, quotes included. Bytes that are not UTF-8 pass through: the
/// texts are ours or were checked when the scenario was read.
inline void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        switch (c) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\r':
                out += "\\r";
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20) {
                    out += "\\u";
                    append_hex(out, static_cast<unsigned char>(c), 4);
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

}  // namespace mcemu::output
