#include "compare/debug_session.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <functional>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "compare/world.hpp"
#include "core/kernel/mm/page_flags_text.hpp"
#include "core/mca/status.hpp"
#include "output/causes.hpp"
#include "output/dmesg.hpp"
#include "output/result.hpp"
#include "output/temporal.hpp"
#include "output/text.hpp"
#include "output/words.hpp"
#include "scenario/nearest.hpp"
#include "scenario/quantity.hpp"
#include "sim/run.hpp"

extern "C" void __gcov_dump() __attribute__((weak));

namespace mcemu::compare {
namespace {

std::atomic<bool> wants_pause = false;
extern "C" void on_debug_interrupt(int) { wants_pause = true; }

/// Bad arguments, in words for the user.
struct Misunderstood {
    std::string text;
};

std::uint64_t whole(const std::string& text, const char* what) {
    const bool hex = text.starts_with("0x");
    const std::string_view digits = std::string_view(text).substr(hex ? 2 : 0);
    std::uint64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
        throw Misunderstood{std::string(what) + " '" + text + "' is no whole number\n"};
    return value;
}

SimTime time(const std::string& text) {
    const auto parsed = scenario::parse_time(text);
    if (!parsed.value) throw Misunderstood{"'" + text + "' is no time: 10us, 1.5ms ...\n"};
    return *parsed.value;
}

/// Where a run stops. A condition on the machine stops it when it becomes true.
struct Break {
    unsigned number;
    std::string words;
    std::optional<SimTime> at{};
    std::function<bool(const TraceRecord&)> record{};
    std::function<bool()> state{};
    bool was = false;
};

class Session {
public:
    Session(const scenario::LoadedScenario& loaded, const NvdimmImage* start_from,
            std::uint64_t position, int in, int out)
        : target_(position),
          in_(in),
          out_(out),
          simulation_(loaded.scenario, options(start_from)) {}

    void run() {
        simulation_.run();
        ended_ = true;
        bool event = false;
        const std::string why = break_reason(event);
        reply(stopped(why.empty() ? "the run has ended" : why + "; the run has ended"));
        while (serve()) {
        }
        finish();
    }
    /// The run cannot go on.
    void fail(const std::string& text) {
        std::string line = "the emulator is at fault: " + text;
        std::replace(line.begin(), line.end(), '\n', ' ');
        put(line + "\n");
        finish();
    }

private:
    [[noreturn]] void finish() {
        if (__gcov_dump) __gcov_dump();
        ::_exit(0);
    }

    sim::RunOptions options(const NvdimmImage* start_from) {
        sim::RunOptions o;
        o.start_from = start_from;
        o.log_matcher = output::make_log_matcher;
        o.before_each = [this](SimTime next) { before_entry(next); };
        return o;
    }
    RunView view() const { return simulation_.view(); }

    // ------------------------------------------------------------ running

    void before_entry(SimTime next) {
        next_ = next;
        if (const std::string why = stop_reason(); !why.empty()) {
            reply(stopped(why));
            steps_ = 0;
            until_.reset();
            to_event_ = false;
            running_ = false;
            if (!serve()) finish();
        }
        ++position_;
    }

    /// Why the run stops before this entry; empty: it goes on.
    std::string stop_reason() {
        const Trace& trace = simulation_.view().trace;
        if (position_ < target_) {  // running again to where it was
            checked_ = shown_ = trace.count();
            return {};
        }
        if (position_ == target_ && !told_) {
            told_ = true;
            checked_ = trace.count();
            shown_ = trace.count();
            for (Break& b : breaks_)
                if (b.state) b.was = b.state();
            return target_ == 0 ? "at the beginning" : "run again up to here";
        }
        bool event = false;
        const std::string why = break_reason(event);
        if (wants_pause.exchange(false)) return "interrupted";
        if (!why.empty()) return why;
        if (to_event_ && event) return "an event";
        if (until_ && next_ >= *until_) return "the time has come";
        if (steps_ != 0 && --steps_ == 0) return "stepped";
        return running_ || to_event_ || until_ || steps_ != 0 ? std::string() : "stopped";
    }

