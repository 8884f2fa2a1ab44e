#pragma once  // The machine of an ndctl listing: what is listed, and where it must lie.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/units.hpp"
#include "scenario/ndctl_list.hpp"

namespace mcemu::scenario::ndctl {

inline constexpr std::uint64_t kInterleave = 4096;  ///< bytes; ndctl does not list it

/// A module, as far as its regions use it.
struct Module {
    const Dimm* listed = nullptr;
    std::uint64_t size = 0;
    std::vector<DpaRange> poison;
};
struct PlacedNamespace {
    const Namespace* listed;
    std::uint64_t offset, size;
    std::uint64_t data_offset = 0;
    std::optional<std::uint64_t> end_trunc{};  ///< where the size alone would offer more
};
/// A region with its place in modules, and its namespaces with theirs in it.
struct Placed {
    Region region;
    bool listed = true;
    std::vector<std::string> modules;
    std::vector<std::uint64_t> dpa_base;
    std::vector<PlacedNamespace> namespaces;
    bool poisoned = false;
    std::uint64_t stripe() const { return modules.size() * kInterleave; }
};

struct Machine {
    std::vector<Placed> regions;
    std::map<std::string, Module> modules;
};

/// Something that a scenario says otherwise than the list: what, and what it says instead.
class Remarks {
public:
    explicit Remarks(Findings& to) : to_(to) {}
    void operator()(const Entry& at, std::string what, std::string instead) {
        to_.add_at(at.value->source, at.value->offset, at.pointer,
                   {std::move(what), std::move(instead)});
    }

private:
    Findings& to_;
};

/// Places everything in `list`, which must outlive the machine; old names of modes become new
/// ones. `findings` when there can be no such machine.
Machine place(List& list, const Document& document, Findings& findings, Findings& lost);

}  // namespace mcemu::scenario::ndctl
