#include "core/kernel/nvdimm/invariants.hpp"

#include <algorithm>
#include <cerrno>

#include "core/kernel/hex.hpp"
#include "core/kernel/nvdimm/bus.hpp"
#include "core/pmem/interleave.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::uint64_t kSegment = kPageSize / kSectorSize;  // of a block request, in sectors

std::string text(SpaRange range) { return hex(range.begin) + "-" + hex(range.end); }

bool orderly(const std::vector<Badblocks::Row>& rows) {
    return std::adjacent_find(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
               return a.end() > b.start;
           }) == rows.end();
}

/// Sectors of [first, past) that no row covers.
std::uint64_t uncovered(const std::vector<Badblocks::Row>& rows, const SectorRange& sectors) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> parts;
    for (const Badblocks::Row& row : rows) {
        const std::uint64_t begin = std::max(row.start, sectors.first);
        const std::uint64_t end = std::min(row.end(), sectors.end());
        if (begin < end) parts.emplace_back(begin, end);
    }
    std::sort(parts.begin(), parts.end());
    std::uint64_t missing = 0, at = sectors.first;
    for (const auto& [begin, end] : parts) {
        if (begin > at) missing += begin - at;
        at = std::max(at, end);
    }
    return missing + (sectors.end() - std::min(at, sectors.end()));
}

}  // namespace

PmemInvariants::PmemInvariants(const Kernel& kernel, const PmemMedia& media)
    : kernel_(kernel), media_(media) {}

// ---------------------------------------------------------------- at the start

std::string PmemInvariants::check_start() const {
    if (media_.ars().state() != pmem::ArsState::none) return "scrub results outlived a boot";  // 10
    // 7, for every line of small sets and of both ends of large ones.
    constexpr std::uint64_t kLines = 4096;
    for (const RegionConfig& region : kernel_.scenario.machine.regions) {
        const pmem::InterleaveSet set(region);
        const std::uint64_t lines = region.range.size() / kLineSize;
        for (std::uint64_t i = 0; i < std::min(lines, 2 * kLines); ++i) {
            const std::uint64_t line = i < kLines ? i : lines - 1 - (i - kLines);
            const std::uint64_t spa = region.range.begin + line * kLineSize;
            const pmem::InterleaveSet::Place place = set.decode(spa);
            if (set.encode(place) != spa)
                return region.id + ": way " + std::to_string(place.way) + ", DPA " + hex(place.dpa) +
                       " of " + hex(spa) + " lead back to " + hex(set.encode(place));
        }
    }
    return "";
}

// ---------------------------------------------------------------- after everything that happens

std::string PmemInvariants::check() {
    if (kernel_.scenario.machine.regions.empty()) return "";
    cleared_ = started_ = injected_quietly_ = told_ = false;
    if (std::string wrong = look_at_trace(); !wrong.empty()) return wrong;
    for (const std::string& wrong : {media_change(), rows(), tables_hold_the_list(), scrub()})
        if (!wrong.empty()) return wrong;
    return "";
}

std::string PmemInvariants::look_at_trace() {
    const Trace& trace = kernel_.env.trace;
    std::string wrong;
    for (std::uint32_t id = seen_ + 1; id <= trace.count() && wrong.empty(); ++id) {
        if (!trace.holds(id)) continue;
        const TraceRecord r = trace[id];
        switch (r.kind) {
            case TraceKind::poison_planted:
                last_planted_ = id;
                break;
            case TraceKind::poison_cleared:
                cleared_ = true;
                break;
            case TraceKind::mce_record:
            case TraceKind::notifier:
            case TraceKind::nfit_notify:
            case TraceKind::badrange_added:
            case TraceKind::badrange_forgotten:
                told_ = true;
                if (r.kind == TraceKind::badrange_forgotten) wrong = forgotten(r, id);
                break;
            case TraceKind::dsm: {
                const auto function = static_cast<DsmEvent::Function>(r.a);
                if (function == DsmEvent::Function::ars_start && r.b == 0) {
                    started_ = true;
                    scan_since_ = id;
                }
                if (function != DsmEvent::Function::inject_error || r.why.origin == 0) break;
                const auto* dsm = std::get_if<DsmEvent>(
                    &kernel_.scenario.events[r.why.origin - 1].action);
                injected_quietly_ |= dsm && (dsm->flags & 1) == 0;
                break;
            }
            case TraceKind::bio:
                if (r.c >> 8 == 0) wrong = request_begins(id, r);
                break;
            case TraceKind::syscall:
                wrong = request_ends(r.subject, static_cast<std::int64_t>(r.a), id);
                break;
            default:
                break;
        }
    }
    seen_ = trace.count();
    return wrong;
}

