#include "scenario/nvdimm_state_document.hpp"

#include <algorithm>

#include "core/pmem/btt_layout.hpp"
#include "core/pmem/interleave.hpp"
#include "scenario/reader.hpp"
#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

using pmem::BttArena;

class StateReader {
public:
    StateReader(Findings& findings, const MachineConfig& machine, std::string_view scenario)
        : findings_(findings), machine_(machine), scenario_(scenario) {}

    std::optional<NvdimmImage> read(const Cursor& state) {
        compare(state);
        if (!findings_.empty()) return std::nullopt;  // its numbers mean nothing on this machine
        NvdimmImage image;
        image.nvdimms = machine_.nvdimms;
        image.regions = machine_.regions;
        image.namespaces = machine_.namespaces;
        // Namespaces that an event makes later have no place in an image; they stand at the end.
        std::erase_if(image.namespaces, [](const NamespaceConfig& ns) { return !ns.present; });
        state.each("nvdimms", [&](const Cursor& module, std::size_t i) {
            image.modules.push_back(read_module(module, machine_.nvdimms[i].size));
        });
        state.each("namespaces", [&](const Cursor& ns, std::size_t i) {
            image.btts.push_back(read_btt(ns, machine_.namespaces[i]));
            image.force_raw.push_back(ns.truth("force_raw"));
        });
        state.each("regions", [&](const Cursor& region, std::size_t i) {
            image.foreign_labels.push_back(saved_region(region, i).nvdimms !=
                                           machine_.regions[i].nvdimms);
        });
        if (state.given("memdevs")) {
            image.memdevs = machine_.memdevs;
            image.memdev_images.emplace();
            state.each("memdevs", [&](const Cursor& device, std::size_t i) {
                image.memdev_images->push_back(read_memdev(device, machine_.memdevs[i].size()));
            });
        }
        if (!state.given("contents")) return image;
        image.contents.emplace();
        std::uint64_t end = 0;
        state.each("contents", [&](const Cursor& run, std::size_t) { read_run(run, end, image); });
        state.each("regions", [&](const Cursor& region, std::size_t i) {
            if (image.foreign_labels[i])
                move(*image.contents, saved_region(region, i), machine_.regions[i]);
        });
        return image;
    }

private:
    // ------------------------------------------------------------ is it this machine?

    void add(const Path& at, std::string wrong, std::string right) {
        findings_.add(at, {std::move(wrong), std::move(right)});
    }
    /// The first difference is the only finding: the others follow from it.
    void differs(const Path& at, const std::string& what, const std::string& here,
                 const std::string& there) {
        if (!findings_.empty() || here == there) return;
        add(at,
            what + " is " + there + " in the image and " + here + " in " + std::string(scenario_),
            "the machine that saved it, or no --load-state");
    }
    template <class List>
    void same_count(const Cursor& state, const char* key, const List& ours) {
        const Value* list = state.find(key);
        differs(state.at(key), "the number of " + std::string(key), std::to_string(ours.size()),
                std::to_string(list == nullptr ? 0 : list->count));
    }

