#include "compare/result_diff.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string_view>

#include "compare/timeless.hpp"
#include "compare/world.hpp"
#include "core/units.hpp"
#include "output/dmesg.hpp"
#include "output/words.hpp"

namespace mcemu::compare {
namespace {

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

/// Where the longest common subsequence of a table has its steps: n x m, so for what is small.
void lcs(const std::vector<std::string>& a, const std::vector<std::string>& b, std::size_t begin,
         std::size_t end_a, std::size_t end_b, Pairs& pairs) {
    const std::size_t n = end_a - begin, m = end_b - begin;
    constexpr std::size_t kMost = 4'000'000;
    if (n == 0 || m == 0 || n > kMost / m) return;
    std::vector<std::uint32_t> length((n + 1) * (m + 1));
    const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& {
        return length[i * (m + 1) + j];
    };
    for (std::size_t i = n; i-- > 0;)
        for (std::size_t j = m; j-- > 0;)
            at(i, j) = a[begin + i] == b[begin + j] ? at(i + 1, j + 1) + 1
                                                    : std::max(at(i + 1, j), at(i, j + 1));
    for (std::size_t i = 0, j = 0; i < n && j < m;) {
        if (a[begin + i] == b[begin + j]) pairs.emplace_back(begin + i++, begin + j++);
        else if (at(i + 1, j) >= at(i, j + 1)) ++i;
        else ++j;
    }
}

std::string stamped(const Json& entry, const std::string& words) {
    const auto t = entry.is_object() ? entry.find("t_ns") : entry.end();
    if (!entry.is_object() || t == entry.end() || !t->is_number_unsigned()) return words;
    std::string out;
    output::Dmesg::append_stamp(out, SimTime{t->get<std::uint64_t>() * 1000});
    return out + words;
}

std::optional<std::uint64_t> time_of(const Json& entry) {
    if (!entry.is_object()) return std::nullopt;
    const auto t = entry.find("t_ns");
    if (t == entry.end() || !t->is_number_unsigned()) return std::nullopt;
    return t->get<std::uint64_t>();
}

std::string ns_words(std::uint64_t ns) { return output::human_time(SimTime{ns * 1000}); }

/// A file's lines behind one another: "8 1, 64 2".
std::string on_one_line(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) text.replace(at, 1, ", ");
    return text.empty() ? "(empty)" : text;
}

const Json& part(const Json& result, std::string_view key) {
    static const Json kNone;
    const auto it = result.find(std::string(key));
    return it == result.end() ? kNone : *it;
}

class Differ {
public:
    Differ(const Json& a, const Json& b) : a_(a), b_(b) {}

    /// Named single values of the result.
    void values(std::string name, const std::vector<std::string_view>& keys) {
        Kind kind{std::move(name)};
        for (const std::string_view key : keys) {
            ++kind.in_a, ++kind.in_b;
            const Json &x = part(a_, key), &y = part(b_, key);
            if (x != y) kind.changes.push_back({std::string(key), in_words_plain(x), in_words_plain(y)});
        }
        out.push_back(std::move(kind));
    }

    /// A list whose order counts.
    void list(std::string name, const Json& x, const Json& y, std::string_view only = {}) {
        Kind kind{std::move(name)};
        const std::vector<std::string_view> times(std::begin(kTimeMembers), std::end(kTimeMembers));
        const auto words = [&](const Json& list) {
            std::vector<std::string> w;
            if (list.is_array())
                for (const Json& entry : list)
                    w.push_back(only.empty() ? in_words(entry, times)
                                             : without_times(in_words_plain(part(entry, only))));
            return w;
        };
        // What is shown has all but the time of the line, which stands before it.
        const auto shown = [&](const Json& entry) {
            return stamped(entry, only.empty() ? in_words(entry, {"t_ns"})
                                               : in_words_plain(part(entry, only)));
        };
        const std::vector<std::string> wx = words(x), wy = words(y);
        kind.in_a = wx.size(), kind.in_b = wy.size();
        std::size_t i = 0, j = 0;
        const auto apart = [&](std::size_t to_i, std::size_t to_j) {
            for (; i < to_i; ++i) kind.changes.push_back({"", shown(x[i]), std::nullopt});
            for (; j < to_j; ++j) kind.changes.push_back({"", std::nullopt, shown(y[j])});
        };
        for (const auto& [k, l] : common(wx, wy)) {
            apart(k, l);
            if (x[k] != y[l]) kind.later.push_back({"", shown(x[k]), shown(y[l])});
            i = k + 1, j = l + 1;
        }
        apart(wx.size(), wy.size());
        out.push_back(std::move(kind));
    }

    /// A list of things that have names; `keys` make the name.
    void named(std::string name, std::string_view noun, std::string_view list_key,
               const std::vector<std::string_view>& keys,
               const std::vector<std::string_view>& ignored = {}) {
        Kind kind{std::move(name)};
        const Json &x = part(a_, list_key), &y = part(b_, list_key);
        std::vector<std::string> order;
        std::map<std::string, std::pair<const Json*, const Json*>> things;
        const auto gather = [&](const Json& list, auto member) {
            std::map<std::string, unsigned> again;
            if (!list.is_array()) return;
            for (const Json& entry : list) {
                std::string id(noun);
                for (const std::string_view key : keys) id += ' ' + in_words_plain(part(entry, key));
                if (const unsigned n = again[id]++; n != 0) id += " #" + std::to_string(n + 1);
                if (things.try_emplace(id).second) order.push_back(id);
                things[id].*member = &entry;
            }
        };
        gather(x, &std::pair<const Json*, const Json*>::first);
        gather(y, &std::pair<const Json*, const Json*>::second);
        kind.in_a = x.is_array() ? x.size() : 0, kind.in_b = y.is_array() ? y.size() : 0;
        std::vector<std::string_view> skip = keys;
        skip.insert(skip.end(), ignored.begin(), ignored.end());
        skip.push_back("t_ns");
        const auto words = [&](const Json* e) -> std::optional<std::string> {
            if (!e) return std::nullopt;
            return in_words(*e, skip);
        };
        for (const std::string& id : order) {
            const auto [p, q] = things[id];
            Change change{id, words(p), words(q)};
            if (change.a != change.b) {
                kind.changes.push_back(std::move(change));
            } else if (p && q && time_of(*p) != time_of(*q)) {
                const auto t = [](const Json& e) {
                    const auto ns = time_of(e);
                    return ns ? ns_words(*ns) : std::string("never");
                };
                kind.later.push_back({id, t(*p), t(*q)});
            }
        }
        out.push_back(std::move(kind));
    }