/// 10: poison goes only by being healed. 11.
std::string PmemInvariants::media_change() {
    const auto modules = static_cast<std::uint32_t>(kernel_.scenario.machine.nvdimms.size());
    poisoned_.resize(modules);
    shutdowns_.resize(modules);
    for (std::uint32_t i = 0; i < modules; ++i) {
        const std::string& id = kernel_.scenario.machine.nvdimms[i].id;
        const std::uint64_t now = media_.poison(i).poisoned_bytes();
        if (now < poisoned_[i] && !cleared_)
            return id + " lost " + std::to_string(poisoned_[i] - now) + " bytes of poison unhealed";
        poisoned_[i] = now;
        const std::uint32_t count = media_.health(i).shutdown_count();
        if (count < shutdowns_[i])
            return id + ": the count of dirty shutdowns fell from " +
                   std::to_string(shutdowns_[i]) + " to " + std::to_string(count);
        shutdowns_[i] = count;
    }
    return "";
}

/// 4; and 8: an injection of which nobody is told leaves tables and list as they were.
std::string PmemInvariants::rows() {
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    std::vector<std::pair<std::string, const Badblocks*>> tables;
    for (const PmemRegion& region : bus.regions()) tables.emplace_back(region.config->id, &region.bad);
    for (const PmemNamespace& ns : bus.namespaces()) tables.emplace_back(ns.config->id, &ns.bad);
    versions_.resize(tables.size());
    bool changed = false;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto& [id, table] = tables[i];
        if (table->version() == versions_[i]) continue;
        changed = true;
        versions_[i] = table->version();
        const auto& all = table->rows();
        if (all.size() > Badblocks::kMaxRows) return id + " has " + std::to_string(all.size()) + " rows";
        for (const Badblocks::Row& row : all)
            if (row.length == 0 || row.length > Badblocks::kMaxLength)
                return id + " has a row of " + std::to_string(row.length) + " sectors";
        if (kernel_.config.badblocks == BadblocksModel::ideal && !orderly(all))
            return id + ": rows of the ideal model overlap or are out of order";
    }
    const Badranges& list = bus.ranges();
    const bool other = list.size() != list_size_ || list.generation() != list_generation_ ||
                       list.changes().size() != list_changes_;
    list_size_ = list.size();
    list_generation_ = list.generation();
    list_changes_ = list.changes().size();
    if (injected_quietly_ && !told_ && !started_ && (changed || other))
        return "an injection that notifies nobody changed what the kernel knows";
    return "";
}

/// 1. A full table is excused. So is the kernel's algorithm where it forgets: one set that swallows
/// a whole later row may lose the end of the range (nvdimm.md 11.2). That needs a range of three
/// sectors; shorter ones are always covered. What was lost is counted.
std::string PmemInvariants::tables_hold_the_list() {
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    const std::uint64_t before = revalidations_;
    revalidations_ = bus.revalidations();
    if (before == revalidations_) return "";
    const auto filled = [&](const PmemRegion& region) { return region.filled_at > before; };
    if (told_ && cleared_) return "";  // repaired in the same moment
    std::uint64_t lost = 0;
    const std::vector<Badranges::Range> list = bus.ranges().ranges();
    const auto look = [&](const std::string& id, const Badblocks& table, SpaRange resource) {
        if (table.rows().size() == Badblocks::kMaxRows) return std::string();
        for (const Badranges::Range& range : list) {
            const auto sectors = to_sectors(range, resource);
            if (!sectors) continue;
            const std::uint64_t missing = uncovered(table.rows(), *sectors);
            if (missing == 0) continue;
            const bool quirk =
                kernel_.config.badblocks == BadblocksModel::linux_6_1 && sectors->count >= 3;
            if (!quirk)
                return id + " does not hold " + std::to_string(missing) +
                       " sectors of the bad range " + text({range.start, range.end()});
            lost += missing;
        }
        return std::string();
    };
    std::string wrong;
    for (const PmemRegion& region : bus.regions())
        if (wrong.empty() && filled(region))
            wrong = look(region.config->id, region.bad, region.config->range);
    for (const PmemNamespace& ns : bus.namespaces())
        if (wrong.empty() && ns.has_table && ns.enabled && ns.filled_at > before)
            wrong = look(ns.config->id, ns.bad, ns.covered);
    lost_ = std::max(lost_, lost);
    return wrong;
}

