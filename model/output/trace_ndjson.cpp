#include "output/trace_ndjson.hpp"

#include <array>

#include "output/dmesg.hpp"
#include "output/text.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

enum class As : std::uint8_t {
    none, number, signed_number, hex, event, process, process_or_none, latency, access, access_result,
    page_flag, process_state, signal, signal_code, cache_mode, requested_mode, found_mode,
    log_index, log_text, low_byte, high_byte,
};

struct Field {
    const char* name = nullptr;
    As as = As::none;
};
/// Which values of a record are shown, under which names: subject, a, b, c (see TraceKind), and
/// what else lies packed in them.
struct Shape {
    TraceKind kind;
    Field subject, a, b, c, more = {};
    char more_of = 'c';
};

using K = TraceKind;
constexpr Field kCpu{"cpu", As::number};
constexpr Field kDevice{"device", As::number};
constexpr Field kBank{"bank", As::number};
constexpr Field kProcess{"process", As::process};
constexpr Field kNone{};

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
    {K::shutdown, kCpu, {"reason", As::number}, kNone, kNone},
    {K::speculation, kCpu, {"va", As::hex}, {"spa", As::hex}, {"result", As::number}},
    {K::register_held, kCpu, {"va", As::hex}, kNone, kNone},
    {K::phase, kCpu, {"latency", As::latency}, {"ps", As::number}, kNone},
    {K::log_line, {"line", As::number}, {"text", As::log_text}, kNone, kNone},
    {K::mce_record, kCpu, kBank, {"status", As::hex}, {"severity", As::number}},
    {K::mce_dropped, kCpu, kBank, {"severity", As::number}, kNone},
    {K::notifier, kCpu, {"notifier", As::number}, {"status", As::hex}, kNone},
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
    {K::dsm, kDevice, {"function", As::number}, {"status", As::hex}, {"output", As::hex}},
    {K::ars, kDevice, {"state", As::number}, {"records", As::number}, kNone},
    {K::nfit_notify, kNone, {"value", As::hex}, kNone, kNone},
    {K::ghes, kNone, {"severity", As::number}, {"spa", As::hex}, kNone},
    {K::worker, kCpu, {"begins", As::number}, kNone, kNone},
    {K::poll, kCpu, {"banks", As::number}, kNone, kNone},
    {K::panic, kCpu, {"line", As::number}, {"text", As::log_index}, kNone},
    {K::oops, {"process", As::process_or_none}, {"line", As::number}, kNone, kNone},
    {K::invariant, kNone, {"checker", As::number}, kNone, kNone},
};
static_assert(std::size(kShapes) == static_cast<std::size_t>(K::count_));
static_assert([] {
    for (std::size_t i = 0; i < std::size(kShapes); ++i)
        if (kShapes[i].kind != static_cast<K>(i)) return false;
    return true;
}());

constexpr std::array kStatuses = std::to_array<std::string_view>(
    {"retired", "page_fault", "machine_check", "bus_error", "shutdown"});

class Writer {
public:
    Writer(const RunView& view, AtomicFile& file)
        : view_(view), file_(file), dmesg_(view.scenario.kernel.profile, view.names) {
        for (const Event& e : view.scenario.events) events_.push_back(literal(e.id));
        for (std::uint32_t i = 0; i < view.kernel.processes.size(); ++i)
            processes_.push_back(literal(view.kernel.processes[i].id));
    }

    void record(std::uint32_t id, const TraceRecord& r) {
        line_ = "{\"t_ps\":";
        append_dec(line_, r.at.count());
        line_ += ",\"id\":";
        append_dec(line_, id);
        line_ += ",\"cause\":";
        append_dec(line_, r.why.cause);
        line_ += ",\"origin\":";
        if (r.why.origin == 0) line_ += "null";
        else append_id(events_, r.why.origin - 1);
        line_ += ",\"module\":\"";
        line_ += word(r.module);
        line_ += "\",\"kind\":\"";
        line_ += word(r.kind);
        line_ += '"';
        const Shape& shape = kShapes[static_cast<std::size_t>(r.kind)];
        field(shape.subject, r.subject, r);
        field(shape.a, r.a, r);
        field(shape.b, r.b, r);
        field(shape.c, r.c, r);
        field(shape.more, shape.more_of == 'a' ? r.a : r.c, r);
        line_ += "}\n";
        file_.write(line_);
    }

private:
    static std::string literal(const std::string& text) {
        std::string out;
        append_json_string(out, text);
        return out;
    }
    void append_id(const std::vector<std::string>& ids, std::uint64_t index) {
        if (index < ids.size()) line_ += ids[index];
        else append_dec(line_, index);
    }
    void quoted(std::string_view word) {
        line_ += '"';
        line_ += word;
        line_ += '"';
    }
    void log_text(std::uint64_t index) {
        const auto& log = view_.kernel.log.records();
        std::string text;
        if (index < log.size()) dmesg_.append_text(text, log[index]);
        append_json_string(line_, text);
    }

    void field(const Field& f, std::uint64_t value, const TraceRecord& r) {
        if (f.as == As::none) return;
        line_ += ",\"";
        line_ += f.name;
        line_ += "\":";
        switch (f.as) {
            case As::number: append_dec(line_, value); break;
            case As::signed_number: append_signed(line_, static_cast<std::int64_t>(value)); break;
            case As::hex:
                line_ += "\"0x";
                append_hex(line_, value);
                line_ += '"';
                break;
            case As::event: append_id(events_, value); break;
            case As::process: append_id(processes_, value); break;
            case As::process_or_none:
                if (static_cast<std::uint32_t>(value) == ~std::uint32_t{0}) line_ += "null";
                else append_id(processes_, value);
                break;
            case As::latency: quoted(latency_info(static_cast<Lat>(value)).name); break;
            case As::access: quoted(word(static_cast<AccessKind>(value & 0xff))); break;
            case As::access_result: {
                const std::uint64_t result = value >> 8;
                if (result < kStatuses.size()) quoted(kStatuses[result]);
                else append_dec(line_, result);
                break;
            }
            case As::page_flag: quoted(page_flag_name(static_cast<std::uint32_t>(value))); break;
            case As::process_state:
                quoted(word(static_cast<kernel::ProcessState>(value)));
                break;
            case As::signal: quoted(signal_name(static_cast<int>(value & 0xff))); break;
            case As::signal_code:
                quoted(signal_code_name(static_cast<int>(value & 0xff),
                                        static_cast<int>(value >> 8)));
                break;
            case As::cache_mode: quoted(cache_mode_name(value)); break;
            case As::requested_mode: quoted(cache_mode_name(value & 0xff)); break;
            case As::found_mode: quoted(cache_mode_name(value >> 8)); break;
            case As::low_byte: append_dec(line_, value & 0xff); break;
            case As::high_byte:
                append_signed(line_, static_cast<std::int64_t>(value) >> 8);
                break;
            case As::log_text: log_text(r.subject); break;
            case As::log_index: log_text(r.a); break;
            case As::none: break;
        }
    }

    const RunView& view_;
    AtomicFile& file_;
    Dmesg dmesg_;
    std::vector<std::string> events_, processes_;
    std::string line_;
};

}  // namespace

void write_ndjson(const RunView& view, AtomicFile& file) {
    Writer writer(view, file);
    for (std::uint32_t id = view.trace.first(); id <= view.trace.count(); ++id)
        if (view.trace.holds(id)) writer.record(id, view.trace[id]);
}

}  // namespace mcemu::output
