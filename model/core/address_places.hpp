#pragma once  // Where files, maps and BTT blocks lie: what both directions of address.hpp share.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/event.hpp"

namespace mcemu::address {

/// "0x1000"
std::string hex(std::uint64_t value);

/// A part of a file or map that lies together in physical memory.
struct Piece {
    std::uint64_t begin = 0;  ///< offset in the file, or virtual address
    SpaRange spa;
    std::string rule;
    std::optional<std::uint64_t> at(std::uint64_t address) const {
        if (address < begin || address - begin >= spa.size()) return std::nullopt;
        return spa.begin + (address - begin);
    }
};

/// The extents of a file on a namespace, rising; none for one in the page cache.
std::vector<Piece> pieces(const Scenario& scenario, const FileConfig& file);
/// What of a map the scenario alone decides, rising by address.
std::vector<Piece> pieces(const Scenario& scenario, const MapConfig& map);
/// The map whose memory `map` shares: itself when it shares none.
const MapConfig& source_of(const Scenario& scenario, const MapConfig& map);
/// The maps of a process: a further thread has those of its leader.
const std::vector<MapConfig>& maps_of(const Scenario& scenario, const ProcessConfig& process);

bool is_block_device(const NamespaceConfig& ns);
/// Sectors of the block device.
std::uint64_t sectors(const NamespaceConfig& ns);
/// SPA of a sector of the block device. Of a BTT: while the block was never written.
std::uint64_t sector_spa(const NamespaceConfig& ns, std::uint64_t sector);

/// What a byte of a sector-mode namespace is.
struct BttPlace {
    std::optional<std::uint64_t>
        sector;  ///< of the block device, while the block was never written
    std::string what;
};
BttPlace btt_place(const NamespaceConfig& ns, std::uint64_t spa);

}  // namespace mcemu::address
