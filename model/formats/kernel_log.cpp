#include "formats/kernel_log.hpp"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include "formats/mcelog_record.hpp"
#include "formats/scan.hpp"
#include "formats/trace_record.hpp"
#include "formats/wrapped_lines.hpp"

namespace mcemu::formats {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// Where `word` (lower case) stands in `text`, whatever the case of the latter.
std::size_t find_word(std::string_view text, std::string_view word) {
    const auto at = std::search(text.begin(), text.end(), word.begin(), word.end(),
                                [](char a, char b) { return lower(a) == b; });
    return at == text.end() ? std::string_view::npos : static_cast<std::size_t>(at - text.begin());
}
bool literal(Scan& s, std::string_view word) {
    if (s.rest.size() < word.size() || find_word(s.rest.substr(0, word.size()), word) != 0)
        return false;
    s.rest.remove_prefix(word.size());
    return true;
}

template <class T>
bool take(std::optional<std::uint64_t> value, T& to) {
    if (!value || *value > static_cast<std::uint64_t>(static_cast<T>(~T{0}))) return false;
    to = static_cast<T>(*value);
    return true;
}
/// Up to 16 digits, with or without 0x; more is no register.
bool hex(Scan& s, std::uint64_t& to) { return take(s.hex(), to); }
bool hex(Scan& s, std::uint32_t& to) { return take(s.hex(), to); }
bool decimal(Scan& s, std::uint32_t& to) { return take(s.decimal(), to); }

bool at_end_of_word(const Scan& s) {
    const char c = lower(s.peek());
    return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_');
}

// Numbers are hexadecimal; CPU, bank, TIME and SOCKET are decimal.

/// "CPU 2: Machine Check Exception: 5 Bank 7: be00000000000090".
bool first_line(std::string_view text, LoggedMce& r) {
    std::size_t at = find_word(text, ": machine check");
    if (at == std::string_view::npos) return false;
    std::size_t digits = at;
    while (digits > 0 && text[digits - 1] >= '0' && text[digits - 1] <= '9') --digits;
    if (digits == at) return false;
    const std::string_view before = text.substr(0, digits);
    const bool spaced =
        before.size() >= 4 && find_word(before.substr(before.size() - 4), "cpu ") == 0;
    if (!spaced && (before.size() < 3 || find_word(before.substr(before.size() - 3), "cpu") != 0))
        return false;
    Scan s(text.substr(digits));
    if (!decimal(s, r.cpu) || !literal(s, ": machine check")) return false;
    r.exception = literal(s, " exception");
    if (!r.exception) literal(s, " event");
    if (!literal(s, ":")) return false;
    s.blanks();
    if (!hex(s, r.mcgstatus) || !literal(s, " bank ")) return false;
    const bool firmware = literal(s, "-");
    std::uint32_t bank = 0;
    if (!decimal(s, bank) || bank > 999'999'999) return false;
    r.bank = firmware ? -static_cast<std::int32_t>(bank) : static_cast<std::int32_t>(bank);
    if (!literal(s, ":")) return false;
    s.blanks();
    return hex(s, r.status);
}

/// "RIP !INEXACT! 10:<ffffffff81001000> {default_idle+0x1d/0x140}".
bool rip_line(Scan s, LoggedMce& r) {
    LoggedMce out = r;
    out.inexact = literal(s, " !inexact!");
    if (!literal(s, " ")) return false;
    std::uint64_t cs = 0;
    if (!hex(s, cs) || !literal(s, ":<") || !hex(s, out.ip) || !literal(s, ">")) return false;
    out.cs = static_cast<std::uint8_t>(cs);
    s.blanks();
    if (s.literal("{")) out.symbol = s.until("}");
    r = std::move(out);
    return true;
}

/// "PROCESSOR 0:50654 TIME 1530000000 SOCKET 1 APIC 2 microcode 2000043"; what is behind TIME may
/// be missing.
bool processor_line(Scan s, LoggedMce& r) {
    LoggedMce out = r;
    if (!literal(s, " ") || !decimal(s, out.vendor) || !literal(s, ":") || !hex(s, out.cpuid))
        return false;
    if (!literal(s, " time ") || !take(s.decimal(), out.time)) return false;
    if (literal(s, " socket ")) decimal(s, out.socket);
    if (literal(s, " apic ")) hex(s, out.apicid);
    if (literal(s, " microcode ")) hex(s, out.microcode);
    out.processor_known = true;
    r = std::move(out);
    return true;
}

/// "TSC 1000 ADDR 12345040 MISC 86 PPIN abc", any of them.
bool value_line(Scan s, LoggedMce& r) {
    bool any = false;
    while (!s.done()) {
        s.blanks();
        const std::string_view word = s.word();
        if (word.empty()) break;
        std::uint64_t* to = nullptr;
        for (const auto& [name, value] : {std::pair{"tsc", &r.tsc},
                                          {"addr", &r.addr},
                                          {"misc", &r.misc},
                                          {"ppin", &r.ppin},
                                          {"synd", &r.synd},
                                          {"ipid", &r.ipid}})
            if (word.size() == std::string_view(name).size() && find_word(word, name) == 0)
                to = value;
        s.blanks();
        std::uint64_t value = 0;
        Scan digits = s;
        if (!to || !hex(digits, value) || !at_end_of_word(digits)) {
            if (!any) return false;
            continue;
        }
        *to = value;
        s = digits;
        any = true;
    }
    return any;
}

/// The line without whose it is: "mce: [Hardware Error]: ", "EDAC skx MC3: ", "HARDWARE ERROR".
/// What begins with none of them still may be a line of a record: EDAC's debug output.
std::string_view body_of(std::string_view text) {
    Scan s(text);
    literal(s, "mce: ");
    if (!literal(s, "[hardware error]: ")) literal(s, "hardware error ");
    if (Scan edac = s; literal(edac, "edac ")) {
        edac.until(": ");
        s = edac;
    }
    s.blanks();
    return s.rest;
}

struct SameEvent {
    std::size_t operator()(const LoggedMce* r) const {
        std::size_t h = 0;
        for (const std::uint64_t v : {std::uint64_t{r->cpu}, static_cast<std::uint64_t>(r->bank),
                                      r->status, r->addr, r->tsc ? r->tsc : r->time})
            h = (h ^ std::hash<std::uint64_t>()(v)) * 0x9e3779b97f4a7c15;
        return h;
    }
    bool operator()(const LoggedMce* a, const LoggedMce* b) const {
        if (a->cpu != b->cpu || a->bank != b->bank || a->status != b->status ||
            a->addr != b->addr || a->tsc != b->tsc)
            return false;
        // Polled records have no TSC: the same error found again has another TIME.
        return a->tsc != 0 || a->time == b->time;
    }
};

}  // namespace