    /// The break that what happened since the last look meets; empty: none. `event`: whether an
    /// event of the scenario began.
    std::string break_reason(bool& event) {
        const Trace& trace = simulation_.view().trace;
        std::string why;
        for (std::uint32_t id = checked_ + 1; id <= trace.count(); ++id) {
            if (!trace.holds(id)) continue;
            const TraceRecord& r = trace[id];
            event = event || r.kind == TraceKind::scenario_event;
            for (const Break& b : breaks_)
                if (why.empty() && b.record && b.record(r))
                    why = "break " + std::to_string(b.number) + ": " + b.words;
        }
        checked_ = trace.count();
        for (Break& b : breaks_) {
            if (b.at && !ended_ && *b.at <= next_) {
                if (why.empty()) why = "break " + std::to_string(b.number) + ": " + b.words;
                b.at.reset();  // it comes once
            }
            if (!b.state) continue;
            const bool now = b.state();
            if (now && !b.was && why.empty())
                why = "break " + std::to_string(b.number) + ": " + b.words;
            b.was = now;
        }
        return why;
    }

    std::string stopped(const std::string& why) {
        const RunView v = view();
        const output::Causes causes(v);
        std::string out;
        constexpr std::uint32_t kMost = 12;
        const std::uint32_t first =
            v.trace.count() - shown_ > kMost ? v.trace.count() - kMost + 1 : shown_ + 1;
        if (first > shown_ + 1)
            out += "  ... " + std::to_string(first - shown_ - 1) + " records\n";
        for (std::uint32_t id = first; id <= v.trace.count(); ++id)
            if (v.trace.holds(id)) out += record_line(v, causes, id);
        shown_ = v.trace.count();
        return out + where(why);
    }
    std::string where(const std::string& why) const {
        std::string out = output::human_time(view().end) + ", entry " + std::to_string(position_);
        if (!ended_) out += ", next at " + output::human_time(next_);
        return out + " (" + why + ")\n";
    }
    static std::string record_line(const RunView& v, const output::Causes& causes, std::uint32_t id) {
        const TraceRecord& r = v.trace[id];
        std::string text = causes.describe(id);
        if (r.kind == TraceKind::log_line && r.subject < v.kernel.log.records().size())
            text = "log \"" +
                   output::Dmesg(v.scenario.kernel.profile, v.names)
                       .text(v.kernel.log.records()[r.subject]) +
                   "\"";
        return "  #" + std::to_string(id) + " " + output::human_time(r.at) + "  " + text + "\n";
    }

    // ------------------------------------------------------------ talking

    void put(const std::string& text) {
        for (std::size_t done = 0; done < text.size();) {
            const ssize_t n = ::write(out_, text.data() + done, text.size() - done);
            if (n < 0 && errno != EINTR) finish();
            if (n > 0) done += static_cast<std::size_t>(n);
        }
    }
    void reply(const std::string& text, bool understood = true) {
        put(std::to_string(position_) + (understood ? " 1 " : " 0 ") + (ended_ ? "1 " : "0 ") +
            std::to_string(text.size()) + "\n" + text);
    }

    std::optional<std::string> next_line() {
        while (true) {
            if (const auto end = input_.find('\n'); end != std::string::npos) {
                std::string line = input_.substr(0, end);
                input_.erase(0, end + 1);
                return line;
            }
            char block[512];
            const ssize_t n = ::read(in_, block, sizeof block);
            if (n > 0) input_.append(block, static_cast<std::size_t>(n));
            else if (n == 0 || errno != EINTR) return std::nullopt;
        }
    }

    /// Answers until a command lets the run go on (true) or nobody asks any more (false).
    bool serve() {
        while (const auto line = next_line()) {
            std::istringstream stream(*line);
            std::vector<std::string> words;
            for (std::string w; stream >> w;) words.push_back(w);
            try {
                if (words.empty()) reply("");
                else if (moves(words)) {
                    if (!ended_) return true;
                    reply("the run has ended: back, restart or quit\n");
                } else {
                    reply(answer(words));
                }
            } catch (const Misunderstood& m) {
                reply(m.text, false);
            }
        }
        return false;
    }

