// Random sequences of what happens to persistent memory in a whole machine, against the rules of
// nvdimm.md looked at sector by sector: several namespaces of every mode, interleaved sets, reboots.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

#include "core/kernel/nvdimm/bus.hpp"
#include "pmem_reference.hpp"
#include "scenario/load.hpp"
#include "scenario/nvdimm_state.hpp"
#include "sim/run.hpp"
#include "support/isolated.hpp"

using namespace mcemu;
using mcemu::test::isolated;
using mcemu::test::PmemReference;
using nlohmann::json;
using Namespace = PmemReference::Namespace;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::string hex(std::uint64_t value) {
    std::ostringstream out;
    out << "0x" << std::hex << value;
    return out.str();
}

/// Rows as they are told, cut or not: the sectors.
std::string sectors(const std::set<std::uint64_t>& set) {
    std::string out;
    for (const auto& [first, past] : PmemReference::runs(set))
        out += std::to_string(first) + "+" + std::to_string(past - first) + " ";
    return out;
}
std::string sectors(const kernel::Badblocks& table) {
    std::set<std::uint64_t> set;
    for (const kernel::Badblocks::Row& row : table.rows())
        for (std::uint64_t s = row.start; s < row.end(); ++s) set.insert(s);
    return sectors(set);
}

/// Makes a machine and events as a scenario, and does the same to the reference.
class Game {
public:
    explicit Game(unsigned seed) : random_(seed) {
        scenario_ = {{"schema", "mcemu/scenario/1"},
                     {"name", "random-" + std::to_string(seed)},
                     {"kernel", {{"profile", "v6.1"}, {"badblocks_model", "ideal"}}},
                     {"events", json::array()}};
        json& machine = scenario_["machine"];
        machine["mca"]["ucna_on_read"] = false;  // one record for each read of poison
        const bool heals = below(3) == 0;
        const auto regions = static_cast<unsigned>(1 + below(2));
        for (unsigned r = 0; r < regions; ++r) add_region(machine, r, heals);
        if (!heals) add_stuck(machine);
        modules_ = static_cast<unsigned>(machine["nvdimms"].size());
    }

    /// One boot's worth of events.
    json boot(unsigned operations) {
        scenario_["events"] = json::array();
        for (std::size_t i = 0; i < ids_.size(); ++i)
            scenario_["machine"]["namespaces"][i]["mode"] = ref_.spaces[i].made;
        wanted_.clear();
        changed_.clear();
        event({{"do", "list"}}, {});  // whose presence makes contents be followed
        for (unsigned i = 0; i < operations; ++i) operate();
        return scenario_;
    }
    const std::vector<std::optional<std::int64_t>>& wanted() const { return wanted_; }
    PmemReference& reference() { return ref_; }
    json expected() const {
        json out;
        for (const auto& r : ref_.regions) out["regions"].push_back(sectors(r.bad));
        for (const Namespace& ns : ref_.spaces) out["namespaces"].push_back(sectors(ns.bad));
        for (const auto& lines : ref_.by_module(modules_)) out["poison"].push_back(sectors(lines));
        return out;
    }

private:
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

