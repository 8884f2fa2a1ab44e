#include "compare/proposal_pool.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "compare/proposal_scenarios.hpp"
#include "core/kernel/profile.hpp"
#include "core/mca/severity.hpp"
#include "core/mca/status.hpp"
#include "scenario/quantity.hpp"

namespace mcemu::compare {
namespace {

using Json = nlohmann::ordered_json;
using scenario::hex_text;

/// Collects scenarios of one kernel.
class Pool {
public:
    Pool(std::string_view profile, std::vector<Json>& into) : profile_(profile), into_(into) {}

    /// A scenario of these events; `rest` holds further members.
    void add(const std::string& name, Json events, Json rest = Json::object()) {
        Json s = {{"schema", "mcemu/scenario/1"},
                  {"name", name + "-" + std::string(profile_)},
                  {"kernel", {{"profile", profile_}}}};
        for (const auto& [key, value] : rest.items()) {
            if (key == "kernel") s["kernel"].update(value);
            else s[key] = value;
        }
        s["events"] = std::move(events);
        into_.push_back(std::move(s));
    }

private:
    std::string_view profile_;
    std::vector<Json>& into_;
};

Json event(const char* what, Json fields, const char* at = "1ms") {
    Json e = {{"at", at}, {"do", what}};
    for (const auto& [key, value] : fields.items()) e[key] = value;
    return e;
}

// ---------------------------------------------------------------- machine checks

constexpr std::uint64_t kBase = mca::MCI_STATUS_VAL | mca::MCI_STATUS_EN;

/// A record that satisfies the row's own conditions; what the row leaves open comes from `rest`.
void add_row(Pool& pool, unsigned number, const mca::SeverityRow& row, std::uint64_t rest, bool poll,
             const std::string& name) {
    const std::uint64_t status =
        ((kBase | rest) & ~row.status_mask) | row.status_value | 0x0134;
    const bool kernel_context = row.context == mca::SeverityRow::Context::kernel ||
                                row.context == mca::SeverityRow::Context::kernel_recov;
    std::uint64_t mcgstatus = poll ? 0 : 5;  // RIPV, MCIP
    mcgstatus = (mcgstatus & ~row.mcg_mask) | row.mcg_value;
    Json mce = {{"cpu", 0},
                {"bank", 5},
                {"status", hex_text(status)},
                {"mcgstatus", hex_text(mcgstatus)},
                {"addr", "0x5000000"},
                {"misc", "0x86"}};
    if (!kernel_context && !poll) {
        mce["cs"] = "0x33";
        mce["ip"] = "0x400000";
    }
    if (poll) mce["poll"] = true;
    Json more = Json::object();
    if (row.ser == mca::SeverityRow::Ser::forbidden) more["machine"] = {{"mca", {{"ser", false}}}};
    pool.add("row-" + std::to_string(number) + name, Json::array({event("mce", mce)}), more);
}

void add_severities(Pool& pool, ProfileId id) {
    const auto table =
        id == ProfileId::v6_1 ? mca::severity_table_v6() : mca::severity_table_v4();
    const std::uint64_t uc = mca::MCI_STATUS_UC, with_address = mca::MCI_STATUS_ADDRV | mca::MCI_STATUS_MISCV;
    unsigned number = 0;
    for (const mca::SeverityRow& row : table) {
        ++number;
        for (const bool poll : {false, true}) {
            if (poll && row.from == mca::SeverityRow::From::exception) continue;
            const std::string how = poll ? "-poll" : "";
            add_row(pool, number, row, with_address, poll, "-corrected" + how);
            add_row(pool, number, row, uc | with_address, poll, "-uncorrected" + how);
            add_row(pool, number, row, uc | with_address | mca::MCI_STATUS_PCC, poll, "-context-corrupt" + how);
            add_row(pool, number, row, uc | with_address | mca::MCI_STATUS_OVER, poll, "-overflow" + how);
            add_row(pool, number, row, uc | with_address | mca::MCI_STATUS_S | mca::MCI_STATUS_AR, poll,
                    "-action-required" + how);
        }
    }
}

void add_banks(Pool& pool) {
    const std::pair<const char*, std::uint64_t> records[] = {
        {"corrected", kBase | mca::MCI_STATUS_ADDRV | 0x90},
        {"ucna", kBase | mca::MCI_STATUS_UC | mca::MCI_STATUS_ADDRV | mca::MCI_STATUS_MISCV | 0x90},
        {"srao", kBase | mca::MCI_STATUS_UC | mca::MCI_STATUS_S | mca::MCI_STATUS_ADDRV |
                     mca::MCI_STATUS_MISCV | 0xc0},
        {"fatal", kBase | mca::MCI_STATUS_UC | mca::MCI_STATUS_PCC | 0x90}};
    for (const auto& [first, one] : records)
        for (const auto& [second, two] : records) {
            const auto latch = [](std::uint64_t status) {
                return event("mce", {{"cpu", 0}, {"bank", 7}, {"status", hex_text(status)},
                                     {"mcgstatus", "0x0"}, {"addr", "0x5000000"}, {"misc", "0x86"},
                                     {"poll", true}});
            };
            pool.add("bank-" + std::string(first) + "-then-" + second, Json::array({latch(one), latch(two)}),
                     {{"kernel", {{"boot", {{"mce.cmci_disabled", true}}}}}});
        }
}

// ---------------------------------------------------------------- memory

void add_pages(Pool& pool) {
    for (const char* state : {"buddy", "pcp", "slab", "reserved", "kernel", "pagetable", "offline", "high_order",
                              "hugetlb_free", "device_private"}) {
        const Json pages = {{"kernel_pages", Json::array({{{"at", "0x4000000"}, {"size", "2MiB"}, {"state", state}}})}};
        pool.add(std::string("page-") + state, Json::array({event("hwpoison_pfn", {{"pfn", "0x4000"}})}), pages);
        pool.add(std::string("page-soft-") + state,
                 Json::array({event("call", {{"function", "soft_offline_page"}, {"arguments", Json::array({"0x4000", "0x0"})}})}),
                 pages);
    }
    struct Kind {
        const char *kind, *page, *share;
    };
    for (const Kind& k : {Kind{"anon", "4KiB", "private"}, Kind{"shmem", "4KiB", "shared"}, Kind{"hugetlb", "2MiB", "shared"},
                          Kind{"hugetlb", "2MiB", "private"}})
        for (const char* state : {"dirty", "clean", "mlocked", "swapcache", "thp", "untouched", "unevictable", "ksm"})
            for (const char* sigbus : {"default", "handler"}) {
                const Json process = {
                    {"processes",
                     Json::array({{{"id", "p"}, {"pid", 5421}, {"comm", "p"}, {"mce_kill", "early"}, {"sigbus", sigbus},
                                   {"maps", Json::array({{{"id", "m"}, {"va", "0x40000000"}, {"size", "2MiB"},
                                                          {"at", "0x10000000"}, {"kind", k.kind}, {"page", k.page},
                                                          {"share", k.share}, {"state", state}}})}}})}};
                const std::string name = std::string(k.kind) + "-" + k.share + "-" + state + "-" + sigbus;
                const auto advise = [](const char* advice, const char* at) {
                    return event("madvise", {{"process", "p"}, {"va", "0x40000000"}, {"size", "4KiB"}, {"advice", advice}}, at);
                };
                pool.add("hwpoison-" + name, Json::array({advise("hwpoison", "1ms"), advise("hwpoison", "2ms")}), process);
                pool.add("soft-" + name, Json::array({advise("soft_offline", "1ms"), advise("soft_offline", "2ms")}), process);
                pool.add("load-" + name,
                         Json::array({event("poison", {{"spa", "0x10000000"}, {"length", "64B"}}),
                                      event("load", {{"process", "p"}, {"va", "0x40000000"}}, "2ms"),
                                      event("load", {{"process", "p"}, {"va", "0x40000000"}}, "3ms")}),
                         process);
            }
    pool.add("unpoison", Json::array({event("hwpoison_pfn", {{"pfn", "0x4000"}}),
                                      event("unpoison_pfn", {{"pfn", "0x4000"}}, "2ms"),
                                      event("unpoison_pfn", {{"pfn", "0x4000"}}, "3ms")}));
}

Json races_with(const char* phase, const char* what, Json fields) {
    Json e = {{"after", {{"phase", phase}}}, {"do", what}};
    for (const auto& [key, value] : fields.items()) e[key] = value;
    return Json::array({event("hwpoison_pfn", {{"pfn", "0x41000"}}), e});
}

/// Pages of files, what comes between an error and its handling, and what is done behind it.
void add_handling(Pool& pool) {
    const Json files = Json::array({{{"id", "f0"}, {"fs", "ext4"}, {"dax", false}, {"path", "/data/f0"}, {"size", "16KiB"}}});
    const auto process = [](const char* kind, const char* state, const char* policy = "early") {
        Json map = {{"id", "m"}, {"va", "0x7f1000000000"}, {"size", "16KiB"}, {"kind", kind}, {"state", state}, {"at", "0x41000000"}};
        if (std::string_view(kind) == "file") map["of"] = "f0";
        return Json::array({{{"id", "p"}, {"pid", 700}, {"comm", "p"}, {"cpu", 1}, {"mce_kill", policy}, {"maps", Json::array({map})}}});
    };
    const auto call = [](const char* function, const char* at) {
        return event("call", {{"function", function}, {"arguments", Json::array({"0x41000", "0x0"})}}, at);
    };
    const Json bad = event("hwpoison_pfn", {{"pfn", "0x41000"}});
    for (const char* state : {"dirty", "clean", "mlocked", "unevictable"}) {
        const Json rest = {{"files", files}, {"processes", process("file", state)}};
        pool.add(std::string("file-") + state, Json::array({bad, call("memory_failure", "2ms")}), rest);
        pool.add(std::string("file-soft-") + state,
                 Json::array({call("soft_offline_page", "1ms"), call("soft_offline_page", "2ms")}), rest);
    }
    const Json anonymous = {{"processes", process("anon", "dirty")}};
    pool.add("race-exit", races_with("kernel.mf_collect", "exit", {{"process", "p"}}), anonymous);
    pool.add("race-unpoison", races_with("kernel.mf_lock", "unpoison_pfn", {{"pfn", "0x41000"}}), anonymous);
    pool.add("race-truncate", races_with("kernel.mf_lock", "truncate", {{"file", "f0"}, {"size", 0}}),
             {{"files", files}, {"processes", process("file", "dirty")}});
    pool.add("unpoison-refused",
             Json::array({bad, call("memory_failure", "2ms"), event("unpoison_pfn", {{"pfn", "0x41000"}}, "3ms")}), anonymous);
    pool.add("late-policy", Json::array({call("memory_failure", "1ms")}),
             {{"processes", process("anon", "dirty", "late")},
              {"kernel", {{"sysctl", {{"memory_failure_early_kill", 1}}}}}});
    for (const char* state : {"buddy", "pcp", "slab", "hugetlb_free"})
        pool.add(std::string("unpoison-") + state,
                 Json::array({call("memory_failure", "1ms"), event("unpoison_pfn", {{"pfn", "0x41000"}}, "2ms"),
                              event("unpoison_pfn", {{"pfn", "0x41000"}}, "3ms")}),
                 {{"kernel_pages", Json::array({{{"at", "0x41000000"}, {"size", "2MiB"}, {"state", state}}})}});
    pool.add("fake-panic",
             Json::array({event("sysctl", {{"name", "fake_panic"}, {"value", 1}}, "500us"),
                          event("mce", {{"cpu", 1}, {"bank", 1}, {"status", "0xbe00000000000134"}, {"mcgstatus", "0x5"},
                                        {"addr", "0x41000040"}, {"misc", "0x86"}})}));
    pool.add("firmware-details",
             Json::array({event("cper", {{"severity", "recoverable"}, {"address", "0x41000000"},
                                         {"mask", "0xfffffffffffff000"}, {"error_type", 3}}),
                          event("cper", {{"severity", "recoverable"}, {"address", "0xfffffffff000"}}, "2ms")}));
}

void add_pat(Pool& pool) {
    const auto call = [](const char* function, Json arguments, const char* at) {
        return event("call", {{"function", function}, {"arguments", std::move(arguments)}}, at);
    };
    const Json range = Json::array({"0x300000000", "0x300001000", "0x2"}), other = Json::array({"0x300000000", "0x300001000", "0x0"}),
               ends = Json::array({"0x300000000", "0x300001000"});
    pool.add("memtypes", Json::array({call("reserve_memtype", range, "1ms"), call("reserve_memtype", other, "2ms"),
                                      call("free_memtype", ends, "3ms"), call("free_memtype", ends, "4ms")}),
             {{"kernel", {{"boot", {{"debugpat", true}}}}}});
    for (const char* pfn : {"0x4000", "0x40000"})
        pool.add(std::string("nospec-") + pfn,
                 Json::array({call("set_mce_nospec", Json::array({pfn}), "1ms"), call("clear_mce_nospec", Json::array({pfn}), "2ms")}));
}

// ---------------------------------------------------------------- persistent memory

Json pmem_machine(const char* mode) {
    return {{"machine",
             {{"memory", Json::array({{{"id", "dram0"}, {"base", "0x0"}, {"size", "2GiB"}}})},
              {"nvdimms", Json::array({{{"id", "nmem0"}, {"size", "1GiB"}, {"poison", Json::array({{{"dpa", "0x2001000"}, {"length", "256B"}}})}}})},
              {"regions", Json::array({{{"id", "region0"}, {"base", "0x200000000"}, {"nvdimms", Json::array({"nmem0"})}}})},
              {"namespaces", Json::array({{{"id", "namespace0.0"}, {"region", "region0"}, {"mode", mode}}})}}}};
}

void add_pmem(Pool& pool) {
    for (const char* function : {"ars_cap", "ars_start", "ars_status", "clear_error", "inject_error", "inject_clear",
                                 "inject_status", "translate_spa"}) {
        for (const char* length : {"256B", "100B"})
            pool.add(std::string("dsm-") + function + "-" + length,
                     Json::array({event("dsm", {{"function", function}, {"address", "0x202001000"}, {"length", length}, {"flags", 1}}),
                                  event("dsm", {{"function", function}, {"address", "0x202001000"}, {"length", length}, {"flags", 1}}, "1001us")}),
                     pmem_machine("raw"));
    }
    for (const char* function : {"smart", "smart_inject", "smart_threshold", "latch_shutdown"})
        pool.add(std::string("dsm-") + function, Json::array({event("dsm", {{"function", function}, {"nvdimm", "nmem0"}})}), pmem_machine("raw"));
    for (const char* mode : {"raw", "fsdax", "sector"})
        for (const char* op : {"read", "write", "discard"})
            for (const std::uint64_t sector : {65544u, 65536u, 8u})
                pool.add(std::string("bio-") + mode + "-" + op + "-" + std::to_string(sector),
                         Json::array({event("bio", {{"op", op}, {"namespace", "namespace0.0"}, {"sector", sector}, {"sectors", 8}}),
                                      event("bio", {{"op", "read"}, {"namespace", "namespace0.0"}, {"sector", sector}, {"sectors", 8}}, "2ms")}),
                         pmem_machine(mode));
    for (const char* kind : {"patrol", "ars-short", "ars-full"})
        pool.add(std::string("scrub-") + kind, Json::array({event("scrub", {{"region", "region0"}, {"kind", kind}})}), pmem_machine("fsdax"));
    for (const char* severity : {"recoverable", "fatal", "corrected", "info"})
        pool.add(std::string("cper-") + severity, Json::array({event("cper", {{"severity", severity}, {"address", "0x4000000"}})}));
    // One range more than a table of bad blocks has rows.
    Json full = pmem_machine("raw");
    Json& module = full["machine"]["nvdimms"][0];
    module["max_ars_out"] = "64KiB";
    module["poison"] = Json::array();
    for (std::uint64_t i = 0; i < 513; ++i)
        module["poison"].push_back({{"dpa", hex_text(0x2000000 + i * 0x1000)}, {"length", "64B"}});
    pool.add("bad-blocks-full", Json::array({event("scrub", {{"region", "region0"}, {"kind", "ars-full"}})}), full);
    pool.add("poison-and-heal", Json::array({event("poison", {{"nvdimm", "nmem0"}, {"dpa", "0x3000000"}, {"length", "256B"}}),
                                             event("unpoison_media", {{"nvdimm", "nmem0"}, {"dpa", "0x3000000"}, {"length", "256B"}}, "2ms")}),
             pmem_machine("fsdax"));
}

/// The smallest first: of several that reach a thing, the first is proposed.
std::vector<Json> small_scenarios() {
    std::vector<std::pair<std::string_view, Json>> texts;
    for (const auto* part : {&processor_scenarios(), &memory_scenarios(), &pmem_scenarios()})
        for (const SmallScenario& s : *part) texts.emplace_back(s.name, Json::parse(s.text));
    std::stable_sort(texts.begin(), texts.end(), [](const auto& a, const auto& b) {
        return a.second.dump().size() < b.second.dump().size();
    });
    std::vector<Json> all;
    for (const auto& [name, text] : texts)
        for (const kernel::Profile& p : kernel::profiles()) {
            Json rest = text;
            Json events = rest["events"];
            rest.erase("events");
            Pool(p.name, all).add(std::string(name), std::move(events), rest);
        }
    return all;
}

}  // namespace

std::vector<Json> proposal_pool() {
    std::vector<Json> all = small_scenarios();
    for (const kernel::Profile& p : kernel::profiles()) {
        Pool pool(p.name, all);
        add_severities(pool, p.id);
        add_banks(pool);
        add_pages(pool);
        add_handling(pool);
        add_pat(pool);
        add_pmem(pool);
    }
    return all;
}

}  // namespace mcemu::compare
