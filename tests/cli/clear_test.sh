#!/bin/sh
# clear_test.sh PROGRAM DATA CASE: what the program says to somebody who looks for a cause. Every
# case works in an empty folder of its own and fails with a line that says what was wrong.
set -u
program=$1
data=$2
case_name=$3
racing=$data/racing.json
. "$data/../support/shell.sh"

# line N TEXT: line N of out holds TEXT.
line() { sed -n "$1p" out | grep -qF -- "$2" || fail "line $1 of out lacks: $2"; }

# A machine with a process `db` of one page, and what follows as members.
scenario() {
    cat <<EOF
{"schema": "mcemu/scenario/1", "name": "clear", "kernel": {"profile": "v6.1"},
 "processes": [{"id": "db", "pid": 60, "cpu": 1, "sigbus": "handler",
                "maps": [{"id": "m0", "va": "0x7f0000001000", "size": "4KiB", "kind": "anon",
                          "at": "0x12345000"}]}],
 $1}
EOF
}
scrub='{"id": "srao", "at": "1ms", "do": "mce", "cpu": 1, "bank": 13, "status": "SRAO-SCRUB-MC",
        "addr": "0x12345000", "misc": "0x8c", "broadcast": true'

case $case_name in
words)
    # Every class and fate has its meaning wherever it is listed.
    status 0 schema scenario
    has out "masked: what was injected was healed before anybody met it"
    has out "latent: the error is still in the media or in a bank: nobody looked"
    has out '"enumDescriptions"'
    status 0 schema result
    has out "over-kill: a process was killed that neither touched the poison"
    status 0 man regress
    has out "CLASSES OF RUNS"
    has out "FATES OF EVENTS"
    status 0 man run
    has out "what was injected was healed before anybody met it"
    scenario '"events": [{"id": "bad", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x12345"}],
              "expect": {"class": "masked"}' >c.json
    status 1 regress c.json
    has out 'got "recovered"; recovered: bad: memory_failure() acted on pfn 0x12345; masked means: what was'
    status 1 run -q c.json
    has err 'recovered: bad: memory_failure() acted'
    # Advice that the kernel refused says with what.
    status 1 regress --set '/expect/class=["latent","late"]' c.json
    has out "; latent means: an error is still"
    has out "; late means: an upper bound"
    ;;
order)
    # By the time of the evidence, then by place: the signal of 2 ms before the counters of 4 ms, the
    # state at the end last, whatever the keys are called.
    scenario '"until": "10ms",
      "events": [{"id": "a", "at": "2ms", "do": "madvise", "process": "db", "va": "0x7f0000001000",
                  "size": "4KiB", "advice": "hwpoison"},
                 {"id": "b", "at": "4ms", "do": "hwpoison_pfn", "pfn": "0x200"}],
      "expect": {"memtypes": ["none"], "counters": {"num_poisoned_pages": 1,
                 "memory_failures": 1}, "syscalls": {"a": "EIO", "b": "EIO"}}' >c.json
    status 1 regress c.json
    line 2 "/expect/syscalls/a"
    grep -n "/expect/" out | sed 's/.*: \(\/expect[^:]*\):.*/\1/' | head -n 5 >order
    tr '\n' ' ' <order >flat
    has flat "/expect/syscalls/a /expect/counters/num_poisoned_pages /expect/counters/memory_failures /expect/syscalls/b "
    [ "$(tail -n 1 order | cut -c 1-16)" = /expect/memtypes ] || fail "the end does not come last: $(cat flat)"
    has out "first divergence at 2.0"
    has out "as wanted up to 4.0"
    cp out first
    status 1 regress -j 1 c.json
    same out first
    status 1 run -q c.json
    grep -o '/expect/[^:]*' err >again
    same order again
    status 1 run -q --result r.json c.json
    status 1 diff r.json "$racing"
    has r.json '"t_ns": 2'
    # Two of one time stand in the order of the file.
    scenario '"events": [{"id": "a", "at": "2ms", "do": "hwpoison_pfn", "pfn": "0x200"}],
      "expect": {"outcome": "panic", "counters": {"signals": 7}, "processes": {"db": "killed"}}' >d.json
    status 1 regress d.json
    line 2 "/expect/outcome"
    line 3 "/expect/counters/signals"
    line 4 "/expect/processes/db"
    has out "first divergence at the end"
    ;;
panic)
    scenario "\"events\": [$scrub, \"mcgstatus\": {\"mcip\": true}}],
      \"expect\": {\"outcome\": \"running\", \"panic\": null, \"class\": \"recovered\"}" >c.json
    status 1 regress c.json
    has out 'row 5 of the severity table (v6.1) graded PANIC, "Neither restart nor error IP" (CPU 1, bank 13'
    has out "MCG_STATUS 0x4: RIPV 0, EIPV 0"
    has out "log: Kernel panic - not syncing: "
    has out "panic: Kernel panic - not syncing: "
    has out "first divergence at 1.0"
    hasnt out "first divergence at the end"
    # Without the setting its default holds, which has RIPV.
    status 0 run -q --unset /events/0/mcgstatus c.json
    # No bank has a valid record: no row graded anything.
    scenario '"events": [{"id": "e", "at": "1ms", "do": "mce", "cpu": 1, "bank": 1,
      "status": "0x3d80000000000134", "mcgstatus": "0x7", "broadcast": true}],
      "expect": {"outcome": "running"}' >d.json
    status 1 regress d.json
    has out "no bank held a valid record"
    has out "log: Kernel panic - not syncing: "
    ;;
