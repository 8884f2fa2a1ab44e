#include "core/fidelity/fidelity.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace {

namespace fidelity = mcemu::fidelity;
using fidelity::Check;

const std::filesystem::path kTree = MCEMU_SOURCE_DIR;

std::string text_of(const std::string& file) {
    std::ifstream in(kTree / file);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// The data members of `structure`, as its header declares them.
std::set<std::string> members(const std::string& header, const std::string& structure) {
    const std::string text = text_of(header);
    const std::size_t begin = text.find("struct " + structure + " {");
    REQUIRE(begin != std::string::npos);
    std::string body = text.substr(begin, text.find("\n};", begin) - begin);
    body = body.substr(body.find('{') + 1);
    body = std::regex_replace(body, std::regex("//[^\n]*"), "");
    body = std::regex_replace(body, std::regex("<[^<>]*>"), "");
    std::set<std::string> names;
    std::istringstream declarations(body);
    for (std::string one; std::getline(declarations, one, ';');) {
        if (one.find('(') != std::string::npos) continue;  // a member function
        one = std::regex_replace(one, std::regex("\\{[^}]*\\}"), "");
        // "type a = 1, b": the last word before each '=' or ','.
        std::istringstream parts(one);
        for (std::string part; std::getline(parts, part, ',');) {
            std::smatch name;
            part = part.substr(0, part.find('='));
            if (std::regex_search(part, name, std::regex("(\\w+)\\s*$"))) names.insert(name[1]);
        }
    }
    return names;
}

std::set<std::string> knobs_of(const std::string& prefix) {
    std::set<std::string> named;
    for (const fidelity::Subject& subject : fidelity::subjects())
        for (const fidelity::Rule& rule : subject.rules)
            for (const std::string_view knob : fidelity::words(rule.knobs)) {
                const std::string word(knob);
                if (prefix.empty() ? word.find('.') == std::string::npos : word.starts_with(prefix))
                    named.insert(word.substr(prefix.size()));
            }
    return named;
}

}  // namespace

TEST_CASE("every record and scenario that a rule names exists", "[core][fidelity]") {
    for (const fidelity::Subject& subject : fidelity::subjects())
        for (const fidelity::Rule& rule : subject.rules)
            for (const std::string_view word : fidelity::words(rule.evidence))
                for (const std::string& path : fidelity::paths(word)) {
                    INFO(rule.rule << ": " << path);
                    CHECK(std::filesystem::is_regular_file(kTree / path));
                }
}

TEST_CASE("a rule checked by record names one, any other names none", "[core][fidelity]") {
    for (const fidelity::Subject& subject : fidelity::subjects()) {
        CHECK_FALSE(subject.rules.empty());
        for (const fidelity::Rule& rule : subject.rules) {
            INFO(rule.rule);
            CHECK_FALSE(rule.source.empty());
            bool record = false;
            for (const std::string_view word : fidelity::words(rule.evidence))
                record = record || !word.starts_with("scenarios/");
            CHECK(record == (rule.check == Check::record));
        }
    }
}

TEST_CASE("no rule stands twice", "[core][fidelity]") {
    std::set<std::string_view> seen;
    for (const fidelity::Subject& subject : fidelity::subjects())
        for (const fidelity::Rule& rule : subject.rules) {
            INFO(subject.name << ": " << rule.rule);
            CHECK(seen.insert(rule.rule).second);
        }
}

TEST_CASE("every difference between profiles belongs to a rule", "[core][fidelity]") {
    std::set<std::string> wanted = members("model/core/kernel/profile.hpp", "Profile");
    for (const char* name : {"id", "name", "release", "what"}) CHECK(wanted.erase(name) == 1);
    CHECK(wanted == knobs_of(""));
}

TEST_CASE("every knob of kernel and machine checks belongs to a rule", "[core][fidelity]") {
    std::set<std::string> kernel = members("model/core/config.hpp", "KernelConfig");
    CHECK(kernel.erase("profile") == 1);
    CHECK(kernel == knobs_of("KernelConfig."));
    CHECK(members("model/core/config.hpp", "McaConfig") == knobs_of("McaConfig."));
    for (const char* other : {"NvdimmConfig", "MachineConfig"}) {
        const std::set<std::string> known = members("model/core/config.hpp", other);
        for (const std::string& knob : knobs_of(std::string(other) + ".")) {
            INFO(other << "." << knob);
            CHECK(known.contains(knob));
        }
    }
}

TEST_CASE("the shorthand of records means the kernels it says", "[core][fidelity]") {
    using List = std::vector<std::string>;
    CHECK(fidelity::paths("4.19/a") == List{"tests/data/oracle/linux-4.19/a.json"});
    CHECK(fidelity::paths("4.x/a") ==
          List{"tests/data/oracle/linux-4.18/a.json", "tests/data/oracle/linux-4.19/a.json"});
    CHECK(fidelity::paths("all/a").size() == 3);
    CHECK(fidelity::paths("scenarios/x/y.json") == List{"scenarios/x/y.json"});
    CHECK(fidelity::words("a  b") == std::vector<std::string_view>{"a", "b"});
    CHECK(fidelity::words("").empty());
}
