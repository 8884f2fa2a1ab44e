#include "compare/coverage_words.hpp"

#include <algorithm>
#include <array>

#include "core/mca/status.hpp"
#include "output/dmesg.hpp"
#include "output/words.hpp"

namespace mcemu::compare {
namespace {

using kernel::Line;

constexpr std::string_view kPageKind = "page types", kResultKind = "results of memory_failure()",
                           kBankKind = "bank transitions", kPatKind = "PAT and direct map",
                           kNvdimmKind = "NVDIMM operations", kLineKind = "log lines",
                           kRecordKind = "records not logged";

// ---------------------------------------------------------------- banks

enum class Record : std::uint8_t { corrected, ucna, srao, srar, fatal };
constexpr std::array<std::string_view, 5> kRecords = {"corrected", "UCNA", "SRAO", "SRAR", "fatal"};

/// mce.md section 2: UC, PCC, S and AR.
Record record_of(std::uint64_t status) {
    if (!(status & mca::MCI_STATUS_UC)) return Record::corrected;
    if (status & mca::MCI_STATUS_PCC) return Record::fatal;
    if (!(status & mca::MCI_STATUS_S)) return Record::ucna;
    return status & mca::MCI_STATUS_AR ? Record::srar : Record::srao;
}
std::string name_of(std::uint64_t status) {
    return std::string(kRecords[static_cast<std::size_t>(record_of(status))]);
}
bool uncorrected(std::uint64_t status) { return (status & mca::MCI_STATUS_UC) != 0; }

constexpr std::string_view kKept[] = {
    "a corrected record kept, a corrected one counted", "an uncorrected record kept, a corrected one lost",
    "an uncorrected record kept, an uncorrected one lost"};
std::string_view kept_words(std::uint64_t held, std::uint64_t fresh) {
    if (!uncorrected(held)) return kKept[0];
    return uncorrected(fresh) ? kKept[2] : kKept[1];
}

// ---------------------------------------------------------------- PAT

constexpr std::string_view kPat[] = {
    "a memory type reserved", "a memory type freed", "memory types in conflict",
    "a page of the direct map marked", "a page of the direct map restored",
    "a 1 GiB page of the direct map split", "a 2 MiB page of the direct map split",
    "all TLBs flushed", "one page flushed from the TLBs", "caches flushed",
};

/// Present and write-back: bits 0 to 8 of DirectMapEntry::packed().
bool plain(std::uint64_t packed) {
    return (packed & 0xff) == static_cast<std::uint64_t>(kernel::CacheMode::wb) && (packed >> 8 & 1);
}

// ---------------------------------------------------------------- NVDIMM

constexpr std::string_view kDsm[] = {
    "ars_cap", "ars_start", "ars_status", "clear_error", "inject_error", "inject_clear",
    "inject_status", "smart", "smart_inject", "translate_spa", "smart_threshold",
    "smart_set_threshold", "latch_shutdown"};
constexpr std::string_view kArs[] = {"ARS none", "ARS running", "ARS stopped by overflow", "ARS stopped",
                                     "ARS done"};
constexpr std::string_view kBio[] = {"read", "write", "discard"};

std::string dsm_words(std::uint64_t function, bool failed) {
    const std::string name = function < std::size(kDsm) ? std::string(kDsm[function])
                                                        : "function " + std::to_string(function);
    return "_DSM " + name + (failed ? " failed" : "");
}
std::string bio_words(std::uint64_t op, bool failed) {
    return "block " + (op < std::size(kBio) ? std::string(kBio[op]) : std::to_string(op)) +
           (failed ? " failed" : "");
}
constexpr std::string_view kNvdimm[] = {
    "poison planted", "poison cleared", "poison read", "a bad range added", "a bad range forgotten",
    "bad blocks set", "bad blocks cleared", "NFIT notification"};

// ---------------------------------------------------------------- log lines

/// A line as some kernel prints it, all its values zero.
std::string line_words(Line line) {
    const Names none;
    kernel::LogRecord sample{};
    sample.line = line;
    std::string text;
    for (const ProfileId id : {ProfileId::v6_1, ProfileId::v4_19, ProfileId::v4_18})
        if (text.empty()) text = output::Dmesg(id, none).text(sample);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) text.pop_back();
    std::string number = std::to_string(static_cast<unsigned>(line));
    number.insert(0, number.size() < 3 ? 3 - number.size() : 0, '0');
    return number + " " + text;
}

/// "dirty LRU page" of "... recovery action for dirty LRU page: Recovered", and the result.
std::pair<std::string, std::string> action_words(std::uint64_t type, std::uint64_t result) {
    const Names none;
    kernel::LogRecord sample{};
    sample.line = Line::mf_action;
    sample.args[1] = type;
    sample.args[2] = result;
    const std::string text = output::Dmesg(ProfileId::v6_1, none).text(sample);
    constexpr std::string_view kBefore = "recovery action for ";
    const std::size_t begin = text.find(kBefore), end = text.rfind(": ");
    if (begin == std::string::npos || end == std::string::npos) return {text, text};
    return {text.substr(begin + kBefore.size(), end - begin - kBefore.size()), text.substr(end + 2)};
}

template <std::size_t N>
CoverageKind kind_of(std::string_view name, const std::string_view (&things)[N]) {
    return {std::string(name), {std::begin(things), std::end(things)}};
}

}  // namespace

