#pragma once  // page->flags as the kernel prints it.
#include <cstdint>
#include <string>

#include "core/config.hpp"
#include "core/kernel/mm/page.hpp"
#include "core/kernel/profile.hpp"

namespace mcemu::kernel {

/// The word of page->flags (%lx) and what %pGp says of it beside the word, in the layout of the
/// profile's kernel (include/linux/page-flags.h, include/trace/events/mmflags.h,
/// lib/vsprintf.c format_page_flags()). Nodes are sockets; v6.1 with the last CPU unset. What the
/// use of a page leaves in it (referenced, workingset, private, mappedtodisk) is not known; active
/// is what a new page gets: v4.x anonymous memory, nothing in v6.1 (mm/swap.c).
struct PageFlagsText {
    std::uint64_t word = 0;
    std::string names;
};
PageFlagsText page_flags_text(const Page& page, Pfn pfn, const MachineConfig& machine,
                              const Profile& profile);

}  // namespace mcemu::kernel
