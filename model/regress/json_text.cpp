#include "regress/json_text.hpp"

#include <algorithm>

namespace mcemu::regress {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Behind a comment that begins at `at`; `at` when none does.
std::size_t behind_comment(std::string_view text, std::size_t at) {
    if (text.substr(at, 2) == "//") return std::min(text.find('\n', at), text.size());
    if (text.substr(at, 2) == "/*") {
        const std::size_t end = text.find("*/", at + 2);
        return end == std::string_view::npos ? text.size() : end + 2;
    }
    return at;
}

std::size_t skip_blank(std::string_view text, std::size_t at) {
    while (at < text.size()) {
        if (is_blank(text[at])) {
            ++at;
        } else {
            const std::size_t next = behind_comment(text, at);
            if (next == at) break;
            at = next;
        }
    }
    return at;
}

std::size_t behind_string(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    return std::min(at + 1, text.size());
}

/// The offset where the line begins that `at` stands on.
std::size_t line_of(std::string_view text, std::size_t at) {
    const std::size_t newline = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    return newline == std::string_view::npos ? 0 : newline + 1;
}

/// One line with blanks as people write it: { "a": 1, "b": [ 2 ] }.
void write_line(std::string& out, const nlohmann::json& value) {
    if (!value.is_structured() || value.empty()) {
        out += value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        return;
    }
    out += value.is_object() ? "{ " : "[ ";
    bool first = true;
    for (const auto& [key, child] : value.items()) {
        if (!first) out += ", ";
        first = false;
        if (value.is_object()) out += nlohmann::json(key).dump() + ": ";
        write_line(out, child);
    }
    out += value.is_object() ? " }" : " ]";
}

}  // namespace

std::string hex_text(std::uint64_t value) {
    std::string out;
    do {
        out.insert(out.begin(), "0123456789abcdef"[value & 15]);
        value >>= 4;
    } while (value != 0);
    return "0x" + out;
}

std::size_t end_of_value(std::string_view text, std::size_t offset) {
    std::size_t depth = 0;
    for (std::size_t at = offset; at < text.size();) {
        const char c = text[at];
        const std::size_t comment = behind_comment(text, at);
        if (comment != at) {
            if (depth == 0) return at;  // behind a number
            at = comment;
        } else if (c == '"') {
            at = behind_string(text, at);
            if (depth == 0) return at;
        } else if (c == '{' || c == '[') {
            ++depth;
            ++at;
        } else if (c == '}' || c == ']') {
            if (depth == 0) return at;
            ++at;
            if (--depth == 0) return at;
        } else if (depth == 0 && (c == ',' || is_blank(c))) {
            return at;
        } else {
            ++at;
        }
    }
    return text.size();
}

Edit removal(std::string_view text, std::size_t begin, std::size_t end) {
    std::size_t next = skip_blank(text, end);
    if (next < text.size() && text[next] == ',') {
        end = next + 1;
    } else {
        // The last one: the comma before it goes; comments between them stay.
        std::size_t before = text.size();  // the last character before it that means something
        for (std::size_t at = 0; at < begin;) {
            const std::size_t comment = behind_comment(text, at);
            if (comment != at) {
                at = comment;
                continue;
            }
            if (!is_blank(text[at])) before = at;
            at = text[at] == '"' ? behind_string(text, at) : at + 1;
        }
        if (before < begin && text[before] == ',') {
            std::string kept(text.substr(before + 1, begin - before - 1));
            while (!kept.empty() && is_blank(kept.back())) kept.pop_back();
            // A comment ends with its line: what follows must not become part of it.
            if (!kept.empty() && (end == text.size() || text[end] != '\n')) kept += '\n';
            return {before, end - before, std::move(kept)};
        }
    }
    const std::size_t line = line_of(text, begin);
    std::size_t rest = end;
    while (rest < text.size() && (text[rest] == ' ' || text[rest] == '\t' || text[rest] == '\r'))
        ++rest;
    const bool alone = std::all_of(text.begin() + static_cast<std::ptrdiff_t>(line),
                                   text.begin() + static_cast<std::ptrdiff_t>(begin), is_blank);
    if (alone && rest < text.size() && text[rest] == '\n') return {line, rest + 1 - line, ""};
    return {begin, rest - begin, ""};
}

std::string written(const nlohmann::json& value, std::string_view text, std::size_t begin,
                    std::size_t end) {
    std::string out;
    const std::string_view old = text.substr(begin, end - begin);
    const bool lines = old.find('\n') != std::string_view::npos;
    if (!lines || !value.is_structured() || value.empty()) {
        write_line(out, value);
        return out;
    }
    const std::size_t line = line_of(text, begin);
    const std::size_t first = text.find_first_not_of(" \t", line);
    const std::string outer(text.substr(line, std::min(first, begin) - line));
    // As deep as the first item was.
    std::size_t item = skip_blank(text, begin + 1);
    std::string inner = outer + "  ";
    if (item < end && line_of(text, item) > line) {
        const std::size_t item_line = line_of(text, item);
        inner = std::string(text.substr(item_line, item - item_line));
        inner.erase(std::find_if(inner.begin(), inner.end(), [](char c) { return !is_blank(c); }),
                    inner.end());
    }
    out += value.is_object() ? "{" : "[";
    bool leading = true;
    for (const auto& [key, child] : value.items()) {
        out += (leading ? "\n" : ",\n") + inner;
        leading = false;
        if (value.is_object()) out += nlohmann::json(key).dump() + ": ";
        write_line(out, child);
    }
    return out + "\n" + outer + (value.is_object() ? "}" : "]");
}

}  // namespace mcemu::regress
