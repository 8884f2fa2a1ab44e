#include "core/kernel/cxl/poison.hpp"

#include <algorithm>
#include <cerrno>

namespace mcemu::kernel {
namespace {

using cxl::ReturnCode;

constexpr std::size_t kListMax = 1024;  // CXL_POISON_LIST_MAX, records per partition

bool valid(const cxl::Mailbox& device, std::uint64_t dpa) {
    return dpa % kLineSize == 0 && dpa < device.identify().capacity();
}

/// The records of one partition. The limit is looked at between answers, so that the last answer
/// may go beyond it.
ReturnCode read_list(cxl::Mailbox& device, DpaRange partition, CxlPoisonTrace& trace) {
    const std::size_t limit = std::min<std::size_t>(device.identify().poison_list_max, kListMax);
    std::size_t seen = 0;
    for (;;) {
        const cxl::PoisonListReply reply = device.get_poison_list(partition);
        if (reply.code != ReturnCode::success) return reply.code;
        trace.records.insert(trace.records.end(), reply.records.begin(), reply.records.end());
        if ((reply.flags & cxl::kListOverflow) != 0) {
            trace.overflow = true;
            trace.overflow_ns = reply.overflow_ns;
        }
        seen += reply.records.size();
        if ((reply.flags & cxl::kMoreRecords) == 0 || seen >= limit) return ReturnCode::success;
    }
}

}  // namespace

int cxl_errno(ReturnCode code) {
    switch (code) {
        case ReturnCode::success:
            return 0;
        case ReturnCode::invalid_physical_address:
            return -EFAULT;
        case ReturnCode::inject_poison_limit:
            return -EBUSY;
        case ReturnCode::invalid_input:
        case ReturnCode::busy:
        case ReturnCode::media_disabled:
        case ReturnCode::permanent_media_failure:
            break;
    }
    return -ENXIO;
}

int cxl_inject_poison(cxl::Mailbox& device, std::uint64_t dpa, SimTime now) {
    return valid(device, dpa) ? cxl_errno(device.inject_poison(dpa, now)) : -EINVAL;
}

int cxl_clear_poison(cxl::Mailbox& device, std::uint64_t dpa) {
    return valid(device, dpa) ? cxl_errno(device.clear_poison(dpa)) : -EINVAL;
}

CxlPoisonTrace cxl_trigger_poison_list(cxl::Mailbox& device) {
    CxlPoisonTrace trace;
    const cxl::Identity id = device.identify();
    if (id.persistent_bytes != 0)
        trace.error = cxl_errno(read_list(device, {id.volatile_bytes, id.capacity()}, trace));
    if (trace.error != 0 || id.volatile_bytes == 0) return trace;
    const ReturnCode code = read_list(device, {0, id.volatile_bytes}, trace);
    // A device may keep no poison for its volatile memory.
    if (code != ReturnCode::invalid_physical_address) trace.error = cxl_errno(code);
    return trace;
}

}  // namespace mcemu::kernel
