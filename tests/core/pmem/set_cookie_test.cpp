// nvdimm.md 2.4. The sums were computed by another program.
#include "core/pmem/set_cookie.hpp"

#include <catch2/catch.hpp>

using namespace mcemu;
using namespace mcemu::pmem;

namespace {

MachineConfig two_modules() {
    MachineConfig machine;
    for (std::uint32_t i = 1; i <= 2; ++i) {
        NvdimmConfig n;
        n.serial = i << 24;
        n.vendor = 0x8980;
        n.manufacturing_date = 0x1820;
        n.manufacturing_location = 0xa2;
        machine.nvdimms.push_back(n);
    }
    RegionConfig region;
    region.nvdimms = {0, 1};
    machine.regions.push_back(region);
    return machine;
}

}  // namespace

TEST_CASE("the cookie is a Fletcher sum over the modules", "[core][pmem]") {
    const MachineConfig m = two_modules();
    CHECK(set_cookie(m, m.regions[0]) == 0xfdd0eeb833412444);
    CHECK(set_cookie(m, m.regions[0], true) == 0x0a00400003001000);
}

TEST_CASE("modules that change places have another cookie", "[core][pmem]") {
    MachineConfig m = two_modules();
    m.regions[0].nvdimms = {1, 0};
    CHECK(set_cookie(m, m.regions[0]) == 0x9d0eeb833412444);
}
