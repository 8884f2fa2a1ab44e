#include <charconv>

#include "core/assert.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;
using Type = Value::Type;

/// A default, written as JSON in a table: a scalar without escapes, or empty for what is absent.
Value fallback_value(std::string_view json) {
    Value v;
    if (json == "true" || json == "false") {
        v.type = Type::boolean;
        v.boolean = json == "true";
    } else if (json.size() >= 2 && json.front() == '"') {
        v.type = Type::text;
        v.chars = json.data() + 1;
        v.count = static_cast<std::uint32_t>(json.size() - 2);
    } else if (!json.empty() && json.front() >= '0' && json.front() <= '9') {
        v.type = Type::whole;
        std::from_chars(json.data(), json.data() + json.size(), v.whole);
    }
    return v;
}

}  // namespace

Cursor::Cursor(const Shape& shape, const Path& path) : shape_(&shape), path_(path) {
    if (shape.discriminator.empty()) return;
    const Value* which = value().find(shape.discriminator);
    if (which != nullptr && which->is(Type::text)) chosen_ = shape.find_case(which->text());
}

const Field* Cursor::field(std::string_view name) const {
    if (chosen_ != nullptr) {
        if (const Field* found = find_field(chosen_->fields, name)) return found;
    }
    const Field* found = find_field(shape_->fields, name);
    MCEMU_ASSERT(found != nullptr, std::string(shape_->name) + " has no key " + std::string(name));
    return found;
}

Value Cursor::get(std::string_view name, const Shape*& shape) const {
    const Field* f = field(name);
    shape = f->shape;
    const Value* member = find(name);
    return member != nullptr ? *member : fallback_value(f->fallback);
}

std::uint64_t Cursor::number(std::string_view name) const { return maybe(name).value_or(0); }

std::optional<std::uint64_t> Cursor::maybe(std::string_view name) const {
    const Shape* shape = nullptr;
    const Value v = get(name, shape);
    if (shape->kind == Kind::any_of) {
        // The form that is a number.
        for (const Shape* form : shape->forms) {
            if (form->kind == Kind::address || form->kind == Kind::whole) shape = form;
        }
    }
    if (v.is(Type::whole) && shape->kind != Kind::time) return v.whole;
    if (!v.is(Type::whole) && !v.is(Type::text)) return std::nullopt;
    return parse_quantity(*shape, v).value;
}

SimTime Cursor::time(std::string_view name) const {
    const Shape* shape = nullptr;
    const Value v = get(name, shape);
    if (!v.is(Type::whole) && !v.is(Type::text)) return SimTime{};
    return SimTime{parse_quantity(*shape, v).value.value_or(0)};
}

bool Cursor::truth(std::string_view name) const {
    const Shape* shape = nullptr;
    const Value v = get(name, shape);
    if (v.is(Type::boolean)) return v.boolean;
    return v.is(Type::whole) && v.whole != 0;
}

std::string_view Cursor::text(std::string_view name) const {
    const Shape* shape = nullptr;
    const Value v = get(name, shape);
    return v.is(Type::text) ? v.text() : std::string_view{};
}

std::size_t Cursor::choice_index(std::string_view name) const {
    const Shape* shape = nullptr;
    const Value v = get(name, shape);
    if (!v.is(Type::text)) return 0;
    for (std::size_t i = 0; i < shape->choices.size(); ++i) {
        if (shape->choices[i] == v.text()) return i;
    }
    return 0;
}

Path Cursor::at(std::string_view name) const {
    const Value* member = find(name);
    return member == nullptr ? path_ : Path{&path_, member, member->key};
}

std::optional<Cursor> Cursor::object(std::string_view name) const {
    const Field* f = field(name);
    const Value* member = find(name);
    if (member == nullptr || !member->is(Type::object)) return std::nullopt;
    const Shape* shape = f->shape;
    if (shape->kind == Kind::any_of) {
        for (const Shape* form : shape->forms) {
            if (form->kind == Kind::object) shape = form;
        }
    }
    return Cursor(*shape, Path{&path_, member, member->key});
}

}  // namespace mcemu::scenario
