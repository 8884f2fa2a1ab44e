// Who owns the pages of an incident.
#include <algorithm>

#include "exchange/incident.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::exchange {
namespace {

using scenario::hex_text;

constexpr std::uint64_t kMiB = 1ull << 20, kGiB = 1ull << 30, kHuge = 2 * kMiB;
constexpr std::uint64_t kMaxVa = 1ull << 47;
constexpr std::uint64_t kFirstVa = 0x7f0000000000;
constexpr std::uint32_t kMaxPid = 1u << 22;  ///< PID_MAX_LIMIT

/// What memory_failure() found (kernel.md 2.3) and what a scenario has for it.
struct Kind {
    std::string_view found;
    enum class What : std::uint8_t { nothing, kernel_page, map, persistent } what;
    std::string_view state, map_kind = "anon";
    std::uint64_t page = kPageSize;
    bool surely = true;  ///< false: the nearest there is
};
using enum Kind::What;
constexpr Kind kKinds[] = {
    {"free buddy page", nothing, ""},
    {"free buddy page (2nd try)", nothing, ""},
    {"reserved kernel page", kernel_page, "reserved"},
    {"high-order kernel page", kernel_page, "high_order"},
    {"kernel slab page", kernel_page, "slab"},
    {"free huge page", kernel_page, "hugetlb_free", "", kHuge},
    {"unknown page", kernel_page, "pagetable", "", kPageSize, false},
    {"dirty LRU page", map, "dirty"},
    {"clean LRU page", map, "clean"},
    {"clean page, dropped", map, "clean", "file"},
    {"dirty mlocked LRU page", map, "mlocked"},
    {"clean mlocked LRU page", map, "mlocked", "anon", kPageSize, false},
    {"dirty unevictable LRU page", map, "unevictable"},
    {"clean unevictable LRU page", map, "unevictable", "anon", kPageSize, false},
    {"dirty swapcache page", map, "swapcache"},
    {"clean swapcache page", map, "swapcache", "anon", kPageSize, false},
    {"unmapping failed page", map, "dirty"},
    {"unsplit thp", map, "thp", "shmem", kHuge, false},
    {"huge page", map, "dirty", "hugetlb", kHuge},
    {"dax page", persistent, "", "devdax", kHuge},
};

const Kind* kind_of(std::string_view found) {
    const auto* at = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const Kind& k) { return k.found == found; });
    return at == std::end(kKinds) ? nullptr : at;
}

std::string tidy_name(std::string_view comm) {
    std::string out;
    for (const char c : comm)
        out +=
            static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f ? c : '_';
    return out.empty() ? "process" : out;
}

}  // namespace

std::size_t Incident::process(const Owner& owner) {
    const std::string comm = tidy_name(owner.comm);
    std::optional<std::uint32_t> pid = owner.pid;
    if (pid && (*pid == 0 || *pid > kMaxPid)) pid.reset();
    for (std::size_t i = 0; i < processes_.size(); ++i)
        if (pid ? processes_[i].pid == pid
                : !processes_[i].pid && processes_[i].comm == comm.substr(0, 15)) {
            processes_[i].early = processes_[i].early || owner.early;
            return i;
        }
    Process p;
    p.comm = comm.substr(0, 15);
    p.id = pid ? p.comm + "-" + std::to_string(*pid) : p.comm;
    const auto taken = [&] {
        return std::any_of(processes_.begin(), processes_.end(),
                           [&](const Process& other) { return other.id == p.id; });
    };
    while (taken()) p.id += "-2";
    p.pid = pid;
    p.cpu = owner.cpu;
    p.early = owner.early;
    processes_.push_back(std::move(p));
    return processes_.size() - 1;
}

