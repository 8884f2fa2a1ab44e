// Source: nvdimm.md 3, 12.6 and A.6 rows 81 to 93.
#include "support/ndctl_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::NdctlMachine;
using Command = NdctlEvent::Command;
using Op = BioEvent::Op;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

bool says(const Report& r, const std::string& text) {
    for (const std::string& m : r.messages)
        if (m.find(text) != std::string::npos) return true;
    return false;
}
int enable(NdctlMachine& t, std::uint32_t ns = 0) {
    return t.m.run(t.m.kernel.libnvdimm.enable(t.m.ctx, ns));
}
int disable(NdctlMachine& t, std::uint32_t ns = 0) {
    return t.m.run(t.m.kernel.libnvdimm.disable(t.m.ctx, ns));
}

}  // namespace

TEST_CASE("a new namespace takes the largest free extent and ndctl's defaults", "[core][ndctl]") {
    NdctlMachine t;
    REQUIRE(t.run(NdctlMachine::command(Command::create_namespace, 0)).ret == 0);
    CHECK(t.space().range == SpaRange{NdctlMachine::kBase, NdctlMachine::kBase + 64 * kMiB});
    CHECK(t.space().mode == NamespaceMode::fsdax);
    CHECK(t.space().map_dev);
    CHECK(t.space().data_offset == 2 * kMiB);
    CHECK(t.space().device == "pmem0");
    CHECK(t.run(NdctlMachine::command(Command::create_namespace, 1)).ret == -ENOSPC);
    CHECK(t.run(NdctlMachine::command(Command::create_namespace, 0)).ret == -EBUSY);
}

TEST_CASE("sizes are whole stripes of the alignment", "[core][ndctl]") {
    NdctlMachine t;
    NdctlEvent e = NdctlMachine::command(Command::create_namespace, 0);
    e.make.size = 18 * kMiB;  // 4 ways of 2 MiB are 8 MiB
    CHECK(t.run(e).ret == -EINVAL);
    e.make.mode = NamespaceMode::raw;
    CHECK(t.run(e).ret == 0);
    e = NdctlMachine::command(Command::create_namespace, 1);
    e.make.mode = NamespaceMode::raw;
    e.make.align = 4096;
    CHECK(t.run(e).ret == -EINVAL);
    e.make.align.reset();
    e.make.map_dev = true;
    CHECK(t.run(e).ret == -EINVAL);
}

TEST_CASE("a destroyed namespace leaves room, and only force takes an enabled one",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw, 32 * kMiB, 0);
    t.create(NamespaceMode::raw, 32 * kMiB, 1);
    NdctlEvent e = NdctlMachine::command(Command::destroy_namespace, 0);
    CHECK(t.run(e).ret == -EBUSY);
    e.force = true;
    CHECK(t.run(e).ret == 0);
    CHECK(t.run(e).ret == -ENXIO);
    CHECK(enable(t) == -ENODEV);
    CHECK(t.create(NamespaceMode::raw, 32 * kMiB, 2).ret == 0);
    CHECK(t.space(2).range.begin == NdctlMachine::kBase);
}

TEST_CASE("data stay where they are when fsdax becomes devdax", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    const SpaRange data = t.space().data();
    CHECK(t.bio(Op::write, 0, 64, 0, 0x77) == 0);
    NdctlEvent e = NdctlMachine::command(Command::reconfigure_namespace, 0);
    e.make.mode = NamespaceMode::devdax;
    CHECK(t.run(e).ret == -EBUSY);
    e.force = true;
    CHECK(t.run(e).ret == 0);
    CHECK(t.space().data() == data);
    CHECK(t.space().device == "dax0.0");
    CHECK(t.media().holds({data.begin, data.begin + 64 * 512},
                          {DataSpec::Kind::fill, 0x77777777}));
}

TEST_CASE("force_raw shows the raw capacity under the raw name", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::sector);
    CHECK(t.space().device == "pmem0s");
    NdctlEvent w = NdctlMachine::command(Command::write_attribute, 0);
    w.attribute = "force_raw";
    w.text = "1";
    CHECK(t.run(w).ret == -EBUSY);  // only while it is disabled
    CHECK(t.force_raw(true) == 0);
    CHECK(t.space().device == "pmem0");
    CHECK(t.bio(Op::read, 64 * kMiB / 512 - 8, 8) == 0);
    CHECK(t.force_raw(false) == 0);
    CHECK(t.space().device == "pmem0s");
    CHECK(t.bio(Op::read, 64 * kMiB / 512 - 8, 8) == -EIO);
}

