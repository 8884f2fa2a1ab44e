#include "scenario/reference.hpp"

#include <set>
#include <vector>

#include "scenario/reader.hpp"
#include "scenario/shape.hpp"

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

/// What a table cell says of a shape: a link to the part of its own, or its form in words.
std::string form(const Shape& shape) {
    switch (shape.kind) {
        case Kind::object: return "[" + std::string(shape.name) + "](#" + std::string(shape.name) + ")";
        case Kind::list: return "array of " + form(*shape.item);
        case Kind::table: return "name → " + form(*shape.item);
        case Kind::any_of: {
            std::string text;
            for (const Shape* one : shape.forms) text += (text.empty() ? "" : " or ") + form(*one);
            return text;
        }
        case Kind::tuple: {
            std::string text = "[";
            for (const Shape* one : shape.forms) text += (text.size() == 1 ? "" : ", ") + form(*one);
            return text + "]";
        }
        case Kind::boolean: return "true or false";
        case Kind::whole:
        case Kind::integer: return "number";
        case Kind::real: return "number";
        case Kind::text: return "text";
        case Kind::size: return "size";
        case Kind::time: return "time";
        case Kind::address: return shape.choices.empty() ? "address" : "address or name";
        case Kind::choice: {
            if (!shape.meanings.empty())
                return "[" + std::string(shape.name) + "](#" + std::string(shape.name) + ")";
            std::string text;
            for (const std::string_view c : shape.choices)
                text += (text.empty() ? "`" : ", `") + std::string(c) + '`';
            return text;
        }
        case Kind::null: return "null";
        case Kind::anything: return "any";
    }
    return {};
}

std::string cell(std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
    return out;
}

class Writer {
public:
    std::string text;

    void document(const Shape& root) {
        wanted_.push_back(&root);
        for (std::size_t i = 0; i < wanted_.size(); ++i) part(*wanted_[i]);
    }

private:
    void want(const Shape& shape) {
        for (const Field& field : shape.fields) want_form(*field.shape);
        for (const Case& c : shape.cases) {
            for (const Field& field : c.fields) want_form(*field.shape);
        }
    }
    void want_form(const Shape& shape) {
        const bool of_its_own = shape.kind == Kind::object || !shape.meanings.empty();
        if (of_its_own && seen_.insert(&shape).second) wanted_.push_back(&shape);
        if (shape.item != nullptr) want_form(*shape.item);
        for (const Shape* one : shape.forms) want_form(*one);
    }

    void fields(std::span<const Field> list) {
        text += "| key | value | meaning | default |\n| --- | --- | --- | --- |\n";
        for (const Field& f : list) {
            text += "| `" + std::string(f.name) + "` | " + cell(form(*f.shape)) + " | " + cell(f.doc) +
                    " | " + (f.required ? "required" : f.fallback.empty() ? "" : "`" + cell(f.fallback) + "`") +
                    " |\n";
        }
    }

    void part(const Shape& shape) {
        seen_.insert(&shape);
        text += "\n### " + std::string(shape.name) + "\n\n" + std::string(shape.doc) + "\n\n";
        if (!shape.meanings.empty()) {
            text += "| word | meaning |\n| --- | --- |\n";
            for (const Meaning& m : shape.meanings)
                text += "| `" + std::string(m.word) + "` | " + cell(m.meaning) + " |\n";
            return;
        }
        fields(shape.fields);
        for (const Case& c : shape.cases) {
            text += "\n**`\"" + std::string(shape.discriminator) + "\": \"" + std::string(c.name) +
                    "\"`** " + std::string(c.doc) + "\n\n";
            if (!c.fields.empty()) fields(c.fields);
        }
        want(shape);
    }

    std::vector<const Shape*> wanted_;
    std::set<const Shape*> seen_;
};

}  // namespace

std::string reference() {
    Writer writer;
    writer.document(kScenarioShape);
    return writer.text;
}

}  // namespace mcemu::scenario