LoggedMce& MceRecords::begin(unsigned number, const LogLine& line) {
    LoggedMce r;
    r.line = number;
    r.clock = line.clock;
    r.us = line.us;
    if (line.clock == LogLine::Clock::boot) r.seconds = static_cast<double>(line.us) / 1e6;
    open_[line.caller] = records_.size();
    has_values_.push_back(false);
    return records_.emplace_back(std::move(r));
}

LoggedMce* MceRecords::open(const std::string& caller) {
    const auto at = open_.find(caller);
    return at == open_.end() ? nullptr : &records_[at->second];
}

bool MceRecords::line(unsigned number, const LogLine& line) {
    const std::string_view text = line.text;
    LoggedMce read;
    if (first_line(text, read)) {
        LoggedMce& r = begin(number, line);
        r.cpu = read.cpu;
        r.exception = read.exception;
        r.mcgstatus = read.mcgstatus;
        r.bank = read.bank;
        r.status = read.status;
        r.edac = find_word(text, "edac") != std::string_view::npos;
        return true;
    }
    const auto whole = [&](LoggedMce& from) {
        LoggedMce& r = begin(number, line);
        from.line = r.line;
        from.clock = r.clock;
        from.us = r.us;
        from.seconds = r.seconds;
        r = std::move(from);
    };
    read = LoggedMce{};
    if (trace_record(text, read)) {
        whole(read);
        close(line.caller);
        return true;
    }
    read = LoggedMce{};
    if (read_mcelog(text, false, read) == McelogLine::begin) {
        whole(read);
        return true;
    }
    LoggedMce* last = open(line.caller);
    if (!last) return false;
    if (!last->mcelog) return rest(text, line.caller);
    const McelogLine what = read_mcelog(text, true, *last);
    if (what == McelogLine::end) close(line.caller);
    return what != McelogLine::none;
}

/// Lines 2 to 4, in any order.
bool MceRecords::rest(std::string_view text, const std::string& caller) {
    LoggedMce& r = *open(caller);
    Scan s(body_of(text));
    // Some kernels print the symbol as a line of its own.
    if (Scan symbol = s; r.ip != 0 && r.symbol.empty() && symbol.literal("{") &&
                         symbol.rest.find("+0x") != std::string_view::npos) {
        r.symbol = symbol.until("}");
        return true;
    }
    if (literal(s, "rip")) return rip_line(s, r);
    if (literal(s, "processor")) {
        if (!processor_line(s, r)) return false;
        close(caller);
        return true;
    }
    for (const char* key : {"tsc ", "addr ", "misc ", "ppin ", "synd ", "ipid "})
        if (Scan value = s; literal(value, key)) {
            // EDAC's drivers print one value a line; print_mce() begins a line with TSC.
            const std::size_t index = open_.at(caller);
            if (key[0] == 't') {
                if (has_values_[index]) r.mixed = true;
                has_values_[index] = true;
            }
            return value_line(s, r);
        }
    return false;
}

std::vector<LoggedMce> MceRecords::take() {
    std::unordered_map<const LoggedMce*, std::size_t, SameEvent, SameEvent> first;
    for (std::size_t i = 0; i < records_.size(); ++i) {
        const auto [at, fresh] = first.emplace(&records_[i], i);
        if (!fresh) records_[i].repeats = at->second;
    }
    open_.clear();
    has_values_.clear();
    return std::move(records_);
}

std::vector<LoggedMce> parse_kernel_log(std::string_view text) {
    MceRecords records;
    for_each_log_line(text, [&](unsigned number, const LogLine& line) {
        if (!line.foreign) records.line(number, line);
    });
    return records.take();
}

}  // namespace mcemu::formats
