// Stands in for resolve_fit.cpp, which makes a kernel to see whether all maps find memory: clang 14
// cannot compile the kernel's coroutines with sanitizers. What that finds is not fuzzed.
#include "scenario/resolver.hpp"

namespace mcemu::scenario {

void Resolver::check_memory_fits(const Cursor&) {}

}  // namespace mcemu::scenario
