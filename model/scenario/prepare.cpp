#include "scenario/prepare.hpp"

#include <algorithm>
#include <filesystem>

#include "scenario/reader.hpp"

namespace mcemu::scenario {
namespace {

constexpr std::size_t kMaxIncludes = 64;
constexpr std::size_t kMaxSubstituted = 64ull << 20;  ///< bytes that substitution may make in all

// ---------------------------------------------------------------- include

Value without(Document& document, const Value& object, std::string_view key) {
    Value out = object;
    out.count = 0;
    out.items = document.make(object.count);
    for (const Value& member : object.children()) {
        if (member.key != key) out.items[out.count++] = member;
    }
    return out;
}

Value merged(Document& document, const Value& base, const Value& over) {
    Value out = over;
    if (base.is(Value::Type::array) && over.is(Value::Type::array)) {
        out.items = document.make(std::size_t{base.count} + over.count);
        std::copy_n(base.items, base.count, out.items);
        std::copy_n(over.items, over.count, out.items + base.count);
        out.count = base.count + over.count;
    } else if (base.is(Value::Type::object) && over.is(Value::Type::object)) {
        out.items = document.make(std::size_t{base.count} + over.count);
        out.count = 0;
        for (const Value& member : over.children()) {
            const Value* below = base.find(member.key);
            out.items[out.count++] = below == nullptr ? member : merged(document, *below, member);
        }
        for (const Value& member : base.children()) {
            if (over.find(member.key) == nullptr) out.items[out.count++] = member;
        }
    }
    return out;
}

class Includer {
public:
    Includer(Document& document, const LoadOptions& options, Findings& findings)
        : document_(document), options_(options), findings_(findings) {}

    /// The document `root` of `source` with all it includes below it.
    Value expand(const Value& root, std::uint16_t source) {
        const Value* include = root.find("include");
        if (include == nullptr) return root;
        const Value top = without(document_, root, "include");
        const Path at_root{nullptr, &root};
        const Path at{&at_root, include, include->key};
        Value base;
        base.type = Value::Type::object;
        base.items = nullptr;
        if (include->is(Value::Type::text)) {
            base = below(base, *include, at, source);
        } else if (include->is(Value::Type::array)) {
            for (std::size_t i = 0; i < include->count; ++i) {
                const Value& item = include->items[i];
                const Path at_item{&at, &item, {}, i, true};
                if (item.is(Value::Type::text)) {
                    base = below(base, item, at_item, source);
                } else {
                    findings_.add(at_item, {describe(item) + " stands here", "expected the path of a file"});
                }
            }
        } else {
            findings_.add(at, {describe(*include) + " stands here",
                               "expected the path of a file, or an array of paths"});
        }
        return merged(document_, base, top);
    }

    std::vector<std::string> chain;  ///< the files being read, outermost first
    bool complete = true;            ///< every file named could be read

private:
    Value below(const Value& base, const Value& name, const Path& at, std::uint16_t source) {
        namespace fs = std::filesystem;
        const std::string path =
            (fs::path(document_.source(source).folder) / fs::path(name.text())).lexically_normal().string();
        if (std::find(chain.begin(), chain.end(), path) != chain.end()) {
            std::string circle;
            for (std::size_t i = 0; i < chain.size(); ++i)
                if (!circle.empty() || chain[i] == path) circle += chain[i] + " -> ";
            findings_.add(at, {in_quotes(path) + " includes itself: " + circle + path,
                               "break the circle"});
            return base;
        }
        if (++included_ > kMaxIncludes) {
            findings_.add(at, {"more than " + std::to_string(kMaxIncludes) + " files are included",
                               "merge some of them"});
            return base;
        }
        ReadText read = options_.read_file ? options_.read_file(path) : read_file(path);
        if (!read.text) {
            findings_.add(at, {"cannot read " + in_quotes(path) + ": " + read.error, beside(path)});
            complete = false;
            return base;
        }
        const std::uint16_t child =
            document_.add_source({path, std::move(*read.text), fs::path(path).parent_path().string()});
        const auto parsed = parse(document_, child, findings_);
        if (!parsed) return base;
        if (!parsed->is(Value::Type::object)) {
            findings_.add(Path{nullptr, &*parsed}, {describe(*parsed) + " stands here", "expected an object"});
            return base;
        }
        chain.push_back(path);
        const Value expanded = expand(*parsed, child);
        chain.pop_back();
        return merged(document_, base, expanded);
    }

