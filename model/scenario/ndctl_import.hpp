#pragma once  // `ndctl list` JSON to a scenario: the same modules, regions, namespaces and errors.
#include <string>

#include "scenario/imported.hpp"

namespace mcemu::scenario {

/// Reads what `ndctl list` prints with any of -BDRNHXCiM (without -u); `name` stands for the file
/// in findings. Source of keys and meaning: ndctl-list(1) of ndctl 76, nvdimm.md 14. Never throws
/// for anything that a file can hold.
Imported import_ndctl(std::string name, std::string text);

}  // namespace mcemu::scenario
