// The text is read by nlohmann's SAX parser. It does not say where its tokens stand, so the
// builder walks the text in lock-step with it: a token begins after white space, comments and one
// separator behind the token before it.
#include <algorithm>
#include <cstring>

#include "scenario/document.hpp"

namespace mcemu::scenario {
namespace {

using Json = nlohmann::json;

class Builder {
public:
    Builder(Document& document, std::uint16_t source, Findings& findings)
        : document_(document), source_(source), findings_(findings),
          text_(document.source(source).text) {}

    bool null() { return scalar(Value{}, 4); }
    bool boolean(bool b) {
        Value v;
        v.type = Value::Type::boolean;
        v.boolean = b;
        return scalar(v, b ? 4 : 5);
    }
    bool number_integer(Json::number_integer_t n) {
        Value v;
        v.type = Value::Type::negative;
        v.negative = n;
        return scalar(v, kNumber);
    }
    bool number_unsigned(Json::number_unsigned_t n) {
        Value v;
        v.type = Value::Type::whole;
        v.whole = n;
        return scalar(v, kNumber);
    }
    bool number_float(Json::number_float_t n, const std::string&) {
        Value v;
        v.type = Value::Type::real;
        v.real = n;
        return scalar(v, kNumber);
    }
    bool string(std::string& s) {
        const std::uint32_t at = next_token();
        Value v;
        v.type = Value::Type::text;
        v.offset = at;
        const std::string_view kept = take_string(at, s);
        v.chars = kept.data();
        v.count = static_cast<std::uint32_t>(kept.size());
        if (kept.size() > kMaxText) too_long(v);
        add(v);
        return true;
    }
    bool binary(Json::binary_t&) { return false; }  // JSON text has none
    bool key(std::string& s) {
        key_offset_ = next_token();
        key_ = take_string(key_offset_, s);
        return true;
    }
    bool start_object(std::size_t) { return start(Value::Type::object); }
    bool start_array(std::size_t) { return start(Value::Type::array); }
    bool end_object() {
        find_duplicates();
        return end();
    }
    bool end_array() { return end(); }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e);

    const Value& result() const { return pending_.front(); }

private:
    static constexpr std::uint32_t kNumber = 0;  ///< "as many characters as a number has"

    struct Frame {
        Value container;         ///< not yet with its children
        std::size_t first;       ///< its children in pending_ begin here
    };

    std::uint32_t skip_blank(std::uint32_t at) const {
        while (at < text_.size()) {
            const char c = text_[at];
            if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
                ++at;
            } else if (c == '/' && at + 1 < text_.size() && text_[at + 1] == '/') {
                while (at < text_.size() && text_[at] != '\n' && text_[at] != '\r') ++at;
            } else if (c == '/' && at + 1 < text_.size() && text_[at + 1] == '*') {
                const std::size_t end = text_.find("*/", at + 2);
                if (end == std::string_view::npos) return at;
                at = static_cast<std::uint32_t>(end + 2);
            } else {
                break;
            }
        }
        return at;
    }

    std::uint32_t next_token() const {
        const std::uint32_t at = skip_blank(behind_);
        if (at < text_.size() && (text_[at] == ',' || text_[at] == ':')) return skip_blank(at + 1);
        return at;
    }

    /// Notes the end of the string token at `at`; its content as a view that lasts.
    std::string_view take_string(std::uint32_t at, std::string& content) {
        const std::size_t size = content.size();
        if (at + 1 + size < text_.size() && text_[at + 1 + size] == '"' &&
            std::memcmp(text_.data() + at + 1, content.data(), size) == 0) {
            behind_ = static_cast<std::uint32_t>(at + size + 2);
            return text_.substr(at + 1, size);
        }
        std::size_t end = at + 1;
        while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
        behind_ = static_cast<std::uint32_t>(end + 1);
        return document_.keep(std::move(content));
    }

    bool scalar(Value v, std::uint32_t length) {
        v.offset = next_token();
        behind_ = v.offset + length;
        if (length == kNumber) {
            // A leading zero stands alone: what follows is the next token, and wrong.
            if (text_[behind_] == '-') ++behind_;
            const bool zero = text_[behind_] == '0' && behind_ + 1 < text_.size() &&
                              text_[behind_ + 1] >= '0' && text_[behind_ + 1] <= '9';
            if (zero) {
                ++behind_;
                add(v);
                return true;
            }
            while (behind_ < text_.size() &&
                   std::string_view("+-.0123456789Ee").find(text_[behind_]) != std::string_view::npos)
                ++behind_;
        }
        add(v);
        return true;
    }

    void add(Value v) {
        v.source = source_;
        if (!frames_.empty() && frames_.back().container.is(Value::Type::object)) {
            v.key = key_;
            v.key_offset = key_offset_;
        }
        pending_.push_back(v);
    }

