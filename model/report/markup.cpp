#include "report/markup.hpp"

#include <zlib.h>

#include <cmath>
#include <stdexcept>

#include "output/text.hpp"

namespace mcemu::report {

std::string escape(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            case '\n':
            case '\t': out += c; break;
            default:
                // HTML has no way to write other control characters: show that there was one.
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
                    out += "\xef\xbf\xbd";
                else
                    out += c;
        }
    }
    return out;
}

std::string name_markup(std::string_view text) { return "<bdi>" + escape(text) + "</bdi>"; }

std::string script_safe(std::string_view json) {
    std::string out;
    out.reserve(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (c == '<' || c == '>' || c == '&') {
            out += "\\u00";
            output::append_hex(out, static_cast<unsigned char>(c), 2);
        } else if (json.substr(i, 3) == "\xe2\x80\xa8" || json.substr(i, 3) == "\xe2\x80\xa9") {
            out += json[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
            i += 2;
        } else {
            out += c;
        }
    }
    return out;
}

std::string coordinate(double value) {
    const auto hundredths = static_cast<std::int64_t>(std::llround(value * 100));
    std::string out = hundredths < 0 ? "-" : "";
    const auto size = static_cast<std::uint64_t>(std::abs(hundredths));
    output::append_dec(out, size / 100);
    if (size % 100 == 0) return out;
    out += '.';
    output::append_padded(out, size % 100, 2, '0');
    if (out.back() == '0') out.pop_back();
    return out;
}

std::string base64(std::string_view bytes) {
    constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 |
                    (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

std::string deflate(std::string_view bytes) {
    uLongf size = compressBound(static_cast<uLong>(bytes.size()));
    std::string out(size, '\0');
    const int code = compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                               reinterpret_cast<const Bytef*>(bytes.data()),
                               static_cast<uLong>(bytes.size()), 6);
    if (code != Z_OK) throw std::runtime_error("zlib: compress2 " + std::to_string(code));
    out.resize(size);
    return out;
}

}  // namespace mcemu::report
