#include "scenario/reader.hpp"

#include <charconv>
#include <limits>

#include "scenario/nearest.hpp"

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;
using Type = Value::Type;

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// Whether a value of that JSON type may stand where `shape` does.
bool accepts(const Shape& shape, Type type) {
    switch (shape.kind) {
        case Kind::boolean: return type == Type::boolean;
        case Kind::whole: return type == Type::whole;
        case Kind::integer: return type == Type::whole || type == Type::negative;
        case Kind::real: return type == Type::whole || type == Type::negative || type == Type::real;
        case Kind::text:
        case Kind::choice: return type == Type::text;
        case Kind::size:
        case Kind::time:
        case Kind::address: return type == Type::text || type == Type::whole;
        case Kind::object:
        case Kind::table: return type == Type::object;
        case Kind::list:
        case Kind::tuple: return type == Type::array;
        case Kind::any_of:
            for (const Shape* form : shape.forms) {
                if (accepts(*form, type)) return true;
            }
            return false;
        case Kind::null: return type == Type::null;
        case Kind::anything: return true;
    }
    return false;
}

bool is_number(Type type) {
    return type == Type::whole || type == Type::negative || type == Type::real;
}

std::string items(std::size_t n) { return "an array of " + std::to_string(n) + (n == 1 ? " item" : " items"); }

std::string range(const Shape& shape) {
    const bool low = shape.min != 0, high = shape.max != kNoLimit;
    const auto text = [&](std::uint64_t n) {
        return shape.kind == Kind::size      ? size_text(n)
               : shape.kind == Kind::address ? hex_text(n)
                                             : std::to_string(n);
    };
    if (high) return " from " + text(shape.min) + " to " + text(shape.max);
    if (low) return " of at least " + text(shape.min);
    return {};
}

/// The value a JSON number in quotes has.
std::optional<Value> number_in(std::string_view text) {
    Value v;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    if (std::uint64_t n = 0; std::from_chars(begin, end, n).ptr == end && !text.empty() &&
                             std::from_chars(begin, end, n).ec == std::errc{}) {
        v.type = Type::whole;
        v.whole = n;
        return v;
    }
    if (std::int64_t n = 0; !text.empty() && text[0] == '-' &&
                            std::from_chars(begin, end, n).ptr == end &&
                            std::from_chars(begin, end, n).ec == std::errc{}) {
        v.type = Type::negative;
        v.negative = n;
        return v;
    }
    if (text.empty() || text.find_first_not_of("+-.0123456789eE") != std::string_view::npos)
        return std::nullopt;
    double n = 0;
    const auto [stop, error] = std::from_chars(begin, end, n);
    if (error != std::errc{} || stop != end) return std::nullopt;
    v.type = Type::real;
    v.real = n;
    return v;
}

class Reader {
public:
    Reader(Document& document, Findings& findings)
        : document_(document), findings_(findings), after_problems_(!findings.empty()) {}

