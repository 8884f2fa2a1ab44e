#pragma once  // Why a run got its class, in a sentence.
#include <string>

#include "output/causes.hpp"

namespace mcemu::output {

/// "recovered: bad: memory_failure() acted on pfn 0x52003". `late`: as in classify().
std::string class_reason(const RunView& view, const Causes& causes, bool late);

/// The trace record that decided the class; 0: none did, it is so at the end.
std::uint32_t class_record(const RunView& view, bool late);

}  // namespace mcemu::output