    void compare(const Cursor& state) {
        same_count(state, "nvdimms", machine_.nvdimms);
        same_count(state, "regions", machine_.regions);
        if (state.given("memdevs")) same_count(state, "memdevs", machine_.memdevs);
        auto present = machine_.namespaces;
        std::erase_if(present, [](const NamespaceConfig& ns) { return !ns.present; });
        same_count(state, "namespaces", present);
        if (!findings_.empty()) return;
        state.each("nvdimms", [&](const Cursor& module, std::size_t i) {
            const NvdimmConfig& ours = machine_.nvdimms[i];
            named(module, "module " + std::to_string(i), ours.id);
            sized(module, "size", ours.id, ours.size);
            constexpr std::string_view kProfiles[] = {"optane", "nvdimm_n", "test"};
            differs(module.at("profile"), "\"profile\" of " + ours.id,
                    std::string(kProfiles[static_cast<int>(ours.profile)]),
                    std::string(module.text("profile")));
            addressed(module, "handle", ours.id, ours.handle);
        });
        state.each("memdevs", [&](const Cursor& device, std::size_t i) {
            const MemdevConfig& ours = machine_.memdevs[i];
            named(device, "device " + std::to_string(i), ours.id);
            sized(device, "volatile", ours.id, ours.volatile_bytes);
            sized(device, "persistent", ours.id, ours.persistent_bytes);
        });
        state.each("regions", [&](const Cursor& region, std::size_t i) {
            const RegionConfig& ours = machine_.regions[i];
            named(region, "region " + std::to_string(i), ours.id);
            addressed(region, "base", ours.id, ours.range.begin);
            sized(region, "size", ours.id, ours.range.size());
            sized(region, "interleave", ours.id, ours.interleave);
            compare_ways(region, ours);
        });
        state.each("namespaces", [&](const Cursor& ns, std::size_t i) {
            const NamespaceConfig& ours = machine_.namespaces[i];
            named(ns, "namespace " + std::to_string(i), ours.id);
            addressed(ns, "base", ours.id, ours.range.begin);
            sized(ns, "size", ours.id, ours.range.size());
            constexpr std::string_view kModes[] = {"raw", "fsdax", "devdax", "sector"};
            differs(ns.at("mode"), "\"mode\" of " + ours.id,
                    std::string(kModes[static_cast<int>(ours.mode)]), std::string(ns.text("mode")));
            sized(ns, "align", ours.id, ours.align);
            sized(ns, "data_offset", ours.id, ours.data_offset);
            sized(ns, "end_trunc", ours.id, ours.end_trunc);
        });
    }

    void named(const Cursor& thing, const std::string& what, const std::string& ours) {
        differs(thing.at("id"), "the name of " + what, in_quotes(ours),
                in_quotes(thing.text("id")));
    }
    void sized(const Cursor& thing, const char* key, const std::string& id, std::uint64_t ours) {
        differs(thing.at(key), in_quotes(key) + " of " + id, size_text(ours),
                size_text(thing.number(key)));
    }
    void addressed(const Cursor& thing, const char* key, const std::string& id,
                   std::uint64_t ours) {
        differs(thing.at(key), in_quotes(key) + " of " + id, hex_text(ours),
                hex_text(thing.number(key)));
    }
    /// Modules that changed places in a set are its modules still; the set is another one.
    void compare_ways(const Cursor& region, const RegionConfig& ours) {
        std::string here, there, here_base, there_base, here_table, there_table;
        std::vector<std::string_view> names_here, names_there;
        for (const std::uint32_t nvdimm : ours.nvdimms)
            names_here.push_back(machine_.nvdimms[nvdimm].id);
        for (const Value& name : region.find("nvdimms")->children())
            names_there.push_back(name.text());
        const bool moved = names_here != names_there &&
                           std::is_permutation(names_here.begin(), names_here.end(),
                                               names_there.begin(), names_there.end());
        for (const auto& row : ours.interleave_table)
            for (const std::uint32_t place : row) here_table += ' ' + std::to_string(place);
        if (const Value* table = region.find("interleave_table"); table != nullptr)
            for (const Value& row : table->children())
                for (const Value& place : row.children())
                    there_table += ' ' + std::to_string(place.whole);
        differs(region.path(), "\"interleave_table\" of " + ours.id, here_table, there_table);
        if (moved) return;
        for (const std::uint32_t nvdimm : ours.nvdimms) here += ' ' + machine_.nvdimms[nvdimm].id;
        for (const Value& name : region.find("nvdimms")->children())
            there += ' ' + std::string(name.text());
        differs(region.at("nvdimms"), "the interleave order of " + ours.id,
                here.substr(!here.empty()), there.substr(!there.empty()));
        for (const std::uint64_t base : ours.dpa_base) here_base += ' ' + hex_text(base);
        for (const Value& base : region.find("dpa_base")->children())
            there_base += ' ' + hex_text(parse_quantity(kAddress, base).value.value_or(0));
        differs(region.at("dpa_base"), "\"dpa_base\" of " + ours.id,
                here_base.substr(!here_base.empty()), there_base.substr(!there_base.empty()));
    }

    // ------------------------------------------------------------ modules

