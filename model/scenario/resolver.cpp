#include "scenario/resolver.hpp"

#include <algorithm>
#include <numeric>

namespace mcemu::scenario {

std::string range_text(SpaRange range) { return hex_text(range.begin) + '-' + hex_text(range.end); }

void Registry::add(Findings& findings, const Path& at, std::string_view name) {
    const auto [place, fresh] =
        index_.emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (!fresh && !findings.full())
        findings.add(at, {"the id " + in_quotes(name) + " is taken by " + pointers_[place->second],
                          "choose another"});
    names_.push_back(name);
    pointers_.push_back(at.pointer());
}

std::optional<std::uint32_t> Registry::find(std::string_view name) const {
    const auto found = index_.find(name);
    if (found == index_.end()) return std::nullopt;
    return found->second;
}

std::optional<std::uint32_t> Registry::require(Findings& findings, const Path& at,
                                               std::string_view name) const {
    const auto found = find(name);
    if (found || incomplete_ || findings.full()) return found;
    std::string right;
    if (names_.empty()) {
        right = "there are no " + std::string(many_);
    } else {
        const std::size_t shown = std::min<std::size_t>(names_.size(), 8);
        right = did_you_mean(name, names_,
                             "there are " + listed(std::span(names_).first(shown)) +
                                 (shown < names_.size() ? " ..." : ""));
    }
    findings.add(at, {"there is no " + std::string(one_) + ' ' + in_quotes(name), std::move(right)});
    return std::nullopt;
}

void Resolver::resolve() {
    const Cursor root(kScenarioShape, Path{nullptr, &document_.root});
    scenario.name = root.text("name");
    scenario.seed = root.number("seed");
    if (root.given("until")) scenario.until = root.time("until");
    resolve_kernel(root);
    resolve_machine(root);
    declare_namespaces(root);
    if (scenario.kernel.mce_off) {  // nobody ever sets CR4.MCE
        std::vector<CpuId>& disabled = scenario.machine.mca.mce_disabled_cpus;
        disabled.resize(scenario.machine.cpus.count());
        std::iota(disabled.begin(), disabled.end(), CpuId{0});
    }
    resolve_files(root);
    resolve_kernel_pages(root);
    resolve_processes(root);
    resolve_page_failures(root);
    name_events(root);
    resolve_events(root);
    check_expect(root);
    if (findings_.empty()) check_memory_fits(root);
}

int Resolver::reference(const Cursor& cursor, std::string_view key, const Registry& names) {
    const Value* value = cursor.find(key);
    if (value == nullptr || !value->is(Value::Type::text)) return -1;
    const auto index = names.require(findings_, cursor.at(key), value->text());
    return index ? static_cast<int>(*index) : -1;
}

const ProcessConfig& Resolver::process_config(std::size_t index) const {
    const std::size_t configured = scenario.processes.size();
    return index < configured ? scenario.processes[index] : children[index - configured];
}

CpuId Resolver::cpu_of(const Cursor& cursor, std::string_view key) {
    const std::uint64_t cpu = cursor.number(key);
    const std::uint32_t count = scenario.machine.cpus.count();
    if (cpu >= count && count != 0)
        add(cursor.at(key), "there is no CPU " + std::to_string(cpu),
            "the machine has " + std::to_string(count) + " CPUs: 0 to " + std::to_string(count - 1));
    return static_cast<CpuId>(cpu);
}

bool Resolver::in_memory(const Path& at, SpaRange range) {
    for (const DramConfig& dram : scenario.machine.memory) {
        if (dram.range.contains(range.begin, range.size())) return true;
    }
    for (const RegionConfig& region : scenario.machine.regions) {
        if (region.range.contains(range.begin, range.size())) return true;
    }
    if (memory_unsure_) return false;
    std::string known;
    std::size_t shown = 0;
    const auto show = [&](std::string_view id, SpaRange r) {
        if (++shown <= 8)
            known += (known.empty() ? "" : ", ") + std::string(id) + ' ' + range_text(r);
    };
    for (const DramConfig& dram : scenario.machine.memory) show(dram.id, dram.range);
    for (const RegionConfig& region : scenario.machine.regions) show(region.id, region.range);
    add(at, range_text(range) + " lies outside all memory", "there are " + known);
    return false;
}

std::optional<SpaRange> Resolver::named_range(std::string_view name) const {
    for (const DramConfig& dram : scenario.machine.memory) {
        if (dram.id == name) return dram.range;
    }
    for (const RegionConfig& region : scenario.machine.regions) {
        if (region.id == name) return region.range;
    }
    return std::nullopt;
}

}  // namespace mcemu::scenario
