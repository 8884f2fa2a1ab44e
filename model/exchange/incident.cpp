#include "exchange/incident.hpp"

#include <algorithm>

#include "core/mca/status.hpp"
#include "scenario/load.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using scenario::hex_text;
using scenario::time_text;

constexpr std::uint64_t kMaxCpus = 8192, kMaxBanks = 32;
constexpr std::uint64_t kGiB = 1ull << 30;
constexpr std::size_t kToldPlaces = 3;  ///< of one kind of loss

// MCG_CAP (SDM vol. 3B 15.3.1.1).
constexpr std::uint64_t kCtlP = 1ull << 8, kCmciP = 1ull << 10, kTesP = 1ull << 11,
                        kSerP = 1ull << 24, kEmcP = 1ull << 25, kElogP = 1ull << 26,
                        kLmceP = 1ull << 27;

/// [begin, end) of every range without `hole`.
void cut(std::vector<SpaRange>& ranges, SpaRange hole) {
    std::vector<SpaRange> out;
    for (const SpaRange& r : ranges) {
        if (!r.overlaps(hole)) {
            out.push_back(r);
            continue;
        }
        if (r.begin < hole.begin) out.push_back({r.begin, hole.begin});
        if (hole.end < r.end) out.push_back({hole.end, r.end});
    }
    ranges = std::move(out);
}

/// Whole pages, rising, what overlaps or touches as one.
std::vector<SpaRange> tidy(std::vector<SpaRange> ranges) {
    for (SpaRange& r : ranges) {
        r.begin = round_up(std::min(r.begin, kMaxSpa), kPageSize);
        r.end = round_down(std::min(r.end, kMaxSpa), kPageSize);
    }
    std::erase_if(ranges, [](const SpaRange& r) { return r.begin >= r.end; });
    std::sort(ranges.begin(), ranges.end(),
              [](const SpaRange& a, const SpaRange& b) { return a.begin < b.begin; });
    std::vector<SpaRange> out;
    for (const SpaRange& r : ranges) {
        if (!out.empty() && r.begin <= out.back().end)
            out.back().end = std::max(out.back().end, r.end);
        else
            out.push_back(r);
    }
    return out;
}

}  // namespace

void Incident::refuse(unsigned line, unsigned column, std::string wrong, std::string right) {
    constexpr std::size_t kMost = 100;
    if (findings_.size() < kMost)
        findings_.push_back({source_, line, column, "", std::move(wrong), std::move(right)});
}

void Incident::refuse_for_losses() {
    for (const scenario::Finding& f : lost_)
        if (f.line > 0) refuse(f.line, f.column, f.wrong, f.right);
}

void Incident::lose(unsigned line, unsigned column, std::string wrong, std::string instead) {
    if (++told_[wrong] <= kToldPlaces)
        lost_.push_back({source_, line, column, "", std::move(wrong), std::move(instead)});
}

void Incident::cannot_have(unsigned line, unsigned column, std::string wrong, std::string right) {
    if (forgiving)
        lose(line, column, std::move(wrong), "it is left out: there are " + right);
    else
        refuse(line, column, std::move(wrong), std::move(right));
}

bool Incident::need_cpu(std::uint64_t cpu, unsigned line, unsigned column) {
    if (cpu >= kMaxCpus) {
        cannot_have(line, column, "CPU " + std::to_string(cpu) + " is beyond any emulated machine",
                    "0 to " + std::to_string(kMaxCpus - 1));
        return false;
    }
    cpus_ = std::max(cpus_, cpu + 1);
    return true;
}

bool Incident::need_bank(std::uint64_t bank, unsigned line, unsigned column) {
    if (bank >= kMaxBanks) {
        cannot_have(line, column, "there is no machine-check bank " + std::to_string(bank),
                    "0 to " + std::to_string(kMaxBanks - 1));
        return false;
    }
    banks_ = std::max(banks_, bank + 1);
    return true;
}

