#pragma once  // Block Translation Table: sectors that are written whole or not at all.
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/kernel/nvdimm/pmem_driver.hpp"
#include "core/pmem/btt_layout.hpp"
#include "core/pmem/image.hpp"

namespace mcemu::kernel {

/// One sector-mode namespace as made anew: identity map, no block with an error.
/// Source: drivers/nvdimm/btt.c, claim.c nsio_rw_bytes(); nvdimm.md 12.3, 12.6. Data are not kept:
/// what matters is which blocks are touched.
class Btt {
public:
    static constexpr std::uint64_t kSector = pmem::kBttSector;
    static constexpr std::uint32_t kLanes = pmem::kBttLanes;

    Btt(PmemDriver& driver, NvdimmBus& bus, PmemNamespace& ns);

    /// 0, -EIO, -EOPNOTSUPP (discard) or kTaskDied.
    Task<int> submit_bio(Context& ctx, BioEvent bio);

    /// Map and log, where they differ from those made anew, by arena; and a BTT that has them. The
    /// image fits the layout.
    std::vector<pmem::BttImage> snapshot() const;
    void restore(const std::vector<pmem::BttImage>& image);
    /// btt_freelist_init(): blocks that the log says were freed with an error are healed.
    Task<void> heal_free_blocks(Context& ctx);

    static std::vector<pmem::BttArena> layout(SpaRange range, std::uint64_t initial_offset) {
        return pmem::btt_layout(range, initial_offset);
    }

private:
    struct MapEntry {
        std::uint32_t block;
        bool error = false;
    };
    struct Free {
        std::uint32_t block;
        bool has_error = false;
    };
    struct Arena {
        pmem::BttArena at;
        std::unordered_map<std::uint32_t, MapEntry> map;  // entries that are not the identity
        std::vector<Free> free;                           // by lane
        MapEntry entry(std::uint32_t lba) const {
            const auto it = map.find(lba);
            return it == map.end() ? MapEntry{lba} : it->second;
        }
    };

    Task<int> read_sector(Context& ctx, Arena& arena, std::uint32_t lba);
    Task<int> write_sector(Context& ctx, Arena& arena, std::uint32_t lba);
    Task<int> clear_free_block(Context& ctx, Arena& arena, Free& free);
    Task<int> read_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size);
    Task<int> write_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size, bool atomic);
    bool is_bad(std::uint64_t offset, std::uint64_t size) const;
    static std::uint64_t map_at(const Arena& arena, std::uint32_t lba) {
        return arena.at.begin + arena.at.mapoff + 4ull * lba;
    }
    static std::uint64_t data_at(const Arena& arena, std::uint32_t block) {
        return arena.at.begin + arena.at.dataoff + kSector * block;
    }

    PmemDriver& driver_;
    NvdimmBus& bus_;
    PmemNamespace& ns_;
    std::vector<Arena> arenas_;
};

}  // namespace mcemu::kernel
