// Small scenarios of pages, memory types and the direct map, likewise.
#include "compare/proposal_scenarios.hpp"

namespace mcemu::compare {

const std::vector<SmallScenario>& memory_scenarios() {
    static const std::vector<SmallScenario> kAll = {
        {"counter-seen-while-handled",
R"({"processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "16KiB", "at": "0x41000000"}]}],
 "events": [
  {"at": "1ms", "do": "hwpoison_pfn", "pfn": "0x41000"},
  {"when": {"counter": "num_poisoned_pages", "min": 1}, "do": "hwpoison_pfn", "pfn": "0x42000"}]})"},
        {"decoy-flushed",
R"({"kernel": {"knobs": {"strict_clflush_decoy": true}},
 "events": [
  {"at": "1ms", "do": "call", "function": "set_mce_nospec", "arguments": ["0x41000"]}]})"},
        {"direct-map-with-five-levels",
R"({"machine": {"cpus": {"la57": true}},
 "events": [
  {"at": "1ms", "do": "call", "function": "set_mce_nospec", "arguments": ["0x12345"]},
  {"at": "2ms", "do": "copy", "direction": "from_pmem", "spa": "0x12345000", "safe": false}]})"},
        {"free-hugetlb-page-by-a-tail",
R"({"kernel_pages": [{"at": "0x44000000", "size": "2MiB", "state": "hugetlb_free"}],
 "events": [
  {"at": "1ms", "do": "mce", "status": "SRAO-SCRUB-CMCI", "addr": "0x44005000"}]})"},
        {"huge-page-copied-in-part",
R"({"processes": [{"id": "a", "maps": [{"id": "m", "va": "0x7f0000000000", "size": "2MiB", "state": "thp"}]}, {"id": "b",
   "mce_kill": "early", "maps": [{"va": "0x7f1000000000", "size": "2MiB", "shared_with": "m"}]}],
 "events": [
  {"at": "1095478ns", "do": "mlock", "process": "b", "va": "0x7f1000000000", "size": "2MiB"},
  {"at": "1695028ns", "do": "madvise", "process": "b", "va": "0x7f1000001000", "advice": "hwpoison"}]})"},
        {"huge-page-mapped-by-pages",
R"({"processes": [{"id": "a", "mce_kill": "early", "maps": [{"va": "0x7f1000000000", "size": "2MiB", "state": "thp"}]}],
 "events": [
  {"at": "1ms", "do": "munmap", "process": "a", "va": "0x7f1000100000", "size": "4KiB"},
  {"at": "2ms", "do": "madvise", "process": "a", "va": "0x7f1000005000", "advice": "hwpoison"}]})"},
        {"hugetlb-1g",
R"({"processes": [{"id": "p", "maps": [{"va": "0x7f0000000000", "size": "1GiB", "kind": "hugetlb", "page": "1GiB"}]}],
 "events": [
  {"at": "1ms", "do": "madvise", "process": "p", "va": "0x7f0000005000", "advice": "hwpoison"}]})"},
        {"hugetlb-page-cannot-be-locked",
R"({"kernel": {"knobs": {"page_failures": [{"what": "unmap", "pfn": "0x40000"}]}},
 "processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "2MiB", "kind": "hugetlb", "share": "shared",
   "at": "0x40000000"}]}],
 "events": [
  {"at": "1ms", "do": "call", "function": "memory_failure", "arguments": ["0x40000", "0x0"]}]})"},
        {"hugetlb-page-poisoned-twice",
R"({"processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "2MiB", "kind": "hugetlb", "share": "shared",
   "at": "0x40000000"}]}],
 "events": [
  {"at": "1ms", "do": "call", "function": "memory_failure", "arguments": ["0x40000", "0x0"]},
  {"at": "2ms", "do": "call", "function": "soft_offline_page", "arguments": ["0x40002", "0x0"]}]})"},
        {"kernel-reads-an-unmapped-page",
R"({"events": [
  {"at": "1ms", "do": "call", "function": "set_mce_nospec", "arguments": ["0x12345"]},
  {"at": "2ms", "do": "copy", "direction": "from_pmem", "spa": "0x12345000", "safe": false}]})"},
        {"memory-types-that-start-alike",
R"({"kernel": {"boot": {"debugpat": true}},
 "events": [
  {"at": "1ms", "do": "call", "function": "reserve_memtype", "arguments": ["0x300000000", "0x300001000", "0x2"]},
  {"at": "2ms", "do": "call", "function": "reserve_memtype", "arguments": ["0x300000000", "0x300002000", "0x2"]},
  {"at": "3ms", "do": "call", "function": "reserve_memtype", "arguments": ["0x300001000", "0x300001000", "0x2"]}]})"},
        {"mlocked-file-page",
R"({"files": [{"id": "f0", "size": "16KiB"}],
 "processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "16KiB", "kind": "file", "at": "0x41000000",
   "state": "mlocked"}]}],
 "events": [
  {"at": "1ms", "do": "munmap", "process": "p", "va": "0x7f0040000000", "size": "16KiB"},
  {"at": "2ms", "do": "call", "function": "memory_failure", "arguments": ["0x41000", "0x0"]}]})"},
        {"mlocked-file-page-on-disk",
R"({"files": [{"id": "f0", "size": "16KiB"}],
 "processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "16KiB", "kind": "file", "at": "0x41000000",
   "state": "mlocked"}]}],
 "events": [
  {"at": "1ms", "do": "fsync", "process": "p", "file": "f0"},
  {"at": "2ms", "do": "munmap", "process": "p", "va": "0x7f0040000000", "size": "16KiB"},
  {"at": "3ms", "do": "call", "function": "memory_failure", "arguments": ["0x41000", "0x0"]}]})"},
        {"page-failures",
R"({"kernel": {"knobs": {"page_failures": [{"what": "punch", "at": "0x42000000"}, {"what": "release", "pfn": "0x42001"},
   {"what": "invalidate", "process": "a", "map": "file", "offset": "0x2000"}, {"what": "isolate", "pfn": "0x43003"},
   {"what": "allocate", "process": "b", "map": "heap-b", "offset": "0x2000"}, {"what": "grab_tail",
   "pfn": "0x44203"}, {"what": "isolate", "pfn": "0x44400"}]}},
 "files": [{"id": "f0", "size": "16KiB"}],
 "processes": [{"id": "a", "mce_kill": "early", "sigbus": "handler", "maps": [{"id": "file", "va": "0x7f1000000000",
   "size": "16KiB", "kind": "file", "at": "0x42000000"}, {"id": "heap", "va": "0x7f1100000000", "size": "16KiB",
   "at": "0x43000000"}, {"va": "0x7f1300000000", "size": "4MiB", "state": "thp", "at": "0x44000000"},
   {"va": "0x7f1400000000", "size": "2MiB", "kind": "hugetlb", "at": "0x44400000"}]}, {"id": "b",
   "mce_kill": "early", "maps": [{"id": "heap-b", "va": "0x7f2100000000", "size": "16KiB", "shared_with": "heap"}]}],
 "events": [
  {"at": "1ms", "do": "hwpoison_pfn", "pfn": "0x42000"},
  {"at": "2ms", "do": "hwpoison_pfn", "pfn": "0x42001"},
  {"at": "3ms", "do": "hwpoison_pfn", "pfn": "0x42002"},
  {"at": "7ms", "do": "hwpoison_pfn", "pfn": "0x43002"},
  {"at": "8ms", "do": "madvise", "process": "a", "va": "0x7f1100003000", "advice": "soft_offline"},
  {"at": "9ms", "do": "madvise", "process": "a", "va": "0x7f1400000000", "advice": "soft_offline"},
  {"at": "11ms", "do": "mce", "status": "SRAO-SCRUB-CMCI", "addr": "0x44203000"}]})"},
        {"page-frame-outside-the-direct-map",
R"({"events": [
  {"at": "1ms", "do": "call", "function": "set_mce_nospec", "arguments": ["0xffffffffff"]}]})"},
        {"pinned-huge-page",
R"({"processes": [{"id": "dpdk", "maps": [{"va": "0x7f1000000000", "size": "4MiB", "state": "thp"}]}],
 "events": [
  {"at": "1ms", "do": "pin", "process": "dpdk", "va": "0x7f1000300000", "size": "8KiB"},
  {"at": "4ms", "do": "madvise", "process": "dpdk", "va": "0x7f1000207000", "advice": "hwpoison"}]})"},
        {"soft-offline-of-a-pinned-huge-page",
R"({"processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "2MiB", "state": "thp", "at": "0x40000000"}]}],
 "events": [
  {"at": "1ms", "do": "pin", "process": "p", "va": "0x7f0040000000", "size": "4KiB"},
  {"at": "2ms", "do": "call", "function": "soft_offline_page", "arguments": ["0x40000", "0x0"]}]})"},
        {"soft-offline-of-a-pinned-page",
R"({"processes": [{"id": "nic", "maps": [{"va": "0x7f1000000000", "size": "16KiB"}]}],
 "events": [
  {"at": "1ms", "do": "pin", "process": "nic", "va": "0x7f1000001000", "size": "4KiB"},
  {"at": "2ms", "do": "madvise", "process": "nic", "va": "0x7f1000001000", "advice": "soft_offline"}]})"},
        {"soft-offline-of-an-unmapped-file-page",
R"({"files": [{"id": "f0", "size": "16KiB"}],
 "processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "16KiB", "kind": "file", "state": "clean",
   "at": "0x41000000"}]}],
 "events": [
  {"at": "1ms", "do": "munmap", "process": "p", "va": "0x7f0040000000", "size": "16KiB"},
  {"at": "2ms", "do": "call", "function": "soft_offline_page", "arguments": ["0x41000", "0x0"]}]})"},
        {"truncated-after-a-loss",
R"({"files": [{"id": "f0", "size": "16KiB"}],
 "processes": [{"id": "a", "maps": [{"va": "0x7f1000000000", "size": "16KiB", "kind": "file", "at": "0x42000000"}]}],
 "events": [
  {"at": "1ms", "do": "hwpoison_pfn", "pfn": "0x42001"},
  {"at": "2ms", "do": "truncate", "file": "f0", "size": "4KiB"},
  {"at": "3ms", "do": "load", "process": "a", "va": "0x7f1000001000"}]})"},
        {"unevictable-file-page-on-disk",
R"({"files": [{"id": "f0", "size": "16KiB"}],
 "processes": [{"id": "p", "maps": [{"va": "0x7f0040000000", "size": "16KiB", "kind": "file", "at": "0x41000000",
   "state": "unevictable"}]}],
 "events": [
  {"at": "1ms", "do": "fsync", "process": "p", "file": "f0"},
  {"at": "2ms", "do": "munmap", "process": "p", "va": "0x7f0040000000", "size": "16KiB"},
  {"at": "3ms", "do": "call", "function": "memory_failure", "arguments": ["0x41000", "0x0"]}]})"},
        {"unmapping-fails",
R"({"kernel": {"knobs": {"unmap_fails": ["0x42001000"]}},
 "processes": [{"id": "a", "maps": [{"va": "0x7f1000000000", "size": "16KiB", "at": "0x42000000"}]}],
 "events": [
  {"at": "1ms", "do": "hwpoison_pfn", "pfn": "0x42001"}]})"},
        {"unpoison-of-the-huge-zero-page",
R"({"kernel_pages": [{"at": "0x45000000", "state": "huge_zero"}],
 "events": [
  {"at": "1ms", "do": "unpoison_pfn", "pfn": "0x45000"}]})"},
        {"unpoison-of-the-huge-zero-page-in-4.x",
R"({"kernel_pages": [{"at": "0x45000000", "size": "2MiB", "state": "huge_zero"}],
 "events": [
  {"at": "1ms", "do": "mce", "status": "SRAO-SCRUB-CMCI", "addr": "0x45003000"},
  {"at": "2ms", "do": "unpoison_pfn", "pfn": "0x45003"}]})"},
        {"work-queue-overflows",
R"({"events": [
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41000000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41001000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41002000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41003000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41004000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41005000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41006000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41007000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41008000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41009000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x4100a000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x4100b000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x4100c000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x4100d000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x4100e000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x4100f000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41010000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41011000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41012000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41013000"}]})"},
    };
    return kAll;
}

}  // namespace mcemu::compare
