#pragma once  // From a checked document to a Scenario: references, derived defaults, meaning.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.hpp"
#include "scenario/document.hpp"
#include "scenario/reader.hpp"
#include "scenario/shape.hpp"

namespace mcemu::scenario {

/// An object of the document, read through its shape: what is absent has its default. Values that
/// the reader has refused come out as zero; whoever cares asks bad().
class Cursor {
public:
    Cursor(const Shape& shape, const Path& path);

    const Path& path() const { return path_; }
    const Value& value() const { return *path_.value; }
    const Case* chosen() const { return chosen_; }

    bool given(std::string_view name) const { return value().find(name) != nullptr; }
    const Value* find(std::string_view name) const { return value().find(name); }

    /// A whole number, size or address; times through time().
    std::uint64_t number(std::string_view name) const;
    std::uint32_t number32(std::string_view name) const {
        return static_cast<std::uint32_t>(number(name));
    }
    std::optional<std::uint64_t> maybe(std::string_view name) const;
    SimTime time(std::string_view name) const;
    bool truth(std::string_view name) const;
    std::string_view text(std::string_view name) const;
    /// The enumerator whose number is the place of the value among the shape's choices.
    template <class E>
    E choice(std::string_view name) const {
        return static_cast<E>(choice_index(name));
    }

    /// Where a finding about the member belongs: at it, or at the object when it is absent.
    Path at(std::string_view name) const;
    /// The member as an object of its own, or nullopt when it is absent or no object.
    std::optional<Cursor> object(std::string_view name) const;
    /// The items of a list, or members of a table, that are objects: `use(cursor, index)`.
    template <class Use>
    void each(std::string_view name, Use use) const {
        const Field* field = this->field(name);
        const Value* list = find(name);
        if (list == nullptr || !list->is(Value::Type::array)) return;
        const Path at_list{&path_, list, list->key};
        for (std::size_t i = 0; i < list->count; ++i) {
            const Value& item = list->items[i];
            if (!item.is(Value::Type::object)) continue;
            use(Cursor(*field->shape->item, Path{&at_list, &item, {}, i, true}), i);
        }
    }

private:
    const Field* field(std::string_view name) const;
    /// The member, or its default as a value.
    Value get(std::string_view name, const Shape*& shape) const;
    std::size_t choice_index(std::string_view name) const;

    const Shape* shape_;
    const Case* chosen_ = nullptr;
    Path path_;
};

/// The names of one kind of thing.
class Registry {
public:
    Registry(std::string_view one, std::string_view many) : one_(one), many_(many) {}

    /// Adds the next; a finding when the name is taken.
    void add(Findings& findings, const Path& at, std::string_view name);
    std::optional<std::uint32_t> find(std::string_view name) const;
    /// The index of `name`; a finding at `at` and nullopt when there is none.
    std::optional<std::uint32_t> require(Findings& findings, const Path& at,
                                         std::string_view name) const;
    std::size_t size() const { return names_.size(); }
    std::string_view name(std::size_t index) const { return names_[index]; }
    /// Some entry had no name of its own: an unknown name may be it.
    void incomplete() { incomplete_ = true; }

private:
    std::string_view one_, many_;
    std::vector<std::string_view> names_;
    std::unordered_map<std::string_view, std::uint32_t> index_;
    std::vector<std::string> pointers_;
    bool incomplete_ = false;
};

/// An address range with the place it was written at.
struct PlacedRange {
    SpaRange range;
    std::string_view what;  ///< "region0"
    const Value* value;     ///< for findings
    std::string pointer;
};

class Resolver {
public:
    Resolver(Document& document, Findings& findings) : document_(document), findings_(findings) {}

    /// Resolves the whole document; what comes out counts only when there is no finding.
    void resolve();

    Scenario scenario;
    std::vector<ProcessConfig> children;

private:
    struct NamedMap {
        std::string_view id;
        std::uint32_t process;
        std::uint64_t va, size;
        MapKind kind;
        std::string pointer;
    };

    // resolve_fit.cpp
    void check_memory_fits(const Cursor& root);

    // resolve_kernel.cpp
    void resolve_kernel(const Cursor& root);
    void resolve_boot(const Cursor& kernel);
    void resolve_sysctl(const Cursor& kernel);
    void resolve_knobs(const Cursor& kernel);

