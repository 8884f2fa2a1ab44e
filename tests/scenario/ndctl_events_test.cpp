// Events of ndctl and sysfs: what they resolve to, what is told.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

using Command = NdctlEvent::Command;

NdctlEvent ndctl(const std::string& fields) {
    return std::get<NdctlEvent>(
        loaded(with_events("{\"at\": 0, \"do\": " + fields + "}"))->scenario.events.back().action);
}
std::string one(const std::string& fields) {
    return told(with_events("{\"at\": 0, \"do\": " + fields + "}"));
}
bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("a module is notified of its health alone", "[scenario][ndctl]") {
    const auto scenario = [](const std::string& rest) {
        return R"({"schema": "mcemu/scenario/1", "name": "n", "machine": {"nvdimms": [{"id": "nmem0", "size": "64MiB"}]},
            "events": [{"at": 0, "do": "notify", )" + rest + "}]}";
    };
    for (const char* good : {R"("value": "0x80")", R"("value": "0x82")", R"("value": "0x81", "nvdimm": "nmem0")"})
        CHECK(scenario::load_text("n.json", scenario(good)).findings.empty());
    const auto bad = scenario::load_text("n.json", scenario(R"("value": "0x82", "nvdimm": "nmem0")"));
    REQUIRE(bad.findings.size() == 1);
    CHECK(bad.findings[0].pointer == "/events/0/value");
}

TEST_CASE("every command of ndctl is taken in its shortest form", "[scenario][ndctl]") {
    for (const char* body :
         {R"("reconfigure_namespace", "namespace": "namespace0.0")",
          R"("destroy_namespace", "namespace": "all")",
          R"("check_namespace", "namespace": "namespace0.0")",
          R"("inject_error", "namespace": "namespace0.0")",
          R"("clear_errors", "namespace": "namespace0.0")", R"("start_scrub")", R"("wait_scrub")",
          R"("enable_region", "region": "all")", R"("disable_region", "region": "region0")",
          R"("enable_dimm", "nvdimm": "nmem0")", R"("disable_dimm", "nvdimm": "all")", R"("list")",
          R"("inject_smart", "nvdimm": "nmem0")", R"("monitor")",
          R"("read_attribute", "attribute": "scrub")",
          R"("write_attribute", "attribute": "scrub", "text": "1")",
          R"("read_infoblock", "namespace": "namespace0.0")",
          R"("btt_lookup", "namespace": "namespace0.0", "block": 1)",
          R"("init_labels", "nvdimm": "nmem0")", R"("zero_labels", "nvdimm": "all")",
          R"("check_labels", "nvdimm": "all")", R"("read_labels", "nvdimm": "nmem0")",
          R"("write_infoblock", "namespace": "namespace0.0")",
          R"("fail_command", "nvdimm": "nmem0", "command": "smart", "error": "EIO")",
          R"("punch_hole", "process": "p", "file": "f")"}) {
        CAPTURE(body);
        CHECK(one(body).empty());
    }
}

TEST_CASE("the options of inject_error come through", "[scenario][ndctl]") {
    const NdctlEvent e = ndctl(
        R"("inject_error", "namespace": "namespace0.0", "block": 9, "count": 4, "notify": false, "saturate": true)");
    CHECK(e.command == Command::inject_error);
    CHECK(e.ns == 0);
    CHECK(e.block == 9u);
    CHECK(e.count == 4u);
    CHECK_FALSE(e.notify);
    CHECK(e.saturate);
    CHECK_FALSE(ndctl(R"("inject_error", "namespace": "namespace0.0")").block);
}

TEST_CASE("temperatures are in degrees, and become sixteenths", "[scenario][ndctl]") {
    const NdctlEvent e = ndctl(
        R"("inject_smart", "nvdimm": "nmem0", "media_temperature": 41.5, "ctrl_temperature_threshold": -3)");
    CHECK(e.smart.media_temperature == 41 * 16 + 8);
    CHECK(e.smart.ctrl_temperature_threshold == -48);
    CHECK(says(one(R"("inject_smart", "nvdimm": "nmem0", "media_temperature": 5000)"),
               "no module tells such a temperature"));
}

