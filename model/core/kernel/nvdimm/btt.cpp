#include "core/kernel/nvdimm/btt.hpp"

#include <algorithm>

#include "core/kernel/pat/oops.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint64_t kLogGroup = 64;  // of one lane: two entries of 16 bytes, padded

}  // namespace

Btt::Btt(PmemDriver& driver, NvdimmBus& bus, PmemNamespace& ns)
    : driver_(driver), bus_(bus), ns_(ns) {
    for (const pmem::BttArena& at : pmem::btt_layout(ns.covered, ns.config->data_offset)) {
        Arena arena{at, {}, {}};
        for (std::uint32_t lane = 0; lane < kLanes; ++lane)
            arena.free.push_back({at.external_nlba + lane});
        arenas_.push_back(std::move(arena));
    }
}

Task<int> Btt::submit_bio(Context& ctx, BioEvent bio) {
    if (bio.op == BioEvent::Op::discard) co_return -EOPNOTSUPP;
    constexpr std::uint64_t kRatio = kSector / kSectorSize;
    if (bio.sector % kRatio != 0 || bio.sectors % kRatio != 0) co_return -EIO;  // unaligned segment
    for (std::uint64_t i = 0; i < bio.sectors / kRatio; ++i) {
        std::uint64_t lba = bio.sector / kRatio + i;
        Arena* arena = nullptr;
        for (Arena& a : arenas_) {
            if (lba < a.at.external_nlba) {
                arena = &a;
                break;
            }
            lba -= a.at.external_nlba;
        }
        if (!arena) co_return -EIO;
        int error = 0;
        if (bio.op == BioEvent::Op::read)
            error = co_await read_sector(ctx, *arena, static_cast<std::uint32_t>(lba));
        else error = co_await write_sector(ctx, *arena, static_cast<std::uint32_t>(lba));
        if (error != 0) co_return error;
    }
    co_return 0;
}

// btt_read_pg().
Task<int> Btt::read_sector(Context& ctx, Arena& arena, std::uint32_t lba) {
    int error = co_await read_bytes(ctx, map_at(arena, lba), 4);
    if (error != 0) co_return error;
    const MapEntry entry = arena.entry(lba);
    if (entry.error) co_return -EIO;  // the data are not touched
    error = co_await read_bytes(ctx, data_at(arena, entry.block), kSector);
    if (error == 0 || error == kTaskDied) co_return error;
    // The error becomes part of the map, for good. A failure to write it there is only a warning.
    const int noted = co_await write_bytes(ctx, map_at(arena, lba), 4, true);
    if (noted == 0) arena.map[lba] = {entry.block, true};
    co_return error;
}

// btt_write_pg().
Task<int> Btt::write_sector(Context& ctx, Arena& arena, std::uint32_t lba) {
    Free& free = arena.free[ctx.cpu % kLanes];
    if (is_bad(data_at(arena, free.block), kSector)) free.has_error = true;
    int error = co_await clear_free_block(ctx, arena, free);
    if (error != 0) co_return error;

    const std::uint32_t fresh = free.block;
    error = co_await write_bytes(ctx, data_at(arena, fresh), kSector, true);
    if (error != 0) co_return error;
    error = co_await read_bytes(ctx, map_at(arena, lba), 4);
    if (error != 0) co_return error;
    const MapEntry old = arena.entry(lba);

    const std::uint64_t group = arena.at.begin + arena.at.logoff + kLogGroup * (ctx.cpu % kLanes);
    error = co_await write_bytes(ctx, group, 16, true);
    if (error != 0) co_return error;
    free = {old.block, old.error};
    error = co_await write_bytes(ctx, map_at(arena, lba), 4, true);
    if (error != 0) co_return error;
    arena.map[lba] = {fresh, false};
    error = co_await clear_free_block(ctx, arena, free);
    co_return error;
}

// arena_clear_freelist_error(): zeros over the whole block, by the path that clears poison.
Task<int> Btt::clear_free_block(Context& ctx, Arena& arena, Free& free) {
    if (!free.has_error) co_return 0;
    const int error = co_await write_bytes(ctx, data_at(arena, free.block), kSector, false);
    if (error == 0) free.has_error = false;
    co_return error;
}

std::vector<pmem::BttImage> Btt::snapshot() const {
    std::vector<pmem::BttImage> out;
    for (const Arena& arena : arenas_) {
        pmem::BttImage image;
        for (const auto& [lba, entry] : arena.map)
            if (entry.block != lba || entry.error)
                image.map.push_back({lba, entry.block, entry.error});
        std::sort(image.map.begin(), image.map.end(),
                  [](const auto& a, const auto& b) { return a.place < b.place; });
        for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
            const Free& free = arena.free[lane];
            if (free.block != arena.at.external_nlba + lane || free.has_error)
                image.free.push_back({lane, free.block, free.has_error});
        }
        out.push_back(std::move(image));
    }
    return out;
}

void Btt::restore(const std::vector<pmem::BttImage>& image) {
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
        for (const auto& e : image[i].map) arenas_[i].map[e.place] = {e.block, e.error};
        for (const auto& e : image[i].free) arenas_[i].free[e.place] = {e.block, e.error};
    }
}

Task<void> Btt::heal_free_blocks(Context& ctx) {
    // A block that stays bad makes the attach of 6.1 fail; here it is tried again by the next
    // write of its lane.
    for (Arena& arena : arenas_)
        for (Free& free : arena.free) {
            const int error = co_await clear_free_block(ctx, arena, free);
            if (error == kTaskDied) co_return;
        }
}

bool Btt::is_bad(std::uint64_t offset, std::uint64_t size) const {
    const std::uint64_t sector = offset / kSectorSize;
    return ns_.is_bad(sector, round_up(size + offset % kSectorSize, kSectorSize));
}

Task<int> Btt::read_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size) {
    if (is_bad(offset, size)) co_return -EIO;
    const int error = co_await driver_.load_or_fail(ctx, ns_.covered.begin + offset, size);
    co_return error;
}

// nsio_rw_bytes(): where it may not clear, or the clear falls short, it still writes the data.
Task<int> Btt::write_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size, bool atomic) {
    const std::uint64_t spa = ns_.covered.begin + offset;
    int error = 0;
    if (is_bad(offset, size)) {
        error = -EIO;
        if (!atomic && offset % kSectorSize == 0 && size % kSectorSize == 0) {
            const std::int64_t cleared = co_await bus_.clear_poison(ctx, spa, size);
            if (cleared >= static_cast<std::int64_t>(size)) error = 0;
            if (cleared >= static_cast<std::int64_t>(kSectorSize))
                bus_.clear_badblocks(ns_, offset / kSectorSize,
                                     static_cast<std::uint64_t>(cleared) / kSectorSize);
            co_await driver_.invalidate(ctx, spa, size);
        }
    }
    const int stored = co_await driver_.store_or_oops(ctx, spa, size);
    co_return stored != 0 ? stored : error;
}

}  // namespace mcemu::kernel
