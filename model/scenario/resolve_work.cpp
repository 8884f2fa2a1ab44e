#include <algorithm>

#include "scenario/resolver.hpp"

namespace mcemu::scenario {
namespace {

constexpr std::size_t kCommLength = 15;  // TASK_COMM_LEN - 1

}  // namespace

// ---------------------------------------------------------------- files

void Resolver::resolve_files(const Cursor& root) {
    root.each("files", [&](const Cursor& file, std::size_t i) { resolve_file(file, i); });
    for (std::vector<PlacedRange>& used : pmem_used_) check_overlaps(used, " of the namespace's data");
    // Files without extents come last: they take what the others left.
    std::size_t i = 0;
    root.each("files", [&](const Cursor& file, std::size_t) {
        FileConfig& config = scenario.files[i++];
        if (config.on >= 0 && !file.given("extents") && !bad(file)) place_file(file, config);
    });
}

void Resolver::resolve_file(const Cursor& file, std::size_t index) {
    FileConfig f;
    f.id = file.text("id");
    if (f.id.empty()) {
        files_.incomplete();
        f.id = "#" + std::to_string(index);
    }
    files_.add(findings_, file.at("id"), document_.keep(f.id));
    f.fs = file.choice<FsKind>("fs");
    f.path = file.given("path") ? std::string(file.text("path")) : "/mnt/" + f.id;
    f.size = file.number("size");
    f.on = reference(file, "on", namespaces_);
    f.dax = f.on >= 0 && file.truth("dax");
    if (!file.given("on")) {
        if (file.given("dax") && file.truth("dax") && !bad(file))
            add(file.at("dax"), "a file on a disk has no DAX", "name an fsdax namespace with \"on\"");
        if (file.given("extents"))
            add(file.at("extents"), "a file on a disk has no extents", "name an fsdax namespace with \"on\"");
    }
    const NamespaceConfig* ns = f.on < 0 ? nullptr : &scenario.machine.namespaces[static_cast<std::size_t>(f.on)];
    if (ns != nullptr && !ns->present && !file.given("extents") && f.size != 0)
        add(file.path(), "the file has no extents", "give its place on a namespace that an event makes");
    if (ns != nullptr && ns->mode != NamespaceMode::fsdax && !becomes(*ns, "fsdax"))
        add(file.at("on"), in_quotes(ns->id) + " is not an fsdax namespace",
            "a filesystem with DAX needs mode \"fsdax\"");

    std::vector<PlacedRange> in_file;
    const std::string pointer = file.path().pointer();
    file.each("extents", [&](const Cursor& extent, std::size_t i) {
        if (bad(extent) || ns == nullptr) return;
        const FileExtent e{extent.number("offset"), extent.number("pmem"), extent.number("size")};
        for (const std::string_view key : {"offset", "pmem", "size"}) {
            if (extent.number(key) % kPageSize != 0)
                add(extent.at(key), hex_text(extent.number(key)) + " is not page aligned", "align it to 4KiB");
        }
        const std::uint64_t file_end = f.size > ~0ull - kPageSize ? f.size : round_up(f.size, kPageSize);
        if (!SpaRange{0, file_end}.contains(e.offset, e.size)) {
            add(extent.path(), "the extent " + hex_text(e.offset) + " + " + size_text(e.size) +
                                   " lies outside the file", "it has " + size_text(f.size));
        }
        if (ns->range.size() != 0 && !SpaRange{0, ns->data().size()}.contains(e.pmem, e.size)) {
            add(extent.at("pmem"), "the extent " + hex_text(e.pmem) + " + " + size_text(e.size) +
                                       " lies outside the data of " + ns->id,
                "they have " + size_text(ns->data().size()));
        }
        if (bad(extent)) return;
        const std::string here = pointer + "/extents/" + std::to_string(i);
        in_file.push_back({{e.offset, e.offset + e.size}, "the extent", &extent.value(), here});
        pmem_used_[static_cast<std::size_t>(f.on)].push_back(
            {{e.pmem, e.pmem + e.size}, "the extent", &extent.value(), here});
        f.extents.push_back(e);
    });
    check_overlaps(in_file, " of the file");
    std::sort(f.extents.begin(), f.extents.end(),
              [](const FileExtent& a, const FileExtent& b) { return a.offset < b.offset; });
    scenario.files.push_back(std::move(f));
}

/// One extent at the first whole 2 MiB behind the first, which the filesystem keeps for itself.
void Resolver::place_file(const Cursor& file, FileConfig& config) {
    const auto on = static_cast<std::size_t>(config.on);
    const NamespaceConfig& ns = scenario.machine.namespaces[on];
    if (ns.range.size() == 0 || config.size == 0) return;
    const std::uint64_t room = ns.data().size();
    std::uint64_t begin = 2 * kMiB;
    for (const PlacedRange& used : pmem_used_[on]) begin = std::max(begin, round_up(used.range.end, 2 * kMiB));
    if (config.size > room || begin > room - std::min(room, round_up(config.size, kPageSize))) {
        add(file.path(), "no room is left for the file in " + ns.id,
            "its data have " + size_text(room) + ": make the file smaller or give its extents");
        return;
    }
    const std::uint64_t size = round_up(config.size, kPageSize);
    config.extents.push_back({0, begin, size});
    pmem_used_[on].push_back({{begin, begin + size}, "the file", &file.value(), {}});
}

// ---------------------------------------------------------------- pages of the kernel

void Resolver::resolve_kernel_pages(const Cursor& root) {
    std::vector<PlacedRange> ranges;
    root.each("kernel_pages", [&](const Cursor& pages, std::size_t i) {
        if (bad(pages)) return;
        KernelPagesConfig k;
        const std::uint64_t at = pages.number("at"), size = pages.number("size");
        k.state = pages.choice<KernelPageState>("state");
        if (at % kPageSize != 0)
            add(pages.at("at"), hex_text(at) + " is not page aligned", "align it to 4KiB");
        if (size % kPageSize != 0)
            add(pages.at("size"), size_text(size) + " is not a whole number of pages", "align it to 4KiB");
        if (size > ~0ull - at) {
            add(pages.path(), hex_text(at) + " + " + size_text(size) + " wraps around", "make it smaller");
            return;
        }
        k.range = {at, at + size};
        if (!in_memory(pages.path(), k.range)) return;
        ranges.push_back({k.range, "the range", &pages.value(), "/kernel_pages/" + std::to_string(i)});
        if (k.state == KernelPageState::kernel) scenario.kernel.image.push_back(k.range);
        scenario.kernel_pages.push_back(k);
    });
    check_overlaps(ranges, "");
}

// ---------------------------------------------------------------- processes

std::string Resolver::comm(const Cursor& process, std::string_view id) {
    const std::string_view name = process.given("comm") ? process.text("comm") : id;
    return std::string(name.substr(0, kCommLength));
}

int Resolver::pid(const Cursor& process, std::string_view key) {
    int pid = 0;
    if (process.given(key)) {
        pid = static_cast<int>(process.number(key));
        const auto [other, fresh] = pids_.emplace(pid, process.path().pointer());
        if (!fresh && !bad(process))
            add(process.at(key), "the " + std::string(key) + " " + std::to_string(pid) + " is taken by " + other->second,
                "choose another");
    }
    return pid;
}

void Resolver::resolve_processes(const Cursor& root) {
    root.each("processes", [&](const Cursor& process, std::size_t i) {
        ProcessConfig p;
        p.id = process.text("id");
        if (p.id.empty()) {
            processes_.incomplete();
            p.id = "#" + std::to_string(i);
        }
        processes_.add(findings_, process.at("id"), document_.keep(p.id));
        p.comm = comm(process, p.id);
        p.pid = pid(process);
        p.cpu = cpu_of(process);
        p.mce_kill = process.choice<McePolicy>("mce_kill");
        p.sigbus = process.choice<SigbusAction>("sigbus");
        p.sigbus_blocked = process.truth("sigbus_blocked");
        scenario.processes.push_back(std::move(p));
    });
    resolve_threads(root);
    std::size_t i = 0;
    root.each("processes", [&](const Cursor& process, std::size_t) {
        ProcessConfig& p = scenario.processes[i];
        process.each("maps", [&](const Cursor& map, std::size_t number) {
            MapConfig m = resolve_map(map, false);
            if (m.id.empty()) m.id = p.id + '.' + std::to_string(number);
            const Path at = map.at("id");
            add_map(at, {document_.keep(m.id), static_cast<std::uint32_t>(i), m.va, m.size, m.kind,
                         at.pointer()});
            p.maps.push_back(std::move(m));
        });
        check_map_overlaps(process, p);
        ++i;
    });
    // Pids that were not given, around those that were; children of forks get theirs later.
    for (ProcessConfig& p : scenario.processes) {
        if (p.pid != 0) continue;
        while (pids_.contains(next_pid_)) ++next_pid_;
        p.pid = next_pid_;
        pids_.emplace(next_pid_, p.id);
    }
}

/// Further threads stand behind all processes, so that those keep the places of their listing.
void Resolver::resolve_threads(const Cursor& root) {
    root.each("processes", [&](const Cursor& process, std::size_t of) {
        const ProcessConfig main = scenario.processes[of];
        process.each("threads", [&](const Cursor& thread, std::size_t number) {
            ProcessConfig t;
            t.id = thread.text("id");
            if (t.id.empty()) {
                processes_.incomplete();
                t.id = main.id + '.' + std::to_string(number);
            }
            processes_.add(findings_, thread.at("id"), document_.keep(t.id));
            t.comm = thread.given("comm") ? comm(thread, t.id) : main.comm;
            t.pid = pid(thread, "tid");
            t.cpu = thread.given("cpu") ? cpu_of(thread) : main.cpu;
            t.mce_kill = thread.choice<McePolicy>("mce_kill");
            t.sigbus_blocked = thread.truth("sigbus_blocked");
            t.thread_of = static_cast<int>(of);
            scenario.processes.push_back(std::move(t));
        });
    });
}

void Resolver::check_map_overlaps(const Cursor& process, const ProcessConfig& config) {
    const Value* list = process.find("maps");
    if (list == nullptr) return;
    const std::string pointer = process.path().pointer() + "/maps/";
    std::vector<PlacedRange> ranges;
    for (std::size_t i = 0; i < config.maps.size() && i < list->count; ++i) {
        const MapConfig& m = config.maps[i];
        if (m.size == 0 || m.size > ~0ull - m.va || findings_.touched(&list->items[i])) continue;
        ranges.push_back({{m.va, m.va + m.size}, m.id, &list->items[i], pointer + std::to_string(i)});
    }
    check_overlaps(ranges, "");
}

}  // namespace mcemu::scenario
