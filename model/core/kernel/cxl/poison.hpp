#pragma once  // The cxl driver's poison commands: debugfs inject and clear, and the poison trace.
#include <cstdint>
#include <vector>

#include "core/cxl/mailbox.hpp"

namespace mcemu::kernel {

/// Result of a mailbox command as the driver's errno, negative.
/// Source: Linux drivers/cxl/cxlmem.h, the command return table; nvdimm.md 15.
int cxl_errno(cxl::ReturnCode code);

/// Writes to debugfs inject_poison and clear_poison: 0 or a negative errno. An address that is not
/// aligned to 64 bytes or not inside the device is -EINVAL before the device is asked.
/// Source: Linux drivers/cxl/core/memdev.c, cxl_inject_poison and cxl_clear_poison (6.4 and later).
int cxl_inject_poison(cxl::Mailbox& device, std::uint64_t dpa, SimTime now);
int cxl_clear_poison(cxl::Mailbox& device, std::uint64_t dpa);

struct CxlPoisonTrace {
    int error = 0;  ///< 0 or a negative errno; the records before it stay
    bool overflow = false;
    std::uint64_t overflow_ns = 0;  ///< when the device's list overflowed
    std::vector<cxl::MediaErrorRecord> records;
};

/// A write to trigger_poison_list: the persistent partition, then the volatile one, each until the
/// device has no more or min(its maximum, 1024) records were seen.
/// Source: Linux drivers/cxl/core/memdev.c, cxl_trigger_poison_list, and mbox.c,
/// cxl_mem_get_poison (6.4 and later).
CxlPoisonTrace cxl_trigger_poison_list(cxl::Mailbox& device);

}  // namespace mcemu::kernel
