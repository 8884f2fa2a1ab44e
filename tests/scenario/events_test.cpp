// Events as resolved: derived defaults, triggers, references.
#include <catch2/catch.hpp>

#include "core/kernel/mm/page.hpp"
#include "core/mca/status.hpp"
#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

template <class E>
E event(const std::string& text) {
    return std::get<E>(loaded(with_events(text))->scenario.events.back().action);
}

MceEvent mce(const std::string& fields) { return event<MceEvent>(R"({"at": 0, "do": "mce", )" + fields + "}"); }

// ---------------------------------------------------------------- mce

TEST_CASE("an SRAR record comes with RIPV, EIPV and MCIP", "[scenario][events]") {
    const MceEvent e = mce(R"("status": "SRAR-DATA")");
    CHECK(e.status == 0xbd80000000000134);
    CHECK(e.mcgstatus == 7);
    CHECK(e.broadcast);
    CHECK_FALSE(e.poll);
    CHECK(e.cpu == 0);
    CHECK(e.bank == 1);
}

TEST_CASE("an SRAO record comes with RIPV and MCIP", "[scenario][events]") {
    CHECK(mce(R"("status": "SRAO-SCRUB-MC")").mcgstatus == 5);
}

TEST_CASE("a fatal record comes with MCIP", "[scenario][events]") {
    CHECK(mce(R"("status": "FATAL-PCC")").mcgstatus == 4);
}

TEST_CASE("corrected and UCNA records are found by polling", "[scenario][events]") {
    for (const char* name : {"CE", "UCNA", "SRAO-SCRUB-CMCI", "SKX-PATROL"}) {
        CAPTURE(name);
        const MceEvent e = mce("\"status\": \"" + std::string(name) + '"');
        CHECK(e.mcgstatus == 0);
        CHECK(e.poll);
    }
}

TEST_CASE("poll can be said", "[scenario][events]") {
    CHECK(mce(R"("status": "SRAR-DATA", "poll": true)").poll);
    CHECK_FALSE(mce(R"("status": "CE", "poll": false)").poll);
}

TEST_CASE("records for mce-inject are as written: nothing is derived", "[scenario][events]") {
    const MceEvent e = mce(R"("status": "SRAR-DATA", "via": "mce-inject", "process": "p", "hold": true,
                              "context": "irq", "broadcast": "irq")");
    CHECK(e.via == MceEvent::Via::mce_inject);
    CHECK(e.mcgstatus == 0);
    CHECK(e.cs == 0);
    CHECK(e.hold);
    CHECK(e.context == MceEvent::Context::irq);
    CHECK(e.broadcast);
    CHECK(e.by_ipi);
    CHECK_FALSE(e.poll);
    CHECK_FALSE(mce(R"("status": "SRAR-DATA", "via": "mce-inject", "broadcast": "nmi")").by_ipi);
    CHECK(mce(R"("status": "CE", "via": "mce-inject")").poll);
}

TEST_CASE("LMCES makes a machine check local", "[scenario][events]") {
    CHECK_FALSE(mce(R"("status": "SRAR-DATA", "mcgstatus": "0xf")").broadcast);
}

TEST_CASE("a local machine check on a machine with lmce sets LMCES", "[scenario][events]") {
    const auto s = loaded(R"({"schema": "mcemu/scenario/1", "name": "t", "machine": {"mca": {"lmce": true}},
        "events": [{"at": 0, "do": "mce", "status": "SRAR-DATA", "broadcast": false},
                   {"at": 0, "do": "mce", "status": "SRAO-SCRUB-MC", "broadcast": false}]})");
    CHECK(std::get<MceEvent>(s->scenario.events[0].action).mcgstatus == 15);
    CHECK(std::get<MceEvent>(s->scenario.events[1].action).mcgstatus == 5);
    CHECK_FALSE(std::get<MceEvent>(s->scenario.events[1].action).broadcast);
}

TEST_CASE("a machine check happens on the CPU of its process", "[scenario][events]") {
    const auto s = loaded(R"({"schema": "mcemu/scenario/1", "name": "t", "processes": [{"id": "p", "cpu": 2}],
        "events": [{"at": 0, "do": "mce", "status": "SRAR-DATA", "process": "p"}]})");
    const auto e = std::get<MceEvent>(s->scenario.events[0].action);
    CHECK(e.cpu == 2);
    CHECK(e.process == 0);
    CHECK(e.cs == 0x33);
    CHECK_FALSE(e.cs_given);
}

