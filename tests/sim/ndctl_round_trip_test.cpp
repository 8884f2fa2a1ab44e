// Listings of ndctl become scenarios, their runs are listed, and those listings are imported again
// (nvdimm.md 2.1, 3.2, 3.4, 14.1; the listings follow from the rules, not from our own code).
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "output/ndctl_list.hpp"
#include "scenario/load.hpp"
#include "scenario/ndctl_import.hpp"
#include "sim/run.hpp"
#include "support/isolated.hpp"

using namespace mcemu;
using mcemu::test::isolated;
using nlohmann::json;

namespace {

constexpr std::uint64_t kKiB = 1 << 10, kMiB = 1 << 20, kGiB = 1 << 30, kChunk = 4096;

struct Placed {
    std::string mode, map;
    std::uint64_t align, begin, size;  // in the region

    bool paged() const { return mode == "fsdax" || mode == "devdax"; }
    /// 3.2
    std::uint64_t data() const {
        if (!paged()) return 0;
        const std::uint64_t unit = std::max(align, 2 * kMiB);
        const std::uint64_t need = 8192 + (map == "dev" ? 64 * ((size - 8192) / 4096) : 0);
        return (begin + need + unit - 1) / unit * unit - begin;
    }
    std::uint64_t capacity() const {
        if (mode == "raw") return size;
        if (mode == "sector") {  // 3.4
            constexpr std::uint64_t kLargest = 512ull << 30, kLeast = 16 * kMiB;
            std::uint64_t blocks = 0;
            for (std::uint64_t left = size; left >= kLeast; left -= std::min(left, kLargest))
                blocks += (std::min(left, kLargest) / 4096 * 4096 - 8192 - 16384 - 4096) / 4100 - 256;
            return blocks * 4096;
        }
        const std::uint64_t unit = std::max(align, 2 * kMiB);
        return (begin + size) / unit * unit - begin - data();
    }
};

struct Row {
    std::uint64_t first, count;
};

class Listing {
public:
    explicit Listing(unsigned seed) : random_(seed) {}

    json make() {
        json dimms = json::array(), regions = json::array();
        const unsigned sockets = 1 + static_cast<unsigned>(below(3));
        for (unsigned socket = 0; socket < sockets; ++socket) {
            constexpr unsigned kWays[] = {1, 2, 3, 4, 6};
            const unsigned ways = kWays[below(5)];
            std::vector<std::string> names;
            for (unsigned way = 0; way < ways; ++way) {
                names.push_back("nmem" + std::to_string(dimms.size()));
                dimms.push_back({{"dev", names.back()},
                                 {"handle", way % 3 << 4 | way / 3 << 8 | socket << 12}});
            }
            regions.push_back(region(socket, names));
        }
        return json::array({{{"provider", "ACPI.NFIT"},
                             {"dev", "ndbus0"},
                             {"scrub_state", "idle"},
                             {"dimms", dimms},
                             {"regions", regions}}});
    }

private:
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    json region(unsigned number, const std::vector<std::string>& dimms) {
        const std::uint64_t ways = dimms.size();
        const std::uint64_t share = below(4) == 0 ? 512 * kGiB : (1 + below(8)) * 512 * kMiB;
        const std::uint64_t size = ways * share, offset = below(3) * 256 * kMiB;
        std::vector<Placed> spaces;
        std::uint64_t at = 0;
        for (std::uint64_t i = 1 + below(4); i > 0; --i) {
            Placed ns = space(at, size);
            if (ns.size == 0) break;
            spaces.push_back(ns);
            at += ns.size;
        }
        const std::vector<Row> rows = bad(spaces, size);
        json mappings = json::array(), namespaces = json::array();
        for (std::size_t way = 0; way < ways; ++way)
            mappings.push_back({{"dimm", dimms[way]},
                                {"offset", offset},
                                {"length", share},
                                {"position", way}});
        for (std::size_t i = 0; i < spaces.size(); ++i)
            namespaces.push_back(one(number, i, spaces[i], rows, dimms));
        json out = {{"dev", "region" + std::to_string(number)},
                    {"size", size},
                    {"available_size", size - at},
                    {"type", "pmem"},
                    {"mappings", mappings}};
        if (!namespaces.empty()) out["namespaces"] = namespaces;
        add_rows(out, rows, 0, dimms, true);
        return out;
    }

