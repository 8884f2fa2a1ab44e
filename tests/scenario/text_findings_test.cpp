// What the text itself may be. Every finding with its exact text and position.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

TEST_CASE("an empty file holds no JSON", "[scenario][text]") {
    CHECK(told("") ==
          "s.json:1:1: /: there is no JSON here: a scenario begins with { \"schema\": "
          "\"mcemu/scenario/1\", ...");
}

TEST_CASE("a file of comments only holds no JSON", "[scenario][text]") {
    CHECK(told(R"(// nothing
/* here */
)") ==
          "s.json:3:1: /: there is no JSON here: a scenario begins with { \"schema\": "
          "\"mcemu/scenario/1\", ...");
}

TEST_CASE("an unclosed object ends too early", "[scenario][text]") {
    CHECK(told(R"({"a": 1)") ==
          "s.json:1:8: /: the JSON ends too early: expected } of the object");
}

TEST_CASE("an unclosed array ends too early", "[scenario][text]") {
    CHECK(told(R"({"a": [1, 2)") ==
          "s.json:1:12: /a: the JSON ends too early: expected ] of the array");
}

TEST_CASE("a comma before a brace is named", "[scenario][text]") {
    CHECK(told(R"({"a": 1,
})") ==
          "s.json:1:8: /: a comma before }: remove the comma");
}

TEST_CASE("a comma before a bracket is named", "[scenario][text]") {
    CHECK(told(R"({"a": [1, ]})") ==
          "s.json:1:9: /a: a comma before ]: remove the comma");
}

TEST_CASE("a second comma is a syntax error at its place", "[scenario][text]") {
    CHECK(told(R"({"a": [1,, 2]})") ==
          "s.json:1:10: /a: JSON syntax: unexpected ',': expected '[', '{', or a literal");
}

TEST_CASE("a missing colon is a syntax error at its place", "[scenario][text]") {
    CHECK(told(R"({"a" 1})") ==
          "s.json:1:6: /: JSON syntax: unexpected number literal: expected ':'");
}

TEST_CASE("a missing comma is a syntax error at its place", "[scenario][text]") {
    CHECK(told(R"({"a": 1 "b": 2})") ==
          "s.json:1:9: /: a comma is missing here: separate members and items by commas");
}

TEST_CASE("a key without quotes is a syntax error at its place", "[scenario][text]") {
    CHECK(told("{a: 1}") ==
          "s.json:1:2: /: a word without quotes: write it in double quotes; only true, false "
          "and null go without");
}

TEST_CASE("a line break inside a string is told where it is", "[scenario][text]") {
    CHECK(told(R"({"a": "b
c"})") ==
          "s.json:1:9: /: JSON syntax: invalid string: control character U+000A (LF) must be "
          "escaped to \\u000A or \\n: see RFC 8259");
}

TEST_CASE("an unknown escape is told where it is", "[scenario][text]") {
    CHECK(told(R"({"a": "b\qc"})") ==
          "s.json:1:10: /: JSON syntax: invalid string: forbidden character after backslash: "
          "see RFC 8259");
}

TEST_CASE("text behind the document is a syntax error", "[scenario][text]") {
    CHECK(told("{} {}") ==
          "s.json:1:4: /: JSON syntax: unexpected '{': expected end of input");
}

TEST_CASE("an unclosed comment is a syntax error", "[scenario][text]") {
    CHECK(told("{} /* never closed") ==
          "s.json:1:4: /: JSON syntax: invalid comment; missing closing '*/': see RFC 8259");
}

TEST_CASE("a number beyond doubles is refused", "[scenario][text]") {
    CHECK(told(R"({"seed": 1e999})") ==
          "s.json:1:10: /: a number beyond the range of 64-bit floating point: at most "
          "18446744073709551615");
}

TEST_CASE("a leading zero is a syntax error", "[scenario][text]") {
    CHECK(told(R"({"seed": 01})") ==
          "s.json:1:11: /: a number with a leading zero: write it without, or in quotes as "
          "\"0x...\"");
}

TEST_CASE("a duplicate key is told at its second place", "[scenario][text]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "t", "events": [],
 "name": "u"})") ==
          "s.json:2:2: /name: the key \"name\" stands here again: a key may stand once in an "
          "object");
}

TEST_CASE("duplicate keys are told however deep they are", "[scenario][text]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "t", "events": [],
 "machine": {"cpus": {"cores": 1, /* again */ "cores": 2}}})") ==
          "s.json:2:47: /machine/cpus/cores: the key \"cores\" stands here again: a key may "
          "stand once in an object");
}

TEST_CASE("a document that is no object is refused", "[scenario][text]") {
    CHECK(told("[1]") ==
          "s.json:1:1: /: an array stands here: a scenario is an object");
}

TEST_CASE("positions count characters, not bytes", "[scenario][text]") {
    CHECK(told(R"({"schema": "mcemu/scenario/1", "name": "äöü", "evens": [], "events": []})") ==
          "s.json:1:47: /evens: unknown key \"evens\": did you mean \"events\"?");
}

TEST_CASE("keys with slashes and tildes are escaped in the pointer", "[scenario][text]") {
    CHECK(told(document(R"("a/b~c": 1)")) ==
          "s.json:2:1: /a~1b~0c: unknown key \"a/b~c\": known keys are \"$schema\", \"schema\", "
          "\"name\", \"description\", \"tags\", \"seed\", \"until\", \"include\", \"boots_on\", \"params\", \"matrix\", "
          "\"kernel\", \"machine\", \"files\", \"kernel_pages\", \"processes\", \"events\", \"expect\"");
}

TEST_CASE("control characters of a key never reach the terminal", "[scenario][text]") {
    CHECK(told(document(R"("a\u001bb": 1)")) ==
          "s.json:2:1: /a?b: unknown key \"a\\u001bb\": known keys are \"$schema\", \"schema\", "
          "\"name\", \"description\", \"tags\", \"seed\", \"until\", \"include\", \"boots_on\", \"params\", \"matrix\", "
          "\"kernel\", \"machine\", \"files\", \"kernel_pages\", \"processes\", \"events\", \"expect\"");
}

}  // namespace
}  // namespace mcemu::scenario
