#!/bin/sh
# failing_test.sh PROGRAM DATA CASE: what is told of scenarios that fail, so that their makers find
# the mistake. Every case works in an empty folder of its own.
set -u
program=$1
data=$2
case_name=$3
. "$data/../support/shell.sh"

# scenario NAME EVENTS EXPECT [MORE]: writes NAME.json.
scenario() {
    printf '{ "schema": "mcemu/scenario/1", "name": "%s", %s\n  "events": [ %s ],\n  "expect": { %s } }\n' \
        "$1" "${4:-}" "$2" "$3" >"$1.json"
}
db='"processes": [ { "id": "db", "pid": 9, "sigbus": "handler", "maps": [ { "id": "m", "va": "0x7f0000000000", "size": "16KiB", "at": "0x52000000" } ] } ],'
pmem='"machine": { "nvdimms": [ { "id": "nmem0", "size": "64MiB" } ], "regions": [ { "id": "region0", "nvdimms": [ "nmem0" ] } ],
  "namespaces": [ { "id": "namespace0.0", "mode": "fsdax", "align": "2MiB" } ] },'

case $case_name in
record-without-val)
    scenario quiet '{ "id": "a", "at": "1ms", "do": "mce", "cpu": 2, "bank": 1, "status": "0x3d80000000000134", "addr": "0x1000", "poll": true }' \
        '"msrs": [ { "cpu": 2, "bank": 1, "status": "0x3d80000000000134", "addr": "0x1000" } ], "fates": { "a": "filtered" }'
    status 0 run --json quiet.json
    has out '"cpu": 2'
    hasnt out 4294967295
    has err "STATUS.VAL is 0: to the kernel bank 1 of CPU 2 holds no record"
    hasnt err "the handler left"
    scenario fatal '{ "id": "a", "at": "1ms", "do": "mce", "cpu": 1, "bank": 1, "status": "0x3d80000000000134", "mcgstatus": "0x5", "addr": "0x1000" }' \
        '"outcome": "running"'
    status 1 run fatal.json
    has err "Fatal machine check from unknown source; STATUS.VAL of its record is 0: no bank explains it"
    printf 'continue\nprint banks\n' | "$program" debug fatal.json >out 2>err
    hasnt out 4294967295
    ;;
what-it-met)
    # A load beside the poison, one that nothing is mapped for, and a driver's read of other sectors.
    scenario beside '{ "id": "bad", "at": "1ms", "do": "poison", "spa": "0x52001000" },
        { "id": "load", "at": "2ms", "do": "load", "process": "db", "va": "0x7f00000010c0" }' \
        '"fates": { "bad": "consumed" }, "signals": { "contains": [ { "process": "db", "signal": "SIGBUS" } ] }' "$db"
    status 1 regress beside.json
    has out "the poison is still in the media at SPA 0x52001000: nobody read it"
    has out "it read SPA 0x520010c0, where no poison was; the nearest lies at SPA 0x52001000, 64 bytes"
    # All is as wanted when the poison is planted: only the end shows that nobody met it.
    has out "first divergence at the end, 2.000 ms: /expect/fates/bad/fate"
    # An access over several lines names the one that was bad.
    scenario over '{ "id": "bad", "at": "1ms", "do": "poison", "spa": "0x52001100" },
        { "id": "load", "at": "2ms", "do": "load", "process": "db", "va": "0x7f0000001000", "size": "1KiB" }' \
        '"outcome": "running"' "$db"
    status 0 run over.json
    has err "it met the poison of SPA 0x52001100"
    scenario nowhere '{ "id": "load", "at": "2ms", "do": "load", "process": "db", "va": "0x7f0000008000" }' \
        '"signals": [ { "process": "db", "signal": "SIGBUS", "code": "BUS_MCEERR_AR" } ]' "$db"
    status 1 regress nowhere.json
    has out "SIGSEGV (SEGV_MAPERR) ended it before VA 0x7f0000008000 led to memory"
    has out '/expect/signals/0/code: wanted "BUS_MCEERR_AR", got "SEGV_MAPERR"; also signal: wanted "SIGBUS", got "SIGSEGV"'
    has out "first divergence at 2."
    scenario other '{ "id": "bad", "at": "1ms", "do": "poison", "nvdimm": "nmem0", "dpa": "0x208000" },
        { "id": "read", "at": "2ms", "do": "bio", "op": "read", "namespace": "namespace0.0", "sector": 128, "sectors": 8 }' \
        '"syscalls": { "read": "EIO" }, "fates": { "bad": "consumed" }' "$pmem"
    status 1 regress other.json
    has out "64 bytes of poison planted at nmem0 0x208000"
    has out "it read 8 sectors of namespace0.0 from 128 on, SPA 0x80210000, where no poison was; the nearest lies at SPA 0x80208000, 64 bytes"
    has out "first divergence at 2.0"
    has out "ms: /expect/syscalls/read"
    ;;
