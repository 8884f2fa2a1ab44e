// NVDIMM images as files (docs/nvdimm.md).
#include "scenario/nvdimm_state.hpp"

#include <boost/crc.hpp>
#include <catch2/catch.hpp>

#include "core/pmem/btt_layout.hpp"
#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

const std::string kMachine = R"("machine": {"nvdimms": [{"size": "32MiB"}, {"size": "32MiB"}],
"regions": [{"base": "0x80000000", "nvdimms": ["nmem0", "nmem1"]}],
"namespaces": [{"mode": "sector", "size": "32MiB"}, {"mode": "fsdax"}]})";

MachineConfig machine(const std::string& body = kMachine) {
    return loaded(document(body))->scenario.machine;
}

NvdimmImage image() {
    const MachineConfig m = machine();
    NvdimmImage image{m.nvdimms, m.regions, m.namespaces, {}, {}};
    image.modules.resize(2);
    image.modules[0].poison = {{{0x1000, 0x1100}, 0, pmem::kPoisonListed},
                               {{0x1ffffc0, 0x2000000}, 0, 0}};
    image.modules[0].stuck = {{0x40, 0x80}};
    image.modules[1].smart.shutdown_count = 7;
    image.modules[1].smart.dirty_shutdown = true;
    image.modules[1].smart.injected_temperature = std::uint16_t{800};
    const std::uint32_t external = pmem::btt_layout(m.namespaces[0].range, 0)[0].external_nlba;
    pmem::BttImage btt;
    btt.map = {{5, external, false}, {9, 9, true}};
    btt.free = {{0, 5, true}};
    image.btts = {{btt}, {}};
    return image;
}

std::string told_of(const std::string& text, const MachineConfig& of) {
    const NvdimmState state = read_nvdimm_state("i.json", text, of, "s.json");
    CHECK(state.image.has_value() == state.findings.empty());
    std::string out;
    for (const Finding& f : state.findings) out += (out.empty() ? "" : "\n") + to_text(f);
    return out;
}

/// The text with another content, and the first line that fits.
std::string resealed(const std::string& text, const std::string& from, const std::string& to) {
    std::string body = text.substr(text.find('\n') + 1);
    const std::size_t at = body.find(from);
    REQUIRE(at != std::string::npos);
    body.replace(at, from.size(), to);
    boost::crc_32_type crc;
    crc.process_bytes(body.data(), body.size());
    char line[96];
    std::snprintf(line, sizeof line,
                  "{\"schema\": \"mcemu/nvdimm-state/1\", \"bytes\": %zu, \"crc32\": \"0x%08x\", "
                  "\"state\":\n",
                  body.size(), static_cast<unsigned>(crc.checksum()));
    return line + body;
}

}  // namespace

TEST_CASE("an NVDIMM image comes back as it was written", "[scenario][state]") {
    const NvdimmImage before = image();
    const std::string text = nvdimm_state_text(before);
    const NvdimmState state = read_nvdimm_state("i.json", text, machine(), "s.json");
    REQUIRE(state.findings.empty());
    CHECK(state.image->modules == before.modules);
    CHECK(state.image->btts == before.btts);
    CHECK(nvdimm_state_text(*state.image) == text);
}

TEST_CASE("CXL memory devices are part of an image, and of their machine only", "[scenario][state]") {
    const std::string with =
        R"("machine": {"memdevs": [{"id": "mem0", "volatile": "1MiB", "persistent": "2MiB"}]})";
    const MachineConfig m = machine(with);
    NvdimmImage before;
    before.memdevs = m.memdevs;
    before.memdev_images = {{{{{{0x100000, 0x100040}, 0, pmem::kPoisonListed | pmem::kPoisonInjected},
                               {{0x2fffc0, 0x300000}, 0, 0}},
                              {{0x40, 0x80}}}}};
    const std::string text = nvdimm_state_text(before);
    const NvdimmState state = read_nvdimm_state("i.json", text, m, "s.json");
    REQUIRE(state.findings.empty());
    CHECK(state.image->memdev_images == before.memdev_images);
    CHECK(nvdimm_state_text(*state.image) == text);

    CHECK(told_of(text, machine(R"("machine": {})"))
              .find("/state/memdevs: the number of memdevs is 1 in the image and 0 in s.json") !=
          std::string::npos);
    CHECK(told_of(text, machine(R"("machine": {"memdevs": [{"volatile": "1MiB", "persistent": "1MiB"}]})"))
              .find("/state/memdevs/0/persistent: \"persistent\" of mem0 is 2MiB in the image and "
                    "1MiB in s.json") != std::string::npos);
    CHECK(told_of(resealed(text, "0x2fffc0", "0x300000"), m).find("lies outside the module") !=
          std::string::npos);
}

TEST_CASE("thresholds and force_raw are part of an NVDIMM image", "[scenario][state]") {
    NvdimmImage before = image();
    before.modules[1].smart.thresholds = {7, 20, 41 * 16, 0x8000 | 16};
    before.force_raw = {true, false};
    const std::string text = nvdimm_state_text(before);
    const NvdimmState state = read_nvdimm_state("i.json", text, machine(), "s.json");
    REQUIRE(state.findings.empty());
    CHECK(state.image->modules == before.modules);
    CHECK(state.image->force_raw == before.force_raw);
    CHECK(nvdimm_state_text(*state.image) == text);
}

