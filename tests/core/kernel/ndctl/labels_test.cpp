// Source: nvdimm.md 1.4, 2.4, 3, 6.6, 9.4.
#include "core/pmem/image.hpp"
#include "support/ndctl_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::NdctlMachine;
using Command = NdctlEvent::Command;

namespace {

const Node* member(const Node& object, const std::string& key) {
    for (std::size_t i = 0; i < object.keys.size(); ++i)
        if (object.keys[i] == key) return &object.items[i];
    return nullptr;
}
NdctlEvent of_dimm(Command command, int nvdimm) {
    NdctlEvent e;
    e.command = command;
    e.nvdimm = nvdimm;
    e.all = nvdimm < 0;
    return e;
}
NdctlEvent of_region(Command command) {
    NdctlEvent e;
    e.command = command;
    e.region = 0;
    return e;
}
std::string attribute(NdctlMachine& t, const char* name, int ns, int region, int nvdimm) {
    NdctlEvent e;
    e.command = Command::read_attribute;
    e.attribute = name;
    e.ns = ns;
    e.region = region;
    e.nvdimm = nvdimm;
    return t.run(e).output.text;
}

}  // namespace

TEST_CASE("labels name every part of every namespace", "[core][ndctl]") {
    NdctlMachine t;
    NdctlEvent make = NdctlMachine::command(Command::create_namespace, 0);
    make.make.size = 16 << 20;
    make.make.name = "db";
    make.make.uuid = "7d6dbfd0-6ab4-4cbd-a4b3-3b7d0e3c2a91";
    REQUIRE(t.run(make).ret == 0);
    REQUIRE(t.create(NamespaceMode::raw, {}, 1).ret == 0);
    const Report r = t.run(of_dimm(Command::read_labels, 2));
    REQUIRE(r.ret == 0);
    REQUIRE(r.output.items.size() == 1);
    const Node* labels = member(r.output.items[0], "label");
    REQUIRE(labels);
    REQUIRE(labels->items.size() == 2);
    const Node& first = labels->items[0];
    CHECK(member(first, "uuid")->text == "7d6dbfd0-6ab4-4cbd-a4b3-3b7d0e3c2a91");
    CHECK(member(first, "name")->text == "db");
    CHECK(member(first, "position")->number == 2);
    CHECK(member(first, "nlabel")->number == 4);
    CHECK(member(first, "dpa")->number == 0x1000000);
    CHECK(member(first, "rawsize")->number == 4 << 20);
    CHECK(member(labels->items[1], "dpa")->number == 0x1400000);
    CHECK(member(labels->items[1], "slot")->number == 1);
    CHECK(member(labels->items[1], "uuid") == nullptr);
}

TEST_CASE("a label area in use is neither zeroed nor initialized", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    CHECK(t.run(of_dimm(Command::zero_labels, 0)).ret == -EBUSY);
    NdctlEvent init = of_dimm(Command::init_labels, 0);
    init.force = true;
    CHECK(t.run(init).ret == -EBUSY);
    CHECK(t.run(of_dimm(Command::check_labels, -1)).messages.back() ==
          "successfully verified 4 nmem labels");
}

TEST_CASE("a namespace without one of its labels is gone with the region's next enabling",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    CHECK(t.bio(BioEvent::Op::write, 0, 8, 0, 0x5a) == 0);
    t.run(of_region(Command::disable_region));
    CHECK(t.run(of_dimm(Command::zero_labels, 3)).messages.back() == "zeroed 1 nmem");
    CHECK(t.run(of_dimm(Command::check_labels, 3)).ret == -ENXIO);
    CHECK(t.run(of_dimm(Command::read_labels, 3)).ret == -ENXIO);
    CHECK(t.run(of_dimm(Command::check_labels, 0)).ret == 0);
    CHECK(t.run(of_region(Command::enable_region)).ret == 0);
    CHECK_FALSE(t.space(0).present);
    NdctlEvent list = NdctlMachine::command(Command::list);
    list.listing.idle = true;
    CHECK(t.run(list).output.kind == Node::Kind::null);
    // What it held is still there, for a namespace in its place.
    REQUIRE(t.create(NamespaceMode::fsdax).ret == 0);
    CHECK(t.media().holds({NdctlMachine::kBase + (2 << 20), NdctlMachine::kBase + (2 << 20) + 4096},
                          {DataSpec::Kind::fill, 0x5a5a5a5a}));
    CHECK(t.run(of_dimm(Command::check_labels, 3)).ret == 0);  // the first label made an index
}

