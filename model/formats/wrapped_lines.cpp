#include "formats/wrapped_lines.hpp"

#include <algorithm>
#include <initializer_list>
#include <iterator>

#include "formats/scan.hpp"

namespace mcemu::formats {
namespace {

bool has(std::string_view text, std::string_view word) {
    return text.find(word) != std::string_view::npos;
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view w) { return text.ends_with(w); });
}

/// Of print_mce().
bool of_record(std::string_view text) {
    if (ends_with_any(text, {" TSC", " ADDR", " MISC", " PPIN", " SYND", " IPID", " PROCESSOR",
                             " TIME", " SOCKET", " APIC", " microcode"}))
        return true;
    const std::size_t at = text.find(": Machine Check");
    if (at == std::string_view::npos) return false;
    // Behind it: " Exception: 5 Bank 1: be00000000800400".
    Scan s(text.substr(at + 15));
    if (s.done()) return true;
    if (!s.literal(":") && !s.literal(" Exception:") && !s.literal(" Event:"))
        return s.rest == " Exception" || s.rest == " Event";
    s.blanks();
    if (s.done()) return true;
    if (!s.hex()) return false;
    s.blanks();
    if (s.done()) return true;
    if (!s.literal("Bank")) return false;
    s.blanks();
    if (s.done()) return true;
    s.literal("-");
    if (!s.decimal()) return false;
    s.literal(":");
    s.blanks();
    return s.done();
}

/// Of memory_failure() and madvise().
bool of_page(std::string_view text) {
    if (text.starts_with("Memory failure: 0x") || text.starts_with("MCE 0x")) {
        if (text.ends_with(":")) return true;
        if (has(text, ": recovery action for ")) return text.rfind(": ") < text.find(" for ");
        if (has(text, "Killing ") || has(text, "Sending SIGBUS to "))
            return !text.ends_with("corruption");
        if (has(text, "forcibly killing ")) return !text.ends_with("page");
        return false;
    }
    if (text.starts_with("Injecting memory failure for ") || text.starts_with("Soft offlining "))
        return !has(text, " at ") ||
               ends_with_any(text, {" at", " process", " virtual", " address"});
    return ends_with_any(
        text, {"hardware memory error in user-access at", "hardware memory error in user-access"});
}

}  // namespace

bool unfinished(std::string_view text) {
    if (of_page(text)) return true;
    if (text.starts_with("EDAC MC") && (has(text, " CE ") || has(text, " UE ")))
        return has(text, "(") && !text.ends_with(")");
    if (text.starts_with("x86/PAT: ") && has(text, " conflicting memory types"))
        return !has(text, "<->") || text.ends_with("<->");
    return (has(text, "[Hardware Error]: ") || has(text, "Machine Check")) && of_record(text);
}

bool continues(const LogLine& line) {
    if (!line.bare || line.foreign || line.text.empty()) return false;
    static constexpr std::string_view kBegins[] = {"mce: ",
                                                   "MCE",
                                                   "[Hardware Error]",
                                                   "Memory failure: ",
                                                   "EDAC ",
                                                   "x86/PAT: ",
                                                   "{",
                                                   "CPU ",
                                                   "RIP ",
                                                   "TSC ",
                                                   "Kernel panic",
                                                   "PROCESSOR ",
                                                   "HARDWARE",
                                                   "Injecting "};
    return std::none_of(std::begin(kBegins), std::end(kBegins),
                        [&](std::string_view b) { return line.text.starts_with(b); });
}

}  // namespace mcemu::formats
