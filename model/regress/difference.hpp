#pragma once  // Two texts as a unified difference.
#include <string>
#include <string_view>

namespace mcemu::regress {

/// As `diff -u` prints it, with three lines around each change; "" when they are the same.
std::string difference(const std::string& name, std::string_view before, std::string_view after);

}  // namespace mcemu::regress