void Incident::need_socket(std::uint64_t socket) { sockets_ = std::max(sockets_, socket + 1); }

void Incident::need_memory(std::uint64_t spa) {
    if (spa < kMaxSpa) top_ = std::max(top_, spa + 1);
}

void Incident::need_no_range(SpaRange range) {
    range = {round_down(range.begin, kPageSize), round_up(std::min(range.end, kMaxSpa), kPageSize)};
    if (range.begin >= range.end) return;
    constexpr std::size_t kMost = 1000;
    if (outside_.size() < kMost)
        outside_.push_back(range);
    else
        lose(0, 0, "more than a thousand ranges that are no memory", "the first thousand");
}

void Incident::add(SimTime at, Json event) { events_.push_back({at, std::move(event)}); }

Json Incident::machine() const {
    Json out = Json::object();
    Json cpus = Json::object(), mca = Json::object();
    const std::uint64_t count =
        std::clamp(std::max(cpus_, cpus_known_.value_or(0)), std::uint64_t{1}, kMaxCpus);
    std::uint64_t sockets =
        std::clamp(std::max(sockets_, sockets_known_.value_or(0)), std::uint64_t{1}, kMaxCpus);
    sockets = std::min(sockets, std::max(count, sockets_));
    const std::uint64_t cores = (count + sockets - 1) / sockets;
    if (sockets > 1) cpus["sockets"] = sockets;
    if (cpus_known_ || sockets > 1 || cores > 4) cpus["cores"] = std::max<std::uint64_t>(1, cores);
    if (cpuid) cpus["cpuid"] = hex_text(*cpuid);
    if (microcode) cpus["microcode"] = hex_text(*microcode);
    if (mcgcap) {
        mca["ctl_p"] = (*mcgcap & kCtlP) != 0;
        mca["ser"] = (*mcgcap & kSerP) != 0;
        mca["lmce"] = lmce || (*mcgcap & kLmceP) != 0;
        mca["cmci"] = (*mcgcap & kCmciP) != 0;
        mca["tes"] = (*mcgcap & kTesP) != 0;
        mca["emc"] = (*mcgcap & kEmcP) != 0;
        mca["elog"] = (*mcgcap & kElogP) != 0;
    } else if (lmce) {
        mca["lmce"] = true;
    }
    const std::uint64_t known = banks_known_ ? *banks_known_ : mcgcap ? *mcgcap & 0xff : 20;
    const std::uint64_t banks = std::clamp(std::max(known, banks_), std::uint64_t{1}, kMaxBanks);
    if (banks != 20) mca["banks"] = banks;
    if (!cpus.empty()) out["cpus"] = std::move(cpus);
    if (!mca.empty()) out["mca"] = std::move(mca);
    out["memory"] = dram();
    if (!pmem_.empty()) {
        Json nvdimms = Json::array(), regions = Json::array(), namespaces = Json::array();
        for (const auto& [base, region] : pmem_) {
            const std::string n = std::to_string(regions.size());
            nvdimms.push_back({{"id", "nmem" + n}, {"size", region.size}});
            regions.push_back({{"id", "region" + n},
                               {"base", hex_text(base)},
                               {"size", region.size},
                               {"nvdimms", Json::array({"nmem" + n})}});
            Json ns = {
                {"id", "namespace" + n + ".0"}, {"region", "region" + n}, {"mode", "devdax"}};
            if (region.small_pages) ns["align"] = "4KiB";
            ns["data_offset"] = "2MiB";
            namespaces.push_back(std::move(ns));
        }
        out["nvdimms"] = std::move(nvdimms);
        out["regions"] = std::move(regions);
        out["namespaces"] = std::move(namespaces);
    }
    if (wall_time) out["wall_time"] = *wall_time;
    return out;
}