std::string row_words(unsigned number, const mca::SeverityRow& row) {
    return std::to_string(number) + " " + std::string(output::word(row.severity)) + ": " +
           std::string(row.message);
}

std::string side_words(const ProfileRule& rule, const kernel::Profile& own) {
    std::string out(rule.name);
    const char* separator = " as in ";
    for (const kernel::Profile& p : kernel::profiles()) {
        if (!rule.same(p, own)) continue;
        out += separator + std::string(p.name);
        separator = ", ";
    }
    return out;
}

std::vector<CoverageKind> record_kinds() {
    CoverageKind pages{std::string(kPageKind), {}}, results{std::string(kResultKind), {}};
    for (std::uint64_t t = 0; t <= static_cast<std::uint64_t>(kernel::PageType::unknown); ++t)
        pages.things.push_back(action_words(t, 0).first);
    for (std::uint64_t r = 0; r <= static_cast<std::uint64_t>(kernel::MfResult::recovered); ++r)
        results.things.push_back(action_words(0, r).second);
    CoverageKind banks{std::string(kBankKind), {}};
    for (const std::string_view r : kRecords) banks.things.push_back("empty to " + std::string(r));
    banks.things.emplace_back("a corrected record overwritten");
    for (const std::string_view k : kKept) banks.things.emplace_back(k);
    banks.things.emplace_back("cleared");
    CoverageKind records{std::string(kRecordKind), {}};
    for (unsigned why = 0; why < static_cast<unsigned>(DropReason::count_); ++why)
        records.things.emplace_back(output::word(static_cast<DropReason>(why)));
    CoverageKind nvdimm = kind_of(kNvdimmKind, kNvdimm);
    for (std::uint64_t f = 0; f < std::size(kDsm); ++f) nvdimm.things.push_back(dsm_words(f, false));
    for (const std::uint64_t f : {1u, 2u, 3u}) nvdimm.things.push_back(dsm_words(f, true));
    for (std::size_t s = 1; s < std::size(kArs); ++s) nvdimm.things.emplace_back(kArs[s]);
    for (std::uint64_t op = 0; op < std::size(kBio); ++op)
        nvdimm.things.push_back(bio_words(op, false));
    for (const std::uint64_t op : {0u, 1u}) nvdimm.things.push_back(bio_words(op, true));
    CoverageKind lines{std::string(kLineKind), {}};
    for (unsigned l = 0; l < static_cast<unsigned>(Line::count_); ++l)
        lines.things.push_back(line_words(static_cast<Line>(l)));
    return {std::move(pages), std::move(results), std::move(banks), std::move(records), kind_of(kPatKind, kPat),
            std::move(nvdimm), std::move(lines)};
}

