#pragma once  // A file that cannot be reported.
#include <stdexcept>

namespace mcemu::report {

/// "FILE:LINE: what is wrong: what would be right": exit status 2.
class InputError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace mcemu::report
