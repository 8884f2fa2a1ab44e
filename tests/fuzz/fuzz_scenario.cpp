// Whatever a file holds, the reader answers with findings or with a scenario, and never crashes.
//
// Lines that begin with "//set " are given as --set too; for JSON they are comments. The only file
// that can be included is "x", which holds the text itself.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "scenario/load.hpp"

namespace {

void require(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "fuzz_scenario: %s\n", what);
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mcemu::scenario;
    const std::string text(reinterpret_cast<const char*>(data), size);

    LoadOptions options;
    options.purpose = Purpose::check;
    options.read_file = [&](const std::string& path) -> ReadText {
        if (path == "x") return {text, {}};
        return {std::nullopt, "No such file or directory"};
    };
    constexpr std::string_view kSet = "//set ";
    for (std::size_t line = 0; line < text.size() && options.overrides.set.size() < 8;) {
        const std::size_t end = std::min(text.find('\n', line), text.size());
        if (text.compare(line, kSet.size(), kSet) == 0)
            options.overrides.set.push_back(text.substr(line + kSet.size(), end - line - kSet.size()));
        line = end + 1;
    }

    const LoadResult result = load_text("s.json", text, options);
    require((result.loaded == nullptr) == !result.findings.empty(), "neither findings nor a scenario");
    for (const Finding& finding : result.findings)
        require(to_text(finding).find('\n') == std::string::npos, "a finding of two lines");
    require(!to_sarif(result.findings, "0").empty(), "no SARIF");
    if (result.loaded) {
        require(!result.loaded->document().dump().empty(), "no document");
        require(!result.loaded->where("/events/0/id").empty(), "no place");
    }
    return 0;
}
