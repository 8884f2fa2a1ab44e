#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/fidelity/fidelity.hpp"
#include "core/kernel/profile.hpp"
#include "options.hpp"
#include "output/atomic_file.hpp"

namespace mcemu::cli {
namespace {

using kernel::PoisonMarking;
using kernel::Profile;

std::string hex(std::uint64_t value) {
    std::string digits;
    do {
        digits.insert(digits.begin(), "0123456789abcdef"[value & 15]);
        value >>= 4;
    } while (value != 0);
    return "0x" + digits;
}
std::string shown(bool value) { return value ? "yes" : "no"; }
std::string shown(unsigned value) { return std::to_string(value); }
std::string shown(std::string_view value) { return std::string(value); }
std::string shown(PoisonMarking value) {
    switch (value) {
        case PoisonMarking::unmap_for_good:
            return "not present, for good";
        case PoisonMarking::uncacheable:
            return "UC-, reversible";
        case PoisonMarking::not_present:
            return "not present, reversible";
    }
    return "?";
}

struct Rule {
    const char* topic;
    const char* name;
    const char* sentence;
    std::string (*value)(const Profile&);
};

#define RULE(topic, member, sentence)                                              \
    Rule {                                                                         \
        topic, #member, sentence, [](const Profile& p) { return shown(p.member); } \
    }

// The order of kernel::Profile; one entry per rule.
constexpr std::array kRules = {
    Rule{"memory map", "page_offset_4level", "the direct map begins at (4-level paging)",
         [](const Profile& p) { return hex(p.page_offset_4level); }},
    Rule{"memory map", "page_offset_5level", "the direct map begins at (5-level paging)",
         [](const Profile& p) { return hex(p.page_offset_5level); }},

    RULE("machine checks", has_tolerant, "mce.tolerant exists"),
    RULE("machine checks", task_work,
         "memory_failure() runs as task work, not in the #MC handler's tail"),
    RULE("machine checks", uc_notifier_handles_ucna,
         "UCNA records are offlined too, not only action-optional ones"),
    RULE("machine checks", local_panic_prints_bank,
         "a local fatal panic names the real bank (else bank 0)"),
    RULE("machine checks", reports_missing_cpus,
         "a rendezvous timeout lists the CPUs that did not answer"),
    RULE("machine checks", printer_looks_at_kflags,
         "the default printer prints what nobody handled (else: when at most 3 decoders are "
         "loaded)"),
    RULE("machine checks", taint_after_rendezvous,
         "the taint line comes after the rendezvous (else during the scan)"),
    RULE("machine checks", copyin_recovers,
         "poison in copy_from_user() gives -EFAULT instead of a panic"),
    RULE("machine checks", prints_ppin, "records print PPIN"),
    RULE("machine checks", grades_kernel_uc_as_panic,
         "an uncorrected error in the kernel panics unless graded otherwise"),
    RULE("machine checks", record_pool_capacity, "records that the pool holds"),
    RULE("machine checks", poll_checks_s_only, "a poll skips by the S bit alone"),
    RULE("machine checks", mce_prefix_on_storm, "CMCI storm and pool lines begin with \"mce: \""),

    RULE("memory_failure", dev_pagemap,
         "DAX pages have a path of their own (else: reserved kernel page, Failed)"),
    RULE("memory_failure", dev_pagemap_head, "device-dax acts on the head of the compound page"),
    RULE("memory_failure", dax_counts_hardware_corrupted, "DAX pages count in HardwareCorrupted"),
    RULE("memory_failure", dax_hole_is_start_plus_size,
         "the unmapped hole of a DAX file is start + size long (erratum)"),
    RULE("memory_failure", dax_not_mapped_is_sigkill,
         "a DAX mapping that was never touched is killed by SIGKILL"),
    RULE("memory_failure", ao_to_all_sharers,
         "all sharers of a DAX page are told, whatever their policy"),
    RULE("memory_failure", late_policy_beats_sysctl,
         "a process's late-kill policy beats the sysctl"),
    RULE("memory_failure", already_poisoned_is_error,
         "an already poisoned page returns -EHWPOISON (else 0)"),
    RULE("memory_failure", already_poisoned_kills_accessor,
         "who touches an already poisoned page is signalled"),
    RULE("memory_failure", unhandlable_pages,
         "slab and reserved pages are \"unhandlable\", Ignored (else named, Failed)"),
    RULE("memory_failure", free_page_recovered, "a free page is Recovered (else Delayed)"),
    RULE("memory_failure", counts_every_action,
         "HardwareCorrupted rises with every action, whatever its result"),
    RULE("memory_failure", reference_check_everywhere, "every action checks for left-over users"),
    RULE("memory_failure", hugetlb_needs_pmd_size, "huge pages other than 2 MiB are Ignored"),
    RULE("memory_failure", hugetlb_shared_stays_cached,
         "a poisoned shared huge page stays in its file"),
    RULE("memory_failure", shmem_stays_cached, "a poisoned shared-memory page stays in its file"),
    RULE("memory_failure", serialised, "one memory_failure() at a time"),
    RULE("memory_failure", unpoison_refused_after_real,
         "unpoison-pfn is refused after a real error"),

    RULE("injection", madvise_drops_reference, "MADV_HWPOISON drops its page reference first"),
    RULE("injection", madvise_skips_poisoned, "MADV_HWPOISON skips pages already poisoned"),
    RULE("injection", madvise_keeps_count, "MADV_HWPOISON hands its reference to memory_failure()"),
    RULE("injection", corrupt_pfn_takes_reference, "corrupt-pfn takes a page reference"),

    RULE("PAT and direct map", marking, "a poisoned page in the direct map becomes"),
    RULE("PAT and direct map", sanitizes_memtype,
         "decoy addresses are sanitized before the memtype look-up"),
    RULE("PAT and direct map", decoy_forces_full_flush, "marking flushes all TLBs and caches"),
    RULE("PAT and direct map", memtype_list_v6, "pat_memtype_list prints \"PAT: [mem ...]\" lines"),
    RULE("PAT and direct map", memtype_range_by_section,
         "pmem's write-back entry is rounded out to 128 MiB"),

    RULE("DAX and pmem", devdax_page_mapping, "device-dax pages know their mapping"),
    RULE("DAX and pmem", devdax_page_index, "device-dax pages know their index"),
    RULE("DAX and pmem", fsdax_page_index, "filesystem-dax pages know their index"),
    RULE("DAX and pmem", dax_lock, "memory_failure() locks the DAX entry"),
    RULE("DAX and pmem", clear_restores_page,
         "clearing poison restores the page in the direct map"),
    RULE("DAX and pmem", clear_before_write,
         "a write to a bad block clears first and writes only then"),
    RULE("DAX and pmem", dax_recovery_write,
         "write(2) to a bad range of a DAX file can recover it"),
    RULE("DAX and pmem", region_clear_off_by_one,
         "the region's badblocks keep a cleared range that ends at the region's end (erratum)"),
    RULE("DAX and pmem", nfit_takes_corrected, "corrected errors add bad blocks too"),
    RULE("DAX and pmem", nfit_rounds_up_to_line,
         "a bad range begins at the address rounded up to 64 bytes (else down to MISC.LSB)"),
    RULE("DAX and pmem", revokes_devmem,
         "enabling a namespace takes its range away from maps of /dev/mem"),
    RULE("DAX and pmem", nfit_sets_handled,
         "an error in pmem counts as handled: it is not printed"),
    RULE("DAX and pmem", kill_verb, "the kill line says"),
};
#undef RULE

bool differs(const Rule& rule) {
    const auto all = kernel::profiles();
    for (const Profile& p : all)
        if (rule.value(p) != rule.value(all.front())) return true;
    return false;
}

std::string profiles_table(bool everything) {
    std::string out;
    for (const Profile& p : kernel::profiles())
        out +=
            std::string(p.name) + "  " + std::string(p.release) + ": " + std::string(p.what) + "\n";
    std::string_view topic;
    for (const Rule& rule : kRules) {
        if (!everything && !differs(rule)) continue;
        if (topic != rule.topic) {
            topic = rule.topic;
            out += "\n" + std::string(topic) + "\n";
        }
        out += "  " + std::string(rule.sentence) + "\n     ";
        for (const Profile& p : kernel::profiles())
            out += " " + std::string(p.name) + ": " + rule.value(p) +
                   (&p == &kernel::profiles().back() ? "\n" : ";");
    }
    return out;
}

std::string profiles_json() {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Profile& p : kernel::profiles()) {
        nlohmann::ordered_json rules = nlohmann::ordered_json::object();
        for (const Rule& rule : kRules) {
            const std::string value = rule.value(p);
            if (value == "yes" || value == "no")
                rules[rule.name] = value == "yes";
            else
                rules[rule.name] = value;
        }
        list.push_back(
            {{"name", p.name}, {"release", p.release}, {"what", p.what}, {"rules", rules}});
    }
    return list.dump(2) + "\n";
}

const char* shown(fidelity::Check check) {
    switch (check) {
        case fidelity::Check::record:
            return "record";
        case fidelity::Check::spec:
            return "spec only";
        case fidelity::Check::inferred:
            return "inferred";
    }
    return "?";
}

/// What pins a rule, as a reader finds it: "linux-4.18/NAME" in tests/data/oracle, or a scenario.
struct Evidence {
    std::vector<std::string> records, scenarios;
    explicit Evidence(const fidelity::Rule& rule) {
        for (const std::string_view word : fidelity::words(rule.evidence))
            for (std::string path : fidelity::paths(word)) {
                if (path.starts_with("scenarios/")) {
                    scenarios.push_back(std::move(path));
                } else {
                    constexpr std::string_view kFolder = "tests/data/oracle/", kEnding = ".json";
                    records.push_back(path.substr(
                        kFolder.size(), path.size() - kFolder.size() - kEnding.size()));
                }
            }
    }
};

std::string fidelity_text() {
    std::string out = "Records: tests/data/oracle, made by real kernels. \"spec only\": tested "
                      "against what was read\nin the source named; \"inferred\": nobody has seen "
                      "it happen.\n";
    for (const fidelity::Subject& subject : fidelity::subjects()) {
        out += "\n" + std::string(subject.name) + " (" + std::string(subject.section) + ")\n";
        for (const fidelity::Rule& rule : subject.rules) {
            const Evidence evidence(rule);
            out += "  " + std::string(rule.rule) + "\n      from:    " + std::string(rule.source) +
                   "\n      checked: " + shown(rule.check) + "\n";
            for (const std::string& record : evidence.records)
                out += "               " + record + "\n";
            for (const std::string& scenario : evidence.scenarios)
                out += "               " + scenario + "\n";
            if (!rule.knobs.empty()) out += "      set by:  " + std::string(rule.knobs) + "\n";
        }
    }
    return out;
}

std::string fidelity_json() {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const fidelity::Subject& subject : fidelity::subjects()) {
        nlohmann::ordered_json rules = nlohmann::ordered_json::array();
        for (const fidelity::Rule& rule : subject.rules) {
            const Evidence evidence(rule);
            rules.push_back({{"rule", rule.rule},
                             {"source", rule.source},
                             {"checked", shown(rule.check)},
                             {"records", evidence.records},
                             {"scenarios", evidence.scenarios},
                             {"knobs", fidelity::words(rule.knobs)}});
        }
        list.push_back({{"subject", subject.name}, {"section", subject.section}, {"rules", rules}});
    }
    return list.dump(2) + "\n";
}

}  // namespace

