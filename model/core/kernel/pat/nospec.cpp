#include "core/kernel/pat/nospec.hpp"

#include "core/kernel/kernel.hpp"

namespace mcemu::kernel {
namespace {
constexpr unsigned kAddressRegister = 0;  // where the change keeps its linear address
}

// Any linear address in a register may be dereferenced by speculation: that is what the decoy
// is for (patch 10). Forgotten with 0.
void Nospec::hold(Context& ctx, std::uint64_t va) {
    kernel_.env.hw.set_register(ctx.cpu, kAddressRegister, va);
}

void Nospec::changed(Pfn pfn) {
    changing_.erase(std::find(changing_.begin(), changing_.end(), pfn.value));
}

Task<int> Nospec::set_mce_nospec(Context& ctx, Pfn pfn) {
    Env& env = kernel_.env;
    const DirectMap& map = kernel_.direct_map;
    const std::uint64_t va = env.config.decoy ? map.decoy(pfn) : map.kaddr(pfn);
    hold(ctx, va);
    co_await phase(env, ctx.cpu, Lat::kernel_nospec);
    int result = 0;
    if (env.profile.marking == PoisonMarking::uncacheable) result = co_await set_memory_uc(ctx, va);
    else result = co_await set_memory_np(ctx, va);
    hold(ctx, 0);
    if (result < 0 && result >= -4095)
        env.log.line(ctx.cpu, Line::could_not_invalidate, pfn.value);
    co_return result;
}

Task<int> Nospec::clear_mce_nospec(Context& ctx, Pfn pfn) {
    Env& env = kernel_.env;
    if (env.profile.marking == PoisonMarking::unmap_for_good) co_return 0;
    const std::uint64_t va = kernel_.direct_map.kaddr(pfn);
    hold(ctx, va);
    co_await phase(env, ctx.cpu, Lat::kernel_nospec);
    int result = 0;
    if (env.profile.marking == PoisonMarking::uncacheable) result = co_await set_memory_wb(ctx, va);
    else result = co_await set_memory_p(ctx, va);
    hold(ctx, 0);
    co_return result;
}

Task<int> Nospec::set_memory_uc(Context& ctx, std::uint64_t va) {
    const std::uint64_t pa = kernel_.direct_map.pa(va);
    const Pfn pfn = pfn_of(pa & ~(1ull << 63));
    const int reserved =
        kernel_.memtypes.reserve(ctx, pa, pa + kPageSize, CacheMode::uc_minus, nullptr);
    if (reserved != 0) co_return reserved;
    DirectMapEntry wanted = kernel_.direct_map.entry(pfn);
    wanted.mode = CacheMode::uc_minus;
    changing_.push_back(pfn.value);
    const int result = co_await kernel_.direct_map.change(ctx, va, wanted);
    if (result != 0) kernel_.memtypes.free(ctx, pa, pa + kPageSize);
    changed(pfn);
    co_return result;
}

Task<int> Nospec::set_memory_wb(Context& ctx, std::uint64_t va) {
    const std::uint64_t pa = kernel_.direct_map.pa(va);
    const Pfn pfn = pfn_of(pa & ~(1ull << 63));
    DirectMapEntry wanted = kernel_.direct_map.entry(pfn);
    wanted.mode = CacheMode::wb;
    changing_.push_back(pfn.value);
    const int result = co_await kernel_.direct_map.change(ctx, va, wanted);
    if (result == 0) kernel_.memtypes.free(ctx, pa, pa + kPageSize);  // result not looked at
    changed(pfn);
    co_return result;
}

Task<int> Nospec::set_memory_np(Context& ctx, std::uint64_t va) {
    const std::uint64_t pa = kernel_.direct_map.pa(va);
    DirectMapEntry wanted = kernel_.direct_map.entry(pfn_of(pa & ~(1ull << 63)));
    wanted.present = false;
    return kernel_.direct_map.change(ctx, va, wanted);
}

Task<int> Nospec::set_memory_p(Context& ctx, std::uint64_t va) {
    const std::uint64_t pa = kernel_.direct_map.pa(va);
    DirectMapEntry wanted = kernel_.direct_map.entry(pfn_of(pa & ~(1ull << 63)));
    wanted.present = true;
    return kernel_.direct_map.change(ctx, va, wanted);
}

}  // namespace mcemu::kernel
