// Source: nvdimm.md 6.3, 6.6 and A.6 row 94.
#include "support/pmem_machine.hpp"

using namespace mcemu;
using namespace mcemu::kernel;
using mcemu::test::PmemMachine;
using Function = DsmEvent::Function;

namespace {

int call(PmemMachine& m, Function function, std::uint64_t address = 0, std::uint64_t length = 0) {
    DsmEvent dsm;
    dsm.function = function;
    dsm.address = address;
    dsm.length = length;
    return m.run(m.kernel.libnvdimm.ioctl(m.ctx, dsm));
}

}  // namespace

TEST_CASE("the kernel translates what the firmware answers", "[core][nvdimm]") {
    struct Example {
        Function function;
        std::uint32_t status;
        int error;
    };
    const auto e = GENERATE(values<Example>({
        {Function::ars_cap, 2u << 16, 0},
        {Function::ars_cap, 1, -ENOTTY},
        {Function::ars_cap, 2, -EIO},
        {Function::ars_cap, 0, -ENOTTY},
        {Function::ars_start, 0, 0},
        {Function::ars_start, 6, -EBUSY},
        {Function::ars_start, 2, -EIO},
        {Function::ars_status, 0, 0},
        {Function::ars_status, 1u << 16, -EBUSY},
        {Function::ars_status, 2u << 16, -EAGAIN},
        {Function::ars_status, 3u << 16, 0},
        {Function::ars_status, 4u << 16, -EIO},
        {Function::clear_error, 2, -EIO},
        {Function::clear_error, 0, -EIO},
        {Function::inject_error, 1, -EOPNOTSUPP},
        {Function::inject_error, 2, -EINVAL},
    }));
    PmemMachine m(ProfileId::v6_1);
    m.hw.on_dsm = [&](const DsmRequest&) {
        DsmReply reply;
        reply.status = e.status;
        return reply;
    };
    CHECK(call(m, e.function) == e.error);
}

TEST_CASE("a clear by user space leaves the table of an enabled namespace", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.machine_check_at(0x20cb00000, 12);
    CHECK(call(m, Function::clear_error, 0x20cb00000, 4096) == 0);
    CHECK(m.kernel.libnvdimm.region_badblocks(0).empty());
    CHECK(m.kernel.libnvdimm.namespace_badblocks(0) == "382976 8\n");
}

TEST_CASE("a clear below a sector leaves the region's row", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.machine_check_at(0x20cb00000);
    CHECK(call(m, Function::clear_error, 0x20cb00000, 256) == 0);
    CHECK(m.kernel.libnvdimm.region_badblocks(0) == "415744 1\n");
}

TEST_CASE("user space may not start a scrub while the kernel's worker is busy", "[core][nvdimm]") {
    PmemMachine m(ProfileId::v6_1);
    m.hw.on_dsm = [](const DsmRequest&) { return DsmReply{}; };
    m.kernel.libnvdimm.rescan(false);
    std::optional<int> answer;
    DsmEvent dsm;
    dsm.function = Function::ars_start;
    m.kernel.flows.spawn(
        [&] { return PmemMachine::keep(m.kernel.libnvdimm.ioctl(m.ctx, dsm), answer); });
    CHECK(answer == -EBUSY);
}
