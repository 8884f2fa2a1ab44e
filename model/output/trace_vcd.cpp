#include "output/trace_vcd.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "output/result.hpp"
#include "output/text.hpp"
#include "output/text_buffer.hpp"
#include "output/trace_lanes.hpp"
#include "output/trace_shape.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

enum class Type : std::uint8_t { wire, reg64, string };

struct Signal {
    std::string name;  ///< in its lane
    Type type;
    std::string initial;
    std::string code{};  ///< the identifier code in the file
    std::string value{};
};

/// A blank would end the text: GTKWave reads \x20 as one. "$" begins a keyword.
std::string vcd_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c > ' ' && c < 0x7f && c != '\\' && c != '$') {
            out += c;
        } else {
            out += "\\x";
            append_hex(out, static_cast<unsigned char>(c), 2);
        }
    }
    return out;
}

std::string binary(std::uint64_t value) {
    std::string out;
    for (int bit = 63; bit >= 0; --bit)
        if (!out.empty() || (value >> bit & 1) || bit == 0) out += value >> bit & 1 ? '1' : '0';
    return out;
}

std::string identifier(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool fits = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        out += fits ? c : '_';
    }
    if (out.empty() || (out[0] >= '0' && out[0] <= '9')) out.insert(out.begin(), '_');
    return out;
}

/// Identifier codes of printable characters, shortest first.
std::string code_of(std::size_t number) {
    std::string out;
    do {
        out += static_cast<char>('!' + number % 94);
        number /= 94;
    } while (number-- > 0);
    return out;
}

class Writer {
public:
    Writer(const RunView& view, AtomicFile& file)
        : view_(view), names_(names_of(view)), out_(file) {}

    void write() {
        declare();
        header();
        emit();
        out_.flush();
    }

private:
    enum class Mode : std::uint8_t { declare, emit };

    /// The first reading finds the signals, the second one their changes.
    void declare() {
        mode_ = Mode::declare;
        read();
    }
    void emit() {
        mode_ = Mode::emit;
        lanes_ = LaneFinder{};
        running_.clear();
        read();
        while (!ends_.empty()) finish_phase();
        at(view_.end);
        flush_changes();
    }
    void read() {
        for (std::uint32_t id = view_.trace.first(); view_.trace.holds(id); ++id) {
            const TraceRecord& r = view_.trace[id];
            const Lane lane = lanes_.lane(id, r);
            record(id, lane, r);
        }
    }

    void record(std::uint32_t id, Lane lane, const TraceRecord& r) {
        const auto text = [&](std::string_view name, std::string_view value,
                              std::string_view initial) {
            set(r.at, lane, name, Type::string, initial, vcd_text(value));
        };
        const auto number = [&](std::string_view name, std::uint64_t value) {
            set(r.at, lane, name, Type::reg64, "0", binary(value));
        };
        // What a bit changes from is what it was before.
        const auto bit = [&](std::string_view name, bool value) {
            set(r.at, lane, name, Type::wire, value ? "0" : "1", value ? "1" : "0");
        };
        switch (r.kind) {
            case TraceKind::scenario_event:
                return text("event", names_.event(r.subject), "none");
            case TraceKind::phase:
                return phase(id, lane, r);
            case TraceKind::access: {
                const std::uint64_t result = r.c >> 8;
                text("access", word(static_cast<AccessKind>(r.c & 0xff)), "none");
                text("access_result", result < access_results().size() ? access_results()[result] : "?",
                     "none");
                return number("access_spa", r.a);
            }
            case TraceKind::mc_taken:
                return number("mc_cpus", r.a);
            case TraceKind::mc_raised:
                return text("mc", r.a ? "broadcast" : "local", "none");
            case TraceKind::shutdown:
                return bit("shut_down", true);
            case TraceKind::bank_logged:
            case TraceKind::bank_kept:
                if (r.kind == TraceKind::bank_logged) number("addr", r.c);
                return number("status", r.b);
            case TraceKind::bank_cleared:
                return number("status", 0);
            case TraceKind::mce_record:
                return text("graded", word(static_cast<mca::Severity>(r.c)), "none");
            case TraceKind::worker:
                return text("state", r.a ? "running" : "idle", "idle");
            case TraceKind::process_state:
                return text("state", word(static_cast<kernel::ProcessState>(r.a)), "alive");
            case TraceKind::signal_delivered:
                text("signal", signal_name(static_cast<int>(r.a & 0xff)), "none");
                return number("signal_addr", r.b);
            case TraceKind::page_flag:
                return bit("PG_" + std::string(page_flag_name(static_cast<std::uint32_t>(r.b))),
                           r.c != 0);
            case TraceKind::memory_failure:
                return bit("memory_failure", true);
            case TraceKind::memory_failure_end:
                return bit("memory_failure", false);
            case TraceKind::direct_map: {
                const auto type = [](std::uint64_t packed) {
                    return packed >> 8 & 1 ? short_word(static_cast<kernel::CacheMode>(packed & 0xff))
                                           : std::string_view("NP");
                };
                return text("direct_map", type(r.b), type(r.c));
            }
            case TraceKind::poison_planted:
            case TraceKind::poison_cleared:
                text("poison", r.kind == TraceKind::poison_planted ? "planted" : "cleared", "none");
                return number("poison_addr", r.a);
            case TraceKind::poison_read:
                return number("poison_read", r.a);
            case TraceKind::ars: {
                constexpr std::string_view kStates[] = {"none", "running", "stopped_overflow",
                                                        "stopped", "done"};
                return text("ars", r.a < std::size(kStates) ? kStates[r.a] : "?", "none");
            }
            case TraceKind::log_line: {
                std::string line;
                names_.log_text(line, r.subject);
                return text("log", line, "none");
            }
            case TraceKind::panic:
                return bit("panic", true);
            default:
                return;
        }
    }

