#include "core/kernel/nvdimm/btt.hpp"

#include <algorithm>

#include "core/kernel/pat/oops.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint64_t kLogGroup = 64;  // of one lane: two entries of 16 bytes, padded

}  // namespace

Btt::Btt(PmemDriver& driver, NvdimmBus& bus, PmemNamespace& ns)
    : bus_(bus),
      ns_(ns),
      range_(ns.config->range),
      sector_(ns.config->sector_size),
      io_(driver, bus, ns.config->range, kNamespaceTable + ns.index) {
    for (const pmem::BttArena& at : pmem::btt_layout(range_, ns.config->data_offset, sector_))
        arenas_.emplace_back(at);
}

Btt::Arena::Arena(const pmem::BttArena& where) : at(where) {
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        free.push_back({at.external_nlba + lane});
        log.push_back({lane, at.external_nlba + lane, at.external_nlba + lane});
    }
}

Btt::Arena* Btt::arena_of(std::uint64_t& lba) {
    for (Arena& a : arenas_) {
        if (lba < a.at.external_nlba) return &a;
        lba -= a.at.external_nlba;
    }
    return nullptr;
}

Task<int> Btt::submit_bio(Context& ctx, BioEvent bio, Found* found) {
    if (bio.op == BioEvent::Op::discard) co_return -EOPNOTSUPP;
    const std::uint64_t ratio = sector_ / kSectorSize;
    if (bio.sector % ratio != 0 || bio.sectors % ratio != 0) co_return -EIO;  // unaligned segment
    std::uint64_t capacity = 0;
    for (const Arena& arena : arenas_) capacity += arena.at.external_nlba * ratio;
    if (bio.sectors > capacity || bio.sector > capacity - bio.sectors)
        co_return -EIO;  // beyond the end of the device: nothing is begun
    for (std::uint64_t i = 0; i < bio.sectors / ratio; ++i) {
        std::uint64_t lba = bio.sector / ratio + i;
        Arena* arena = arena_of(lba);
        if (!arena) co_return -EIO;
        const auto block = static_cast<std::uint32_t>(lba);
        int error = 0;
        if (bio.op == BioEvent::Op::read)
            error = co_await read_sector(ctx, *arena, block, found);
        else
            error = co_await write_sector(ctx, *arena, block, bio.data, i * sector_);
        if (error != 0) co_return error;
    }
    co_return 0;
}

// btt_read_pg().
Task<int> Btt::read_sector(Context& ctx, Arena& arena, std::uint32_t lba, Found* found) {
    int error = co_await read_bytes(ctx, map_at(arena, lba), 4);
    if (error != 0) co_return error;
    const MapEntry entry = arena.entry(lba);
    if (entry.error) co_return -EIO;  // the data are not touched
    if (entry.zero) {
        if (found) found->blocks.push_back({});
        co_return 0;
    }
    if (entry.block >= arena.at.internal_nlba) co_return -EIO;  // the map is spoilt
    const std::uint64_t at = data_at(arena, entry.block);
    error = co_await read_bytes(ctx, at, sector_);
    if (error == 0 && found)
        found->blocks.push_back(
            bus_.media().describe({range_.begin + at, range_.begin + at + sector_}));
    if (error == 0 || error == kTaskDied) co_return error;
    // The error becomes part of the map, for good. A failure to write it there is only a warning.
    const int noted = co_await write_bytes(ctx, map_at(arena, lba), 4, true);
    if (noted == 0) arena.map[lba] = {entry.block, true, false, entry.normal};
    co_return error;
}

// btt_write_pg(). `origin`: how far into the request's data this block begins.
Task<int> Btt::write_sector(Context& ctx, Arena& arena, std::uint32_t lba, const DataSpec& data,
                            std::uint64_t origin) {
    const std::size_t lane = ctx.cpu % kLanes;
    Free& free = arena.free[lane];
    if (is_bad(data_at(arena, free.block), sector_)) free.has_error = true;
    int error = co_await clear_free_block(ctx, arena, free);
    if (error != 0) co_return error;

    const std::uint32_t fresh = free.block;
    error = co_await write_bytes(ctx, data_at(arena, fresh), sector_, true);
    if (error != 0) co_return error;
    const std::uint64_t spa = range_.begin + data_at(arena, fresh);
    bus_.media().write({spa, spa + sector_}, bus_.media().fill_of(data, spa - origin));
    error = co_await read_bytes(ctx, map_at(arena, lba), 4);
    if (error != 0) co_return error;
    const MapEntry old = arena.entry(lba);
    if (old.block >= arena.at.internal_nlba) co_return -EIO;  // "corrupt" map entry

    const std::uint64_t group = arena.at.begin + arena.at.logoff + kLogGroup * lane;
    error = co_await write_bytes(ctx, group, 16, true);
    if (error != 0) co_return error;
    arena.log[lane] = {lba, old.block, fresh};
    free = {old.block, old.error};
    error = co_await write_bytes(ctx, map_at(arena, lba), 4, true);
    if (error != 0) co_return error;
    arena.map[lba] = {fresh, false, false, true};
    error = co_await clear_free_block(ctx, arena, free);
    co_return error;
}

