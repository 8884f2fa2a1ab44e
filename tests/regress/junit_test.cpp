// JUnit XML: what a reader sees.
#include "regress/junit.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <pugixml.hpp>
#include <regex>
#include <set>

#include "regress/folder.hpp"

namespace mcemu::regress {
namespace {

/// What readers of JUnit files allow: the schema "JUnit-10" of Jenkins' xUnit plugin.
struct Element {
    std::set<std::string> required, optional, children;
    bool text = false;
};
const std::map<std::string, Element> kSchema = {
    {"testsuites", {{}, {"name", "time", "tests", "failures", "errors"}, {"testsuite"}}},
    {"testsuite",
     {{"name", "tests", "failures", "errors"},
      {"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
      {"testsuite", "properties", "testcase", "system-out", "system-err"}}},
    {"testcase",
     {{"name"}, {"time", "classname", "group"},
      {"skipped", "error", "failure", "rerunFailure", "rerunError", "flakyFailure", "flakyError",
       "system-out", "system-err"}}},
    {"failure", {{}, {"type", "message"}, {}, true}},
    {"error", {{}, {"type", "message"}, {}, true}}};

/// Everything in which an element and those below it break that schema.
std::vector<std::string> violations(const pugi::xml_node& node) {
    std::vector<std::string> out;
    const std::string name = node.name();
    if (!kSchema.contains(name)) return {"no element " + name};
    const Element& element = kSchema.at(name);
    std::set<std::string> seen;
    for (const pugi::xml_attribute& a : node.attributes()) {
        if (!element.required.contains(a.name()) && !element.optional.contains(a.name()))
            out.push_back(name + " has no attribute " + a.name());
        if (!seen.insert(a.name()).second) out.push_back(name + " has two attributes " + a.name());
        // Of its type SUREFIRE_TIME; "1e-9" and "-1" are none.
        static const std::regex kTime(R"((([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?)");
        if (std::string_view(a.name()) == "time" && !std::regex_match(a.value(), kTime))
            out.push_back(name + "/time: " + a.value());
    }
    for (const std::string& required : element.required)
        if (!seen.contains(required)) out.push_back(name + " lacks " + required);
    for (const pugi::xml_node& child : node.children()) {
        if (child.type() == pugi::node_comment) continue;
        if (child.type() != pugi::node_element) {
            if (!element.text) out.push_back("text in " + name);
            continue;
        }
        if (!element.children.contains(child.name()))
            out.push_back(std::string(child.name()) + " in " + name);
        for (const std::string& below : violations(child)) out.push_back(below);
    }
    return out;
}

const std::vector<std::string> kNone;

TEST_CASE("what XML cannot hold is spelt out", "[regress][junit]") {
    CHECK(xml_text("a\tb\nc") == "a\tb\nc");
    CHECK(xml_text(std::string_view("a\0b\x1b", 4)) == "a\\x00b\\x1b");
    CHECK(xml_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80") == "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(xml_text("\xff\xc3") == "\\xff\\xc3");
    CHECK(xml_text("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
    CHECK(xml_text("\xef\xbf\xbf") == "\\xef\\xbf\\xbf");  // U+FFFF
    CHECK(xml_text("\xc0\x80") == "\\xc0\\x80");           // an overlong zero
}

TEST_CASE("a suite per file, a case per run, counts that add up", "[regress][junit]") {
    Folder folder;
    const RunnerOptions options;
    const std::string path = (folder.path / "j.xml").string();
    {
        JUnit junit(path, options);
        Job job{.file = "a \"b\" <c>.json", .name = "n&m"};
        Outcome ok;
        ok.end_ns = 1'500'000'001;
        junit.outcome(job, ok);
        Outcome failed;
        failed.status = Status::failed;
        failed.wrong = {"first <wrong>", "second"};
        failed.divergence = "at 1 ms: /expect/log/2";
        failed.outcome = "running";
        failed.profile = "v6.1";
        failed.seed = 9;
        job.cell = {{"va", "0x10"}};
        junit.outcome(job, failed);
        Outcome crashed;
        crashed.status = Status::crashed;
        crashed.wrong = {"its worker died of SIGSEGV"};
        junit.outcome({.file = "z.json", .name = "z"}, crashed);
        CHECK_FALSE(std::filesystem::exists(path));
        junit.end("");
    }
    pugi::xml_document document;
    REQUIRE(document.load_file(path.c_str()));
    const pugi::xml_node all = document.child("testsuites");
    CHECK(violations(all) == kNone);
    CHECK(all.next_sibling().empty());
    CHECK(all.attribute("tests").as_int() == 3);
    CHECK(all.attribute("failures").as_int() == 1);
    CHECK(all.attribute("errors").as_int() == 1);
    const pugi::xml_node suite = all.child("testsuite");
    CHECK(suite.attribute("name").as_string() == std::string("a \"b\" <c>.json"));
    CHECK(suite.attribute("tests").as_int() == 2);
    CHECK(suite.attribute("time").as_string() == std::string("1.500000001"));
    const pugi::xml_node second = suite.first_child().next_sibling();
    CHECK(second.attribute("name").as_string() == std::string("n&m [va=0x10]"));
    const pugi::xml_node failure = second.child("failure");
    CHECK(failure.attribute("message").as_string() == std::string("first <wrong>"));
    const std::string text = failure.text().as_string();
    for (const char* part : {"first <wrong>", "second", "first divergence at 1 ms: /expect/log/2", "seed 9",
                             "replay: mcemu run --matrix va=0x10 'a \"b\" <c>.json'"})
        CHECK(text.find(part) != std::string::npos);
    CHECK(suite.next_sibling().child("testcase").child("error").attribute("type").as_string() ==
          std::string("crashed"));
}

TEST_CASE("a suite that does not fit into memory is whole on disk", "[regress][junit]") {
    Folder folder;
    const RunnerOptions options;
    const std::string path = (folder.path / "j.xml").string();
    JUnit junit(path, options);
    Outcome failed;
    failed.status = Status::failed;
    failed.wrong = {std::string(40'000, 'x')};
    for (int i = 0; i < 100; ++i) junit.outcome({.file = "a.json", .name = std::to_string(i)}, failed);
    junit.end("");
    pugi::xml_document document;
    REQUIRE(document.load_file(path.c_str()));
    int next = 0;
    for (const pugi::xml_node& one : document.child("testsuites").child("testsuite").children("testcase"))
        CHECK(one.attribute("name").as_int() == next++);
    CHECK(next == 100);
}

TEST_CASE("whatever names and texts hold, readers can read it", "[regress][junit]") {
    Folder folder;
    const RunnerOptions options;
    const std::string path = (folder.path / "j.xml").string();
    JUnit junit(path, options);
    const std::string hostile[] = {"]]>", "<!--", "&amp;", "\x1b[31m", "\xff", "a\r\nb", "'\"", ""};
    for (const std::string& text : hostile)
        for (const Status status : {Status::ok, Status::failed, Status::differs, Status::timed_out,
                                    Status::crashed, Status::broken, Status::invalid}) {
            Outcome outcome;
            outcome.status = status;
            if (status != Status::ok) outcome.wrong = {text};
            outcome.divergence = text;
            outcome.events = {text};
            outcome.end_ns = ~std::uint64_t{0};
            junit.outcome({.file = "f" + text, .name = text, .cell = {{text, text}}}, outcome);
        }
    junit.end("interrupted --> here -- and there");
    pugi::xml_document document;
    REQUIRE(document.load_file(path.c_str()));
    CHECK(violations(document.child("testsuites")) == kNone);
    int tests = 0, bad = 0;
    for (const pugi::xml_node& suite : document.child("testsuites").children("testsuite")) {
        int cases = 0;
        for (const pugi::xml_node& one : suite.children("testcase")) {
            ++cases;
            if (one.first_child()) ++bad;
        }
        CHECK(suite.attribute("tests").as_int() == cases);
        tests += cases;
    }
    CHECK(tests == 56);
    CHECK(bad == 48);
    CHECK(document.child("testsuites").attribute("tests").as_int() == 56);
    CHECK(document.child("testsuites").attribute("failures").as_int() == 16);
    CHECK(document.child("testsuites").attribute("errors").as_int() == 32);
}

TEST_CASE("without an end the old file stays", "[regress][junit]") {
    Folder folder;
    const std::string path = folder.write("j.xml", "old");
    const RunnerOptions options;
    { JUnit junit(path, options); }
    CHECK(folder.read("j.xml") == "old");
}

}  // namespace
}  // namespace mcemu::regress
