#include "formats/boot_facts.hpp"

#include "formats/scan.hpp"

namespace mcemu::formats {

void boot_line(std::string_view text, unsigned number, BootFacts& b) {
    Scan s(text);
    if (s.literal("Linux version ")) {
        ++b.boots;
        b.version = s.word();
        b.version_line = number;
        Scan v(b.version);
        const auto major = v.decimal();
        b.major.reset();
        b.minor.reset();
        if (major && v.literal("."))
            if (const auto minor = v.decimal(); minor && *major < 1000 && *minor < 1000) {
                b.major = static_cast<unsigned>(*major);
                b.minor = static_cast<unsigned>(*minor);
            }
        // What was before is another boot's.
        b.usable.clear();
        b.persistent.clear();
    } else if (s.literal("BIOS-e820: ")) {
        // "[mem 0x100000-0xbf77ffff] usable"; before v3.5 "0000000000100000 - 00000000bf780000
        // (usable)", where the end is beyond the range; from v6.17 "[mem ...] System RAM".
        const bool bracket = s.literal("[mem ");
        const auto begin = s.hex();
        if (!begin || !s.literal(bracket ? "-" : " - ")) return;
        auto end = s.hex();
        if (!end || !s.literal(bracket ? "] " : " (")) return;
        if (bracket && *end != ~0ull) ++*end;
        if (*end <= *begin || *end == ~0ull) return;
        constexpr std::size_t kMost = 4096;
        if (b.usable.size() + b.persistent.size() > kMost) return;
        if (s.rest == "usable" || s.rest == "usable)" || s.rest.ends_with("System RAM"))
            b.usable.push_back({*begin, *end});
        else if (s.rest.starts_with("persistent"))
            b.persistent.push_back({*begin, *end});
    } else if (s.literal("Command line: ") || s.literal("Kernel command line: ")) {
        b.command_line.clear();
        while (!s.done()) {
            s.blanks();
            if (const std::string_view word = s.word(); !word.empty())
                b.command_line.emplace_back(word);
        }
    } else if (text.find("Brought up ") != std::string_view::npos) {
        // "smp: Brought up 2 nodes, 96 CPUs", "smp: Brought up 1 node, 4 CPUs"; "Brought up 8
        // CPUs".
        s.behind("Brought up ");
        const auto nodes = s.decimal();
        if (nodes && *nodes > 0 && s.literal(" CPU")) b.cpus = nodes;
        if (nodes && s.behind(", "))
            if (const auto cpus = s.decimal(); cpus && s.literal(" CPU") && *cpus > 0) {
                b.nodes = nodes;
                b.cpus = cpus;
            }
    } else if ((s.literal("mce: CPU supports ") || s.literal("mce: Using "))) {
        if (const auto banks = s.decimal(); banks && s.literal(" MCE banks")) b.banks = banks;
    }
}

}  // namespace mcemu::formats
