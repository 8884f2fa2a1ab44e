#!/bin/sh
# why_test.sh PROGRAM DATA CASE: the commands that find out why, as a shell sees them. Every case
# works in an empty folder of its own and fails with a line that says what was wrong.
set -u
program=$1
data=$2
case_name=$3
scenario=$data/devdax.json
racing=$data/racing.json
. "$data/../support/shell.sh"

case $case_name in
explore)
    status 1 run --explore "$racing"
    has out "2 outcomes in 4 orders: all that there are"
    has out "gone (exit) before bad (hwpoison_pfn)"
    has out "mcemu run --schedule 0:1 $racing"
    empty err
    cp out first
    status 1 run --explore "$racing"
    cmp -s out first || fail "explored twice, other bytes"
    status 0 run "$racing"
    cp out plain
    status 0 run --schedule - "$racing"
    cmp -s out plain || fail "the order as it stands is not the plain run"
    status 1 run --schedule 0:1 "$racing"
    has err "filtered"
    status 1 run --explore --explore-runs 1 --window 1us --set '/expect/class="masked"' "$racing"
    has out "1 outcome in 1 order: there are more orders"
    has out "--schedule 1us/-"
    status 1 run --explore --explore-seed 5 --explore-runs 20 --json "$racing"
    has out '"schema": "mcemu/exploration/1"'
    ;;
explore-refuses)
    status 2 run --window 1us "$racing"
    has err "add --explore"
    status 2 run --explore --result r.json "$racing"
    has err "--result is about one run"
    [ ! -e r.json ] || fail "r.json was written"
    status 2 run --schedule nonsense "$racing"
    has err "is no order"
    status 2 run --schedule 77:1 --result r.json "$racing"
    has err "point 77 never came"
    [ ! -e r.json ] || fail "r.json was written"
    status 2 run --explore --explore-runs 0 "$racing"
    ;;
diff)
    status 0 diff "$racing" "$racing"
    has out "the same happens in both"
    has out "the results are the same"
    status 1 diff "$racing" "$scenario"
    "$program" run -q --result a.json --trace a.ndjson "$racing" 2>err </dev/null
    "$program" run -q --result b.json --trace b.ndjson --set '/events/1/at="0.9ms"' "$racing" 2>err </dev/null
    status 1 diff --trace-a a.ndjson --trace-b b.ndjson a.json b.json
    has out "first divergence"
    has out "fates: "
    cp out from_files
    status 1 diff a.ndjson b.ndjson
    has out "first divergence"
    status 1 diff a.json b.json
    has out "no traces"
    status 0 diff --trace-a a.ndjson a.json "$racing"
    status 2 diff --set '/events/1/at="5ms"' "$racing" a.json
    has err "--profile, --set, --unset and --matrix change scenarios, not results"
    status 1 diff --json a.ndjson b.ndjson
    has out '"schema": "mcemu/diff/1"'
    has out '"differ": true'
    ;;
diff-refuses)
    "$program" run -q --result a.json --trace a.ndjson "$racing" 2>err </dev/null
    status 2 diff a.json
    has err "two runs are needed"
    status 2 diff a.json a.ndjson
    has err "two of a kind"
    status 2 diff a.ndjson missing.json
    has err "missing.json: cannot be read"
    head -n 3 a.ndjson >cut.ndjson
    status 2 diff a.ndjson cut.ndjson
    has err "the trace ends at record"
    echo '{"id": 1}' >bad.ndjson
    status 2 diff a.ndjson bad.ndjson
    has err 'bad.ndjson: line 1: "cause" is no whole number'
    status 2 diff --profile v6.1 a.ndjson a.ndjson
    status 2 diff - -
    ;;
