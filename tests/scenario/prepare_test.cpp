// include, --set and its kin, "${name}".
#include <catch2/catch.hpp>
#include <map>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

/// Options under which these files exist.
LoadOptions with_files(std::map<std::string, std::string> files) {
    LoadOptions options;
    options.read_file = [files = std::move(files)](const std::string& path) -> ReadText {
        const auto found = files.find(path);
        if (found == files.end()) return {std::nullopt, "No such file or directory"};
        return {found->second, {}};
    };
    return options;
}

LoadOptions with_set(std::vector<std::string> set) {
    LoadOptions options;
    options.overrides.set = std::move(set);
    return options;
}

// ---------------------------------------------------------------- include

TEST_CASE("objects of an included file merge, and the including file wins", "[scenario][include]") {
    const auto options = with_files(
        {{"lib/cpus.json", R"({"machine": {"cpus": {"sockets": 2, "cores": 8}}, "seed": 7})"}});
    const auto s = loaded(document(R"("include": "lib/cpus.json", "machine": {"cpus": {"cores": 2}})"), options);
    CHECK(s->scenario.machine.cpus.sockets == 2);
    CHECK(s->scenario.machine.cpus.cores == 2);
    CHECK(s->scenario.seed == 7);
}

TEST_CASE("arrays of the including file come behind those of the included", "[scenario][include]") {
    const auto options = with_files({{"a.json", R"({"processes": [{"id": "a"}]})"},
                                     {"b.json", R"({"processes": [{"id": "b"}]})"}});
    const auto s = loaded(document(R"("include": ["a.json", "b.json"], "processes": [{"id": "c"}])"), options);
    REQUIRE(s->scenario.processes.size() == 3);
    CHECK(s->scenario.processes[0].id == "a");
    CHECK(s->scenario.processes[1].id == "b");
    CHECK(s->scenario.processes[2].id == "c");
}

TEST_CASE("paths are relative to the file that includes", "[scenario][include]") {
    const auto options = with_files({{"lib/a.json", R"({"include": "deep/b.json"})"},
                                     {"lib/deep/b.json", R"({"seed": 3})"}});
    CHECK(loaded(document(R"("include": "lib/a.json")"), options)->scenario.seed == 3);
}

TEST_CASE("findings in an included file name it", "[scenario][include]") {
    const auto options = with_files({{"a.json", "{\"processes\": [\n{\"id\": \"a\", \"cpu\": 9}]}"}});
    CHECK(told(document(R"("include": "a.json", "processes": [{"id": "b", "cpu": 8}])"), options) ==
          "s.json:2:55: /processes/1/cpu: there is no CPU 8: the machine has 4 CPUs: 0 to 3\n"
          "a.json:2:20: /processes/0/cpu: there is no CPU 9: the machine has 4 CPUs: 0 to 3");
}

TEST_CASE("an included file that is not there is told, and not what it may have held",
          "[scenario][include]") {
    const std::string missing =
        "s.json:2:12: /include: cannot read \"a.json\": No such file or directory: paths count from "
        "the folder of the file that includes";
    CHECK(told(document(R"("include": "a.json")"), with_files({})) == missing);
    const std::string needs_it =
        R"("include": "a.json", "files": [{"id": "f", "on": "namespace0.0", "size": 4096}])";
    CHECK(told(document(needs_it), with_files({})) == missing);
    const auto unknown_key = told(document(R"("include": "a.json", "sed": 3)"), with_files({}));
    CHECK(unknown_key.find("/sed: unknown key") != std::string::npos);
}

TEST_CASE("a file that includes itself is told", "[scenario][include]") {
    const auto options = with_files({{"a.json", R"({"include": "b.json"})"},
                                     {"b.json", R"({"include": ["./a.json"]})"}});
    CHECK(told(document(R"("include": "a.json")"), options) ==
          "b.json:1:14: /include/0: \"a.json\" includes itself: a.json -> b.json -> a.json: break the circle");
}

TEST_CASE("an included file that is no object is told", "[scenario][include]") {
    CHECK(told(document(R"("include": "a.json")"), with_files({{"a.json", "[]"}})) ==
          "a.json:1:1: /: an array stands here: expected an object");
}