    bool start(Value::Type type) {
        Value v;
        v.type = type;
        v.items = nullptr;
        v.offset = next_token();
        v.source = source_;
        if (frames_.size() >= kMaxDepth) {
            findings_.add_at(source_, v.offset, pointer(),
                             {"more than " + std::to_string(kMaxDepth) + " levels of nesting",
                              "no scenario needs that many"});
            return false;
        }
        behind_ = v.offset + 1;
        if (!frames_.empty() && frames_.back().container.is(Value::Type::object)) {
            v.key = key_;
            v.key_offset = key_offset_;
        }
        frames_.push_back({v, pending_.size()});
        return true;
    }

    bool end() {
        behind_ = next_token() + 1;
        const Frame frame = frames_.back();
        frames_.pop_back();
        Value v = frame.container;
        v.count = static_cast<std::uint32_t>(pending_.size() - frame.first);
        v.items = document_.make(v.count);
        std::copy(pending_.begin() + static_cast<std::ptrdiff_t>(frame.first), pending_.end(),
                  v.items);
        pending_.resize(frame.first);
        pending_.push_back(v);
        return true;
    }

    /// Reports and drops every later member of the same key.
    void find_duplicates() {
        const std::size_t first = frames_.back().first;
        const std::size_t n = pending_.size() - first;
        if (n < 2) return;
        const Value* const members = pending_.data() + first;
        std::vector<std::size_t> later;
        if (n <= 12) {
            for (std::size_t i = 1; i < n; ++i) {
                for (std::size_t j = 0; j < i; ++j) {
                    if (members[i].key == members[j].key) {
                        later.push_back(i);
                        break;
                    }
                }
            }
        } else {
            std::vector<std::size_t> order(n);
            for (std::size_t i = 0; i < n; ++i) order[i] = i;
            std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
                return members[a].key < members[b].key;
            });
            for (std::size_t i = 1; i < n; ++i) {
                if (members[order[i]].key == members[order[i - 1]].key) later.push_back(order[i]);
            }
            std::sort(later.begin(), later.end());
        }
        for (auto it = later.rbegin(); it != later.rend(); ++it) {
            const Value duplicate = members[*it];
            if (!findings_.full()) {
                findings_.add_at(source_, duplicate.key_offset, child_pointer(duplicate.key),
                                 {"the key " + in_quotes(duplicate.key) + " stands here again",
                                  "a key may stand once in an object"});
            }
            pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(first + *it));
        }
    }

    void too_long(const Value& v) {
        std::string where = pointer();
        if (!frames_.empty()) {
            where = frames_.back().container.is(Value::Type::object)
                        ? child_pointer(key_)
                        : where + '/' + std::to_string(pending_.size() - frames_.back().first);
        }
        findings_.add_at(source_, v.offset, std::move(where),
                         {"a string of " + std::to_string(v.count) + " bytes",
                          "at most " + std::to_string(kMaxText) + " bytes"});
    }

    /// Of the innermost container that is open.
    std::string pointer() const {
        std::string out;
        for (std::size_t i = 1; i < frames_.size(); ++i) {
            if (frames_[i - 1].container.is(Value::Type::object)) {
                append_key(out, frames_[i].container.key);
            } else {
                out += '/' + std::to_string(frames_[i].first - frames_[i - 1].first);
            }
        }
        return out;
    }
    std::string child_pointer(std::string_view key) const {
        std::string out = pointer();
        append_key(out, key);
        return out;
    }
    static void append_key(std::string& out, std::string_view key) {
        const Path root;
        Path step;
        step.up = &root;
        step.key = key;
        out += step.pointer();
    }

    Document& document_;
    const std::uint16_t source_;
    Findings& findings_;
    const std::string_view text_;
    std::uint32_t behind_ = 0;  ///< offset behind the last token
    std::uint32_t key_offset_ = 0;
    std::string_view key_;
    std::vector<Value> pending_;  ///< finished values whose container is still open
    std::vector<Frame> frames_;
};

/// The text between `from` and `to` (or the end) in `in`; empty when `from` does not occur.
std::string between(const std::string& in, std::string_view from, std::string_view to) {
    std::size_t begin = in.find(from);
    if (begin == std::string::npos) return {};
    begin += from.size();
    const std::size_t end = to.empty() ? std::string::npos : in.find(to, begin);
    return in.substr(begin, end == std::string::npos ? end : end - begin);
}

