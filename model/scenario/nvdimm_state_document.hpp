#pragma once  // The document of an NVDIMM image: its form, the machine it belongs to, its meaning.
#include <optional>
#include <string_view>

#include "core/pmem/image.hpp"
#include "scenario/document.hpp"
#include "scenario/shape.hpp"

namespace mcemu::scenario {

/// The image that `document.root` holds; nullopt with findings when it is none, or of another
/// machine than `machine`, which `scenario` names to the user.
std::optional<NvdimmImage> read_state_document(Document& document, Findings& findings,
                                               const MachineConfig& machine,
                                               std::string_view scenario);

}  // namespace mcemu::scenario