TEST_CASE("a machine check without a process is in the kernel", "[scenario][events]") {
    CHECK(mce(R"("status": "SRAR-DATA")").cs == 0x10);
}

TEST_CASE("a status by name comes with an address of one line", "[scenario][events]") {
    CHECK(mce(R"("status": "SRAR-DATA")").misc == mca::kMiscLine);
    CHECK(mce(R"("status": "SRAR-DATA", "misc": "0x8c")").misc == mca::kMiscPage);
    CHECK(mce(R"("status": "0xbd80000000000134")").misc == 0);
}

TEST_CASE("a status by fields starts from its class", "[scenario][events]") {
    CHECK(mce(R"("status": {"class": "SRAR-DATA", "over": true})").status == 0xfd80000000000134);
    CHECK(mce(R"("status": {"class": "SRAR-DATA", "mcacod": "0x150"})").status == 0xbd80000000000150);
    CHECK(mce(R"("status": {"uc": true, "en": true, "pcc": true, "addrv": true, "mcacod": "0x90"})").status ==
          (mca::MCI_STATUS_VAL | mca::MCI_STATUS_UC | mca::MCI_STATUS_EN | mca::MCI_STATUS_PCC |
           mca::MCI_STATUS_ADDRV | 0x90));
    CHECK(mce(R"("status": {"class": "CE", "cec": 3, "tes": 2})").status ==
          (0x9c0000000000009f | 3ull << 38 | 2ull << 53));
}

TEST_CASE("MCG_STATUS by fields", "[scenario][events]") {
    CHECK(mce(R"("status": "SRAR-DATA", "mcgstatus": {"ripv": true, "mcip": true})").mcgstatus == 5);
}

TEST_CASE("a machine check's address may lie outside memory", "[scenario][events]") {
    CHECK(mce(R"("status": "SRAR-DATA", "addr": "0x7fffffffff000")").addr == 0x7fffffffff000);
}

// ---------------------------------------------------------------- the others

TEST_CASE("a map and an offset stand for an address", "[scenario][events]") {
    const auto e = event<AccessEvent>(R"({"at": 0, "do": "fetch", "process": "p", "map": "m", "offset": "0x1000"})");
    CHECK(e.va == 0x201000);
    CHECK(e.kind == AccessKind::fetch);
    CHECK(e.size == 8);
}

TEST_CASE("a full-line store has 64 bytes", "[scenario][events]") {
    const auto e = event<AccessEvent>(R"({"at": 0, "do": "store", "process": "p", "map": "m", "full_line": true})");
    CHECK(e.kind == AccessKind::store_full_line);
    CHECK(e.size == 64);
}

TEST_CASE("mlock of a map is of all of it", "[scenario][events]") {
    const auto e = event<MlockEvent>(R"({"at": 0, "do": "mlock", "process": "p", "map": "m", "offset": "4KiB"})");
    CHECK(e.va == 0x201000);
    CHECK(e.size == 0x1ff000);
}

TEST_CASE("a firmware call about a region covers it", "[scenario][events]") {
    const auto e = event<DsmEvent>(R"({"at": 0, "do": "dsm", "function": "ars_start", "region": "region0", "arguments": {"flags": 1}})");
    CHECK(e.address == 0x200000000);
    CHECK(e.length == 4ull << 30);
    CHECK(e.flags == 1);
}

TEST_CASE("a scrub of a region or DRAM range covers it", "[scenario][events]") {
    CHECK(event<ScrubEvent>(R"({"at": 0, "do": "scrub", "region": "region0", "kind": "ars-full"})").range ==
          SpaRange{0x200000000, 0x300000000});
    CHECK(event<ScrubEvent>(R"({"at": 0, "do": "scrub", "region": "dram0"})").range == SpaRange{0, 2ull << 30});
}

TEST_CASE("a sysctl is known by both of its names", "[scenario][events]") {
    const auto e = event<SysctlEvent>(R"({"at": 0, "do": "sysctl", "name": "vm.memory_failure_recovery", "value": 0})");
    CHECK(e.name == "memory_failure_recovery");
}

TEST_CASE("mmap may try what must fail", "[scenario][events]") {
    const auto e = event<MmapEvent>(R"({"at": 0, "do": "mmap", "process": "p",
        "map": {"va": "0x1001", "size": "3MiB", "kind": "devdax", "page": "4KiB", "share": "private"}})");
    CHECK(e.map.va == 0x1001);
    CHECK_FALSE(e.map.shared);
    CHECK(e.map.of == 1);
}

