#pragma once  // The rules in which kernels differ, one by one.
#include <span>
#include <string_view>

#include "core/kernel/profile.hpp"

namespace mcemu::compare {

struct ProfileRule {
    std::string_view name;  ///< of the member of kernel::Profile
    bool (*same)(const kernel::Profile&, const kernel::Profile&);
    void (*copy)(kernel::Profile& to, const kernel::Profile& from);
};

/// All that the model asks, in the order of kernel::Profile.
std::span<const ProfileRule> profile_rules();

}  // namespace mcemu::compare