    /// A lane's phase is that of its latest; it is idle when none of them lasts.
    void phase(std::uint32_t id, Lane lane, const TraceRecord& r) {
        if (r.b == 0) return;
        const std::uint32_t signal = find(lane, "phase", Type::string, "idle");
        if (mode_ == Mode::declare) return;
        const SimTime begin = lanes_.begin(id, r);
        const std::string name(latency_info(static_cast<Lat>(r.a)).name);
        // One that follows another waits in the queue like the ends do.
        ends_.push({begin, posted_++, signal, name, true});
        ends_.push({begin + SimTime{r.b}, posted_++, signal, name, false});
    }

    struct Turn {
        SimTime at;
        std::uint64_t order;
        std::uint32_t signal;
        std::string name;
        bool begins;
        bool operator<(const Turn& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    // ------------------------------------------------------------ signals and changes
    std::uint32_t find(Lane lane, std::string_view name, Type type, std::string_view initial) {
        auto& signals = by_lane_[lane];
        for (const std::uint32_t i : signals)
            if (signals_[i].name == name) return i;
        signals.push_back(static_cast<std::uint32_t>(signals_.size()));
        Signal signal{std::string(name), type, std::string(initial)};
        signal.code = code_of(signals_.size());
        signal.value = signal.initial;
        signals_.push_back(std::move(signal));
        return signals.back();
    }
    void set(SimTime when, Lane lane, std::string_view name, Type type, std::string_view initial,
             std::string value) {
        const std::uint32_t signal = find(lane, name, type, initial);
        if (mode_ == Mode::declare) return;
        while (!ends_.empty() && ends_.top().at <= when) finish_phase();
        at(when);
        changes_[signal] = std::move(value);
    }
    void finish_phase() {
        const Turn turn = ends_.top();
        ends_.pop();
        at(turn.at);
        std::vector<std::string>& running = running_[turn.signal];
        if (turn.begins)
            running.push_back(turn.name);
        else
            running.erase(std::find(running.begin(), running.end(), turn.name));
        changes_[turn.signal] = vcd_text(running.empty() ? "idle" : running.back());
    }
    void at(SimTime when) {
        if (when == now_) return;
        flush_changes();
        now_ = when;
    }
    void flush_changes() {
        bool stamped = now_ == SimTime::zero();
        for (auto& [signal, value] : changes_) {
            if (signals_[signal].value == value) continue;
            if (!stamped) stamp();
            stamped = true;
            signals_[signal].value = value;
            put_value(signals_[signal]);
        }
        changes_.clear();
    }
    void stamp() {
        out_.put('#');
        out_.dec(now_.count());
        out_.put('\n');
    }
    void put_value(const Signal& s) {
        if (s.type == Type::string) out_.put('s');
        if (s.type == Type::reg64) out_.put('b');
        out_.put(s.value);
        if (s.type != Type::wire) out_.put(' ');
        out_.put(s.code);
        out_.put('\n');
    }

    // ------------------------------------------------------------ declarations
    void header() {
        out_.put("$version mcemu ");
        out_.put(program_version());
        out_.put(" $end\n$comment scenario ");
        out_.put(vcd_text(view_.scenario.name));
        out_.put(" $end\n$timescale 1 ps $end\n$scope module mcemu $end\n");
        LaneGroup group = LaneGroup::count_;
        for (const auto& [lane, signals] : by_lane_) {
            if (lane.group != group) {
                if (group != LaneGroup::count_) out_.put("$upscope $end\n");
                group = lane.group;
                taken_.clear();
                out_.put("$scope module ");
                out_.put(unique(word(group), taken_groups_));
                out_.put(" $end\n");
            }
            out_.put("$scope module ");
            out_.put(unique(lane_name(lane, names_), taken_));
            out_.put(" $end\n");
            for (const std::uint32_t i : signals) variable(signals_[i]);
            out_.put("$upscope $end\n");
        }
        if (group != LaneGroup::count_) out_.put("$upscope $end\n");
        out_.put("$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n");
        for (const Signal& s : signals_) put_value(s);
        out_.put("$end\n");
    }
    void variable(const Signal& s) {
        constexpr std::string_view kTypes[] = {"wire 1 ", "reg 64 ", "string 1 "};
        out_.put("$var ");
        out_.put(kTypes[static_cast<std::size_t>(s.type)]);
        out_.put(s.code);
        out_.put(' ');
        out_.put(identifier(s.name));
        out_.put(" $end\n");
    }
    static std::string unique(std::string_view name, std::set<std::string>& taken) {
        const std::string wanted = identifier(name);
        std::string out = wanted;
        for (int n = 2; !taken.insert(out).second; ++n) out = wanted + "_" + std::to_string(n);
        return out;
    }

    const RunView& view_;
    TraceNames names_;
    TextBuffer out_;
    LaneFinder lanes_;
    Mode mode_ = Mode::declare;
    std::map<Lane, std::vector<std::uint32_t>> by_lane_;
    std::vector<Signal> signals_;
    std::map<std::uint32_t, std::string> changes_;                // of the moment, by signal
    std::map<std::uint32_t, std::vector<std::string>> running_;  // phases that last, by signal
    std::priority_queue<Turn> ends_;
    std::uint64_t posted_ = 0;
    SimTime now_{};
    std::set<std::string> taken_, taken_groups_;
};

}  // namespace

void write_vcd(const RunView& view, AtomicFile& file) {
    std::make_unique<Writer>(view, file)->write();  // its buffer is too big for a stack
}

}  // namespace mcemu::output
