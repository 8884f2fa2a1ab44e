#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

/// Smallest multiple of the page that is not below n, without wrapping.
std::uint64_t padded(std::uint64_t n, std::uint64_t page) {
    return n > ~0ull - page ? n : round_up(n, page);
}

bool anonymous(MapKind kind) {
    return kind == MapKind::anon || kind == MapKind::shmem || kind == MapKind::hugetlb;
}

}  // namespace

MapConfig Resolver::resolve_map(const Cursor& map, bool attempt) {
    MapConfig m;
    m.id = map.text("id");
    m.va = map.number("va");
    m.size = map.number("size");
    m.kind = map.choice<MapKind>("kind");
    m.offset = map.number("offset");
    m.state = map.choice<MapState>("state");
    m.at = map.maybe("at");
    m.shared = map.given("share") ? map.text("share") == "shared"
                                  : m.kind != MapKind::anon && m.kind != MapKind::hugetlb;
    resolve_map_target(map, m, attempt);

    if (map.given("page")) {
        m.page = map.number("page");
        if (m.page != kPageSize && m.page != 2 * kMiB && m.page != kGiB && !bad(map))
            add(map.at("page"), size_text(m.page) + " is no page size", "4KiB, 2MiB or 1GiB");
    } else if (m.kind == MapKind::devdax && m.of >= 0) {
        m.page = scenario.machine.namespaces[static_cast<std::size_t>(m.of)].align;
    } else if (m.kind == MapKind::hugetlb) {
        m.page = 2 * kMiB;
    }

    resolve_shared_with(map, m, attempt);
    if (attempt && m.kind == MapKind::devmem) check_map_place(map, m);
    if (!attempt && !bad(map)) check_map(map, m);
    return m;
}

void Resolver::add_map(const Path& at, NamedMap map) {
    for (const std::size_t other : maps_by_id_[map.id]) {
        if (maps_[other].process != map.process || findings_.full()) continue;
        add(at, "the id " + in_quotes(map.id) + " is taken by " + maps_[other].pointer,
            "choose another");
        break;
    }
    maps_by_id_[map.id].push_back(maps_.size());
    maps_.push_back(std::move(map));
}

const Resolver::NamedMap* Resolver::map_of(const Path& at, std::uint32_t process,
                                           std::string_view id) {
    const auto same = maps_by_id_.find(id);
    std::vector<std::string_view> names;
    for (std::uint32_t owner = process;;) {
        if (same != maps_by_id_.end()) {
            for (const std::size_t i : same->second) {
                if (maps_[i].process == owner) return &maps_[i];
            }
        }
        if (owner < scenario.processes.size()) {
            const int main = scenario.processes[owner].thread_of;
            if (main >= 0) {  // a thread has the maps of its process
                owner = static_cast<std::uint32_t>(main);
                continue;
            }
            for (const NamedMap& map : maps_) {
                if (map.process == owner && names.size() < 100) names.push_back(map.id);
            }
            break;
        }
        const std::uint32_t parent = child_parent_[owner - scenario.processes.size()];
        if (parent >= owner) break;
        owner = parent;
    }
    if (findings_.full()) return nullptr;
    const std::string who = in_quotes(process_config(process).id);
    add(at, who + " has no map " + in_quotes(id),
        did_you_mean(id, names, names.empty() ? "it has no maps" : "it has " + listed(names)));
    return nullptr;
}

void Resolver::resolve_shared_with(const Cursor& map, MapConfig& m, bool attempt) {
    if (!map.given("shared_with")) return;
    const Path at = map.at("shared_with");
    m.shared_with = map.text("shared_with");
    const auto same = maps_by_id_.find(m.shared_with);
    if (same == maps_by_id_.end() || same->second.size() != 1) {
        const bool none = same == maps_by_id_.end();
        std::vector<std::string_view> names;
        for (const NamedMap& other : maps_) {
            if (names.size() < 100) names.push_back(other.id);
        }
        if (!findings_.full())
            add(at, none ? "there is no map " + in_quotes(m.shared_with) + " before this one"
                         : "several maps are called " + in_quotes(m.shared_with),
                none ? did_you_mean(m.shared_with, names, "name a map that stands above")
                     : "give the one that is meant an id of its own");
        return;
    }
    if (attempt) return;
    const NamedMap& other = maps_[same->second.front()];
    if (!anonymous(m.kind)) {
        add(at, "maps of files and devices share by themselves", "leave it out");
    } else if (other.kind != m.kind) {
        add(at, in_quotes(m.shared_with) + " is of another kind", "maps that share memory are of one kind");
    } else if (other.size < m.size) {
        add(at, in_quotes(m.shared_with) + " has only " + size_text(other.size), "at most that size");
    }
}

