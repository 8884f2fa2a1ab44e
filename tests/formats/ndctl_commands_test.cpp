// `ndctl inject-error` commands of a scenario (ndctl-inject-error(1), nvdimm.md 14.2).
#include "formats/ndctl_commands.hpp"

#include <catch2/catch.hpp>

namespace mcemu::formats {
namespace {

/// Two interleaved modules of 32 MiB: 32 MiB fsdax (data at 2 MiB), the rest in sector mode.
Scenario machine() {
    Scenario s;
    s.name = "t";
    s.machine.nvdimms.resize(2);
    for (std::size_t i = 0; i < 2; ++i) {
        s.machine.nvdimms[i].id = "nmem" + std::to_string(i);
        s.machine.nvdimms[i].size = 32 << 20;
    }
    s.machine.regions.push_back({"region0", {0x80000000, 0x84000000}, {0, 1}, {0, 0}, 4096});
    s.machine.namespaces.resize(2);
    NamespaceConfig& fs = s.machine.namespaces[0];
    fs.id = "namespace0.0";
    fs.range = {0x80000000, 0x82000000};
    fs.data_offset = 0x200000;
    NamespaceConfig& btt = s.machine.namespaces[1];
    btt.id = "namespace0.1";
    btt.range = {0x82000000, 0x84000000};
    btt.mode = NamespaceMode::sector;
    return s;
}

Event event(Action action) {
    Event e;
    e.id = "e1";
    e.action = std::move(action);
    return e;
}

bool has(const std::string& text, const std::string& line) {
    return text.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("whole sectors are saturated, latent poison notifies nobody", "[formats][ndctl]") {
    Scenario s = machine();
    s.events.push_back(event(PoisonEvent{-1, 0x80200000 + 42 * 512, 1024, false}));
    CHECK(has(ndctl_commands(s),
              "ndctl inject-error --block=42 --count=2 --saturate --no-notify namespace0.0"));
}

TEST_CASE("an Inject call that asks for a notification notifies", "[formats][ndctl]") {
    Scenario s = machine();
    DsmEvent dsm;
    dsm.function = DsmEvent::Function::inject_error;
    dsm.address = 0x80200000;
    dsm.length = 512;
    dsm.flags = 1;
    s.events.push_back(event(dsm));
    dsm.function = DsmEvent::Function::inject_clear;
    s.events.push_back(event(dsm));
    const std::string text = ndctl_commands(s);
    CHECK(has(text, "ndctl inject-error --block=0 --count=1 --saturate namespace0.0"));
    CHECK(has(text, "ndctl inject-error --block=0 --count=1 --saturate --uninject namespace0.0"));
}

TEST_CASE("a range with ragged ends is three commands", "[formats][ndctl]") {
    Scenario s = machine();
    s.events.push_back(event(PoisonEvent{-1, 0x80200000 + 0x1c0, 0x480, false}));  // 0x1c0-0x640
    const std::string text = ndctl_commands(s);
    CHECK(has(text, "ndctl inject-error --block=0 --count=1 --no-notify namespace0.0"));
    CHECK(has(text, "ndctl inject-error --block=1 --count=2 --saturate --no-notify namespace0.0"));
    CHECK(has(text, "ndctl inject-error --block=3 --count=1 --no-notify namespace0.0"));
}

TEST_CASE("poison of a module is found through the interleave set", "[formats][ndctl]") {
    Scenario s = machine();
    // Module 1 from DPA 0x100000: chunks 513, 515 of the region, data offsets 0x1000 and 0x3000.
    s.machine.nvdimms[1].poison = {{0x100000, 0x102000}};
    const std::string text = ndctl_commands(s);
    CHECK(has(text, "ndctl inject-error --block=8 --count=8 --saturate --no-notify namespace0.0"));
    CHECK(has(text, "ndctl inject-error --block=24 --count=8 --saturate --no-notify namespace0.0"));
    CHECK(text.find("--block=16") == std::string::npos);
}

TEST_CASE("a sector-mode namespace is taken down for it", "[formats][ndctl]") {
    Scenario s = machine();
    s.events.push_back(event(PoisonEvent{-1, 0x82001000, 512, false}));
    CHECK(has(ndctl_commands(s),
              "ndctl disable-namespace namespace0.1\n"
              "ndctl inject-error --block=8 --count=1 --saturate --no-notify namespace0.1\n"
              "ndctl enable-namespace namespace0.1"));
}

TEST_CASE("what ndctl cannot reach is a comment", "[formats][ndctl]") {
    Scenario s = machine();
    s.events.push_back(event(PoisonEvent{-1, 0x80001000, 512, false}));  // the info block
    const std::string text = ndctl_commands(s);
    CHECK(text.find("ndctl cannot reach them") != std::string::npos);
    CHECK(text.find("ndctl inject-error") == std::string::npos);
}

TEST_CASE("events that are commands become those commands", "[formats][ndctl]") {
    using Command = NdctlEvent::Command;
    Scenario s = machine();
    const auto add = [&](Command command, const auto& change) {
        NdctlEvent e;
        e.command = command;
        change(e);
        s.events.push_back(event(e));
    };
    add(Command::inject_error, [](NdctlEvent& e) {
        e.ns = 0;
        e.block = 42;
        e.count = 8;
        e.notify = false;
    });
    add(Command::reconfigure_namespace, [](NdctlEvent& e) {
        e.ns = 1;
        e.force = true;
        e.make.mode = NamespaceMode::devdax;
        e.make.align = 4096;
    });
    add(Command::inject_smart, [](NdctlEvent& e) {
        e.nvdimm = 1;
        e.smart.media_temperature = 41 * 16 + 8;
        e.smart.spares_uninject = true;
    });
    add(Command::disable_region, [](NdctlEvent& e) { e.all = true; });
    add(Command::write_attribute, [](NdctlEvent& e) {
        e.ns = 0;
        e.attribute = "badblocks";
        e.text = "1 '2";
    });
    add(Command::list, [](NdctlEvent& e) {
        e.region = 0;
        e.listing.namespaces = e.listing.media_errors = true;
        e.human = true;
    });
    s.machine.namespaces[0].device = "pmem0";
    const std::string text = ndctl_commands(s);
    CHECK(has(text, "ndctl inject-error --block=42 --count=8 --no-notify namespace0.0"));
    CHECK(has(text, "ndctl create-namespace --reconfig=namespace0.1 --force --mode=devdax --align=4096"));
    CHECK(has(text, "ndctl inject-smart --media-temperature=41.5 --spares-uninject nmem1"));
    CHECK(has(text, "ndctl disable-region all"));
    CHECK(has(text, "printf %s '1 '\\''2' > /sys/block/pmem0/badblocks"));
    CHECK(has(text, "ndctl list -NM --region=region0 --human"));
}

TEST_CASE("names cannot break out of a comment", "[formats][ndctl]") {
    Scenario s = machine();
    s.name = "x\nrm -rf /";
    CHECK(ndctl_commands(s).find("\nrm") == std::string::npos);
}

TEST_CASE("bad sectors of a result become commands", "[formats][ndctl]") {
    CHECK(has(ndctl_commands("t", {{"namespace0.0", 8, 2}}),
              "ndctl inject-error --block=8 --count=2 namespace0.0"));
    CHECK(has(ndctl_commands("t", {}), "# there are none"));
}

}  // namespace mcemu::formats