    bool moves(const std::vector<std::string>& w) {
        const std::string& c = w[0];
        if (c == "step" || c == "s") {
            const std::uint64_t steps = w.size() > 1 ? whole(w[1], "step") : 1;
            if (steps == 0) throw Misunderstood{"step 0 goes nowhere\n"};
            steps_ = steps;
        } else if (c == "next" || c == "n") {
            to_event_ = true;
        } else if (c == "until" || c == "u") {
            if (w.size() < 2) throw Misunderstood{"until takes a time\n"};
            until_ = time(w[1]);
        } else if (c == "continue" || c == "c" || c == "run") {
            running_ = true;
        } else {
            return false;
        }
        return true;
    }

    std::string answer(const std::vector<std::string>& w) {
        const std::string& c = w[0];
        if (c == "break" || c == "b") return add_break(w);
        if (c == "breaks") return list_breaks();
        if (c == "delete") return delete_break(w);
        if (c == "print" || c == "p") return print(w);
        if (c == "causes") return causes_of(w);
        if (c == "trace") return last_records(w);
        if (c == "where") return where(ended_ ? "the run has ended" : "here");
        throw Misunderstood{"there is no command '" + c + "': help lists them\n"};
    }

    // ------------------------------------------------------------ breaks

    std::string add_break(const std::vector<std::string>& w) {
        if (w.size() < 3) throw Misunderstood{"break takes what and which: break kind page_flag\n"};
        Break b{++breaks_made_, w[1]};
        for (std::size_t i = 2; i < w.size(); ++i) b.words += " " + w[i];
        const auto more = [&](std::size_t n, const char* form) {
            if (w.size() != n) throw Misunderstood{std::string(form) + " is the form\n"};
        };
        try {
            if (w[1] == "time") {
                more(3, "break time TIME");
                b.at = time(w[2]);
            } else if (w[1] == "kind") {
                more(3, "break kind KIND");
                b.record = [kind = kind_of(w[2])](const TraceRecord& r) { return r.kind == kind; };
            } else if (w[1] == "event") {
                more(3, "break event ID");
                b.record = [event = event_of(w[2])](const TraceRecord& r) {
                    return r.kind == TraceKind::scenario_event && r.subject == event;
                };
            } else if (w[1] == "address") {
                more(3, "break address ADDR");
                b.record = [address = whole(w[2], "address")](const TraceRecord& r) {
                    return r.kind != TraceKind::phase &&
                           (r.a == address || r.b == address || r.c == address);
                };
            } else if (w[1] == "page") {
                more(4, "break page PFN FLAG");
                b.state = [this, pfn = Pfn{whole(w[2], "page")}, bit = flag_of(w[3])] {
                    return view().kernel.memory.kind(pfn) != kernel::MemoryKind::none &&
                           (view().kernel.memory.look(pfn).flags >> bit & 1) != 0;
                };
            } else if (w[1] == "process") {
                more(4, "break process ID STATE");
                b.state = process_state(w[2], w[3]);
            } else if (w[1] == "bank") {
                more(4, "break bank CPU BANK");
                b.state = [this, cpu = whole(w[2], "CPU"), bank = whole(w[3], "bank")] {
                    for (const BankSnapshot& s : view().banks)
                        if (s.cpu == cpu && s.bank == bank)
                            return (s.status & mca::MCI_STATUS_VAL) != 0;
                    return false;
                };
            } else {
                throw Misunderstood{"break takes time, kind, event, address, page, process or bank, not '" +
                                    w[1] + "'\n"};
            }
        } catch (const Misunderstood&) {
            --breaks_made_;
            throw;
        }
        if (b.state) b.was = b.state();
        breaks_.push_back(b);
        return "break " + std::to_string(b.number) + ": " + b.words + "\n";
    }
    std::string list_breaks() const {
        std::string out;
        for (const Break& b : breaks_) out += std::to_string(b.number) + ": " + b.words + "\n";
        return out.empty() ? "no breaks\n" : out;
    }
    std::string delete_break(const std::vector<std::string>& w) {
        if (w.size() != 2) throw Misunderstood{"delete takes the number of a break\n"};
        const std::uint64_t number = whole(w[1], "break");
        if (std::erase_if(breaks_, [&](const Break& b) { return b.number == number; }) == 0)
            throw Misunderstood{"there is no break " + w[1] + "\n"};
        return "forgotten\n";
    }
    /// Ends a refusal: the known name that was meant, or else all of them.
    static std::string known(const std::string& wrong, std::span<const std::string_view> names) {
        const std::string_view meant = scenario::nearest(wrong, names);
        if (!meant.empty()) return ": did you mean '" + std::string(meant) + "'?\n";
        std::string all;
        for (const std::string_view name : names) all += (all.empty() ? ": " : " ") + std::string(name);
        return all + " would be\n";
    }
    static TraceKind kind_of(const std::string& name) {
        std::vector<std::string_view> kinds;
        for (std::size_t k = 0; k < static_cast<std::size_t>(TraceKind::count_); ++k) {
            kinds.push_back(output::word(static_cast<TraceKind>(k)));
            if (kinds.back() == name) return static_cast<TraceKind>(k);
        }
        throw Misunderstood{"there is no kind of record '" + name + "'" + known(name, kinds)};
    }
    std::uint32_t event_of(const std::string& id) const {
        const RunView v = view();
        for (std::uint32_t i = 0; i < v.scenario.events.size(); ++i)
            if (v.scenario.events[i].id == id) return i;
        std::vector<std::string_view> ids;
        for (const auto& event : v.scenario.events) ids.push_back(event.id);
        throw Misunderstood{"there is no event '" + id + "'" + known(id, ids)};
    }
    static std::uint32_t flag_of(const std::string& name) {
        std::vector<std::string_view> flags;
        for (std::uint32_t bit = 0; bit < 32; ++bit) {
            const std::string_view flag = output::page_flag_name(bit);
            if (flag == name) return bit;
            if (!flag.empty()) flags.push_back(flag);
        }
        throw Misunderstood{"there is no page flag '" + name + "'" + known(name, flags)};
    }
    std::function<bool()> process_state(const std::string& id, const std::string& state) {
        std::optional<kernel::ProcessState> wanted;
        for (const auto s : {kernel::ProcessState::alive, kernel::ProcessState::killed,
                             kernel::ProcessState::exited})
            if (output::word(s) == state) wanted = s;
        if (!wanted) throw Misunderstood{"a process is alive, killed or exited, not '" + state + "'\n"};
        const RunView v = view();
        std::vector<std::string_view> ids;
        for (std::uint32_t i = 0; i < v.kernel.processes.size(); ++i)
            ids.push_back(v.kernel.processes[i].id);
        if (std::find(ids.begin(), ids.end(), id) == ids.end())
            throw Misunderstood{"there is no process '" + id + "'" + known(id, ids)};
        return [this, id, wanted] {
            const RunView now = view();
            for (std::uint32_t i = 0; i < now.kernel.processes.size(); ++i)
                if (now.kernel.processes[i].id == id) return now.kernel.processes[i].state == *wanted;
            return false;
        };
    }

