// Hostile texts: everything ends in findings.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

TEST_CASE("64 levels of nesting are read", "[scenario][limits]") {
    std::string condition = "\"panic\"";
    for (int i = 0; i < 30; ++i) condition = "{\"any\": [" + condition + "]}";
    CHECK(told(document("\"expect\": {\"temporal\": [{\"never\": " + condition + "}]}")).empty());
}

TEST_CASE("more than 64 levels of nesting are refused", "[scenario][limits]") {
    CHECK(told(document("\"x\": " + nested(64))) ==
          "s.json:2:69: /x" + [] {
              std::string steps;
              for (int i = 0; i < 62; ++i) steps += "/0";
              return steps;
          }() + ": more than 64 levels of nesting: no scenario needs that many");
}

TEST_CASE("ten million brackets are refused as quickly", "[scenario][limits]") {
    const std::string answer = told(std::string(10'000'000, '['));
    CHECK(answer.find("more than 64 levels of nesting") != std::string::npos);
}

TEST_CASE("a byte order mark is refused", "[scenario][limits]") {
    CHECK(told("\xef\xbb\xbf{}") ==
          "s.json:1:1: /: the text begins with a byte order mark: save it as UTF-8 without one");
}

TEST_CASE("UTF-16 is refused", "[scenario][limits]") {
    CHECK(told("\xff\xfe{") == "s.json:1:1: /: the text is UTF-16: save it as UTF-8");
}

TEST_CASE("a zero byte is refused where it is", "[scenario][limits]") {
    CHECK(told(std::string("{}\n \0", 5)) ==
          "s.json:2:2: /: a zero byte: JSON is text: write \\u0000 if it is meant");
}

TEST_CASE("bytes that are not UTF-8 are refused where they are", "[scenario][limits]") {
    for (const char* bytes : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                              "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xff"}) {
        CAPTURE(bytes);
        CHECK(told("{\n\"" + std::string(bytes) + "\": 1}") ==
              "s.json:2:2: /: a byte that is not UTF-8: save the text as UTF-8");
    }
}

TEST_CASE("bytes that are not UTF-8 are refused in comments too", "[scenario][limits]") {
    CHECK(told("// \x80\n{}") == "s.json:1:4: /: a byte that is not UTF-8: save the text as UTF-8");
}

TEST_CASE("a string of more than 64 KiB is refused", "[scenario][limits]") {
    CHECK(told(document("\"description\": \"" + std::string(65537, 'a') + "\"")) ==
          "s.json:2:16: /description: a string of 65537 bytes: at most 65536 bytes");
}

TEST_CASE("parameters do not make strings of more than 64 KiB", "[scenario][limits]") {
    std::string uses;
    for (int i = 0; i < 70; ++i) uses += "${a}";
    CHECK(told(document("\"params\": {\"a\": \"" + std::string(1000, 'a') +
                        "\"},\n\"description\": \"" + uses + "\"")) ==
          "s.json:3:16: /description: the parameters make this string too long: at most 65536 bytes");
}

TEST_CASE("findings beyond the first thousand are counted only", "[scenario][limits]") {
    std::string items = "1";
    for (int i = 1; i < 1500; ++i) items += ",1";
    LoadOptions options;
    options.purpose = Purpose::check;
    const LoadResult result = load_text("s.json", document("\"tags\": [" + items + "]"), options);
    CHECK(result.findings.size() == 1000);
    CHECK(result.left_out == 500);
}

TEST_CASE("a file that is not there is a finding", "[scenario][limits]") {
    const LoadResult result = load_file("/nowhere/s.json");
    REQUIRE(result.findings.size() == 1);
    CHECK(to_text(result.findings[0]) ==
          "/nowhere/s.json:1:1: /: cannot be read: No such file or directory");
    CHECK(result.unreadable);
}

TEST_CASE("a folder is no scenario", "[scenario][limits]") {
    const LoadResult result = load_file("/");
    REQUIRE(result.findings.size() == 1);
    CHECK(to_text(result.findings[0]) == "/:1:1: /: cannot be read: it is a folder: name a file in it");
}

}  // namespace
}  // namespace mcemu::scenario
