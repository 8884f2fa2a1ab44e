// Mistakes in CXL devices, in the ranges they answer, and in events of theirs and of bus masters.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

std::string machine(const std::string& memory, const std::string& memdevs) {
    return document("\"machine\": {\"memory\": [{\"base\": 0, \"size\": \"1GiB\"}, " + memory +
                    "], \"memdevs\": [" + memdevs + "]}");
}
const char* const kTwo = R"({"id": "a", "volatile": "64MiB"}, {"id": "b", "volatile": "64MiB"})";

TEST_CASE("a range of two CXL devices is accepted", "[scenario][cxl]") {
    CHECK(told(machine(R"({"base": "0x100000000", "size": "128MiB", "memdevs": ["a", "b"], "interleave": "256B", "hash": "xor"})", kTwo)).empty());
}

TEST_CASE("a CXL device has memory", "[scenario][cxl]") {
    CHECK(told(document(R"("machine": {"memdevs": [{"id": "a"}]})")) ==
          "s.json:2:25: /machine/memdevs/0: the device has no memory: give \"volatile\", "
          "\"persistent\" or both");
}

TEST_CASE("a range names CXL devices that exist, each once", "[scenario][cxl]") {
    const std::string told_of = told(machine(R"({"base": "0x100000000", "size": "64MiB", "memdevs": ["a", "a"]})", kTwo));
    CHECK(told_of.find("/machine/memory/1/memdevs/1: \"a\" stands twice in this range: each device once") != std::string::npos);
    CHECK(told(machine(R"({"base": "0x100000000", "size": "64MiB", "memdevs": ["c"]})", kTwo))
              .find("/machine/memory/1/memdevs/0: there is no CXL memory device \"c\"") != std::string::npos);
}

TEST_CASE("what only CXL ranges have is refused elsewhere", "[scenario][cxl]") {
    CHECK(told(document(R"("machine": {"memory": [{"base": 0, "size": "1GiB", "hash": "xor"}]})"))
              .find("/machine/memory/0/hash: \"hash\" without \"memdevs\": name the CXL devices that "
                    "answer the range, or leave it out") != std::string::npos);
}

TEST_CASE("an interleave of CXL devices has a number of ways that exists", "[scenario][cxl]") {
    std::string five, names;
    for (const char* id : {"a", "b", "c", "d", "e"}) {
        five += std::string(five.empty() ? "" : ", ") + "{\"id\": \"" + id + "\", \"volatile\": \"64MiB\"}";
        names += std::string(names.empty() ? "" : ", ") + "\"" + id + "\"";
    }
    CHECK(told(machine("{\"base\": \"0x100000000\", \"size\": \"160MiB\", \"memdevs\": [" + names + "]}", five))
              .find("/machine/memory/1/memdevs: an interleave of 5 devices: 1, 2, 3, 4, 6, 8, 12 or 16") !=
          std::string::npos);
}

TEST_CASE("a CXL range fits its devices, and shares no bytes of them", "[scenario][cxl]") {
    CHECK(told(machine(R"({"base": "0x100000000", "size": "256MiB", "memdevs": ["a", "b"]})", kTwo))
              .find("/machine/memory/1/size: 128MiB from 0x0 lie outside a: it has 64MiB") != std::string::npos);
    CHECK(told(machine(R"({"id": "x", "base": "0x100000000", "size": "64MiB", "memdevs": ["a"]}, {"base": "0x200000000", "size": "32MiB", "memdevs": ["a"]})", kTwo))
              .find("/machine/memory/2: it overlaps x in a: give \"dpa_base\" behind 0x4000000") !=
          std::string::npos);
}

TEST_CASE("poison of CXL memory is given to its device", "[scenario][cxl]") {
    CHECK(told(machine(R"({"base": "0x100000000", "size": "64MiB", "memdevs": ["a"], "poison": [{"spa": "0x100000000"}]})", kTwo))
              .find("/machine/memory/1/poison: the errors of CXL memory lie in its devices: give them as "
                    "\"poison\" of the device, by \"dpa\"") != std::string::npos);
}

TEST_CASE("a bus master has one address, inside memory", "[scenario][cxl]") {
    CHECK(told(with_events(R"({"at": 0, "do": "dma", "op": "read"})")) ==
          "s.json:7:1: /events/0: it has no address: give \"spa\", or \"process\" with \"va\" or \"map\"");
    CHECK(told(with_events(R"({"at": 0, "do": "dma", "op": "read", "spa": "0x900000000"})"))
              .find("lies outside all memory") != std::string::npos);
    CHECK(told(with_events(R"({"at": 0, "do": "dma", "op": "write", "process": "p", "va": "0xff0", "size": 32})"))
              .find("cross a page: one page at a time: the next page may lie anywhere") != std::string::npos);
}

TEST_CASE("a mailbox command names a device", "[scenario][cxl]") {
    CHECK(told(with_events(R"({"at": 0, "do": "cxl", "command": "inject_poison", "memdev": "mem0"})"))
              .find("/events/0/memdev: there is no CXL memory device \"mem0\"") != std::string::npos);
}

TEST_CASE("a CXL device and its range are as written", "[scenario][cxl]") {
    const auto loaded_scenario = loaded(machine(
        R"({"id": "w", "base": "0x100000000", "size": "64MiB", "memdevs": ["b", "a"], "dpa_base": ["0x1000", "0x0"], "interleave": "1KiB", "hash": "xor"})",
        R"({"id": "a", "volatile": "64MiB", "poison_list_max": 7, "inject_limit": 3}, {"id": "b", "persistent": "64MiB", "media_disabled": true})"));
    const MachineConfig& m = loaded_scenario->scenario.machine;
    REQUIRE(m.memory.size() == 2);
    CHECK(m.memory[0].is_dram());
    CHECK(m.memory[1].memdevs == std::vector<std::uint32_t>{1, 0});
    CHECK(m.memory[1].dpa_base == std::vector<std::uint64_t>{0x1000, 0});
    CHECK(m.memory[1].interleave == 1024);
    CHECK(m.memory[1].xor_hash);
    REQUIRE(m.memdevs.size() == 2);
    CHECK(m.memdevs[0].poison_list_max == 7);
    CHECK(m.memdevs[0].inject_limit == 3);
    CHECK(m.memdevs[1].persistent_bytes == 64u << 20);
    CHECK(m.memdevs[1].media_disabled);
}

}  // namespace
}  // namespace mcemu::scenario