    // ------------------------------------------------------------ showing

    static std::string listed(const Json& list, const char* none) {
        std::string out;
        if (list.is_array())
            for (const Json& entry : list) out += "  " + in_words(entry) + "\n";
        else
            for (const auto& [key, value] : list.items())
                out += "  " + key + ": " + in_words_plain(value) + "\n";
        return out.empty() ? std::string(none) + "\n" : out;
    }

    std::string print(const std::vector<std::string>& w) {
        if (w.size() < 2) throw Misunderstood{"print what? help lists it\n"};
        const RunView v = view();
        const std::string& what = w[1];
        if (what == "log") {
            const std::string log = output::Dmesg(v.scenario.kernel.profile, v.names)
                                        .whole(v.kernel.log.records());
            return log.empty() ? "the log is empty\n" : log;
        }
        nlohmann::json expect;
        if (what == "pages" && w.size() > 2)
            expect["pages"][output::hex(whole(w[2], "page"))] = nlohmann::json::object();
        const Json r = output::make_result(v, expect);
        if (what == "banks") {
            Json valid = Json::array();
            for (const Json& bank : r["msrs"])
                if (bank["status"] != "0x0") valid.push_back(bank);
            return listed(valid, "every bank is clear");
        }
        if (what == "pages") return listed(r["pages"], "no page is poisoned");
        if (what == "memtypes") {
            std::string out;
            for (const Json& line : r["memtypes"]) out += "  " + in_words_plain(line) + "\n";
            return out.empty() ? "no memory type is reserved\n" : out;
        }
        if (what == "direct-map") return listed(r["direct_map"], "");
        if (what == "poison") return listed(r["poison"], "there is no media");
        if (what == "badblocks") return listed(r["badblocks"], "there is no block device");
        if (what == "processes") return listed(r["processes"], "no processes");
        if (what == "signals") return listed(r["signals"], "no signals");
        if (what == "counters") return listed(r["counters"], "");
        if (what == "fates") return listed(r["events"], "no events");
        if (what == "records") return listed(r["records"], "no machine-check records");
        static constexpr std::string_view kShown[] = {
            "banks",     "pages",   "memtypes", "direct-map", "poison", "badblocks",
            "processes", "signals", "log",      "counters",   "fates",  "records"};
        throw Misunderstood{"'" + what + "' cannot be printed" + known(what, kShown)};
    }