TEST_CASE("contents, flags and spoilt metadata are part of an NVDIMM image", "[scenario][state]") {
    using Fill = pmem::Contents::Fill;
    NvdimmImage before = image();
    before.modules[0].map_flags = kMapSaveFail | kMapFlushFail;
    before.btts[0][0].map.push_back({11, 11, false, true});
    before.btts[0][0].spoilt_log = {3, 7};
    before.patterns = {"salt"};
    pmem::InfoBlock block;
    block.kind = pmem::InfoBlock::Kind::dax;
    block.dataoff = block.align = 2 << 20;
    block.npfns = 7;
    block.mode = 2;
    pmem::InfoBlock btt;
    btt.kind = pmem::InfoBlock::Kind::btt;
    btt.arena = pmem::btt_layout(machine().namespaces[0].range, 0, 512)[0];
    before.contents = {{{{0x80000000, 0x80001000}, {Fill::Kind::info, 0, 0x80000000}, btt},
                        {{0x80001800, 0x80002000}, {Fill::Kind::info, 0, 0x80001000}, block},
                        {{0x80002000, 0x80002200}, {Fill::Kind::word, 0x01020304, 0}, {}},
                        {{0x80003000, 0x80003200}, {Fill::Kind::pattern, 0, 0x80002f00}, {}},
                        {{0x80004000, 0x80004040}, {Fill::Kind::unknown, 0, 0}, {}}}};
    const std::string text = nvdimm_state_text(before);
    const NvdimmState state = read_nvdimm_state("i.json", text, machine(), "s.json");
    INFO(told_of(text, machine()));
    REQUIRE(state.findings.empty());
    CHECK(state.image->modules == before.modules);
    CHECK(state.image->btts == before.btts);
    CHECK(state.image->contents == before.contents);
    CHECK(state.image->patterns == before.patterns);
    CHECK(nvdimm_state_text(*state.image) == text);
    const auto with = [&](const std::string& from, const std::string& to) {
        return told_of(resealed(text, from, to), machine());
    };
    CHECK(with("\"at\":\"0x80003000\"", "\"at\":\"0x80001000\"")
              .find("lies before the end of the run before it") != std::string::npos);
    CHECK(with("\"at\":\"0x80004000\"", "\"at\":\"0x90004000\"")
              .find("does not lie in a region") != std::string::npos);
    CHECK(with("\"pattern\":\"salt\"", "\"unknown\":true,\"word\":\"0x1\"")
              .find("the run has several contents") != std::string::npos);
    CHECK(with("\"unknown\":true", "\"from\":1").find("says nothing of its contents") !=
          std::string::npos);
}

TEST_CASE("modules that changed places keep what they hold", "[scenario][state]") {
    using Fill = pmem::Contents::Fill;
    NvdimmImage before = image();
    before.patterns = {"salt"};
    before.contents = {{{{0x80000000, 0x80003000}, {Fill::Kind::pattern, 0, 0x80000000}, {}}}};
    std::string body = kMachine;
    body.replace(body.find("\"nmem0\", \"nmem1\""), 16, "\"nmem1\", \"nmem0\"");
    const NvdimmState state =
        read_nvdimm_state("i.json", nvdimm_state_text(before), machine(body), "s.json");
    REQUIRE(state.findings.empty());
    CHECK(state.image->foreign_labels == std::vector<bool>{true});
    REQUIRE(state.image->contents);
    // Chunks 0, 1 and 2 lie on nmem0, nmem1 and nmem0: they are chunks 1, 0 and 3 now.
    const std::vector<pmem::Contents::Saved> moved{
        {{0x80000000, 0x80001000}, {Fill::Kind::pattern, 0, 0x7ffff000}, {}},
        {{0x80001000, 0x80002000}, {Fill::Kind::pattern, 0, 0x80001000}, {}},
        {{0x80003000, 0x80004000}, {Fill::Kind::pattern, 0, 0x80001000}, {}}};
    CHECK(*state.image->contents == moved);
}

TEST_CASE("an NVDIMM image is JSON of its schema", "[scenario][state]") {
    const auto json = nlohmann::json::parse(nvdimm_state_text(image()));
    CHECK(json["schema"] == "mcemu/nvdimm-state/1");
    CHECK(json["state"]["nvdimms"][0]["poison"][0]["listed"] == true);
    CHECK(json["state"]["namespaces"][0]["btt"][0]["free"][0]["block"] == 5);
}

