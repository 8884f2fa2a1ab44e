#pragma once  // What an importer has learned of an incident, on its way to a scenario.
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/units.hpp"
#include "scenario/imported.hpp"

namespace mcemu::exchange {

constexpr std::uint64_t kMaxSpa = 1ull << 52;  ///< no memory lies beyond

using Json = nlohmann::ordered_json;

/// Gathers events and the machine that they need; importers say what they read, the smallest
/// sensible machine comes out. Not for text of its own: everything is told to it.
class Incident {
public:
    /// `source` is the file as findings name it.
    explicit Incident(std::string source) : source_(std::move(source)) {}

    // ------------------------------------------------------------ findings

    /// Why nothing can be imported.
    void refuse(unsigned line, unsigned column, std::string wrong, std::string right);
    /// What the scenario does not say, or says otherwise. Of the same `wrong`, the first few places
    /// are told, then how many more there were.
    void lose(unsigned line, unsigned column, std::string wrong, std::string instead);
    bool refused() const { return !findings_.empty(); }
    /// Refuses with all that was lost at some place of the source: it is why nothing is left.
    void refuse_for_losses();
    /// What no machine has is lost, not refused: a log is of a machine that had more than that.
    bool forgiving = false;

    // ------------------------------------------------------------ the machine

    std::string name = "imported", description;
    std::optional<std::string> profile;
    std::optional<std::uint32_t> cpuid, microcode;
    std::optional<std::uint64_t> mcgcap;     ///< banks and abilities
    std::optional<std::uint64_t> wall_time;  ///< seconds since 1970 at time 0
    std::vector<SpaRange> memory;            ///< of the firmware's map; empty: unknown
    std::vector<SpaRange> persistent;
    bool lmce = false;
    Json boot = Json::object(), decoders = Json::object();

    /// False, with a finding, when no emulated machine has it.
    bool need_cpu(std::uint64_t cpu, unsigned line, unsigned column);
    bool need_bank(std::uint64_t bank, unsigned line, unsigned column);
    void need_socket(std::uint64_t socket);
    void cpus_are(std::uint64_t count) { cpus_known_ = count; }
    void sockets_are(std::uint64_t count) { sockets_known_ = count; }
    void banks_are(std::uint64_t count) { banks_known_ = count; }
    /// The address is DRAM, or it is memory that the kernel does not know.
    void need_memory(std::uint64_t spa);
    void need_no_memory(Pfn pfn) { need_no_range({pfn.spa(), pfn.spa() + kPageSize}); }
    void need_no_range(SpaRange range);

    // ------------------------------------------------------------ what lives in it

    /// Who owns a page, in the words of memory_failure(): "dirty LRU page", "dax page" ...
    struct Owner {
        std::string page_type;
        std::optional<std::uint64_t> va;
        std::string comm;
        std::optional<std::uint32_t> pid;
        std::uint32_t cpu = 0;
        bool early = false;  ///< it wants to be told before it touches the page
    };
    /// Makes it so. Returns the id of the process that maps the page; empty when none does.
    std::string own(Pfn pfn, const Owner& owner, unsigned line);

    /// The page, which somebody has, is this one's too.
    void share(Pfn pfn, const Owner& owner);
    /// The id of a process that runs without memory of its own.
    std::string runner(const std::string& comm, std::optional<std::uint32_t> pid);
    /// Whether that process maps the address.
    bool maps(const std::string& process, std::uint64_t va) const;

    // ------------------------------------------------------------ what happens

    /// `event` without its trigger; at the same time in the order of calls.
    void add(SimTime at, Json event);
    std::size_t events() const { return events_.size(); }

    /// The scenario, checked: when it is none that could be run, its findings take its place.
    scenario::Imported finish();

    std::vector<scenario::SeenLine> seen;

private:
    struct Timed {
        SimTime at;
        Json event;
    };
    struct Process {
        std::string id, comm;
        std::optional<std::uint32_t> pid;
        std::uint32_t cpu = 0;
        bool early = false;
        Json maps = Json::array();
        std::map<std::uint64_t, int> vas;  ///< pages of addresses in use
    };

    void cannot_have(unsigned line, unsigned column, std::string wrong, std::string right);
    Json machine() const;
    Json dram() const;
    std::string namespace_at(const std::string& base) const;
    std::size_t process(const Owner& owner);
    std::uint64_t place(Process& p, const Owner& owner, std::uint64_t size);
    void own_persistent(Pfn pfn, std::size_t who, const Owner& owner);

    std::string source_;
    std::vector<scenario::Finding> findings_, lost_;
    std::map<std::string, std::size_t> told_;  ///< how often, by `wrong`
    std::uint64_t cpus_ = 0, banks_ = 0, sockets_ = 0, top_ = 0;
    std::optional<std::uint64_t> cpus_known_, sockets_known_, banks_known_;
    std::vector<SpaRange> outside_;
    std::vector<Process> processes_;
    Json kernel_pages_ = Json::array();
    Json unmap_fails_ = Json::array();
    /// Where a page is mapped first.
    struct Owned {
        std::ptrdiff_t process = -1;  ///< index; -1: nowhere
        std::size_t map = 0;
    };
    std::map<std::uint64_t, Owned> owned_;  ///< by pfn
    Json files_ = Json::array();
    struct Persistent {
        std::uint64_t size = 0;
        bool small_pages = false;  ///< somebody maps it by 4 KiB
    };
    std::map<std::uint64_t, Persistent> pmem_;  ///< by base
    std::vector<Timed> events_;
};

/// When the first thing of an incident happens.
inline constexpr SimTime kFirstEvent{1'000'000'000};  ///< 1 ms after boot

}  // namespace mcemu::exchange
