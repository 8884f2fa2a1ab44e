// What stands on the media of a BTT, as others than its driver see it: raw writes over it, and
// ndctl check-namespace (ndctl/check.c).
#include <algorithm>
#include <string>

#include "core/kernel/nvdimm/btt.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint64_t kLogGroup = 64;
constexpr std::uint32_t kErrorBit = 1u << 30, kZeroBit = 1u << 31, kBlockMask = kErrorBit - 1;

/// Part of [begin, begin + size) that [offset, offset + length) touches, in units of `unit`.
std::pair<std::uint64_t, std::uint64_t> touched(std::uint64_t begin, std::uint64_t count,
                                                std::uint64_t unit, std::uint64_t offset,
                                                std::uint64_t length) {
    const std::uint64_t end = begin + count * unit;
    if (offset >= end || offset + length <= begin) return {0, 0};
    const std::uint64_t first = offset <= begin ? 0 : (offset - begin) / unit;
    const std::uint64_t last = std::min(count, (offset + length - begin + unit - 1) / unit);
    return {first, last};
}

}  // namespace

pmem::InfoBlock Btt::info(std::size_t arena) const {
    pmem::InfoBlock block;
    block.kind = pmem::InfoBlock::Kind::btt;
    block.arena = arenas_[arena].at;
    block.nextoff = arena + 1 < arenas_.size() ? block.arena.size : 0;
    return block;
}

void Btt::write_info(pmem::Contents& media) const {
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
        const std::uint64_t begin = range_.begin + arenas_[i].at.begin;
        media.write_info(begin, info(i));
        media.write_info(begin + arenas_[i].at.info2off, info(i));
    }
}

bool Btt::recognised(const pmem::Contents& media) const {
    if (arenas_.empty()) return false;
    const pmem::InfoBlock* first = media.info_at(range_.begin + arenas_[0].at.begin);
    return first && first->kind == pmem::InfoBlock::Kind::btt;
}

void Btt::overwritten(std::uint64_t offset, std::uint64_t size, const pmem::Contents::Fill& fill) {
    const bool known = fill.kind == pmem::Contents::Fill::Kind::word;
    // What is not known is taken for entries that lead nowhere.
    const std::uint32_t word = known ? fill.value : ~0u;
    for (Arena& arena : arenas_) {
        const pmem::BttArena& at = arena.at;
        const auto [lba, lba_end] =
            touched(at.begin + at.mapoff, at.external_nlba, 4, offset, size);
        arena.spoilt_map |= lba < lba_end;
        for (std::uint64_t i = lba; i < lba_end; ++i) {
            const auto index = static_cast<std::uint32_t>(i);
            const bool e = word & kErrorBit, z = word & kZeroBit;
            if (!e && !z) {
                arena.map.erase(index);  // never written, says it: the identity
                continue;
            }
            arena.map[index] = {word & kBlockMask, !z, !e, e && z};
        }
        const auto [lane, lane_end] =
            touched(at.begin + at.logoff, kLanes, kLogGroup, offset, size);
        for (std::uint64_t i = lane; i < lane_end; ++i) arena.log[i].spoilt = true;
    }
}

std::optional<Btt::Entry> Btt::lookup(std::uint64_t lba) const {
    const Arena* arena = arena_of(lba);
    if (!arena) return std::nullopt;
    const MapEntry e = arena->entry(static_cast<std::uint32_t>(lba));
    return Entry{e.block, e.error, e.zero, e.normal};
}

std::vector<std::uint32_t> Btt::free_blocks(std::uint64_t lba) const {
    std::vector<std::uint32_t> out;
    const Arena* arena = arena_of(lba);
    if (!arena) return out;
    for (std::uint32_t lane = 0; lane < kLanes; ++lane)
        if (arena->log[lane].old_map != arena->log[lane].new_map)
            out.push_back(arena->free[lane].block);
    return out;
}

Btt::Check Btt::check(pmem::Contents& media, bool repair, bool rewrite_log) {
    Check out;
    for (std::size_t i = 0; i < arenas_.size(); ++i)
        check_arena(arenas_[i], i, repair, rewrite_log, out);
    (void)media;
    // Both copies of every info block; each can be made from the other.
    for (std::size_t i = 0; i < arenas_.size(); ++i) {
        const std::uint64_t begin = range_.begin + arenas_[i].at.begin;
        const std::uint64_t place[2] = {begin, begin + arenas_[i].at.info2off};
        const bool good[2] = {media.info_at(place[0]) != nullptr,
                              media.info_at(place[1]) != nullptr};
        if (!good[0] && !good[1]) {
            out.messages.push_back("arena " + std::to_string(i) + ": no valid info block");
            out.error = -ENXIO;
            continue;
        }
        for (int copy = 0; copy < 2; ++copy) {
            if (good[copy]) continue;
            if (repair) {
                media.write_info(place[copy], info(i));
                out.messages.push_back(copy == 0 ? "info1 restored" : "info2 restored");
            } else {
                out.messages.push_back(copy == 0 ? "info1 needs to be restored"
                                                 : "info2 needs to be restored");
                out.error = -ENXIO;
            }
        }
    }
    return out;
}

void Btt::check_arena(Arena& arena, std::size_t number, bool repair, bool rewrite_log,
                      Check& out) {
    const std::string name = "arena " + std::to_string(number) + ": ";
    const auto fail = [&](std::string text) {
        out.messages.push_back(name + std::move(text));
        out.error = -ENXIO;
    };
    // The log against the map: an update that a power failure cut short is finished.
    for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
        LogEntry& log = arena.log[lane];
        if (log.spoilt) {
            if (rewrite_log && repair) {
                const std::uint32_t block = arena.free[lane].block;
                log = {lane, block, block};
                out.messages.push_back(name + "log[" + std::to_string(lane) + "] rewritten");
            } else {
                fail("log[" + std::to_string(lane) + "]: no valid entries");
            }
            continue;
        }
        if (log.old_map == log.new_map) continue;  // never used
        const MapEntry entry = arena.entry(log.lba);
        if (entry.block == log.new_map || entry.block != log.old_map) continue;
        if (repair) {
            arena.map[log.lba] = {log.new_map, false, false, true};
            out.messages.push_back(name + "map[" + std::to_string(log.lba) + "] updated");
        } else {
            fail("log[" + std::to_string(lane) + "].new_map doesn't match map[" +
                 std::to_string(log.lba) + "]");
        }
    }
    // Every internal block belongs to one map entry or one lane.
    std::vector<bool> taken(arena.at.internal_nlba);
    bool bad_map = false, twice = false;
    const auto take = [&](std::uint32_t block) {
        if (block >= taken.size()) bad_map = true;
        else if (taken[block]) twice = true;
        else taken[block] = true;
    };
    for (std::uint32_t lba = 0; lba < arena.at.external_nlba; ++lba) take(arena.entry(lba).block);
    if (bad_map) fail("map entry out of bounds");
    for (const Free& free : arena.free) take(free.block);
    if (twice || std::find(taken.begin(), taken.end(), false) != taken.end()) fail("bitmap error");
}

}  // namespace mcemu::kernel