    std::string causes_of(const std::vector<std::string>& w) {
        const RunView v = view();
        const output::Causes causes(v);
        const std::uint64_t id = w.size() > 1 ? whole(w[1], "record") : v.trace.count();
        if (id == 0 && w.size() == 1) return "nothing has happened yet\n";
        if (id > v.trace.count() || !v.trace.holds(static_cast<std::uint32_t>(id)))
            throw Misunderstood{"there is no record " + std::to_string(id) + "\n"};
        std::string out;
        for (const std::uint32_t step : causes.chain(static_cast<std::uint32_t>(id)))
            out += record_line(v, causes, step);
        return out;
    }

    std::string last_records(const std::vector<std::string>& w) {
        const RunView v = view();
        const output::Causes causes(v);
        const std::uint64_t n = w.size() > 1 ? whole(w[1], "trace") : 10;
        std::string out;
        const std::uint32_t count = v.trace.count();
        const std::uint32_t first =
            std::max<std::uint32_t>(v.trace.first(),
                                    n >= count ? 1 : count - static_cast<std::uint32_t>(n) + 1);
        for (std::uint32_t id = first; id <= count; ++id)
            if (v.trace.holds(id)) out += record_line(v, causes, id);
        return out.empty() ? "nothing has happened yet\n" : out;
    }

    const std::uint64_t target_;
    const int in_, out_;
    std::string input_;
    std::uint64_t position_ = 0;
    bool told_ = false, ended_ = false;
    SimTime next_{};
    std::uint64_t steps_ = 0;
    std::optional<SimTime> until_;
    bool to_event_ = false, running_ = false;
    std::uint32_t checked_ = 0, shown_ = 0;  // records
    std::vector<Break> breaks_;
    unsigned breaks_made_ = 0;
    sim::Simulation simulation_;  // last: its options call back
};

}  // namespace

void debug_session(const scenario::LoadedScenario& loaded, const NvdimmImage* start_from,
                   std::uint64_t position, int in, int out) {
    std::signal(SIGINT, on_debug_interrupt);
    try {
        Session session(loaded, start_from, position, in, out);
        try {
            session.run();
        } catch (const std::exception& error) {
            session.fail(error.what());
        }
    } catch (...) {
    }
    ::_exit(1);
}

}  // namespace mcemu::compare