    void add_region(json& machine, unsigned number, bool heals) {
        const unsigned ways = 1 + static_cast<unsigned>(below(4));
        const std::uint64_t chunk = below(3) == 0 ? 256 : 4096;
        const std::uint64_t size = 48 * kMiB;  // whole stripes of one to four ways
        PmemReference::Region region{0x280000000 + 0x40000000ull * number, 0, {}, {}, chunk, heals};
        region.end = region.begin + size;
        json names = json::array(), bases = json::array();
        for (unsigned way = 0; way < ways; ++way) {
            const auto index = static_cast<unsigned>(machine["nvdimms"].size());
            names.push_back("nmem" + std::to_string(index));
            machine["nvdimms"].push_back(
                {{"id", names.back()}, {"size", "64MiB"}, {"clear_unit", 256}});
            if (heals) machine["nvdimms"].back()["profile"] = "nvdimm_n";
            region.modules.push_back(index);
            region.dpa_base.push_back(kMiB * way);
            bases.push_back(hex(region.dpa_base.back()));
        }
        machine["regions"].push_back({{"id", "region" + std::to_string(number)},
                                      {"base", hex(region.begin)},
                                      {"size", size},
                                      {"nvdimms", names},
                                      {"dpa_base", bases},
                                      {"interleave", chunk}});
        ref_.regions.push_back(region);
        const unsigned spaces = 1 + static_cast<unsigned>(below(3));
        const std::uint64_t each = size / kMiB / spaces / 2 * 2 * kMiB;
        for (unsigned i = 0; i < spaces; ++i) {
            const char* mode = mode_of(below(4));
            Namespace ns{number, region.begin + i * each, region.begin + (i + 1) * each, mode};
            if (ns.mode == "sector") ref_.make_btt(ns);
            machine["namespaces"].push_back(
                {{"id", "namespace" + std::to_string(number) + "." + std::to_string(i)},
                 {"region", "region" + std::to_string(number)},
                 {"mode", mode},
                 {"size", each}});
            ids_.push_back(machine["namespaces"].back()["id"]);
            ref_.spaces.push_back(ns);
        }
    }
    static const char* mode_of(std::uint64_t i) {
        constexpr const char* kModes[] = {"raw", "fsdax", "devdax", "sector"};
        return kModes[i];
    }
    /// A unit that nothing heals, in the data of a namespace.
    void add_stuck(json& machine) {
        if (below(2) == 0) return;
        const Namespace& ns = ref_.spaces[below(ref_.spaces.size())];
        const PmemReference::Region& r = ref_.regions[ns.region];
        const std::uint64_t spa = ns.data() + 8192 + 64 * below(128);
        const std::uint64_t offset = spa - r.begin, ways = r.modules.size();
        const std::uint64_t way = offset / r.chunk % ways;
        const std::uint64_t dpa =
            r.dpa_base[way] + offset / r.chunk / ways * r.chunk + offset % r.chunk;
        machine["nvdimms"][r.modules[way]]["stuck"].push_back({{"dpa", hex(dpa)}, {"length", 64}});
        ref_.stuck.insert(spa / 64);
    }

    void event(json e, std::optional<std::int64_t> ret) {
        e["id"] = "e" + std::to_string(wanted_.size());
        e["at"] = std::to_string(100 * (wanted_.size() + 1)) + "s";
        scenario_["events"].push_back(std::move(e));
        wanted_.push_back(ret);
    }
    /// An address where much happens: at the beginning, around the end or, of a BTT, in the map.
    std::uint64_t hot(const Namespace& ns) {
        const std::uint64_t place = below(64) * 512 + below(8) * 64;
        if (ns.mode == "sector" && below(4) == 0) return ns.begin + ns.map_at() + place % 1024;
        if (ns.mode == "sector" && below(4) == 0)
            return ns.begin + ns.block_at(ns.free_block) + place % 4096;
        if (ns.mode == "sector") return ns.begin + 4096 + place;
        return below(4) == 0 ? ns.end - 16384 + place % 16384 : ns.data() + place;
    }

