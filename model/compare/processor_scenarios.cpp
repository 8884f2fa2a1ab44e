// Small scenarios of processors and firmware, each for something that few others reach.
#include "compare/proposal_scenarios.hpp"

namespace mcemu::compare {

const std::vector<SmallScenario>& processor_scenarios() {
    static const std::vector<SmallScenario> kAll = {
        {"action-required-without-address",
R"({"events": [
  {"at": "1ms", "do": "mce", "status": "0xb980000000000134"}]})"},
        {"bank-cleared-unread",
R"({"kernel": {"boot": {"mce.cmci_disabled": true}},
 "events": [
  {"at": "1ms", "do": "mce", "bank": 7, "status": "CE", "addr": "0x12345000", "misc": "0x8c"},
  {"at": "2ms", "do": "sysctl", "name": "bank7", "value": 0}]})"},
        {"cache-write-back",
R"({"events": [
  {"at": "1ms", "do": "mce", "status": "0xbd0000000000017a"}]})"},
        {"collector-count-threshold",
R"({"kernel": {"decoders": {"cec": true}},
 "events": [
  {"at": "1ms", "do": "mce", "every": "2s", "misc": "0x86", "status": "0x8c00004000010090", "times": 100},
  {"at": "0ms", "do": "sysctl", "name": "count_threshold", "value": 10}]})"},
        {"collector-off-all-memory",
R"({"kernel": {"decoders": {"cec": true}},
 "events": [
  {"at": "1ms", "do": "sysctl", "name": "count_threshold", "value": 1},
  {"at": "2ms", "do": "mce", "bank": 7, "status": "0x8c00000000000090", "addr": "0xff00000000", "misc": "0x8c",
   "poll": true, "every": "1ms", "times": 4}]})"},
        {"driver-reads-poison-unprotected",
R"({"kernel": {"knobs": {"mcsafe": false}},
 "machine": {"mca": {"lmce": true}, "nvdimms": [{"size": "1GiB"}], "regions": [{"base": "0x200000000",
   "nvdimms": ["nmem0"]}], "namespaces": [{"data_offset": "0x1000000"}]},
 "events": [
  {"at": "1ms", "do": "poison", "spa": "0x20cb00040"},
  {"at": "2ms", "do": "bio", "op": "read", "namespace": "namespace0.0", "sector": 382976}]})"},
        {"firmware-records-in-a-row",
R"({"events": [
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41000000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41001000"},
  {"at": "1ms", "do": "cper", "severity": "recoverable", "address": "0x41002000"},
  {"at": "7s", "do": "cper", "severity": "recoverable", "address": "0x51000000"}]})"},
        {"graded-by-no-row",
R"({"events": [
  {"at": "1ms", "do": "mce", "status": "0x9d0000000000009f", "mcgstatus": "0x7", "poll": false}]})"},
        {"injected-cpu-does-not-answer",
R"({"kernel": {"boot": {"mce.monarch_timeout_us": 0}},
 "events": [
  {"at": "1ms", "do": "mce", "cpu": 1, "bank": 2, "status": "0x9c00000000000134", "via": "mce-inject", "hold": true,
   "poll": true},
  {"at": "2ms", "do": "mce", "bank": 1, "status": "0xbe00000000000134", "mcgstatus": "0x5", "via": "mce-inject",
   "broadcast": "irq"}]})"},
        {"injected-for-a-poll",
R"({"events": [
  {"at": "1ms", "do": "mce", "poll": true, "status": "0xfc00000000000000", "via": "mce-inject"}]})"},
        {"injected-without-mcip",
R"({"kernel": {"knobs": {"fake_panic": true}},
 "events": [
  {"at": "1ms", "broadcast": false, "do": "mce", "status": "0xb500000000000000", "via": "mce-inject"}]})"},
        {"injected-without-mcip-tolerant",
R"({"kernel": {"boot": {"mce.tolerant": 2}},
 "events": [
  {"at": "1ms", "broadcast": false, "do": "mce", "status": "0xb500000000000000", "via": "mce-inject"}]})"},
        {"kernel-copies-poison-from-user",
R"({"processes": [{"id": "db", "maps": [{"va": "0x7f0000001000", "size": "4KiB", "at": "0x12345000"}]}],
 "events": [
  {"at": "1ms", "do": "poison", "spa": "0x12345100"},
  {"at": "2ms", "do": "copy", "process": "db", "va": "0x7f0000001000"}]})"},
        {"kernel-fetches-poison",
R"({"events": [
  {"at": "1ms", "do": "mce", "status": "0xbd80000000000150"}]})"},
        {"no-restart-ip",
R"({"events": [
  {"at": "1ms", "do": "mce", "mcgstatus": "0x6", "status": "0xb500000000000000"}]})"},
        {"overflowed-without-recovery",
R"({"machine": {"mca": {"ser": false}},
 "events": [
  {"at": "1ms", "do": "mce", "mcgstatus": "0x7", "status": "0xf400000000000000"}]})"},
        {"patrol-scrub-signals-corrected",
R"({"machine": {"mca": {"patrol_uc_mode": "ce"}},
 "events": [
  {"at": "1ms", "do": "poison", "spa": "0x12345000"},
  {"at": "2ms", "do": "scrub", "spa": "0x12345000", "length": "4KiB"}]})"},
        {"processor-serial-number",
R"({"machine": {"cpus": {"ppin": "0x123456789"}},
 "events": [
  {"at": "1ms", "do": "mce", "status": "0xbe00000000000134", "mcgstatus": "0x5"}]})"},
        {"record-pool-full",
R"({"until": "4s",
 "kernel": {"boot": {"mce": ["no_cmci"]}, "check_interval": "1s"},
 "events": [
  {"at": "1ms", "do": "mce", "cpu": 1, "bank": 13, "status": "SRAO-SCRUB-MC", "addr": "0x12345000", "misc": "0x8c",
   "broadcast": true, "every": "12us", "times": 400}]})"},
        {"storm-of-corrected-errors",
R"({"events": [
  {"at": "1ms", "do": "mce", "status": "0x9c0000400000009f", "every": "50ms", "times": 16}]})"},
        {"tolerant-at-run-time",
R"({"events": [
  {"at": "1ms", "do": "sysctl", "name": "tolerant", "value": 2}]})"},
        {"uncorrected-in-kernel-without-recovery",
R"({"machine": {"mca": {"ser": false}},
 "events": [
  {"at": "1ms", "do": "mce", "status": "0xb400000000000134", "mcgstatus": "0x7"}]})"},
        {"uncorrected-without-recovery",
R"({"machine": {"mca": {"ser": false}},
 "events": [
  {"at": "1ms", "do": "mce", "mcgstatus": "0x7", "status": "0xbd00000000000000"}]})"},
        {"user-fetches-poison",
R"({"processes": [{"id": "victim", "maps": [{"at": "0x12345000", "size": "4KiB", "va": "0x7f0000001000"}]}],
 "events": [
  {"at": "1ms", "do": "poison", "spa": "0x12345000"},
  {"at": "1001ms", "do": "fetch", "process": "victim", "va": "0x7f0000001000"}]})"},
        {"record-found-not-enabled",
R"({"events": [
  {"at": "1ms", "do": "mce", "bank": 13, "status": "0xad000000000000c0", "addr": "0x12345000", "misc": "0x8c",
   "mcgstatus": "0x5", "broadcast": true}]})"},
        {"record-left-to-a-poll",
R"({"kernel": {"boot": {"mce.cmci_disabled": true}},
 "events": [
  {"at": "1ms", "do": "mce", "bank": 7, "status": "CE", "addr": "0x12345000", "misc": "0x8c"},
  {"at": "2ms", "do": "mce", "bank": 13, "status": "SRAO-SCRUB-MC", "addr": "0x12345000", "misc": "0x8c",
   "broadcast": true}]})"},
        {"record-not-to-be-logged",
R"({"kernel": {"boot": {"mce.dont_log_ce": true}},
 "events": [
  {"at": "1ms", "do": "mce", "bank": 7, "status": "0x8000004000010090"}]})"},
        {"record-of-a-kind-that-is-filtered",
R"({"events": [
  {"at": "1ms", "do": "mce", "bank": 0, "status": "0x90000040000f0005"}]})"},
        {"record-without-room",
R"({"events": [
  {"at": "1ms", "do": "mce", "bank": 7, "status": "CE", "addr": "0x12345000", "misc": "0x8c", "every": "1us",
   "times": 2000}]})"},
    };
    return kAll;
}

}  // namespace mcemu::compare
