#include "output/trace_shape.hpp"

#include <array>
#include <iterator>

#include "output/words.hpp"

namespace mcemu::output {
namespace {

constexpr std::string_view kSeverities[] = {"NO", "UCNA", "KEEP", "SOME", "AO", "UC", "AR", "PANIC"};
constexpr std::string_view kNotifiers[] = {"cec",  "first", "uc",     "extlog",
                                           "nfit", "edac",  "mcelog", "default"};
constexpr std::string_view kShutdowns[] = {"cr4_mce_clear", "mcip_set"};
constexpr std::string_view kSpeculations[] = {"clean",         "poison",    "non_canonical", "not_present",
                                              "not_cacheable", "no_memory", "idle"};
constexpr std::string_view kArsStates[] = {"none", "running", "stopped_overflow", "stopped", "done"};
constexpr std::string_view kDsmFunctions[] = {"ars_cap",       "ars_start",    "ars_status", "clear_error",
                                              "inject_error",  "inject_clear", "inject_status", "smart",
                                              "smart_inject",  "translate_spa"};
constexpr std::string_view kCxlCommands[] = {"get_poison_list", "inject_poison", "clear_poison",
                                             "scan_media", "get_scan_media_results"};
constexpr std::string_view kPoisonSources[] = {"unknown", "external", "internal", "injected"};
constexpr std::string_view kGhesSeverities[] = {"recoverable", "fatal", "corrected", "info"};

using K = TraceKind;
constexpr Field kCpu{"cpu", As::number};
constexpr Field kDevice{"device", As::device};
constexpr Field kBank{"bank", As::number};
constexpr Field kProcess{"process", As::process};
constexpr Field kNone{};

// clang-format off
constexpr Shape kShapes[] = {
    {K::scenario_event, {"event", As::event}, kNone, kNone, kNone, {"do", As::action}, 's'},
    {K::access, kCpu, {"spa", As::hex}, {"va", As::hex}, {"access", As::access},
     {"result", As::access_result}},
    {K::poison_planted, kDevice, {"begin", As::hex}, {"length", As::number}, kNone},
    {K::poison_cleared, kDevice, {"begin", As::hex}, {"length", As::number}, kNone},
    {K::poison_read, kDevice, {"spa", As::hex}, {"planted_by", As::origin}, kNone},
    {K::bank_logged, kCpu, kBank, {"status", As::hex}, {"addr", As::hex}},
    {K::bank_overwritten, kCpu, kBank, {"old_status", As::hex}, {"latched_by", As::number}},
    {K::bank_kept, kCpu, kBank, {"status", As::hex}, {"new_status", As::hex}},
    {K::bank_cleared, kCpu, kBank, kNone, kNone},
    {K::cmci, kCpu, kBank, kNone, kNone},
    {K::mc_raised, kCpu, {"broadcast", As::number}, kNone, kNone},
    {K::mc_taken, kCpu, {"cpus", As::number}, kNone, kNone},
    {K::shutdown, kCpu, {"reason", As::word, kShutdowns}, kNone, kNone},
    {K::speculation, kCpu, {"va", As::hex}, {"spa", As::hex},
     {"result", As::word, kSpeculations}},
    {K::register_held, kCpu, {"va", As::hex}, kNone, kNone},
    {K::phase, kCpu, {"latency", As::latency}, {"ps", As::number}, kNone},
    {K::log_line, {"line", As::number}, {"text", As::log_text}, kNone, kNone},
    {K::mce_record, kCpu, kBank, {"status", As::hex},
     {"severity", As::word, kSeverities}},
    {K::mce_dropped, kCpu, kBank, {"severity", As::word, kSeverities},
     {"why", As::word, kDropReasons}},
    {K::notifier, kCpu, {"notifier", As::word, kNotifiers}, {"status", As::hex}, kNone},
    {K::memory_failure, kNone, {"pfn", As::hex}, {"flags", As::hex}, kNone},
    {K::memory_failure_end, kNone, {"pfn", As::hex}, {"ret", As::signed_number}, kNone},
    {K::page_flag, kNone, {"pfn", As::hex}, {"flag", As::page_flag}, {"set", As::number}},
    {K::page_unmapped, kProcess, {"va", As::hex}, {"bytes", As::number}, {"pfn", As::hex}},
    {K::page_mapped, kProcess, {"va", As::hex}, {"pfn", As::hex}, {"shift", As::low_byte},
     {"leaves_behind", As::high_byte}, 'c'},
    {K::lock_wait, kNone, {"lock", As::hex}, kNone, kNone},
    {K::signal_sent, kProcess, {"signal", As::signal}, {"addr", As::hex}, {"lsb", As::number},
     {"code", As::signal_code}, 'a'},
    {K::signal_delivered, kProcess, {"signal", As::signal}, {"addr", As::hex},
     {"lsb", As::number}, {"code", As::signal_code}, 'a'},
    {K::process_state, kProcess, {"state", As::process_state}, kNone, kNone},
    {K::syscall, {"event", As::event}, {"ret", As::signed_number}, kNone, kNone},
    {K::memtype_reserved, kCpu, {"begin", As::hex}, {"end", As::hex}, {"type", As::cache_mode}},
    {K::memtype_freed, kCpu, {"begin", As::hex}, {"end", As::hex}, {"type", As::cache_mode}},
    {K::memtype_conflict, kCpu, {"begin", As::hex}, {"end", As::hex},
     {"requested", As::requested_mode}, {"found", As::found_mode}},
    {K::direct_map, kCpu, {"pfn", As::hex}, {"new", As::hex}, {"old", As::hex}},
    {K::direct_map_split, kCpu, {"pfn", As::hex}, {"shift", As::number}, kNone},
    {K::tlb_flush, kCpu, {"all", As::number}, {"va", As::hex}, kNone},
    {K::cache_flush, kCpu, {"va", As::hex}, {"bytes", As::number}, kNone},
    {K::badrange_added, kNone, {"spa", As::hex}, {"length", As::number}, kNone},
    {K::badrange_forgotten, kNone, {"spa", As::hex}, {"length", As::number}, kNone},
    {K::badblocks_set, {"table", As::number}, {"sector", As::number}, {"sectors", As::number},
     kNone},
    {K::badblocks_cleared, {"table", As::number}, {"sector", As::number},
     {"sectors", As::number}, kNone},
    {K::bio, {"namespace", As::number}, {"sector", As::number}, {"sectors", As::number},
     {"op", As::low_byte}, {"error", As::high_byte}},
    {K::dsm, kDevice, {"function", As::word, kDsmFunctions}, {"status", As::hex}, {"output", As::hex}},
    {K::ars, kDevice, {"state", As::word, kArsStates}, {"records", As::number}, kNone},
    {K::nfit_notify, kDevice, {"value", As::hex}, kNone, kNone},
    {K::ghes, kNone, {"severity", As::number}, {"spa", As::hex}, kNone},
    {K::worker, kCpu, {"begins", As::number}, kNone, kNone},
    {K::poll, kCpu, {"banks", As::number}, kNone, kNone},
    {K::panic, kCpu, {"line", As::number}, {"text", As::log_index}, kNone},
    {K::oops, {"process", As::process_or_none}, {"line", As::number}, kNone, kNone},
    {K::endless_restart, kProcess, {"va", As::hex}, {"restarts", As::number}, kNone},
    {K::cxl_command, kDevice, {"command", As::word, kCxlCommands}, {"code", As::hex}, {"records", As::number}},
    {K::cxl_poison, {"memdev", As::number}, {"dpa", As::hex}, {"length", As::number}, {"source", As::word, kPoisonSources}},
    {K::dma, {"event", As::event}, {"spa", As::hex}, {"moved", As::number}, {"status", As::low_byte}, {"write", As::high_byte}, 'c'},
    {K::invariant, kNone, {"checker", As::number}, kNone, kNone},
};
// clang-format on
static_assert(std::size(kShapes) == static_cast<std::size_t>(K::count_));
static_assert([] {
    for (std::size_t i = 0; i < std::size(kShapes); ++i)
        if (kShapes[i].kind != static_cast<K>(i)) return false;
    return true;
}());

constexpr std::array kStatuses = std::to_array<std::string_view>(
    {"retired", "page_fault", "machine_check", "bus_error", "shutdown"});

}  // namespace

const Shape& shape_of(TraceKind kind) { return kShapes[static_cast<std::size_t>(kind)]; }

std::span<const std::string_view> access_results() { return kStatuses; }

}  // namespace mcemu::output
