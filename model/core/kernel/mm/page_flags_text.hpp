#pragma once  // page->flags as the kernel prints it.
#include <cstdint>
#include <string>

#include "core/kernel/mm/page.hpp"
#include "core/kernel/profile.hpp"

namespace mcemu::kernel {

/// The word of page->flags (%lx) and what %pGp says of it beside the word, in the layout of the
/// profile's kernel (include/linux/page-flags.h, include/trace/events/mmflags.h,
/// lib/vsprintf.c format_page_flags()): one node; v6.1 with the last CPU unset.
struct PageFlagsText {
    std::uint64_t word = 0;
    std::string names;
};
PageFlagsText page_flags_text(const Page& page, Pfn pfn, bool ram, const Profile& profile);

}  // namespace mcemu::kernel