    /// An object whose members have names of their own.
    void table(std::string name, const Json& x, const Json& y,
               const std::vector<std::string_view>& without = {}) {
        Kind kind{std::move(name)};
        std::vector<std::string> keys;
        const auto gather = [&](const Json& object) {
            if (!object.is_object()) return std::size_t{0};
            for (const auto& [key, value] : object.items())
                if (std::find(keys.begin(), keys.end(), key) == keys.end() &&
                    std::find(without.begin(), without.end(), key) == without.end())
                    keys.push_back(key);
            return object.size();
        };
        kind.in_a = gather(x), kind.in_b = gather(y);
        const auto words = [](const Json& object, const std::string& key) -> std::optional<std::string> {
            if (!object.is_object() || !object.contains(key)) return std::nullopt;
            return on_one_line(in_words_plain(object[key]));
        };
        for (const std::string& key : keys) {
            Change change{key, words(x, key), words(y, key)};
            if (change.a != change.b) kind.changes.push_back(std::move(change));
        }
        out.push_back(std::move(kind));
    }

    /// Durations: everything about them is time.
    void latencies() {
        named("latencies", "", "latency", {"from", "to"}, {"phases"});
        Kind& kind = out.back();
        for (std::size_t i = 0; i < kind.changes.size();) {
            Change& c = kind.changes[i];
            c.what = c.what.substr(std::min(c.what.find_first_not_of(' '), c.what.size()));
            const auto space = c.what.find(' ');
            if (space != std::string::npos) c.what.replace(space, 1, " to ");
            if (!c.a || !c.b) {
                ++i;
                continue;
            }
            kind.later.push_back(std::move(c));
            kind.changes.erase(kind.changes.begin() + static_cast<std::ptrdiff_t>(i));
        }
    }
    void end() {
        Kind kind{"end"};
        kind.in_a = kind.in_b = 1;
        const Json &x = part(a_, "end_ns"), &y = part(b_, "end_ns");
        const auto words = [](const Json& ns) {
            return ns.is_number_unsigned() ? ns_words(ns.get<std::uint64_t>()) : in_words_plain(ns);
        };
        if (x != y) kind.later.push_back({"end of the run", words(x), words(y)});
        out.push_back(std::move(kind));
    }

    std::vector<Kind> out;

private:
    const Json &a_, &b_;
};

}  // namespace

Pairs common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    Pairs pairs;
    std::size_t begin = 0, end_a = a.size(), end_b = b.size();
    while (begin < end_a && begin < end_b && a[begin] == b[begin]) {
        pairs.emplace_back(begin, begin);
        ++begin;
    }
    while (end_a > begin && end_b > begin && a[end_a - 1] == b[end_b - 1]) --end_a, --end_b;
    lcs(a, b, begin, end_a, end_b, pairs);
    for (; end_a < a.size(); ++end_a, ++end_b) pairs.emplace_back(end_a, end_b);
    return pairs;
}

std::vector<Kind> diff_results(const Json& a, const Json& b) {
    Differ d(a, b);
    d.values("outcome", {"outcome", "panic", "class"});
    d.list("log", part(a, "log"), part(b, "log"), "text");
    d.list("signals", part(a, "signals"), part(b, "signals"));
    d.named("system calls", "event", "syscalls", {"event"});
    d.named("accesses", "event", "accesses", {"event"});
    d.named("processes", "process", "processes", {"id"});
    d.named("fates", "event", "events", {"id"}, {"because"});
    d.named("pages", "page", "pages", {"pfn"});
    d.list("memtypes", part(a, "memtypes"), part(b, "memtypes"));
    d.list("direct map", part(part(a, "direct_map"), "ranges"), part(part(b, "direct_map"), "ranges"));
    d.table("direct map counters", part(a, "direct_map"), part(b, "direct_map"), {"ranges"});
    d.table("bad blocks", part(a, "badblocks"), part(b, "badblocks"));
    d.table("poison", part(a, "poison"), part(b, "poison"));
    d.table("counters", part(a, "counters"), part(b, "counters"));
    d.named("banks", "bank", "msrs", {"cpu", "bank"});
    d.list("records", part(a, "records"), part(b, "records"));
    d.list("severity rows", part(a, "severity_rows"), part(b, "severity_rows"));
    d.list("injector", part(a, "injector"), part(b, "injector"));
    d.latencies();
    d.end();
    return std::move(d.out);
}

std::vector<std::string> differing(const std::vector<Kind>& kinds, bool times) {
    std::vector<std::string> names;
    for (const Kind& kind : kinds)
        if (times ? !kind.same() : !kind.changes.empty()) names.push_back(kind.name);
    return names;
}

}  // namespace mcemu::compare
