#pragma once  // One bank of error-reporting registers, and what happens when an error meets it.
#include <cstdint>

#include "core/mca/status.hpp"
#include "core/units.hpp"

namespace mcemu::mca {

/// What of the architecture the part implements, as IA32_MCG_CAP tells software.
struct Capabilities {
    bool ser = true, cmci = true, tes = true;
};

/// An error on its way into a bank.
struct NewError {
    std::uint64_t status = 0;  ///< as for an empty bank; EN and CEC are up to the bank
    std::uint64_t addr = 0, misc = 0;
    std::uint64_t enable = ~0ull;  ///< the CTL bits of its kind; 0: this kind never signals
    bool verbatim = false;         ///< an injector's record: STATUS stands as written
    std::uint32_t origin = 0;      ///< scenario event it goes back to (1-based)
};

/// What became of the new error's data.
enum class Logged : std::uint8_t {
    stored,     ///< the bank was free
    overwrote,  ///< it replaced the older error's data
    kept,       ///< the older error's data stayed
    filtered,   ///< a corrected error the filter bit hides: not even counted
    ignored,    ///< an injected record without VAL
};

/// Whether the bank asks for a corrected-machine-check interrupt.
enum class CmciResult : std::uint8_t { none, fired, disabled, below_threshold };

struct LogResult {
    Logged what = Logged::stored;
    CmciResult cmci = CmciResult::none;
    ErrorClass error_class = ErrorClass::invalid;  ///< of the new error
    bool machine_check = false;                    ///< the new error raises #MC
    bool bank_disabled = false;                    ///< CTL took the error's signal away
    bool latched = false;                          ///< the bank's registers are the new error's
    std::uint64_t new_status = 0;                  ///< the new error alone
    std::uint64_t previous_status = 0;             ///< of the bank
    std::uint64_t status = 0;                      ///< of the bank, now
    std::uint32_t previous_origin = 0, previous_record = 0;
};

/// CTL, STATUS, ADDR, MISC and CTL2 of one bank. Source: SDM vol. 3B 15.3.2; mce.md section 4.
///
/// Where two general rules meet, the order is: uncorrected over corrected; then enabled over
/// disabled; then PCC over no PCC; then yellow over green. Errors of one instant are logged as
/// if the most severe had come first.
class Bank {
public:
    /// Logs `error` at `now`: the table of mce.md section 4, CEC, OVER, the sticky bits.
    LogResult log(const NewError& error, const Capabilities& has, SimTime now);

    std::uint64_t ctl() const { return ctl_; }
    std::uint64_t ctl2() const { return ctl2_; }
    std::uint64_t status() const { return status_; }
    std::uint64_t addr() const { return addr_; }
    std::uint64_t misc() const { return misc_; }
    bool valid() const { return (status_ & MCI_STATUS_VAL) != 0; }
    bool used() const { return used_; }
    /// The scenario event, the trace record and the CPU of the error whose data stands here.
    std::uint32_t origin() const { return origin_; }
    std::uint32_t record() const { return record_; }
    CpuId logged_for() const { return logged_for_; }
    /// The CPU that switched CMCI_EN on; kNoCpu when none did by itself.
    CpuId cmci_owner() const { return cmci_owner_; }

    void set_ctl(std::uint64_t value) { ctl_ = value; }
    void set_ctl2(std::uint64_t value, CpuId by);
    void set_record(std::uint32_t record) { record_ = record; }
    void set_logged_for(CpuId cpu) { logged_for_ = cpu; }
    /// Software writes 0: the count starts again; ADDR and MISC stay.
    void clear_status();
    void clear_addr() { addr_ = 0; }
    void clear_misc() { misc_ = 0; }

private:
    void latch(const NewError& error, std::uint64_t status, SimTime now);

    std::uint64_t ctl_ = 0, status_ = 0, addr_ = 0, misc_ = 0;
    SimTime logged_at_{};
    std::uint32_t ctl2_ = 0;
    std::uint32_t origin_ = 0, record_ = 0;
    CpuId logged_for_ = kNoCpu, cmci_owner_ = kNoCpu;
    std::uint16_t observed_ = 0;  // corrected errors since STATUS was cleared, shaped as CEC
    bool used_ = false;
};
static_assert(sizeof(Bank) == 64);

}  // namespace mcemu::mca
