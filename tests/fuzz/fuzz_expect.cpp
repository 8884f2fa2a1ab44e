// An "expect" block that passes the check is compared with a result: each thing that is asked for
// gets a finding that can be printed, and nothing throws.
#include "imported.hpp"
#include "output/expect.hpp"

namespace {

const nlohmann::ordered_json& result() {
    static const auto parsed = nlohmann::ordered_json::parse(R"({
 "schema": "mcemu/result/1", "scenario": "s", "profile": "v4.19", "seed": 1, "version": "0", "outcome": "running",
 "panic": null, "class": "recovered", "end_ns": 1034211,
 "log": [{"t_ns": 1000210, "level": 6, "text": "Injecting memory failure for pfn 0x200200 at process virtual address 0x7f763dd00000"},
  {"t_ns": 1000211, "level": 3, "text": "Memory failure: 0x200200: Killing victim:5421 due to hardware memory corruption"},
  {"t_ns": 1000212, "level": 3, "text": "Memory failure: 0x200200: recovery action for dax page: Recovered"}],
 "signals": [{"t_ns": 1031044, "process": "victim", "pid": 5421, "signal": "SIGBUS", "code": "BUS_MCEERR_AR", "addr": "0x7f763dd00000", "lsb": 21}],
 "syscalls": [{"event": "e1", "name": "madvise", "ret": 0, "errno": null}], "accesses": [],
 "processes": [{"id": "victim", "pid": 5421, "state": "killed", "by": "SIGBUS"}],
 "events": [{"id": "e1", "t_ns": 1000000, "fate": "consumed", "because": "x"}],
 "pages": [{"pfn": "0x200200", "flags": ["hwpoison"], "users": 1}],
 "memtypes": ["uncached-minus @ 0x200200000-0x200201000"],
 "direct_map": {"4k_kB": 0, "2M_kB": 0, "1G_kB": 0, "ranges": [{"pfn": "0x200200", "pages": 1, "type": "UC-"}], "split": []},
 "badblocks": {"namespace0.0": "8 1\n"}, "poison": {"nmem0": [{"dpa": "0x1000", "length": 256}]},
 "counters": {"HardwareCorrupted_kB": 4, "num_poisoned_pages": 1}, "msrs": [{"cpu": 0, "bank": 1, "status": "0x0", "addr": "0x0", "misc": "0x0"}],
 "latency": [{"from": "event:e1", "to": "signal:victim", "ns": 30834, "phases": [{"name": "kernel.unmap", "ns": 4100}]}],
 "expect": []})");
    return parsed;
}

// Every name that an expectation may mean.
const std::string kBefore = R"({"schema":"mcemu/scenario/1","name":"s",
 "machine":{"nvdimms":[{"id":"nmem0","size":"64MiB"}],"regions":[{"id":"region0","nvdimms":["nmem0"]}],
 "namespaces":[{"id":"namespace0.0","mode":"fsdax"}]},
 "processes":[{"id":"victim","pid":5421}],
 "events":[{"id":"e1","at":"1ms","do":"hwpoison_pfn","pfn":"0x100"}],"expect":)";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mcemu;
    const scenario::LoadResult loaded =
        scenario::load_text("s.json", kBefore + text_of(data, size) + "}");
    if (!loaded.loaded) return 0;
    const nlohmann::json& expect = loaded.loaded->expect;
    std::vector<output::Finding> findings = output::evaluate(expect, result());
    if (expect.is_object() && expect.contains("class"))
        findings.push_back(output::evaluate_class(expect["class"], result()));
    for (const output::Finding& f : findings) {
        static_cast<void>(
            output::to_json(f).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
        static_cast<void>(output::to_text(f));
    }
    static_cast<void>(output::expected_pages(expect));
    static_cast<void>(output::expected_durations(expect));
    return 0;
}