never-triggered)
    scenario near '{ "id": "first", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x52000" },
        { "id": "second", "when": { "counter": "num_poisoned_pages", "min": 2 }, "do": "hwpoison_pfn", "pfn": "0x52001" },
        { "id": "third", "when": "panic", "do": "load", "process": "db", "va": "0x7f0000000000" },
        { "id": "fourth", "after": { "event": "third", "by": "1ms" }, "do": "load", "process": "db", "va": "0x7f0000000000" },
        { "id": "fifth", "after": { "phase": "kernel.ghes" }, "do": "load", "process": "db", "va": "0x7f0000000000" },
        { "id": "sixth", "on_access": { "va": "0x7f0000003000", "nth": 3 }, "do": "hwpoison_pfn", "pfn": "0x52002" },
        { "id": "read", "at": "3ms", "do": "load", "process": "db", "va": "0x7f0000003000" }' '"outcome": "panic"' "$db"
    status 1 run near.json
    has err "its trigger never came: num_poisoned_pages came to 1, at least 2 was waited for"
    has err "its trigger never came: there was no panic"
    has err "its trigger never came: third never came"
    has err "its trigger never came: kernel.ghes never began"
    has err "its trigger never came: 1 of 3 such accesses came"
    ;;
full-pool)
    scenario burst '{ "id": "burst", "at": "1ms", "every": "12us", "times": 100, "do": "mce", "cpu": 0, "bank": 1, "status": "0xbd80000000000134", "mcgstatus": "0x7", "addr": "0x52000000", "misc": "0x86", "process": "db" }' \
        '"outcome": "running", "counters": { "records_lost": 0 }' '"kernel": { "profile": "v6.1" }, '"$db"
    status 1 run --json burst.json
    lost=$(sed -n 's/.*"records_lost": \([0-9]*\).*/\1/p' out)
    [ "${lost:-0}" -gt 1 ] || fail "the pool was never full: $lost"
    has err "; $lost records of it were lost to the full record pool"
    ;;
boots-on)
    scenario first '{ "id": "bad", "at": "1ms", "do": "poison", "spa": "0x80208000", "length": 256 },
        { "id": "see", "at": "2ms", "do": "bio", "op": "read", "namespace": "namespace0.0", "sector": 64, "sectors": 8 },
        { "id": "fill", "at": "5ms", "do": "bio", "op": "write", "namespace": "namespace0.0", "sector": 64, "sectors": 8 }' '"outcome": "running"' "$pmem"
    scenario next '{ "id": "read", "at": "10s", "do": "bio", "op": "read", "namespace": "namespace0.0", "sector": 64, "sectors": 8 }' \
        '"syscalls": { "read": "EIO" }' '"boots_on": "first.json", '"$pmem"
    status 1 regress next.json
    has out "booted on what first.json left, no poison:"
    has out "it wrote 8 sectors of namespace0.0 from 64 on, and healed the poison there"
    status 1 run next.json
    has err "booted on what first.json left, no poison:"
    # Read only: the poison is still there.
    sed '/"fill"/s/"write"/"read"/' first.json >f && mv f first.json
    status 0 run next.json
    has err "booted on what first.json left, poison: 256 bytes at nmem0 0x208000:"
    # The smallest that fails still boots on the other.
    sed '/"fill"/s/"read"/"write"/' first.json >f && mv f first.json
    status 0 shrink next.json -o small.json
    has small.json '"boots_on"'
    has small.json '"do": "bio"'
    ;;
shrink-absent)
    # What never came does not come either where nothing is tried: one event of each kind stays.
    scenario absent '{ "id": "first", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x52000" },
        { "id": "second", "when": { "counter": "num_poisoned_pages", "min": 2 }, "do": "hwpoison_pfn", "pfn": "0x52001" },
        { "id": "load", "at": "5ms", "do": "load", "process": "db", "va": "0x7f0000003000" },
        { "id": "again", "at": "6ms", "do": "load", "process": "db", "va": "0x7f0000003000" }' \
        '"counters": { "HardwareCorrupted_kB": 8 }' "$db"
    status 0 shrink absent.json -o small.json
    has small.json '"pfn": "0x52000"'
    has small.json '"when": {'
    has small.json '"do": "load"'
    has err "events 4 -> 3"
    has err "wanted 8, got 4"
    ;;