    Placed space(std::uint64_t at, std::uint64_t size) {
        constexpr const char* kModes[] = {"raw", "fsdax", "devdax", "sector"};
        Placed ns{kModes[below(4)], "", 2 * kMiB, at, 0};
        if (ns.paged()) {
            ns.map = below(2) == 0 ? "dev" : "mem";
            ns.align = below(4) == 0 ? 4 * kKiB : below(4) == 0 ? kGiB : 2 * kMiB;
            if (ns.align == kGiB && at % kGiB != 0) ns.align = 2 * kMiB;
        }
        const std::uint64_t unit = std::max(ns.align, 16 * kMiB), room = (size - at) / unit;
        const std::uint64_t least = ns.align == kGiB ? 3 : 4;
        if (room < least) return ns;
        ns.size = (least + below(std::min<std::uint64_t>(room - least + 1, 200))) * unit;
        // The importer takes the least size that offers what is listed: so does this one.
        for (Placed less = ns; less.size > 4 * unit; ns = less) {
            less.size -= std::max(ns.align, 2 * kMiB);
            if (less.capacity() != ns.capacity() || less.data() >= less.size) break;
        }
        return ns;
    }

    /// Rows of the region's table, apart from each other: in data, metadata, across borders.
    std::vector<Row> bad(const std::vector<Placed>& spaces, std::uint64_t size) {
        std::set<std::uint64_t> starts;
        const std::uint64_t limit = below(8) == 0 ? 400 : 24;
        for (std::uint64_t i = below(limit); i > 0; --i) {
            std::uint64_t sector = below(size / 512);
            if (!spaces.empty() && below(2) == 0) {
                const Placed& ns = spaces[below(spaces.size())];
                const std::uint64_t border = below(2) == 0 ? ns.begin + ns.data() : ns.begin + ns.size;
                sector = std::max<std::uint64_t>(border / 512, 8) - below(8);
            }
            starts.insert(std::min(sector, size / 512 - 1));
        }
        std::vector<Row> rows;
        for (const std::uint64_t first : starts) {
            if (!rows.empty() && first <= rows.back().first + rows.back().count) continue;
            std::uint64_t count = 1 + below(below(4) == 0 ? 200 : 12);
            const auto next = starts.upper_bound(first);
            if (next != starts.end()) count = std::min(count, *next - first > 1 ? *next - first - 1 : 1);
            if (next != starts.end() && *next == first + count) continue;
            rows.push_back({first, std::min(count, size / 512 - first)});
        }
        return rows;
    }

    static void add_rows(json& out, const std::vector<Row>& rows, std::uint64_t base,
                         const std::vector<std::string>& dimms, bool listed) {
        std::uint64_t count = 0;
        json list = json::array();
        for (const Row& row : rows) {
            count += row.count;
            std::set<std::size_t> ways;
            for (std::uint64_t s = 0; s < row.count; ++s)
                ways.insert((base + (row.first + s) * 512) / kChunk % dimms.size());
            json held = json::array();
            for (const std::size_t way : ways) held.push_back(dimms[way]);
            list.push_back({{"offset", row.first}, {"length", row.count}, {"dimms", held}});
        }
        if (count == 0) return;
        out["badblock_count"] = count;
        if (listed) out["badblocks"] = list;
    }