Json Incident::dram() const {
    std::vector<SpaRange> ranges = tidy(memory);
    std::erase_if(ranges, [](const SpaRange& r) { return r.size() < kPageSize; });
    // Without the firmware's map: all from 0 on that somebody speaks of.
    if (ranges.empty()) ranges.push_back({0, std::max(2 * kGiB, round_up(top_, kGiB))});
    for (const auto& [base, region] : pmem_) cut(ranges, {base, base + region.size});
    for (const SpaRange& hole : outside_) cut(ranges, hole);
    if (ranges.empty()) ranges.push_back({0, kPageSize});
    Json out = Json::array();
    for (const SpaRange& r : ranges)
        out.push_back({{"id", "dram" + std::to_string(out.size())},
                       {"base", hex_text(r.begin)},
                       {"size", scenario::size_text(r.size())}});
    return out;
}

std::string Incident::namespace_at(const std::string& base) const {
    std::size_t number = 0;
    for (const auto& [begin, region] : pmem_) {
        if (hex_text(begin) == base) break;
        ++number;
    }
    return "namespace" + std::to_string(number) + ".0";
}

scenario::Imported Incident::finish() {
    scenario::Imported out;
    // Somebody's page is memory, whatever else is said of the range.
    std::erase_if(outside_, [&](const SpaRange& hole) {
        const auto page = owned_.lower_bound(hole.begin / kPageSize);
        if (page == owned_.end() || page->first >= hole.end / kPageSize) return false;
        lose(0, 0, "a page of a process or the kernel lies in a range that is no memory",
             "the range is memory");
        return true;
    });
    for (auto& [wrong, count] : told_)
        if (count > kToldPlaces)
            lost_.push_back({source_, 0, 0, "",
                             wrong + ": " + std::to_string(count - kToldPlaces) + " times more",
                             "the same"});
    out.lost = std::move(lost_);
    out.findings = std::move(findings_);
    if (!out.findings.empty()) return out;

    std::stable_sort(events_.begin(), events_.end(),
                     [](const Timed& a, const Timed& b) { return a.at < b.at; });
    Json document = {{"schema", "mcemu/scenario/1"}, {"name", name}};
    if (!description.empty()) document["description"] = description;
    Json kernel = Json::object();
    if (profile) kernel["profile"] = *profile;
    if (!boot.empty()) kernel["boot"] = std::move(boot);
    if (!unmap_fails_.empty()) kernel["knobs"] = {{"unmap_fails", std::move(unmap_fails_)}};
    if (!decoders.empty()) kernel["decoders"] = std::move(decoders);
    if (!kernel.empty()) document["kernel"] = std::move(kernel);
    document["machine"] = machine();
    Json processes = Json::array();
    for (Process& p : processes_) {
        for (Json& map : p.maps)
            if (map["kind"] == "devdax") map["of"] = namespace_at(map["of"].get<std::string>());
        Json process = {{"id", p.id}, {"comm", p.comm}};
        if (p.pid) process["pid"] = *p.pid;
        if (p.cpu != 0) process["cpu"] = p.cpu;
        if (p.early) process["mce_kill"] = "early";
        process["maps"] = std::move(p.maps);
        processes.push_back(std::move(process));
    }
    if (!files_.empty()) document["files"] = std::move(files_);
    if (!kernel_pages_.empty()) document["kernel_pages"] = std::move(kernel_pages_);
    if (!processes.empty()) document["processes"] = std::move(processes);
    Json events = Json::array();
    for (Timed& t : events_) {
        Json event = Json::object();
        if (t.event.contains("id")) event["id"] = t.event["id"];
        event["at"] = time_text(t.at);
        for (auto& [key, value] : t.event.items())
            if (key != "id") event[key] = std::move(value);
        events.push_back(std::move(event));
    }
    document["events"] = std::move(events);

    // What the source leaves possible and no machine can be is told as about the scenario.
    const scenario::LoadResult check =
        scenario::load_text("<imported scenario>", document.dump(2), {});
    if (!check.loaded) {
        out.findings = check.findings;
        return out;
    }
    out.scenario = std::move(document);
    out.seen = std::move(seen);
    return out;
}

}  // namespace mcemu::exchange
