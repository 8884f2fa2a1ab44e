#include "core/kernel/nvdimm/pmem_driver.hpp"

#include <algorithm>

#include "core/kernel/kernel.hpp"
#include "core/kernel/pat/oops.hpp"
#include "core/kernel/pat/pgmap.hpp"

namespace mcemu::kernel {
namespace {

// Where the records of 4.18 show the fault of a block write; the other copies by their names.
constexpr std::string_view kStoreSymbol = "memcpy_flushcache+0x52/0x170";
constexpr std::string_view kLoadSymbol = "memcpy_erms+0x6/0x10";

}  // namespace

// ---------------------------------------------------------------- block requests

Task<int> PmemDriver::submit_bio(Context& ctx, BioEvent bio) {
    PmemNamespace& ns = bus_.namespaces()[bio.ns];
    const std::uint64_t capacity = ns.covered.size() / kSectorSize;
    if (bio.op == BioEvent::Op::discard) co_return -EOPNOTSUPP;  // the driver does not offer it
    if (bio.sectors > capacity || bio.sector > capacity - bio.sectors)
        co_return -EIO;  // beyond the end of the device
    // One segment per page of the submitter's buffer; the first failure ends the request.
    constexpr std::uint64_t kSegment = kPageSize / kSectorSize;
    for (std::uint64_t done = 0; done < bio.sectors; done += kSegment) {
        const std::uint64_t sector = bio.sector + done;
        const std::uint64_t size = std::min(kSegment, bio.sectors - done) * kSectorSize;
        int error = 0;
        if (bio.op == BioEvent::Op::read) error = co_await read_segment(ctx, ns, sector, size);
        else error = co_await write_segment(ctx, ns, sector, size);
        if (error != 0) co_return error;
        if (bio.op == BioEvent::Op::write && bus_.tracks_contents()) {
            const std::uint64_t spa = ns.covered.begin + sector * kSectorSize;
            bus_.media().write({spa, spa + size},
                               bus_.media().fill_of(bio.data, spa - done * kSectorSize));
        }
    }
    co_return 0;
}

Task<int> PmemDriver::read_segment(Context& ctx, PmemNamespace& ns, std::uint64_t sector,
                                   std::uint64_t size) {
    if (ns.is_bad(sector, size)) co_return -EIO;  // memory is not touched
    const int error = co_await load_or_fail(ctx, ns.covered.begin + sector * kSectorSize, size);
    co_return error;
}

Task<int> PmemDriver::load_or_fail(Context& ctx, std::uint64_t spa, std::uint64_t size) {
    const bool safe = kernel_.env.config.mcsafe;
    const Copy copy = co_await load(ctx, spa, size, safe ? kIpCopyMcSafe : kIpCopyPlain);
    if (copy.stop == Copy::Stop::none) co_return 0;
    if (copy.stop == Copy::Stop::fault && !safe) {
        co_await oops_paging(kernel_, ctx, copy.fault_va, false, kLoadSymbol);
        co_return kTaskDied;
    }
    co_return -EIO;
}

Task<int> PmemDriver::write_segment(Context& ctx, PmemNamespace& ns, std::uint64_t sector,
                                    std::uint64_t size) {
    const std::uint64_t spa = ns.covered.begin + sector * kSectorSize;
    const bool bad = ns.is_bad(sector, size);
    int cleared = 0;
    if (bad && kernel_.env.profile.clear_before_write) {
        cleared = co_await clear_poison(ctx, ns, sector, size);
        if (cleared != 0) co_return cleared;  // nothing is written
        const int stored = co_await store_or_oops(ctx, spa, size);
        co_return stored;
    }
    int stored = co_await store_or_oops(ctx, spa, size);
    if (stored != 0 || !bad) co_return stored;
    // v4.x: clearing may have destroyed what was just written, so it is written again, whatever
    // became of the clear.
    cleared = co_await clear_poison(ctx, ns, sector, size);
    if (cleared == kTaskDied) co_return cleared;
    stored = co_await store_or_oops(ctx, spa, size);
    co_return stored != 0 ? stored : cleared;
}

Task<int> PmemDriver::store_or_oops(Context& ctx, std::uint64_t spa, std::uint64_t size) {
    const Copy copy = co_await store(ctx, spa, size);
    if (copy.stop == Copy::Stop::none) co_return 0;
    co_await oops_paging(kernel_, ctx, copy.fault_va, true, kStoreSymbol);
    co_return kTaskDied;
}

// ---------------------------------------------------------------- clearing poison (kernel.md 5.5)

Task<int> PmemDriver::clear_poison(Context& ctx, PmemNamespace& ns, std::uint64_t sector,
                                   std::uint64_t size) {
    const std::uint64_t spa = ns.covered.begin + sector * kSectorSize;
    if (kernel_.env.profile.clear_before_write) {
        const std::int64_t cleared = co_await clear_pages(ctx, ns, spa, size);
        if (cleared < 0) co_return -EIO;
        if (cleared >= static_cast<std::int64_t>(kSectorSize))
            bus_.clear_badblocks(ns, sector, static_cast<std::uint64_t>(cleared) / kSectorSize);
        co_return cleared < static_cast<std::int64_t>(size) ? -EIO : 0;
    }
    const std::int64_t cleared = co_await bus_.clear_poison(ctx, spa, size);
    if (cleared >= static_cast<std::int64_t>(kSectorSize)) {
        const auto bytes = static_cast<std::uint64_t>(cleared);
        if (kernel_.env.profile.clear_restores_page)
            co_await make_pages_present(ctx, ns, spa, bytes);
        bus_.clear_badblocks(ns, sector, bytes / kSectorSize);
    }
    co_await invalidate(ctx, spa, size);
    co_return cleared < static_cast<std::int64_t>(size) ? -EIO : 0;
}

// __pmem_clear_poison() of v6.1.
Task<std::int64_t> PmemDriver::clear_pages(Context& ctx, PmemNamespace& ns, std::uint64_t spa,
                                           std::uint64_t size) {
    const std::int64_t cleared = co_await bus_.clear_poison(ctx, spa, size);
    if (cleared > 0) {
        co_await make_pages_present(ctx, ns, spa, static_cast<std::uint64_t>(cleared));
        co_await invalidate(ctx, spa, size);
    }
    co_return cleared;
}

// hwpoison_clear(), pmem_mkpage_present(): whole pages only, counted from the page of `spa`, so a
// clear below 4096 bytes repairs none (patch 11).
Task<void> PmemDriver::make_pages_present(Context& ctx, PmemNamespace& ns, std::uint64_t spa,
                                          std::uint64_t cleared) {
    if (!has_pages(*ns.config)) co_return;
    Env& env = kernel_.env;
    const std::uint64_t first = pfn_of(spa).value, pages = cleared >> kPageShift;
    for (std::uint64_t i = 0; i < pages; ++i) {
        const Pfn pfn{first + i};
        const Page* known = kernel_.memory.find(pfn);
        if (!known || !known->test(PG_hwpoison)) continue;
        kernel_.memory.page(pfn).flags &= ~bit(PG_hwpoison);
        env.trace.step(Module::kernel, TraceKind::page_flag, ctx.cpu, pfn.value, PG_hwpoison, 0);
        co_await kernel_.nospec.clear_mce_nospec(ctx, pfn);
    }
}

Task<void> PmemDriver::invalidate(Context& ctx, std::uint64_t spa, std::uint64_t size) {
    Env& env = kernel_.env;
    const std::uint64_t va = kernel_.direct_map.page_offset() + spa;
    ++env.counters.cache_flushes;
    env.trace.step(Module::kernel, TraceKind::cache_flush, ctx.cpu, va, size);
    env.hw.clflush(ctx.cpu, va, size);
    bus_.media().flush({spa, spa + size});
    const std::uint64_t pages = round_up(size, kPageSize) >> kPageShift;
    co_await phase(env, ctx.cpu, Lat::cpu_clflush_page, pages);
}

// ---------------------------------------------------------------- copies

Task<PmemDriver::Copy> PmemDriver::load(Context& ctx, std::uint64_t spa, std::uint64_t size,
                                        std::uint64_t ip) {
    Env& env = kernel_.env;
    Copy copy;
    while (copy.done < size) {
        const std::uint64_t at = spa + copy.done;
        const std::uint64_t chunk = std::min(size - copy.done, kPageSize - at % kPageSize);
        co_await phase(env, ctx.cpu, Lat::kernel_copy_page);
        Instruction instruction;
        instruction.kind = AccessKind::load;
        instruction.va = kernel_.direct_map.page_offset() + at;
        instruction.size = chunk;
        instruction.user = false;
        instruction.ip = ip;
        const ExecResult result = env.hw.execute(ctx.cpu, instruction);
        if (result.status == ExecResult::Status::page_fault) {
            copy.stop = Copy::Stop::fault;
            copy.fault_va = instruction.va;
            co_return copy;
        }
        if (result.status == ExecResult::Status::machine_check) {
            const bool fixed_up = co_await kernel_.machine_check_core.wait_handled(ctx);
            if (fixed_up) {
                const std::uint64_t line = round_down(result.poisoned_spa, kLineSize);
                copy.done += std::min(chunk, line > at ? line - at : 0);
                copy.stop = Copy::Stop::poison;
                env.fates.mark(result.origin, Fate::consumed, FateReason::driver_error,
                               env.agenda.why().cause);
                co_return copy;
            }
        } else {
            co_await spend(env, ctx.cpu, Lat::mem_pmem_read, result.delay);
        }
        copy.done += chunk;
    }
    co_return copy;
}

// memcpy_flushcache(): non-temporal stores of whole lines, ordinary ones for a ragged edge.
Task<PmemDriver::Copy> PmemDriver::store(Context& ctx, std::uint64_t spa, std::uint64_t size) {
    Env& env = kernel_.env;
    Copy copy;
    std::uint64_t page = ~std::uint64_t{0};
    while (copy.done < size) {
        const std::uint64_t at = spa + copy.done;
        std::uint64_t chunk = std::min(size - copy.done, kPageSize - at % kPageSize);
        Instruction instruction;
        instruction.kind = AccessKind::store_full_line;
        if (at % kLineSize != 0 || chunk < kLineSize) {
            instruction.kind = AccessKind::store;
            chunk = std::min(chunk, kLineSize - at % kLineSize);
        } else {
            chunk = round_down(chunk, kLineSize);
        }
        if (at >> kPageShift != page) co_await phase(env, ctx.cpu, Lat::kernel_copy_page);
        page = at >> kPageShift;
        instruction.va = kernel_.direct_map.page_offset() + at;
        instruction.size = chunk;
        instruction.user = false;
        instruction.ip = kIpCopyPlain;
        const ExecResult result = env.hw.execute(ctx.cpu, instruction);
        if (result.status == ExecResult::Status::page_fault) {
            copy.stop = Copy::Stop::fault;
            copy.fault_va = instruction.va;
            co_return copy;
        }
        if (result.status == ExecResult::Status::machine_check)
            co_await kernel_.machine_check_core.wait_handled(ctx);
        else co_await spend(env, ctx.cpu, Lat::mem_pmem_write, result.delay);
        copy.done += chunk;
    }
    co_return copy;
}

}  // namespace mcemu::kernel
