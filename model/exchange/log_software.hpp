#pragma once  // What a log says of software: injections, memory types, calls that nothing explains.
#include <vector>

#include "exchange/log_triggers.hpp"

namespace mcemu::exchange {

/// Injections of pages, through madvise() or debugfs.
void add_injections(Triggers& triggers);
/// Reservations of memory types that conflict or fail.
void add_memory_types(Triggers& triggers);
/// Lines about pages that no trigger explains: to be called when all others are known. Returns the
/// faults on poisoned pages, which become no event.
std::vector<const formats::LogEntry*> add_unexplained(Triggers& triggers);

}  // namespace mcemu::exchange