    void read(const Shape& shape, Value& value, const Path& path) {
        // A "${name}" that nothing stands for has its finding already.
        if (after_problems_ && value.is(Type::text) && findings_.touched(&value)) return;
        if (value.substituted) convert(shape, value);
        if (!accepts(shape, value.type)) return wrong_type(shape, value, path);
        switch (shape.kind) {
            case Kind::boolean:
            case Kind::null:
            case Kind::anything: return;
            case Kind::whole:
                if (value.whole < shape.min || value.whole > shape.max) out_of_range(shape, value, path);
                return;
            case Kind::integer:
                if (value.is(Type::whole) &&
                    value.whole > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
                    findings_.add(path, {std::to_string(value.whole) + " is out of range",
                                         "expected at most 9223372036854775807"});
                return;
            case Kind::real: return read_real(shape, value, path);
            case Kind::text: return read_text(shape, value, path);
            case Kind::choice: return read_choice(shape, value, path);
            case Kind::size:
            case Kind::time:
            case Kind::address: return read_quantity(shape, value, path);
            case Kind::object: return read_object(shape, value, path);
            case Kind::table: return read_table(shape, value, path);
            case Kind::list: return read_list(shape, value, path);
            case Kind::tuple: return read_tuple(shape, value, path);
            case Kind::any_of:
                for (const Shape* form : shape.forms) {
                    if (accepts(*form, value.type)) return read(*form, value, path);
                }
                return;
        }
    }

    ReadResult result() const { return {fits_schema_}; }

private:
    /// A finding that the schema has too.
    void refuse(const Path& path, Problem problem) {
        fits_schema_ = false;
        findings_.add(path, std::move(problem));
    }

    void wrong_type(const Shape& shape, const Value& value, const Path& path) {
        std::string right = "expected " + wanted(shape);
        const bool numeric = shape.kind == Kind::whole || shape.kind == Kind::integer ||
                             shape.kind == Kind::real || shape.kind == Kind::boolean;
        if (value.is(Type::text) && numeric && (number_in(value.text()) || value.text() == "true" ||
                                                value.text() == "false"))
            right += ", without quotes";
        if (value.is(Type::real) && value.real > 9e18 && value.real == static_cast<double>(kNoLimit))
            right += ", at most 18446744073709551615";
        refuse(path, {describe(value) + " stands here", std::move(right)});
    }

    void out_of_range(const Shape& shape, const Value& value, const Path& path) {
        const std::string what = value.is(Type::text) ? in_quotes(value.text()) : std::to_string(value.whole);
        Problem problem{what + " is out of range", "expected " + wanted(shape)};
        if (value.is(Type::text)) {
            findings_.add(path, std::move(problem));
        } else {
            refuse(path, std::move(problem));
        }
    }

    void read_real(const Shape& shape, const Value& value, const Path& path) {
        if (shape.max == kNoLimit) return;
        const double n = value.is(Type::whole)      ? static_cast<double>(value.whole)
                         : value.is(Type::negative) ? static_cast<double>(value.negative)
                                                    : value.real;
        if (n < static_cast<double>(shape.min) || n > static_cast<double>(shape.max))
            refuse(path, {describe(value) + " is out of range", "expected " + wanted(shape)});
    }

    void read_text(const Shape& shape, const Value& value, const Path& path) {
        if (shape.min > 0 && value.count == 0)
            refuse(path, {"an empty string stands here", "expected at least one character"});
        if (shape.max != kNoLimit && value.count > shape.max)
            findings_.add(path, {"a string of " + std::to_string(value.count) + " bytes",
                                 "expected at most " + std::to_string(shape.max)});
    }

    void read_choice(const Shape& shape, const Value& value, const Path& path) {
        const std::string_view text = value.text();
        for (const std::string_view choice : shape.choices) {
            if (choice == text) return;
        }
        refuse(path, {in_quotes(text) + " is unknown",
                      did_you_mean(text, shape.choices, "expected " + wanted(shape))});
    }

    void read_quantity(const Shape& shape, const Value& value, const Path& path) {
        auto parsed = parse_quantity(shape, value);
        if (!parsed.value) {
            if (value.is(Type::whole)) return refuse(path, std::move(parsed.problem));
            findings_.add(path, std::move(parsed.problem));
        } else if (*parsed.value < shape.min || *parsed.value > shape.max) {
            out_of_range(shape, value, path);
        }
    }

    void read_object(const Shape& shape, Value& value, const Path& path) {
        const Case* chosen = nullptr;
        bool lost = false;  // the discriminator is wrong: nothing is known about the other keys
        if (!shape.discriminator.empty()) {
            const Value* which = value.find(shape.discriminator);
            if (which != nullptr && which->is(Type::text)) chosen = shape.find_case(which->text());
            lost = chosen == nullptr;
        }
        for (std::size_t i = 0; i < value.count; ++i) {
            Value& member = value.items[i];
            const Path here{&path, &member, member.key};
            const Field* field = find_field(shape.fields, member.key);
            if (field == nullptr && chosen != nullptr) field = find_field(chosen->fields, member.key);
            if (field != nullptr) {
                read(*field->shape, member, here);
            } else if (!lost) {
                unknown_key(shape, chosen, member, here);
            }
        }
        missing_keys(shape.fields, value, path);
        if (chosen != nullptr) missing_keys(chosen->fields, value, path);
    }

    void unknown_key(const Shape& shape, const Case* chosen, const Value& member, const Path& here) {
        fits_schema_ = false;
        if (findings_.full()) return;
        std::vector<std::string_view> known;
        if (chosen != nullptr) {
            for (const Field& field : chosen->fields) known.push_back(field.name);
        }
        for (const Field& field : shape.fields) known.push_back(field.name);
        const std::string of =
            chosen != nullptr ? " of " + in_quotes(chosen->name) : std::string();
        findings_.add_at_key(here, {"unknown key " + in_quotes(member.key) + of,
                                    did_you_mean(member.key, known, "known keys are " + listed(known))});
    }

    void missing_keys(std::span<const Field> fields, const Value& value, const Path& path) {
        for (const Field& field : fields) {
            if (!field.required || value.find(field.name) != nullptr) continue;
            refuse(path, {"the key " + in_quotes(field.name) + " is missing",
                          "expected " + wanted(*field.shape)});
        }
    }

    void read_table(const Shape& shape, Value& value, const Path& path) {
        for (std::size_t i = 0; i < value.count; ++i) {
            Value& member = value.items[i];
            read(*shape.item, member, Path{&path, &member, member.key});
        }
    }

    void read_list(const Shape& shape, Value& value, const Path& path) {
        if (value.count < shape.min)
            refuse(path, {"an empty array stands here", "expected at least one item"});
        if (value.count > shape.max)
            refuse(path, {items(value.count),
                          "expected at most " + std::to_string(shape.max)});
        for (std::size_t i = 0; i < value.count; ++i) {
            Value& item = value.items[i];
            read(*shape.item, item, Path{&path, &item, {}, i, true});
        }
    }

    void read_tuple(const Shape& shape, Value& value, const Path& path) {
        if (value.count != shape.forms.size()) {
            refuse(path, {items(value.count),
                          "expected " + wanted(shape)});
        }
        for (std::size_t i = 0; i < std::min<std::size_t>(value.count, shape.forms.size()); ++i) {
            Value& item = value.items[i];
            read(*shape.forms[i], item, Path{&path, &item, {}, i, true});
        }
    }

    void convert(const Shape& shape, Value& value) {
        if (accepts(shape, value.type)) return;
        if (shape.kind == Kind::any_of) {
            for (const Shape* form : shape.forms) {
                convert(*form, value);
                if (accepts(*form, value.type)) return;
            }
            return;
        }
        if (value.is(Type::text) && shape.kind == Kind::boolean) {
            const std::string_view text = value.text();
            if (text != "true" && text != "false") return;
            value.type = Type::boolean;
            value.boolean = text == "true";
        } else if (value.is(Type::text)) {
            if (shape.kind != Kind::whole && shape.kind != Kind::integer && shape.kind != Kind::real)
                return;
            const auto number = number_in(value.text());
            if (!number || !accepts(shape, number->type)) return;
            value.type = number->type;
            value.whole = number->whole;  // the union's eight bytes, whichever it is
            if (number->is(Type::real)) value.real = number->real;
            if (number->is(Type::negative)) value.negative = number->negative;
        } else if (is_number(value.type) && accepts(shape, Type::text)) {
            const std::string text = describe(value).substr(std::string_view("the number ").size());
            const std::string_view kept = document_.keep(text);
            value.type = Type::text;
            value.chars = kept.data();
            value.count = static_cast<std::uint32_t>(kept.size());
        }
    }

    Document& document_;
    Findings& findings_;
    const bool after_problems_;
    bool fits_schema_ = true;
};

}  // namespace

