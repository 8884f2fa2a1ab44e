#pragma once  // Kernel bugs that kill the running thread and leave the machine up (panic_on_oops 0).
#include <cstdint>
#include <limits>
#include <string_view>

#include "core/kernel/env.hpp"

namespace mcemu::kernel {

/// Returned up to the system call whose task died in an oops: there is nothing to report to it,
/// SIGKILL waits at its way back to user mode.
inline constexpr int kTaskDied = std::numeric_limits<int>::min();

/// Page fault at `va` in kernel mode without a fixup. A worker's flow never goes on after it; a
/// task gets SIGKILL and the caller returns kTaskDied.
Task<void> oops_paging(Kernel& kernel, Context& ctx, std::uint64_t va, bool write,
                       std::string_view symbol);
/// The same for a read through a null pointer.
Task<void> oops_null(Kernel& kernel, Context& ctx, std::string_view symbol);
/// #GP in kernel mode without a fixup, as for a non-canonical address.
Task<void> oops_protection(Kernel& kernel, Context& ctx, std::string_view symbol);

}  // namespace mcemu::kernel