void reached_in(const RunView& view,
                const std::function<void(const std::string&, const std::string&)>& reached) {
    const auto say = [&](std::string_view kind, std::string_view thing) {
        reached(std::string(kind), std::string(thing));
    };
    const mca::SeverityGrader& grader = view.kernel.machine_check_core.grader();
    unsigned number = 0;
    const bool v6 = view.scenario.kernel.profile == ProfileId::v6_1;
    for (const mca::SeverityRow& row : grader.table())
        if (grader.covered(++number)) say(v6 ? kRowsV6Kind : kRowsV4Kind, row_words(number, row));

    for (const kernel::LogRecord& r : view.kernel.log.records()) {
        say(kLineKind, line_words(r.line));
        if (r.line != Line::mf_action) continue;
        const auto [type, result] = action_words(r.args[1], r.args[2]);
        say(kPageKind, type);
        say(kResultKind, result);
    }
    for (std::uint32_t id = view.trace.first(); id <= view.trace.count(); ++id) {
        if (!view.trace.holds(id)) continue;
        const TraceRecord& r = view.trace[id];
        switch (r.kind) {
            case TraceKind::bank_logged: say(kBankKind, "empty to " + name_of(r.b)); break;
            case TraceKind::bank_overwritten:
                if (!uncorrected(r.b)) say(kBankKind, "a corrected record overwritten");
                break;
            case TraceKind::bank_kept: say(kBankKind, kept_words(r.b, r.c)); break;
            case TraceKind::bank_cleared: say(kBankKind, "cleared"); break;
            case TraceKind::mce_dropped:
                say(kRecordKind, output::word(static_cast<DropReason>(r.c)));
                break;
            case TraceKind::memtype_reserved: say(kPatKind, kPat[0]); break;
            case TraceKind::memtype_freed: say(kPatKind, kPat[1]); break;
            case TraceKind::memtype_conflict: say(kPatKind, kPat[2]); break;
            case TraceKind::direct_map: say(kPatKind, plain(r.b) ? kPat[4] : kPat[3]); break;
            case TraceKind::direct_map_split: say(kPatKind, r.b == 30 ? kPat[5] : kPat[6]); break;
            case TraceKind::tlb_flush: say(kPatKind, r.a ? kPat[7] : kPat[8]); break;
            case TraceKind::cache_flush: say(kPatKind, kPat[9]); break;
            case TraceKind::poison_planted: say(kNvdimmKind, kNvdimm[0]); break;
            case TraceKind::poison_cleared: say(kNvdimmKind, kNvdimm[1]); break;
            case TraceKind::poison_read: say(kNvdimmKind, kNvdimm[2]); break;
            case TraceKind::badrange_added: say(kNvdimmKind, kNvdimm[3]); break;
            case TraceKind::badrange_forgotten: say(kNvdimmKind, kNvdimm[4]); break;
            case TraceKind::badblocks_set: say(kNvdimmKind, kNvdimm[5]); break;
            case TraceKind::badblocks_cleared: say(kNvdimmKind, kNvdimm[6]); break;
            case TraceKind::nfit_notify: say(kNvdimmKind, kNvdimm[7]); break;
            case TraceKind::dsm: say(kNvdimmKind, dsm_words(r.a, (r.b & 0xffff) != 0)); break;
            case TraceKind::ars:
                if (r.a != 0 && r.a < std::size(kArs)) say(kNvdimmKind, kArs[r.a]);
                break;
            case TraceKind::bio:
                say(kNvdimmKind, bio_words(r.c & 0xff, static_cast<std::int64_t>(r.c) >> 8 != 0));
                break;
            default: break;
        }
    }
}

}  // namespace mcemu::compare
