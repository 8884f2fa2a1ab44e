#include "scenario/schema.hpp"

#include <limits>
#include <set>

#include "scenario/campaign_file.hpp"

namespace mcemu::scenario {
namespace {

using Kind = Shape::Kind;

/// The keys of a document, and the texts that stand as values of keys.
struct Used {
    std::set<std::string_view> keys, texts;
};

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// Writes shapes as schemas. With `used`, what the schema says about keys that do not occur in the
/// document and about cases it does not use is left out, and so are all annotations: for that
/// document the schema means the same, and takes a tenth of the time to build.
template <class Json>
class Writer {
public:
    explicit Writer(const Used* used) : used_(used) {}

    Json definitions = Json::object();

    /// The shape where it is used: a reference when it has a name.
    Json use(const Shape& shape) {
        if (shape.name.empty()) return write(shape);
        const std::string name(shape.name);
        if (defined_.insert(name).second) {
            definitions[name] = nullptr;  // keeps its place before those it needs
            Json written = write(shape);
            definitions[name] = std::move(written);
        }
        return {{"$ref", "#/definitions/" + name}};
    }

    Json write(const Shape& shape) {
        Json out = Json::object();
        if (!shape.doc.empty() && used_ == nullptr) out["description"] = shape.doc;
        switch (shape.kind) {
            case Kind::boolean: out["type"] = "boolean"; break;
            case Kind::whole:
                out["type"] = "integer";
                limits(out, shape);
                break;
            case Kind::integer: out["type"] = "integer"; break;
            case Kind::real:
                out["type"] = "number";
                if (shape.max != kNoLimit) limits(out, shape);
                break;
            case Kind::text:
                out["type"] = "string";
                if (shape.min > 0) out["minLength"] = shape.min;
                break;
            case Kind::choice: choice(out, shape); break;
            case Kind::time:
                out["type"] = {"string", "integer"};
                out["minimum"] = 0;
                out["maximum"] = kNoLimit / 1000;
                if (used_ == nullptr) out["examples"] = {"10us", "1.5ms", 250};
                break;
            case Kind::size:
                out["type"] = {"string", "integer"};
                limits(out, shape);
                if (used_ == nullptr) out["examples"] = {"64B", "2MiB", 4096};
                break;
            case Kind::address:
                out["type"] = {"string", "integer"};
                limits(out, shape);
                if (used_ == nullptr)
                    out["examples"] =
                        shape.choices.empty() ? Json::array({"0x200000000"}) : names(shape.choices);
                break;
            case Kind::object: object(out, shape); break;
            case Kind::table:
                out["type"] = "object";
                out["additionalProperties"] = use(*shape.item);
                break;
            case Kind::list:
                out["type"] = "array";
                if (shape.min > 0) out["minItems"] = shape.min;
                if (shape.max != kNoLimit) out["maxItems"] = shape.max;
                out["items"] = use(*shape.item);
                break;
            case Kind::tuple: {
                out["type"] = "array";
                Json items = Json::array();
                for (const Shape* form : shape.forms) items.push_back(use(*form));
                out["items"] = std::move(items);
                out["additionalItems"] = false;
                out["minItems"] = shape.forms.size();
                break;
            }
            case Kind::any_of: {
                Json forms = Json::array();
                for (const Shape* form : shape.forms) forms.push_back(use(*form));
                out["anyOf"] = std::move(forms);
                break;
            }
            case Kind::null: out["type"] = "null"; break;
            case Kind::anything: break;
        }
        return out;
    }

private:
    static Json names(std::span<const std::string_view> list) {
        Json out = Json::array();
        for (const std::string_view name : list) out.push_back(name);
        return out;
    }

    /// Draft 7 has no place for the meaning of one value: editors show "enumDescriptions", readers
    /// the description.
    void choice(Json& out, const Shape& shape) {
        out["enum"] = names(shape.choices);
        if (shape.meanings.empty() || used_ != nullptr) return;
        std::string all(shape.doc);
        Json each = Json::array();
        for (const Meaning& m : shape.meanings) {
            all += "\n" + std::string(m.word) + ": " + std::string(m.meaning);
            each.push_back(m.meaning);
        }
        out["description"] = all;
        out["enumDescriptions"] = std::move(each);
    }