// arena_clear_freelist_error(): zeros over the whole block, by the path that clears poison.
Task<int> Btt::clear_free_block(Context& ctx, Arena& arena, Free& free) {
    if (!free.has_error) co_return 0;
    const std::uint64_t at = data_at(arena, free.block);
    const int error = co_await write_bytes(ctx, at, sector_, false);
    if (error == 0) free.has_error = false;
    bus_.media().zero({range_.begin + at, range_.begin + at + sector_});
    co_return error;
}

std::vector<pmem::BttImage> Btt::snapshot() const {
    std::vector<pmem::BttImage> out;
    for (const Arena& arena : arenas_) {
        pmem::BttImage image;
        // What only reached the log is finished by the next attach, as the log itself does not last.
        auto map = arena.map;
        for (const LogEntry& log : arena.log)
            if (unfinished(arena, log)) map[log.lba] = {log.new_map};
        for (const auto& [lba, entry] : map)
            if (entry.block != lba || entry.error || entry.zero)
                image.map.push_back({lba, entry.block, entry.error, entry.zero});
        std::sort(image.map.begin(), image.map.end(),
                  [](const auto& a, const auto& b) { return a.place < b.place; });
        image.spoilt_map = arena.spoilt_map;
        for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
            if (arena.log[lane].spoilt) image.spoilt_log.push_back(lane);
            const Free& free = arena.free[lane];
            if (free.block != arena.at.external_nlba + lane || free.has_error)
                image.free.push_back({lane, free.block, free.has_error, false});
        }
        out.push_back(std::move(image));
    }
    return out;
}

void Btt::restore(const std::vector<pmem::BttImage>& image) {
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
        for (const auto& e : image[i].map)
            arenas_[i].map[e.place] = {e.block, e.error, e.zero, !e.error && !e.zero};
        arenas_[i].spoilt_map = image[i].spoilt_map;
        for (const std::uint32_t lane : image[i].spoilt_log) arenas_[i].log[lane].spoilt = true;
        for (const auto& e : image[i].free) arenas_[i].free[e.place] = {e.block, e.error};
    }
}

Task<int> Btt::format(Context& ctx, Badblocks& table) {
    constexpr std::uint64_t kMapPiece = 2 << 20, kLogPiece = 4096;  // of one write
    for (Arena& arena : arenas_) {
        const pmem::BttArena& at = arena.at;
        const struct {
            std::uint64_t begin, end, piece;
        } areas[] = {{at.mapoff, at.logoff, kMapPiece},
                     {at.logoff, at.info2off, kLogPiece},
                     {at.info2off, at.info2off + pmem::kInfoBlock, pmem::kInfoBlock},
                     {0, pmem::kInfoBlock, pmem::kInfoBlock}};
        for (const auto& area : areas)
            for (std::uint64_t offset = area.begin; offset < area.end; offset += area.piece) {
                const std::uint64_t size = std::min(area.piece, area.end - offset);
                const int error = co_await io_.write(ctx, table, at.begin + offset, size, false);
                if (error != 0) co_return error;
            }
        arena = Arena(at);
    }
    co_return 0;
}

Task<int> Btt::attach(Context& ctx) {
    for (Arena& arena : arenas_) {
        const int error = co_await attach_arena(ctx, arena);
        if (error != 0) co_return error;
    }
    co_return 0;
}

Task<int> Btt::attach_arena(Context& ctx, Arena& arena) {
    int error = co_await read_bytes(ctx, arena.at.begin, pmem::kInfoBlock);
    if (error != 0) co_return error;
    error = co_await read_bytes(ctx, arena.at.begin + arena.at.logoff, kLogGroup * kLanes);
    if (error != 0) co_return error;
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        // A block that stays bad is tried again by the next write of its lane.
        error = co_await clear_free_block(ctx, arena, arena.free[lane]);
        if (error == kTaskDied) co_return error;
        const LogEntry& log = arena.log[lane];
        if (log.spoilt || log.old_map == log.new_map) continue;
        error = co_await read_bytes(ctx, map_at(arena, log.lba), 4);
        if (error != 0) co_return error;
        if (!unfinished(arena, log)) continue;
        error = co_await write_bytes(ctx, map_at(arena, log.lba), 4, false);
        if (error != 0) co_return error;
        arena.map[log.lba] = {log.new_map, false, false, true};
    }
    co_return 0;
}

/// Whether the last write of a lane reached its log and not the map.
bool Btt::unfinished(const Arena& arena, const LogEntry& log) {
    if (log.spoilt || log.old_map == log.new_map) return false;
    return arena.entry(log.lba).block == log.old_map;
}

bool Btt::is_bad(std::uint64_t offset, std::uint64_t size) const {
    return NamespaceIo::is_bad(ns_.bad, offset, size);
}

Task<int> Btt::read_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size) {
    const int error = co_await io_.read(ctx, ns_.bad, offset, size);
    co_return error;
}

Task<int> Btt::write_bytes(Context& ctx, std::uint64_t offset, std::uint64_t size, bool atomic) {
    const int error = co_await io_.write(ctx, ns_.bad, offset, size, atomic);
    co_return error;
}

}  // namespace mcemu::kernel