TEST_CASE("without its info block a namespace comes up raw", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    t.force_raw(true);
    CHECK(t.bio(Op::write, 9, 1, 0, 0) == 0);  // a sector of it
    t.force_raw(false);
    CHECK(t.space().mode == NamespaceMode::raw);
    CHECK(t.space().data_offset == 0);
}

TEST_CASE("a known bad info block leaves the namespace raw too", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    t.force_raw(true);
    t.inject(10, 1);
    t.force_raw(false);
    CHECK(t.space().mode == NamespaceMode::raw);
}

TEST_CASE("bad sectors under the page structs are zeroed when the namespace is enabled",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    t.force_raw(true);
    t.inject(1000, 12);
    CHECK(t.badblocks() == "1000 12\n");
    CHECK(t.force_raw(false) == 0);
    CHECK(t.space().mode == NamespaceMode::fsdax);
    CHECK(t.region_badblocks().empty());
    CHECK(t.poisoned_bytes() == 0);
    // Rounded out to pages: sectors 1000 to 1015.
    CHECK(t.m.kernel.libnvdimm.bus().calls().back().request.address ==
          NdctlMachine::kBase + 1008 * 512);
}

TEST_CASE("a region takes its namespaces down and up, and its table is made anew", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    t.inject(50, 1);
    NdctlEvent e = NdctlMachine::command(Command::disable_region);
    e.all = true;
    CHECK(t.run(e).ret == 0);
    CHECK(t.region_badblocks().empty());
    CHECK(enable(t) == -ENXIO);
    e.command = Command::enable_region;
    CHECK(t.run(e).ret == 0);
    CHECK(t.m.kernel.libnvdimm.enabled(0));
    CHECK(t.badblocks() == "50 1\n");
    CHECK(t.region_badblocks() == "50 1\n");
}

TEST_CASE("a module whose labels cannot be read keeps its regions down", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    const auto all = [&](Command c) {
        NdctlEvent e = NdctlMachine::command(c);
        e.all = true;
        return t.run(e).ret;
    };
    CHECK(all(Command::disable_dimm) == -EBUSY);
    CHECK(all(Command::disable_region) == 0);
    CHECK(all(Command::disable_dimm) == 0);
    NdctlEvent fail = NdctlMachine::command(Command::fail_command);
    fail.nvdimm = 2;
    fail.failing = "get_config_data";
    fail.code = -EACCES;
    t.run(fail);
    CHECK(all(Command::enable_dimm) == -ENXIO);
    CHECK(all(Command::enable_region) == -ENXIO);
    fail.code = 0;
    t.run(fail);
    CHECK(all(Command::enable_dimm) == 0);
    CHECK(all(Command::enable_region) == 0);
}

TEST_CASE("denied the size of the label area, a module enables, but no namespace on it does",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    const auto all = [&](Command c) {
        NdctlEvent e = NdctlMachine::command(c);
        e.all = true;
        return t.run(e).ret;
    };
    all(Command::disable_region);
    all(Command::disable_dimm);
    NdctlEvent fail = NdctlMachine::command(Command::fail_command);
    fail.nvdimm = 0;
    fail.failing = "get_config_size";
    fail.code = -EACCES;
    t.run(fail);
    CHECK(all(Command::enable_dimm) == 0);
    CHECK(all(Command::enable_region) == 0);
    CHECK(!t.m.kernel.libnvdimm.enabled(0));
    CHECK(enable(t) == -EACCES);
}

// ---------------------------------------------------------------- BTT