TEST_CASE("later events know a map that mmap makes", "[scenario][events]") {
    const auto e = event<AccessEvent>(R"({"id": "map", "at": 0, "do": "mmap", "process": "p", "map": {"id": "n", "va": "0x800000", "size": "4KiB"}},
        {"after": {"event": "map"}, "do": "load", "process": "p", "map": "n"})");
    CHECK(e.va == 0x800000);
}

TEST_CASE("children are numbered behind all processes in the order of their forks", "[scenario][events]") {
    const auto s = loaded(with_events(R"({"at": 0, "do": "fork", "process": "p", "child": {"id": "c1", "cpu": 1}},
        {"at": 1, "do": "fork", "process": "c1", "child": {"id": "c2", "pid": 7, "comm": "two"}},
        {"at": 2, "do": "load", "process": "c2", "map": "m"})"));
    REQUIRE(s->children.size() == 2);
    CHECK(s->children[0].comm == "p");
    CHECK(s->children[1].cpu == 1);
    CHECK(s->children[1].pid == 7);
    CHECK(std::get<ForkEvent>(s->scenario.events[1].action).process == 2);
    CHECK(std::get<ForkEvent>(s->scenario.events[1].action).child.comm == "two");
    CHECK(std::get<AccessEvent>(s->scenario.events[2].action).process == 3);
    CHECK(std::get<AccessEvent>(s->scenario.events[2].action).va == 0x200000);
}

TEST_CASE("an event without an id is named by its number", "[scenario][events]") {
    const auto s = loaded(with_events(R"({"at": 0, "do": "power_fail"}, {"id": "x", "at": 0, "do": "power_fail"},
        {"after": {"event": "#1"}, "do": "power_fail"})"));
    CHECK(s->scenario.events[0].id == "#1");
    CHECK(s->scenario.events[2].id == "#3");
    CHECK(std::get<TriggerAfter>(s->scenario.events[2].trigger).event == 0);
}

TEST_CASE("triggers come out resolved", "[scenario][events]") {
    const auto s = loaded(with_events(R"({"at": "1.5us", "do": "power_fail"},
        {"after": {"signal": "q", "by": "1ns"}, "do": "power_fail"},
        {"after": {"phase": "kernel.mf_unmap"}, "do": "power_fail"},
        {"on_access": {"cpu": 3, "spa": "0x1000", "nth": 4}, "every": "1us", "times": 5, "do": "power_fail"},
        {"when": {"page": "0x200000", "flag": "hwpoison", "set": false}, "do": "power_fail"})"));
    const auto& e = s->scenario.events;
    CHECK(std::get<TriggerAt>(e[0].trigger).at == SimTime{1'500'000});
    CHECK(std::get<TriggerAfter>(e[1].trigger).signal == 1);
    CHECK(std::get<TriggerAfter>(e[1].trigger).by == SimTime{1000});
    CHECK(std::get<TriggerAfter>(e[2].trigger).phase == Lat::kernel_mf_unmap);
    const auto& access = std::get<TriggerOnAccess>(e[3].trigger);
    CHECK(access.cpu == 3);
    CHECK(access.spa == 0x1000u);
    CHECK_FALSE(access.va);
    CHECK(access.nth == 4);
    CHECK(e[3].times == 5);
    const auto& when = std::get<TriggerWhen>(e[4].trigger);
    CHECK(when.condition.kind == Condition::Kind::page_flag);
    CHECK(when.condition.address == 0x200000000);
    CHECK(when.condition.number == kernel::PG_hwpoison);
    CHECK_FALSE(when.condition.set);
}

TEST_CASE("every kind of event is accepted in its smallest form", "[scenario][events]") {
    for (const char* body :
         {R"("mce", "status": "0xbd80000000000134")", R"("poison", "spa": "0x200000000")",
          R"("unpoison_media", "nvdimm": "nmem0", "dpa": 0)", R"("load", "process": "p", "va": "0x200000")",
          R"("store", "process": "p", "va": "0x200000")", R"("fetch", "process": "p", "va": "0x200000")",
          R"("speculate", "registers": true)", R"("copy", "process": "p", "va": "0x200000")",
          R"("scrub", "region": "region0")", R"("madvise", "process": "p", "va": 0, "advice": "soft_offline")",
          R"("hwpoison_pfn", "pfn": "0x200000")", R"("unpoison_pfn", "pfn": "0x200000")",
          R"("bio", "op": "write", "namespace": "namespace0.0", "sector": 0)",
          R"("read_file", "process": "p", "file": "f")", R"("write_file", "process": "p", "file": "f")",
          R"("fsync", "process": "p", "file": "f")", R"("dsm", "function": "ars_cap")", R"("cper")",
          R"("dma", "op": "read", "spa": "0x200000000")", R"("dma", "op": "write", "process": "p", "map": "m")",
          R"("mmap", "process": "p", "map": {"va": "0x1000", "size": "4KiB"})",
          R"("munmap", "process": "p", "map": "m")", R"("mlock", "process": "p", "map": "m")",
          R"("fork", "process": "p", "child": {"id": "c"})", R"("exit", "process": "p")",
          R"("truncate", "file": "f", "size": 0)", R"("prctl_mce_kill", "process": "p", "policy": "late")",
          R"("sigprocmask", "process": "p", "how": "block")", R"("sigaction", "process": "p", "sigbus": "ignore")",
          R"("pin", "process": "p", "map": "m", "longterm": true)", R"("unpin", "process": "p", "map": "m")",
          R"("sysctl", "name": "bank31", "value": "0xff")",
          R"("sysctl", "name": "memory_failure_early_kill", "value": 1)", R"("cpu_offline", "cpu": 1)",
          R"("cpu_online", "cpu": 1)", R"("disable_namespace", "namespace": "namespace0.0")",
          R"("enable_namespace", "namespace": "namespace0.0")", R"("power_fail")", R"("call", "function": "dump_page", "arguments": [1])"}) {
        CAPTURE(body);
        CHECK(told(with_events("{\"at\": 0, \"do\": " + std::string(body) + "}")).empty());
    }
}

// ---------------------------------------------------------------- threads, masks

TEST_CASE("threads stand behind all processes and have the maps of theirs", "[scenario][events]") {
    const auto s = loaded(R"({"schema": "mcemu/scenario/1", "name": "t", "processes": [
        {"id": "p", "pid": 50, "comm": "qemu", "cpu": 1, "maps": [{"id": "m", "va": "0x200000", "size": "8KiB"}],
         "threads": [{"id": "t", "tid": 51, "cpu": 2, "mce_kill": "early", "sigbus_blocked": true}]},
        {"id": "q", "sigbus_blocked": true}],
        "events": [{"at": 0, "do": "munmap", "process": "t", "map": "m", "offset": "4KiB"},
                   {"at": 0, "do": "fork", "process": "t", "child": {"id": "c"}},
                   {"at": 1, "do": "munmap", "process": "c", "map": "m"}]})");
    const std::vector<ProcessConfig>& all = s->scenario.processes;
    REQUIRE(all.size() == 3);
    CHECK(all[0].thread_of == -1);
    CHECK(all[1].id == "q");
    CHECK(all[1].sigbus_blocked);
    CHECK(all[2].thread_of == 0);
    CHECK(all[2].pid == 51);
    CHECK(all[2].comm == "qemu");
    CHECK(all[2].cpu == 2);
    CHECK(all[2].mce_kill == McePolicy::early);
    CHECK(all[2].sigbus_blocked);
    const auto unmap = std::get<MunmapEvent>(s->scenario.events[0].action);
    CHECK(unmap.process == 2);
    CHECK(unmap.va == 0x201000);
    CHECK(unmap.size == 0x1000);
    const ProcessConfig& child = std::get<ForkEvent>(s->scenario.events[1].action).child;
    CHECK(child.inherits_mce_kill);
    CHECK(child.inherits_sigbus);
    CHECK(child.inherits_mask);
    CHECK(std::get<MunmapEvent>(s->scenario.events[2].action).process == 3);
}

TEST_CASE("what is wrong with threads, pins and merged pages is told", "[scenario][events]") {
    CHECK(told(document(R"("processes": [{"id": "p", "pid": 5, "threads": [{"id": "p"}, {"id": "t", "tid": 5}]}])")) ==
          "s.json:2:56: /processes/0/threads/0/id: the id \"p\" is taken by /processes/0/id: choose another\n"
          "s.json:2:81: /processes/0/threads/1/tid: the tid 5 is taken by /processes/0: choose another");
    CHECK(told(document(R"("processes": [{"id": "p", "maps": [
        {"va": "0x1000", "size": "4KiB", "kind": "shmem", "state": "ksm"}]}])")) ==
          "s.json:3:68: /processes/0/maps/0/state: only private anonymous memory is merged: use kind \"anon\"");
    CHECK(told(with_events(R"({"at": 0, "do": "pin", "process": "p", "va": "0x200000"})")) ==
          "s.json:7:1: /events/0: the key \"size\" is missing: with \"va\" nothing tells how much");
}

}  // namespace
}  // namespace mcemu::scenario
