// What a scenario may say of modules and their sets: nvdimm.md 1.4, 2.2, 4.2.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

std::string of_set(const std::string& table) {
    return document(R"("machine": {"nvdimms": [{"size": "64MiB"}, {"size": "64MiB"}], "regions": [{"nvdimms": ["nmem0", "nmem1"], "interleave_table": )" +
                    table + "}]}");
}
bool says(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

TEST_CASE("an interleave table tiles the stripe", "[scenario][machine]") {
    CHECK(told(of_set("[[0, 3], [1, 2]]")).empty());
    CHECK(says(told(of_set("[[0, 1]]")), "/interleave_table: 1 rows for 2 modules: a row for each of the 2 modules"));
    CHECK(says(told(of_set("[[0, 1], [2]]")), "the rows differ in length"));
    CHECK(says(told(of_set("[[3, 0], [1, 2]]")), "the places of a row do not rise"));
    CHECK(says(told(of_set("[[0, 4], [1, 2]]")), "there is no place 4 in a stripe of 4"));
    CHECK(says(told(of_set("[[0, 1], [1, 2]]")), "place 1 is taken twice"));
}

TEST_CASE("a set with a table has whole stripes of it", "[scenario][machine]") {
    CHECK(says(told(document(R"("machine": {"nvdimms": [{"size": "64MiB"}, {"size": "64MiB"}], "regions":
        [{"nvdimms": ["nmem0", "nmem1"], "size": "40KiB", "interleave_table": [[0, 3], [1, 2]]}]})")),
               "40KiB is not a whole number of stripes: a multiple of 16KiB"));
}

TEST_CASE("what the NFIT says of modules comes through", "[scenario][machine]") {
    const auto s = loaded(document(R"("machine": {"nvdimms": [
        {"size": "64MiB", "flags": ["restore_fail", "smart_event"], "serial": "0x12345678", "vendor": "0x1122",
         "max_poison": 3, "reported_clear_unit": 0},
        {"size": "64MiB"}, {"size": "64MiB", "profile": "test", "handle": "0x101"}]})"));
    const auto& n = s->scenario.machine.nvdimms;
    CHECK(n[0].map_flags == (kMapRestoreFail | kMapFail | kMapSmartEvent));
    CHECK(n[0].serial == 0x12345678);
    CHECK(n[0].vendor == 0x1122);
    CHECK(n[0].max_poison == 3);
    CHECK(n[0].reported_clear_unit == 0u);
    CHECK(n[1].serial == 0x02000000);
    CHECK(n[1].max_poison == 256);
    CHECK_FALSE(n[1].reported_clear_unit);
    CHECK(n[2].serial == ~0x101u);
    CHECK(says(told(document(R"("machine": {"nvdimms": [{"size": "64MiB", "flags": ["flush"]}]})")),
               "\"flush\" is unknown"));
}

TEST_CASE("a uuid has its form", "[scenario][machine]") {
    const auto with = [](const std::string& uuid) {
        return document(R"("machine": {"nvdimms": [{"size": "64MiB"}], "regions": [{"nvdimms": ["nmem0"]}],
            "namespaces": [{"mode": "raw", "uuid": ")" + uuid + "\"}]}");
    };
    CHECK(loaded(with("7D6DBFD0-6ab4-4cbd-a4b3-3b7d0e3c2a91"))->scenario.machine.namespaces[0].uuid ==
          "7d6dbfd0-6ab4-4cbd-a4b3-3b7d0e3c2a91");
    CHECK(says(told(with("7d6dbfd0")), "\"7d6dbfd0\" is no uuid: as in"));
    CHECK(says(told(with("7d6dbfd006ab4-4cbd-a4b3-3b7d0e3c2a91")), "is no uuid"));
}

TEST_CASE("only NVDIMMs have media lines", "[scenario][machine]") {
    const auto one = [](const std::string& where) {
        return told(R"({"schema": "mcemu/scenario/1", "name": "t", "machine": {"nvdimms": [{"size": "64MiB"}],
            "memdevs": [{"persistent": "64MiB"}]}, "events": [{"at": 0, "do": "poison", "failure": "media", )" +
                    where + "}]}");
    };
    CHECK(says(one(R"("spa": "0x1000")"), "only NVDIMMs have media lines"));
    CHECK(says(one(R"("memdev": "mem0", "dpa": "0x1000")"), "only NVDIMMs have media lines"));
    CHECK(one(R"("nvdimm": "nmem0", "dpa": "0x1000")").empty());
}

}  // namespace
}  // namespace mcemu::scenario