TEST_CASE("check-namespace finds a lost info block and restores it from the other",
          "[core][ndctl]") {
    for (const bool second : {false, true}) {
        CAPTURE(second);
        NdctlMachine t;
        t.create(NamespaceMode::sector);
        const std::uint64_t sector =
            second ? t.m.kernel.libnvdimm.btt(0)->arenas()[0].info2off / 512 : 0;
        t.force_raw(true);
        CHECK(t.bio(Op::write, sector, 8, 0, 0) == 0);
        disable(t);
        NdctlEvent raw = NdctlMachine::command(Command::write_attribute, 0);
        raw.attribute = "force_raw";
        raw.text = "0";
        t.run(raw);
        NdctlEvent check = NdctlMachine::command(Command::check_namespace, 0);
        Report r = t.run(check);
        CHECK(r.ret < 0);
        CHECK(says(r, second ? "info2 needs to be restored" : "info1 needs to be restored"));
        check.repair = true;
        CHECK(t.run(check).ret == 0);
        check.repair = false;
        CHECK(t.run(check).ret == 0);
        CHECK(enable(t) == 0);
        CHECK(t.space().mode == NamespaceMode::sector);
    }
}

TEST_CASE("check-namespace wants the namespace disabled, or force", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::sector);
    NdctlEvent check = NdctlMachine::command(Command::check_namespace, 0);
    CHECK(t.run(check).ret == -EBUSY);
    check.force = true;
    CHECK(t.run(check).ret == 0);
    CHECK(t.m.kernel.libnvdimm.enabled(0));
}

TEST_CASE("a block that two map entries claim is a bitmap error", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::sector);
    CHECK(t.bio(Op::write, 40 * 8, 8) == 0);
    const auto entry = t.m.kernel.libnvdimm.btt(0)->lookup(40);
    REQUIRE(entry);
    CHECK(entry->block == 16105);  // the free block of lane 0
    CHECK(entry->normal);
    CHECK(t.bio(Op::write, 41 * 8, 8) == 0);  // takes block 40, as the lane's log says
    const std::uint64_t map = t.m.kernel.libnvdimm.btt(0)->arenas()[0].mapoff / 512;
    t.force_raw(true);
    CHECK(t.bio(Op::write, map, 1, 0, 0) == 0);  // never written, says the map now
    t.force_raw(false);
    CHECK(t.m.kernel.libnvdimm.btt(0)->lookup(40)->block == 40);
    CHECK(t.m.kernel.libnvdimm.btt(0)->lookup(41)->block == 40);  // finished by the attach
    disable(t);
    const Report r = t.run(NdctlMachine::command(Command::check_namespace, 0));
    CHECK(r.ret < 0);
    CHECK(says(r, "bitmap error"));
}

TEST_CASE("map entries that are written over say what their bits say", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::sector);
    const std::uint64_t map = t.m.kernel.libnvdimm.btt(0)->arenas()[0].mapoff / 512;
    const auto write_raw = [&](std::uint8_t fill) {
        t.force_raw(true);
        CHECK(t.bio(Op::write, map, 1, 0, fill) == 0);
        t.force_raw(false);
    };
    write_raw(0x40);  // E alone
    CHECK(t.m.kernel.libnvdimm.btt(0)->lookup(3)->error);
    CHECK(t.bio(Op::read, 3 * 8, 8) == -EIO);
    write_raw(0x80);  // Z alone
    CHECK(t.m.kernel.libnvdimm.btt(0)->lookup(3)->zero);
    CHECK(t.bio(Op::read, 3 * 8, 8) == 0);
    CHECK(t.m.kernel.libnvdimm.btt(0)->lookup(128)->block == 128);  // another sector of the map
}

TEST_CASE("a data error stays in the map until a write, which frees a clean block",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::sector);
    CHECK(t.bio(Op::write, 55 * 8, 8, 0, 0xa5) == 0);
    const std::uint32_t block = t.m.kernel.libnvdimm.btt(0)->lookup(55)->block;
    t.force_raw(true);
    t.inject(block * 8ull + 8, 8);
    t.force_raw(false);
    CHECK(t.bio(Op::read, 55 * 8, 8) == -EIO);
    CHECK(t.m.kernel.libnvdimm.btt(0)->lookup(55)->error);
    CHECK(t.bio(Op::write, 55 * 8, 8, 0, 0) == 0);
    CHECK(t.bio(Op::read, 55 * 8, 8) == 0);
    CHECK(t.poisoned_bytes() == 0);
    CHECK(t.m.kernel.libnvdimm.btt(0)->free_blocks(55) == std::vector<std::uint32_t>{block});
}
