// docs/scenario.md: its reference is what the shapes say, its examples are scenarios.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "scenario/reference.hpp"
#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

const std::string kPage = std::string(MCEMU_SOURCE_DIR) + "/docs/scenario.md";
constexpr std::string_view kMark = "<!-- Below: made from the shapes. MCEMU_REFRESH=1 writes it anew. -->\n";

std::string page() {
    std::ifstream file(kPage);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST_CASE("the reference of scenarios is what the shapes say", "[scenario][docs]") {
    const std::string text = page();
    const std::size_t mark = text.find(kMark);
    REQUIRE(mark != std::string::npos);
    if (std::getenv("MCEMU_REFRESH") != nullptr)
        std::ofstream(kPage) << text.substr(0, mark + kMark.size()) << reference();
    INFO("run with MCEMU_REFRESH=1 and look at the difference");
    CHECK((std::getenv("MCEMU_REFRESH") != nullptr || text.substr(mark + kMark.size()) == reference()));
}

TEST_CASE("every example of the page is a scenario without findings", "[scenario][docs]") {
    const std::string text = page();
    const std::string fence = "```jsonc\n";
    std::size_t examples = 0;
    for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
        at += fence.size();
        const std::string example = text.substr(at, text.find("```", at) - at);
        CAPTURE(example);
        CHECK(told(example).empty());
        ++examples;
    }
    CHECK(examples >= 3);
}

TEST_CASE("every finding that the page shows is told", "[scenario][docs]") {
    const std::string text = page();
    CHECK(text.find(told(R"({
  "schema": "mcemu/scenario/1", "name": "typo",
  "machine": { "cpus": { "cores": "4" } },
  "events": [ { "at": "1ms", "do": "madvice" } ]
})")) != std::string::npos);
}

}  // namespace
}  // namespace mcemu::scenario
