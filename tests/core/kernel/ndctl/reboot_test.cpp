// Source: nvdimm.md 3.1, 9.2; docs/nvdimm.md: what a reboot leaves.
#include "core/pmem/image.hpp"
#include "support/ndctl_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::NdctlMachine;

namespace {

void two_namespaces(Scenario& s) {
    constexpr std::uint64_t kHalf = NdctlMachine::kSize / 2;
    NamespaceConfig& sector = s.machine.namespaces[0];
    sector.present = true;
    sector.mode = NamespaceMode::sector;
    sector.range = {NdctlMachine::kBase, NdctlMachine::kBase + kHalf};
    sector.device = "pmem0s";
    NamespaceConfig& fsdax = s.machine.namespaces[1];
    fsdax.present = true;
    fsdax.mode = NamespaceMode::fsdax;
    fsdax.range = {NdctlMachine::kBase + kHalf, NdctlMachine::kBase + 2 * kHalf};
    fsdax.data_offset = 2 << 20;
    fsdax.device = "pmem0.1";
}

}  // namespace

TEST_CASE("force_raw lasts over a reboot, and what lies below it too", "[core][ndctl]") {
    NdctlMachine before(&two_namespaces);
    CHECK(before.force_raw(true, 0) >= 0);
    CHECK(before.force_raw(true, 1) >= 0);
    NvdimmImage image;
    before.m.kernel.libnvdimm.save(image);
    REQUIRE(image.namespaces.size() == 2);
    CHECK(image.force_raw == std::vector<bool>{true, true});
    CHECK(image.namespaces[0].mode == NamespaceMode::sector);

    NdctlMachine after(&two_namespaces);
    after.m.kernel.libnvdimm.start_from(image, {});
    after.m.agenda.run_until(SimTime::max());
    CHECK(after.space(0).mode == NamespaceMode::raw);
    CHECK(after.space(1).mode == NamespaceMode::raw);
    CHECK(after.space(1).device == "pmem0.1");
    CHECK(after.bio(BioEvent::Op::read, 0, 8, 1) == 0);
    CHECK(after.force_raw(false, 0) >= 0);
    CHECK(after.force_raw(false, 1) >= 0);
    CHECK(after.space(0).mode == NamespaceMode::sector);
    CHECK(after.space(1).mode == NamespaceMode::fsdax);
}

TEST_CASE("thresholds last over a reboot", "[core][ndctl]") {
    pmem::SmartHealth before(NvdimmProfile::optane);
    before.set_thresholds({6, 10, 50 * 16, 60 * 16});
    pmem::SmartHealth after(NvdimmProfile::optane);
    after.restore(before.snapshot());
    CHECK(after.thresholds() == before.thresholds());
    CHECK(after.threshold_payload() == before.threshold_payload());
}
