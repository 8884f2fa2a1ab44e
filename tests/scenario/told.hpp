#pragma once  // Scenarios as texts, and what the reader says about them.
#include <string>

#include "scenario/load.hpp"

namespace mcemu::scenario {

/// The findings of `text` as the file "s.json", one a line; "" when there are none.
std::string told(const std::string& text, LoadOptions options = {});

/// A scenario without events; `body` begins line 2.
std::string document(const std::string& body);

/// A scenario with a process "p" (map "m"), a process "q", a module, an fsdax and a devdax
/// namespace, a file "f", and `events`, which begin line 7.
std::string with_events(const std::string& events);

/// The scenario of a text that has no findings. Throws std::runtime_error naming them otherwise.
std::shared_ptr<LoadedScenario> loaded(const std::string& text, const LoadOptions& options = {});

}  // namespace mcemu::scenario
