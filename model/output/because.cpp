#include "output/because.hpp"

#include <algorithm>
#include <variant>

#include "core/mca/status.hpp"
#include "output/dmesg.hpp"
#include "output/text.hpp"
#include "output/unmet_trigger.hpp"
#include "output/words.hpp"

namespace mcemu::output {
namespace {

/// " on pfn 0x...": of the memory_failure() that the deciding record belongs to.
std::string decided_pfn(const RunView& view, const Causes& causes, const EventFate& fate) {
    const std::vector<std::uint32_t> chain = causes.chain(fate.cause);
    for (auto id = chain.rbegin(); id != chain.rend(); ++id) {
        const TraceRecord& r = view.trace[*id];
        if (r.kind == TraceKind::memory_failure || r.kind == TraceKind::memory_failure_end)
            return " on pfn " + hex(r.a);
    }
    return "";
}

/// " (reserved kernel page: Failed)": what memory_failure() said of the event's page last.
std::string action_result(const RunView& view, std::size_t index) {
    std::string out;
    const Dmesg dmesg(view.scenario.kernel.profile, view.names);
    for (const kernel::LogRecord& r : view.kernel.log.records()) {
        if (r.line != kernel::Line::mf_action || r.why.origin != index + 1) continue;
        constexpr std::string_view kBefore = "recovery action for ";
        const std::string text = dmesg.text(r);
        const std::size_t at = text.find(kBefore);
        if (at != std::string::npos) out = " (" + text.substr(at + kBefore.size()) + ")";
    }
    return out;
}

std::string other_event(const Causes& causes, const EventFate& fate) {
    return fate.other == 0 ? std::string("a newer error") : causes.event_id(fate.other - 1);
}

/// What refused an injection that left no trace.
std::string failed_call(const RunView& view, std::size_t index) {
    for (const kernel::SyscallRecord& call : view.kernel.processes.syscalls()) {
        if (call.event != index || call.ret >= 0) continue;
        const std::string_view name = errno_name(static_cast<int>(-call.ret));
        return view.names[call.name] + " returned " +
               (name.empty() ? std::to_string(call.ret) : "-" + std::string(name));
    }
    if (const auto* mce = std::get_if<MceEvent>(&view.scenario.events[index].action))
        return "bank " + std::to_string(mce->bank) + " of CPU " + std::to_string(mce->cpu) +
               " shows nothing of it, and nobody acted on it";
    return "no bank, page or process shows anything of it";
}

/// Whether somebody set corrupt-filter-*: without that it lets everything pass.
bool filter_written(const RunView& view) {
    return std::any_of(view.scenario.events.begin(), view.scenario.events.end(), [](const auto& e) {
        const auto* write = std::get_if<SysctlEvent>(&e.action);
        return write != nullptr && write->name.starts_with("corrupt-filter");
    });
}

/// What a bank shows of an error whose data it did not keep (mce.md 4, table; a count field stands
/// for OVER between corrected errors).
const char* what_is_left(const RunView& view, const EventFate& fate) {
    const bool known = view.trace.holds(fate.cause) &&
                       view.trace[fate.cause].kind == TraceKind::bank_kept;
    const std::uint64_t status = known ? view.trace[fate.cause].b : mca::MCI_STATUS_OVER;
    return status & mca::MCI_STATUS_OVER ? "only STATUS.OVER tells of it"
                                         : "only the count of corrected errors tells of it";
}

std::string mce_place(const RunView& view, std::size_t index) {
    const auto* mce = std::get_if<MceEvent>(&view.scenario.events[index].action);
    return mce ? "bank " + std::to_string(mce->bank) + " of CPU " + std::to_string(mce->cpu)
               : std::string("its bank");
}

std::string panic_text(const RunView& view) {
    for (const kernel::LogRecord& r : view.kernel.log.records())
        if (r.line == kernel::Line::panic) return view.names[static_cast<std::uint32_t>(r.args[0])];
    return "";
}

std::string planted_words(const Causes& causes, std::size_t index) {
    const auto spa = causes.encounters().planted_at(index);
    return "the poison is still in the media" + (spa ? " at SPA " + hex(*spa) : std::string());
}

/// What else is to be known of the records that the event injected: "; 138 of its records ...".
std::string of_its_records(const RunView& view, std::size_t index, const EventFate& fate) {
    std::string out;
    const auto* mce = std::get_if<MceEvent>(&view.scenario.events[index].action);
    if (mce != nullptr && !(mce->status & mca::MCI_STATUS_VAL)
        && fate.fate > Fate::filtered)
        out += "; STATUS.VAL of its record is 0: no bank explains it";
    if (fate.lost > 0 && fate.reason != FateReason::pool_full)
        out += "; " + std::to_string(fate.lost) +
               (fate.lost == 1 ? " record of it was lost" : " records of it were lost") +
               " to the full record pool";
    return out;
}

std::string sentence(const RunView& view, const Causes& causes, std::size_t index,
                     const EventFate& fate) {
    switch (fate.reason) {
        case FateReason::none:
            return fate.fate == Fate::none ? "nothing is known of it" : "";
        case FateReason::en_clear:
            return "STATUS.EN is 0: the #MC handler cleared " + mce_place(view, index) +
                   " without logging it";
        case FateReason::no_such_cpu:
            return "there is no such CPU";
        case FateReason::no_such_bank:
            return mce_place(view, index) + " does not exist";
        case FateReason::bank_disabled:
            return "IA32_MCi_CTL of " + mce_place(view, index) + " disables this error";
        case FateReason::threshold_not_reached:
            return "the count of corrected errors stayed below the threshold in IA32_MCi_CTL2";
        case FateReason::cmci_disabled:
            return "CMCI is off, and no poll came before the end: nobody was told";
        case FateReason::left_in_bank:
            return "the record is still in " + mce_place(view, index) +
                   ": no handler took it, and no poll came before the end";
        case FateReason::val_clear:
            return "STATUS.VAL is 0: to the kernel " + mce_place(view, index) + " holds no record";
        case FateReason::bank_cleared:
            return "the kernel cleared " + mce_place(view, index) + " without reading the record";
        case FateReason::nobody_looked:
            return planted_words(causes, index) + ": nobody read it";
        case FateReason::media_cleared:
            return "the poison was healed before anybody met it";
        case FateReason::no_such_page:
            return "no page of the kernel lies there";
        case FateReason::already_poisoned:
            return "the page was poisoned already";
        case FateReason::pool_full:
            return fate.lost <= 1 ? "the kernel's record pool was full: the record is lost"
                                  : "the kernel's record pool was full: " +
                                        std::to_string(fate.lost) + " records of it are lost";
        case FateReason::filtered_by_kernel:
            return "the kernel filters errors of this kind";
        case FateReason::filter_rejected:
            return filter_written(view)
                       ? "the hwpoison filter did not let the page pass"
                       : "the kernel injects nothing there: the page is free, or part of a huge "
                         "page that cannot be split";
        case FateReason::by_newer_error:
            return other_event(causes, fate) + " overwrote it in " + mce_place(view, index);
        case FateReason::lost_to_older_error:
            return mce_place(view, index) + " held an older error: " + what_is_left(view, fate);
        case FateReason::memory_failure:
            return std::string(fate.fate == Fate::consumed ? "memory_failure() acted"
                                                           : "memory_failure() gave up") +
                   decided_pfn(view, causes, fate) +
                   (fate.fate == Fate::consumed ? std::string() : action_result(view, index));
        case FateReason::signalled:
            return "a process was signalled";
        case FateReason::driver_error:
            return "a driver's copy met the poison and returned an error";
        case FateReason::dma_error:
            return "a device read it by DMA, and the transfer failed";
        case FateReason::kernel_record:
            return "the kernel logged a record of it";
        case FateReason::machine_check_shutdown:
            return "the machine check shut the machine down";
        case FateReason::mcip_set:
            return "#MC while MCG_STATUS.MCIP was still set: the processor shut down";
        case FateReason::cr4_mce_clear:
            return "#MC with CR4.MCE clear: the processor shut down";
        case FateReason::kernel_panic: {
            const std::string text = panic_text(view);
            return text.empty() ? "the kernel panicked" : "the kernel panicked: " + text;
        }
        case FateReason::not_injected:
            return "it injects no error" + causes.encounters().of(index);
        case FateReason::never_triggered:
            return "its trigger never came: " + unmet_trigger(view, causes, index);
        case FateReason::syscall_failed:
            return failed_call(view, index);
    }
    return "";
}

}  // namespace

std::string because(const RunView& view, const Causes& causes, std::size_t index) {
    const EventFate& fate = view.fates[index];
    std::string text = sentence(view, causes, index, fate) + of_its_records(view, index, fate);
    const std::string story = fate.cause != 0 ? causes.story(fate.cause) : std::string{};
    if (!story.empty()) text += (text.empty() ? "(" : " (") + story + ")";
    return text;
}

std::string reason(const RunView& view, const Causes& causes, std::size_t index) {
    return sentence(view, causes, index, view.fates[index]);
}

}  // namespace mcemu::output
