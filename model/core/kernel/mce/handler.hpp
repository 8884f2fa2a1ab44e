#pragma once  // The steps of do_machine_check() on one CPU (kernel.md 1.4, 1.5).
#include <string_view>

#include "core/kernel/mce/panic.hpp"

namespace mcemu::kernel {

/// The local variables of do_machine_check() on one CPU.
struct McCpu {
    CpuId cpu = 0;
    SimTime arrival{};  ///< when the exception was taken
    Frame frame;
    mca::MceRecord m;     ///< the record being filled
    mca::MceRecord seen;  ///< mces_seen of this CPU: its worst record
    std::string_view msg = "Unknown";
    std::uint64_t valid_banks = 0;  ///< found by the pre-scan
    std::uint64_t to_clear = 0;
    mca::Severity worst = mca::Severity::MCE_NO_SEVERITY;
    bool no_way_out = false;
    bool kill_it = false;  ///< kill_current_task in v6.1
    bool tainted = false;
    bool logged = false;  ///< a record is in the pool: irq_work is due

    bool user() const { return (m.cs & 3) == 3; }
};

class Handler {
public:
    Handler(MceCore& core, Panic& panic) : core_(core), panic_(panic) {}

    /// E3, E4: who, when, where.
    void gather(McCpu& c) const;
    /// E5 to E7: is there a bank that leaves no way out?
    void pre_scan(McCpu& c);
    /// E9: grades and logs the banks that the pre-scan found.
    void scan(McCpu& c);
    /// E10: clears what was scanned, unless the next boot shall see it.
    void clear_banks(McCpu& c);
    /// mce_severity() once more, for its message.
    std::string_view message(mca::MceRecord& m, bool has_regs) {
        return core_.grade(m, true, has_regs).message;
    }

private:
    void leave_bank(const McCpu& c, std::uint32_t bank, mca::Severity severity);

    MceCore& core_;
    Panic& panic_;
};

}  // namespace mcemu::kernel
