#include "formats/kernel_log.hpp"

#include <algorithm>
#include <regex>

namespace mcemu::formats {
namespace {

using Match = std::match_results<std::string::const_iterator>;

std::uint64_t hex_of(const std::string& digits) { return std::stoull(digits, nullptr, 16); }
std::uint32_t hex32(const std::string& digits) {
    return static_cast<std::uint32_t>(hex_of(digits));
}

// Numbers are hexadecimal, with or without 0x; CPU, bank, TIME and SOCKET are decimal.
#define HEX "(?:0x)?([0-9a-f]{1,16})"
const std::regex kFirst("CPU ([0-9]{1,9}): Machine Check( Exception| Event)?: *" HEX
                        " Bank (-?[0-9]{1,9}): *" HEX,
                        std::regex::icase);
const std::regex kRip("RIP( !INEXACT!)? " HEX ":<" HEX ">(?: *\\{([^}]*)\\})?", std::regex::icase);
const std::regex kValue("\\b(TSC|ADDR|MISC|PPIN|SYND|IPID) " HEX "\\b", std::regex::icase);
const std::regex kProcessor("PROCESSOR ([0-9]{1,3}):" HEX
                            " TIME ([0-9]{1,19})"
                            "(?: SOCKET ([0-9]{1,9}))?(?: APIC " HEX ")?(?: microcode " HEX ")?",
                            std::regex::icase);
const std::regex kTrace("CPU: ([0-9]{1,9}), MCGc/s: " HEX "/" HEX ", MC([0-9]{1,3}): " HEX
                        "(?:, IPID: " HEX ")?, ADDR/MISC(?:/SYND)?: " HEX "/" HEX "(?:/" HEX
                        ")?"
                        ", RIP: " HEX ":<" HEX ">, TSC: " HEX ", PROCESSOR: ([0-9]{1,3}):" HEX
                        ", TIME: ([0-9]{1,19}), SOCKET: ([0-9]{1,9}), APIC: " HEX,
                        std::regex::icase);
const std::regex kStamp("\\[ *([0-9]{1,12}\\.[0-9]{1,9})\\]");
#undef HEX

bool same_event(const LoggedMce& a, const LoggedMce& b) {
    return a.cpu == b.cpu && a.bank == b.bank && a.status == b.status && a.addr == b.addr &&
           a.tsc == b.tsc;
}

class Reader {
public:
    std::vector<LoggedMce> run(std::string_view text) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            ++number_;
            // Longer lines are no records, and the expressions recurse over what they match.
            constexpr std::size_t kLongest = 4096;
            line(std::string(text.substr(at, std::min(end - at, kLongest))));
            at = end + 1;
        }
        for (std::size_t i = 0; i < records_.size(); ++i)
            for (std::size_t k = 0; k < i && !records_[i].repeats; ++k)
                if (same_event(records_[i], records_[k])) records_[i].repeats = k;
        return std::move(records_);
    }

private:
    void line(const std::string& text) {
        // No other line has these words: the expressions need not be tried on every line.
        const auto has = [&text](const char* word) { return text.find(word) != std::string::npos; };
        Match m;
        if ((has("Check") || has("CHECK") || has("check")) && std::regex_search(text, m, kFirst))
            first(text, m);
        else if (has("MCGc/s") && std::regex_search(text, m, kTrace))
            trace(text, m);
        else if (!records_.empty() && !closed_)
            rest(text);
    }

    LoggedMce& begin(const std::string& text) {
        LoggedMce r;
        r.line = number_;
        Match m;
        if (std::regex_search(text, m, kStamp)) r.seconds = std::stod(m[1]);
        closed_ = false;
        return records_.emplace_back(r);
    }

    void first(const std::string& text, const Match& m) {
        LoggedMce& r = begin(text);
        r.cpu = static_cast<std::uint32_t>(std::stoul(m[1]));
        r.exception = m[2].matched && m[2].str().size() == std::string_view(" Exception").size();
        r.mcgstatus = hex_of(m[3]);
        r.bank = std::stoi(m[4]);
        r.status = hex_of(m[5]);
    }

    /// Lines 2 to 4, in any order.
    void rest(const std::string& text) {
        LoggedMce& r = records_.back();
        Match m;
        if (text.find("RIP") != std::string::npos && std::regex_search(text, m, kRip)) {
            r.inexact = m[1].matched;
            r.cs = static_cast<std::uint8_t>(hex_of(m[2]));
            r.ip = hex_of(m[3]);
            if (m[4].matched) r.symbol = m[4];
        } else if (text.find("PROCESSOR") != std::string::npos &&
                   std::regex_search(text, m, kProcessor)) {
            r.processor_known = true;
            r.vendor = static_cast<std::uint32_t>(std::stoul(m[1]));
            r.cpuid = hex32(m[2]);
            r.time = std::stoull(m[3]);
            if (m[4].matched) r.socket = static_cast<std::uint32_t>(std::stoul(m[4]));
            if (m[5].matched) r.apicid = hex32(m[5]);
            if (m[6].matched) r.microcode = hex32(m[6]);
            closed_ = true;
        } else {
            values(text, r);
        }
    }

    static void values(const std::string& text, LoggedMce& r) {
        for (std::sregex_iterator it(text.begin(), text.end(), kValue), end; it != end; ++it) {
            const std::string key = (*it)[1];
            const std::uint64_t value = hex_of((*it)[2]);
            if (key == "TSC")
                r.tsc = value;
            else if (key == "ADDR")
                r.addr = value;
            else if (key == "MISC")
                r.misc = value;
            else if (key == "PPIN")
                r.ppin = value;
            else if (key == "SYND")
                r.synd = value;
            else if (key == "IPID")
                r.ipid = value;
        }
    }

    void trace(const std::string& text, const Match& m) {
        LoggedMce& r = begin(text);
        r.cpu = static_cast<std::uint32_t>(std::stoul(m[1]));
        r.mcgcap = hex_of(m[2]);
        r.mcgstatus = hex_of(m[3]);
        r.exception = (r.mcgstatus >> 2) & 1;
        r.bank = std::stoi(m[4]);
        r.status = hex_of(m[5]);
        if (m[6].matched) r.ipid = hex_of(m[6]);
        r.addr = hex_of(m[7]);
        r.misc = hex_of(m[8]);
        if (m[9].matched) r.synd = hex_of(m[9]);
        r.cs = static_cast<std::uint8_t>(hex_of(m[10]));
        r.ip = hex_of(m[11]);
        r.tsc = hex_of(m[12]);
        r.processor_known = true;
        r.vendor = static_cast<std::uint32_t>(std::stoul(m[13]));
        r.cpuid = hex32(m[14]);
        r.time = std::stoull(m[15]);
        r.socket = static_cast<std::uint32_t>(std::stoul(m[16]));
        r.apicid = hex32(m[17]);
        closed_ = true;
    }

    std::vector<LoggedMce> records_;
    unsigned number_ = 0;
    bool closed_ = true;  // the record's last line was there
};

}  // namespace

std::vector<LoggedMce> parse_kernel_log(std::string_view text) { return Reader().run(text); }

}  // namespace mcemu::formats
