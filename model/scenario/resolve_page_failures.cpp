// kernel.knobs.page_failures: which page is meant, and whether it can fail that way.
#include <algorithm>

#include "scenario/resolver.hpp"

namespace mcemu::scenario {

void Resolver::resolve_page_failures(const Cursor& root) {
    const auto kernel = root.object("kernel");
    const auto knobs = kernel ? kernel->object("knobs") : std::nullopt;
    if (!knobs) return;
    knobs->each("page_failures", [&](const Cursor& failure, std::size_t) {
        if (bad(failure)) return;
        if (const auto f = page_failure(failure)) scenario.kernel.page_failures.push_back(*f);
    });
    check_page_failures(*knobs);
}

std::optional<PageFailureConfig> Resolver::page_failure(const Cursor& failure) {
    const bool at = failure.given("at"), pfn = failure.given("pfn"), map = failure.given("map");
    if (at + pfn + map != 1) {
        add(failure.path(), at + pfn + map == 0 ? "it names no page" : "it names a page twice",
            "give one of \"at\", \"pfn\", and \"process\" with \"map\"");
        return std::nullopt;
    }
    if (map) return mapped_page_failure(failure);
    for (const char* only : {"process", "offset"})
        if (failure.given(only)) {
            add(failure.at(only), in_quotes(only) + " without \"map\"",
                "name a map, or leave it out");
            return std::nullopt;
        }
    PageFailureConfig f;
    f.what = failure.choice<PageFailure>("what");
    f.at = round_down(pfn ? failure.number("pfn") * kPageSize : failure.number("at"), kPageSize);
    const SpaRange page{f.at, f.at + kPageSize};
    if (!in_memory(failure.at(pfn ? "pfn" : "at"), page)) return std::nullopt;
    const bool ram = std::any_of(scenario.machine.memory.begin(), scenario.machine.memory.end(),
                                 [&](const DramConfig& dram) { return dram.range.contains(f.at); });
    if (!ram && f.what != PageFailure::allocate) {
        add(failure.at(pfn ? "pfn" : "at"),
            "of a page of persistent memory nothing but \"allocate\" fails", "name a page of DRAM");
        return std::nullopt;
    }
    return f;
}

std::optional<PageFailureConfig> Resolver::mapped_page_failure(const Cursor& failure) {
    PageFailureConfig f;
    f.what = failure.choice<PageFailure>("what");
    if (!failure.given("process")) {
        add(failure.at("map"), "\"map\" without \"process\"", "say whose map it is");
        return std::nullopt;
    }
    f.process = reference(failure, "process", processes_);
    if (f.process < 0) return std::nullopt;
    const auto process = static_cast<std::uint32_t>(f.process);
    const NamedMap* const map = map_of(failure.at("map"), process, failure.text("map"));
    if (map == nullptr) return std::nullopt;
    const std::uint64_t offset = failure.number("offset");
    if (offset >= map->size) {
        add(failure.at("offset"), hex_text(offset) + " lies outside the map",
            "it has " + size_text(map->size));
        return std::nullopt;
    }
    f.va = map->va + offset;
    if (map->kind == MapKind::devdax || map->kind == MapKind::fsdax) {
        add(failure.at("map"), in_quotes(failure.text("map")) + " maps persistent memory",
            "name its page by \"at\" or \"pfn\"");
        return std::nullopt;
    }
    const std::vector<MapConfig>& maps = scenario.processes[map->process].maps;
    const auto same =
        std::find_if(maps.begin(), maps.end(), [&](const MapConfig& m) { return m.va == map->va; });
    if (same != maps.end() && same->state == MapState::untouched) {
        add(failure.at("map"),
            in_quotes(failure.text("map")) + " is untouched: no page is there yet",
            "give the map another \"state\", or \"at\" and name its page");
        return std::nullopt;
    }
    return f;
}

/// A file system has a way to remove a page from a file, or it has none.
void Resolver::check_page_failures(const Cursor& knobs) {
    const auto& all = scenario.kernel.page_failures;
    const auto has = [&](const PageFailureConfig& page, PageFailure what) {
        return std::any_of(all.begin(), all.end(), [&](const PageFailureConfig& f) {
            return f.what == what && f.at == page.at && f.process == page.process &&
                   f.va == page.va;
        });
    };
    for (const PageFailureConfig& f : all) {
        if (f.what != PageFailure::invalidate) continue;
        for (const PageFailure other : {PageFailure::punch, PageFailure::release})
            if (has(f, other)) {
                add(knobs.at("page_failures"),
                    std::string("\"invalidate\" and ") +
                        (other == PageFailure::punch ? "\"punch\"" : "\"release\"") +
                        " are both given for one page",
                    "keep one: a file system that can but invalidate does neither");
                return;
            }
    }
}

}  // namespace mcemu::scenario