    std::vector<pmem::PoisonRun> read_poison(const Cursor& module, std::uint64_t size) {
        std::vector<pmem::PoisonRun> out;
        std::uint64_t end = 0;
        module.each("poison", [&](const Cursor& run, std::size_t) {
            const auto range = lines(run, size, end);
            if (!range) return;
            std::uint8_t flags = 0;
            if (run.truth("listed")) flags |= pmem::kPoisonListed;
            if (run.truth("injected")) flags |= pmem::kPoisonInjected;
            out.push_back({*range, 0, flags});
        });
        return out;
    }

    std::vector<DpaRange> read_stuck(const Cursor& module, std::uint64_t size) {
        std::vector<DpaRange> out;
        module.each("stuck", [&](const Cursor& run, std::size_t) {
            // Scenarios may list these in any order, and twice.
            std::uint64_t end = 0;
            if (const auto range = lines(run, size, end)) out.push_back(*range);
        });
        return out;
    }

    cxl::MemdevImage read_memdev(const Cursor& device, std::uint64_t size) {
        return {read_poison(device, size), read_stuck(device, size)};
    }

    pmem::ModuleImage read_module(const Cursor& module, std::uint64_t size) {
        pmem::ModuleImage out;
        out.poison = read_poison(module, size);
        out.stuck = read_stuck(module, size);
        if (const auto smart = module.object("smart")) out.smart = read_smart(*smart);
        if (const Value* flags = module.find("flags"); flags != nullptr)
            for (const Value& flag : flags->children())
                out.map_flags |= flag.text() == "save_fail" ? kMapSaveFail : kMapFlushFail;
        return out;
    }

    /// Whole lines inside the module, at or above `end`, which moves behind them.
    std::optional<DpaRange> lines(const Cursor& run, std::uint64_t size, std::uint64_t& end) {
        const std::uint64_t dpa = run.number("dpa"), length = run.number("length");
        const char* const rule = "whole lines of 64 bytes in the module, in rising order";
        if (length == 0 || dpa % kLineSize != 0 || length % kLineSize != 0) {
            add(run.path(), hex_text(dpa) + " + " + size_text(length) + " are no whole lines",
                rule);
        } else if (!DpaRange{0, size}.contains(dpa, length)) {
            add(run.path(), hex_text(dpa) + " + " + size_text(length) + " lies outside the module",
                rule);
        } else if (dpa < end) {
            add(run.path(), hex_text(dpa) + " lies before the end of the range before it", rule);
        } else {
            end = dpa + length;
            return DpaRange{dpa, end};
        }
        return std::nullopt;
    }

    static pmem::SmartImage read_smart(const Cursor& smart) {
        const auto byte = [&](const char* key) {
            return static_cast<std::uint8_t>(smart.number(key));
        };
        const auto word = [&](const char* key) {
            return static_cast<std::uint16_t>(smart.number(key));
        };
        pmem::SmartImage s;
        s.health = byte("health");
        s.spares = byte("spares");
        s.life_used = byte("life_used");
        s.alarm_flags = byte("alarm_flags");
        s.temperature = word("temperature");
        s.controller_temperature = word("controller_temperature");
        s.shutdown_count = smart.number32("shutdown_count");
        s.dirty_shutdown = smart.truth("dirty_shutdown");
        if (smart.given("injected_spares")) s.injected_spares = byte("injected_spares");
        if (smart.given("injected_temperature"))
            s.injected_temperature = word("injected_temperature");
        s.injected_fatal = smart.truth("injected_fatal");
        if (const auto t = smart.object("thresholds")) {
            s.thresholds.control = static_cast<std::uint16_t>(t->number("control"));
            s.thresholds.spares = static_cast<std::uint8_t>(t->number("spares"));
            s.thresholds.media_temperature = static_cast<std::uint16_t>(t->number("temperature"));
            s.thresholds.controller_temperature =
                static_cast<std::uint16_t>(t->number("controller_temperature"));
        }
        return s;
    }

    // ------------------------------------------------------------ contents

