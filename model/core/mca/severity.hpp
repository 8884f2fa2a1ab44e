#pragma once  // How Linux grades a machine-check record: the severity tables, as data.
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/mca/mce_record.hpp"
#include "core/mca/status.hpp"

namespace mcemu::mca {

/// In rising order (arch/x86/kernel/cpu/mce/internal.h, enum severity_level).
enum class Severity : std::uint8_t {
    MCE_NO_SEVERITY = 0,
    MCE_UCNA_SEVERITY = 1,  ///< and MCE_DEFERRED_SEVERITY
    MCE_KEEP_SEVERITY = 2,
    MCE_SOME_SEVERITY = 3,
    MCE_AO_SEVERITY = 4,
    MCE_UC_SEVERITY = 5,
    MCE_AR_SEVERITY = 6,
    MCE_PANIC_SEVERITY = 7,
};

/// What the machine check interrupted, as error_context() sees it.
enum class ErrorContext : std::uint8_t { user, kernel, kernel_recov };

/// kflags of a record, v6.1 (include/uapi/asm/mce.h; kernel.md 1.3).
enum MceKflags : std::uint32_t {
    MCE_HANDLED_CEC = 1u << 0,
    MCE_HANDLED_UC = 1u << 1,
    MCE_HANDLED_EXTLOG = 1u << 2,
    MCE_HANDLED_NFIT = 1u << 3,
    MCE_HANDLED_EDAC = 1u << 4,
    MCE_HANDLED_MCELOG = 1u << 5,
    MCE_IN_KERNEL_RECOV = 1u << 6,
    MCE_IN_KERNEL_COPYIN = 1u << 7,
};

/// One row. It matches when every condition holds; the first matching row grades the record.
struct SeverityRow {
    enum class Ser : std::uint8_t { any, required, forbidden } ser = Ser::any;
    enum class From : std::uint8_t { any, exception } from = From::any;
    enum class Context : std::uint8_t { any, user, kernel, kernel_recov } context = Context::any;
    std::uint64_t mcg_mask = 0, mcg_value = 0;        ///< of MCG_STATUS
    std::uint64_t status_mask = 0, status_value = 0;  ///< of MCi_STATUS
    bool skylake_x = false;  ///< only family 6 model 0x55, stepping >= 4, banks 13 to 18
    Severity severity = Severity::MCE_NO_SEVERITY;
    std::string_view message;
};

/// Table S4: v4.18 and v4.19. Table S6: v6.1 (kernel.md 1.11). Row numbers there count from 1.
std::span<const SeverityRow> severity_table_v4();
std::span<const SeverityRow> severity_table_v6();

/// What the grade depends on besides the record.
struct GradingInput {
    bool ser = true;             ///< MCG_CAP.SER_P
    bool from_exception = true;  ///< #MC handler; else poll or CMCI
    ErrorContext context = ErrorContext::kernel;
    int tolerant = 1;  ///< v4.x
    bool operator==(const GradingInput&) const = default;
};
struct Grade {
    Severity severity = Severity::MCE_NO_SEVERITY;
    unsigned row = 0;  ///< counted from 1
    std::string_view message;
};

/// mce_severity() with the coverage flags of debugfs mce/severities-coverage.
class SeverityGrader {
public:
    enum class Rules : std::uint8_t { v4, v6 };
    explicit SeverityGrader(Rules rules) : SeverityGrader(rules, rules == Rules::v6) {}
    /// `kernel_uc_panics`: what is uncorrected in the kernel is a panic whatever `tolerant` is.
    SeverityGrader(Rules rules, bool kernel_uc_panics)
        : rules_(rules), kernel_uc_panics_(kernel_uc_panics) {}

    Grade grade(const MceRecord& record, const GradingInput& input);

    std::span<const SeverityRow> table() const {
        return rules_ == Rules::v6 ? severity_table_v6() : severity_table_v4();
    }
    bool covered(unsigned row) const { return covered_[row - 1]; }
    void reset_coverage() {
        covered_ = {};
        grade_ = {};
    }

private:
    Grade walk(const MceRecord& record, const GradingInput& input);

    Rules rules_;
    bool kernel_uc_panics_;
    std::array<bool, 32> covered_{};
    /// What decided the last grade: a machine check grades one record up to four times, and a walk
    /// through the table takes 250 instructions.
    struct Latest {
        std::uint64_t status = 0, mcgstatus = 0;
        bool patrol = false;  ///< the record is one that a skylake_x row may match
        GradingInput input;
        bool operator==(const Latest&) const = default;
    };
    Latest latest_;
    Grade grade_;  ///< of latest_; row 0: none
};

// ---------------------------------------------------------------- predicates (kernel.md 1.16)

/// mce_usable_address(), Intel: a physical page address that can be acted on.
constexpr bool usable_address(const MceRecord& m) {
    return (m.status & MCI_STATUS_ADDRV) && (m.status & MCI_STATUS_MISCV) &&
           misc_lsb(m.misc) <= 12 && misc_mode(m.misc) == MISC_MODE_PHYSICAL;
}
/// mce_is_memory_error(), Intel: memory controller, cache or generic memory hierarchy.
constexpr bool is_memory_error(const MceRecord& m) {
    return (m.status & 0xef80) == 0x80 || (m.status & 0xef00) == 0x100 ||
           (m.status & 0xeffc) == 0xc;
}
/// mce_is_correctable(), Intel.
constexpr bool is_correctable(const MceRecord& m) { return !(m.status & MCI_STATUS_UC); }

}  // namespace mcemu::mca