TEST_CASE("an include that is no path is told", "[scenario][include]") {
    CHECK(told(document(R"("include": 5)")) ==
          "s.json:2:12: /include: the number 5 stands here: expected the path of a file, or an array of paths");
    CHECK(told(document(R"("include": [5])")) ==
          "s.json:2:13: /include/0: the number 5 stands here: expected the path of a file");
}

TEST_CASE("more than 64 included files are told", "[scenario][include]") {
    std::map<std::string, std::string> files;
    std::string names;
    for (int i = 0; i < 65; ++i) {
        files[std::to_string(i)] = "{}";
        names += (i == 0 ? "\"" : ",\"") + std::to_string(i) + '"';
    }
    CHECK(told(document("\"include\": [" + names + "]"), with_files(files)) ==
          "s.json:2:323: /include/64: more than 64 files are included: merge some of them");
}

// ---------------------------------------------------------------- overrides

TEST_CASE("option --set changes a value that is there", "[scenario][set]") {
    const auto s = loaded(document(R"("machine": {"cpus": {"cores": 2}})"), with_set({"/machine/cpus/cores=8"}));
    CHECK(s->scenario.machine.cpus.cores == 8);
}

TEST_CASE("option --set adds a key, and the objects above it", "[scenario][set]") {
    const auto s = loaded(document(R"("seed": 1)"), with_set({"/machine/cpus/cores=8", "/kernel/profile=v6.1"}));
    CHECK(s->scenario.machine.cpus.cores == 8);
    CHECK(s->scenario.kernel.profile == ProfileId::v6_1);
}