    /// The region with its modules in the order of the image.
    RegionConfig saved_region(const Cursor& region, std::size_t i) {
        RegionConfig out = machine_.regions[i];
        const Value* names = region.find("nvdimms");
        for (std::size_t way = 0; way < out.nvdimms.size() && way < names->count; ++way)
            for (std::uint32_t n = 0; n < machine_.nvdimms.size(); ++n)
                if (names->items[way].text() == machine_.nvdimms[n].id) out.nvdimms[way] = n;
        const Value* bases = region.find("dpa_base");
        for (std::size_t way = 0; way < out.dpa_base.size() && way < bases->count; ++way)
            out.dpa_base[way] = parse_quantity(kAddress, bases->items[way]).value.value_or(0);
        return out;
    }

    /// What the modules hold goes with them to their new places.
    static void move(std::vector<pmem::Contents::Saved>& contents, const RegionConfig& from,
                     const RegionConfig& to) {
        const pmem::InterleaveSet before(from), after(to);
        std::vector<pmem::Contents::Saved> moved;
        for (const pmem::Contents::Saved& run : contents) {
            if (!from.range.contains(run.range.begin, run.range.size())) {
                moved.push_back(run);
                continue;
            }
            for (std::uint64_t at = run.range.begin; at < run.range.end;) {
                const std::uint64_t end = std::min(run.range.end, before.chunk_end(at));
                const pmem::InterleaveSet::Place place = before.decode(at);
                const auto way = static_cast<std::uint32_t>(
                    std::find(to.nvdimms.begin(), to.nvdimms.end(), from.nvdimms[place.way]) -
                    to.nvdimms.begin());
                // Where a module's own addresses begin elsewhere, what lies below is nobody's.
                const DpaRange mine = after.on_way(to.range, way);
                if (mine.contains(place.dpa, end - at)) {
                    pmem::Contents::Saved piece = run;
                    const std::uint64_t spa = after.encode({way, place.dpa});
                    piece.range = {spa, spa + (end - at)};
                    if (run.fill.origin != 0) piece.fill.origin = spa - (at - run.fill.origin);
                    moved.push_back(std::move(piece));
                }
                at = end;
            }
        }
        std::sort(moved.begin(), moved.end(), [](const auto& a, const auto& b) {
            return a.range.begin < b.range.begin;
        });
        contents = std::move(moved);
    }

    /// A run of contents at or above `end`, which moves behind it.
    void read_run(const Cursor& run, std::uint64_t& end, NvdimmImage& image) {
        using Fill = pmem::Contents::Fill;
        const std::uint64_t at = run.number("at"), length = run.number("length");
        const bool inside =
            std::any_of(machine_.regions.begin(), machine_.regions.end(),
                        [&](const RegionConfig& r) { return r.range.contains(at, length); });
        if (length == 0 || !inside || at < end) {
            add(run.path(), hex_text(at) + " + " + size_text(length) +
                                (at < end ? " lies before the end of the run before it"
                                          : " does not lie in a region"),
                "runs of bytes in the regions, in rising order");
            return;
        }
        end = at + length;
        const int kinds = run.given("word") + run.given("pattern") + run.given("info") +
                          (run.truth("unknown") ? 1 : 0);
        if (kinds != 1) {
            add(run.path(), kinds == 0 ? "the run says nothing of its contents"
                                       : "the run has several contents",
                "one of \"word\", \"pattern\", \"info\" and \"unknown\"");
            return;
        }
        pmem::Contents::Saved out{{at, end}, {}, {}};
        if (run.given("word")) {
            out.fill = {Fill::Kind::word, run.number32("word"), 0};
        } else if (run.given("pattern")) {
            const std::string name(run.text("pattern"));
            const auto known = std::find(image.patterns.begin(), image.patterns.end(), name);
            out.fill = {Fill::Kind::pattern,
                        static_cast<std::uint32_t>(known - image.patterns.begin()),
                        at - run.number("from")};
            if (known == image.patterns.end()) image.patterns.push_back(name);
        } else if (const auto info = run.object("info")) {
            out.fill = {Fill::Kind::info, 0, at - run.number("from")};
            out.info = read_info(*info);
        } else {
            out.fill = {Fill::Kind::unknown, 0, 0};
        }
        image.contents->push_back(std::move(out));
    }