void Resolver::resolve_map_target(const Cursor& map, MapConfig& m, bool attempt) {
    if (m.kind == MapKind::devdax) {
        m.of = reference(map, "of", namespaces_);
        if (!map.given("of")) {
            int found = 0;
            for (std::size_t i = 0; i < scenario.machine.namespaces.size(); ++i) {
                if (scenario.machine.namespaces[i].mode != NamespaceMode::devdax &&
                    !becomes(scenario.machine.namespaces[i], "devdax"))
                    continue;
                m.of = static_cast<int>(i);
                ++found;
            }
            if (found != 1)
                add(map.path(), "the key \"of\" is missing", "name a devdax namespace");
        } else if (m.of >= 0 && !attempt) {
            const NamespaceConfig& ns = scenario.machine.namespaces[static_cast<std::size_t>(m.of)];
            if (ns.mode != NamespaceMode::devdax)
                add(map.at("of"), in_quotes(ns.id) + " is not a devdax namespace",
                    "name one, or map a file of it");
        }
    } else if (m.kind == MapKind::file || m.kind == MapKind::fsdax) {
        m.of = reference(map, "of", files_);
        const bool want_dax = m.kind == MapKind::fsdax;
        if (!map.given("of")) {
            int found = 0;
            for (std::size_t i = 0; i < scenario.files.size(); ++i) {
                if (scenario.files[i].dax != want_dax) continue;
                m.of = static_cast<int>(i);
                ++found;
            }
            if (found != 1) add(map.path(), "the key \"of\" is missing", "name a file");
        } else if (m.of >= 0 && scenario.files[static_cast<std::size_t>(m.of)].dax != want_dax) {
            add(map.at("of"), in_quotes(map.text("of")) + (want_dax ? " is not a file with DAX" : " is a file with DAX"),
                want_dax ? "use kind \"file\"" : "use kind \"fsdax\"");
        }
    } else if (map.given("of") && !bad(map)) {
        add(map.at("of"), "a map of kind " + in_quotes(map.text("kind").empty() ? "anon" : map.text("kind")) +
                              " is of nothing",
            "leave it out, or use kind \"file\", \"fsdax\" or \"devdax\"");
    }
}

