#pragma once  // A cursor over one line of text: literals, numbers, words.
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mcemu::formats {

/// Reads from the front of `rest`. What returns false or nullopt has moved nothing.
class Scan {
public:
    explicit Scan(std::string_view text) : rest(text) {}

    std::string_view rest;

    bool done() const { return rest.empty(); }
    char peek() const { return rest.empty() ? '\0' : rest.front(); }

    bool literal(std::string_view text) {
        if (!rest.starts_with(text)) return false;
        rest.remove_prefix(text.size());
        return true;
    }
    /// Moves behind the next `text`, wherever it stands.
    bool behind(std::string_view text) {
        const std::size_t at = rest.find(text);
        if (at == std::string_view::npos) return false;
        rest.remove_prefix(at + text.size());
        return true;
    }
    void blanks() {
        while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t'))
            rest.remove_prefix(1);
    }
    /// Digits without a prefix. More than 64 bits: none.
    std::optional<std::uint64_t> number(int base) {
        std::uint64_t value = 0;
        const auto r = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
        if (r.ec != std::errc{}) return std::nullopt;
        rest.remove_prefix(static_cast<std::size_t>(r.ptr - rest.data()));
        return value;
    }
    std::optional<std::uint64_t> decimal() { return number(10); }
    /// With or without 0x.
    std::optional<std::uint64_t> hex() {
        const std::string_view was = rest;
        if (rest.size() > 2 && rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'X'))
            rest.remove_prefix(2);
        const auto value = number(16);
        if (!value) rest = was;
        return value;
    }
    /// Everything before the next `text`, which is passed over; all of it when there is none.
    std::string_view until(std::string_view text) {
        const std::size_t at = rest.find(text);
        const std::string_view word = rest.substr(0, at);
        rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + text.size());
        return word;
    }
    /// What stands before the next blank.
    std::string_view word() {
        std::size_t n = 0;
        while (n < rest.size() && rest[n] != ' ' && rest[n] != '\t') ++n;
        const std::string_view out = rest.substr(0, n);
        rest.remove_prefix(n);
        return out;
    }
};

/// The number behind `key` in `text`, in hex: field(" page:0x12", "page:") is 0x12.
inline std::optional<std::uint64_t> hex_field(std::string_view text, std::string_view key) {
    Scan scan(text);
    return scan.behind(key) ? scan.hex() : std::nullopt;
}
inline std::optional<std::uint64_t> decimal_field(std::string_view text, std::string_view key) {
    Scan scan(text);
    return scan.behind(key) ? scan.decimal() : std::nullopt;
}

}  // namespace mcemu::formats