    pmem::InfoBlock read_info(const Cursor& info) {
        pmem::InfoBlock out;
        if (info.text("kind") == "btt") {
            out.kind = pmem::InfoBlock::Kind::btt;
            const std::uint64_t begin = info.number("begin"), size = info.number("size");
            const auto arenas = pmem::btt_layout({0, begin + size}, begin, info.number32("sector_size"));
            if (arenas.empty()) add(info.path(), "no arena has " + size_text(size), "16MiB at least");
            else out.arena = arenas.front();
            out.nextoff = info.number("nextoff");
            return out;
        }
        out.kind = info.text("kind") == "pfn" ? pmem::InfoBlock::Kind::pfn
                                              : pmem::InfoBlock::Kind::dax;
        out.dataoff = info.number("dataoff");
        out.npfns = info.number("npfns");
        out.end_trunc = info.number("end_trunc");
        out.align = info.number("align");
        out.mode = info.number32("mode");
        return out;
    }

    // ------------------------------------------------------------ BTT

    std::vector<pmem::BttImage> read_btt(const Cursor& ns, const NamespaceConfig& config) {
        std::vector<pmem::BttImage> out;
        std::vector<BttArena> arenas;
        if (config.mode == NamespaceMode::sector)
            arenas = pmem::btt_layout(config.range, config.data_offset, config.sector_size);
        const Value* list = ns.find("btt");
        const std::size_t count = list == nullptr ? 0 : list->count;
        if (count != arenas.size()) {
            add(ns.at("btt"), "there are " + std::to_string(count) + " arenas",
                config.id + " has " + std::to_string(arenas.size()));
            return out;
        }
        ns.each("btt", [&](const Cursor& arena, std::size_t i) {
            pmem::BttImage image;
            // Every internal block has one owner. These entries took their blocks from each other.
            std::vector<std::uint32_t> left, taken;
            const std::uint32_t external = arenas[i].external_nlba;
            image.map = entries(arena, "map", "lba", external, 0, left, taken);
            image.free = entries(arena, "free", "lane", pmem::kBttLanes, external, left, taken);
            std::sort(left.begin(), left.end());
            std::sort(taken.begin(), taken.end());
            image.spoilt_map = arena.truth("spoilt_map");
            if (const Value* lanes = arena.find("spoilt_log"); lanes != nullptr)
                for (const Value& lane : lanes->children())
                    image.spoilt_log.push_back(static_cast<std::uint32_t>(lane.whole));
            if (left != taken && !image.spoilt_map && !findings_.touched(&arena.value()))
                add(arena.path(), "an internal block has two owners, or none",
                    "each block in one map entry, or free in one lane");
            out.push_back(std::move(image));
        });
        return out;
    }

    std::vector<pmem::BttImage::Entry> entries(const Cursor& arena, const char* key,
                                               const char* place_key, std::uint32_t places,
                                               std::uint32_t first_block,
                                               std::vector<std::uint32_t>& left,
                                               std::vector<std::uint32_t>& taken) {
        std::vector<pmem::BttImage::Entry> out;
        arena.each(key, [&](const Cursor& entry, std::size_t) {
            const std::uint32_t place = entry.number32(place_key), block = entry.number32("block");
            if (place >= places) {
                add(entry.at(place_key), std::to_string(place) + " is too high",
                    "at most " + std::to_string(places - 1));
            } else if (!out.empty() && place <= out.back().place) {
                add(entry.at(place_key), std::to_string(place) + " is out of order",
                    "rising numbers, each once");
            } else {
                out.push_back({place, block, entry.truth("error"),
                               key == std::string_view("map") && entry.truth("zero")});
                left.push_back(first_block + place);
                taken.push_back(block);
            }
        });
        return out;
    }

    Findings& findings_;
    const MachineConfig& machine_;
    std::string_view scenario_;
};

}  // namespace

std::optional<NvdimmImage> read_state_document(Document& document, Findings& findings,
                                               const MachineConfig& machine,
                                               std::string_view scenario) {
    mcemu::scenario::read(document, kNvdimmStateShape, document.root, findings);
    if (!findings.empty()) return std::nullopt;
    const Cursor root(kNvdimmStateShape, Path{nullptr, &document.root});
    return StateReader(findings, machine, scenario).read(*root.object("state"));
}

}  // namespace mcemu::scenario
