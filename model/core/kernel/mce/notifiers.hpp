#pragma once  // The decoder notifier chain, in worker context (kernel.md 1.15).
#include "core/kernel/mce/cec.hpp"
#include "core/kernel/mce/panic.hpp"

namespace mcemu::kernel {

/// Links of the chain, for trace records.
enum class Notifier : std::uint8_t { cec, first, uc, extlog, nfit, edac, mcelog, default_printer };

class Notifiers {
public:
    Notifiers(MceCore& core, Panic& panic) : core_(core), panic_(panic), cec_(core) {}

    /// mce_gen_pool_process(): the records of the pool, oldest first, one chain after the other.
    Task<void> process(Context& ctx);

private:
    Task<void> chain(Context& ctx, mca::MceRecord& m);
    Task<void> srao_or_uc(Context& ctx, mca::MceRecord& m);
    Task<void> lose_page(Context& ctx, mca::MceRecord& m);
    void note(CpuId cpu, Notifier which, const mca::MceRecord& m);
    bool printer_prints(const mca::MceRecord& m) const;

    MceCore& core_;
    Panic& panic_;
    Cec cec_;
};

}  // namespace mcemu::kernel
