#pragma once  // NVDIMM images as files: what a run leaves on media, for a later run to start from.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/pmem/image.hpp"
#include "scenario/finding.hpp"

namespace mcemu::scenario {

/// The image as a file of the form docs/nvdimm.md: JSON whose first line names the form and
/// has length and CRC-32 of what follows. The same image gives the same bytes.
std::string nvdimm_state_text(const NvdimmImage& image);

struct NvdimmState {
    std::optional<NvdimmImage> image;  ///< none when there are findings
    std::vector<Finding> findings;
};

/// Reads such a text for a run on `machine`; `name` stands for the file and `scenario` for the
/// scenario in findings. The image must belong to a machine with the same modules, regions and
/// namespaces. Never throws for anything that a file can hold.
NvdimmState read_nvdimm_state(std::string name, std::string text, const MachineConfig& machine,
                              std::string_view scenario);
/// The same for a file, which may be "-" for stdin.
NvdimmState load_nvdimm_state(const std::string& path, const MachineConfig& machine,
                              std::string_view scenario);

}  // namespace mcemu::scenario
