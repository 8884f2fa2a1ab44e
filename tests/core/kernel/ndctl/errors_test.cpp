// Source: nvdimm.md 6.5, 6.6, 11.3, 12.1, 12.2, 14.1 to 14.4 and A.6.
#include "support/ndctl_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::NdctlMachine;
using Command = NdctlEvent::Command;
using Op = BioEvent::Op;

namespace {

const Node* member(const Node& object, const std::string& key) {
    for (std::size_t i = 0; i < object.keys.size(); ++i)
        if (object.keys[i] == key) return &object.items[i];
    return nullptr;
}
std::int64_t number(const Node& object, const std::string& key) {
    const Node* n = member(object, key);
    REQUIRE(n);
    return n->number;
}
/// "offset+length:dimms" of each row.
std::vector<std::string> rows(const Node& ns) {
    std::vector<std::string> out;
    const Node* list = member(ns, "badblocks");
    if (!list) return out;
    for (const Node& row : list->items) {
        std::string text =
            std::to_string(number(row, "offset")) + "+" + std::to_string(number(row, "length"));
        if (const Node* dimms = member(row, "dimms"))
            for (const Node& d : dimms->items) text += ":" + d.text;
        out.push_back(text);
    }
    return out;
}

}  // namespace

TEST_CASE("an injection with a notification ends in the tables of namespace and region",
          "[core][ndctl]") {
    NdctlMachine t;
    REQUIRE(t.create(NamespaceMode::fsdax).ret == 0);
    const Report r = t.inject(100, 3);
    CHECK(r.ret == 0);
    CHECK(t.badblocks() == "100 3\n");
    CHECK(t.region_badblocks() == "4196 3\n");  // 2 MiB of metadata are 4096 sectors
    CHECK(number(r.output, "badblock_count") == 3);
    // Sector 4196 is byte 0x20c800 of the region: chunk 0x20c, way 0.
    CHECK(rows(r.output) == std::vector<std::string>{"100+3:nmem0"});
    CHECK(t.poisoned_bytes() == 3 * 256);  // one clear unit of each block
}

TEST_CASE("a row over two chunks names both modules", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    CHECK(rows(t.inject(6, 4).output) == std::vector<std::string>{"6+4:nmem0:nmem1"});
}

TEST_CASE("without a notification nobody knows until a scrub", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    CHECK(t.inject(5000, 2, 0, false).ret == 0);
    CHECK(t.badblocks().empty());
    CHECK(t.poisoned_bytes() == 512);
    const Report status = t.inject_status();
    REQUIRE(member(status.output, "badblocks"));
    CHECK(number(member(status.output, "badblocks")->items[0], "block") == 5000);
    CHECK(number(member(status.output, "badblocks")->items[0], "count") == 2);
    NdctlEvent scrub = NdctlMachine::command(Command::start_scrub);
    scrub.wait = true;
    CHECK(t.run(scrub).ret == 0);
    CHECK(t.badblocks() == "5000 2\n");
}

TEST_CASE("saturate poisons whole blocks", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    NdctlEvent e = NdctlMachine::command(Command::inject_error, 0);
    e.block = 7;
    e.count = 3;
    e.saturate = true;
    CHECK(t.run(e).ret == 0);
    CHECK(t.poisoned_bytes() == 3 * 512);
}

TEST_CASE("options that do not fit together are refused", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    const std::uint64_t blocks = t.space().data().size() / 512;
    NdctlEvent e = NdctlMachine::command(Command::inject_error, 0);
    CHECK(t.run(e).ret == -EINVAL);
    e.block = 1;
    CHECK(t.run(e).ret == -EINVAL);
    e.status = true;
    CHECK(t.run(e).ret == -EINVAL);
    CHECK(t.inject(blocks, 1).ret == -EINVAL);
    CHECK(t.inject(blocks - 1, 2).ret == -EINVAL);
    CHECK(t.inject(0, 0).ret == -EINVAL);
    CHECK(t.poisoned_bytes() == 0);
    CHECK(t.inject(blocks - 1, 1, 0, false).ret == 0);
}

TEST_CASE("an enabled sector-mode namespace takes no injection", "[core][ndctl]") {
    NdctlMachine t;
    REQUIRE(t.create(NamespaceMode::sector).ret == 0);
    CHECK(t.inject(8, 1).ret == -EOPNOTSUPP);
    t.m.run(t.m.kernel.libnvdimm.disable(t.m.ctx, 0));
    CHECK(t.inject(8, 1, 0, false).ret == 0);
}