// ---------------------------------------------------------------- scrubs

/// 5 and 6. The results of one answer are runs in the order of the scan, each once, and a batch
/// that continues begins where the one before it stopped; whether the kernel then uses them is
/// another matter: 6.1 skips all but the first as stale (nvdimm.md 7.3).
std::string PmemInvariants::scrub() {
    const pmem::Ars& ars = media_.ars();
    const pmem::ArsState before = ars_;
    ars_ = ars.state();
    if (ars_ == before && !started_) return "";
    const bool running = ars_ == pmem::ArsState::running;
    if (running && before != pmem::ArsState::running && !started_)
        return "a scrub runs that nobody started";
    if (started_ && restart_.size() != 0 && ars.covered().begin != restart_.begin)
        restart_ = {};  // a new scrub, not a continuation
    if (running || ars_ == pmem::ArsState::none) return "";

    // A list as nfit_test keeps it is in no order, and its entries may overlap.
    if (kernel_.scenario.machine.unmerged_poison_list && ars.known_only()) return "";
    const SpaRange covered = ars.covered();
    const std::vector<ArsRecord> found = ars.records();
    std::uint64_t at = std::max(covered.begin, restart_.begin);
    for (const ArsRecord& r : found) {
        if (r.length == 0 || r.spa < at || r.spa + r.length > covered.end)
            return "scrub result " + text({r.spa, r.spa + r.length}) + " is out of order or outside " +
                   text(covered);
        at = r.spa + r.length;
    }
    restart_ = ars_ == pmem::ArsState::stopped_overflow ? ars.restart() : SpaRange{};
    // Nothing that the whole scan could see is missing. What was planted meanwhile may lie behind
    // its position.
    if (planted_since(scan_since_) || ars.known_only()) return "";
    for (const RegionConfig& region : kernel_.scenario.machine.regions) {
        const SpaRange part{std::max(covered.begin, region.range.begin),
                            std::min(covered.end, region.range.end)};
        if (part.begin >= part.end) continue;
        const pmem::InterleaveSet set(region);
        std::vector<const pmem::PoisonList*> ways;
        for (const std::uint32_t nvdimm : region.nvdimms) ways.push_back(&media_.poison(nvdimm));
        for (auto run = pmem::next_run(set, ways, part.begin, part.end); run;
             run = pmem::next_run(set, ways, run->end, part.end)) {
            const auto record = std::upper_bound(
                found.begin(), found.end(), run->begin,
                [](std::uint64_t spa, const ArsRecord& r) { return spa < r.spa; });
            if (record == found.begin() || record[-1].spa + record[-1].length < run->end)
                return "a scrub of " + text(covered) + " did not report " + text(*run);
        }
    }
    return "";
}

// ---------------------------------------------------------------- block requests and clears

bool PmemInvariants::poisoned(SpaRange range) const {
    for (const RegionConfig& region : kernel_.scenario.machine.regions) {
        const SpaRange part{std::max(range.begin, region.range.begin),
                            std::min(range.end, region.range.end)};
        if (part.begin >= part.end) continue;
        const pmem::InterleaveSet set(region);
        for (std::uint32_t way = 0; way < set.ways(); ++way) {
            const DpaRange dpa = set.on_way(part, way);
            if (dpa.begin < dpa.end && media_.poison(region.nvdimms[way]).first_in(dpa)) return true;
        }
    }
    return false;
}

