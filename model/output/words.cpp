#include "output/words.hpp"

#include <array>
#include <utility>

#include "output/text.hpp"

namespace mcemu::output {
namespace {

template <class E, std::size_t N>
constexpr std::string_view pick(const std::array<std::string_view, N>& names, E value) {
    const auto index = static_cast<std::size_t>(value);
    return index < N ? names[index] : std::string_view{"?"};
}

constexpr std::array kFates = std::to_array<std::string_view>({
    "none", "latent", "filtered", "overwritten", "logged", "consumed", "shutdown", "panic",
});
static_assert(kFates.size() == static_cast<std::size_t>(Fate::panic) + 1);

constexpr std::array kCounters = std::to_array<std::string_view>({
    "HardwareCorrupted_kB", "num_poisoned_pages", "machine_checks", "cmci", "polls", "records",
    "records_lost", "memory_failures", "signals", "tlb_flushes", "cache_flushes", "oopses",
    "hugepages_total",
});
static_assert(kCounters.size() == static_cast<std::size_t>(CounterName::hugepages_total) + 1);

constexpr std::array kModules = std::to_array<std::string_view>({
    "scenario", "cpu", "memory_controller", "dram", "nvdimm", "firmware", "kernel",
    "memdev", "dma",
});
static_assert(kModules.size() == static_cast<std::size_t>(Module::count_));

constexpr std::array kKinds = std::to_array<std::string_view>({
    "scenario_event", "access", "poison_planted", "poison_cleared", "poison_read", "bank_logged",
    "bank_overwritten", "bank_kept", "bank_cleared", "cmci", "mc_raised", "mc_taken", "shutdown",
    "speculation", "register_held", "phase", "log_line", "mce_record", "mce_dropped", "notifier",
    "memory_failure", "memory_failure_end", "page_flag", "page_unmapped", "page_mapped",
    "lock_wait", "signal_sent", "signal_delivered", "process_state", "syscall",
    "memtype_reserved", "memtype_freed", "memtype_conflict", "direct_map", "direct_map_split",
    "tlb_flush", "cache_flush", "badrange_added", "badrange_forgotten", "badblocks_set",
    "badblocks_cleared", "bio", "dsm", "ars", "nfit_notify", "ghes", "worker", "poll", "panic",
    "oops", "endless_restart", "cxl_command", "cxl_poison", "dma", "invariant",
});
static_assert(kKinds.size() == static_cast<std::size_t>(TraceKind::count_));

constexpr std::array kAccesses = std::to_array<std::string_view>({
    "load", "store", "store_full_line", "fetch", "speculative", "scrub", "dma_read", "dma_write",
});
static_assert(kAccesses.size() == static_cast<std::size_t>(AccessKind::dma_write) + 1);

constexpr std::array kOutcomes =
    std::to_array<std::string_view>({"running", "panic", "shutdown"});
constexpr std::array kProcessStates =
    std::to_array<std::string_view>({"alive", "killed", "exited", "unborn"});
constexpr std::array kGrades = std::to_array<std::string_view>(
    {"NO", "UCNA", "KEEP", "SOME", "AO", "UC", "AR", "PANIC"});
constexpr std::array kSources =
    std::to_array<std::string_view>({"exception", "poll", "firmware", "injector"});
constexpr std::array kTakers = std::to_array<std::string_view>({"nobody", "notifiers", "panic"});
constexpr std::array kShortModes =
    std::to_array<std::string_view>({"WB", "WC", "UC-", "UC", "WT", "WP"});

// In the order of Action's alternatives.
constexpr std::array kActions = std::to_array<std::string_view>({
    "mce", "poison", "load", "speculate", "copy", "scrub", "madvise", "hwpoison_pfn",
    "unpoison_pfn", "bio", "read_file", "dsm", "cxl", "dma", "cper", "mmap", "munmap", "fork", "exit", "truncate",
    "mlock", "fsync", "prctl_mce_kill", "sigprocmask", "sigaction", "pin", "unpin", "sysctl", "cpu_offline", "disable_namespace",
    "power_fail", "call", "punch_hole", "flush", "stop_scrub", "notify", "inject_error",
});
// In the order of NdctlEvent::Command.
constexpr std::array kNdctl = std::to_array<std::string_view>({
    "inject_error", "clear_errors", "start_scrub", "wait_scrub", "create_namespace",
    "destroy_namespace", "reconfigure_namespace", "check_namespace", "enable_region",
    "disable_region", "enable_dimm", "disable_dimm", "list", "inject_smart", "monitor",
    "read_attribute", "write_attribute", "read_infoblock", "btt_lookup", "fail_command",
    "init_labels", "zero_labels", "check_labels", "read_labels", "write_infoblock",
});
static_assert(kActions.size() == std::variant_size_v<Action>);

// Signal numbers of Linux on x86.
constexpr std::array kSignals = std::to_array<std::pair<int, std::string_view>>({
    {4, "SIGILL"}, {6, "SIGABRT"}, {7, "SIGBUS"}, {9, "SIGKILL"}, {10, "SIGUSR1"},
    {11, "SIGSEGV"}, {15, "SIGTERM"},
});

// errno numbers of Linux on x86 (include/uapi/asm-generic/errno-base.h, errno.h): those that a
// system call of the stub can return, and their neighbours.
constexpr std::array kErrnos = std::to_array<std::pair<int, std::string_view>>({
    {1, "EPERM"}, {2, "ENOENT"}, {3, "ESRCH"}, {4, "EINTR"}, {5, "EIO"}, {6, "ENXIO"},
    {7, "E2BIG"}, {8, "ENOEXEC"}, {9, "EBADF"}, {10, "ECHILD"}, {11, "EAGAIN"}, {12, "ENOMEM"},
    {13, "EACCES"}, {14, "EFAULT"}, {15, "ENOTBLK"}, {16, "EBUSY"}, {17, "EEXIST"},
    {18, "EXDEV"}, {19, "ENODEV"}, {20, "ENOTDIR"}, {21, "EISDIR"}, {22, "EINVAL"},
    {23, "ENFILE"}, {24, "EMFILE"}, {25, "ENOTTY"}, {26, "ETXTBSY"}, {27, "EFBIG"},
    {28, "ENOSPC"}, {29, "ESPIPE"}, {30, "EROFS"}, {31, "EMLINK"}, {32, "EPIPE"}, {33, "EDOM"},
    {34, "ERANGE"}, {35, "EDEADLK"}, {38, "ENOSYS"}, {61, "ENODATA"}, {62, "ETIME"},
    {71, "EPROTO"}, {74, "EBADMSG"}, {75, "EOVERFLOW"}, {95, "EOPNOTSUPP"}, {105, "ENOBUFS"},
    {110, "ETIMEDOUT"}, {114, "EALREADY"}, {115, "EINPROGRESS"}, {117, "EUCLEAN"},
    {133, "EHWPOISON"},
});

constexpr std::array kPageFlags = std::to_array<std::string_view>({
    "locked", "error", "referenced", "uptodate", "dirty", "lru", "", "slab", "", "", "", "",
    "reserved", "", "", "head", "swapcache", "swapbacked", "unevictable", "mlocked", "writeback",
    "hwpoison", "buddy", "table", "hugetlb", "anon", "offline", "pcp", "ksm",
});
static_assert(kPageFlags.size() == kernel::PG_ksm + 1);

}  // namespace

std::string_view word(Fate fate) { return pick(kFates, fate); }
std::string_view word(CounterName counter) { return pick(kCounters, counter); }
std::string_view word(Module module) { return pick(kModules, module); }
std::string_view word(TraceKind kind) { return pick(kKinds, kind); }
std::string_view word(cxl::PoisonSource source) {
    constexpr std::array kSources = std::to_array<std::string_view>(
        {"unknown", "external", "internal", "injected", "?", "?", "?", "vendor"});
    return pick(kSources, source);
}
std::string_view word(AccessKind kind) { return pick(kAccesses, kind); }
std::string_view word(kernel::Outcome outcome) { return pick(kOutcomes, outcome); }
std::string_view word(kernel::ProcessState state) { return pick(kProcessStates, state); }
std::string_view word(mca::Severity severity) { return pick(kGrades, severity); }
std::string_view word(mca::RecordSource source) { return pick(kSources, source); }
std::string_view word(kernel::LoggedRecord::Taken taken) { return pick(kTakers, taken); }
std::string_view short_word(kernel::CacheMode mode) { return pick(kShortModes, mode); }

std::string_view word(const Action& action) {
    if (const auto* a = std::get_if<AccessEvent>(&action))
        return a->kind == AccessKind::store_full_line ? word(AccessKind::store) : word(a->kind);
    if (const auto* p = std::get_if<PoisonEvent>(&action); p && p->heal) return "unpoison_media";
    if (const auto* f = std::get_if<FileIoEvent>(&action))
        return f->write ? "write_file" : "read_file";
    if (const auto* c = std::get_if<CpuHotplugEvent>(&action); c && c->online) return "cpu_online";
    if (const auto* n = std::get_if<NamespaceEvent>(&action); n && n->enable)
        return "enable_namespace";
    if (const auto* n = std::get_if<NdctlEvent>(&action))
        return kNdctl[static_cast<std::size_t>(n->command)];
    return kActions[action.index()];
}

std::string signal_name(int signo) {
    for (const auto& [number, name] : kSignals)
        if (number == signo) return std::string(name);
    return std::to_string(signo);
}

std::string signal_code_name(int signo, int code) {
    if (code == 0x80) return "SI_KERNEL";
    if (code == 0) return "SI_USER";
    if (signo == 7) {
        constexpr std::string_view kBus[] = {"BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR",
                                             "BUS_MCEERR_AR", "BUS_MCEERR_AO"};
        if (code >= 1 && code <= 5) return std::string(kBus[code - 1]);
    }
    if (signo == 11 && code == 1) return "SEGV_MAPERR";
    if (signo == 11 && code == 2) return "SEGV_ACCERR";
    return std::to_string(code);
}

std::string_view errno_name(int number) {
    for (const auto& [n, name] : kErrnos)
        if (n == number) return name;
    return {};
}

int errno_number(std::string_view name) {
    if (name.starts_with('-')) name.remove_prefix(1);
    for (const auto& [n, text] : kErrnos)
        if (text == name) return n;
    return 0;
}

std::string_view page_flag_name(std::uint32_t bit) {
    return bit < kPageFlags.size() ? kPageFlags[bit] : "";
}

std::vector<std::string_view> page_flag_names(std::uint32_t flags) {
    std::vector<std::string_view> names;
    for (std::uint32_t bit = 0; bit < kPageFlags.size(); ++bit)
        if (flags >> bit & 1 && !kPageFlags[bit].empty()) names.push_back(kPageFlags[bit]);
    return names;
}

std::string human_time(SimTime t) {
    struct Unit {
        std::uint64_t ps;
        const char* name;
    };
    constexpr Unit kUnits[] = {
        {1'000'000'000'000, " s"}, {1'000'000'000, " ms"}, {1'000'000, " us"}, {1'000, " ns"}};
    for (const Unit& unit : kUnits) {
        if (t.count() < unit.ps && unit.ps != 1'000) continue;
        std::string out;
        append_dec(out, t.count() / unit.ps);
        out += '.';
        append_padded(out, t.count() % unit.ps / (unit.ps / 1000), 3, '0');
        return out + unit.name;
    }
    return "0.000 ns";
}

}  // namespace mcemu::output
