#include "core/kernel/mce/cec.hpp"

#include <algorithm>

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {

constexpr std::size_t MAX_ELEMS = 512;   // one page of 64-bit elements
constexpr std::uint32_t DECAY_MASK = 3;  // two generation bits
constexpr unsigned CLEAN_ELEMS = MAX_ELEMS >> 2;
constexpr std::uint32_t kThresholdV4 = 1023;  // count_threshold, COUNT_MASK
constexpr std::uint32_t kThresholdV6 = 2;     // action_threshold on Intel

}  // namespace

std::uint32_t Cec::threshold() const {
    return core_.env.config.cec_threshold.value_or(core_.v6 ? kThresholdV6 : kThresholdV4);
}

bool Cec::swallow(CpuId cpu, const mca::MceRecord& m) {
    if (!mca::is_memory_error(m) || !mca::is_correctable(m) || !mca::usable_address(m))
        return false;
    return add(cpu, m.addr >> kPageShift);
}

bool Cec::add(CpuId cpu, std::uint64_t pfn) {
    if (elements_.size() == MAX_ELEMS) remove_least_recent();
    const auto by_pfn = [](const Element& e, std::uint64_t p) { return e.pfn < p; };
    auto it = std::lower_bound(elements_.begin(), elements_.end(), pfn, by_pfn);
    const bool known = it != elements_.end() && it->pfn == pfn;
    // v4.x: a page whose count already stands at the threshold is offlined by its next error.
    // v6.1: it is offlined by the error that makes the count reach the threshold.
    if (known && !core_.v6 && it->count >= threshold()) {
        elements_.erase(it);
        offline(cpu, pfn);
        return false;
    }
    if (!known) it = elements_.insert(it, {pfn, DECAY_MASK, 0});
    it->generation = DECAY_MASK;
    ++it->count;
    if (core_.v6 && it->count >= threshold()) {
        elements_.erase(it);
        offline(cpu, pfn);
        return false;
    }
    if (++decay_count_ >= CLEAN_ELEMS) spring_cleaning();
    return true;
}

void Cec::offline(CpuId cpu, std::uint64_t pfn) {
    if (core_.kernel.memory.kind(Pfn{pfn}) == MemoryKind::none) {
        core_.env.log.line(cpu, Line::cec_invalid_pfn, pfn);
        return;
    }
    core_.env.log.line(cpu, Line::cec_soft_offline, pfn);
    core_.kernel.memory_failure.queue(cpu, Pfn{pfn}, MF_SOFT_OFFLINE);
}

// del_lru_elem_unlocked(): the element with the smallest generation and count.
void Cec::remove_least_recent() {
    const auto weight = [](const Element& e) { return e.generation << 10 | e.count; };
    const auto it = std::min_element(
        elements_.begin(), elements_.end(),
        [&weight](const Element& a, const Element& b) { return weight(a) < weight(b); });
    elements_.erase(it);
}

// do_spring_cleaning(): every element grows one generation older.
void Cec::spring_cleaning() {
    for (Element& e : elements_)
        if (e.generation > 0) --e.generation;
    decay_count_ = 0;
}

}  // namespace mcemu::kernel