TEST_CASE("option --set takes JSON, and anything else as a string", "[scenario][set]") {
    const auto s = loaded(document(R"("seed": 1)"),
                          with_set({"/machine/memory=[{\"base\": 0, \"size\": \"1GiB\"}]", "/until=5ms"}));
    CHECK(s->scenario.machine.memory.at(0).range.end == 1ull << 30);
    CHECK(s->scenario.until == SimTime{5'000'000'000});
}

TEST_CASE("option --set changes and appends items of arrays", "[scenario][set]") {
    const auto s = loaded(document(R"("processes": [{"id": "a"}])"),
                          with_set({"/processes/0/id=b", "/processes/-={\"id\": \"c\"}"}));
    REQUIRE(s->scenario.processes.size() == 2);
    CHECK(s->scenario.processes[0].id == "b");
    CHECK(s->scenario.processes[1].id == "c");
}

TEST_CASE("option --set changes parameters before they are used", "[scenario][set]") {
    const auto s = loaded(document(R"("params": {"n": 1}, "seed": "${n}")"), with_set({"/params/n=9"}));
    CHECK(s->scenario.seed == 9);
}

TEST_CASE("findings about a value of --set name the option", "[scenario][set]") {
    CHECK(told(document(R"("seed": 1)"), with_set({"/seed=2", "/seed=x"})) ==
          "--set 2: /seed: the string \"x\" stands here: expected a whole number");
}

TEST_CASE("option --set without an equals sign is told", "[scenario][set]") {
    CHECK(told(document(R"("seed": 1)"), with_set({"/seed"})) ==
          "--set 1: /: \"/seed\" has no \"=\": write /a/b=value, as in /machine/cpus/cores=8");
}

TEST_CASE("option --set without a pointer is told", "[scenario][set]") {
    CHECK(told(document(R"("seed": 1)"), with_set({"seed=2"})) ==
          "--set 1: /: \"seed\" is not a JSON pointer: write /a/b=value, as in /machine/cpus/cores=8");
}

TEST_CASE("option --set of a path that leads nowhere is told with the nearest", "[scenario][set]") {
    CHECK(told(document(R"("machine": {})"), with_set({"/machin/cpus/cores=2"})) ==
          "--set 1: /machin: there is no \"machin\": did you mean \"machine\"?");
}

TEST_CASE("option --set of an item that is not there is told", "[scenario][set]") {
    CHECK(told(document(R"("processes": [{"id": "a"}])"), with_set({"/processes/2/id=b"})) ==
          "--set 1: /processes/2: there is no item \"2\": write an index from 0 to 0, or - to append");
}

TEST_CASE("option --set below a value that is no container is told", "[scenario][set]") {
    CHECK(told(document(R"("seed": 1)"), with_set({"/seed/x=2"})) ==
          "--set 1: /seed: the number 1 stands here, it has no \"x\": name a key of an object or an "
          "index of an array");
}

TEST_CASE("option --set of a value that is not UTF-8 is told", "[scenario][set]") {
    CHECK(told(document(R"("seed": 1)"), with_set({"/name=\x80"})) ==
          "--set 1: /: the value is not UTF-8: write it in UTF-8");
}

TEST_CASE("option --profile, --seed and --until come before --set", "[scenario][set]") {
    LoadOptions options = with_set({"/seed=3"});
    options.overrides.profile = "v4.18";
    options.overrides.seed = 2;
    options.overrides.until = "1ms";
    const auto s = loaded(document(R"("seed": 1)"), options);
    CHECK(s->scenario.kernel.profile == ProfileId::v4_18);
    CHECK(s->scenario.seed == 3);
    CHECK(s->scenario.until == SimTime{1'000'000'000});
}

TEST_CASE("findings about --profile name the option", "[scenario][set]") {
    LoadOptions options;
    options.overrides.profile = "v9";
    CHECK(told(document(R"("seed": 1)"), options) ==
          "--profile: /kernel/profile: \"v9\" is unknown: expected one of \"v4.18\", \"v4.19\", \"v6.1\"");
}

// ---------------------------------------------------------------- params and matrix

TEST_CASE("a parameter is a number where a number belongs", "[scenario][params]") {
    CHECK(loaded(document(R"("params": {"n": 5}, "seed": "${n}")"))->scenario.seed == 5);
    CHECK(loaded(document(R"("params": {"n": "5"}, "seed": "${n}")"))->scenario.seed == 5);
}

TEST_CASE("a parameter is a truth value where one belongs", "[scenario][params]") {
    const auto s = loaded(document(R"("params": {"on": "true"}, "machine": {"mca": {"lmce": "${on}"}})"));
    CHECK(s->scenario.machine.mca.lmce);
}

TEST_CASE("a parameter is a text where a text belongs", "[scenario][params]") {
    const auto s = loaded(document(R"("params": {"n": 5}, "processes": [{"id": "${n}"}])"));
    CHECK(s->scenario.processes.at(0).id == "5");
}

TEST_CASE("parameters stand inside strings", "[scenario][params]") {
    const auto s = loaded(document(R"("params": {"n": 5, "t": "us"}, "until": "${n}${t}")"));
    CHECK(s->scenario.until == SimTime{5'000'000});
}

TEST_CASE("two dollars stand for one in front of a brace", "[scenario][params]") {
    const auto s = loaded(document(R"("description": "as ${n} or $${n}", "params": {"n": 5})"));
    CHECK(s->meta["description"] == "as 5 or ${n}");
}

TEST_CASE("a matrix is not run", "[scenario][params]") {
    const LoadResult result =
        load_text("s.json", document(R"("params": {"a": 1}, "matrix": {"a": [1, 2]})"));
    REQUIRE(result.findings.size() == 1);
    CHECK(to_text(result.findings[0]) ==
          "s.json:2:21: /matrix: a matrix is many runs: `mcemu regress` runs them all, --matrix a=1 one of them");
}

TEST_CASE("a matrix is checked", "[scenario][params]") {
    CHECK(told(document(R"("params": {"a": 1}, "matrix": {"a": [1, 2]})")).empty());
}

TEST_CASE("a cell of a matrix is run", "[scenario][params]") {
    LoadOptions options;
    options.overrides.params = {{"a", 2}};
    const auto s = loaded(document(R"("params": {"a": 1}, "matrix": {"a": [1, 2]}, "seed": "${a}")"), options);
    CHECK(s->scenario.seed == 2);
}

TEST_CASE("the cells of a matrix are all combinations, the first name slowest", "[scenario][params]") {
    const Matrix matrix{{{"b", {1, 2}}, {"a", {"x", "y", "z"}}}};
    REQUIRE(matrix.cells() == 6);
    CHECK(matrix.cell(0) == Params{{"b", 1}, {"a", "x"}});
    CHECK(matrix.cell(1) == Params{{"b", 1}, {"a", "y"}});
    CHECK(matrix.cell(5) == Params{{"b", 2}, {"a", "z"}});
    CHECK(Matrix{}.cells() == 1);
    CHECK(Matrix{}.cell(0).empty());
}

TEST_CASE("a matrix beyond all measure is counted no further", "[scenario][params]") {
    Matrix matrix;
    for (int i = 0; i < 70; ++i) matrix.axes.push_back({std::to_string(i), {1, 2}});
    CHECK(matrix.cells() > Matrix::kMostCells);
    matrix.axes.resize(32);
    CHECK(matrix.cells() == Matrix::kMostCells);
}

TEST_CASE("words pick a cell of a matrix", "[scenario][params]") {
    const std::string text =
        document(R"("params": {"a": 1, "b": "x"}, "matrix": {"a": [1, 2], "b": ["x", "0x10"]}, "seed": "${a}")");
    LoadOptions options;
    options.overrides.matrix = {"b=0x10", "a=2"};
    CHECK(loaded(text, options)->scenario.seed == 2);

    options.overrides.matrix = {"a=3", "other=1"};
    const auto wrong = load_text("s.json", text, options).findings;
    REQUIRE(wrong.size() == 2);
    CHECK(to_text(wrong[0]) ==
          "--matrix 1: /matrix/a: \"3\" is none of the values of \"a\": there is \"1\", \"2\"");
    CHECK(to_text(wrong[1]) ==
          "--matrix 2: /matrix: there is no \"other\" in the matrix: there is \"a\", \"b\"");

    options.overrides.matrix = {"a=2"};
    const auto lacks = load_text("s.json", text, options).findings;
    REQUIRE(lacks.size() == 1);
    CHECK(lacks[0].wrong == "--matrix picks no \"b\"");
    CHECK(lacks[0].right == "add --matrix b=x");
}

TEST_CASE("a draft says what a file is before it is checked", "[scenario][params]") {
    LoadOptions options;
    std::string text;
    options.read_file = [&](const std::string&) { return ReadText{text, {}}; };
    const auto kind = [&](std::string content) {
        text = std::move(content);
        return Draft("f.json", options).kind();
    };
    using Kind = Draft::Kind;
    CHECK(kind(R"({"schema": "mcemu/scenario/1", "name": "x", "events": [{}]})") == Kind::scenario);
    CHECK(kind(R"({"schema": "mcemu/scenario/1", "name": "x", "events": {}})") == Kind::scenario);
    CHECK(kind(R"({"schema": "mcemu/scenario/1", "name": "x", "events": [], "expect": {}})") == Kind::scenario);
    // Nothing happens, nothing is expected: a machine that others include.
    CHECK(kind(R"({"schema": "mcemu/scenario/1", "name": "x", "events": []})") == Kind::part);
    CHECK(kind(R"({"schema": "mcemu/scenario/1", "name": "x", "evnets": [], "expect": {}})") == Kind::scenario);
    CHECK(kind(R"({"schema": "mcemu/scenario/1", "name": "x", "machine": {}})") == Kind::part);
    CHECK(kind(R"({"name": "x", "events": [{}]})") == Kind::scenario);
    CHECK(kind(R"({"name": "x", "events": []})") == Kind::part);
    CHECK(kind(R"({"machine": {}})") == Kind::part);
    CHECK(kind(R"({"schema": "mcemu/campaign/1", "events": []})") == Kind::other);
    CHECK(kind(R"({"some": "thing"})") == Kind::other);
    CHECK(kind(R"({"broken)") == Kind::scenario);  // nobody can say: loading it tells
    CHECK(kind(R"([])") == Kind::other);
}

TEST_CASE("a draft is loaded as its file would be", "[scenario][params]") {
    LoadOptions options;
    const std::string text =
        document(R"("tags": ["t"], "params": {"a": 1}, "matrix": {"a": [1, 2]}, "seed": "${a}")");
    options.read_file = [&](const std::string&) { return ReadText{text, {}}; };
    Draft draft("d/f.json", options);
    CHECK(draft.tags() == std::vector<std::string>{"t"});
    REQUIRE(draft.matrix().cells() == 2);
    options.overrides.params = draft.matrix().cell(1);
    options.second_opinion = false;
    const LoadResult result = load_draft(std::move(draft), options);
    REQUIRE(result.loaded);
    CHECK(result.loaded->scenario.seed == 2);
}

TEST_CASE("the scenario that one boots on must be there", "[scenario]") {
    CHECK(told(document(R"("boots_on": "../no/such.json")")) ==
          "s.json:2:13: /boots_on: there is no file \"../no/such.json\": "
          "paths count from the folder of the file that names them");
}

}  // namespace
}  // namespace mcemu::scenario
