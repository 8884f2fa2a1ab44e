// Which scenarios are found, in which order.
#include "regress/source.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <stdexcept>

#include "regress/folder.hpp"

namespace mcemu::regress {
namespace {

std::vector<std::string> titles(Selection selection, const Folder& folder) {
    Source source(std::move(selection));
    std::vector<std::string> out;
    while (auto job = source.next()) {
        std::string title = job->title();
        const std::string prefix = folder.path.string() + "/";
        if (title.starts_with(prefix)) title.erase(0, prefix.size());
        out.push_back(std::move(title));
    }
    return out;
}
using List = std::vector<std::string>;

TEST_CASE("a folder is walked depth first in the order of names", "[regress][source]") {
    Folder folder;
    for (const char* name : {"b.json", "a/z.json", "a/b/c.json", "a.json", "c/x.txt", ".h/x.json"})
        folder.write(name, scenario_text("x"));
    // '.' sorts before '/': a.json stands behind the folder a, whose name is shorter.
    CHECK(titles({.paths = {folder.path.string()}}, folder) ==
          List{"a/b/c.json", "a/z.json", "a.json", "b.json"});
}

TEST_CASE("a window that holds one name finds what a large one finds", "[regress][source]") {
    Folder folder;
    std::mt19937 random(7);
    for (int i = 0; i < 60; ++i)
        folder.write("d" + std::to_string(random() % 4) + "/f" + std::to_string(random() % 1000) + ".json", "{}");
    const auto walked = [&](std::size_t window) {
        Walk walk(folder.path.string(), window);
        List out;
        while (auto path = walk.next()) out.push_back(*path);
        return out;
    };
    const List whole = walked(4096);
    CHECK(whole.size() > 40);
    for (const std::size_t window : {1u, 2u, 7u}) CHECK(walked(window) == whole);
}

TEST_CASE("a folder gives its scenarios and passes the rest over", "[regress][source]") {
    Folder folder;
    folder.write("part.json", R"({"schema": "mcemu/scenario/1", "name": "p", "machine": {}})");
    folder.write("idle.json", R"({"schema": "mcemu/scenario/1", "name": "p", "machine": {}, "events": []})");
    folder.write("campaign.json", R"({"schema": "mcemu/campaign/1", "events": 3})");
    folder.write("foreign.json", R"([1, 2])");
    folder.write("good.json", scenario_text("good"));
    folder.write("inherits.json", R"({"schema": "mcemu/scenario/1", "name": "i", "include": "good.json"})");
    folder.write("misspelt.json", R"({"schema": "mcemu/scenario/1", "name": "m", "evnets": [], "expect": {}})");
    folder.write("syntax.json", "{");
    CHECK(titles({.paths = {folder.path.string()}}, folder) ==
          List{"good.json", "inherits.json", "misspelt.json", "syntax.json"});
    // A file that is named is never passed over.
    CHECK(titles({.paths = {(folder.path / "part.json").string()}}, folder) == List{"part.json"});
    CHECK(titles({.paths = {(folder.path / "idle.json").string()}}, folder) == List{"idle.json"});
}

TEST_CASE("tags and globs select", "[regress][source]") {
    Folder folder;
    const std::string root = folder.path.string();
    folder.write("a.json", scenario_text("first", R"("tags": ["dax", "slow"], )"));
    folder.write("b.json", scenario_text("second", R"("tags": ["dax"], )"));
    folder.write("c.json", scenario_text("third"));
    CHECK(titles({.paths = {root}, .tags = {"dax"}}, folder) == List{"a.json", "b.json"});
    CHECK(titles({.paths = {root}, .tags = {"slow", "none"}}, folder) == List{"a.json"});
    CHECK(titles({.paths = {root}, .filters = {"*ir*"}}, folder) == List{"a.json", "c.json"});
    CHECK(titles({.paths = {root}, .filters = {"*/b.json", "third"}}, folder) == List{"b.json", "c.json"});
    CHECK(titles({.paths = {root}, .tags = {"dax"}, .filters = {"second"}}, folder) == List{"b.json"});
    CHECK(titles({.paths = {root}, .tags = {"da"}}, folder).empty());
    // A file that nobody can read is not left out in silence.
    folder.write("d.json", "{");
    CHECK(titles({.paths = {root}, .tags = {"slow"}}, folder) == List{"a.json", "d.json"});
}

TEST_CASE("shards are disjoint and together the whole", "[regress][source]") {
    Folder folder;
    const std::string params = R"("params": {"n": 0}, "matrix": {"n": [1, 2, 3, 4, 5]}, )";
    for (const char* name : {"a.json", "b.json", "c.json"}) folder.write(name, scenario_text(name, params));
    const std::string root = folder.path.string();
    List whole = titles({.paths = {root}}, folder);
    CHECK(whole.size() == 15);
    for (const std::uint64_t shards : {1u, 2u, 4u, 20u}) {
        List together;
        for (std::uint64_t i = 1; i <= shards; ++i) {
            const List shard = titles({.paths = {root}, .shard = i, .shards = shards}, folder);
            CHECK(shard.size() <= 15 / shards + 1);
            together.insert(together.end(), shard.begin(), shard.end());
        }
        List sorted = whole;
        std::sort(sorted.begin(), sorted.end());
        std::sort(together.begin(), together.end());
        CHECK(together == sorted);
    }
}

TEST_CASE("looking ahead loses nothing", "[regress][source]") {
    Folder folder;
    folder.write("a.json", scenario_text("a"));
    Source source({.paths = {folder.path.string()}});
    CHECK(source.any());
    CHECK(source.any());
    REQUIRE(source.next());
    CHECK_FALSE(source.any());
    CHECK_FALSE(source.next());
}

TEST_CASE("a path that does not exist is refused at once", "[regress][source]") {
    CHECK_THROWS_AS(Source({.paths = {"/no/such/path"}}), std::invalid_argument);
}

TEST_CASE("a change of an included file changes the texts of a job", "[regress][source]") {
    Folder folder;
    folder.write("lib/part.json", R"({"machine": {}})");
    const std::string file = folder.write("a.json", scenario_text("a", R"("include": "lib/part.json", )"));
    const auto texts = [&] { return Source({.paths = {file}}).next()->texts; };
    const std::uint64_t before = texts();
    CHECK(texts() == before);
    folder.write("lib/part.json", R"({"machine":  {}})");
    CHECK(texts() != before);
}

}  // namespace
}  // namespace mcemu::regress