never)
    cat >node.json <<EOF
{"schema": "mcemu/scenario/1", "name": "node",
 "machine": {
   "mca": {"lmce": true}
 }}
EOF
    scenario '"include": "node.json",
      "events": [{"id": "bad", "at": "1ms", "do": "poison", "spa": "0x12345040"},
                 {"id": "load", "at": "2ms", "do": "load", "process": "db", "va": "0x7f0000001040"}],
      "expect": {"temporal": [{"before": ["event:load", {"phase": "kernel.mc_rdv_out"}]},
        {"eventually": {"counter": "num_poisoned_pages", "min": 2}},
        {"eventually": {"phase": "cmci.accept"}},
        {"eventually": {"all": [{"counter": "cmci", "min": 1}, "panic"]}}]}' >c.json
    status 1 regress c.json
    has out "the second never came: the machine check was local: machine.mca.lmce is true (node.json:3)"
    has out "it never came: num_poisoned_pages reached 1 at most, min is 2"
    has out "/0 first at 2.0"
    has out "first divergence at the end"
    status 1 run -q c.json
    has err "machine.mca.lmce is true (node.json:3)"
    status 1 run -q --set /machine/mca/cmci=false c.json
    has err "it never came: the processors have no CMCI: machine.mca.cmci is false (--set 1)"
    has err "/0 never (cmci reached 0 at most, min is 1), /1 never"
    status 1 run -q --set /machine/mca/lmce=false c.json
    hasnt err "lmce"
    status 1 run -q --unset /events/1 --set '/expect/temporal=[{"eventually":{"phase":"kernel.mc_rdv_out"}}]' c.json
    has err "no machine check was taken"
    status 1 run -q --unset /events --set '/events=[]' --set '/expect/temporal=[{"eventually":{"phase":"kernel.mf_kill"}}]' c.json
    has err "memory_failure() was not called"
    ;;
diff)
    status 1 diff "$racing" --set-b '/events/1/at="0.9ms"'
    has out "A: $racing (v4.19"
    has out "B: $racing --set '/events/1/at=\"0.9ms\"' (v4.19"
    has out "fates: "
    status 1 diff "$racing" --profile-a v4.19 --profile-b v6.1
    has out "--profile v6.1 (v6.1"
    status 0 diff "$racing" --set-a '/events/1/at="0.9ms"' --unset-b /expect --set '/events/1/at="0.9ms"'
    has out "the results are the same"
    status 2 diff "$racing"
    has err "two runs are needed: name B, or say with --set-b"
    status 0 diff "$racing" "$racing"
    has err "A and B are the same run"
    sed 's/"events"/"params": {"pfn": "0x5000"}, "matrix": {"pfn": ["0x5000", "0x6000"]}, "events"/; s/"pfn": "0x5000"}/"pfn": "${pfn}"}/2' \
        "$racing" | sed 's/"do": "hwpoison_pfn", "pfn": "0x5000"/"do": "hwpoison_pfn", "pfn": "${pfn}"/' >m.json
    status 1 diff m.json --matrix-a pfn=0x5000 --matrix-b pfn=0x6000
    has out "A: m.json --matrix pfn=0x5000"
    status 2 diff m.json --matrix-a pfn=0x5000 --matrix-b pfn=0x7000
    status 2 diff r.ndjson --set-b '/seed=2'
    status 2 whatif --at 0.5ms --set '/machine/mca/lmce=true' "$racing"
    has err "mcemu diff FILE --set-b"
    ;;
dropped)
    scenario "\"until\": \"20ms\", \"events\": [$scrub, \"every\": \"12us\", \"times\": 100}],
      \"expect\": {\"counters\": {\"records_lost\": 0}}" >c.json
    status 1 run -q --trace t.ndjson --result r.json c.json
    lost=$(grep -c '"kind":"mce_dropped".*"why":"pool_full"' t.ndjson)
    [ "$lost" -gt 0 ] || fail "the trace tells of no lost record"
    has r.json "\"records_lost\": $lost"
    # Each has the record that was lost as its cause.
    grep '"why":"pool_full"' t.ndjson | head -n 1 >one
    cause=$(sed 's/.*"cause":\([0-9]*\).*/\1/' one)
    grep "\"id\":$cause," t.ndjson | grep -q '"kind":"mce_record"' || fail "its cause is no record"
    status 1 regress c.json
    hasnt out "first divergence at the end"
    has out "as wanted up to 1.662 ms"
    status 1 diff --json --most 1000 c.json --set-b '/machine/latency={"kernel.notifier":"1us"}'
    has out "mce dropped cpu 1, bank 13, severity AO, why pool_full"
    status 0 coverage --no-rules --all c.json
    has out "records not logged: "
    has out "  reached  pool_full (v6.1)"
    has out "  never    bank_cleared"
    ;;
