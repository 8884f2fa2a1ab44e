#include "formats/field_log.hpp"

#include <algorithm>
#include <array>

#include "formats/boot_facts.hpp"
#include "formats/edac_line.hpp"
#include "formats/ghes_reports.hpp"
#include "formats/scan.hpp"
#include "formats/wrapped_lines.hpp"

namespace mcemu::formats {
namespace {

using Kind = LogEntry::Kind;

constexpr std::array<std::string_view, 6> kModes = {"write-back",     "write-combining",
                                                    "uncached-minus", "uncached",
                                                    "write-through",  "write-protected"};

/// The longest name that stands there: "uncached-minus", not "uncached".
std::optional<unsigned> mode(Scan& s) {
    std::optional<unsigned> best;
    for (unsigned i = 0; i < kModes.size(); ++i)
        if (s.rest.starts_with(kModes[i]) && (!best || kModes[i].size() > kModes[*best].size()))
            best = i;
    if (best) s.rest.remove_prefix(kModes[*best].size());
    return best;
}

/// "comm:pid", where comm may hold blanks and colons; the rest of the line begins with `behind`.
bool whom(Scan& s, std::string_view behind, LogEntry& e) {
    const std::size_t end = s.rest.find(behind);
    if (end == std::string_view::npos) return false;
    const std::string_view who = s.rest.substr(0, end);
    const std::size_t colon = who.rfind(':');
    if (colon == std::string_view::npos) return false;
    Scan number(who.substr(colon + 1));
    const auto pid = number.decimal();
    number.literal(" early");  // v2.6.32
    if (!pid || !number.done() || *pid > 0xffffffff) return false;
    e.comm = who.substr(0, colon);
    e.pid = static_cast<std::uint32_t>(*pid);
    s.rest.remove_prefix(end + behind.size());
    return true;
}

class Reader {
public:
    FieldLog run(std::string_view text) {
        out_.lines = for_each_log_line(text, [&](unsigned number, const LogLine& line) {
            number_ = number;
            line_ = line;
            this->line();
        });
        out_.records = records_.take();
        return std::move(out_);
    }

private:
    /// Whether there are enough entries that only repeat what stands there.
    bool crowded() {
        constexpr std::size_t kMost = 10'000;
        if (out_.entries.size() >= kMost) out_.crowded = true;
        return out_.crowded;
    }
    LogEntry& add(Kind kind) {
        LogEntry e;
        e.kind = kind;
        e.line = number_;
        e.clock = line_.clock;
        e.us = line_.us;
        e.text = line_.text;
        return out_.entries.emplace_back(std::move(e));
    }

    void line() {
        if (line_.text.empty()) return;
        if (line_.foreign) {
            if (about_errors(line_.text) && !crowded()) add(Kind::unread).foreign = true;
            return;
        }
        if (records_.line(number_, line_)) {
            if (!crowded()) add(Kind::record);
            return;
        }
        Scan s(line_.text);
        if (memory_failure(s) || injection(s) || ghes(s) || edac(s) || pat(s) || panic(s)) return;
        static constexpr std::string_view kOthers[] = {"mce: ",
                                                       "MCE: ",
                                                       "[Hardware Error]",
                                                       "[Firmware Warn]: GHES",
                                                       "Disabling lock debugging due to",
                                                       "CMCI storm",
                                                       "MCE records pool full",
                                                       "Could not invalidate pfn",
                                                       "Unpoison: ",
                                                       "RAS: ",
                                                       "soft offline: ",
                                                       "Soft offline: ",
                                                       "soft_offline",
                                                       "__get_any_page: ",
                                                       "dax dax",
                                                       "CPA: called for zero pte",
                                                       "memtype_reserve failed",
                                                       "x86/PAT: ",
                                                       "ghes_print_estatus: ",
                                                       "mce_notify_irq: ",
                                                       "Triggering MCE exception",
                                                       "MCE exception done",
                                                       "Starting machine check poll",
                                                       "Machine check poll done",
                                                       "Timeout waiting for mce inject",
                                                       "EDAC "};
        const std::string_view text = line_.text;
        if (text.starts_with("EDAC ") && text.find("MCE") == std::string_view::npos &&
            text.find("Machine") == std::string_view::npos) {
            // Drivers that load and what they count: no error.
            if ((text.find(" CE ") != std::string_view::npos ||
                 text.find(" UE ") != std::string_view::npos) &&
                !crowded())
                add(Kind::unread);
        } else if (std::any_of(std::begin(kOthers), std::end(kOthers),
                               [&](std::string_view p) { return text.starts_with(p); }) &&
                   !boring(text)) {
            LogEntry& e = add(Kind::other);
            words(text);
            Scan rest(text);
            if ((rest.literal("soft offline: ") || rest.literal("Soft offline: ") ||
                 rest.literal("soft_offline: ") || rest.literal("soft_offline_page: ") ||
                 rest.literal("RAS: Soft-offlining pfn: ")) &&
                rest.peek() == '0')
                if (const auto pfn = rest.hex()) {
                    e.kind = Kind::soft_offline;
                    e.pfn = *pfn;
                }
        } else if (records_.decoded_by_mcelog(number_, line_.caller) ||
                   (about_errors(text) && !boring(text))) {
            if (!crowded()) add(Kind::unread);
        }
        boot_line(text, number_, out_.boot);
    }