std::string PmemInvariants::request_begins(std::uint32_t id, const TraceRecord& record) {
    const std::uint32_t event = record.why.origin;
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    if (event == 0 || record.subject >= bus.namespaces().size()) return "";
    const PmemNamespace& ns = bus.namespaces()[record.subject];
    const auto op = static_cast<BioEvent::Op>(record.c & 0xff);
    requests_.erase(event - 1);
    // Sector mode has addresses of its own; a disabled or missing device answers by itself.
    if (!ns.enabled || !ns.has_table || ns.config->mode == NamespaceMode::sector ||
        op == BioEvent::Op::discard ||
        (record.a + record.b) * kSectorSize > ns.covered.size())
        return "";
    Request request;
    request.ns = record.subject;
    request.write = op == BioEvent::Op::write;
    request.range = {ns.covered.begin + record.a * kSectorSize,
                     ns.covered.begin + (record.a + record.b) * kSectorSize};
    request.since = id;
    request.first_segment_bad =
        ns.is_bad(record.a, std::min(record.b, kSegment) * kSectorSize);
    for (std::uint64_t sector = record.a; sector < record.a + record.b; ++sector)
        if (ns.is_bad(sector, kSectorSize))
            request.known_bad.push_back({ns.covered.begin + sector * kSectorSize,
                                         ns.covered.begin + (sector + 1) * kSectorSize});
    requests_[event - 1] = std::move(request);
    return "";
}

std::string PmemInvariants::request_ends(std::uint32_t event, std::int64_t result,
                                         std::uint32_t id) {
    const auto found = requests_.find(event);
    if (found == requests_.end()) return "";
    const Request request = std::move(found->second);
    requests_.erase(found);
    const Trace& trace = kernel_.env.trace;
    const NvdimmBus& bus = kernel_.libnvdimm.bus();
    const PmemNamespace& ns = bus.namespaces()[request.ns];
    const std::string name = kernel_.scenario.events[event].id;

    if (!request.write) {  // 3
        if (!request.first_segment_bad) return "";
        bool repaired = false, touched = false;
        for (std::uint32_t i = request.since + 1; i < id; ++i) {
            if (!trace.holds(i)) return "";
            const TraceRecord& r = trace[i];
            repaired |= r.kind == TraceKind::badblocks_cleared;
            touched |= r.why.origin == event + 1 &&
                       (r.kind == TraceKind::access || r.kind == TraceKind::mc_raised);
        }
        if (repaired) return "";  // by somebody else, before the driver looked
        if (result != -EIO) return name + " read known bad sectors and returned " + std::to_string(result);
        return touched ? name + " was refused, and touched memory all the same" : "";
    }
    // 2. The list may keep what a cleared range ends on with the first byte: that needs a range
    // which begins at the last byte cleared, and none does, as all begin at a line.
    const auto written = static_cast<std::int64_t>(request.range.size());
    if (result != written || !ns.enabled) return "";
    bool added = false;
    for (std::uint32_t i = request.since + 1; i <= trace.count(); ++i)
        added |= !trace.holds(i) || trace[i].kind == TraceKind::badrange_added ||
                 trace[i].kind == TraceKind::badblocks_set;
    if (added) return "";  // bad again by now
    const auto sectors = to_sectors({request.range.begin, request.range.size()}, ns.covered);
    if (ns.bad.check(sectors->first, sectors->count).result != 0)
        return name + " has written sectors that stay bad";
    if (planted_since(request.since)) return "";
    if (!bus.has_firmware()) return "";  // the clear was only pretended
    for (const SpaRange& bad : request.known_bad)
        if (poisoned(bad)) return name + " has written " + text(bad) + ", which was known to be bad and still is";
    return "";
}

/// 9, and what 2 says of the list: what a call cleared is clean, and forgotten but for a first byte.
std::string PmemInvariants::forgotten(const TraceRecord& record, std::uint32_t id) const {
    const Trace& trace = kernel_.env.trace;
    for (std::uint32_t later = id + 1; later <= trace.count(); ++later)
        if (!trace.holds(later) || trace[later].kind == TraceKind::badrange_added ||
            trace[later].kind == TraceKind::poison_planted)
            return "";  // bad again by now
    const SpaRange range{record.a, record.a + record.b};
    if (poisoned({round_up(range.begin, kLineSize), round_down(range.end, kLineSize)}))
        return "cleared " + text(range) + " is poisoned";
    std::string wrong;
    kernel_.libnvdimm.bad_ranges().for_each_meeting(
        range.begin, range.end, [&](auto, const Badranges::Range& kept) {
            if (kept.start != range.end - 1)
                wrong = "cleared " + text(range) + " is still in the list of bad ranges as " +
                        text({kept.start, kept.end()});
        });
    return wrong;
}

}  // namespace mcemu::kernel
