#include "output/trace_ndjson.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <span>

#include "output/dmesg.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

enum class As : std::uint8_t {
    none, number, signed_number, hex, event, process, process_or_none, device, latency, access,
    access_result, page_flag, process_state, signal, signal_code, cache_mode, requested_mode, found_mode,
    log_index, log_text, low_byte, high_byte, word,
};

struct Field {
    const char* name = nullptr;
    As as = As::none;
    std::span<const std::string_view> words = {};  ///< As::word: by value; a number beyond them
};
/// Which values of a record are shown, under which names: subject, a, b, c (see TraceKind), and
/// what else lies packed in them.
struct Shape {
    TraceKind kind;
    Field subject, a, b, c, more = {};
    char more_of = 'c';
};

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
constexpr std::string_view kGhesSeverities[] = {"recoverable", "fatal", "corrected", "info"};

using K = TraceKind;
constexpr Field kCpu{"cpu", As::number};
constexpr Field kDevice{"device", As::device};
constexpr Field kBank{"bank", As::number};
constexpr Field kProcess{"process", As::process};
constexpr Field kNone{};

// clang-format off
constexpr Shape kShapes[] = {
    {K::scenario_event, {"event", As::event}, kNone, kNone, kNone},
    {K::access, kCpu, {"spa", As::hex}, {"va", As::hex}, {"access", As::access},
     {"result", As::access_result}},
    {K::poison_planted, kDevice, {"begin", As::hex}, {"length", As::number}, kNone},
    {K::poison_cleared, kDevice, {"begin", As::hex}, {"length", As::number}, kNone},
    {K::poison_read, kDevice, {"spa", As::hex}, {"planted_by", As::number}, kNone},
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
    {K::mce_dropped, kCpu, kBank, {"severity", As::word, kSeverities}, kNone},
    {K::notifier, kCpu, {"notifier", As::word, kNotifiers}, {"status", As::hex}, kNone},
    {K::memory_failure, kNone, {"pfn", As::hex}, {"flags", As::hex}, kNone},
    {K::memory_failure_end, kNone, {"pfn", As::hex}, {"ret", As::signed_number}, kNone},
    {K::page_flag, kNone, {"pfn", As::hex}, {"flag", As::page_flag}, {"set", As::number}},
    {K::page_unmapped, kProcess, {"va", As::hex}, {"bytes", As::number}, kNone},
    {K::page_mapped, kProcess, {"va", As::hex}, {"pfn", As::hex}, {"shift", As::number}},
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

/// Characters on their way to a file: a few instructions per value, no allocation.
class Text {
public:
    explicit Text(const std::function<void(std::string_view)>& out) : to_(out) {}

    void put(std::string_view text) {
        if (text.size() > room()) flush();
        if (text.size() > room()) return to_(text);
        std::memcpy(end_, text.data(), text.size());
        end_ += text.size();
    }
    void put(char c) {
        reserve(1);
        *end_++ = c;
    }
    void dec(std::uint64_t value) {
        reserve(20);
        end_ = std::to_chars(end_, end_ + 20, value).ptr;
    }
    void signed_dec(std::int64_t value) {
        reserve(20);
        end_ = std::to_chars(end_, end_ + 20, value).ptr;
    }
    void hex(std::uint64_t value) {
        put("\"0x");
        reserve(17);
        end_ = std::to_chars(end_, end_ + 16, value, 16).ptr;
        *end_++ = '"';
    }
    void quoted(std::string_view word) {
        put('"');
        put(word);
        put('"');
    }
    void flush() {
        to_({buffer_.data(), static_cast<std::size_t>(end_ - buffer_.data())});
        end_ = buffer_.data();
    }

private:
    std::size_t room() const {
        return static_cast<std::size_t>(buffer_.data() + buffer_.size() - end_);
    }
    void reserve(std::size_t bytes) {
        if (room() < bytes) flush();
    }

    const std::function<void(std::string_view)>& to_;
    std::array<char, 64 * 1024> buffer_;
    char* end_ = buffer_.data();
};

class Writer {
public:
    Writer(const RunView& view, const std::function<void(std::string_view)>& out)
        : view_(view), out_(out), dmesg_(view.scenario.kernel.profile, view.names) {
        for (const Event& e : view.scenario.events) events_.push_back(literal(e.id));
        for (std::uint32_t i = 0; i < view.kernel.processes.size(); ++i)
            processes_.push_back(literal(view.kernel.processes[i].id));
        for (const DramConfig& d : view.scenario.machine.memory) drams_.push_back(literal(d.id));
        for (const NvdimmConfig& n : view.scenario.machine.nvdimms)
            nvdimms_.push_back(literal(n.id));
        for (const Shape& shape : kShapes) {
            kinds_.push_back(",\"kind\":\"" + std::string(word(shape.kind)) + "\"");
            for (const Field* f : {&shape.subject, &shape.a, &shape.b, &shape.c, &shape.more})
                keys_.push_back(f->name ? ",\"" + std::string(f->name) + "\":" : "");
        }
    }

    void record(std::uint32_t id, const TraceRecord& r) {
        out_.put("{\"t_ps\":");
        out_.dec(r.at.count());
        out_.put(",\"id\":");
        out_.dec(id);
        out_.put(",\"cause\":");
        out_.dec(r.why.cause);
        out_.put(",\"origin\":");
        if (r.why.origin == 0)
            out_.put("null");
        else
            put_id(events_, r.why.origin - 1);
        out_.put(",\"module\":");
        out_.quoted(word(r.module));
        const auto kind = static_cast<std::size_t>(r.kind);
        out_.put(kinds_[kind]);
        const Shape& shape = kShapes[kind];
        const std::string* keys = &keys_[kind * 5];
        field(shape.subject, keys[0], r.subject, r);
        field(shape.a, keys[1], r.a, r);
        field(shape.b, keys[2], r.b, r);
        field(shape.c, keys[3], r.c, r);
        field(shape.more, keys[4], shape.more_of == 'a' ? r.a : r.c, r);
        out_.put("}\n");
    }
    void flush() { out_.flush(); }

private:
    static std::string literal(const std::string& text) {
        std::string out;
        append_json_string(out, text);
        return out;
    }
    void put_id(const std::vector<std::string>& ids, std::uint64_t index) {
        if (index < ids.size())
            out_.put(ids[index]);
        else
            out_.dec(index);
    }
    void put_log_text(std::uint64_t index) {
        const auto& log = view_.kernel.log.records();
        text_.clear();
        literal_.clear();
        if (index < log.size()) dmesg_.append_text(text_, log[index]);
        append_json_string(literal_, text_);
        out_.put(literal_);
    }

    void field(const Field& f, const std::string& key, std::uint64_t value, const TraceRecord& r) {
        if (f.as == As::none) return;
        out_.put(key);
        switch (f.as) {
            case As::number:
                return out_.dec(value);
            case As::signed_number:
                return out_.signed_dec(static_cast<std::int64_t>(value));
            case As::hex:
                return out_.hex(value);
            case As::event:
                return put_id(events_, value);
            case As::process:
                return put_id(processes_, value);
            case As::process_or_none:
                if (static_cast<std::uint32_t>(value) == ~std::uint32_t{0}) return out_.put("null");
                return put_id(processes_, value);
            case As::device:  // the bus's own calls go to its root device (ACPI0012)
                if (static_cast<std::uint32_t>(value) == ~std::uint32_t{0})
                    return out_.put("\"root\"");
                return put_id(r.module == Module::dram ? drams_ : nvdimms_, value);
            case As::latency:
                return out_.quoted(latency_info(static_cast<Lat>(value)).name);
            case As::access:
                return out_.quoted(word(static_cast<AccessKind>(value & 0xff)));
            case As::access_result: {
                const std::uint64_t result = value >> 8;
                if (result < kStatuses.size()) return out_.quoted(kStatuses[result]);
                return out_.dec(result);
            }
            case As::page_flag:
                return out_.quoted(page_flag_name(static_cast<std::uint32_t>(value)));
            case As::process_state:
                return out_.quoted(word(static_cast<kernel::ProcessState>(value)));
            case As::signal:
                return out_.quoted(signal_name(static_cast<int>(value & 0xff)));
            case As::signal_code:
                return out_.quoted(
                    signal_code_name(static_cast<int>(value & 0xff), static_cast<int>(value >> 8)));
            case As::cache_mode:
                return out_.quoted(cache_mode_name(value));
            case As::requested_mode:
                return out_.quoted(cache_mode_name(value & 0xff));
            case As::found_mode:
                return out_.quoted(cache_mode_name(value >> 8));
            case As::low_byte:
                return out_.dec(value & 0xff);
            case As::high_byte:
                return out_.signed_dec(static_cast<std::int64_t>(value) >> 8);
            case As::word:
                if (value < f.words.size()) return out_.quoted(f.words[value]);
                return out_.dec(value);
            case As::log_text:
                return put_log_text(r.subject);
            case As::log_index:
                return put_log_text(r.a);
            case As::none:
                return;
        }
    }

    const RunView& view_;
    Text out_;
    Dmesg dmesg_;
    std::vector<std::string> events_, processes_, drams_, nvdimms_;  // JSON literals of their ids
    std::vector<std::string> kinds_, keys_;        // per kind; five keys each
    std::string text_, literal_;
};

}  // namespace

void write_ndjson(const RunView& view, AtomicFile& file) {
    write_ndjson(view, [&](std::string_view bytes) { file.write(bytes); });
}

void write_ndjson(const RunView& view, const std::function<void(std::string_view)>& out) {
    const auto writer = std::make_unique<Writer>(view, out);  // its buffer is too big for a stack
    for (std::uint32_t id = view.trace.first(); id <= view.trace.count(); ++id)
        if (view.trace.holds(id)) writer->record(id, view.trace[id]);
    writer->flush();
}

}  // namespace mcemu::output