    void operate() {
        const std::size_t index = below(ref_.spaces.size());
        Namespace& ns = ref_.spaces[index];
        const std::string& id = ids_[index];
        const std::uint64_t what = below(100);
        const std::uint64_t few = 1 + below(below(3) == 0 ? 20 : 3);
        if (what < 14) {
            const std::uint64_t spa = hot(ns), end = std::min(spa + few * 64, ns.end);
            ref_.plant(spa, end, false);
            event({{"do", "poison"}, {"spa", hex(spa)}, {"length", end - spa}}, {});
        } else if (what < 50) {
            const bool write = what >= 32;
            std::uint64_t at = ns.mode == "sector" ? below(12) * 8
                               : below(6) == 0 ? (ns.end - ns.table_begin()) / 512 - 32 + below(40)
                                               : below(64);
            const std::uint64_t count = ns.mode == "sector" && below(8) != 0 ? few / 4 * 8 + 8 : few;
            const std::uint64_t capacity = ns.mode == "sector"
                                               ? ns.external() * 8
                                               : (ns.end - ns.table_begin()) / 512;
            // What no namespace of the scenario has is a finding, unless an event changes it.
            const bool fits = ns.made != "devdax" && ns.mode == ns.made && at + count <= capacity;
            if (!fits && !changed_.contains(index)) return;
            if (write && ns.mode != ns.made) return;  // over what its info block is for
            const char* op = below(25) == 0 ? "discard" : write ? "write" : "read";
            event({{"do", "bio"}, {"op", op}, {"namespace", id}, {"sector", at}, {"sectors", count}},
                  ref_.bio(ns, op, at, count));
        } else if (what < 60) {
            std::uint64_t spa = hot(ns), length = few * 256;
            if (below(5) != 0) spa = spa / 256 * 256;
            const std::uint64_t end = ref_.regions[ns.region].end;
            if (spa + length > end) length = (end - spa) / 256 * 256;
            if (length == 0) return;
            const std::int64_t cleared = ref_.clear(spa, length);
            event({{"do", "dsm"},
                   {"function", "clear_error"},
                   {"address", hex(spa)},
                   {"length", length}},
                  cleared == static_cast<std::int64_t>(length) ? 0 : cleared);
        } else if (what < 66) {
            const std::uint64_t spa = hot(ns), end = std::min(spa + few * 64, ns.end);
            const bool notify = below(2) == 0, undo = below(3) == 0;
            event({{"do", "dsm"},
                   {"function", undo ? "inject_clear" : "inject_error"},
                   {"address", hex(spa)},
                   {"length", end - spa},
                   {"flags", notify && !undo ? 1 : 0}},
                  0);
            if (undo) ref_.heal(spa, end);
            else ref_.plant(spa, end, true);
            if (notify && !undo) ref_.scrub(false);
        } else if (what < 73) {
            const bool saturate = below(2) == 0, undo = below(4) == 0, notify = below(2) == 0;
            const std::uint64_t block = below(70);
            event({{"do", "inject_error"},
                   {"namespace", id},
                   {"block", block},
                   {"count", few},
                   {"saturate", saturate},
                   {"uninject", undo},
                   {"notify", notify}},
                  ref_.inject(ns, block, few, saturate, undo, notify));
        } else if (what < 79) {
            const bool full = below(2) == 0;
            event({{"do", "scrub"}, {"kind", full ? "ars-full" : "ars-short"}, {"region", "region0"}}, 0);
            ref_.scrub(full);
        } else if (what < 84) {
            event({{"do", "clear_errors"}, {"namespace", id}}, ref_.clear_errors(ns));
        } else if (what < 90) {
            const bool on = below(3) != 0;
            std::int64_t ret = 0;
            if (on && ns.enabled) ret = -EBUSY;
            else if (on && !ref_.regions[ns.region].enabled) ret = -ENXIO;
            else if (on) ret = ref_.enable(ns);
            else if (!ns.enabled) ret = -ENODEV;
            else ref_.disable(ns);
            event({{"do", on ? "enable_namespace" : "disable_namespace"}, {"namespace", id}}, ret);
        } else if (what < 95) {
            const bool on = below(3) != 0;
            ref_.set_region(ns.region, on);
            event({{"do", on ? "enable_region" : "disable_region"},
                   {"region", "region" + std::to_string(ns.region)}},
                  0);
        } else {
            const std::string mode = mode_of(below(4));
            if (!ref_.regions[ns.region].enabled || ref_.latent_below(ns, mode)) return;
            json e = {{"do", "reconfigure_namespace"}, {"namespace", id}, {"mode", mode}, {"force", true}};
            if (mode == "fsdax" || mode == "devdax") e["map"] = "mem";
            ref_.remake(ns, mode);
            changed_.insert(index);
            event(std::move(e), 0);
        }
    }

