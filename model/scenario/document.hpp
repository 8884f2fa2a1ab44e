#pragma once  // JSON text as a tree in which every value and key knows where it stands.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "scenario/finding.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::scenario {

/// One JSON value. Small and plain: a scenario may list a million events. What it points to
/// belongs to its Document.
struct Value {
    enum class Type : std::uint8_t { null, boolean, whole, negative, real, text, array, object };
    Type type = Type::null;
    bool substituted = false;      ///< came from "${name}": text may stand for a number
    std::uint16_t source = 0;      ///< index into Document::sources
    std::uint32_t offset = 0;      ///< of its first character
    std::uint32_t key_offset = 0;  ///< of its key, when a member of an object
    std::uint32_t count = 0;       ///< items, members, or bytes of text
    std::string_view key;          ///< when a member of an object
    union {
        bool boolean;
        std::uint64_t whole = 0;  ///< not negative
        std::int64_t negative;
        double real;
        const char* chars;
        Value* items;  ///< array and object
    };

    std::string_view text() const { return {chars, count}; }
    bool is_container() const { return type == Type::array || type == Type::object; }
    /// Items or members; none when this is no container.
    std::span<Value> children() { return {is_container() ? items : nullptr, is_container() ? count : 0}; }
    std::span<const Value> children() const {
        return {is_container() ? items : nullptr, is_container() ? count : 0};
    }
    /// The member of that name; null when there is none or this is no object.
    const Value* find(std::string_view name) const;
    Value* find(std::string_view name) { return const_cast<Value*>(std::as_const(*this).find(name)); }
    bool is(Type t) const { return type == t; }
};

/// "the string \"4\"", "the number 1.5", "true", "null", "an object", "an array".
std::string describe(const Value& value);

/// One text: a file, or the value of an option.
struct Source {
    std::string name;
    std::string text;
    std::string folder;     ///< where relative includes start; "" the current one
    bool has_lines = true;  ///< false: an option
};

/// The way from the root to a value, kept on the stack of whoever walks.
struct Path {
    const Path* up = nullptr;
    const Value* value = nullptr;
    std::string_view key{};
    std::size_t index = 0;
    bool in_array = false;

    std::string pointer() const;
};

class Document {
public:
    Document() = default;
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    Value root;

    /// A tree of its own over the same texts, without the root's member `leave_out`.
    std::unique_ptr<Document> copy(std::string_view leave_out) const;

    std::uint16_t add_source(Source source);
    const Source& source(std::uint16_t index) const { return *sources_[index]; }
    std::size_t source_count() const { return sources_.size(); }

    /// Room for `count` values, and for a text; they live as long as the document.
    Value* make(std::size_t count);
    std::string_view keep(std::string text);

    /// Appends a member or item; makes `container` point to a longer copy.
    Value& append(Value& container, const Value& child);

    struct Position {
        std::uint32_t line = 0, column = 0;
    };
    Position position(std::uint16_t source, std::uint32_t offset) const;

private:
    Value copied(const Value& value);

    std::vector<std::shared_ptr<const Source>> sources_;
    std::vector<std::unique_ptr<Value[]>> blocks_;
    std::vector<std::shared_ptr<const std::string>> texts_;
    std::size_t room_ = 0, block_ = 64;  ///< `block_`: values of the next block
    Value* next_ = nullptr;
    mutable std::vector<std::vector<std::uint32_t>> lines_;  ///< per source, offsets of line starts
};

/// Collects findings; gives them positions and order at the end.
class Findings {
public:
    /// About the value, or about its key, at `path`.
    void add(const Path& path, Problem problem);
    void add_at_key(const Path& path, Problem problem);
    /// About a place of a source.
    void add_at(std::uint16_t source, std::uint32_t offset, std::string pointer, Problem problem);

    bool empty() const { return raw_.empty(); }
    std::size_t size() const { return raw_.size(); }
    /// More findings help nobody: the rest is counted, not kept.
    bool full() const { return raw_.size() >= kMost; }
    std::size_t left_out() const { return left_out_; }
    /// True when a finding lies at this value or somewhere below it.
    bool touched(const Value* value) const { return touched_.contains(value); }

    /// By source, position and text, each once.
    std::vector<Finding> finish(const Document& document) const;

    static constexpr std::size_t kMost = 1000;

private:
    struct Raw {
        std::uint16_t source;
        std::uint32_t offset;
        std::string pointer;
        Problem problem;
    };
    std::vector<Raw> raw_;
    std::size_t left_out_ = 0;
    std::unordered_set<const Value*> touched_;
};

inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxText = 64 * 1024;       ///< bytes of one string
inline constexpr std::size_t kMaxFile = 1024ull << 20;   ///< bytes of one file

/// Parses a source (comments allowed). Everything wrong with the text becomes a finding; what was
/// read before a syntax error is not returned.
std::optional<Value> parse(Document& document, std::uint16_t source, Findings& findings);

bool is_utf8(std::string_view text);

/// The value as nlohmann's, for its users.
nlohmann::json to_json(const Value& value);

}  // namespace mcemu::scenario
