#include "formats/journal_json.hpp"

#include <optional>
#include <string>

#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

void append_utf8(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
        out += static_cast<char>(c);
    } else if (c < 0x800) {
        out += static_cast<char>(0xc0 | c >> 6);
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
        out += static_cast<char>(0xe0 | c >> 12);
        out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    }
}

/// A JSON text behind its first quotation mark; the last one is passed over.
std::optional<std::string> text(Scan& s) {
    std::string out;
    while (!s.done()) {
        const char c = s.peek();
        s.rest.remove_prefix(1);
        if (c == '"') return out;
        if (c != '\\') {
            out += c;
            continue;
        }
        const char escape = s.peek();
        if (s.done()) return std::nullopt;
        s.rest.remove_prefix(1);
        if (escape == 'u') {
            if (s.rest.size() < 4) return std::nullopt;
            Scan digits(s.rest.substr(0, 4));
            const auto code = digits.number(16);
            if (!code || !digits.done()) return std::nullopt;
            s.rest.remove_prefix(4);
            append_utf8(out, static_cast<std::uint32_t>(*code));
            continue;
        }
        out += escape == 'n'   ? '\n'
               : escape == 't' ? '\t'
               : escape == 'r' ? '\r'
               : escape == 'b' ? '\b'
               : escape == 'f' ? '\f'
                               : escape;
    }
    return std::nullopt;
}

/// A text, a number, null, or a list of bytes.
std::optional<std::string> value(Scan& s) {
    if (s.literal("\"")) return text(s);
    std::string out;
    if (s.literal("[")) {
        while (!s.literal("]")) {
            s.blanks();
            const auto byte = s.decimal();
            if (!byte || *byte > 255) return std::nullopt;
            out += static_cast<char>(*byte);
            s.blanks();
            s.literal(",");
        }
        return out;
    }
    while (!s.done() && s.peek() != ',' && s.peek() != '}') {
        out += s.peek();
        s.rest.remove_prefix(1);
    }
    return out;
}

}  // namespace

bool journal_json(std::string_view line, LogLine& out) {
    Scan s(line);
    s.blanks();
    if (!s.literal("{") || line.find("\"MESSAGE\"") == std::string_view::npos) return false;
    std::optional<std::string> message;
    std::optional<std::uint64_t> real, boot, source_boot, level;
    std::string who, transport;
    for (;;) {
        s.blanks();
        if (!s.literal("\"")) return false;
        const auto key = text(s);
        s.blanks();
        if (!key || !s.literal(":")) return false;
        s.blanks();
        const auto v = value(s);
        if (!v) return false;
        const auto number = [&] { return Scan(*v).decimal(); };
        if (*key == "MESSAGE") message = *v;
        if (*key == "PRIORITY") level = number();
        if (*key == "SYSLOG_IDENTIFIER") who = *v;
        if (*key == "_TRANSPORT") transport = *v;
        if (*key == "__REALTIME_TIMESTAMP") real = number();
        if (*key == "__MONOTONIC_TIMESTAMP") boot = number();
        if (*key == "_SOURCE_MONOTONIC_TIMESTAMP") source_boot = number();
        s.blanks();
        if (s.literal("}")) break;
        if (!s.literal(",")) return false;
    }
    if (!message) return false;
    constexpr std::uint64_t kLatest = 1ull << 56;  // us: more is no time of this world
    // The kernel's own stamp is better than when the journal read it.
    if (source_boot) boot = source_boot;
    if (boot && *boot < kLatest) {
        out.clock = LogLine::Clock::boot;
        out.us = static_cast<std::int64_t>(*boot);
    } else if (real && *real < kLatest) {
        out.clock = LogLine::Clock::calendar;
        out.us = static_cast<std::int64_t>(*real);
    }
    if (level && *level < 8) out.level = static_cast<unsigned>(*level);
    out.foreign = transport != "kernel" && !who.empty() && who != "kernel" && who != "mcelog";
    out.text = *message;
    while (!out.text.empty() &&
           (out.text.back() == ' ' || out.text.back() == '\n' || out.text.back() == '\r'))
        out.text.pop_back();
    return true;
}

}  // namespace mcemu::formats