    /// What would be right in place of a file that is not there: its like in that folder.
    std::string beside(const std::string& path) const {
        namespace fs = std::filesystem;
        const std::string rule = "paths count from the folder of the file that includes";
        if (options_.read_file) return rule;  // what the reader knows may lie in no folder
        const fs::path wanted(path), folder = wanted.has_parent_path() ? wanted.parent_path() : ".";
        std::error_code error;
        if (!fs::is_directory(folder, error))
            return rule + "; there is no folder " + in_quotes(folder.string());
        constexpr std::size_t kMost = 10'000;
        std::vector<std::string> names;
        for (fs::directory_iterator it(folder, error), end; !error && it != end && names.size() < kMost;
             it.increment(error))
            if (it->path().extension() == ".json") names.push_back(it->path().filename().string());
        std::sort(names.begin(), names.end());
        const std::vector<std::string_view> views(names.begin(), names.end());
        return rule + "; in " + in_quotes(folder.string()) +
               (names.empty() ? std::string(" is no .json file")
                              : " " + did_you_mean(wanted.filename().string(), views,
                                                   names.size() <= 8 ? "are " + listed(views)
                                                                     : "are " + std::to_string(names.size()) +
                                                                           " .json files"));
    }

    Document& document_;
    const LoadOptions& options_;
    Findings& findings_;
    std::size_t included_ = 0;
};

// ---------------------------------------------------------------- overrides

/// The steps of a JSON pointer; nullopt when it does not begin with "/".
std::optional<std::vector<std::string>> steps_of(std::string_view pointer) {
    if (pointer.empty() || pointer[0] != '/') return std::nullopt;
    std::vector<std::string> steps;
    std::size_t begin = 1;
    while (true) {
        const std::size_t end = std::min(pointer.find('/', begin), pointer.size());
        std::string step;
        for (std::size_t i = begin; i < end; ++i) {
            if (pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
                step += pointer[++i] == '0' ? '~' : '/';
            } else {
                step += pointer[i];
            }
        }
        steps.push_back(std::move(step));
        if (end == pointer.size()) return steps;
        begin = end + 1;
    }
}

/// What the shape says about the child `key`; null when nothing.
const Shape* child_shape(const Shape* shape, const Value& parent, std::string_view key) {
    if (shape == nullptr) return nullptr;
    if (shape->kind == Shape::Kind::list || shape->kind == Shape::Kind::table) return shape->item;
    if (shape->kind != Shape::Kind::object) return nullptr;
    if (const Field* field = find_field(shape->fields, key)) return field->shape;
    const Value* which = parent.find(shape->discriminator);
    if (which == nullptr || !which->is(Value::Type::text)) return nullptr;
    const Case* chosen = shape->find_case(which->text());
    const Field* field = chosen == nullptr ? nullptr : find_field(chosen->fields, key);
    return field == nullptr ? nullptr : field->shape;
}

std::optional<std::size_t> index_of(const std::string& step, std::size_t count) {
    if (step.empty() || step.size() > 9 || (step.size() > 1 && step[0] == '0') ||
        step.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    const std::size_t index = std::stoul(step);
    if (index >= count) return std::nullopt;
    return index;
}

class Setter {
public:
    Setter(Document& document, Findings& findings) : document_(document), findings_(findings) {}

    /// Puts `value` at `pointer`; objects on the way that the shape knows are made.
    void set(std::uint16_t source, std::string_view pointer, const std::optional<Value>& wanted) {
        if (!wanted) return;
        const Value value = *wanted;
        const auto steps = steps_of(pointer);
        if (!steps) {
            complain(source, "", {in_quotes(pointer) + " is not a JSON pointer",
                                  "write /a/b=value, as in /machine/cpus/cores=8"});
            return;
        }
        Value* at = &document_.root;
        const Shape* shape = &kScenarioShape;
        std::string so_far;
        for (std::size_t i = 0; i < steps->size(); ++i) {
            const std::string& step = (*steps)[i];
            const bool last = i + 1 == steps->size();
            const std::string parent = so_far;
            so_far += '/' + step;
            const Shape* below = child_shape(shape, *at, step);
            if (at->is(Value::Type::array)) {
                at = item(source, parent, *at, step, last ? &value : nullptr);
                if (at == nullptr) return;
            } else if (at->is(Value::Type::object)) {
                at = member(source, so_far, *at, step, last ? &value : nullptr, below);
                if (at == nullptr) return;
            } else {
                complain(source, parent, {describe(*at) + " stands here, it has no " + in_quotes(step),
                                          "name a key of an object or an index of an array"});
                return;
            }
            shape = below;
        }
    }

    /// Takes the key, or the item of an array, at `pointer` away.
    void unset(std::uint16_t source, std::string_view pointer) {
        const auto steps = steps_of(pointer);
        if (!steps) {
            complain(source, "", {in_quotes(pointer) + " is not a JSON pointer",
                                  "write /a/b, as in /machine/cpus/cores"});
            return;
        }
        Value* at = &document_.root;
        std::string so_far;
        for (std::size_t i = 0; i < steps->size(); ++i) {
            const std::string& step = (*steps)[i];
            const bool last = i + 1 == steps->size();
            std::size_t place = at->count;
            if (at->is(Value::Type::array)) {
                place = index_of(step, at->count).value_or(at->count);
            } else if (at->is(Value::Type::object)) {
                for (place = 0; place < at->count && at->items[place].key != step;) ++place;
            } else {
                complain(source, so_far, {describe(*at) + " stands here, it has no " + in_quotes(step),
                                          "name a key of an object or an index of an array"});
                return;
            }
            so_far += '/' + step;
            if (place >= at->count) {
                std::vector<std::string_view> names;
                if (at->is(Value::Type::object))
                    for (const Value& child : at->children()) names.push_back(child.key);
                complain(source, so_far,
                         {"there is no " + in_quotes(step) + " to take away",
                          did_you_mean(step, names, names.empty() ? "name what stands there"
                                                                  : "there are " + listed(names))});
                return;
            }
            if (!last) {
                at = &at->items[place];
                continue;
            }
            std::move(at->items + place + 1, at->items + at->count, at->items + place);
            --at->count;
        }
    }

private:
    void complain(std::uint16_t source, std::string pointer, Problem problem) {
        findings_.add_at(source, 0, std::move(pointer), std::move(problem));
    }

    static void put(Value& into, Value value) {
        value.key = into.key;
        value.key_offset = 0;
        into = value;
    }

    Value* item(std::uint16_t source, const std::string& parent, Value& array, const std::string& step,
                const Value* value) {
        if (value != nullptr && (step == "-" || step == std::to_string(array.count)))
            return &document_.append(array, *value);
        const auto index = index_of(step, array.count);
        if (!index) {
            complain(source, parent + '/' + step,
                     {"there is no item " + in_quotes(step),
                      array.count == 0 ? "the array is empty: - appends"
                                       : "write an index from 0 to " + std::to_string(array.count - 1) +
                                             ", or - to append"});
            return nullptr;
        }
        if (value != nullptr) put(array.items[*index], *value);
        return &array.items[*index];
    }

    Value* member(std::uint16_t source, const std::string& pointer, Value& object,
                  const std::string& step, const Value* value, const Shape* shape) {
        if (Value* found = object.find(step)) {
            if (value != nullptr) put(*found, *value);
            return found;
        }
        Value made;
        if (value != nullptr) {
            made = *value;
        } else if (shape != nullptr &&
                   (shape->kind == Shape::Kind::object || shape->kind == Shape::Kind::table)) {
            made.type = Value::Type::object;
            made.items = nullptr;
            made.source = source;
        } else {
            std::vector<std::string_view> names;
            for (const Value& child : object.children()) names.push_back(child.key);
            complain(source, pointer,
                     {"there is no " + in_quotes(step),
                      did_you_mean(step, names, names.empty() ? "the object is empty"
                                                              : "there are " + listed(names))});
            return nullptr;
        }
        made.key = document_.keep(step);
        made.key_offset = 0;
        return &document_.append(object, made);
    }

    Document& document_;
    Findings& findings_;
};

std::uint16_t option_source(Document& document, std::string name, std::string text) {
    Source source{std::move(name), std::move(text), "", false};
    return document.add_source(std::move(source));
}

Value text_value(const Document& document, std::uint16_t source) {
    const std::string& text = document.source(source).text;
    Value v;
    v.type = Value::Type::text;
    v.source = source;
    v.chars = text.data();
    v.count = static_cast<std::uint32_t>(text.size());
    return v;
}

/// The text of an option as JSON when it is JSON, else as a string; nullopt with a finding when it
/// is neither.
std::optional<Value> json_or_text(Document& document, std::uint16_t source, Findings& findings) {
    Findings scratch;
    const auto parsed = parse(document, source, scratch);
    if (parsed && scratch.empty()) return *parsed;
    if (!is_utf8(document.source(source).text)) {
        findings.add_at(source, 0, "", {"the value is not UTF-8", "write it in UTF-8"});
        return std::nullopt;
    }
    if (parsed) {
        findings.add_at(source, 0, "",
                        {"a key stands twice in this object", "a key may stand once"});
        return std::nullopt;
    }
    return text_value(document, source);
}

// ---------------------------------------------------------------- "${name}"

class Substituter {
public:
    Substituter(Document& document, Findings& findings)
        : document_(document), findings_(findings), params_(document.root.find("params")) {
        if (params_ != nullptr && !params_->is(Value::Type::object)) params_ = nullptr;
    }

    void walk(Value& value, const Path& path) {
        if (value.is(Value::Type::text)) {
            if (value.text().find("${") != std::string_view::npos) substitute(value, path);
        } else if (value.is(Value::Type::array) || value.is(Value::Type::object)) {
            const bool in_array = value.is(Value::Type::array);
            for (std::size_t i = 0; i < value.count; ++i) {
                Value& child = value.items[i];
                if (path.up == nullptr && (child.key == "params" || child.key == "matrix")) continue;
                walk(child, Path{&path, &child, child.key, i, in_array});
            }
        }
    }

private:
    /// The param of that name; a finding when there is none, or when it is no scalar.
    const Value* param(std::string_view name, const Path& path) {
        const Value* found = params_ == nullptr ? nullptr : params_->find(name);
        if (found == nullptr) {
            std::vector<std::string_view> names;
            if (params_ != nullptr) {
                for (const Value& p : params_->children()) names.push_back(p.key);
            }
            findings_.add(path, {"there is no parameter " + in_quotes(name),
                                 did_you_mean(name, names,
                                              names.empty() ? "add it to \"params\""
                                                            : "there are " + listed(names))});
            return nullptr;
        }
        // A param that is an array or an object is a finding of its own.
        if (found->is(Value::Type::array) || found->is(Value::Type::object)) return nullptr;
        return found;
    }

    void substitute(Value& value, const Path& path) {
        const std::string_view text = value.text();
        if (text.starts_with("${") && text.find('}') == text.size() - 1) {
            if (const Value* found = param(text.substr(2, text.size() - 3), path)) {
                const Value place = value;
                value = *found;
                value.substituted = true;
                value.source = place.source;
                value.offset = place.offset;
                value.key = place.key;
                value.key_offset = place.key_offset;
            }
            return;
        }
        std::string out;
        std::size_t from = 0;
        while (true) {
            const std::size_t begin = text.find("${", from);
            if (begin == std::string_view::npos) break;
            if (begin > from && text[begin - 1] == '$') {  // $${
                out += text.substr(from, begin - 1 - from);
                out += "${";
                from = begin + 2;
                continue;
            }
            out += text.substr(from, begin - from);
            const std::size_t end = text.find('}', begin);
            if (end == std::string_view::npos) {
                findings_.add(path, {"\"${\" has no \"}\"", "close it, or write \"$${\" if it is meant so"});
                return;
            }
            const Value* found = param(text.substr(begin + 2, end - begin - 2), path);
            if (found == nullptr) return;
            if (found->is(Value::Type::text)) {
                out += found->text();
            } else {
                std::string shown = describe(*found);
                if (shown.starts_with("the number ")) shown.erase(0, 11);
                out += shown;
            }
            from = end + 1;
            if (out.size() > kMaxText || made_ + out.size() > kMaxSubstituted) {
                findings_.add(path, {"the parameters make this string too long",
                                     "at most " + std::to_string(kMaxText) + " bytes"});
                return;
            }
        }
        out += text.substr(from);
        made_ += out.size();
        const std::string_view kept = document_.keep(std::move(out));
        value.chars = kept.data();
        value.count = static_cast<std::uint32_t>(kept.size());
        value.substituted = true;
    }

    Document& document_;
    Findings& findings_;
    const Value* params_;
    std::size_t made_ = 0;
};

}  // namespace

bool merge_includes(Document& document, std::uint16_t source, const LoadOptions& options,
                    Findings& findings) {
    Includer includer(document, options, findings);
    includer.chain.push_back(
        std::filesystem::path(document.source(source).name).lexically_normal().string());
    document.root = includer.expand(document.root, source);
    return includer.complete;
}

void apply_overrides(Document& document, const Overrides& overrides, Findings& findings) {
    Setter setter(document, findings);
    for (const auto& [name, value] : overrides.params) {
        const std::uint16_t source = option_source(
            document, "parameter " + name,
            value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        std::string step;
        for (const char c : name) step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
        setter.set(source, "/params/" + step, json_or_text(document, source, findings));
    }
    if (overrides.profile) {
        const std::uint16_t source = option_source(document, "--profile", *overrides.profile);
        setter.set(source, "/kernel/profile", json_or_text(document, source, findings));
    }
    if (overrides.seed) {
        const std::uint16_t source =
            option_source(document, "--seed", std::to_string(*overrides.seed));
        setter.set(source, "/seed", json_or_text(document, source, findings));
    }
    if (overrides.until) {
        const std::uint16_t source = option_source(document, "--until", *overrides.until);
        setter.set(source, "/until", json_or_text(document, source, findings));
    }
    for (std::size_t i = 0; i < overrides.unset.size(); ++i) {
        const std::uint16_t source =
            option_source(document, "--unset " + std::to_string(i + 1), overrides.unset[i]);
        setter.unset(source, overrides.unset[i]);
    }
    for (std::size_t i = 0; i < overrides.set.size(); ++i) {
        const std::string& option = overrides.set[i];
        const std::size_t equals = option.find('=');
        const std::string name = "--set " + std::to_string(i + 1);
        if (equals == std::string::npos) {
            const std::uint16_t source = option_source(document, name, option);
            findings.add_at(source, 0, "", {in_quotes(option) + " has no \"=\"",
                                            "write /a/b=value, as in /machine/cpus/cores=8"});
            continue;
        }
        const std::uint16_t source = option_source(document, name, option.substr(equals + 1));
        setter.set(source, std::string_view(option).substr(0, equals),
                   json_or_text(document, source, findings));
    }
}

void substitute_params(Document& document, Findings& findings) {
    Substituter substituter(document, findings);
    substituter.walk(document.root, Path{nullptr, &document.root});
}

}  // namespace mcemu::scenario