    /// Lines that tell of an error in a way that is not read: another program's, or some driver's.
    static bool about_errors(std::string_view text) {
        for (const char* word :
             {"[Hardware Error]", "achine check", "achine Check", "mc_event", "mce_record",
              "emory failure: 0x", "orrected error", "orrected Error", "_STATUS[",
              "MCA: ", "extlog_mem_event", "memory_failure_event", "aer_event"})
            if (text.find(word) != std::string_view::npos) return true;
        return false;
    }

    /// What the same code says when it starts.
    static bool boring(std::string_view text) {
        for (const char* word :
             {"CPU supports", "Using ", "Configuration [0-7]", "PAT support", "MTRR",
              "thermal monitor", "Correctable Errors collector initialized", "CMCI threshold",
              "bank 0:"})
            if (text.find(word) != std::string_view::npos &&
                text.find("[Hardware Error]") == std::string_view::npos)
                return true;
        return false;
    }

    /// Which kernels print it so (kernel.md appendix A).
    void words(std::string_view text) {
        const auto has = [&](std::string_view w) { return text.find(w) != std::string_view::npos; };
        if (has("Sending SIGBUS to") || has("memtype_reserve") || has("Kernel accessed poison") ||
            has("mce: CMCI storm") || has("CPUs not responding to MCE"))
            out_.new_words = true;
        if ((has("Memory failure") && has("Killing ")) || has("reserve_memtype") ||
            has("mce: Could not invalidate") || has("Some CPUs didn't answer"))
            out_.old_words = true;
    }

    bool memory_failure(Scan s) {
        const bool old = s.literal("MCE 0x");
        if (!old && !s.literal("Memory failure: ") && !s.literal("memory_failure_event: pfn "))
            return false;
        words(line_.text);
        const auto pfn = old ? s.number(16) : s.peek() == '0' ? s.hex() : std::nullopt;
        if (!pfn) {
            add(Kind::other);
            return true;
        }
        LogEntry& e = add(Kind::memory_failure);
        e.pfn = *pfn;
        s.literal(":");
        s.blanks();
        e.what = s.rest;
        Scan rest = s;
        if (rest.literal("Killing ") || rest.literal("Sending SIGBUS to ")) {
            if (whom(rest, " due to", e)) e.kind = Kind::killing;
        } else if (rest.literal("forcibly killing ")) {
            if (whom(rest, " because of", e)) e.kind = Kind::killing;
        } else if (rest.literal("recovery action for ")) {
            const std::size_t colon = rest.rest.rfind(": ");
            if (colon != std::string_view::npos) {
                e.kind = Kind::recovery;
                e.what = rest.rest.substr(0, colon);
                e.result = rest.rest.substr(colon + 2);
            }
        }
        return true;
    }