void Resolver::check_map(const Cursor& map, const MapConfig& m) {
    // Device-dax maps whole pages of its alignment only (drivers/dax/device.c check_vma()).
    if (m.kind == MapKind::devdax && m.of >= 0) {
        const NamespaceConfig& ns = scenario.machine.namespaces[static_cast<std::size_t>(m.of)];
        if (m.page != ns.align) {
            add(map.at("page"), "pages of " + size_text(m.page) + " on a device aligned to " + size_text(ns.align),
                "device-dax maps pages of its alignment");
            return;
        }
        if (!m.shared)
            add(map.at("share"), "a private map of device-dax", "the kernel allows shared ones only");
    }
    for (const std::string_view key : {"va", "size", "offset"}) {
        const std::uint64_t n = map.number(key);
        if (n % m.page == 0) continue;
        add(map.at(key), (key == "va" ? hex_text(n) : size_text(n)) + " is not aligned to pages of " + size_text(m.page),
            key == "va" ? "round it to " + hex_text(round_down(n, m.page))
                        : "round it to " + size_text(padded(n, m.page)));
    }
    const std::uint64_t top = 1ull << (scenario.machine.cpus.la57 ? 56 : 47);
    if (m.va >= top || m.size > top - m.va)
        add(map.at("va"), hex_text(m.va) + " + " + size_text(m.size) + " is not user memory",
            "it ends at " + hex_text(top));
    if (m.kind == MapKind::hugetlb && m.page == kPageSize)
        add(map.at("page"), "huge pages of 4KiB", "2MiB or 1GiB");
    if (anonymous(m.kind) && m.kind != MapKind::hugetlb && m.page == kGiB)
        add(map.at("page"), "pages of 1GiB", "only hugetlb and devdax have them");
    if (map.given("state")) {
        if ((m.kind == MapKind::devdax || m.kind == MapKind::fsdax) &&
            (m.state == MapState::swapcache || m.state == MapState::thp))
            add(map.at("state"), "pages of persistent memory have no such state",
                "\"untouched\" is one they can have");
        else if (m.state == MapState::thp && m.kind != MapKind::anon && m.kind != MapKind::shmem)
            add(map.at("state"), "only anonymous and shared memory is \"thp\"", "use kind \"anon\"");
        else if (m.state == MapState::thp && (m.va % (2 * kMiB) != 0 || m.size % (2 * kMiB) != 0))
            add(map.at("state"), "a transparent huge page that is not whole", "align va and size to 2MiB");
        else if (m.state == MapState::ksm && (m.kind != MapKind::anon || m.shared))
            add(map.at("state"), "only private anonymous memory is merged", "use kind \"anon\"");
        else if (m.state == MapState::swapcache && m.kind != MapKind::anon && m.kind != MapKind::shmem)
            add(map.at("state"), "only anonymous and shared memory is \"swapcache\"", "use kind \"anon\"");
    }
    check_map_place(map, m);
    check_map_target(map, m);
}

void Resolver::check_map_place(const Cursor& map, const MapConfig& m) {
    if (m.kind == MapKind::devmem && !m.at && !bad(map))
        add(map.path(), "the key \"at\" is missing", "/dev/mem is mapped at a physical address");
    if (!m.at || bad(map)) return;
    if (m.kind == MapKind::devmem) {
        if (*m.at % kPageSize != 0)
            add(map.at("at"), hex_text(*m.at) + " is not page aligned", "align it to 4KiB");
        if (!bad(map) && !memory_unsure_) in_memory(map.at("at"), {*m.at, *m.at + m.size});
        return;
    }
    if (m.kind == MapKind::devdax || m.kind == MapKind::fsdax) {
        add(map.at("at"), "its place follows from the namespace", "leave it out");
        return;
    }
    const std::uint64_t page = m.state == MapState::thp ? 2 * kMiB : m.page;
    if (*m.at % page != 0)
        add(map.at("at"), hex_text(*m.at) + " is not aligned to pages of " + size_text(page),
            "round it to " + hex_text(round_down(*m.at, page)));
    if (memory_unsure_ || bad(map)) return;
    for (const DramConfig& dram : scenario.machine.memory) {
        if (dram.range.contains(*m.at, m.size)) return;
    }
    add(map.at("at"), hex_text(*m.at) + " + " + size_text(m.size) + " lies outside all DRAM",
        "choose a place inside one range of /machine/memory");
}

void Resolver::check_map_target(const Cursor& map, const MapConfig& m) {
    if (m.of < 0 || bad(map)) return;
    if (m.kind == MapKind::devdax) {
        const NamespaceConfig& ns = scenario.machine.namespaces[static_cast<std::size_t>(m.of)];
        if (ns.range.size() != 0 && !SpaRange{0, ns.data().size()}.contains(m.offset, m.size))
            add(map.at("size"), "the map ends behind the data of " + ns.id,
                "they have " + size_text(ns.data().size()));
    } else if (m.kind == MapKind::file || m.kind == MapKind::fsdax) {
        const FileConfig& file = scenario.files[static_cast<std::size_t>(m.of)];
        if (!SpaRange{0, padded(file.size, m.page)}.contains(m.offset, m.size))
            add(map.at("size"), "the map ends behind the file " + file.id, "it has " + size_text(file.size));
    }
}

}  // namespace mcemu::scenario