    static void limits(Json& out, const Shape& shape) {
        out["minimum"] = shape.min;
        if (shape.max != kNoLimit) out["maximum"] = shape.max;
    }

    Json field(const Field& f) {
        if (used_ != nullptr) return used_->keys.contains(f.name) ? use(*f.shape) : Json::object();
        Json shape = use(*f.shape);
        Json out = Json::object();
        out["description"] = f.doc;
        if (!f.fallback.empty()) out["default"] = Json::parse(f.fallback);
        if (!f.example.empty()) out["examples"] = Json::array({Json::parse(f.example)});
        // Draft 7 ignores what stands beside "$ref".
        if (shape.contains("$ref")) {
            out["allOf"] = Json::array({std::move(shape)});
        } else {
            for (auto& [key, value] : shape.items()) {
                if (key == "description" || (key == "examples" && out.contains("examples"))) continue;
                out[key] = value;
            }
        }
        return out;
    }

    void properties(Json& into, Json& required, std::span<const Field> fields) {
        for (const Field& f : fields) {
            into[std::string(f.name)] = field(f);
            if (f.required) required.push_back(f.name);
        }
    }

    void object(Json& out, const Shape& shape) {
        out["type"] = "object";
        if (shape.cases.empty()) {
            Json known = Json::object(), required = Json::array();
            properties(known, required, shape.fields);
            out["properties"] = std::move(known);
            if (!required.empty()) out["required"] = std::move(required);
            out["additionalProperties"] = false;
            return;
        }
        const std::string key(shape.discriminator);
        Json branches = Json::array();
        for (const Case& c : shape.cases) {
            if (used_ != nullptr && !used_->texts.contains(c.name)) continue;
            const std::string name = std::string(shape.name) + '_' + std::string(c.name);
            Json written = Json::object();
            if (used_ == nullptr) {
                written["title"] = c.name;
                written["description"] = c.doc;
            }
            written["type"] = "object";
            Json known = Json::object(), required = Json::array();
            properties(known, required, shape.fields);
            properties(known, required, c.fields);
            written["properties"] = std::move(known);
            written["required"] = std::move(required);
            written["additionalProperties"] = false;
            definitions[name] = std::move(written);
            branches.push_back({{"if",
                                 {{"properties", {{key, {{"const", c.name}}}}},
                                  {"required", Json::array({key})}}},
                                {"then", {{"$ref", "#/definitions/" + name}}}});
        }
        out["properties"] = {{key, field(*find_field(shape.fields, shape.discriminator))}};
        out["required"] = Json::array({key});
        if (!branches.empty()) out["allOf"] = std::move(branches);
    }

    const Used* used_;
    std::set<std::string> defined_;
};

template <class Json>
Json whole_schema(const Shape& root, const std::string& title, const Used* used) {
    Writer<Json> writer(used);
    Json out = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", title}};
    out.update(writer.write(root));
    out["definitions"] = std::move(writer.definitions);
    return out;
}

void collect(const nlohmann::json& value, Used& used) {
    if (value.is_object()) {
        for (const auto& [key, child] : value.items()) {
            used.keys.insert(key);
            collect(child, used);
            if (child.is_string()) used.texts.insert(child.get_ref<const std::string&>());
        }
    } else if (value.is_array()) {
        for (const auto& child : value) collect(child, used);
    }
}

}  // namespace

nlohmann::ordered_json json_schema(const Shape& root, const std::string& title) {
    return whole_schema<nlohmann::ordered_json>(root, title, nullptr);
}

nlohmann::json schema_for(const Shape& root, const nlohmann::json& document) {
    Used used;
    collect(document, used);
    return whole_schema<nlohmann::json>(root, "", &used);
}

nlohmann::ordered_json scenario_schema() { return json_schema(kScenarioShape, "mcemu/scenario/1"); }
nlohmann::ordered_json result_schema() { return json_schema(kResultShape, "mcemu/result/1"); }
nlohmann::ordered_json nvdimm_state_schema() {
    return json_schema(kNvdimmStateShape, "mcemu/nvdimm-state/1");
}
nlohmann::ordered_json campaign_schema() { return json_schema(kCampaignShape, "mcemu/campaign/1"); }

}  // namespace mcemu::scenario
