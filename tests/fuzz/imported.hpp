#pragma once  // What every importer promises.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "scenario/imported.hpp"
#include "scenario/load.hpp"

/// Findings, or a scenario that passes the check; everything in it can be written as JSON.
inline int check_imported(const mcemu::scenario::Imported& out) {
    using namespace mcemu::scenario;
    const bool good = out.scenario.has_value() == out.findings.empty() &&
                      (!out.scenario || load_text("s.json", out.scenario->dump(2)).loaded);
    for (const SeenLine& line : out.seen) static_cast<void>(line.want.dump());
    if (good) return 0;
    std::fputs("neither findings nor a good scenario\n", stderr);
    std::abort();
}

inline std::string text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}