    // resolve_page_failures.cpp
    void resolve_page_failures(const Cursor& root);
    std::optional<PageFailureConfig> page_failure(const Cursor& failure);
    std::optional<PageFailureConfig> mapped_page_failure(const Cursor& failure);
    void check_page_failures(const Cursor& knobs);

    // resolve_machine.cpp
    void resolve_machine(const Cursor& root);
    void resolve_cpus(const Cursor& machine);
    void resolve_mca(const Cursor& machine);
    void resolve_memory(const Cursor& machine);
    // resolve_cxl.cpp
    void resolve_memdevs(const Cursor& machine);
    void resolve_cxl_window(const Cursor& memory, DramConfig& window);
    void check_cxl_overlaps(const Cursor& machine);
    Action cxl(const Cursor& event);
    Action dma(const Cursor& event);

    // resolve_machine.cpp
    void resolve_nvdimms(const Cursor& machine);
    void resolve_nfit(const Cursor& nvdimm, NvdimmConfig& n, std::uint32_t index);
    void media_lines(const Cursor& event, const NvdimmConfig& module, PoisonEvent& e);
    void resolve_table(const Cursor& region, RegionConfig& r);
    std::string uuid(const Cursor& at);
    void resolve_regions(const Cursor& machine);
    void resolve_region(const Cursor& region, std::size_t index);
    void resolve_namespaces(const Cursor& machine);
    void resolve_namespace(const Cursor& ns);
    void namespace_numbers(const Cursor& at, std::string_view key, NamespaceConfig& n);
    /// Whether an event gives the namespace this mode.
    bool becomes(const NamespaceConfig& ns, std::string_view mode) const {
        const auto it = later_modes_.find(ns.id);
        return it != later_modes_.end() && it->second.contains(std::string(mode));
    }
    void check_overlaps(std::vector<PlacedRange>& ranges, std::string_view unit);
    void check_dpa_overlaps();
    std::vector<DpaRange> dpa_ranges(const Cursor& nvdimm, std::string_view key, std::uint64_t size);

    // resolve_latency.cpp
    void resolve_latency(const Cursor& machine);
    /// The phase of that name; a finding when there is none that ever begins.
    std::optional<Lat> phase_named(const Path& at, std::string_view name);
    Distribution distribution(const Cursor& value);

    // resolve_work.cpp
    void resolve_files(const Cursor& root);
    void resolve_file(const Cursor& file, std::size_t index);
    void place_file(const Cursor& file, FileConfig& config);
    void resolve_kernel_pages(const Cursor& root);
    void resolve_processes(const Cursor& root);
    void resolve_threads(const Cursor& root);
    void check_map_overlaps(const Cursor& process, const ProcessConfig& config);
    std::string comm(const Cursor& process, std::string_view id);
    int pid(const Cursor& process, std::string_view key = "pid");

    // resolve_maps.cpp
    /// `attempt`: an mmap event may try what must fail.
    MapConfig resolve_map(const Cursor& map, bool attempt);
    /// Ids of maps count per process.
    void add_map(const Path& at, NamedMap map);
    /// The map of that id which `process` has by itself or from the processes it was forked from;
    /// a finding when there is none.
    const NamedMap* map_of(const Path& at, std::uint32_t process, std::string_view id);
    void resolve_shared_with(const Cursor& map, MapConfig& config, bool attempt);
    void resolve_map_target(const Cursor& map, MapConfig& config, bool attempt);
    void check_map(const Cursor& map, const MapConfig& config);
    void check_map_place(const Cursor& map, const MapConfig& config);
    void check_map_target(const Cursor& map, const MapConfig& config);

    // resolve_condition.cpp
    std::optional<Condition> condition(const Path& at);
    std::optional<Condition> short_condition(const Path& at, std::string_view text);
    void condition_parts(const Cursor& c, std::string_view key, Condition& out);
    void state_condition(const Cursor& c, Condition& out);
    void table_condition(const Cursor& c, Condition& out);
    void happening(const Cursor& c, std::string_view key, Condition& out);
    void named_happening(const Path& at, std::string_view name, Condition& out);
    void resolve_temporal(const Cursor& expect);
    std::optional<TemporalExpectation> temporal(const Cursor& item);

    // resolve_events.cpp
    void name_events(const Cursor& root);
    void resolve_events(const Cursor& root);
    void resolve_event(const Cursor& event, std::size_t index);
    Trigger trigger(const Cursor& event);
    Trigger trigger_after(const Cursor& after);
    Trigger trigger_on_access(const Cursor& access);
    void check_reachable(const Cursor& root);

