#pragma once  // One kernel with a rule of another: what a rule is worth to a scenario.
#include "core/kernel/profile.hpp"

namespace mcemu::kernel {

/// From now on profile(variant.id) is `variant`, which must live as long as anybody asks; null: the
/// kernels as they are. For a process that runs nothing else: tools that ask which rules matter.
void use_variant(const Profile* variant);

}  // namespace mcemu::kernel
