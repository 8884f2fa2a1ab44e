// DAX radix-tree entries and what they write into struct page (kernel.md 5.1 to 5.3).
#include <bit>

#include "core/kernel/kernel.hpp"
#include "core/kernel/mm/mm.hpp"

namespace mcemu::kernel {

Task<std::uint64_t> Mm::lock_entry(Mapping& mapping, std::uint64_t index, unsigned shift) {
    while (true) {
        const std::uint64_t key = mapping.entries.find(index)
                                      ? mapping.entry_key(index)
                                      : round_down(index, 1ull << (shift - kPageShift));
        const auto held = mapping.locked.find(key);
        if (held == mapping.locked.end()) {
            mapping.locked.try_emplace(key, kernel_.env.agenda);
            co_return key;
        }
        kernel_.env.trace.note(Module::kernel, TraceKind::lock_wait, 0, key);
        co_await held->second.wait();
    }
}

void Mm::unlock_entry(Mapping& mapping, std::uint64_t key) {
    const auto held = mapping.locked.find(key);
    if (held == mapping.locked.end()) return;
    held->second.wake_all();  // each looks at the entry again before it takes the lock
    mapping.locked.erase(held);
}

void Mm::associate(Mapping& mapping, std::uint64_t index, Pfn first, std::uint64_t pages) {
    const Profile& profile = kernel_.env.profile;
    PageUse use;
    use.mapping = &mapping;
    use.index = index;
    if (mapping.kind == MapKind::devdax) {
        if (!profile.devdax_page_mapping) return;  // patch 2
        use.indexed = profile.devdax_page_index;   // patch 3
        const auto ns = static_cast<std::size_t>(mapping.of);
        const std::uint64_t align = kernel_.namespaces[ns].align;
        if (profile.dev_pagemap_head && align > kPageSize) {
            use.head_only = true;
            use.shift = static_cast<std::uint8_t>(std::countr_zero(align));
        }
    } else {
        use.indexed = profile.fsdax_page_index;  // patch 4
    }
    kernel_.memory.use_unused(first, pages, use);
}

}  // namespace mcemu::kernel
