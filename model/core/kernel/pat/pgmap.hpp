#pragma once  // What enabling a pmem namespace maps and reserves (kernel/memremap.c).
#include "core/config.hpp"
#include "core/kernel/profile.hpp"
#include "core/units.hpp"

namespace mcemu::kernel {

/// Whether the namespace gets struct pages (and so a place in the direct map). Raw and sector
/// namespaces of an NFIT region are only remapped write-back (pmem_should_map_pages()).
constexpr bool has_pages(const NamespaceConfig& ns) {
    return ns.mode == NamespaceMode::fsdax || ns.mode == NamespaceMode::devdax;
}

/// The range that the direct map and the memtype list hold for a namespace: devm_memremap_pages()
/// of v4.x rounds out to 128 MiB sections (kernel.md 4.3), v6.1 and a plain remap do not.
constexpr SpaRange pgmap_range(const NamespaceConfig& ns, const Profile& profile) {
    constexpr std::uint64_t kSection = 128ull << 20;
    const SpaRange exact{ns.range.begin, ns.range.end - (has_pages(ns) ? ns.end_trunc : 0)};
    if (!has_pages(ns) || !profile.memtype_range_by_section) return exact;
    return {round_down(exact.begin, kSection), round_up(exact.end, kSection)};
}

}  // namespace mcemu::kernel
