// JUnit XML: what a reader sees.
#include "regress/junit.hpp"

#include <catch2/catch.hpp>
#include <pugixml.hpp>

#include "regress/folder.hpp"

namespace mcemu::regress {
namespace {

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

TEST_CASE("without an end the old file stays", "[regress][junit]") {
    Folder folder;
    const std::string path = folder.write("j.xml", "old");
    const RunnerOptions options;
    { JUnit junit(path, options); }
    CHECK(folder.read("j.xml") == "old");
}

}  // namespace
}  // namespace mcemu::regress
