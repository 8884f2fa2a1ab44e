#pragma once  // What commands and readers of files were told, as a tree; text is made elsewhere.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/units.hpp"

namespace mcemu::kernel {

/// A JSON value without JSON.
struct Node {
    enum class Kind : std::uint8_t { null, boolean, integer, real, text, bytes, list, object };
    Kind kind = Kind::null;
    bool flag = false;
    std::int64_t number = 0;  ///< integer; bytes: a size, which --human words otherwise
    double value = 0;
    std::string text{};
    std::vector<Node> items{};
    std::vector<std::string> keys{};  ///< object: one per item

    static Node of(bool b) { return make(Kind::boolean, [&](Node& n) { n.flag = b; }); }
    static Node of(std::int64_t i) { return make(Kind::integer, [&](Node& n) { n.number = i; }); }
    static Node of(std::uint64_t i) { return of(static_cast<std::int64_t>(i)); }
    static Node of(std::uint32_t i) { return of(static_cast<std::int64_t>(i)); }
    static Node of(int i) { return of(static_cast<std::int64_t>(i)); }
    static Node of(double d) { return make(Kind::real, [&](Node& n) { n.value = d; }); }
    static Node of(std::string_view s) { return make(Kind::text, [&](Node& n) { n.text = s; }); }
    static Node of(const char* s) { return of(std::string_view(s)); }
    static Node of(const std::string& s) { return of(std::string_view(s)); }
    static Node of(Node n) { return n; }
    static Node bytes(std::uint64_t size) {
        return make(Kind::bytes, [&](Node& n) { n.number = static_cast<std::int64_t>(size); });
    }
    static Node list() { return make(Kind::list, [](Node&) {}); }
    static Node object() { return make(Kind::object, [](Node&) {}); }

    template <class T>
    Node& add(std::string key, T item) {
        keys.push_back(std::move(key));
        items.push_back(of(std::move(item)));
        return *this;
    }
    template <class T>
    Node& push(T item) {
        items.push_back(of(std::move(item)));
        return *this;
    }
    bool empty() const { return items.empty() && (kind == Kind::list || kind == Kind::object); }

private:
    template <class F>
    static Node make(Kind kind, F f) {
        Node n;
        n.kind = kind;
        f(n);
        return n;
    }
};

/// What one command printed, or one reader got.
struct Report {
    SimTime at{};
    std::uint32_t event = 0;  ///< index of the scenario event that asked
    std::string what;         ///< "ndctl inject-error", "badblocks", "read" ...
    std::int64_t ret = 0;     ///< what the command ended with: 0, a negative errno, or a count
    Node output;              ///< null: it printed nothing
    std::vector<std::string> messages;  ///< on stderr
    bool human = false;
};

}  // namespace mcemu::kernel