int cmd_profiles(const Args& args) {
    CommandLine line;
    line.usage = "profiles [--all | --fidelity] [--format text|json]";
    line.what =
        "Prints the emulated kernels and the rules in which they differ. A scenario chooses one "
        "in\n"
        "kernel/profile, `mcemu run --profile` overrides it.";
    // clang-format off
    line.visible.add_options()
        ("all", "also the rules in which they agree")
        ("fidelity", "every rule that is modelled: where it comes from, how it was checked")
        ("format", boost::program_options::value<std::string>()->default_value("text")
             ->value_name("FORMAT"), "text or json")
        ("json", "short for --format json");
    // clang-format on
    const auto values = parse(line, args);
    if (!values) return kDone;
    const std::string format = (*values)["format"].as<std::string>();
    if (format != "text" && format != "json")
        throw UsageError("--format takes text or json, not '" + format + "'");
    const bool json = format == "json" || values->count("json") > 0;
    const bool all = values->count("all") > 0;
    if (values->count("fidelity")) {
        if (all) throw UsageError("--all says which differences, --fidelity shows rules: not both");
        output::write_file("-", json ? fidelity_json() : fidelity_text());
    } else {
        output::write_file("-", json ? profiles_json() : profiles_table(all));
    }
    return kDone;
}

}  // namespace mcemu::cli