    std::mt19937 random_;
    json scenario_;
    PmemReference ref_;
    unsigned modules_ = 0;
    std::set<std::size_t> changed_;  // namespaces that an event of this boot has made anew
    std::vector<std::string> ids_;
    std::vector<std::optional<std::int64_t>> wanted_;
};

/// Runs it in a child: what it came to, what every event returned, and the image that is left.
json run(const std::string& text, const std::string& image) {
    return isolated([&]() -> json {
        scenario::LoadResult loaded = scenario::load_text("random", text);
        if (!loaded.loaded)
            throw std::runtime_error(scenario::to_text(loaded.findings.front()));
        std::optional<NvdimmImage> start;
        if (!image.empty()) {
            scenario::NvdimmState state = scenario::read_nvdimm_state(
                "image", image, loaded.loaded->scenario.machine, "random");
            if (!state.image) throw std::runtime_error(scenario::to_text(state.findings.front()));
            start = std::move(state.image);
        }
        sim::RunOptions options;
        options.start_from = start ? &*start : nullptr;
        options.check_invariants = true;
        sim::Simulation simulation(std::move(loaded.loaded->scenario), options);
        simulation.run();
        const RunView view = simulation.view();
        const kernel::NvdimmBus& bus = view.kernel.libnvdimm.bus();
        json out;
        for (const kernel::PmemRegion& r : bus.regions()) out["state"]["regions"].push_back(sectors(r.bad));
        for (const kernel::PmemNamespace& ns : bus.namespaces())
            out["state"]["namespaces"].push_back(sectors(ns.bad));
        for (const std::vector<DpaRange>& runs : view.nvdimm_poison) {
            std::string lines;
            for (const DpaRange& r : runs)
                lines += std::to_string(r.begin / kLineSize) + "+" + std::to_string(r.size() / kLineSize) + " ";
            out["state"]["poison"].push_back(lines);
        }
        out["ret"] = json::array();
        for (const auto& call : view.kernel.processes.syscalls())
            out["ret"].push_back({call.event, call.ret});
        out["image"] = scenario::nvdimm_state_text(simulation.image());
        return out;
    });
}

void play(unsigned seed, unsigned boots, unsigned operations) {
    Game game(seed);
    std::string image;
    for (unsigned boot = 0; boot < boots; ++boot) {
        if (boot != 0) game.reference().reboot();
        const json scenario = game.boot(operations);
        // MCEMU_KEEP=FOLDER keeps the scenarios, for `mcemu run`.
        if (const char* folder = std::getenv("MCEMU_KEEP"))
            std::ofstream(std::string(folder) + "/" + std::to_string(seed) + "-" +
                          std::to_string(boot) + ".json")
                << scenario.dump(1);
        const json got = run(scenario.dump(), image);
        CAPTURE(seed, boot);
        for (const auto& call : got["ret"]) {
            const auto index = call[0].get<std::size_t>();
            if (!game.wanted()[index]) continue;
            INFO(scenario["events"][index].dump());
            REQUIRE(call[1] == *game.wanted()[index]);
        }
        REQUIRE(got["state"] == game.expected());
        image = got["image"];
    }
}

}  // namespace

TEST_CASE("persistent memory in a machine does what sets of sectors do", "[sim][pmem][random]") {
    const unsigned seed = GENERATE(range(1u, 41u));
    play(seed, 2, 40);
}

// By hand, from MCEMU_SEED on: as many as there is time for.
TEST_CASE("the same for thousands of seeds", "[.][long]") {
    const char* first = std::getenv("MCEMU_SEED");
    const unsigned from = first ? static_cast<unsigned>(std::atoi(first)) : 1000;
    for (unsigned seed = from; seed < from + 2000; ++seed) play(seed, 3, 60);
}
