// What a loaded scenario tells its users, and findings in other formats.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("a pointer leads back to its place in the text", "[scenario][report]") {
    const auto s = loaded(document("\"expect\": {\"log\": [\n\"a\",\n  \"b\"]}"));
    CHECK(s->where("/expect/log/1") == "s.json:4:3");
    CHECK(s->where("/expect/log/9") == "s.json:2:19");
    CHECK(s->where("") == "s.json:1:1");
}

TEST_CASE("a pointer leads back to the option that set its value", "[scenario][report]") {
    LoadOptions options;
    options.overrides.set = {"/expect={\"outcome\": \"panic\"}"};
    CHECK(loaded(document("\"seed\": 1"), options)->where("/expect/outcome") == "--set 1");
}

TEST_CASE("expectations are handed on as they stand", "[scenario][report]") {
    const auto s = loaded(document(R"("expect": {"outcome": "running", "counters": {"cmci": 2}})"));
    CHECK(s->expect == nlohmann::json{{"outcome", "running"}, {"counters", {{"cmci", 2}}}});
}

TEST_CASE("a scenario without expectations expects nothing", "[scenario][report]") {
    CHECK(loaded(document("\"seed\": 1"))->expect == nlohmann::json::object());
}

TEST_CASE("name, description and tags are handed on", "[scenario][report]") {
    const auto s = loaded(document(R"("description": "d", "tags": ["a"])"));
    CHECK(s->meta == nlohmann::json{{"name", "t"}, {"description", "d"}, {"tags", {"a"}}});
}

TEST_CASE("the whole document is handed on with its parameters filled in", "[scenario][report]") {
    const auto s = loaded(document(R"("params": {"n": 5}, "seed": "${n}")"));
    CHECK(s->document()["seed"] == 5);
}

TEST_CASE("SARIF names file, line, column and pointer of every finding", "[scenario][report]") {
    const auto result = load_text("a b.json", document("\"sed\": 1"));
    const auto log = nlohmann::json::parse(to_sarif(result.findings, "1.2"));
    CHECK(log["version"] == "2.1.0");
    CHECK(log["runs"][0]["tool"]["driver"]["version"] == "1.2");
    REQUIRE(log["runs"][0]["results"].size() == 1);
    const auto& one = log["runs"][0]["results"][0];
    CHECK(one["level"] == "error");
    CHECK(one["message"]["text"] == "unknown key \"sed\": did you mean \"seed\"?");
    const auto& at = one["locations"][0];
    CHECK(at["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.json");
    CHECK(at["physicalLocation"]["region"] == nlohmann::json{{"startLine", 2}, {"startColumn", 1}});
    CHECK(at["logicalLocations"][0]["fullyQualifiedName"] == "/sed");
}

TEST_CASE("SARIF of no findings is a log without results", "[scenario][report]") {
    const auto log = nlohmann::json::parse(to_sarif({}, "1.2"));
    CHECK(log["runs"][0]["results"] == nlohmann::json::array());
}

TEST_CASE("findings are sorted by place and told once", "[scenario][report]") {
    CHECK(told(document("\"b\": 1, \"seed\": \"x\", \"a\": 1")).find("/b: ") <
          told(document("\"b\": 1, \"seed\": \"x\", \"a\": 1")).find("/a: "));
}

TEST_CASE("a control character in a file name does not reach the terminal", "[scenario][report]") {
    CHECK(to_text({"a\nb", 1, 2, "/c", "d", "e"}) == "a?b:1:2: /c: d: e");
}

}  // namespace
}  // namespace mcemu::scenario