/// Where in the process a page of `size` bytes is mapped, whose place in it is owner.va's.
std::uint64_t Incident::place(Process& p, const Owner& owner, std::uint64_t size) {
    const auto free = [&](std::uint64_t va) {
        for (std::uint64_t page = va; page < va + size; page += kPageSize)
            if (p.vas.contains(page)) return false;
        return true;
    };
    std::optional<std::uint64_t> va;
    if (owner.va && *owner.va < kMaxVa - size) va = round_down(*owner.va, size);
    if (va && *va != 0 && free(*va)) {
        for (std::uint64_t page = *va; page < *va + size; page += kPageSize) p.vas[page] = 1;
        return *va;
    }
    std::uint64_t at = kFirstVa + p.maps.size() * kHuge;
    while (!free(at)) at += kHuge;
    for (std::uint64_t page = at; page < at + size; page += kPageSize) p.vas[page] = 1;
    return at;
}

/// A mapping of device-dax that holds the page; none where the namespace has no data.
void Incident::own_persistent(Pfn pfn, std::size_t who, const Owner& owner) {
    const std::uint64_t spa = pfn.spa();
    const auto inside = [&](std::uint64_t base, std::uint64_t size) {
        return spa >= base && spa - base < size;
    };
    auto region = std::find_if(pmem_.begin(), pmem_.end(),
                               [&](const auto& r) { return inside(r.first, r.second.size); });
    if (region == pmem_.end()) {
        std::uint64_t base = 0, size = 0;
        for (const SpaRange& r : persistent) {
            const std::uint64_t begin = round_up(r.begin, kHuge);
            const std::uint64_t end = round_down(std::min(r.end, kMaxSpa), kHuge);
            if (begin < end && inside(begin, end - begin)) base = begin, size = end - begin;
        }
        if (size == 0) {
            // By whole GiB; the first 2 MiB are the namespace's own.
            base = round_down(spa, kGiB);
            if (spa - base < kHuge) base -= std::min(base, kGiB);
            for (const auto& [other, known] : pmem_)
                if (base < other + known.size && other < round_up(spa + 1, kGiB))
                    base = other + known.size;
            size = round_up(spa + 1, kGiB) - base;
        }
        region = pmem_.emplace(base, Persistent{size, false}).first;
    }
    const std::uint64_t base = region->first;
    if (spa < base + kHuge) return;
    // Huge pages begin at the same place of both.
    const bool small = owner.va && *owner.va % kHuge / kPageSize != spa % kHuge / kPageSize;
    if (small) region->second.small_pages = true;
    const std::uint64_t page = small ? kPageSize : kHuge;
    Process& p = processes_[who];
    // finish() turns the base into the name, when all regions are known.
    p.maps.push_back({{"va", hex_text(place(p, owner, page))},
                      {"size", scenario::size_text(page)},
                      {"kind", "devdax"},
                      {"of", hex_text(base)},
                      {"offset", hex_text(round_down(spa, page) - base - kHuge)}});
}

bool Incident::is_persistent(std::uint64_t spa) const {
    return std::any_of(persistent.begin(), persistent.end(),
                       [&](const SpaRange& r) { return r.contains(spa); }) ||
           std::any_of(pmem_.begin(), pmem_.end(), [&](const auto& r) {
               return spa >= r.first && spa - r.first < r.second.size;
           });
}