TEST_CASE("what is no whole NVDIMM image is told so", "[scenario][state]") {
    const std::string text = nvdimm_state_text(image());
    const MachineConfig m = machine();
    const std::string wanted = ": an image as `mcemu run --save-state` writes it";
    CHECK(told_of("", m) == "i.json:1:1: /: the file is empty" + wanted);
    CHECK(told_of("{\"schema\": \"mcemu/scenario/1\"}", m) ==
          "i.json:1:1: /: this is no NVDIMM image: it does not begin with {\"schema\": "
          "\"mcemu/nvdimm-state/1\"" +
              wanted);
    CHECK(told_of(text.substr(0, 20), m) ==
          "i.json:1:1: /: the file ends in its first line" + wanted);
    CHECK(told_of(text.substr(0, 40), m) == "i.json:1:1: /: the first line is damaged" + wanted);
    CHECK(told_of(text.substr(0, text.find('\n')), m) ==
          "i.json:1:1: /: the file ends behind its first line" + wanted);
    CHECK(told_of(text.substr(0, text.size() - 3), m).find("the file is cut off: 3 of ") !=
          std::string::npos);
    CHECK(told_of(text + "x", m) ==
          "i.json:1:1: /: the file has 1 bytes more than its first line says" + wanted);
    std::string other = text;
    other.replace(other.find("state/1"), 7, "state/2");
    CHECK(told_of(other, m) ==
          "i.json:1:1: /: the image has version 2: this program knows version 1: use the one that "
          "saved it");
    std::string flipped = text;
    flipped[flipped.find("0x1000")] = '1';
    CHECK(told_of(flipped, m).find("the file is damaged, or was edited") != std::string::npos);
}

TEST_CASE("no prefix and no changed byte of an NVDIMM image is taken for one",
          "[scenario][state]") {
    const std::string text = nvdimm_state_text(image());
    const MachineConfig m = machine();
    for (std::size_t n = 0; n < text.size(); ++n)
        CHECK_FALSE(read_nvdimm_state("i", text.substr(0, n), m, "s").findings.empty());
    for (std::size_t n = 0; n < text.size(); ++n) {
        std::string other = text;
        other[n] = static_cast<char>(other[n] ^ 1);
        CHECK_FALSE(read_nvdimm_state("i", other, m, "s").findings.empty());
    }
}

TEST_CASE("an NVDIMM image of another machine names the difference", "[scenario][state]") {
    const std::string text = nvdimm_state_text(image());
    const auto other = [&](const std::string& from, const std::string& to) {
        std::string body = kMachine;
        body.replace(body.find(from), from.size(), to);
        const std::string all = told_of(text, machine(body));
        CHECK(all.find('\n') == std::string::npos);  // one error
        return all;
    };
    CHECK(
        other(R"({"size": "32MiB"}, {"size": "32MiB"}])",
              R"({"size": "32MiB"}, {"size": "64MiB"}])") ==
        "i.json:4:22: /state/nvdimms/1/size: \"size\" of nmem1 is 32MiB in the image and 64MiB in "
        "s.json: the machine that saved it, or no --load-state");
    CHECK(other("0x80000000", "0xc0000000")
              .find("\"base\" of region0 is 0x80000000 in the image "
                    "and 0xc0000000 in s.json") != std::string::npos);
    CHECK(other("fsdax", "devdax")
              .find("\"mode\" of namespace0.1 is fsdax in the image and devdax in "
                    "s.json") != std::string::npos);
    CHECK(other(R"(, {"mode": "fsdax"})", "")
              .find("the number of namespaces is 2 in the image and 1 "
                    "in s.json") != std::string::npos);
    CHECK(other(R"("nvdimms": ["nmem0", "nmem1"])",
                R"("interleave": "256B", "nvdimms": ["nmem0", "nmem1"])")
              .find("\"interleave\" of region0 is 4KiB in the image and 256B in s.json") !=
          std::string::npos);
}

TEST_CASE("an NVDIMM image whose checksum is right is checked all the same", "[scenario][state]") {
    const std::string text = nvdimm_state_text(image());
    const MachineConfig m = machine();
    const auto with = [&](const std::string& from, const std::string& to) {
        return told_of(resealed(text, from, to), m);
    };
    CHECK(with("\"size\":33554432", "\"sise\":33554432").find("did you mean \"size\"?") !=
          std::string::npos);
    CHECK(with("\"length\":256", "\"length\":255").find("no whole lines") != std::string::npos);
    CHECK(with("\"dpa\":\"0x1ffffc0\"", "\"dpa\":\"0x2000000\"").find("lies outside the module") !=
          std::string::npos);
    CHECK(with("\"dpa\":\"0x1ffffc0\"", "\"dpa\":\"0x1080\"")
              .find("0x1080 lies before the end of the range before it") != std::string::npos);
    CHECK(with("\"lba\":5", "\"lba\":99999").find("99999 is too high") != std::string::npos);
    CHECK(with("\"lane\":0,\"block\":5", "\"lane\":0,\"block\":6")
              .find("an internal block has two owners, or none") != std::string::npos);
    CHECK(with("\"lba\":9,\"block\":9", "\"lba\":4,\"block\":4").find("4 is out of order") !=
          std::string::npos);
    CHECK(with("\"spares\":100", "\"spares\":101").find("101") != std::string::npos);
}

}  // namespace mcemu::scenario