    bool injection(Scan s) {
        const auto pfn_and_va = [&](Kind kind, std::string_view between) {
            const auto pfn = s.hex();
            if (!pfn || !s.literal(between)) return false;
            const auto va = s.hex();
            if (!va) return false;
            LogEntry& e = add(kind);
            e.pfn = *pfn;
            e.va = *va;
            return true;
        };
        if (s.literal("Injecting memory failure for pfn "))
            return pfn_and_va(Kind::injected, " at process virtual address ");
        if (s.literal("Injecting memory failure for page "))
            return pfn_and_va(Kind::injected, " at ");
        if (s.literal("Soft offlining pfn "))
            return pfn_and_va(Kind::soft_madvise, " at process virtual address ");
        if (s.literal("Soft offlining page ")) return pfn_and_va(Kind::soft_madvise, " at ");
        const auto only_pfn = [&](Kind kind) {
            const auto pfn = s.hex();
            if (!pfn) return false;
            add(kind).pfn = *pfn;
            return true;
        };
        if (s.literal("Injecting memory failure at pfn ")) return only_pfn(Kind::injected_pfn);
        if (s.literal("Unpoison: Software-unpoisoned ")) {
            s.literal("free ");
            return s.literal("page ") && only_pfn(Kind::unpoison);
        }
        if (Scan mce = s; (mce.literal("mce: "), true) &&
                          mce.literal("Uncorrected hardware memory error in user-access at ")) {
            s = mce;
            const auto address = s.hex();
            if (!address) return false;
            add(Kind::user_access).va = *address;
            return true;
        }
        if (s.literal("MCE: Killing ")) {
            LogEntry e;
            if (!whom(s, " due to hardware memory corruption fault at ", e)) return false;
            const auto va = s.hex();
            if (!va) return false;
            LogEntry& to = add(Kind::fault);
            to.comm = e.comm;
            to.pid = e.pid;
            to.va = *va;
            return true;
        }
        return false;
    }

    bool ghes(Scan s) {
        const auto at = ghes_.line(s.rest, out_.ghes);
        if (!at) return false;
        add(Kind::ghes).index = *at;
        return true;
    }

    bool edac(Scan s) {
        std::optional<EdacReport> r = edac_line(s.rest);
        if (!r) return false;
        add(Kind::edac).index = out_.edac.size();
        out_.edac.push_back(std::move(*r));
        return true;
    }

    bool pat(Scan s) {
        if (!s.literal("x86/PAT: ")) return false;
        words(line_.text);
        LogEntry e;
        if (Scan c = s; whom(c, " conflicting memory types ", e)) {
            const auto begin = c.hex();
            if (!begin || !c.literal("-")) return false;
            const auto end = c.hex();
            c.blanks();
            const auto wanted = mode(c);
            if (!end || *end <= *begin || !wanted || !c.literal("<->")) return false;
            const auto found = mode(c);
            if (!found) return false;
            LogEntry& to = add(Kind::pat_conflict);
            to.comm = e.comm;
            to.pid = e.pid;
            to.range = {*begin, *end};
            to.mode = *wanted;
            to.found = *found;
            return true;
        }
        const auto mem = [&](Scan& at, SpaRange& range) {
            if (!at.literal("[mem ")) return false;
            const auto begin = at.hex();
            if (!begin || !at.literal("-")) return false;
            const auto last = at.hex();
            if (!last || *last < *begin || *last == ~0ull || !at.literal("]")) return false;
            range = {*begin, *last + 1};
            return true;
        };
        if (Scan r = s;
            r.literal("reserve_memtype failed ") || r.literal("memtype_reserve failed ")) {
            SpaRange range;
            if (!mem(r, range) || !r.behind("req ")) return false;
            LogEntry& to = add(Kind::pat_reserve);
            to.range = range;
            to.mode = mode(r).value_or(0);
            return true;
        }
        if (Scan f = s; whom(f, " freeing invalid memtype ", e)) {
            SpaRange range;
            if (!mem(f, range)) return false;
            LogEntry& to = add(Kind::pat_free);
            to.comm = e.comm;
            to.pid = e.pid;
            to.range = range;
            return true;
        }
        return false;
    }

    bool panic(Scan s) {
        if (!s.literal("Kernel panic - not syncing: ") && !s.literal("Kernel panic: "))
            return false;
        add(Kind::panic).what = s.rest;
        return true;
    }

    // ------------------------------------------------------------ boot messages

    FieldLog out_;
    MceRecords records_;
    GhesReports ghes_;
    LogLine line_;
    unsigned number_ = 0;
};

}  // namespace

FieldLog parse_field_log(std::string_view text) { return Reader().run(text); }

}  // namespace mcemu::formats