    // resolve_actions.cpp
    Action action(const Cursor& event, std::size_t index);
    Action poison(const Cursor& event);
    Action access(const Cursor& event);
    Action speculate(const Cursor& event);
    Action copy(const Cursor& event);
    Action scrub(const Cursor& event);
    Action bio(const Cursor& event);
    Action dsm(const Cursor& event);
    Action cper(const Cursor& event);
    Action fork(const Cursor& event, std::size_t index);
    Action notify(const Cursor& event);
    Action call(const Cursor& event);
    /// va of an event: its "va", or its "map" plus "offset". With `rest`, also the bytes from
    /// there to the end of the map.
    std::uint64_t address_of(const Cursor& event, std::uint32_t process,
                             std::uint64_t* rest = nullptr);

    // resolve_ndctl.cpp
    void declare_namespaces(const Cursor& root);
    int region_of_new(const Cursor& event);
    NamespaceRequest namespace_request(const Cursor& event);
    Action ndctl(const Cursor& event);
    NdctlEvent::Smart smart(const Cursor& event);
    SmartThresholds thresholds(const Cursor& object);
    SmartStart smart_start(const Cursor& nvdimm);
    std::optional<std::int32_t> celsius(const Cursor& event, std::string_view key);
    DataSpec data_of(const Cursor& event);

    // mce_event.cpp
    void mce_via(const Cursor& event, MceEvent& e);
    Action mce(const Cursor& event);
    std::uint64_t status(const Cursor& event, bool& symbolic);

    // resolve_expect.cpp
    void check_expect(const Cursor& root);
    void check_lines(const Cursor& expect, std::string_view key);
    void check_pattern(const Value& line, const Path& path);
    void check_keys(const Cursor& expect, std::string_view key, const Registry& names);
    void check_signals(const Cursor& expect);
    void check_places(const Cursor& expect, std::string_view key);
    void check_latencies(const Cursor& expect);
    void check_endpoint(const Cursor& latency, std::string_view key);

    // shared
    bool bad(const Cursor& cursor) const { return findings_.touched(&cursor.value()); }
    void add(const Path& at, std::string wrong, std::string right) {
        findings_.add(at, {std::move(wrong), std::move(right)});
    }
    /// The index that `key` names, or -1; a finding when it names nothing.
    int reference(const Cursor& cursor, std::string_view key, const Registry& names);
    std::uint32_t process_of(const Cursor& cursor) {
        const int index = reference(cursor, "process", processes_);
        return index < 0 ? 0 : static_cast<std::uint32_t>(index);
    }
    const ProcessConfig& process_config(std::size_t index) const;
    CpuId cpu_of(const Cursor& cursor, std::string_view key = "cpu");
    /// Whether all of it lies in DRAM or a region; when not, a finding unless these are unsure.
    bool in_memory(const Path& at, SpaRange range);
    std::optional<SpaRange> named_range(std::string_view name) const;

    Document& document_;
    Findings& findings_;
    bool memory_unsure_ = false;  ///< something is wrong with DRAM, modules or regions

    Registry memory_{"DRAM range", "DRAM ranges"}, memdevs_{"CXL memory device", "CXL memory devices"},
        nvdimms_{"module", "modules"},
        regions_{"region", "regions"}, namespaces_{"namespace", "namespaces"},
        files_{"file", "files"}, processes_{"process", "processes"}, events_{"event", "events"};
    std::map<int, std::string> pids_;  ///< taken, by whom (JSON pointer)
    int next_pid_ = 1000;

    std::vector<NamedMap> maps_;
    std::unordered_map<std::string_view, std::vector<std::size_t>> maps_by_id_;
    std::vector<int> fork_child_;                 ///< per event: index in children, or -1
    std::vector<std::uint32_t> child_parent_;     ///< per child: its parent's process index
    std::set<std::string> changing_;  ///< namespaces whose mode or size events change, by id
    std::map<std::string, std::set<std::string>> later_modes_;  ///< by id of a namespace
    std::vector<std::vector<PlacedRange>> pmem_used_;  ///< per namespace: extents of files
};

/// The command that a `do` stands for; nullopt: it is none of ndctl's.
std::optional<NdctlEvent::Command> ndctl_command(std::string_view word);
/// "0x1000-0x2000"
std::string range_text(SpaRange range);

}  // namespace mcemu::scenario
