#pragma once  // A scenario as run: checked, complete, no optionals where a default exists.
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/latency.hpp"
#include "core/units.hpp"

namespace mcemu {

// ---------------------------------------------------------------- machine

enum class CpuModel : std::uint8_t { skylake_sp, cascadelake, icelake_sp, generic };

struct CpuConfig {
    std::uint32_t sockets = 1, cores = 4, threads = 1;  ///< cores per socket, threads per core
    CpuModel model = CpuModel::cascadelake;
    std::uint32_t cpuid_eax = 0x50657;    ///< CPUID.1:EAX; 0x50657 Cascade Lake, 0x50654 Skylake-SP
    std::uint32_t microcode = 0x5003006;
    std::uint64_t tsc_base = 0;           ///< TSC at time 0
    std::uint64_t tsc_mhz = 2100;         ///< 0: the TSC stands still (worked examples)
    std::uint64_t ppin = 0;               ///< 0: no PPIN
    bool la57 = false;                    ///< 5-level paging
    std::uint32_t count() const { return sockets * cores * threads; }
    /// CPUs are numbered socket by socket, core by core; siblings are neighbours. The APIC id is
    /// the CPU number.
    std::uint32_t socket_of(CpuId cpu) const { return cpu / (cores * threads); }
};

/// What an uncorrectable patrol-scrub find looks like (mce.md section 7).
enum class PatrolUcMode : std::uint8_t { mce, cmci, ce };
/// What a core does with poison it only read speculatively (mce.md sections 9 row 3c and 10).
enum class SpeculativePoison : std::uint8_t {
    ucna,          ///< the memory controller logs UCNA (CMCI); the core logs nothing
    core_log,      ///< and the core logs UCNA in its DCU bank: a later SRAR meets OVER
    machine_check, ///< the core signals #MC as for a retired load (a part that cannot squash)
};

/// Which errors raise an SMI before the kernel hears of them (MCG_EMC_P; mce.md section 12).
enum class FirmwareFirst : std::uint8_t { none, corrected, all };

struct McaConfig {
    std::uint32_t banks = 20;
    bool ctl_p = false, ser = true, lmce = false, cmci = true, tes = true, emc = true, elog = true;
    bool ucna_on_read = true;             ///< a demand read of poison logs UCNA at the controller
    bool srar_continuable = true;         ///< SRAR data load: RIPV 1 EIPV 1, else RIPV 0 EIPV 1
    PatrolUcMode patrol_uc_mode = PatrolUcMode::mce;
    SpeculativePoison speculative_poison = SpeculativePoison::ucna;
    bool uc_poison_fatal = false;         ///< demand load of poison through UC memory is fatal
    FirmwareFirst firmware_first = FirmwareFirst::none;
    std::uint32_t cmci_threshold = 0;     ///< that firmware leaves in IA32_MCi_CTL2
    std::vector<CpuId> stuck_cpus;        ///< never answer a broadcast (rendezvous timeout)
    std::vector<CpuId> mce_disabled_cpus; ///< CR4.MCE = 0: shutdown on #MC
};

struct DramConfig {
    std::string id;
    SpaRange range;
    std::uint32_t socket = 0;
    std::vector<SpaRange> poison = {};  ///< SPA ranges, whole lines
    // A range that CXL memory devices answer; else DRAM.
    std::vector<std::uint32_t> memdevs = {};   ///< way -> index into MachineConfig::memdevs
    std::vector<std::uint64_t> dpa_base = {};  ///< per way, bytes
    std::uint64_t interleave = 4096;           ///< granularity, bytes
    bool xor_hash = false;                     ///< ways by parities of address bits, else modulo
    bool is_dram() const { return memdevs.empty(); }
};

/// A CXL type 3 device: its volatile partition starts at DPA 0, the persistent one behind it.
struct MemdevConfig {
    std::string id;
    std::uint64_t volatile_bytes = 0, persistent_bytes = 0;
    std::uint32_t poison_list_max = 1024;    ///< records of the device's list
    std::uint16_t inject_limit = 128;        ///< injected lines at a time
    std::uint64_t scan_rate = 1ull << 30;    ///< Scan Media, bytes per second
    std::uint32_t socket = 0;                ///< whose root port it hangs on
    bool media_disabled = false;
    std::vector<DpaRange> poison;
    std::vector<DpaRange> stuck;             ///< lines that nothing heals
    std::uint64_t size() const { return volatile_bytes + persistent_bytes; }
};

enum class NvdimmProfile : std::uint8_t { optane, nvdimm_n, test };

/// Which health alarms are armed, and at what (nvdimm.md 9.2).
struct SmartThresholds {
    std::uint16_t control = 3;  ///< bit 0 spares, 1 media temperature, 2 controller temperature
    std::uint8_t spares = 5;    ///< percent
    std::uint16_t media_temperature = 40 * 16, controller_temperature = 30 * 16;  ///< 1/16 deg C
    bool operator==(const SmartThresholds&) const = default;
};
/// Health data that a module begins with; what is not given is its profile's.
struct SmartStart {
    std::optional<std::uint8_t> health, spares, life_used, alarm_flags, shutdown_state;
    std::optional<std::uint16_t> media_temperature, controller_temperature;  ///< 1/16 deg C
    std::optional<std::uint32_t> shutdown_count;
    std::optional<SmartThresholds> thresholds;
    /// An injected unsafe shutdown shows at once (nfit_test), else from the next boot on.
    bool unsafe_shutdown_immediate = true;
    bool operator==(const SmartStart&) const = default;
};
/// Whether the label area can be read (nvdimm.md 3): `locked` answers "access denied".
enum class LabelArea : std::uint8_t { present, locked, corrupt };
/// Flags of an NFIT memory map (nvdimm.md 1.4): what the platform says of a module at boot.
enum MemoryMapFlags : std::uint8_t {
    kMapSaveFail = 1u << 0,     ///< what was in its DRAM did not reach flash
    kMapRestoreFail = 1u << 1,  ///< nor came back from there
    kMapFlushFail = 1u << 2,    ///< the platform's flush at power loss failed
    kMapNotArmed = 1u << 3,     ///< no energy for the next power loss: regions are read-only
    kMapSmartEvent = 1u << 4,   ///< a health event came before the boot
    kMapSmartNotify = 1u << 5,  ///< the platform tells of health events
    kMapFail = 1u << 6,         ///< not mapped into the address space
};
/// What reaches the media when power fails (nvdimm.md 10).
enum class PersistenceDomain : std::uint8_t { memory_controller, cpu_cache, none };

struct NvdimmConfig {
    std::string id;
    std::uint64_t size = 0;
    NvdimmProfile profile = NvdimmProfile::optane;
    std::uint32_t clear_unit = 256;        ///< reported by Query ARS Capabilities
    bool heal_on_full_line_write = false;  ///< a 64 B non-temporal store heals (NVDIMM-N: true)
    std::uint32_t max_ars_out = 4128;      ///< bytes of one Query ARS Status answer
    std::uint64_t ars_rate = 1ull << 30;   ///< bytes per second and module
    std::vector<DpaRange> poison;
    std::vector<DpaRange> stuck;           ///< units that Clear Uncorrectable Error cannot heal
    std::uint32_t handle = 0;              ///< NFIT device handle
    std::uint32_t socket = 0;
    SmartStart smart{};
    LabelArea labels = LabelArea::present;
    std::uint8_t map_flags = 0;            ///< MemoryMapFlags
    /// What the capability answer says instead of `clear_unit`: the kernel trusts it.
    std::optional<std::uint32_t> reported_clear_unit{};
    std::uint32_t max_poison = 256;        ///< ranges in the module's own list; injected ones go beyond
    // Of the NFIT control region, as numbers that are stored little-endian there.
    std::uint32_t serial = 1;
    std::uint16_t vendor = 0, manufacturing_date = 0;
    std::uint8_t manufacturing_location = 0;
};

struct RegionConfig {
    std::string id;
    SpaRange range;                        ///< base .. base + capacity
    std::vector<std::uint32_t> nvdimms;    ///< way -> index into MachineConfig::nvdimms
    std::vector<std::uint64_t> dpa_base;   ///< per way, bytes
    std::uint64_t interleave = 4096;       ///< granularity, bytes
    /// Per way, which places of a stripe its lines take, in units of the granularity; all ways have
    /// as many. Empty: place w is way w's (nvdimm.md 2.2).
    std::vector<std::vector<std::uint32_t>> interleave_table{};
    std::uint64_t stripe() const {
        const std::size_t lines = interleave_table.empty() ? 1 : interleave_table[0].size();
        return nvdimms.size() * lines * interleave;
    }
};

enum class NamespaceMode : std::uint8_t { raw, fsdax, devdax, sector };

struct NamespaceConfig {
    std::string id;             ///< "namespace0.0"
    std::uint32_t region = 0;   ///< index
    std::uint32_t number_region = 0, number = 0;  ///< 0 and 0 of "namespace0.0"
    SpaRange range;             ///< whole namespace
    NamespaceMode mode = NamespaceMode::fsdax;
    std::uint64_t align = 2ull << 20;
    bool map_dev = false;       ///< page structs live in the namespace
    std::uint64_t data_offset = 0;
    std::uint64_t end_trunc = 0;
    std::string device;         ///< "dax0.0", "pmem0", "pmem0s"
    bool present = true;        ///< false: an event creates it later; it has no range yet
    std::uint32_t sector_size = 4096;  ///< sector mode: external sector, 512 or 4096 bytes
    std::string label;          ///< name that the user gave it
    std::string uuid;           ///< of its labels; empty: the scenario names none
    SpaRange data() const { return {range.begin + data_offset, range.end - end_trunc}; }
};

struct MachineConfig {
    CpuConfig cpus;
    McaConfig mca;
    std::vector<DramConfig> memory;
    std::vector<MemdevConfig> memdevs;
    std::vector<NvdimmConfig> nvdimms;
    std::vector<RegionConfig> regions;
    std::vector<NamespaceConfig> namespaces;
    bool clear_error_supported = true;  ///< the NVDIMM root device answers ARS and Clear Error
    PersistenceDomain persistence_domain = PersistenceDomain::memory_controller;
    /// Firmware keeps injected ranges as nfit_test does: in order, unmerged (nvdimm.md 4.2).
    bool unmerged_poison_list = false;
    std::uint64_t wall_time = 1530000000;  ///< seconds since 1970 at time 0 (MCE record TIME)
};

// ---------------------------------------------------------------- kernel

enum class ProfileId : std::uint8_t { v4_18, v4_19, v6_1 };

enum class BadblocksModel : std::uint8_t { linux_6_1, ideal };

/// What goes wrong with one page while memory_failure() or soft offline has it in hand.
enum class PageFailure : std::uint8_t {
    unmap,       ///< try_to_unmap() leaves a mapping
    punch,       ///< the file system's error_remove_page() returns -EIO
    release,     ///< its buffers stay, and their reference with them
    invalidate,  ///< its file system has no error_remove_page(), and invalidation fails
    isolate,     ///< somebody else has just taken it off the LRU, and holds a reference
    grab_tail,   ///< the huge page around it is split while a reference is taken
    allocate,    ///< no memory, without sleeping, for a list of those to be told
};
struct PageFailureConfig {
    PageFailure what = PageFailure::unmap;
    std::uint64_t at = 0;   ///< physical address in the page
    int process = -1;       ///< else the page that this process maps at `va` when the run begins
    std::uint64_t va = 0;
};

struct KernelConfig {
    ProfileId profile = ProfileId::v4_19;
    // boot options
    int tolerant = 1;                            ///< mce.tolerant, v4.x
    std::uint64_t monarch_timeout_us = 1000000;  ///< mce.monarch_timeout_us
    bool pat = true;                             ///< false: nopat
    bool debugpat = false;
    bool mcsafe = true;            ///< the driver's copies are machine-check safe (mce=recovery)
    bool ignore_ce = false, dont_log_ce = false, cmci_disabled = false, print_all = false;
    std::uint64_t page_offset = 0; ///< 0: the profile's (no KASLR); else with memory KASLR
    // sysctl vm.*
    bool memory_failure_early_kill = false;
    bool memory_failure_recovery = true;
    // modelling knobs
    bool decoy = true;                    ///< false: what if the real address were used
    bool sanitize_memtype = true;         ///< false: the series without its patch 9
    bool strict_4_19_0 = false;           ///< the NULL dereference in dax_lock_mapping_entry
    bool strict_clflush_decoy = false;    ///< flush the non-canonical decoy: #GP
    bool pgmap_memtype_tracking = true;   ///< pmem ranges carry a write-back memtype entry
    bool hw_error_scrub = false;
    bool no_init_ars = false;             ///< nfit.no_init_ars: no full scrub at registration
    bool ars_continue_valid = false;      ///< the batch after an overflow is used, not skipped as stale
    BadblocksModel badblocks = BadblocksModel::linux_6_1;
    bool fake_panic = false;
    bool tainted = false;                 ///< already tainted before the scenario
    bool nfit = true, edac = false, mcelog = false, extlog = false, cec = false;  ///< decoders loaded
    std::string worker_comm = "kworker/0:1";  ///< "%u" stands for the CPU number when present
    std::uint32_t worker_pid = 45;
    std::uint64_t check_interval_s = 300;  ///< machine-check poll interval
    /// 2 MiB units of the image's own mapping that boot left whole (kernel.md 4.5): physical
    /// addresses. Changing a page there splits that mapping too, and the split is counted.
    std::vector<std::uint64_t> whole_image_units;
    std::vector<PageFailureConfig> page_failures;
    bool mce_off = false, lmce_disabled = false, bootlog = true;  ///< words of the mce= option
    bool bios_cmci_threshold = false;                             ///< likewise
    std::optional<std::uint32_t> cec_threshold;  ///< debugfs ras/cec/; default: the kernel's own
    std::vector<SpaRange> image;           ///< kernel text and data: "kernel_pages" of state "kernel"
};

// ---------------------------------------------------------------- what runs on it

/// State of pages that belong to no process.
enum class KernelPageState : std::uint8_t {
    buddy, pcp, slab, reserved, kernel, pagetable, offline, high_order, hugetlb_free, device_private,
    huge_zero,
};
struct KernelPagesConfig {
    SpaRange range;
    KernelPageState state = KernelPageState::slab;
};

struct FileExtent {
    std::uint64_t offset = 0;  ///< in the file, bytes
    std::uint64_t pmem = 0;    ///< in the data area of the namespace, bytes
    std::uint64_t size = 0;
};
enum class FsKind : std::uint8_t { ext4, xfs, xfs_rmap, tmpfs };
struct FileConfig {
    std::string id;
    int on = -1;               ///< namespace index; -1: a disk with a page cache
    bool dax = true;           ///< mounted -o dax; false: page cache in DRAM
    FsKind fs = FsKind::ext4;
    std::string path;
    std::uint64_t size = 0;
    std::vector<FileExtent> extents;
};

enum class MapKind : std::uint8_t { anon, file, shmem, hugetlb, devdax, fsdax, devmem };
enum class MapState : std::uint8_t { dirty, clean, mlocked, swapcache, thp, untouched, unevictable, ksm };
struct MapConfig {
    std::string id;
    std::uint64_t va = 0;
    std::uint64_t size = 0;
    MapKind kind = MapKind::anon;
    int of = -1;                   ///< devdax: namespace; file, fsdax: file; else -1
    std::string shared_with;       ///< id of another process's map with the same memory ("" none)
    std::uint64_t offset = 0;      ///< in the file or device, bytes
    std::uint64_t page = 4096;     ///< mapping size: 4 KiB, 2 MiB, 1 GiB
    bool shared = false;
    std::optional<std::uint64_t> at;  ///< physical address of the first byte
    MapState state = MapState::dirty;
};

enum class McePolicy : std::uint8_t { standard, early, late };  ///< prctl(PR_MCE_KILL)
enum class SigbusAction : std::uint8_t { standard, ignore, handler, handler_remaps };
struct ProcessConfig {
    std::string id;
    int pid = 0;
    std::string comm;
    CpuId cpu = 0;
    McePolicy mce_kill = McePolicy::standard;
    SigbusAction sigbus = SigbusAction::standard;
    bool sigbus_blocked = false;  ///< SIGBUS is in its signal mask
    int thread_of = -1;           ///< index of the process that it is a further thread of
    /// Of a child of fork: these are its parent's at that time, whatever stands above.
    bool inherits_mce_kill = false, inherits_sigbus = false, inherits_mask = false;
    std::vector<MapConfig> maps;
};

}  // namespace mcemu
