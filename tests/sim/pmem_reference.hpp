#pragma once  // What persistent memory and its kernel come to, by the rules alone (nvdimm.md).
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mcemu::test {

/// Sets of lines and sectors, looked at one by one: no structure is shared with what it is held
/// against. Kernel 6.1, tables of the ideal model, one firmware for all regions, everything that
/// takes time is over before the next operation begins.
struct PmemReference {
    using u64 = std::uint64_t;
    static constexpr u64 kLine = 64, kSector = 512, kPage = 4096, kUnit = 256, kRecords = 170;
    static constexpr u64 kLanes = 256;

    struct Region {
        u64 begin, end;
        std::vector<unsigned> modules;
        std::vector<u64> dpa_base;
        u64 chunk;
        bool heals;  // full-line writes heal
        std::set<u64> bad{};
        bool enabled = true;
    };
    struct Entry {
        u64 block;
        bool error = false;
    };
    struct Namespace {
        unsigned region;
        u64 begin, end;
        std::string made;         // as its info block says
        std::string mode = made;  // as it is used
        bool enabled = true;
        bool info = true;  // the info block stands where it was written
        std::set<u64> bad{};
        // sector mode
        std::map<u64, Entry> map{};
        u64 free_block = 0;  // of lane 0, the only one used
        bool free_error = false;
        struct Log {
            u64 lba, old, fresh;
        };
        std::optional<Log> log{};  // of the lane's last write

        bool paged() const { return mode == "fsdax" || mode == "devdax"; }
        bool block_device() const { return mode != "devdax"; }
        u64 data() const { return paged() ? begin + (2 << 20) : begin; }
        u64 table_begin() const { return mode == "fsdax" ? data() : begin; }
        u64 size() const { return end - begin; }
        // nvdimm.md 3.4, 4 KiB sectors, one arena
        u64 internal() const { return (size() - 8192 - 16384 - 4096) / 4100; }
        u64 external() const { return internal() - kLanes; }
        u64 map_size() const { return (external() * 4 + 4095) / 4096 * 4096; }
        u64 log_at() const { return size() - 4096 - 16384; }
        u64 map_at() const { return log_at() - map_size(); }
        u64 block_at(u64 block) const { return 4096 + 4096 * block; }
        u64 info_at() const { return made == "sector" ? 0 : 4096; }
        /// As ndctl takes it: by the info block while it is disabled.
        Namespace used() const {
            Namespace out = *this;
            if (!enabled) out.mode = made;
            return out;
        }
    };

    std::vector<Region> regions;
    std::vector<Namespace> spaces;
    std::set<u64> poison, listed, stuck;      // lines, SPA / 64
    std::vector<std::pair<u64, u64>> ranges;  // the bus-wide list: start, length

    // ------------------------------------------------------------ list and tables (11.1, 11.3)
    void add(u64 start, u64 length) {
        for (auto& r : ranges)
            if (r.first == start) {
                r.second = length;
                return;
            }
        ranges.emplace_back(start, length);
    }
    void forget(u64 a, u64 n) {
        const u64 e = a + n - 1;
        std::vector<std::pair<u64, u64>> kept, tail;
        for (const auto& [s, length] : ranges) {
            const u64 t = s + length - 1;
            if (e < s || t < a) kept.emplace_back(s, length);
            else if (a <= s && t <= e) continue;
            else if (a <= s && e == s) kept.emplace_back(s, length);
            else if (a <= s) kept.emplace_back(e + 1, t - e);
            else {
                kept.emplace_back(s, a - s);
                if (t > e) tail.emplace_back(e + 1, t - e);
            }
        }
        kept.insert(kept.end(), tail.begin(), tail.end());
        ranges = kept;
    }
    void fill(std::set<u64>& table, u64 begin, u64 end) const {
        for (const auto& [start, length] : ranges) {
            const u64 from = std::max(start, begin), to = std::min(start + length, end);
            if (from >= to) continue;
            for (u64 s = (from - begin) / kSector; s * kSector < to - begin; ++s) table.insert(s);
        }
    }
    void fill(Namespace& ns) {
        if (ns.block_device()) fill(ns.bad, ns.table_begin(), ns.end);
    }
    void revalidate(unsigned region) {
        Region& r = regions[region];
        if (!r.enabled) return;
        fill(r.bad, r.begin, r.end);
        for (Namespace& ns : spaces)
            if (ns.region == region && ns.enabled) fill(ns);
    }
    static bool overlaps(const std::set<u64>& table, u64 first, u64 count) {
        const auto it = table.lower_bound(first);
        return it != table.end() && *it < first + count;
    }
    static void take_out(std::set<u64>& table, u64 first, u64 count) {
        table.erase(table.lower_bound(first), table.lower_bound(first + count));
    }
    /// Maximal runs of a set, by their first and the one behind their last.
    static std::vector<std::pair<u64, u64>> runs(const std::set<u64>& set) {
        std::vector<std::pair<u64, u64>> out;
        for (const u64 x : set) {
            if (!out.empty() && out.back().second == x) ++out.back().second;
            else out.emplace_back(x, x + 1);
        }
        return out;
    }

    // ------------------------------------------------------------ media and firmware (4, 6, 7)
    void plant(u64 begin, u64 end, bool known) {
        for (u64 line = begin / kLine; line * kLine < end; ++line) {
            poison.insert(line);
            if (known) listed.insert(line);
        }
    }
    void heal(u64 begin, u64 end) {
        for (u64 line = (begin + kLine - 1) / kLine; (line + 1) * kLine <= end; ++line) {
            poison.erase(line);
            listed.erase(line);
        }
    }
    /// Clear Uncorrectable Error and what the kernel does with its answer: bytes, or an errno.
    std::int64_t clear(u64 spa, u64 length) {
        if (spa % kUnit != 0 || length % kUnit != 0) return -EIO;
        u64 cleared = length;
        const auto block = stuck.lower_bound(spa / kLine);
        if (block != stuck.end() && *block * kLine < spa + length)
            cleared = *block * kLine / kUnit * kUnit - spa;
        if (cleared == 0) return -EIO;
        heal(spa, spa + cleared);
        forget(spa, cleared);
        for (Namespace& ns : spaces) zeroed(ns, spa, spa + cleared);
        if (cleared / kSector > 0)
            for (Region& r : regions)
                if (r.enabled && spa >= r.begin && spa + cleared <= r.end)
                    take_out(r.bad, (spa - r.begin) / kSector, cleared / kSector);
        return static_cast<std::int64_t>(cleared);
    }
    /// A cleared piece of a map holds zeros: entries that were never written.
    static void zeroed(Namespace& ns, u64 begin, u64 end) {
        const u64 info = ns.begin + ns.info_at();
        if (begin < info + kPage && end > info) ns.info = false;
        if (ns.made != "sector") return;
        std::erase_if(ns.map, [&](const auto& entry) {
            const u64 at = ns.begin + ns.map_at() + 4 * entry.first;
            return at + 4 > begin && at < end;
        });
    }
    void scrub(bool full) {
        for (unsigned i = 0; i < regions.size(); ++i) {
            const Region& r = regions[i];
            if (full)
                for (const u64 line : poison)
                    if (line * kLine >= r.begin && line * kLine < r.end) listed.insert(line);
            for (const auto& [first, past] : known_runs(r)) add(first * kLine, (past - first) * kLine);
            revalidate(i);
        }
    }
    std::vector<std::pair<u64, u64>> known_runs(const Region& r) const {
        std::set<u64> here(listed.lower_bound(r.begin / kLine), listed.lower_bound(r.end / kLine));
        auto out = runs(here);
        if (out.size() > kRecords) out.resize(kRecords);
        return out;
    }

    // ------------------------------------------------------------ the driver's copies (12)
    /// A machine-check-safe read: false when it met poison, which then is known.
    bool copy_out(unsigned region, u64 begin, u64 end) {
        const auto met = poison.lower_bound(begin / kLine);
        if (met == poison.end() || *met * kLine >= end) return true;
        listed.insert(*met);
        add(*met * kLine, kLine);
        revalidate(region);
        return false;
    }
    void copy_in(const Region& r, u64 begin, u64 end) {
        if (r.heals) heal(begin, end);
    }
    int rw_bytes(Namespace& ns, bool write, u64 offset, u64 size, bool atomic = false) {
        const u64 first = offset / kSector, count = (offset % kSector + size + kSector - 1) / kSector;
        const bool bad = overlaps(ns.bad, first, count);
        const u64 spa = ns.begin + offset;
        if (!write) {
            if (bad) return -EIO;
            return copy_out(ns.region, spa, spa + size) ? 0 : -EIO;
        }
        int rc = 0;
        if (bad) {
            rc = -EIO;
            if (!atomic && offset % kSector == 0 && size % kSector == 0) {
                const std::int64_t cleared = clear(spa, size);
                if (cleared >= static_cast<std::int64_t>(size)) rc = 0;
                if (cleared > 0) take_out(ns.bad, first, static_cast<u64>(cleared) / kSector);
            }
        }
        copy_in(regions[ns.region], spa, spa + size);
        return rc;
    }

    // ------------------------------------------------------------ block devices
    std::int64_t bio(Namespace& ns, const std::string& op, u64 sector, u64 count) {
        if (!ns.enabled || !ns.block_device()) return -ENXIO;
        if (op == "discard") return -EOPNOTSUPP;
        if (ns.mode == "sector") return btt_bio(ns, op == "write", sector, count);
        const u64 capacity = (ns.end - ns.table_begin()) / kSector;
        if (sector + count > capacity) return -EIO;
        for (u64 done = 0; done < count; done += 8) {
            const u64 first = sector + done, n = std::min<u64>(8, count - done);
            const u64 spa = ns.table_begin() + first * kSector, size = n * kSector;
            if (op == "read") {
                if (overlaps(ns.bad, first, n)) return -EIO;
                // Page by page of the memory, as far as the first line that is bad.
                if (!copy_out(ns.region, spa, spa + size)) return -EIO;
                continue;
            }
            if (overlaps(ns.bad, first, n)) {
                const std::int64_t cleared = clear(spa, size);
                if (cleared < 0) return -EIO;
                take_out(ns.bad, first, static_cast<u64>(cleared) / kSector);
                if (cleared < static_cast<std::int64_t>(size)) return -EIO;
            }
            copy_in(regions[ns.region], spa, spa + size);
        }
        return static_cast<std::int64_t>(count * kSector);
    }

    // ------------------------------------------------------------ the BTT (12.6)
    void make_btt(Namespace& ns) {
        ns.map.clear();
        ns.free_block = ns.external();
        ns.free_error = false;
        ns.log.reset();
    }
    static Entry entry(const Namespace& ns, u64 lba) {
        const auto it = ns.map.find(lba);
        return it == ns.map.end() ? Entry{lba} : it->second;
    }
    std::int64_t btt_bio(Namespace& ns, bool write, u64 sector, u64 count) {
        if (sector % 8 != 0 || count % 8 != 0 || sector + count > ns.external() * 8) return -EIO;
        for (u64 i = 0; i < count / 8; ++i) {
            const int rc = write ? btt_write(ns, sector / 8 + i) : btt_read(ns, sector / 8 + i);
            if (rc != 0) return rc;
        }
        return static_cast<std::int64_t>(count * kSector);
    }
    int btt_read(Namespace& ns, u64 lba) {
        const u64 map_at = ns.map_at() + 4 * lba;
        if (rw_bytes(ns, false, map_at, 4) != 0) return -EIO;
        const Entry e = entry(ns, lba);
        if (e.error) return -EIO;
        if (rw_bytes(ns, false, ns.block_at(e.block), kPage) == 0) return 0;
        if (rw_bytes(ns, true, map_at, 4, true) == 0) ns.map[lba] = {e.block, true};
        return -EIO;
    }
    int clear_free(Namespace& ns) {
        if (!ns.free_error) return 0;
        const int rc = rw_bytes(ns, true, ns.block_at(ns.free_block), kPage);
        if (rc == 0) ns.free_error = false;
        return rc;
    }
    int btt_write(Namespace& ns, u64 lba) {
        if (overlaps(ns.bad, ns.block_at(ns.free_block) / kSector, 8)) ns.free_error = true;
        if (clear_free(ns) != 0) return -EIO;
        const u64 fresh = ns.free_block;
        if (rw_bytes(ns, true, ns.block_at(fresh), kPage, true) != 0) return -EIO;
        if (rw_bytes(ns, false, ns.map_at() + 4 * lba, 4) != 0) return -EIO;
        const Entry old = entry(ns, lba);
        if (rw_bytes(ns, true, ns.log_at(), 16, true) != 0) return -EIO;
        ns.free_block = old.block;
        ns.free_error = old.error;
        ns.log = Namespace::Log{lba, old.block, fresh};
        if (rw_bytes(ns, true, ns.map_at() + 4 * lba, 4, true) != 0) return -EIO;
        ns.map[lba] = {fresh};
        return clear_free(ns);
    }

    // ------------------------------------------------------------ taking down, bringing up (3, 14)
    void disable(Namespace& ns) {
        ns.enabled = false;
        ns.bad.clear();
    }
    int enable(Namespace& ns) {
        ns.mode = personality(ns);
        ns.enabled = true;
        ns.bad.clear();
        fill(ns);
        const int rc = ns.mode == "sector" ? attach_btt(ns) : 0;
        if (rc != 0) disable(ns);
        return rc;
    }
    /// Without an info block that can be read it is raw (3.1, 3.2).
    std::string personality(const Namespace& ns) {
        if (ns.made == "raw" || !info_readable(ns)) return "raw";
        const u64 info = ns.begin + ns.info_at();
        if (!copy_out(ns.region, info, info + kPage)) return "raw";
        return ns.info ? ns.made : "raw";
    }
    bool info_readable(const Namespace& ns) const {
        std::set<u64> known;
        fill(known, ns.begin, ns.end);
        return !overlaps(known, ns.info_at() / kSector, 8);
    }
    int attach_btt(Namespace& ns) {
        if (rw_bytes(ns, false, 0, kPage) != 0) return -EIO;
        if (rw_bytes(ns, false, ns.log_at(), 64 * kLanes) != 0) return -EIO;
        clear_free(ns);
        if (ns.log && rw_bytes(ns, false, ns.map_at() + 4 * ns.log->lba, 4) != 0) return -EIO;
        finish_write(ns);
        return 0;
    }
    /// A map entry that the log is ahead of.
    static void finish_write(Namespace& ns) {
        if (ns.log && entry(ns, ns.log->lba).block == ns.log->old) ns.map[ns.log->lba] = {ns.log->fresh};
    }
    void set_region(unsigned region, bool on) {
        Region& r = regions[region];
        if (r.enabled == on) return;
        r.enabled = on;
        r.bad.clear();
        for (Namespace& ns : spaces)
            if (ns.region == region && !on && ns.enabled) disable(ns);
        if (!on) return;
        fill(r.bad, r.begin, r.end);
        for (Namespace& ns : spaces)
            if (ns.region == region && !ns.enabled) enable(ns);
    }
    void remake(Namespace& ns, const std::string& mode) {
        disable(ns);
        ns.mode = ns.made = mode;
        // Metadata are written, which clears what is known to be bad there.
        if (mode == "sector") {
            make_btt(ns);
            fill(ns);
            rw_bytes(ns, true, ns.map_at(), ns.map_size());
            for (u64 at = ns.log_at(); at < ns.size(); at += kPage) rw_bytes(ns, true, at, kPage);
            rw_bytes(ns, true, 0, kPage);
        } else if (ns.paged()) {
            fill(ns.bad, ns.begin, ns.end);
            rw_bytes(ns, true, kPage, kPage);
        }
        ns.info = true;
        enable(ns);
    }
    /// Whether the metadata of another mode would lie on poison that nobody knows of.
    bool latent_below(const Namespace& ns, const std::string& mode) const {
        std::set<u64> known;
        fill(known, ns.begin, ns.end);
        const auto latent = [&](u64 begin, u64 end) {
            for (auto line = poison.lower_bound((ns.begin + begin) / kLine);
                 line != poison.end() && *line * kLine < ns.begin + end; ++line)
                if (!known.contains((*line * kLine - ns.begin) / kSector)) return true;
            return false;
        };
        if (mode == "sector") return latent(0, kPage) || latent(ns.log_at(), ns.size());
        return mode != "raw" && latent(kPage, 2 * kPage);
    }
    /// ndctl clear-errors: rows of the region that lie in the data.
    std::int64_t clear_errors(Namespace& ns) {
        const Namespace used = ns.used();
        if (used.mode == "sector") return 1;
        if (ns.enabled) disable(ns);
        const Region& r = regions[ns.region];
        std::int64_t ret = 0;
        for (const auto& [first, past] : runs(r.bad)) {
            const u64 begin = r.begin + first * kSector, end = r.begin + past * kSector;
            if (begin < used.data() || end > ns.end) continue;
            const std::int64_t cleared = clear(begin, end - begin);
            if (cleared == static_cast<std::int64_t>(end - begin)) continue;
            ret = cleared < 0 ? cleared : -ENXIO;
            break;
        }
        if (r.enabled) enable(ns);
        else if (ret == 0) ret = -ENXIO;
        return ret;
    }
    /// ndctl inject-error: one call a block, the first clear unit of it or all of it.
    std::int64_t inject(const Namespace& where, u64 block, u64 count, bool saturate,
                        bool uninject, bool notify) {
        const Namespace ns = where.used();
        if (ns.mode == "sector" && ns.enabled) return -EOPNOTSUPP;
        if (block + count > (ns.end - ns.data()) / kSector) return -EINVAL;
        for (u64 i = 0; i < count; ++i) {
            const u64 spa = ns.data() + (block + i) * kSector;
            const u64 length = saturate ? kSector : kUnit;
            if (uninject) heal(spa, spa + length);
            else plant(spa, spa + length, true);
        }
        if (!uninject && notify) scrub(false);
        return 0;
    }

    void reboot() {
        ranges.clear();
        for (Region& r : regions) {
            r.bad.clear();
            r.enabled = true;
        }
        for (Namespace& ns : spaces) {
            ns.bad.clear();
            ns.enabled = true;
        }
        for (unsigned i = 0; i < regions.size(); ++i)
            for (const auto& [first, past] : known_runs(regions[i]))
                add(first * kLine, (past - first) * kLine);
        for (Namespace& ns : spaces)
            ns.mode = ns.made == "raw" || !ns.info || !info_readable(ns) ? "raw" : ns.made;
        for (unsigned i = 0; i < regions.size(); ++i) revalidate(i);
        for (Namespace& ns : spaces) {
            finish_write(ns);
            ns.log.reset();  // the image keeps what is free, not who wrote last
            if (ns.mode == "sector" && attach_btt(ns) != 0) disable(ns);
        }
        scrub(true);
    }

    /// Poisoned lines of each module, by DPA / 64 (2.1).
    std::vector<std::set<u64>> by_module(unsigned modules) const {
        std::vector<std::set<u64>> out(modules);
        for (const u64 line : poison)
            for (const Region& r : regions) {
                const u64 spa = line * kLine;
                if (spa < r.begin || spa >= r.end) continue;
                const u64 offset = spa - r.begin, chunk = offset / r.chunk, ways = r.modules.size();
                const u64 way = chunk % ways;
                const u64 dpa = r.dpa_base[way] + chunk / ways * r.chunk + offset % r.chunk;
                out[r.modules[way]].insert(dpa / kLine);
            }
        return out;
    }
};

}  // namespace mcemu::test
