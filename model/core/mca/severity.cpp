#include "core/mca/severity.hpp"

namespace mcemu::mca {
namespace {

using Ser = SeverityRow::Ser;
using From = SeverityRow::From;
using Context = SeverityRow::Context;
using enum Severity;

constexpr std::uint64_t kUcS = MCI_STATUS_UC | MCI_STATUS_S;
constexpr std::uint64_t kUcAr = MCI_STATUS_UC | MCI_STATUS_AR;
constexpr std::uint64_t kUcSAr = kUcS | MCI_STATUS_AR;
constexpr std::uint64_t kOverUcSAr = MCI_STATUS_OVER | kUcSAr;
constexpr std::uint64_t kAddr = MCI_STATUS_ADDRV | MCI_STATUS_MISCV;
constexpr std::uint64_t kRipvEipv = MCG_STATUS_RIPV | MCG_STATUS_EIPV;

// MCACODs of SDM vol. 3B table 15-8 to 15-10.
constexpr std::uint64_t kScrubMask = 0xeff0, kScrub = 0x00c0;
constexpr std::uint64_t kWriteBack = 0x017a, kDataLoad = 0x0134, kInstruction = 0x0150;

// clang-format off
// Rows that both tables have, in the order of kernel.md 1.11. Row 16 of either table and the ones
// around it differ only where a name below says so.
constexpr SeverityRow kInvalid{
    .status_mask = MCI_STATUS_VAL, .severity = MCE_NO_SEVERITY, .message = "Invalid"};
constexpr SeverityRow kNotEnabled{.from = From::exception, .status_mask = MCI_STATUS_EN,
    .severity = MCE_NO_SEVERITY, .message = "Not enabled"};
constexpr SeverityRow kPcc{.status_mask = MCI_STATUS_PCC, .status_value = MCI_STATUS_PCC,
    .severity = MCE_PANIC_SEVERITY, .message = "Processor context corrupt"};
constexpr SeverityRow kNoMcip{.from = From::exception, .mcg_mask = MCG_STATUS_MCIP,
    .severity = MCE_PANIC_SEVERITY, .message = "MCIP not set in MCA handler"};
constexpr SeverityRow kNoIp{.from = From::exception, .mcg_mask = kRipvEipv,
    .severity = MCE_PANIC_SEVERITY, .message = "Neither restart nor error IP"};
constexpr SeverityRow kKernelNoRestart{.from = From::exception, .context = Context::kernel,
    .mcg_mask = MCG_STATUS_RIPV, .severity = MCE_PANIC_SEVERITY,
    .message = "In kernel and no restart IP"};
constexpr SeverityRow kRecovNoRestart{.from = From::exception, .context = Context::kernel_recov,
    .mcg_mask = MCG_STATUS_RIPV, .severity = MCE_PANIC_SEVERITY,
    .message = "In kernel and no restart IP"};
constexpr SeverityRow kDeferred{.ser = Ser::forbidden,
    .status_mask = MCI_STATUS_UC | MCI_STATUS_DEFERRED | MCI_STATUS_POISON,
    .status_value = MCI_STATUS_DEFERRED, .severity = MCE_UCNA_SEVERITY,
    .message = "Deferred error"};
constexpr SeverityRow kCorrected{.ser = Ser::forbidden, .status_mask = MCI_STATUS_UC,
    .severity = MCE_KEEP_SEVERITY, .message = "Corrected error"};

/// Action optional rows: v4.x looks at OVER, v6.1 does not.
constexpr SeverityRow scrub(std::uint64_t over) {
    return {.ser = Ser::required, .status_mask = over | kUcAr | kScrubMask,
            .status_value = MCI_STATUS_UC | kScrub, .severity = MCE_AO_SEVERITY,
            .message = "Action optional: memory scrubbing error"};
}
constexpr SeverityRow write_back(std::uint64_t over) {
    return {.ser = Ser::required, .status_mask = over | kUcAr | MCACOD_MASK,
            .status_value = MCI_STATUS_UC | kWriteBack, .severity = MCE_AO_SEVERITY,
            .message = "Action optional: last level cache writeback error"};
}
/// Skylake and Cascade Lake report an uncorrectable patrol find as corrected (MSCOD 0x0010).
constexpr SeverityRow kPatrol{.ser = Ser::required,
    .status_mask = MCI_STATUS_UC | kAddr | 0xffffeff0, .status_value = kAddr | 0x001000c0,
    .skylake_x = true, .severity = MCE_AO_SEVERITY, .message = "Uncorrected Patrol Scrub Error"};
constexpr SeverityRow kUcna{.ser = Ser::required, .status_mask = kUcSAr,
    .status_value = MCI_STATUS_UC, .severity = MCE_UCNA_SEVERITY,
    .message = "Uncorrected no action required"};
constexpr SeverityRow kIllegal{.ser = Ser::required, .status_mask = kOverUcSAr,
    .status_value = kUcAr, .severity = MCE_PANIC_SEVERITY,
    .message = "Illegal combination (UCNA with AR=1)"};
constexpr SeverityRow non_signalled(std::string_view message) {
    return {.ser = Ser::required, .status_mask = MCI_STATUS_S, .severity = MCE_KEEP_SEVERITY,
            .message = message};
}
constexpr SeverityRow kArLost{.ser = Ser::required, .status_mask = kOverUcSAr,
    .status_value = kOverUcSAr, .severity = MCE_PANIC_SEVERITY,
    .message = "Action required with lost events"};
constexpr SeverityRow kUnaffected{.ser = Ser::required, .mcg_mask = kRipvEipv,
    .mcg_value = MCG_STATUS_RIPV, .status_mask = kOverUcSAr | kAddr,
    .status_value = kUcSAr | kAddr, .severity = MCE_KEEP_SEVERITY,
    .message = "Action required but unaffected thread is continuable"};

constexpr SeverityRow action_required(Context context, std::uint64_t code, Severity severity,
                                      std::string_view message) {
    return {.ser = Ser::required, .context = context,
            .status_mask = kOverUcSAr | kAddr | MCACOD_MASK, .status_value = kUcSAr | kAddr | code,
            .severity = severity, .message = message};
}
constexpr SeverityRow kArRecov = action_required(Context::kernel_recov, kDataLoad, MCE_AR_SEVERITY,
    "Action required: data load in error recoverable area of kernel");
constexpr SeverityRow kArData = action_required(Context::user, kDataLoad, MCE_AR_SEVERITY,
    "Action required: data load error in a user process");
constexpr SeverityRow kArInstruction = action_required(Context::user, kInstruction,
    MCE_AR_SEVERITY, "Action required: instruction fetch error in a user process");
constexpr SeverityRow kKernelData = action_required(Context::kernel, kDataLoad,
    MCE_PANIC_SEVERITY, "Data load in unrecoverable area of kernel");
constexpr SeverityRow kKernelInstruction = action_required(Context::kernel, kInstruction,
    MCE_PANIC_SEVERITY, "Instruction fetch error in kernel");
constexpr SeverityRow kArUnknown{.ser = Ser::required, .status_mask = kOverUcSAr,
    .status_value = kUcSAr, .severity = MCE_PANIC_SEVERITY,
    .message = "Action required: unknown MCACOD"};
constexpr SeverityRow kAoUnknown{.ser = Ser::required, .status_mask = kOverUcSAr,
    .status_value = kUcS, .severity = MCE_SOME_SEVERITY,
    .message = "Action optional: unknown MCACOD"};
constexpr SeverityRow kAoLost{.ser = Ser::required, .status_mask = kOverUcSAr,
    .status_value = MCI_STATUS_OVER | kUcS, .severity = MCE_SOME_SEVERITY,
    .message = "Action optional with lost events"};
constexpr SeverityRow kOverflow{.status_mask = MCI_STATUS_OVER | MCI_STATUS_UC,
    .status_value = MCI_STATUS_OVER | MCI_STATUS_UC, .severity = MCE_PANIC_SEVERITY,
    .message = "Overflowed uncorrected"};
constexpr SeverityRow kUncorrected{.status_mask = MCI_STATUS_UC, .status_value = MCI_STATUS_UC,
    .severity = MCE_UC_SEVERITY, .message = "Uncorrected"};
constexpr SeverityRow kNoMatch{.severity = MCE_SOME_SEVERITY, .message = "No match"};

constexpr SeverityRow kTableV4[] = {
    kInvalid, kNotEnabled, kPcc, kNoMcip, kNoIp, kKernelNoRestart, kRecovNoRestart,
    kDeferred, kCorrected, scrub(MCI_STATUS_OVER), write_back(MCI_STATUS_OVER), kUcna, kIllegal,
    non_signalled("Non signalled machine check"), kArLost, kUnaffected, kArRecov, kArData,
    kArInstruction, kKernelData, kArUnknown, kAoUnknown, kAoLost, kOverflow, kUncorrected,
    kNoMatch,
};
constexpr SeverityRow kTableV6[] = {
    kInvalid, kNotEnabled, kPcc, kNoMcip, kNoIp, kKernelNoRestart, kRecovNoRestart,
    kCorrected, scrub(0), write_back(0), kPatrol, kUcna, kIllegal,
    non_signalled("Non signaled machine check"), kArLost, kUnaffected, kArRecov, kArData,
    kArInstruction, kKernelData, kKernelInstruction, kArUnknown, kAoUnknown, kAoLost, kOverflow,
    kUncorrected, kNoMatch,
};
// clang-format on
static_assert(std::size(kTableV4) == 26 && std::size(kTableV6) == 27);

/// Family 6 model 0x55 is Skylake-X and Cascade Lake; the latter from stepping 5 on.
bool is_skylake_x_patrol(const MceRecord& m) {
    const std::uint32_t family = (m.cpuid >> 8) & 0xf;
    const std::uint32_t model = ((m.cpuid >> 4) & 0xf) | ((m.cpuid >> 12) & 0xf0);
    return family == 6 && model == 0x55 && (m.cpuid & 0xf) >= 4 && m.bank >= 13 && m.bank <= 18;
}

bool context_matches(Context wanted, ErrorContext is) {
    switch (wanted) {
        case Context::any:
            return true;
        case Context::user:
            return is == ErrorContext::user;
        case Context::kernel:
            return is == ErrorContext::kernel;
        case Context::kernel_recov:
            return is == ErrorContext::kernel_recov;
    }
    return false;
}

bool matches(const SeverityRow& row, const MceRecord& m, const GradingInput& in) {
    return (m.status & row.status_mask) == row.status_value &&
           (m.mcgstatus & row.mcg_mask) == row.mcg_value &&
           (row.ser == Ser::any || (row.ser == Ser::required) == in.ser) &&
           (row.from == From::any || in.from_exception) &&
           context_matches(row.context, in.context) && (!row.skylake_x || is_skylake_x_patrol(m));
}

}  // namespace

std::span<const SeverityRow> severity_table_v4() { return kTableV4; }
std::span<const SeverityRow> severity_table_v6() { return kTableV6; }

Grade SeverityGrader::grade(const MceRecord& record, const GradingInput& input) {
    const Latest wanted{record.status, record.mcgstatus, is_skylake_x_patrol(record), input};
    if (grade_.row == 0 || wanted != latest_) {
        latest_ = wanted;
        grade_ = walk(record, input);
    }
    return grade_;
}

Grade SeverityGrader::walk(const MceRecord& record, const GradingInput& input) {
    Grade g;
    for (const SeverityRow& row : table()) {
        ++g.row;
        if (!matches(row, record, input)) continue;
        covered_[g.row - 1] = true;
        g.severity = row.severity;
        g.message = row.message;
        break;
    }
    // In kernel context nothing that needs an action can be recovered; until tolerant was removed
    // an administrator could have it otherwise (kernel.md 1.11, post rules).
    const bool promotes = kernel_uc_panics_ || input.tolerant < 1;
    if (g.severity >= MCE_UC_SEVERITY && input.context == ErrorContext::kernel && promotes)
        g.severity = MCE_PANIC_SEVERITY;
    return g;
}

}  // namespace mcemu::mca
