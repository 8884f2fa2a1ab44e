// Editing JSON as text, and the difference that is shown.
#include <catch2/catch.hpp>

#include "regress/difference.hpp"
#include "regress/json_text.hpp"
#include "regress/update.hpp"

namespace mcemu::regress {
namespace {

std::string_view value_at(std::string_view text, std::size_t offset) {
    return text.substr(offset, end_of_value(text, offset) - offset);
}

TEST_CASE("the end of a value is behind its last character", "[regress][update]") {
    CHECK(value_at("12, 3", 0) == "12");
    CHECK(value_at("-1.5e3}", 0) == "-1.5e3");
    CHECK(value_at("7// seven", 0) == "7");
    CHECK(value_at(R"("a\"]}b" ])", 0) == R"("a\"]}b")");
    CHECK(value_at(R"([1, "]", {"a": [2]} /* ] */ ], 3)", 0) == R"([1, "]", {"a": [2]} /* ] */ ])");
    CHECK(value_at("true", 0) == "true");
}

std::string without(const std::string& text, const std::string& what) {
    const std::size_t begin = text.find(what);
    return edited(text, {removal(text, begin, begin + what.size())});
}

TEST_CASE("what is left out takes its comma along, and its line", "[regress][update]") {
    CHECK(without(R"({"a": 1, "b": 2})", R"("a": 1)") == R"({"b": 2})");
    CHECK(without(R"({"a": 1, "b": 2})", R"("b": 2)") == R"({"a": 1})");
    CHECK(without(R"({"a": 1})", R"("a": 1)") == "{}");
    CHECK(without("{\n  \"a\": 1,\n  \"b\": 2\n}", R"("a": 1)") == "{\n  \"b\": 2\n}");
    CHECK(without("{\n  \"a\": 1,  // one\n  \"b\": 2\n}", R"("b": 2)") == "{\n  \"a\": 1  // one\n}");
    CHECK(without("{\"a\": \"x,\", // one\n \"b\": 2}", R"("b": 2)") == "{\"a\": \"x,\" // one\n}");
}

TEST_CASE("a list is written as the old one was", "[regress][update]") {
    const std::string one = R"([ "a", "b" ])";
    CHECK(written({"x"}, one, 0, one.size()) == R"([ "x" ])");
    const std::string many = "{\n  \"log\": [\n      \"a\",\n      \"b\"\n  ]\n}";
    const std::size_t begin = many.find('[');
    CHECK(written({"x", "y", "z"}, many, begin, end_of_value(many, begin)) ==
          "[\n      \"x\",\n      \"y\",\n      \"z\"\n  ]");
}

TEST_CASE("a difference is what diff -u says", "[regress][update]") {
    CHECK(difference("f", "a\nb\n", "a\nb\n").empty());
    CHECK(difference("f", "1\n2\n3\n4\n5\n6\n7\n8\n", "1\n2\n3\n4\nx\n6\n7\n8\n") ==
          "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
    CHECK(difference("f", "a", "b") ==
          "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+b\n"
          "\\ No newline at end of file\n");
}

TEST_CASE("changes far apart are pieces of their own", "[regress][update]") {
    std::string before, after;
    for (int i = 1; i <= 30; ++i) {
        before += std::to_string(i) + "\n";
        after += i == 5 ? "five\n" : i == 25 ? "" : std::to_string(i) + "\n";
    }
    const std::string text = difference("f", before, after);
    CHECK(text.find("@@ -2,7 +2,7 @@\n") != std::string::npos);
    CHECK(text.find("@@ -22,7 +22,6 @@\n") != std::string::npos);
}

}  // namespace
}  // namespace mcemu::regress
