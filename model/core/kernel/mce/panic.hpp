#pragma once  // mce_panic(), print_mce() and panic() (kernel.md 1.9, 1.10).
#include <string_view>
#include <vector>

#include "core/kernel/mce/core.hpp"

namespace mcemu::kernel {

class Panic {
public:
    explicit Panic(MceCore& core);

    /// Prints what is known and panics. Returns only with fake_panic: then the first call prints
    /// and later ones are silent. `final` may be null, `exp` empty.
    void mce_panic(CpuId cpu, std::string_view msg, const mca::MceRecord* final,
                   std::string_view exp);
    /// panic(): prints its line; nothing happens after it.
    void panic(CpuId cpu, std::uint32_t reason_name);

    /// Lines 1 to 4 of a record.
    void print_record(CpuId cpu, const mca::MceRecord& m);

    bool panicked() const { return panicked_; }
    /// A write to debugfs mce/fake_panic (v4.x: mce_reset()).
    void reset_fake() {
        fake_panicked_ = false;
        cpu_missing = false;
    }
    /// Events whose errors the running handlers have seen: a panic is their fate.
    void suspect(std::uint32_t origin) { suspects_.push_back(origin); }
    void acquit() { suspects_.clear(); }

    bool cpu_missing = false;  ///< v4.x: a rendezvous timed out and came back

private:
    void print_mce(CpuId cpu, const mca::MceRecord& m);
    std::uint32_t symbol(std::uint64_t ip) const;

    MceCore& core_;
    RateLimit mcelog_limit_;
    std::vector<std::uint32_t> suspects_;
    bool fake_panicked_ = false;
    bool panicked_ = false;
};

}  // namespace mcemu::kernel
