#pragma once  // `ndctl list` JSON as structs, whatever of it was asked for.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scenario/document.hpp"

namespace mcemu::scenario::ndctl {

/// One object of the list, with its place for findings.
struct Entry {
    const Value* value = nullptr;
    std::string pointer;
    std::string dev;  ///< "nmem0"
};

struct Badblocks {
    std::uint64_t offset = 0, length = 0;  ///< sectors
};

struct Dimm : Entry {
    std::optional<std::uint64_t> handle;
    bool has_health = false;
};

struct Mapping {
    std::string dimm;
    std::uint64_t offset = 0, length = 0, position = 0;  ///< DPA and bytes; place in the set
};

struct Region : Entry {
    std::uint64_t size = 0;
    std::optional<std::uint64_t> available;
    bool pmem = true;
    std::vector<Mapping> mappings;
    std::vector<Badblocks> badblocks;
    std::uint64_t badblock_count = 0;
};

struct Namespace : Entry {
    std::uint64_t region = 0, number = 0;  ///< 1 and 0 of "namespace1.0"
    std::string mode, map;
    std::uint64_t size = 0;  ///< what its device offers, bytes
    std::uint64_t align = 2u << 20, sector_size = 512;
    std::string device;
    bool disabled = false;
    std::vector<Badblocks> badblocks;
    std::uint64_t badblock_count = 0;
};

struct Bus : Entry {
    std::string provider;
};

struct List {
    std::vector<Bus> buses;
    std::vector<Dimm> dimms;
    std::vector<Region> regions;
    std::vector<Namespace> namespaces;
};

/// Collects every bus, module, region and namespace of the document, wherever it is nested.
/// Findings for values of the wrong type or form.
List read_list(const Document& document, Findings& findings);

}  // namespace mcemu::scenario::ndctl