TEST_CASE("an injection taken back leaves the kernel's rows, and reads fail until a write",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::fsdax);
    t.inject(300, 8);
    NdctlEvent e = NdctlMachine::command(Command::inject_error, 0);
    e.block = 300;
    e.count = 8;
    e.uninject = true;
    CHECK(t.run(e).ret == 0);
    CHECK(t.poisoned_bytes() == 0);
    CHECK(t.inject_status().output.kind == Node::Kind::null);
    CHECK(t.badblocks() == "300 8\n");
    CHECK(t.bio(Op::read, 303, 1) == -EIO);
    CHECK(t.bio(Op::write, 300, 8) == 0);
    CHECK(t.badblocks().empty());
    CHECK(t.region_badblocks().empty());
}

TEST_CASE("clear-errors clears what lies in the data and leaves what straddles their edge",
          "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    t.inject(4090, 10);  // the data of fsdax begin at sector 4096
    t.inject(9000, 4);
    NdctlEvent fsdax = NdctlMachine::command(Command::reconfigure_namespace, 0);
    fsdax.make.mode = NamespaceMode::fsdax;
    fsdax.make.map_dev = false;
    fsdax.force = true;
    REQUIRE(t.run(fsdax).ret == 0);
    CHECK(t.badblocks() == "0 4\n4904 4\n");
    const Report r = t.run(NdctlMachine::command(Command::clear_errors, 0));
    CHECK(r.ret == 0);
    CHECK(t.region_badblocks() == "4090 10\n");
    CHECK(t.badblocks() == "0 4\n");
    CHECK(rows(r.output) == std::vector<std::string>{"0+4:nmem0"});
}

TEST_CASE("clear-errors passes a sector-mode namespace by", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::sector);
    t.force_raw(true);
    t.inject(600, 2);
    t.force_raw(false);
    CHECK(t.run(NdctlMachine::command(Command::clear_errors, 0)).ret == 1);
    CHECK(t.region_badblocks() == "600 2\n");
}

TEST_CASE("a raw namespace lists its neighbours' errors too", "[core][ndctl]") {
    NdctlMachine t;
    REQUIRE(t.create(NamespaceMode::raw, 32 * NdctlMachine::kMiB, 0).ret == 0);
    REQUIRE(t.create(NamespaceMode::raw, 16 * NdctlMachine::kMiB, 1).ret == 0);
    t.inject(64, 1, 1);
    NdctlEvent list = NdctlMachine::command(Command::list, 0);
    list.listing.media_errors = true;
    const Report r = t.run(list);
    REQUIRE(r.output.items.size() == 1);
    CHECK(rows(r.output.items[0]) == std::vector<std::string>{"65600+1:nmem0"});
    CHECK(t.badblocks(0).empty());
    CHECK(t.badblocks(1) == "64 1\n");
}

TEST_CASE("the scrub attribute counts, shows a plus while busy and takes only a 1",
          "[core][ndctl]") {
    NdctlMachine t;
    NdctlEvent w = NdctlMachine::command(Command::write_attribute);
    w.attribute = "scrub";
    w.text = "2";
    CHECK(t.run(w).ret == -EINVAL);
    CHECK(t.m.kernel.libnvdimm.scrub_attribute() == "0\n");
    w.text = "1\n";
    CHECK(t.run(w).ret == 2);
    CHECK(t.m.kernel.libnvdimm.scrub_attribute() == "1\n");
}

TEST_CASE("what is stored in badblocks counts as bad until it is written", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    NdctlEvent w = NdctlMachine::command(Command::write_attribute, 0);
    w.attribute = "badblocks";
    w.text = "777 3\n";
    CHECK(t.run(w).ret == 6);
    CHECK(t.bio(Op::read, 779, 1) == -EIO);
    CHECK(t.bio(Op::write, 776, 8) == 0);
    CHECK(t.badblocks().empty());
    w.text = "777 0";
    CHECK(t.run(w).ret == -EINVAL);
}

TEST_CASE("a raw write leaves contents that a read finds", "[core][ndctl]") {
    NdctlMachine t;
    t.create(NamespaceMode::raw);
    CHECK(t.bio(Op::write, 16, 8, 0, 0x5a) == 0);
    BioEvent e;
    e.op = Op::read;
    e.sector = 16;
    e.sectors = 8;
    e.report = true;
    Libnvdimm::Found found;
    CHECK(t.m.run(t.m.kernel.libnvdimm.submit_bio(t.m.ctx, e, found)) == 0);
    REQUIRE(found.pieces.size() == 1);
    CHECK(found.pieces[0].word == 0x5a5a5a5a);
    t.inject(17, 1);
    CHECK(t.bio(Op::write, 16, 8, 0, 0) == 0);
    CHECK(t.media().describe({NdctlMachine::kBase, NdctlMachine::kBase + 65536}).what == "zero");
}