TEST_CASE("a monitor's events are bits in the order of their names", "[scenario][ndctl]") {
    CHECK(ndctl(R"("monitor", "dimm_events": ["dimm-spares-remaining", "dimm-unclean-shutdown"])")
              .monitor_events == 0x11);
}

TEST_CASE("a namespace that an event makes may be named before and after", "[scenario][ndctl]") {
    const auto s = loaded(R"({"schema": "mcemu/scenario/1", "name": "t",
        "machine": {"nvdimms": [{"size": "64MiB"}], "regions": [{"nvdimms": ["nmem0"]}]},
        "files": [{"id": "f", "on": "namespace0.3", "size": "8KiB",
                   "extents": [{"offset": "0x0", "pmem": "0x2000", "size": "8KiB"}]}],
        "events": [{"id": "off", "at": 5, "do": "disable_namespace", "namespace": "namespace0.3"},
                   {"at": 1, "do": "create_namespace", "namespace": "namespace0.3", "map": "mem"}]})");
    REQUIRE(s->scenario.machine.namespaces.size() == 1);
    const NamespaceConfig& ns = s->scenario.machine.namespaces[0];
    CHECK_FALSE(ns.present);
    CHECK(ns.number == 3);
    CHECK(ns.device == "pmem0.3");
    const auto& made = std::get<NdctlEvent>(s->scenario.events[1].action);
    CHECK(made.region == 0);
    CHECK(made.make.map_dev == false);
    CHECK_FALSE(made.make.mode);
}

TEST_CASE("what does not fit is told", "[scenario][ndctl]") {
    CHECK(says(one(R"("clear_errors", "namespace": "namespace0.7")"), "there is no namespace"));
    CHECK(says(one(R"("clear_errors", "namespace": "all")"), "there is no namespace"));
    CHECK(says(one(R"("read_attribute", "attribute": "size", "namespace": "namespace0.0", "region": "region0")"),
               "several owners"));
    CHECK(says(one(R"("read_attribute", "attribute": "badblock")"), "did you mean \"badblocks\"?"));
    CHECK(says(one(R"("create_namespace", "namespace": "ns0")"), "is no name of a namespace"));
    CHECK(says(one(R"("bio", "op": "write", "namespace": "namespace0.0", "sector": 0, "fill": 1, "pattern": "x")"),
               "both given"));
    CHECK(says(one(R"("mmap", "process": "p", "map": {"va": "0x7f0000000000", "size": "4KiB", "kind": "devmem"})"),
               "the key \"at\" is missing"));
    CHECK(says(one(R"("mmap", "process": "p", "map": {"va": "0x7f0000000000", "size": "4KiB", "kind": "devmem", "at": "0x900000000000"})"),
               "lies outside all memory"));
    CHECK(says(one(R"("dsm", "function": "latch_shutdown", "flags": 1)"), "is a call of a module"));
}

TEST_CASE("a file on a namespace that an event makes needs its extents", "[scenario][ndctl]") {
    CHECK(says(told(R"({"schema": "mcemu/scenario/1", "name": "t",
        "machine": {"nvdimms": [{"size": "64MiB"}], "regions": [{"nvdimms": ["nmem0"]}]},
        "files": [{"id": "f", "on": "namespace0.0", "size": "8KiB"}],
        "events": [{"at": 1, "do": "create_namespace", "namespace": "namespace0.0"}]})"),
               "the file has no extents"));
}

TEST_CASE("health that a module begins with comes through", "[scenario][ndctl]") {
    const auto s = loaded(R"({"schema": "mcemu/scenario/1", "name": "t", "events": [],
        "machine": {"nvdimms": [{"size": "64MiB", "labels": "locked", "smart": {"spares": 20, "media_temperature": 30.25},
            "thresholds": {"alarm_control": 7, "spares": 10}}]}})");
    const NvdimmConfig& n = s->scenario.machine.nvdimms[0];
    CHECK(n.labels == LabelArea::locked);
    CHECK(n.smart.spares == 20);
    CHECK(n.smart.media_temperature == 30 * 16 + 4);
    CHECK_FALSE(n.smart.health);
    REQUIRE(n.smart.thresholds);
    CHECK(n.smart.thresholds->control == 7);
    CHECK(n.smart.thresholds->spares == 10);
    CHECK(n.smart.thresholds->media_temperature == 640);
}

}  // namespace
}  // namespace mcemu::scenario
