#pragma once  // The events of a scenario, resolved: what to do and when.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/condition.hpp"
#include "core/config.hpp"
#include "core/units.hpp"

namespace mcemu {

// ---------------------------------------------------------------- what to do ("do")

/// Latch this record in the bank and signal it, as an injector would.
struct MceEvent {
    /// Who does it: the hardware itself; the mce-inject program through /dev/mcelog, whose record
    /// stands in for the registers of its CPU (kernel.md 3.4); debugfs mce-inject/ with flags "sw",
    /// which goes past the registers (3.3).
    enum class Via : std::uint8_t { hardware, mce_inject, debugfs_sw } via = Via::hardware;
    /// mce_inject: where the record of a CPU other than the trigger's is raised. random: wherever
    /// the CPU happens to be.
    enum class Context : std::uint8_t { random, process, irq } context = Context::random;
    CpuId cpu = 0;
    std::uint32_t bank = 1;
    std::uint64_t status = 0, mcgstatus = 0;
    std::uint64_t addr = 0, misc = 0;
    std::uint64_t ip = 0, cs = 0;
    bool cs_given = false;   ///< else 0x33 with a process, 0x10 without
    bool broadcast = true;   ///< default: MCG_STATUS.LMCES clear
    bool poll = false;       ///< latch only, found by CMCI or polling (default: UC clear, or MCIP clear)
    bool hold = false;       ///< mce_inject: raised together with the next record that is not held
    bool by_ipi = false;     ///< mce_inject: the others enter by IPI instead of NMI
    int process = -1;        ///< what the CPU was running; mce_inject: the injecting process
};
/// Plant (or heal) a latent media error. Either `spa`, nvdimm + dpa, or memdev + dpa.
struct PoisonEvent {
    int nvdimm = -1;
    std::uint64_t address = 0;  ///< SPA, or DPA when nvdimm or memdev >= 0
    std::uint64_t length = 64;
    bool heal = false;          ///< unpoison_media
    int memdev = -1;            ///< CXL memory device
};
/// Contents that an access leaves on persistent memory, or is compared with.
struct DataSpec {
    enum class Kind : std::uint8_t { none, fill, pattern } kind = Kind::none;
    /// fill: four bytes, repeated, little-endian; pattern: number of a name in Scenario::patterns,
    /// byte N of the access is byte N of what it stands for.
    std::uint32_t word = 0;
};
enum class AccessKind : std::uint8_t { load, store, store_full_line, fetch, speculative, scrub, dma_read, dma_write };
/// load, store, fetch: the process accesses its memory.
struct AccessEvent {
    AccessKind kind = AccessKind::load;
    std::uint32_t process = 0;
    std::uint64_t va = 0;
    std::uint64_t size = 8;
    DataSpec data{};     ///< what a store leaves
    bool report = false; ///< tell what a load finds
};
struct SpeculateEvent {
    CpuId cpu = 0;
    bool registers = false;            ///< whatever linear addresses its registers hold now
    std::optional<std::uint64_t> va;
    std::optional<std::uint64_t> spa;  ///< through the direct map
};
/// A kernel copy: to or from user memory, or out of physical memory.
struct CopyEvent {
    enum class Direction : std::uint8_t { from_user, to_user, from_pmem } direction = Direction::from_user;
    int process = -1;
    std::uint64_t va = 0, spa = 0, size = 4096;
    bool safe = true;   ///< memcpy_mcsafe / copy_mc, else a plain copy
};
struct ScrubEvent {
    enum class Kind : std::uint8_t { patrol, ars_short, ars_full } kind = Kind::patrol;
    SpaRange range;
};
struct MadviseEvent {
    std::uint32_t process = 0;
    std::uint64_t va = 0, size = 4096;
    bool soft_offline = false;
};
struct HwpoisonPfnEvent { Pfn pfn; };
struct UnpoisonPfnEvent { Pfn pfn; };
struct BioEvent {
    enum class Op : std::uint8_t { read, write, discard } op = Op::read;
    std::uint32_t ns = 0;                 ///< namespace index
    std::uint64_t sector = 0, sectors = 1;
    int process = -1;                     ///< submitter; -1: a kernel thread
    DataSpec data{};                      ///< what a write leaves
    bool report = false;                  ///< tell what a read finds
};
/// read(2), write(2) on a file: through DAX or the page cache.
struct FileIoEvent {
    bool write = false;
    std::uint32_t file = 0, process = 0;
    std::uint64_t offset = 0, size = 4096;
    DataSpec data{};
    bool report = false;
};
/// fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE).
struct PunchHoleEvent { std::uint32_t file = 0, process = 0; std::uint64_t offset = 0, size = 4096; };
struct DsmEvent {
    enum class Function : std::uint8_t { ars_cap, ars_start, ars_status, clear_error, inject_error, inject_clear, inject_status, smart, smart_inject, translate_spa, smart_threshold, smart_set_threshold, latch_shutdown } function = Function::ars_cap;
    int nvdimm = -1;
    std::uint64_t address = 0, length = 0;  ///< SPA
    std::uint32_t flags = 0;                ///< ARS start flags, inject options; latch_shutdown: enable
    SmartThresholds thresholds{};           ///< smart_set_threshold
    bool read_only = false;                 ///< through a file that was opened for reading only
    std::uint64_t cleared = 0;              ///< clear_error: what the caller left in its output field
};
/// A mailbox command of a CXL memory device, by way of its driver.
struct CxlEvent {
    enum class Command : std::uint8_t {
        get_poison_list, inject_poison, clear_poison, scan_media, get_scan_media_results
    } command = Command::get_poison_list;
    std::uint32_t memdev = 0;
    std::uint64_t dpa = 0, length = 64;
};
/// A device reads or writes memory: at a physical address, or where the page of a process lies.
struct DmaEvent {
    bool write = false;
    int process = -1;                       ///< -1: `address` is an SPA, else its virtual address
    std::uint64_t address = 0, size = 64;
    std::uint32_t socket = 0;               ///< of its root port
};
struct CperEvent {
    enum class Severity : std::uint8_t { recoverable, fatal, corrected, info } severity = Severity::corrected;
    std::optional<std::uint64_t> address, mask;
    std::uint32_t source = 0;
    std::optional<std::uint32_t> error_type;
    bool threshold_exceeded = false;
};
struct MmapEvent { std::uint32_t process = 0; MapConfig map; };
struct MunmapEvent { std::uint32_t process = 0; std::uint64_t va = 0, size = 0; };
struct ForkEvent { std::uint32_t process = 0; ProcessConfig child; };  ///< child's index is known at load
struct ExitEvent { std::uint32_t process = 0; int code = 0; };
struct TruncateEvent { std::uint32_t file = 0; std::uint64_t size = 0; int process = -1; };
struct MlockEvent { std::uint32_t process = 0; std::uint64_t va = 0, size = 0; };
/// CLWB of the lines, and SFENCE: they reach what persists.
struct FlushEvent { std::uint32_t process = 0; std::uint64_t va = 0, size = 64; };
struct FsyncEvent { std::uint32_t process = 0, file = 0; };
struct PrctlMceKillEvent { std::uint32_t process = 0; McePolicy policy = McePolicy::standard; };
/// sigprocmask(SIG_BLOCK or SIG_UNBLOCK) of SIGBUS.
struct SigprocmaskEvent { std::uint32_t process = 0; bool block = false; };
/// sigaction(SIGBUS).
struct SigactionEvent { std::uint32_t process = 0; SigbusAction action = SigbusAction::standard; };
/// get_user_pages() for a device's DMA, and the release of those pages.
struct PinEvent { std::uint32_t process = 0; std::uint64_t va = 0, size = 0; bool longterm = false; };
struct UnpinEvent { std::uint32_t process = 0; std::uint64_t va = 0, size = 0; };
struct SysctlEvent { std::string name; std::uint64_t value = 0; };
struct CpuHotplugEvent { CpuId cpu = 0; bool online = false; };
/// umount and ndctl disable-namespace; ndctl enable-namespace and mount.
struct NamespaceEvent { std::uint32_t ns = 0; bool enable = false; };
/// How a namespace is to be made. What is not given is ndctl's default.
struct NamespaceRequest {
    std::optional<NamespaceMode> mode;
    std::optional<bool> map_dev;
    std::optional<std::uint64_t> size, align, offset;  ///< bytes; offset in the region
    std::optional<std::uint32_t> sector_size;
    bool label_v1_1 = false;  ///< its BTT has the layout of version 1.1 labels
    std::string name, uuid;   ///< empty: none
};
/// A command of ndctl, or of a shell in sysfs, on the NVDIMM bus.
struct NdctlEvent {
    enum class Command : std::uint8_t {
        inject_error, clear_errors, start_scrub, wait_scrub, create_namespace, destroy_namespace,
        reconfigure_namespace, check_namespace, enable_region, disable_region, enable_dimm,
        disable_dimm, list, inject_smart, monitor, read_attribute, write_attribute, read_infoblock,
        btt_lookup, fail_command, init_labels, zero_labels, check_labels, read_labels,
        write_infoblock,
    } command = Command::list;
    int ns = -1, region = -1, nvdimm = -1;  ///< -1: none named, or all of them
    bool all = false;                       ///< the word "all"
    bool human = false, force = false, verbose = false;
    // inject_error
    std::optional<std::uint64_t> block, count;
    bool uninject = false, status = false, notify = true, saturate = false;
    bool scrub = false;                     ///< clear_errors --scrub
    bool wait = false;                      ///< start_scrub --wait
    NamespaceRequest make{};                ///< create_, reconfigure_namespace, write_infoblock
    bool repair = false, rewrite_log = false;  ///< check_namespace
    /// list: what of, and what about it.
    struct Listing {
        bool buses = false, dimms = false, regions = false, namespaces = false;
        bool health = false, media_errors = false, idle = false, capabilities = false;
    } listing{};
    /// inject_smart: per field a value, whether it is taken back, alarms on or off.
    struct Smart {
        std::optional<std::int32_t> media_temperature, media_temperature_threshold,
            ctrl_temperature_threshold;     ///< 1/16 deg C
        std::optional<std::uint32_t> spares, spares_threshold;  ///< percent
        std::optional<bool> media_temperature_alarm, ctrl_temperature_alarm, spares_alarm;
        bool fatal = false, unsafe_shutdown = false;
        bool media_temperature_uninject = false, spares_uninject = false, fatal_uninject = false,
             unsafe_shutdown_uninject = false, uninject_all = false;
    } smart{};
    std::uint32_t monitor_events = 0;       ///< bits in the order of monitor's names; 0: all
    std::string attribute, text;            ///< read_, write_attribute: its name; what is written
    std::uint64_t offset = 0;               ///< read_infoblock: bytes; btt_lookup: block
    std::string failing;                    ///< fail_command: which DIMM command
    int code = 0;                           ///< and its negative errno; 0: no longer
};
struct PowerFailEvent {
    bool adr_fails = false;   ///< not even what was accepted reaches the media
    bool save_fails = false;  ///< NVDIMM-N: DRAM is not copied to flash
};
/// A kernel function of the stub by name: set_mce_nospec, clear_mce_nospec, reserve_memtype,
/// free_memtype, memory_failure, soft_offline_page, page_flags ...
/// Firmware ends the scrub that runs before its end, and tells so by 0x82 (nvdimm.md 7.1, 8).
struct StopScrubEvent {};
/// Firmware notifies the NFIT's root device, or a module's device (ACPI 6.5, 5.6.6).
struct NotifyEvent { std::uint32_t value = 0x81; int nvdimm = -1; };
struct CallEvent { std::string function; std::vector<std::uint64_t> arguments; int process = -1; };

using Action =
    std::variant<MceEvent, PoisonEvent, AccessEvent, SpeculateEvent, CopyEvent, ScrubEvent,
                 MadviseEvent, HwpoisonPfnEvent, UnpoisonPfnEvent, BioEvent, FileIoEvent, DsmEvent,
                 CxlEvent, DmaEvent, CperEvent, MmapEvent, MunmapEvent, ForkEvent, ExitEvent, TruncateEvent, MlockEvent,
                 FsyncEvent, PrctlMceKillEvent, SigprocmaskEvent, SigactionEvent, PinEvent,
                 UnpinEvent, SysctlEvent, CpuHotplugEvent, NamespaceEvent, PowerFailEvent,
                 CallEvent, PunchHoleEvent, FlushEvent, StopScrubEvent, NotifyEvent, NdctlEvent>;

// ---------------------------------------------------------------- when

struct TriggerAt { SimTime at{}; };
struct TriggerAfter {
    int event = -1;            ///< the event has run to its end (a system call has returned)
    int signal = -1;           ///< a signal was delivered to this process
    std::optional<Lat> phase;  ///< this kernel or hardware phase began
    SimTime by{};
};
struct TriggerOnAccess {
    int process = -1;
    CpuId cpu = kNoCpu;
    std::optional<std::uint64_t> va, spa;  ///< line that is touched
    std::uint64_t nth = 1;
};
/// The condition comes to hold, or happens.
struct TriggerWhen { Condition condition; };
using Trigger = std::variant<TriggerAt, TriggerAfter, TriggerOnAccess, TriggerWhen>;

struct Event {
    std::string id;  ///< given, or "#3" for the fourth
    Trigger trigger;
    SimTime every{};          ///< zero: once
    std::uint64_t times = 1;
    Action action;
};

/// Everything a run needs. Names are kept for output only; models use indices.
struct Scenario {
    std::string name;
    std::uint64_t seed = 0;
    MachineConfig machine;
    KernelConfig kernel;
    std::vector<std::pair<Lat, Distribution>> latency;
    std::vector<FileConfig> files;
    std::vector<KernelPagesConfig> kernel_pages;
    std::vector<ProcessConfig> processes;
    std::vector<Event> events;
    std::vector<std::string> patterns{};  ///< names of contents (DataSpec)
    std::optional<SimTime> until;
    std::vector<TemporalExpectation> temporal;  ///< expect.temporal
};

}  // namespace mcemu
