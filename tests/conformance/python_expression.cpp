#include "conformance/python_expression.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <stdexcept>

namespace mcemu::conformance {
namespace {

using nlohmann::json;

struct NotSaved {};

class Parser {
public:
    Parser(std::string_view text, const Values& values) : text_(text), values_(values) {}

    json whole() {
        json value = sum();
        skip();
        if (at_ != text_.size()) fail("something follows it");
        return value;
    }

private:
    [[noreturn]] void fail(const char* why) const {
        throw std::invalid_argument("no expression: \"" + std::string(text_) + "\": " + why);
    }
    void skip() {
        while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    }
    bool take(std::string_view token) {
        skip();
        if (text_.substr(at_, token.size()) != token) return false;
        at_ += token.size();
        return true;
    }
    std::int64_t number(const json& value) const {
        if (!value.is_number_integer()) fail("a whole number is wanted");
        return value.get<std::int64_t>();
    }

    json sum() {
        json left = product();
        while (true) {
            if (take("+")) {
                json right = product();
                if (left.is_string() && right.is_string())
                    left = left.get<std::string>() + right.get<std::string>();
                else
                    left = number(left) + number(right);
            } else if (take("-")) {
                left = number(left) - number(product());
            } else {
                return left;
            }
        }
    }
    json product() {
        json left = unary();
        while (true) {
            if (take("//") || take("/")) {
                const std::int64_t right = number(unary()), n = number(left);
                if (right == 0) fail("division by zero");
                std::int64_t q = n / right;
                if (n % right != 0 && (n < 0) != (right < 0)) --q;
                left = q;
            } else if (take("%")) {
                const std::int64_t right = number(unary());
                if (right == 0) fail("division by zero");
                std::int64_t r = number(left) % right;
                if (r != 0 && (r < 0) != (right < 0)) r += right;
                left = r;
            } else if (take("*")) {
                left = number(left) * number(unary());
            } else {
                return left;
            }
        }
    }
    json unary() {
        if (take("-")) return -number(unary());
        return sliced(primary());
    }
    json sliced(json value) {
        while (take("[")) {
            if (!value.is_string()) fail("only strings have slices");
            const std::string s = value.get<std::string>();
            const auto size = static_cast<std::int64_t>(s.size());
            const auto place = [&](std::int64_t i) {
                return std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size);
            };
            std::int64_t begin = 0, end = size;
            bool slice = false;
            if (!peek(':')) begin = place(number(sum()));
            if (take(":")) {
                slice = true;
                if (!peek(']')) end = place(number(sum()));
            }
            if (!take("]")) fail("\"]\" is missing");
            if (!slice) end = begin + 1;
            value = begin < end ? s.substr(static_cast<std::size_t>(begin),
                                           static_cast<std::size_t>(end - begin))
                                : std::string();
        }
        return value;
    }
    bool peek(char c) {
        skip();
        return at_ < text_.size() && text_[at_] == c;
    }
    json primary() {
        skip();
        if (take("(")) {
            json value = sum();
            if (!take(")")) fail("\")\" is missing");
            return value;
        }
        if (at_ >= text_.size()) fail("it ends early");
        const char c = text_[at_];
        if (c == '\'' || c == '"') {
            const std::size_t end = text_.find(c, at_ + 1);
            if (end == std::string_view::npos) fail("a string does not end");
            std::string s(text_.substr(at_ + 1, end - at_ - 1));
            at_ = end + 1;
            return s;
        }
        if (std::isdigit(static_cast<unsigned char>(c))) {
            std::size_t length = 0;
            const std::string rest(text_.substr(at_));
            const std::int64_t n = std::stoll(rest, &length, 0);
            at_ += length;
            return n;
        }
        std::size_t end = at_;
        while (end < text_.size() &&
               (std::isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '_'))
            ++end;
        if (end == at_) fail("a value is wanted");
        const std::string name(text_.substr(at_, end - at_));
        at_ = end;
        if (take("(")) return call(name);
        const auto found = values_.find(name);
        if (found == values_.end()) throw NotSaved{};
        return found->second;
    }
    json call(const std::string& name) {
        const json value = sum();
        if (!take(")")) fail("\")\" is missing");
        if (name == "str") return value.is_string() ? value : json(std::to_string(number(value)));
        if (name == "int")
            return value.is_string() ? json(std::stoll(value.get<std::string>(), nullptr, 10)) : value;
        if (name == "len" && value.is_string()) return value.get<std::string>().size();
        fail("an unknown function");
    }

    std::string_view text_;
    const Values& values_;
    std::size_t at_ = 0;
};

}  // namespace

std::optional<json> evaluate_expression(std::string_view text, const Values& values) {
    try {
        return Parser(text, values).whole();
    } catch (const NotSaved&) {
        return std::nullopt;
    }
}

}  // namespace mcemu::conformance
