#pragma once  // A scenario of a test, from its text.
#include <memory>
#include <stdexcept>
#include <string>

#include "scenario/load.hpp"

namespace mcemu::test {

inline std::shared_ptr<scenario::LoadedScenario> loaded(const std::string& text,
                                                        scenario::LoadOptions options = {}) {
    scenario::LoadResult result = scenario::load_text("test.json", text, options);
    if (!result.loaded) throw std::runtime_error(scenario::to_text(result.findings.at(0)));
    return result.loaded;
}

/// A process whose page another event poisons at the very time at which it goes.
inline std::string racing(const std::string& exit_at) {
    return R"({"schema": "mcemu/scenario/1", "name": "racing",
  "processes": [{"id": "p", "pid": 9, "comm": "p", "mce_kill": "early",
                 "maps": [{"id": "m", "va": "0x10000000", "size": "4KiB", "kind": "anon",
                           "at": "0x5000000"}]}],
  "events": [{"id": "bad", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x5000"},
             {"id": "gone", "at": ")" +
           exit_at + R"(", "do": "exit", "process": "p"}],
  "expect": {"class": "recovered"}})";
}

}  // namespace mcemu::test
