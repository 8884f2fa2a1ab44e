// Source: nvdimm.md 9, 14.5.
#include "support/ndctl_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::NdctlMachine;
using Command = NdctlEvent::Command;

namespace {

const Node& member(const Node& object, const std::string& key) {
    for (std::size_t i = 0; i < object.keys.size(); ++i)
        if (object.keys[i] == key) return object.items[i];
    static const Node none;
    return none;
}
const Node& health(const Report& r) { return member(r.output.items.at(0), "health"); }
NdctlEvent smart(int nvdimm = 1) {
    NdctlEvent e;
    e.command = Command::inject_smart;
    e.nvdimm = nvdimm;
    return e;
}
/// A line that the monitor printed; the command that started it reports under the same name.
bool tells(const Report& r) { return r.what == "ndctl monitor" && !r.output.keys.empty(); }
std::size_t told(NdctlMachine& t) {
    std::size_t n = 0;
    for (const Report& r : t.m.kernel.reports) n += tells(r);
    return n;
}

}  // namespace

TEST_CASE("an injected value shows until it is taken back", "[core][ndctl]") {
    NdctlMachine t;
    NdctlEvent e = smart();
    e.smart.media_temperature = 37 * 16 + 8;
    e.smart.spares = 12;
    const Report r = t.run(e);
    CHECK(r.ret == 0);
    CHECK(member(health(r), "temperature_celsius").value == 37.5);
    CHECK(member(health(r), "spares_percentage").number == 12);
    CHECK(member(health(r), "health_state").text == "non-critical");
    CHECK(member(health(r), "temperature_threshold").value == 40);
    CHECK(member(health(r), "controller_temperature_threshold").kind == Node::Kind::null);
    NdctlEvent back = smart();
    back.smart.uninject_all = true;
    const Report after = t.run(back);
    CHECK(member(health(after), "temperature_celsius").value == 23);
    CHECK(member(health(after), "spares_percentage").number == 75);
}

TEST_CASE("a value together with its uninject, or nothing at all, is refused", "[core][ndctl]") {
    NdctlMachine t;
    CHECK(t.run(smart()).ret == -EINVAL);
    NdctlEvent e = smart();
    e.smart.fatal = e.smart.fatal_uninject = true;
    CHECK(t.run(e).ret == -EINVAL);
    e = smart();
    e.smart.spares = 101;
    CHECK(t.run(e).ret == -EINVAL);
}

TEST_CASE("thresholds and alarms are set one by one", "[core][ndctl]") {
    NdctlMachine t;
    NdctlEvent e = smart();
    e.smart.ctrl_temperature_threshold = 55 * 16;
    e.smart.ctrl_temperature_alarm = true;
    e.smart.spares_alarm = false;
    const Report r = t.run(e);
    CHECK(member(health(r), "controller_temperature_threshold").value == 55);
    CHECK(member(health(r), "alarm_enabled_spares").flag == false);
    CHECK(member(health(r), "spares_threshold").kind == Node::Kind::null);
    CHECK(member(health(r), "temperature_threshold").value == 40);
}

TEST_CASE("a monitor tells of the modules and events that it was asked for", "[core][ndctl]") {
    NdctlMachine t;
    NdctlEvent watch;
    watch.command = Command::monitor;
    watch.nvdimm = 1;
    watch.monitor_events = 1u << 3;  // dimm-health-state
    CHECK(t.run(watch).ret == 0);
    NdctlEvent e = smart(1);
    e.smart.unsafe_shutdown = true;
    t.run(e);
    CHECK(told(t) == 0);  // another kind of event
    e = smart(2);
    e.smart.fatal = true;
    t.run(e);
    CHECK(told(t) == 0);  // another module
    e = smart(1);
    e.smart.fatal = true;
    t.run(e);
    REQUIRE(told(t) == 1);
    for (const Report& r : t.m.kernel.reports) {
        if (!tells(r)) continue;
        CHECK(member(member(r.output, "event"), "dimm-health-state").flag);
        CHECK(member(member(r.output, "dimm"), "dev").text == "nmem1");
    }
}

TEST_CASE("a latched dirty shutdown counts, and one that is not latched does not", "[core][ndctl]") {
    pmem::SmartHealth h(NvdimmProfile::test);
    h.dirty_shutdown();
    CHECK(h.shutdown_count() == 43);
    h.latch(false);
    h.dirty_shutdown();
    CHECK(h.shutdown_count() == 43);
    CHECK(h.shutdown_state() == 1);
}

TEST_CASE("a command that is made to fail never reaches the module", "[core][ndctl]") {
    NdctlMachine t;
    NdctlEvent fail;
    fail.command = Command::fail_command;
    fail.nvdimm = 1;
    fail.failing = "smart_inject";
    fail.code = -EIO;
    t.run(fail);
    NdctlEvent e = smart();
    e.smart.fatal = true;
    CHECK(t.run(e).ret == -EIO);
    NdctlEvent list;
    list.command = Command::list;
    list.listing.dimms = list.listing.health = true;
    list.nvdimm = 1;
    CHECK(member(health(t.run(list)), "health_state").text == "non-critical");
}