whatif)
    status 1 whatif --at 0.5ms --set '/kernel/sysctl/memory_failure_recovery=0' "$racing"
    has out "first divergence"
    has out "outcome: "
    has out "panic"
    status 0 whatif --at 5ms --set '/kernel/sysctl/memory_failure_recovery=0' "$racing"
    has out "the results are the same"
    status 2 whatif --at 0.5ms --set '/kernel/profile=v6.1' "$racing"
    has err "--set 1: /kernel/profile: this cannot change while the machine runs"
    status 2 whatif --at 2ms --set '/events/0/pfn="0x6000"' "$racing"
    has err "began at 1ms, before --at 2ms"
    status 2 whatif --set '/events/0/pfn="0x6000"' "$racing"
    has err "--at is needed"
    ;;
bisect)
    status 1 bisect --over '/events/1/at="0.5ms","0.9ms","1ms","2ms"' "$racing"
    has out "the verdict flips first at \"1ms\""
    hasnt out "not monotone"
    status 1 bisect --over '/events/1/at="0.5ms","2ms","0.6ms"' "$racing"
    has out "it is not monotone"
    status 0 bisect --over '/events/1/at="1ms","2ms"' "$racing"
    has out "the verdict is the same for all of them: passes"
    "$program" bisect --over profile --json "$racing" >out 2>err </dev/null
    has out '"value": "v6.1"'
    status 2 bisect --over profiles "$racing"
    status 2 bisect --over '/events/1/at="x","2ms"' "$racing"
    has err "/events/1/at"
    status 2 bisect "$racing"
    ;;
shrink)
    status 2 shrink "$racing"
    has err "every expectation is met"
    empty out
    status 0 shrink --set '/expect/class="masked"' -o small.json "$racing"
    has err "fails: /expect/class"
    empty out
    cp small.json first.json
    status 0 shrink --set '/expect/class="masked"' -o small.json "$racing"
    cmp -s small.json first.json || fail "shrunk twice, other bytes"
    status 1 run -q small.json
    has err "/expect/class"
    status 0 check small.json
    hasnt small.json '"gone"'
    ;;
debug)
    printf 'step 1\nnext\nprint pages\ncontinue\nback 1000\nwhere\n' >commands
    "$program" debug "$racing" <commands >out 2>err || fail "exit status $?"
    has out "at the beginning"
    has out "the run has ended"
    has out "entry 0"
    empty err
    cp out first
    "$program" debug "$racing" <commands >out 2>err
    cmp -s out first || fail "debugged twice, other bytes"
    "$program" debug "$racing" </dev/null >out 2>err || fail "at the end of input: exit status $?"
    "$program" debug "$racing" <&- >out 2>err || fail "without input: exit status $?"
    echo "stpe" | "$program" debug "$racing" >out 2>err
    [ $? -eq 2 ] || fail "a wrong command passes"
    has err "there is no command 'stpe'"
    echo "print direct_map" | "$program" debug "$racing" >out 2>err
    [ $? -eq 2 ] || fail "a wrong subject passes"
    has err "'direct_map' cannot be printed: did you mean 'direct-map'?"
    echo "break kind sigbus" | "$program" debug "$racing" >out 2>err
    [ $? -eq 2 ] || fail "a wrong kind passes"
    has err "there is no kind of record 'sigbus': scenario_event access"
    status 2 debug -
    status 2 debug
    ;;
coverage)
    status 0 coverage --no-rules --all "$racing"
    has out "1 scenario"
    has out "severity rows v4.x: 0 of "
    has out "  reached  dirty LRU page (v4.19)"
    has out "  never    kernel slab page"
    mkdir some
    cp "$racing" some/a.json
    sed 's/"name": "racing"/"name": "racing6", "kernel": {"profile": "v6.1"}/' "$racing" >some/b.json
    status 0 coverage --json some
    has out '"schema": "mcemu/coverage/1"'
    has out '"scenarios": 2'
    has out 'unhandlable_pages as in v6.1'
    echo '{' >bad.json
    status 2 coverage some bad.json
    status 2 coverage
    status 2 coverage --proposals x some
    ;;
*) fail "there is no such case" ;;
esac
