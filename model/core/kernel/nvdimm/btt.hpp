#pragma once  // Block Translation Table: sectors that are written whole or not at all.
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/kernel/nvdimm/nsio.hpp"
#include "core/kernel/nvdimm/pmem_driver.hpp"
#include "core/pmem/btt_layout.hpp"
#include "core/pmem/contents.hpp"
#include "core/pmem/image.hpp"

namespace mcemu::kernel {

/// One sector-mode namespace as made anew: identity map, no block with an error.
/// Source: drivers/nvdimm/btt.c; nvdimm.md 3.4, 12.6. It stands for what is on the media, too: it
/// stays while the namespace is disabled, or used as raw.
class Btt {
public:
    static constexpr std::uint32_t kLanes = pmem::kBttLanes;

    Btt(PmemDriver& driver, NvdimmBus& bus, PmemNamespace& ns);

    /// What the blocks of a read hold.
    struct Found {
        std::vector<pmem::Contents::Summary> blocks;
    };
    /// 0, -EIO, -EOPNOTSUPP (discard) or kTaskDied.
    Task<int> submit_bio(Context& ctx, BioEvent bio, Found* found = nullptr);

    /// Map and log, where they differ from those made anew, by arena; and a BTT that has them. The
    /// image fits the layout.
    std::vector<pmem::BttImage> snapshot() const;
    void restore(const std::vector<pmem::BttImage>& image);
    /// btt_arena_write_layout(): map, log and info blocks made anew, over the namespace's table.
    Task<int> format(Context& ctx, Badblocks& table);
    /// discover_arenas(), btt_freelist_init(): reads info blocks and log, heals blocks that the log
    /// says were freed with an error, and finishes map updates that only reached the log. 0, -EIO
    /// (metadata that cannot be read: no device comes up) or kTaskDied.
    Task<int> attach(Context& ctx);

    static std::vector<pmem::BttArena> layout(SpaRange range, std::uint64_t initial_offset) {
        return pmem::btt_layout(range, initial_offset);
    }

    /// Writes the info blocks of every arena.
    void write_info(pmem::Contents& media) const;
    /// Whether the first arena's info block is there: the kernel knows the namespace by it.
    bool recognised(const pmem::Contents& media) const;
    /// A write past the BTT, to bytes of the namespace: map and log take what it left there.
    void overwritten(std::uint64_t offset, std::uint64_t size, const pmem::Contents::Fill& fill);
    /// A map entry: block it leads to, error (E) and zero (Z) flags. nullopt: no such block.
    struct Entry {
        std::uint32_t block = 0;
        bool error = false, zero = false, normal = false;
    };
    std::optional<Entry> lookup(std::uint64_t lba) const;
    /// Free blocks of the lanes of the arena that holds `lba`, of lanes that were written through.
    std::vector<std::uint32_t> free_blocks(std::uint64_t lba) const;
    /// ndctl check-namespace (ndctl/check.c): what is wrong, and with `repair` no longer is.
    struct Check {
        int error = 0;  ///< 0: nothing is wrong (any more); else a negative errno
        std::vector<std::string> messages;
    };
    Check check(pmem::Contents& media, bool repair, bool rewrite_log);
    const std::vector<pmem::BttArena> arenas() const {
        std::vector<pmem::BttArena> out;
        for (const Arena& a : arenas_) out.push_back(a.at);
        return out;
    }
    std::uint32_t sector() const { return sector_; }

private:
    struct MapEntry {
        std::uint32_t block;
        bool error = false;
        bool zero = false;    // reads as zeros
        bool normal = false;  // was written: E and Z both stand in the entry
    };
    struct Free {
        std::uint32_t block;
        bool has_error = false;
    };
    /// A lane's group of the log.
    struct LogEntry {
        std::uint32_t lba = 0, old_map = 0, new_map = 0;
        bool spoilt = false;  // what stands there is no log
    };
    struct Arena {
        explicit Arena(const pmem::BttArena& where);  // made anew
        pmem::BttArena at;
        std::unordered_map<std::uint32_t, MapEntry> map;  // entries that are not the identity
        std::vector<Free> free;                           // by lane
        std::vector<LogEntry> log;                        // by lane
        bool spoilt_map = false;                          // written over
        MapEntry entry(std::uint32_t lba) const {
            const auto it = map.find(lba);
            return it == map.end() ? MapEntry{lba} : it->second;
        }
    };

    Task<int> read_sector(Context& ctx, Arena& arena, std::uint32_t lba, Found* found);
    Task<int> write_sector(Context& ctx, Arena& arena, std::uint32_t lba, const DataSpec& data,
                           std::uint64_t origin);
    Task<int> clear_free_block(Context& ctx, Arena& arena, Free& free);
    Task<int> attach_arena(Context& ctx, Arena& arena);
    static bool unfinished(const Arena& arena, const LogEntry& log);
    Task<int> read_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size);
    Task<int> write_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size, bool atomic);
    bool is_bad(std::uint64_t offset, std::uint64_t size) const;
    Arena* arena_of(std::uint64_t& lba);
    const Arena* arena_of(std::uint64_t& lba) const { return const_cast<Btt*>(this)->arena_of(lba); }
    void check_arena(Arena& arena, std::size_t number, bool repair, bool rewrite_log, Check& out);
    pmem::InfoBlock info(std::size_t arena) const;
    static std::uint64_t map_at(const Arena& arena, std::uint32_t lba) {
        return arena.at.begin + arena.at.mapoff + 4ull * lba;
    }
    static std::uint64_t data_at(const Arena& arena, std::uint32_t block) {
        return arena.at.begin + arena.at.dataoff + std::uint64_t{arena.at.internal_lbasize} * block;
    }

    NvdimmBus& bus_;
    PmemNamespace& ns_;
    SpaRange range_;  // the whole namespace
    std::uint32_t sector_;
    NamespaceIo io_;
    std::vector<Arena> arenas_;
};

}  // namespace mcemu::kernel
