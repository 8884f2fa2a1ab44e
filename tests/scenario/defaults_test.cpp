// A default lives in the tables of the shapes; the structs of model/core repeat it for those who
// build a machine without a file. Both must be the same.
#include <catch2/catch.hpp>

#include "scenario/told.hpp"

namespace mcemu::scenario {
namespace {

/// Nothing but what is required.
Scenario smallest() {
    return loaded(R"({"schema": "mcemu/scenario/1", "name": "t", "events": []})")->scenario;
}

/// Every block is there, and empty.
Scenario empty_blocks() {
    return loaded(document(R"("kernel": {"boot": {}, "sysctl": {}, "knobs": {}, "decoders": {}, "worker": {}},
        "machine": {"cpus": {}, "mca": {}}, "expect": {})"))->scenario;
}

void check_kernel(const KernelConfig& k) {
    const KernelConfig d;
    CHECK(k.profile == d.profile);
    CHECK(k.tolerant == d.tolerant);
    CHECK(k.monarch_timeout_us == d.monarch_timeout_us);
    CHECK(k.pat == d.pat);
    CHECK(k.debugpat == d.debugpat);
    CHECK(k.mcsafe == d.mcsafe);
    CHECK(k.ignore_ce == d.ignore_ce);
    CHECK(k.dont_log_ce == d.dont_log_ce);
    CHECK(k.cmci_disabled == d.cmci_disabled);
    CHECK(k.print_all == d.print_all);
    CHECK(k.page_offset == d.page_offset);
    CHECK(k.memory_failure_early_kill == d.memory_failure_early_kill);
    CHECK(k.memory_failure_recovery == d.memory_failure_recovery);
    CHECK(k.decoy == d.decoy);
    CHECK(k.sanitize_memtype == d.sanitize_memtype);
    CHECK(k.strict_4_19_0 == d.strict_4_19_0);
    CHECK(k.strict_clflush_decoy == d.strict_clflush_decoy);
    CHECK(k.pgmap_memtype_tracking == d.pgmap_memtype_tracking);
    CHECK(k.hw_error_scrub == d.hw_error_scrub);
    CHECK(k.badblocks == d.badblocks);
    CHECK(k.fake_panic == d.fake_panic);
    CHECK(k.tainted == d.tainted);
    CHECK(k.nfit == d.nfit);
    CHECK(k.edac == d.edac);
    CHECK(k.mcelog == d.mcelog);
    CHECK(k.extlog == d.extlog);
    CHECK(k.cec == d.cec);
    CHECK(k.worker_comm == d.worker_comm);
    CHECK(k.worker_pid == d.worker_pid);
    CHECK(k.check_interval_s == d.check_interval_s);
}

void check_machine(const MachineConfig& m) {
    const MachineConfig d;
    CHECK(m.cpus.sockets == d.cpus.sockets);
    CHECK(m.cpus.cores == d.cpus.cores);
    CHECK(m.cpus.threads == d.cpus.threads);
    CHECK(m.cpus.model == d.cpus.model);
    CHECK(m.cpus.cpuid_eax == d.cpus.cpuid_eax);
    CHECK(m.cpus.microcode == d.cpus.microcode);
    CHECK(m.cpus.tsc_base == d.cpus.tsc_base);
    CHECK(m.cpus.tsc_mhz == d.cpus.tsc_mhz);
    CHECK(m.cpus.ppin == d.cpus.ppin);
    CHECK(m.cpus.la57 == d.cpus.la57);
    CHECK(m.mca.banks == d.mca.banks);
    CHECK(m.mca.ctl_p == d.mca.ctl_p);
    CHECK(m.mca.ser == d.mca.ser);
    CHECK(m.mca.lmce == d.mca.lmce);
    CHECK(m.mca.cmci == d.mca.cmci);
    CHECK(m.mca.tes == d.mca.tes);
    CHECK(m.mca.emc == d.mca.emc);
    CHECK(m.mca.elog == d.mca.elog);
    CHECK(m.mca.ucna_on_read == d.mca.ucna_on_read);
    CHECK(m.mca.srar_continuable == d.mca.srar_continuable);
    CHECK(m.mca.patrol_uc_mode == d.mca.patrol_uc_mode);
    CHECK(m.mca.speculative_poison == d.mca.speculative_poison);
    CHECK(m.mca.uc_poison_fatal == d.mca.uc_poison_fatal);
    CHECK(m.clear_error_supported == d.clear_error_supported);
    CHECK(m.wall_time == d.wall_time);
    // The small sensible machine.
    REQUIRE(m.memory.size() == 1);
    CHECK(m.memory[0].id == "dram0");
    CHECK(m.memory[0].range == SpaRange{0, 2ull << 30});
    CHECK(m.nvdimms.empty());
    CHECK(m.regions.empty());
    CHECK(m.namespaces.empty());
}

TEST_CASE("a scenario without a kernel block has the kernel of model/core", "[scenario][defaults]") {
    check_kernel(smallest().kernel);
}

TEST_CASE("empty kernel blocks give the kernel of model/core", "[scenario][defaults]") {
    check_kernel(empty_blocks().kernel);
}

TEST_CASE("a scenario without a machine block has a small sensible machine", "[scenario][defaults]") {
    check_machine(smallest().machine);
}

TEST_CASE("empty machine blocks give the machine of model/core", "[scenario][defaults]") {
    check_machine(empty_blocks().machine);
}

TEST_CASE("a module has the defaults of model/core", "[scenario][defaults]") {
    const auto s = loaded(document(R"("machine": {"nvdimms": [{"size": "4GiB"}, {"size": "4GiB"}]})"));
    const NvdimmConfig d, &n = s->scenario.machine.nvdimms.at(1);
    CHECK(n.id == "nmem1");
    CHECK(n.profile == d.profile);
    CHECK(n.clear_unit == d.clear_unit);
    CHECK(n.heal_on_full_line_write == d.heal_on_full_line_write);
    CHECK(n.max_ars_out == d.max_ars_out);
    CHECK(n.ars_rate == d.ars_rate);
    CHECK(n.handle == 1);
    CHECK(n.socket == d.socket);
}

TEST_CASE("a process has the defaults of model/core", "[scenario][defaults]") {
    const auto s = loaded(document(R"("processes": [{"id": "a-very-long-name-of-a-process"}, {"id": "b", "pid": 1000}])"));
    const ProcessConfig d, &p = s->scenario.processes.at(0);
    CHECK(p.pid == 1001);  // 1000 is taken
    CHECK(p.comm == "a-very-long-nam");
    CHECK(p.cpu == d.cpu);
    CHECK(p.mce_kill == d.mce_kill);
    CHECK(p.sigbus == d.sigbus);
}

TEST_CASE("a map has the defaults of model/core", "[scenario][defaults]") {
    const auto s = loaded(document(R"("processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "4KiB"}]}])"));
    const MapConfig d, &m = s->scenario.processes.at(0).maps.at(0);
    CHECK(m.id == "p.0");
    CHECK(m.kind == d.kind);
    CHECK(m.of == d.of);
    CHECK(m.shared_with == d.shared_with);
    CHECK(m.offset == d.offset);
    CHECK(m.page == d.page);
    CHECK(m.shared == d.shared);
    CHECK(m.at == d.at);
    CHECK(m.state == d.state);
}

}  // namespace
}  // namespace mcemu::scenario
