#pragma once  // Where each modelled rule comes from and how it was checked.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mcemu::fidelity {

/// How it is known that the model does what the rule says.
enum class Check : std::uint8_t {
    record,    ///< a record of a real kernel shows it
    spec,      ///< read in the source named, and tested against that reading only
    inferred,  ///< follows from what was read; nobody has seen it happen
};

/// One rule of the model. Lists are words separated by blanks.
struct Rule {
    std::string_view rule;    ///< what the model does, one sentence
    std::string_view source;  ///< kernel version and function, or the section of a manual
    Check check;
    /// What pins it. "4.18/NAME", "4.x/NAME" (4.18 and 4.19), "all/NAME": records of
    /// tests/data/oracle; "scenarios/...": scenarios of this tree.
    std::string_view evidence;
    /// Members that switch it: of kernel::Profile "NAME", of another struct "KernelConfig.NAME".
    std::string_view knobs = {};
};

struct Subject {
    std::string_view name;     ///< "memory_failure(): entry"
    std::string_view section;  ///< of the specification it restates
    std::span<const Rule> rules;
};

/// All subjects, in the order in which an error travels.
std::span<const Subject> subjects();

/// Parts of the table, a file each.
std::span<const Subject> hardware_subjects();
std::span<const Subject> machine_check_subjects();
std::span<const Subject> memory_failure_subjects();
std::span<const Subject> direct_map_subjects();
std::span<const Subject> pmem_subjects();

/// The words of a list.
std::vector<std::string_view> words(std::string_view list);
/// A word of Rule::evidence as paths below the tree: "tests/data/oracle/linux-4.18/NAME.json".
std::vector<std::string> paths(std::string_view evidence);

}  // namespace mcemu::fidelity
