#include "scenario/document.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include "core/assert.hpp"

namespace mcemu::scenario {

const Value* Value::find(std::string_view name) const {
    if (type != Type::object) return nullptr;
    for (const Value& child : children()) {
        if (child.key == name) return &child;
    }
    return nullptr;
}

std::string describe(const Value& value) {
    switch (value.type) {
        case Value::Type::null: return "null";
        case Value::Type::boolean: return value.boolean ? "true" : "false";
        case Value::Type::whole: return "the number " + std::to_string(value.whole);
        case Value::Type::negative: return "the number " + std::to_string(value.negative);
        case Value::Type::real: {
            std::array<char, 32> digits;
            const auto end =
                std::to_chars(digits.data(), digits.data() + digits.size(), value.real).ptr;
            std::string text(digits.data(), end);
            // 2.0 is no whole number here, and must not look like one; what is too large for 64
            // bits may.
            if (text.find_first_not_of("-0123456789") == std::string::npos && text.size() < 17)
                text += ".0";
            return "the number " + text;
        }
        case Value::Type::text: return "the string " + in_quotes(value.text());
        case Value::Type::array: return "an array";
        case Value::Type::object: return "an object";
    }
    return {};
}

std::string Path::pointer() const {
    std::vector<const Path*> way;
    for (const Path* p = this; p->up != nullptr; p = p->up) way.push_back(p);
    std::string out;
    for (auto it = way.rbegin(); it != way.rend(); ++it) {
        out += '/';
        if ((*it)->in_array) {
            out += std::to_string((*it)->index);
            continue;
        }
        for (const char c : (*it)->key) {
            if (c == '~') {
                out += "~0";
            } else if (c == '/') {
                out += "~1";
            } else {
                out += c;
            }
        }
    }
    return out;
}

Value Document::copied(const Value& value) {
    Value out = value;
    if (!value.is_container()) return out;
    out.items = make(value.count);
    for (std::size_t i = 0; i < value.count; ++i) out.items[i] = copied(value.items[i]);
    return out;
}

std::unique_ptr<Document> Document::copy(std::string_view leave_out) const {
    auto out = std::make_unique<Document>();
    out->sources_ = sources_;
    out->texts_ = texts_;
    out->lines_.resize(sources_.size());
    out->root = root;
    if (!root.is(Value::Type::object)) {
        out->root = out->copied(root);
        return out;
    }
    out->root.items = out->make(root.count);
    out->root.count = 0;
    for (const Value& member : root.children())
        if (member.key != leave_out) out->root.items[out->root.count++] = out->copied(member);
    return out;
}

std::uint16_t Document::add_source(Source source) {
    MCEMU_ASSERT(sources_.size() < 0xffff, std::to_string(sources_.size()));
    sources_.push_back(std::make_shared<Source>(std::move(source)));
    lines_.emplace_back();
    return static_cast<std::uint16_t>(sources_.size() - 1);
}

Value* Document::make(std::size_t count) {
    if (count == 0) return nullptr;
    if (count > room_) {
        constexpr std::size_t kLargestBlock = 1024;
        const std::size_t size = std::max(count, block_);
        block_ = std::min(2 * block_, kLargestBlock);
        blocks_.push_back(std::make_unique<Value[]>(size));
        if (size - count < room_) return blocks_.back().get();  // keep the fuller block open
        next_ = blocks_.back().get();
        room_ = size;
    }
    Value* const made = next_;
    next_ += count;
    room_ -= count;
    return made;
}

std::string_view Document::keep(std::string text) {
    texts_.push_back(std::make_shared<std::string>(std::move(text)));
    return *texts_.back();
}

Value& Document::append(Value& container, const Value& child) {
    Value* const longer = make(container.count + std::size_t{1});
    std::copy_n(container.items, container.count, longer);
    longer[container.count] = child;
    container.items = longer;
    return longer[container.count++];
}

Document::Position Document::position(std::uint16_t source, std::uint32_t offset) const {
    const Source& s = *sources_[source];
    if (!s.has_lines) return {};
    std::vector<std::uint32_t>& starts = lines_[source];
    if (starts.empty()) {
        starts.push_back(0);
        for (std::size_t i = 0; i < s.text.size(); ++i) {
            if (s.text[i] == '\n') starts.push_back(static_cast<std::uint32_t>(i + 1));
        }
    }
    const auto after = std::upper_bound(starts.begin(), starts.end(), offset);
    const std::uint32_t start = *std::prev(after);
    const std::size_t end = std::min<std::size_t>(offset, s.text.size());
    const auto characters =
        std::count_if(s.text.begin() + start, s.text.begin() + static_cast<std::ptrdiff_t>(end),
                      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    return {static_cast<std::uint32_t>(after - starts.begin()),
            static_cast<std::uint32_t>(characters + 1)};
}

void Findings::add(const Path& path, Problem problem) {
    for (const Path* p = &path; p != nullptr; p = p->up) touched_.insert(p->value);
    if (full()) {
        ++left_out_;
        return;
    }
    add_at(path.value->source, path.value->offset, path.pointer(), std::move(problem));
}

void Findings::add_at_key(const Path& path, Problem problem) {
    for (const Path* p = &path; p != nullptr; p = p->up) touched_.insert(p->value);
    if (full()) {
        ++left_out_;
        return;
    }
    const bool keyed = path.up != nullptr && !path.in_array;
    add_at(path.value->source, keyed ? path.value->key_offset : path.value->offset, path.pointer(),
           std::move(problem));
}

void Findings::add_at(std::uint16_t source, std::uint32_t offset, std::string pointer,
                      Problem problem) {
    if (full()) {
        ++left_out_;
        return;
    }
    raw_.push_back({source, offset, std::move(pointer), std::move(problem)});
}

std::vector<Finding> Findings::finish(const Document& document) const {
    std::vector<const Raw*> order;
    for (const Raw& raw : raw_) order.push_back(&raw);
    const auto key = [](const Raw* r) {
        return std::tie(r->source, r->offset, r->pointer, r->problem.wrong, r->problem.right);
    };
    std::sort(order.begin(), order.end(),
              [&](const Raw* a, const Raw* b) { return key(a) < key(b); });
    order.erase(std::unique(order.begin(), order.end(),
                            [&](const Raw* a, const Raw* b) { return key(a) == key(b); }),
                order.end());
    std::vector<Finding> out;
    for (const Raw* raw : order) {
        const auto at = document.position(raw->source, raw->offset);
        out.push_back({document.source(raw->source).name, at.line, at.column, raw->pointer,
                       raw->problem.wrong, raw->problem.right});
    }
    return out;
}

nlohmann::json to_json(const Value& value) {
    switch (value.type) {
        case Value::Type::null: return nullptr;
        case Value::Type::boolean: return value.boolean;
        case Value::Type::whole: return value.whole;
        case Value::Type::negative: return value.negative;
        case Value::Type::real: return value.real;
        case Value::Type::text: return std::string(value.text());
        case Value::Type::array: {
            nlohmann::json out = nlohmann::json::array();
            for (const Value& child : value.children()) out.push_back(to_json(child));
            return out;
        }
        case Value::Type::object: {
            nlohmann::json out = nlohmann::json::object();
            for (const Value& child : value.children())
                out.emplace(std::string(child.key), to_json(child));
            return out;
        }
    }
    return nullptr;
}

}  // namespace mcemu::scenario