std::string Incident::own(Pfn pfn, const Owner& owner, unsigned line) {
    const std::uint64_t spa = pfn.value * kPageSize;
    if (pfn.value >= kMaxSpa / kPageSize) return "";
    const auto id_of = [&](const Owned& o) {
        return o.process < 0 ? std::string() : processes_[static_cast<std::size_t>(o.process)].id;
    };
    if (const auto known = owned_.find(pfn.value); known != owned_.end())
        return id_of(known->second);
    need_memory(spa);
    const Kind* kind = kind_of(owner.page_type);
    if (!kind && owner.page_type.empty())
        kind = kind_of(owner.comm.empty() && !owner.va ? "free buddy page" : "dirty LRU page");
    if (!kind) {
        lose(line, 0, "no page of a scenario is a \"" + owner.page_type.substr(0, 60) + "\"",
             "a dirty page of a process");
        kind = kind_of("dirty LRU page");
    } else if (!kind->surely) {
        lose(line, 0, "which page is a \"" + owner.page_type + "\" is not known",
             (kind->what == Kind::What::kernel_page ? "one of the kernel, \"" : "one that is \"") +
                 std::string(kind->state) + "\"");
    }
    if (kind->what != Kind::What::persistent && is_persistent(spa)) {
        // Kernels without support for it call it one of theirs, or a page like others.
        kind = kind_of("dax page");
    } else if (kind->what != Kind::What::persistent && !memory.empty() &&
               std::none_of(memory.begin(), memory.end(),
                            [&](const SpaRange& r) { return r.contains(spa); })) {
        lose(line, 0, "a page lies outside of the memory map", "memory is there as well");
        const std::uint64_t block = round_down(spa, kHuge);
        memory.push_back({block, block + kHuge});
    }
    const std::uint64_t begin = round_down(spa, kind->page);
    const auto pages = [&](auto&& each) {
        for (std::uint64_t page = begin; page < begin + kind->page; page += kPageSize)
            each(page / kPageSize);
    };
    bool overlaps = false;
    pages([&](std::uint64_t page) { overlaps = overlaps || owned_.contains(page); });
    if (overlaps) {
        lose(line, 0, "a huge page lies over pages that are others'", "they keep theirs");
        return "";
    }
    Owned owned;
    if (kind->what == Kind::What::kernel_page)
        kernel_pages_.push_back({{"at", hex_text(begin)},
                                 {"size", scenario::size_text(kind->page)},
                                 {"state", kind->state}});
    if (kind->what == Kind::What::map || kind->what == Kind::What::persistent) {
        Owner known = owner;
        if (known.comm.empty()) {
            known.comm = "victim";
            lose(line, 0, "the source does not say whose page it was", "a process \"victim\"");
        }
        const std::size_t who = process(known);
        owned.process = static_cast<std::ptrdiff_t>(who);
        owned.map = processes_[who].maps.size();
        if (kind->what == Kind::What::persistent)
            own_persistent(pfn, who, owner);
        else {
            if (owner.page_type == "unmapping failed page") unmap_fails_.push_back(hex_text(spa));
            Process& p = processes_[who];
            Json m = {{"va", hex_text(place(p, owner, kind->page))},
                      {"size", scenario::size_text(kind->page)},
                      {"kind", kind->map_kind},
                      {"at", hex_text(begin)}};
            if (kind->map_kind == "file") {
                m["of"] = "file" + std::to_string(files_.size());
                files_.push_back({{"id", m["of"]}, {"size", "4KiB"}});
            }
            if (kind->state != "dirty") m["state"] = kind->state;
            p.maps.push_back(std::move(m));
        }
        if (processes_[who].maps.size() == owned.map) owned.process = -1;
    }
    pages([&](std::uint64_t page) { owned_[page] = owned; });
    return id_of(owned);
}

void Incident::share(Pfn pfn, const Owner& owner) {
    const auto known = owned_.find(pfn.value);
    if (known == owned_.end() || known->second.process < 0) return;
    const auto first = static_cast<std::size_t>(known->second.process);
    const std::size_t who = process(owner);
    if (who == first) return;
    Json& from = processes_[first].maps[known->second.map];
    Json m = from;
    if (from["kind"] == "file" || from["kind"] == "devdax") {
        m.erase("at");
        m.erase("id");
    } else {
        if (!from.contains("id")) from["id"] = "page-" + hex_text(pfn.value);
        m = {{"size", from["size"]}, {"kind", from["kind"]}, {"shared_with", from["id"]}};
    }
    const std::uint64_t size = from["size"] == "4KiB" ? kPageSize : kHuge;
    Process& p = processes_[who];
    m["va"] = hex_text(place(p, owner, size));
    p.maps.push_back(std::move(m));
}

std::string Incident::runner(const std::string& comm, std::optional<std::uint32_t> pid) {
    Owner owner;
    owner.comm = comm;
    owner.pid = pid;
    return processes_[process(owner)].id;
}

bool Incident::maps(const std::string& id, std::uint64_t va) const {
    return std::any_of(processes_.begin(), processes_.end(), [&](const Process& p) {
        return p.id == id && p.vas.contains(round_down(va, kPageSize));
    });
}

}  // namespace mcemu::exchange