TEST_CASE("init-labels wants to be forced where an index is", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    t.run(of_region(Command::disable_region));
    CHECK(t.run(of_dimm(Command::init_labels, 1)).ret == -EBUSY);
    NdctlEvent init = of_dimm(Command::init_labels, 1);
    init.force = true;
    CHECK(t.run(init).ret == 0);
    CHECK(t.run(of_dimm(Command::check_labels, 1)).ret == 0);
    t.run(of_region(Command::enable_region));
    CHECK_FALSE(t.space(0).present);
}

TEST_CASE("a locked label area is not read", "[core][ndctl]") {
    NdctlMachine t([](Scenario& s) { s.machine.nvdimms[1].labels = LabelArea::locked; });
    CHECK(t.run(of_dimm(Command::read_labels, 1)).ret == -EACCES);
    CHECK(t.run(of_dimm(Command::zero_labels, 1)).ret == -EACCES);
    CHECK(t.run(of_dimm(Command::read_labels, 0)).ret == 0);
}

namespace {
void one_namespace(Scenario& s) {
    NamespaceConfig& ns = s.machine.namespaces[0];
    ns.present = true;
    ns.mode = NamespaceMode::fsdax;
    ns.range = {NdctlMachine::kBase, NdctlMachine::kBase + NdctlMachine::kSize};
    ns.data_offset = 2 << 20;
    ns.device = "pmem0";
}
}  // namespace

TEST_CASE("at boot, locked labels keep a namespace from being enabled", "[core][ndctl]") {
    NdctlMachine t([](Scenario& s) {
        one_namespace(s);
        s.machine.nvdimms[3].labels = LabelArea::locked;
    });
    CHECK(t.space(0).present);
    CHECK_FALSE(t.m.kernel.libnvdimm.enabled(0));
    CHECK(t.bio(BioEvent::Op::read, 0, 8) == -ENXIO);
    CHECK(t.m.run(t.m.kernel.libnvdimm.enable(t.m.ctx, 0)) == -EACCES);
}

TEST_CASE("at boot, corrupt labels know no namespace", "[core][ndctl]") {
    NdctlMachine t([](Scenario& s) {
        one_namespace(s);
        s.machine.nvdimms[3].labels = LabelArea::corrupt;
    });
    CHECK_FALSE(t.space(0).present);
    CHECK(t.create(NamespaceMode::raw).ret == 0);
}

TEST_CASE("a module that is not mapped keeps its region down", "[core][ndctl]") {
    NdctlMachine t([](Scenario& s) {
        one_namespace(s);
        s.machine.nvdimms[2].map_flags = kMapFail | kMapRestoreFail;
    });
    CHECK(attribute(t, "flags", -1, -1, 2) == "restore_fail map_fail ");
    CHECK(attribute(t, "flags", -1, -1, 1).empty());
    CHECK(t.bio(BioEvent::Op::read, 0, 8) == -ENXIO);
    CHECK(t.run(of_region(Command::enable_region)).ret == -ENXIO);
}

TEST_CASE("a module without energy makes its region read-only, until somebody says otherwise",
          "[core][ndctl]") {
    NdctlMachine t([](Scenario& s) {
        one_namespace(s);
        s.machine.nvdimms[2].map_flags = kMapNotArmed;
    });
    CHECK(attribute(t, "read_only", -1, 0, -1) == "1");
    CHECK(t.bio(BioEvent::Op::read, 0, 8) == 0);
    CHECK(t.bio(BioEvent::Op::write, 0, 8) == -EACCES);
    NdctlEvent e;
    e.command = Command::write_attribute;
    e.attribute = "read_only";
    e.region = 0;
    e.text = "0\n";
    CHECK(t.run(e).ret == 2);
    CHECK(t.bio(BioEvent::Op::write, 0, 8) == 0);
    e.text = "2";
    CHECK(t.run(e).ret == -EINVAL);
}

TEST_CASE("what the kernel learnt of the last shutdown does not change until the next boot",
          "[core][ndctl]") {
    NdctlMachine t([](Scenario& s) { s.machine.nvdimms[0].smart.shutdown_state = 1; });
    CHECK(attribute(t, "flags", -1, -1, 0) == "flush_fail ");
    CHECK(attribute(t, "dirty_shutdown", -1, -1, 0) == "42");
    NdctlEvent unsafe = of_dimm(Command::inject_smart, 1);
    unsafe.smart.unsafe_shutdown = true;
    const Report r = t.run(unsafe);
    CHECK(r.ret == 0);
    CHECK(member(r.output.items.at(0), "flag_failed_flush") == nullptr);
    CHECK(attribute(t, "flags", -1, -1, 1).empty());
    CHECK(attribute(t, "dirty_shutdown", -1, -1, 1) == "42");
}