ReadResult read(Document& document, const Shape& shape, Value& value, Findings& findings) {
    Reader reader(document, findings);
    reader.read(shape, value, Path{nullptr, &value});
    return reader.result();
}

Parsed<std::uint64_t> parse_quantity(const Shape& shape, const Value& value) {
    if (shape.kind == Kind::time) {
        const auto time =
            value.is(Type::whole) ? time_from_ns(value.whole) : parse_time(value.text());
        if (!time.value) return {std::nullopt, time.problem};
        return {time.value->count(), {}};
    }
    if (value.is(Type::whole)) return {value.whole, {}};
    if (shape.kind == Kind::size) return parse_size(value.text());
    for (const std::string_view name : shape.choices) {
        if (name == value.text()) return {shape.min, {}};  // a name: its value is the caller's
    }
    auto parsed = parse_address(value.text());
    if (!parsed.value && !shape.choices.empty()) {
        parsed.problem.right =
            did_you_mean(value.text(), shape.choices,
                         parsed.problem.right + ", or one of " + listed(shape.choices));
    }
    return parsed;
}

std::string wanted(const Shape& shape) {
    switch (shape.kind) {
        case Kind::boolean: return "true or false";
        case Kind::whole: return "a whole number" + range(shape);
        case Kind::integer: return "a whole number";
        case Kind::real: return "a number" + (shape.max == kNoLimit ? std::string() : range(shape));
        case Kind::text: return "a string";
        case Kind::choice:
            return shape.choices.size() == 1 ? in_quotes(shape.choices[0])
                                             : "one of " + listed(shape.choices);
        case Kind::size: return "a size such as \"2MiB\"" + range(shape);
        case Kind::time: return "a time such as \"10us\"";
        case Kind::address:
            return "an address such as \"0x1000\"" + range(shape) +
                   (shape.choices.empty() ? std::string() : ", or one of " + listed(shape.choices));
        case Kind::object:
        case Kind::table: return "an object";
        case Kind::list: return "an array";
        case Kind::tuple: {
            std::string text = items(shape.forms.size()) + ": ";
            for (std::size_t i = 0; i < shape.forms.size(); ++i)
                text += (i == 0 ? "" : ", ") + wanted(*shape.forms[i]);
            return text;
        }
        case Kind::any_of: {
            std::string text;
            for (std::size_t i = 0; i < shape.forms.size(); ++i)
                text += (i == 0 ? "" : ", or ") + wanted(*shape.forms[i]);
            return text;
        }
        case Kind::null: return "null";
        case Kind::anything: return "anything";
    }
    return {};
}

std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> names,
                         std::string otherwise) {
    const std::string_view near = nearest(wrong, names);
    if (near.empty()) return otherwise;
    return "did you mean " + in_quotes(near) + "?";
}

std::string listed(std::span<const std::string_view> names) {
    std::string text;
    for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + in_quotes(name);
    return text;
}

}  // namespace mcemu::scenario