explore)
    # Whoever is first makes the others late: the record's time-stamp counter moves, nothing else.
    scenario "\"events\": [
      {\"id\": \"a\", \"at\": \"1ms\", \"do\": \"mce\", \"cpu\": 0, \"bank\": 13, \"status\": \"SRAO-SCRUB-CMCI\", \"addr\": \"0x12345000\", \"misc\": \"0x8c\"},
      {\"id\": \"u\", \"at\": \"1001us\", \"do\": \"munmap\", \"process\": \"db\", \"va\": \"0x7f0000001000\", \"size\": \"4KiB\"}]" >c.json
    status 0 run --explore --window 20us c.json
    has out "1 outcome in 35 orders: all that there are"
    status 0 run --explore --help
    has out "tsc"
    # A run and the same one later: records differ in times alone.
    status 1 diff c.json --set-b '/events/0/at="1.1ms"' --set-b '/events/1/at="1.101ms"'
    status 0 diff --ignore-times c.json --set-b '/events/0/at="1.1ms"' --set-b '/events/1/at="1.101ms"'
    status 1 regress --explore "$racing"
    has out "2 orders pass: the order as it stands"
    has out "2 outcomes in 4 orders, all that there are"
    status 1 regress --explore --set '/expect/class="late"' "$racing"
    has out "no order passes"
    # The hint below a race can be pasted.
    status 1 regress --set '/expect/class="late"' "$racing"
    has out "mcemu run --explore --set '/expect/class=\"late\"' $racing tries every order"
    ;;
findings)
    scenario '"events": [{"id": "bad", "at": "1ms", "do": "poison", "spa": "0x92345040"}],
              "expect": {"klass": "masked"}' >c.json
    status 0 addr c.json va:db:0x7f0000001000
    has out "0x12345000"
    has err "/events/0/spa"
    has err "these lie elsewhere"
    status 2 addr --set '/processes/0/maps/0/size="5KiB"' c.json va:db:0x7f0000001000
    has err "in the way of an answer:"
    has err "/processes/0/maps/0"
    empty out
    mkdir suite
    cp "$racing" suite/a.json
    cp c.json suite/b.json
    status 2 coverage --no-rules suite
    has out "1 scenario"
    has out "page types: 1 of"
    has err "/events/0/spa"
    has err "1 scenario cannot be run: the others alone are counted"
    status 2 coverage --no-rules suite/b.json
    empty out
    status 2 check suite
    has err "it is a folder"
    echo '{"schema": "mcemu/scenario/1", "include": "b.json"}' >suite/a.json
    echo '{"schema": "mcemu/scenario/1", "include": "a.json"}' >suite/b.json
    status 2 check suite/a.json
    has err "includes itself: suite/a.json -> suite/b.json -> suite/a.json"
    echo '{"schema": "mcemu/scenario/1", "include": "c.jso"}' >suite/a.json
    status 2 check suite/a.json
    has err 'in "suite" did you mean "a.json"?'
    ;;
unset)
    status 0 run -q --unset /expect/class --set '/events/1/at="0.5ms"' "$racing"
    status 1 run -q --set '/events/1/at="0.5ms"' "$racing"
    # Taken away before --set: the object is a new one.
    status 0 run -q --unset /expect --set '/expect/outcome="running"' --set '/events/1/at="0.5ms"' "$racing"
    status 0 check --unset /processes/0/maps/0/at "$racing"
    status 2 check --unset /events "$racing"
    has err '"events"'
    status 2 run --unset /expect/clas "$racing"
    has err '--unset 1: /expect/clas: there is no "clas" to take away: did you mean "class"?'
    status 2 run --unset expect "$racing"
    has err '"expect" is not a JSON pointer'
    status 2 run --unset /events/7 "$racing"
    # The second event moves up.
    status 0 run -q --unset /events/0 --unset /events/0 --unset /expect "$racing"
    status 0 regress --unset /expect/class --set '/events/1/at="0.5ms"' "$racing"
    status 2 regress --unset /tags "$racing"
    has out '--unset 1: /tags: there is no "tags" to take away'
    status 2 whatif --at 0.5ms --unset /processes/0/comm "$racing"
    has err "--unset 1: /processes/0/comm: this cannot change while the machine runs"
    status 2 whatif --at 0.5ms "$racing"
    has err "--set or --unset is needed"
    sed 's/"processes"/"kernel": {"sysctl": {"memory_failure_recovery": 0}}, "processes"/' "$racing" >k.json
    status 1 whatif --at 0.5ms --unset /kernel/sysctl/memory_failure_recovery k.json
    has out "B: k.json without /kernel/sysctl/memory_failure_recovery from 500us on"
    has out "outcome: A panic, B running"
    status 1 regress --unset /processes/0/mce_kill --set '/expect/class="late"' "$racing"
    has out "replay: mcemu run --unset /processes/0/mce_kill --set"
    for shell in bash zsh fish; do
        status 0 completion $shell
        has out unset
    done
    status 0 man run
    has out '\-\-unset'
    ;;
*) fail "there is no such case" ;;
esac