TEST_CASE("a device file opened for reading takes no call that changes something",
          "[core][ndctl]") {
    using Function = DsmEvent::Function;
    NdctlMachine t;
    for (const auto& [function, allowed] :
         {std::pair{Function::ars_cap, true}, {Function::ars_status, true}, {Function::smart, true},
          {Function::ars_start, false}, {Function::clear_error, false},
          {Function::translate_spa, false}, {Function::inject_status, false},
          {Function::smart_inject, false}}) {
        DsmEvent e;
        e.function = function;
        e.nvdimm = function == Function::smart || function == Function::smart_inject ? 0 : -1;
        e.address = NdctlMachine::kBase;
        e.length = 4096;
        e.read_only = true;
        CAPTURE(static_cast<int>(function));
        CHECK((t.m.run(t.m.kernel.libnvdimm.ioctl(t.m.ctx, e)) == -EPERM) == !allowed);
    }
}

TEST_CASE("a clear whose output field says a namespace is in the way is refused",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    DsmEvent e;
    e.function = DsmEvent::Function::clear_error;
    e.address = NdctlMachine::kBase;
    e.length = 4096;
    CHECK(t.m.run(t.m.kernel.libnvdimm.ioctl(t.m.ctx, e)) == 0);
    e.cleared = NdctlMachine::kSize - 1;
    CHECK(t.m.run(t.m.kernel.libnvdimm.ioctl(t.m.ctx, e)) == 0);
    e.cleared = NdctlMachine::kSize;
    CHECK(t.m.run(t.m.kernel.libnvdimm.ioctl(t.m.ctx, e)) == -EBUSY);
    t.run(of_region(Command::disable_region));
    CHECK(t.m.run(t.m.kernel.libnvdimm.ioctl(t.m.ctx, e)) == 0);
}

TEST_CASE("an info block that ndctl writes makes the namespace what it says", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    NdctlEvent write = NdctlMachine::command(Command::write_infoblock, 0);
    write.make.mode = NamespaceMode::devdax;
    write.make.map_dev = true;
    CHECK(t.run(write).ret == -EBUSY);
    t.m.run(t.m.kernel.libnvdimm.disable(t.m.ctx, 0));
    CHECK(t.run(write).ret == 0);
    CHECK(t.m.run(t.m.kernel.libnvdimm.enable(t.m.ctx, 0)) == 0);
    CHECK(t.space(0).mode == NamespaceMode::devdax);
    CHECK(t.space(0).data_offset == 2 << 20);
    CHECK(t.space(0).device == "dax0.0");
}

TEST_CASE("contents and info blocks last over a reboot", "[core][ndctl]") {
    NvdimmImage image;
    {
        NdctlMachine before(&one_namespace);
        CHECK(before.bio(BioEvent::Op::write, 16, 8, 0, 0x77) == 0);
        before.m.kernel.libnvdimm.save(image);
    }
    REQUIRE(image.contents);
    {
        NdctlMachine after(&one_namespace);
        after.m.kernel.libnvdimm.start_from(image, {});
        after.m.agenda.run_until(SimTime::max());
        CHECK(after.space(0).mode == NamespaceMode::fsdax);
        const std::uint64_t data = NdctlMachine::kBase + (2 << 20) + 16 * 512;
        CHECK(after.media().holds({data, data + 4096}, {DataSpec::Kind::fill, 0x77777777}));
        // Raw, and its info block written over.
        CHECK(after.force_raw(true) >= 0);
        CHECK(after.bio(BioEvent::Op::write, 8, 8, 0, 0) == 0);
        image = {};
        after.m.kernel.libnvdimm.save(image);
        image.force_raw.assign(1, false);
    }
    NdctlMachine last(&one_namespace);
    last.m.kernel.libnvdimm.start_from(image, {});
    last.m.agenda.run_until(SimTime::max());
    CHECK(last.space(0).mode == NamespaceMode::raw);
    CHECK(last.bio(BioEvent::Op::read, 0, 8) == 0);
}
