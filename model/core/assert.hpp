#pragma once  // Broken invariants of ours: on in release too, exit status 3 at the edge.
#include <stdexcept>
#include <string>

namespace mcemu {

/// A broken invariant of the emulator itself. Only `bin` catches it: exit status 3.
class InvariantError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

[[noreturn]] inline void invariant_failed(const char* condition, const std::string& values,
                                          const char* file, int line) {
    throw InvariantError(std::string(file) + ":" + std::to_string(line) + ": " + condition +
                         (values.empty() ? "" : ": " + values));
}

}  // namespace mcemu

/// Checks `cond`; `values` (a std::string) ends the message with the numbers that matter.
#define MCEMU_ASSERT(cond, values)                                                    \
    do {                                                                              \
        if (!(cond)) ::mcemu::invariant_failed(#cond, (values), __FILE__, __LINE__);  \
    } while (false)