update)
    scenario a '{ "id": "e", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100" }' '"signals": { "contains": [ { "process": "db", "code": "BUS_MCEERR_AO" } ] }' "$db"
    scenario b '{ "id": "e", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100" }' '"outcome": "panic"'
    scenario c '{ "id": "e", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100" }' '"outcome": "running"'
    cp a.json before
    status 1 regress . --update
    cmp -s a.json before || fail "an expectation that cannot fail was written"
    has out "not updated: a.json: /expect/signals/contains/0: without it the list would be empty and could not fail"
    has b.json '"running"'
    # What is said of a file stands below its row, before the next.
    line() { grep -n -e "$1" out | head -n 1 | cut -d: -f1; }
    [ "$(line 'not updated: a.json')" -lt "$(line '^[a-z]* .*b.json$')" ] || fail "a's refusal stands below b"
    [ "$(line '^--- b.json')" -lt "$(line '^[a-z]* .*c.json$')" ] || fail "b's difference stands below c"
    # An errno by its name, as it is documented.
    scenario call '{ "id": "e", "at": "1ms", "do": "bio", "op": "read", "namespace": "namespace0.0", "sector": 64, "sectors": 8 },
        { "id": "bad", "at": "0s", "do": "poison", "spa": "0x80208000", "length": 256 }' '"syscalls": { "e": "EBUSY" }' "$pmem"
    status 1 regress call.json
    has out 'wanted "EBUSY", got "EIO"'
    status 0 regress call.json --update
    has call.json '"e": "EIO"'
    sed 's/"EIO"/"-EBUSY"/' call.json >signed.json
    status 1 regress signed.json
    has out 'wanted "-EBUSY", got "-EIO"'
    ;;
parts)
    mkdir suite
    echo '{ "schema": "mcemu/scenario/1", "name": "part", "machine": {}, "events": [] }' >suite/part.json
    scenario s '{ "id": "e", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100" }' '"outcome": "running"'
    mv s.json suite
    status 0 regress suite
    has out "1 scenario in 1 file: 1 ok (1 file is no scenario)"
    # All that are not ok are named at the end, however many.
    for i in $(seq 10 39); do scenario "f$i" '' '"outcome": "panic"'; done
    status 1 regress .
    sed '1,/^not ok:/d' out >names
    has names f39.json
    hasnt names more
    ;;
phases)
    scenario part '{ "id": "e", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100" }' '"temporal": [ { "never": "phase:mem.poison_return" } ]'
    status 2 check part.json
    has err '"mem.poison_return" is no phase: it is a part of an access'
    scenario after '{ "id": "e", "after": { "phase": "dma.line" }, "do": "hwpoison_pfn", "pfn": "0x100" }' \
        '"latency": [ { "from": "event:e", "to": "phase:msr.core", "max": 1 } ]'
    status 2 check after.json
    has err '"dma.line" is no phase: it is a part of a transfer'
    has err '"msr.core" is no phase: nothing takes it'
    scenario value '{ "id": "e", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100" }' '"outcome": "running"'
    status 0 check --set '/machine={"latency": {"msr.uncore": "1us"}}' value.json
    status 0 latencies
    has out "no phase: a part of an access"
    ;;
cmci-delivery)
    # mce.md 11: accepted 1 us after it is logged, its handler 0.7 us later, each once.
    scenario ce '{ "id": "ce", "at": "1ms", "do": "mce", "cpu": 1, "bank": 7, "status": "0x8c00004000010090", "addr": "0x1000", "misc": "0x86", "poll": true }' \
        '"latency": [ { "from": "event:ce", "to": "phase:cmci.accept", "min": 0, "max": 0 },
            { "from": "event:ce", "to": "phase:cmci.handler", "min": "1us", "max": "1us" },
            { "from": "event:ce", "to": "phase:kernel.irq_work", "min": "1700ns", "max": "1700ns" } ], "counters": { "cmci": 1 }'
    status 0 run ce.json
    ;;
*)
    fail "there is no case '$case_name'"
    ;;
esac