bool Builder::parse_error(std::size_t position, const std::string&,
                          const nlohmann::detail::exception& e) {
    const std::uint32_t token = next_token();
    const char c = token < text_.size() ? text_[token] : '\0';
    std::uint32_t at = token;
    const std::string what = e.what();
    const std::string reason = between(what, " - ", "; last read");
    // Inside a string the parser knows the very character.
    if (reason.starts_with("invalid string") && position > token)
        at = static_cast<std::uint32_t>(std::min(position - 1, text_.size()));
    Problem problem;
    if (token >= text_.size()) {
        const bool blank = skip_blank(0) >= text_.size();
        problem = {blank ? "there is no JSON here" : "the JSON ends too early",
                   blank ? "a scenario begins with { \"schema\": \"mcemu/scenario/1\", ..."
                   : frames_.empty() ? "one value is expected"
                   : frames_.back().container.is(Value::Type::object) ? "expected } of the object"
                                                                      : "expected ] of the array"};
    } else if ((c == '}' || c == ']') && token > 0 && text_[skip_blank(behind_)] == ',') {
        at = skip_blank(behind_);
        problem = {std::string("a comma before ") + c, "remove the comma"};
    } else if (const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
               letter || c == '\'') {
        problem = {letter ? "a word without quotes" : "single quotes",
                   "write it in double quotes; only true, false and null go without"};
    } else if (c >= '0' && c <= '9' && token == behind_ && token > 0 && text_[token - 1] == '0') {
        problem = {"a number with a leading zero", "write it without, or in quotes as \"0x...\""};
    } else if ((reason.ends_with("expected '}'") || reason.ends_with("expected ']'")) &&
               token == skip_blank(behind_) && (c == '"' || c == '{' || c == '[' || (c >= '0' && c <= '9'))) {
        problem = {"a comma is missing here", "separate members and items by commas"};
    } else if (const std::string expected = between(reason, "; expected ", ""); !expected.empty()) {
        problem = {"JSON syntax: " + between(reason, "", "; expected "), "expected " + expected};
    } else if (what.find("out_of_range.406") != std::string::npos) {
        problem = {"a number beyond the range of 64-bit floating point",
                   "at most 18446744073709551615"};
    } else if (!reason.empty()) {
        problem = {"JSON syntax: " + reason, "see RFC 8259"};
    } else {
        problem = {"JSON syntax error", "see RFC 8259"};
    }
    findings_.add_at(source_, at, pointer(), std::move(problem));
    return false;
}

/// Offset of the first byte that is not UTF-8 (RFC 3629), or npos.
std::size_t first_bad_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    std::size_t i = 0;
    while (i < text.size()) {
        const unsigned char c = byte(i);
        if (c < 0x80) {
            ++i;
            continue;
        }
        std::size_t more = 0;
        unsigned char low = 0x80, high = 0xbf;
        if (c >= 0xc2 && c <= 0xdf) {
            more = 1;
        } else if (c >= 0xe0 && c <= 0xef) {
            more = 2;
            if (c == 0xe0) low = 0xa0;
            if (c == 0xed) high = 0x9f;
        } else if (c >= 0xf0 && c <= 0xf4) {
            more = 3;
            if (c == 0xf0) low = 0x90;
            if (c == 0xf4) high = 0x8f;
        } else {
            return i;
        }
        if (i + more >= text.size()) return i;
        if (byte(i + 1) < low || byte(i + 1) > high) return i;
        for (std::size_t k = 2; k <= more; ++k) {
            if ((byte(i + k) & 0xc0) != 0x80) return i;
        }
        i += more + 1;
    }
    return std::string_view::npos;
}

}  // namespace

bool is_utf8(std::string_view text) { return first_bad_utf8(text) == std::string_view::npos; }

std::optional<Value> parse(Document& document, std::uint16_t source, Findings& findings) {
    const std::string_view text = document.source(source).text;
    const auto refuse = [&](std::size_t at, Problem problem) {
        findings.add_at(source, static_cast<std::uint32_t>(at), "", std::move(problem));
        return std::nullopt;
    };
    if (text.size() > kMaxFile)
        return refuse(0, {"a text of " + std::to_string(text.size()) + " bytes", "at most 1 GiB"});
    if (text.starts_with("\xef\xbb\xbf"))
        return refuse(0, {"the text begins with a byte order mark", "save it as UTF-8 without one"});
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
        return refuse(0, {"the text is UTF-16", "save it as UTF-8"});
    // The parser would take a zero byte for the end of the text, and skips comments unseen.
    if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos)
        return refuse(zero, {"a zero byte", "JSON is text: write \\u0000 if it is meant"});
    if (const std::size_t bad = first_bad_utf8(text); bad != std::string_view::npos)
        return refuse(bad, {"a byte that is not UTF-8", "save the text as UTF-8"});

    Builder builder(document, source, findings);
    if (!Json::sax_parse(text.begin(), text.end(), &builder, Json::input_format_t::json, true, true))
        return std::nullopt;
    return builder.result();
}

}  // namespace mcemu::scenario