    static json one(unsigned region, std::size_t number, const Placed& ns,
                    const std::vector<Row>& rows, const std::vector<std::string>& dimms) {
        const std::string name = std::to_string(region) + "." + std::to_string(number);
        const std::string device =
            number == 0 ? std::to_string(region) : name;
        json out = {{"dev", "namespace" + name}, {"mode", ns.mode}, {"size", ns.capacity()}};
        if (ns.paged()) out["map"] = ns.map;
        if (ns.paged()) out["align"] = ns.align;
        if (ns.mode == "devdax") {
            out["chardev"] = "dax" + name;
            out["daxregion"] = {{"id", region},
                                {"size", ns.capacity()},
                                {"align", ns.align},
                                {"devices", {{{"chardev", "dax" + name}, {"size", ns.capacity()}}}}};
        } else {
            out["sector_size"] = ns.mode == "sector" ? 4096 : 512;
            out["blockdev"] = "pmem" + device + (ns.mode == "sector" ? "s" : "");
        }
        if (ns.mode == "raw" && !rows.empty()) {  // the whole region's, relative to it
            add_rows(out, rows, 0, dimms, true);
            return out;
        }
        const std::uint64_t begin = ns.begin + ns.data();
        const std::uint64_t end = ns.paged() ? begin + ns.capacity() : ns.begin + ns.size;
        std::vector<Row> mine;
        for (const Row& row : rows) {
            const std::uint64_t from = std::max(row.first, begin / 512);
            const std::uint64_t to = std::min(row.first + row.count, end / 512);
            if (from < to) mine.push_back({from - begin / 512, to - from});
        }
        add_rows(out, mine, begin, dimms, ns.mode != "sector");
        return out;
    }

    std::mt19937 random_;
};

/// The scenario of a listing, and the listing of its run.
std::pair<json, json> there_and_back(const json& list) {
    const json both = isolated([&]() -> json {
        const scenario::Imported imported = scenario::import_ndctl("list", list.dump());
        if (!imported.scenario) throw std::runtime_error(scenario::to_text(imported.findings.front()));
        const std::string text = imported.scenario->dump();
        scenario::LoadResult loaded = scenario::load_text("imported", text);
        if (!loaded.loaded) throw std::runtime_error(scenario::to_text(loaded.findings.front()));
        sim::Simulation simulation(std::move(loaded.loaded->scenario), {});
        simulation.run();
        return {json::parse(text), json::parse(output::ndctl_list(simulation.view()))};
    });
    return {both[0], both[1]};
}

/// What `before` says and `after` does not say as well; "" when there is nothing.
std::string lost(const json& before, const json& after, const std::string& at = "") {
    if (before.is_object()) {
        for (const auto& [key, value] : before.items()) {
            if (!after.contains(key)) return at + "/" + key + " is gone";
            const std::string wrong = lost(value, after[key], at + "/" + key);
            if (!wrong.empty()) return wrong;
        }
        return "";
    }
    if (!before.is_array() || before.size() != after.size())
        return before == after ? "" : at + ": " + before.dump() + " became " + after.dump();
    for (std::size_t i = 0; i < before.size(); ++i) {
        const std::string wrong = lost(before[i], after[i], at + "/" + std::to_string(i));
        if (!wrong.empty()) return wrong;
    }
    return "";
}

}  // namespace

TEST_CASE("a listing is imported, run, listed and imported again, and says the same",
          "[sim][ndctl]") {
    const unsigned seed = GENERATE(range(1u, 31u));
    const json first = Listing(seed).make();
    INFO("seed " << seed << ": " << first.dump());
    const auto [scenario, second] = there_and_back(first);
    REQUIRE(lost(first, second) == "");
    // What bad blocks there are beyond those of the listing would be invented.
    for (std::size_t r = 0; r < first[0]["regions"].size(); ++r)
        REQUIRE(second[0]["regions"][r].contains("badblock_count") ==
                first[0]["regions"][r].contains("badblock_count"));
    const auto [again, third] = there_and_back(second);
    REQUIRE(scenario["machine"] == again["machine"]);
    REQUIRE(second == third);
}
