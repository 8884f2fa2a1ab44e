#!/bin/sh
# cli_test.sh PROGRAM DATA CASE SCHEMA_CHECK TRACE_CHECK: one case of how the program behaves towards a shell. Every case
# works in an empty folder of its own and fails with a line that says what was wrong.
set -u
program=$1
data=$2
case_name=$3
schema_check=$4
trace_check=$5
scenario=$data/devdax.json
reboot=$data/../../scenarios/reboot
formats=$data/../data/formats
. "$data/../support/shell.sh"

case $case_name in
help)
    status 0 --help
    has out "usage: mcemu COMMAND"
    for command in run report campaign check regress decode import export addr profiles latencies schema; do has out "  $command"; done
    empty err
    ;;
command-help)
    for command in run report check regress decode import export addr profiles latencies schema; do
        status 0 "$command" --help
        has out "usage: mcemu $command"
        has out "--help"
        empty err
    done
    ;;
version)
    status 0 --version
    [ "$(wc -l <out)" -eq 3 ] || fail "not three lines"
    has out "mcemu "
    has out "mcemu/scenario/1"
    has out "SystemC 2.3"
    empty err
    ;;
no-command)
    status 2
    has err "no command given"
    empty out
    ;;
unknown-command)
    status 2 rnu
    has err "'run' would be one"
    status 2 entirelydifferent
    has err "see mcemu --help"
    empty out
    ;;
unknown-option)
    status 2 run --reslut r.json "$scenario"
    has err "'--result' would be one"
    empty out
    ;;
no-abbreviations)
    status 2 run --resul r.json "$scenario"
    status 2 profiles --js
    ;;
missing-scenario)
    status 2 run
    has err "a scenario is needed"
    status 2 run no-such-file.json
    has err "no-such-file.json"
    empty out
    ;;
too-many-arguments)
    status 2 run "$scenario" "$scenario"
    has err "too many arguments"
    ;;
bad-values)
    status 2 run --seed minus "$scenario"
    status 2 run --until soon "$scenario"
    status 2 run --profile v9.9 "$scenario"
    status 2 run --color mauve "$scenario"
    empty out
    ;;
trace-ending)
    for name in t.txt t.vcdx json t; do
        status 2 run --trace $name "$scenario"
        has err "the ending says the format"
        has err ".ndjson"
    done
    status 2 run --trace t.vcd --trace t.vcd "$scenario"
    has err "two outputs have the name 't.vcd'"
    only_files
    ;;
report)
    series=$data/../../scenarios/series
    for world in absent in-place; do
        "$program" run -q --set '/expect={}' "$series/decoy-$world.json" --trace $world.ndjson --result $world.json \
            >out 2>err || fail "decoy-$world does not run"
    done
    status 0 report in-place.ndjson in-place.json
    has out "From event:load to signal:db: 160.311 us; mostly kernel.nospec"
    has out "| 0x12345 | 1.000 ms | 2.000 ms | 2.004 ms | 1.038 ms | 1.145 ms | 1 | 1 | db |"
    empty err
    # The same figures in every format, from either order of the files and from standard input.
    status 0 report in-place.json in-place.ndjson --format json
    has out '"schema": "mcemu/report/1"'
    has out '"p9999_ns": 160311,'
    cp out first
    status 0 report in-place.ndjson in-place.json --format json
    sed 's/"in-place.json"//; s/"in-place.ndjson"//' out >o1; sed 's/"in-place.json"//; s/"in-place.ndjson"//' first >o2
    [ "$(tr -d ' ,\n' <o1)" = "$(tr -d ' ,\n' <o2)" ] || fail "the order of the files changes the figures"
    "$program" report - --format csv <in-place.ndjson >out 2>err || fail "standard input"
    has out "duration,,decoy-in-place (v4.19),event:load,signal:db,p99.99,160311,ns"
    has out "exposure,0,,0x12345,,user_exposure,1038811,ns"
    status 0 report in-place.json --format csv
    has out "duration,,decoy-in-place (v4.19),event:load,signal:db,max,160311,ns"
    # Measures of one's own, deadlines and comparison.
    status 0 report a=absent.ndjson b=in-place.ndjson --measure 'event:load..signal:db=100us' \
        --measure phase:kernel.mf_kill..signal_delivered -o r.md
    has r.md "1 time beyond the deadline of 100.000 us"
    has r.md "| phase:kernel.mf\\_kill | signal\\_delivered | 1 |"
    has r.md "## Comparison"
    # One page, twice the same bytes, nothing from elsewhere.
    status 0 report in-place.ndjson in-place.json -o p.html
    cp p.html q.html
    status 0 report in-place.ndjson in-place.json -o p.html
    cmp -s p.html q.html || fail "another page from the same files"
    has p.html "default-src 'none'"
    for id in summary timeline latency phases outcomes exposure; do has p.html "<section id=\"$id\""; done
    if grep -qE "https?://" p.html; then fail "the page names an address"; fi
    # A campaign's cells are variants; its parameter explains what differs.
    cat >s.json <<'END'
{ "schema": "mcemu/scenario/1", "name": "load",
  "processes": [ { "id": "db", "pid": 900, "cpu": 0, "sigbus": "handler",
    "maps": [ { "id": "m", "va": "0x7f0000000000", "size": "4KiB", "kind": "anon", "at": "0x12345000" } ] } ],
  "events": [ { "id": "poison", "at": "1ms", "do": "poison", "spa": "0x12345000", "length": "64B" },
              { "id": "load", "at": "2ms", "do": "load", "process": "db", "va": "0x7f0000000000" } ] }
END
    cat >c.json <<'END'
{ "schema": "mcemu/campaign/1", "name": "two", "scenario": "s.json", "seed": 1, "runs": 3,
  "sweep": [ { "of": "/machine/latency/kernel.nospec", "name": "change", "values": [ "5us", "80us" ] } ],
  "measures": [ { "name": "kill", "from": "event:load", "to": "signal:db" } ] }
END
    status 0 campaign run c.json -o c.db -q
    status 0 report c.db --format csv
    has out "influence,,two,event:load,signal:db,change,1.0,"
    has out "outcome,,two: change 80us,,,recovered,3,runs"
    has out "phase,,two: change 80us,event:load,signal:db,kernel.nospec,80000.0,ns"
    status 0 report c.db -o c.html
    has c.html '<section id="sensitivity"'
    head -c 20000 c.db >cut.db
    status 2 report cut.db
    has err "cut.db: "
    [ "$(wc -l <err)" -eq 1 ] || fail "not one error"
    # Every shipped run can be reported.
    for s in "$data/panic.json" "$data/signals.json" "$reboot"/*.json; do
        "$program" run -q --trace t.ndjson --result r.json "$s" >out 2>err
        status 0 report t.ndjson r.json -o p.html
    done
    ;;
report-refuses)
    "$program" run -q "$scenario" --trace t.ndjson --trace p.json --trace v.vcd --result r.json >out 2>err
    echo old >o.html
    refused() {
        status 2 report "$1" -o o.html
        has err "$2"
        [ "$(wc -l <err)" -eq 1 ] || fail "not one error"
        [ "$(cat o.html)" = old ] || fail "an output was touched"
        empty out
    }
    refused missing "missing: cannot be read: No such file"
    : >empty; refused empty "the file is empty"
    head -c 3000 t.ndjson >cut; refused cut "the trace is cut off in this line"
    head -n 9 t.ndjson >cut; refused cut "the trace is cut off after record 9 of"
    sed '4d' t.ndjson >gap; refused gap "records are missing"
    sed 's,"trace":{.*}},"x":1},' t.ndjson >older; refused older "an older version wrote it"
    sed 's,trace/1,trace/2,' t.ndjson >newer; refused newer 'schema "mcemu/trace/2"'
    head -c 900 r.json >cut; refused cut "cut off"
    sed 's,result/1,result/2,' r.json >newer; refused newer 'reads results of "mcemu/result/1"'
    sed 's/"class"/"klass"/' r.json >other; refused other '"class" is missing'
    refused "$scenario" "this is a scenario: run it first"
    refused p.json "this is a trace for Perfetto"
    refused v.vcd "this is a VCD file"
    printf 'SQLite format 3\0xxxx' >db; refused db "this is no results database of a campaign"
    printf '{"a": 1}' >foreign; refused foreign "neither a result nor a trace"
    head -c 200 /dev/urandom >noise; refused noise "noise: "
    status 2 report; has err "a file is needed"
    status 2 report t.ndjson -o x.pdf; has err "the ending says no format"
    status 2 report t.ndjson --format pdf; has err "html, md, json or csv"
    for m in x x.. ..y event:a..tea phase:tea..panic flag:tea..panic; do
        status 2 report t.ndjson --measure "$m"; has err "--measure '$m'"
    done
    status 2 report t.ndjson --measure event:a..panic=soon
    status 4 report t.ndjson -o /nowhere/x.html
    ;;
trace-formats)
    # Names that are no identifiers, close a comment or a string, or are equal once they are.
    cat >hostile.json <<'END'
{ "schema": "mcemu/scenario/1", "name": "$end \"</script> \u00e9 \\",
  "processes": [ { "id": "a b", "pid": 7, "comm": "x$end \"" }, { "id": "a_b", "pid": 8 } ],
  "events": [ { "id": "$end", "at": "1ms", "do": "poison", "spa": "0x12345000", "length": "64B" },
              { "id": "s", "at": "2ms", "do": "sysctl", "name": "memory_failure_early_kill", "value": 1 } ] }
END
    for s in "$data"/../../scenarios/series/decoy-*.json "$scenario" "$data/panic.json" \
        "$data"/../../scenarios/mca/*1*.json "$reboot"/*.json hostile.json; do
        "$program" run -q --trace t.ndjson --trace t.json --trace t.vcd "$s" >out 2>err </dev/null
        [ $? -le 1 ] || fail "$s does not run"
        "$trace_check" t.ndjson t.json t.vcd >out 2>err || fail "$s: a trace is not what it promises"
        if command -v vcd2fst >/dev/null 2>&1; then
            vcd2fst -v t.vcd -f t.fst >out 2>&1 || fail "$s: vcd2fst cannot read the trace"
            if grep -qiE 'error|unknown|warning' out; then fail "$s: vcd2fst complains"; fi
        fi
    done
    command -v vcd2fst >/dev/null 2>&1 || echo "not checked with vcd2fst: it is not installed (gtkwave)"
    ;;
bad-scenario-touches-no-output)
    echo '{"schema": "mcemu/scenario/1", "name": "x", "events": [], "colour": 1}' >bad.json
    echo old >r.json
    status 2 run --result r.json bad.json
    has err "bad.json:1:"
    has err "colour"
    [ "$(cat r.json)" = old ] || fail "the old result was touched"
    only_files bad.json r.json
    ;;
run-log)
    status 0 run "$scenario"
    has out "Injecting memory failure for pfn 0x200"
    grep -qE '^\[    0\.001[0-9]{3}\] Injecting' out || fail "no time stamp"
    has err "e1 "
    has err "consumed"
    has err "outcome: running, class: recovered"
    has err "expectations: 3 of 3 met"
    hasnt err "SystemC"
    ;;
run-json)
    status 0 run --json "$scenario"
    has out '"schema": "mcemu/result/1"'
    has out '"class": "recovered"'
    hasnt out "[    0."
    ;;
run-quiet)
    status 0 run --quiet "$scenario"
    empty out
    empty err
    ;;
run-stdin)
    "$program" run - <"$scenario" >out 2>err || fail "exit status $?"
    has out "Injecting memory failure"
    ;;
run-files)
    status 0 run --result r.json --log k.log --trace t.ndjson "$scenario"
    empty out
    has r.json '"mcemu/result/1"'
    has k.log "Injecting memory failure"
    head -n 1 t.ndjson | grep -q '^{"t_ps":' || fail "the trace does not begin with a record"
    only_files k.log r.json t.ndjson
    ;;
same-bytes-twice)
    status 0 run --result a.json --trace a.ndjson "$scenario"
    status 0 run --result b.json --trace b.ndjson "$scenario"
    cmp a.json b.json || fail "results differ"
    cmp a.ndjson b.ndjson || fail "traces differ"
    ;;
run-ahead-changes-nothing)
    status 0 run --result a.json --trace a.ndjson "$scenario"
    status 0 run --no-run-ahead --result b.json --trace b.ndjson "$scenario"
    cmp a.json b.json || fail "results differ"
    cmp a.ndjson b.ndjson || fail "traces differ"
    ;;
failed-expectation)
    status 1 run --set '/expect/fates/e1="latent"' "$scenario"
    has err "/expect/fates/e1"
    has err 'wanted "latent", got "consumed"'
    status 1 run --quiet --set '/expect/fates/e1="latent"' "$scenario"
    has err "failed"
    empty out
    ;;
profile-option)
    status 1 run --profile v4.18 "$scenario"
    has out "recovery action for reserved kernel page: Failed"
    ;;
color)
    status 0 run --color always "$scenario"
    grep -q "$(printf '\033')\[" err || fail "no colour although always"
    status 0 run --color never "$scenario"
    if grep -q "$(printf '\033')" err; then fail "colour although never"; fi
    status 0 run "$scenario"
    if grep -q "$(printf '\033')" err; then fail "colour without a terminal"; fi
    ;;
stdout-claimed-twice)
    status 2 run --json --log - "$scenario"
    has err "two outputs want standard output"
    status 2 run --result x --log x "$scenario"
    has err "two outputs have the name 'x'"
    only_files
    ;;
broken-pipe)
    # The reader is gone before the first byte.
    { "$program" latencies --json 2>err; echo $? >code; } | true
    sleep 1
    code=$(cat code)
    [ "$code" = 4 ] || [ "$code" = 0 ] || fail "exit status $code"
    { sleep 1; "$program" run "$scenario" 2>err; echo $? >code; } | true
    [ "$(cat code)" = 4 ] || fail "exit status $(cat code), not 4"
    has err "Broken pipe"
    ;;
head-gets-the-first-line)
    "$program" run "$scenario" 2>/dev/null | head -n 1 >out
    [ "$(wc -l <out)" -eq 1 ] || fail "not one line"
    ;;
full-stdout)
    "$program" run "$scenario" >/dev/full 2>err
    code=$?
    [ $code -eq 4 ] || fail "exit status $code, not 4"
    has err "No space left on device"
    "$program" --help >/dev/full 2>err
    code=$?
    [ $code -eq 4 ] || fail "--help: exit status $code, not 4"
    ;;
full-disk)
    # A file-size limit stands for a full disk: the old file must survive, and nothing else.
    echo old >r.json
    (
        trap '' XFSZ
        ulimit -f 1
        "$program" run --result r.json "$scenario" >/dev/null 2>err
        echo $? >code
    )
    [ "$(cat code)" = 4 ] || fail "exit status $(cat code), not 4"
    [ "$(cat r.json)" = old ] || fail "the old file was touched"
    rm code
    only_files r.json
    ;;
unwritable-folder)
    status 4 run --result no/such/folder/r.json "$scenario"
    has err "no/such/folder/r.json"
    empty out
    ;;
endless-restart)
    status 0 run --result r.json "$data/../../scenarios/kernel/consumed-for-ever-v4.18.json"
    has err "note: machine checks restart the access of again for ever"
    has err "class: kernel-bug"
    has r.json '"result": "restarts for ever"'
    rm r.json
    ;;
no-ram-left)
    echo '{"schema": "mcemu/scenario/1", "name": "full", "events": [],' >full.json
    echo '"processes": [{"id": "p", "maps": [{"va": "0x1000", "size": "8GiB"}]}]}' >>full.json
    status 2 run --result r.json full.json
    has err 'full.json:2:61: /processes/0/maps/0/size: no RAM is left for 8GiB: '
    empty out
    status 2 check full.json
    rm full.json
    only_files
    ;;
invariants)
    status 0 run --check-invariants "$scenario"
    cp out checked
    status 0 run "$scenario"
    cmp -s out checked || fail "looking at invariants changes the log"
    rm checked
    ;;
profiles)
    status 0 profiles
    for p in v4.18 v4.19 v6.1; do has out "$p"; done
    has out "memory_failure"
    status 0 profiles --json
    has out '"name": "v4.19"'
    cp out json
    status 0 profiles --format json
    cmp -s out json || fail "--json and --format json differ"
    rm json
    status 0 profiles --fidelity
    has out "memory_failure() of DAX pages (kernel.md 2.5, 5.3)"
    has out "               linux-4.19/devdax-2m-late"
    status 0 profiles --fidelity --format json
    has out '"checked": "record"'
    has out '"checked": "spec only"'
    empty err
    status 2 profiles --format yaml
    has err "--format takes text or json, not 'yaml'"
    status 2 profiles --all --fidelity
    status 0 profiles
    empty err
    ;;
latencies)
    status 0 latencies
    has out "kernel.mf_unmap"
    status 0 latencies --json
    has out '"name": "kernel.mf_unmap"'
    empty err
    ;;
addr)
    status 0 addr "$scenario" 0x200300000
    has out "0x200300"
    has out "nmem0"
    has out "namespace0.0"
    has out "0xffff880200300000"
    status 0 addr --json "$scenario" va:victim:0x7f763dd00000
    has out '"kind": "process"'
    status 2 addr "$scenario" sector:pmem7:1
    has err "there is no block device 'pmem7'"
    status 2 addr "$scenario"
    has err "an address"
    # Every coordinate that is shown leads back to the same place.
    status 0 addr --json "$scenario" 0x200300040
    cp out first
    for text in $(sed -n 's/.*"address": "\(.*\)".*/\1/p' first | grep -v decoy); do
        status 0 addr --json "$scenario" "$text"
        cmp -s out first || fail "$text leads elsewhere"
    done
    status 2 addr "$scenario" pfn:0xffffffffffffff
    has err "40 bits of a page frame number"
    ;;
state)
    # A run that plants errors, and the next boot on the same modules.
    status 0 run "$reboot/scrub-finds-latent-error.json" --save-state a.state -q
    status 0 run "$reboot/scrub-finds-latent-error.json" --save-state b.state -q
    cmp -s a.state b.state || fail "the same run wrote another image"
    only_files a.state b.state
    status 0 run "$reboot/scrub-finds-latent-error-next.json" --load-state a.state --save-state c.state -q --check-invariants
    status 0 run "$reboot/scrub-finds-latent-error-next.json" --load-state a.state --save-state d.state -q
    cmp -s c.state d.state || fail "the same run on the same image wrote another image"
    # In place: the old image is read before the new one replaces it.
    status 0 run "$reboot/scrub-finds-latent-error-next.json" --load-state b.state --save-state b.state -q
    cmp -s b.state c.state || fail "writing over the image that was read changed it"
    # By itself it boots on what the scenario that it names leaves.
    status 0 run "$reboot/scrub-finds-latent-error-next.json" --save-state e.state -q
    cmp -s e.state c.state || fail "boots_on gave another image than --load-state"
    # Without the image the next boot meets clean media: its expectations fail.
    grep -v boots_on "$reboot/scrub-finds-latent-error-next.json" >clean.json
    status 1 run clean.json -q
    "$program" run "$reboot/scrub-finds-latent-error-next.json" --load-state - -q <a.state >out 2>err ||
        fail "an image from standard input"
    status 0 run "$reboot/scrub-finds-latent-error.json" --save-state - -q
    has out "mcemu/nvdimm-state/1"
    ;;
state-refused)
    status 0 run "$reboot/scrub-finds-latent-error.json" --save-state good -q
    echo old >result
    refused() {
        status 2 run "$reboot/scrub-finds-latent-error.json" --load-state "$1" --result result --save-state new
        has err "$1:"
        has err "$2"
        [ "$(wc -l <err)" -eq 1 ] || fail "not one error"
        empty out
        [ "$(cat result)" = old ] && [ ! -e new ] || fail "an output was touched"
    }
    refused missing "cannot be read: No such file"
    : >bad; refused bad "the file is empty"
    head -c 200 good >bad; refused bad "the file is cut off"
    sed 's/"length":256/"length":257/' good >bad; refused bad "the file is damaged, or was edited"
    sed 's,state/1,state/2,' good >bad; refused bad "the image has version 2"
    cp "$reboot/scrub-finds-latent-error.json" bad; refused bad "this is no NVDIMM image"
    status 2 run "$reboot/scrub-finds-latent-error.json" --load-state good --set /machine/nvdimms/0/size=64MiB
    has err '"size" of nmem0 is 32MiB in the image and 64MiB in'
    status 2 run "$scenario" --load-state good
    has err "good:"
    status 2 run - --load-state -
    has err "both want standard input"
    status 2 run "$scenario" --save-state x --result x
    has err "two outputs have the name 'x'"
    ;;
ndctl)
    status 0 run "$reboot/scrub-finds-latent-error.json" --ndctl-list
    has out '"dev": "namespace0.0"'
    has out '"badblock_count": 1'
    cp out list
    status 2 run "$reboot/scrub-finds-latent-error.json" --ndctl-list --json
    has err "two outputs want standard output"
    # There and back: the machine that is listed lists the same.
    status 0 import ndctl list -o back.json
    has err "list:"
    has err "behind all memory, by 4KiB"
    status 0 check back.json
    status 0 run back.json --ndctl-list
    grep -v -e '"shutdown_' -e '"scrub_state"' out >again
    grep -v -e '"shutdown_' -e '"scrub_state"' list >first
    cmp -s first again || fail "the imported machine lists something else"
    "$program" import ndctl - -q <list >out 2>err || fail "import from standard input"
    cmp -s out back.json || fail "standard input gives another scenario"
    empty err
    status 2 import ndctl "$scenario"
    has err "it has neither \"dev\" nor a list of devices"
    empty out
    status 2 import ndclt list
    has err "there is no format 'ndclt': 'ndctl' would be one"
    status 2 import ndctl missing
    has err "missing: /: cannot be read: No such file"
    status 2 import ndctl
    has err "a format and a file are needed"
    ;;
import-mce-inject)
    status 0 import mce-inject "$formats/held.mce-inject" -o s.json
    has err "the kernel takes no TSC"
    has s.json "// Made by mcemu import mce-inject."
    has s.json "the kernel takes no TSC"
    status 0 check s.json
    status 0 export mce-inject s.json -o back
    "$program" import mce-inject - -q <back >again 2>err || fail "import from standard input"
    empty err
    status 0 export mce-inject again -q
    sed 's/^# line-[0-9]*/#/' out >there
    sed 's/^# line-[0-9]*/#/' back >here
    cmp -s here there || fail "there and back gives another file"
    printf 'CPU 0 BANK 1\nSTATUS EIPV\n' >bad
    status 2 import mce-inject bad -o none.json
    has err "bad:2:8: 'EIPV' cannot stand here"
    [ ! -e none.json ] || fail "a bad file left a scenario behind"
    status 0 run "$data/panic.json" -q --result result
    status 0 export mce-inject result
    has out "STATUS 0xbe00"
    ;;
import-dmesg)
    for log in srar-4.19 panic-levels ghes-syslog injection-dmesg-T; do
        status 0 import dmesg "$formats/$log.log" -o "$log.json"
        status 0 check "$log.json"
        status 0 run "$log.json"
        has err "met"
    done
    has srar-4.19.json '"Memory failure: 0xe16677: Killing java:5421 due to hardware memory corruption"'
    has srar-4.19.json "//   line 23: EDAC MC0: 1 CE memory read error"
    has panic-levels.json '"panic": "Fatal machine check"'
    # The emulated kernel's own log gives a scenario that prints the same.
    for log in panic-levels injection-dmesg-T; do
        status 0 run $log.json
        cp out log
        status 0 import dmesg log -o again.json
        status 0 run again.json
        sed 's/^[^]]*] //; s/TSC [0-9a-f]*//' log >first
        sed 's/^[^]]*] //; s/TSC [0-9a-f]*//' out >second
        cmp -s first second || fail "the log of a run, imported, runs to another log"
    done
    echo "nothing" | "$program" import dmesg - >out 2>err
    [ $? -eq 2 ] || fail "a log without errors is not refused"
    has err "<stdin>:1:1: this log holds no hardware error"
    empty out
    ;;
rasdaemon)
    status 0 import dmesg "$formats/srar-4.19.log" -o s.json
    status 0 run s.json -q --result result
    status 0 export rasdaemon result -o ras.db
    status 0 export rasdaemon s.json -o same.db
    cmp -s ras.db same.db || fail "a scenario exports another database than its result"
    status 0 import rasdaemon ras.db -o back.json
    status 0 run back.json
    has back.json "0xbd80000000000134"
    head -c 5000 ras.db >torn
    status 2 import rasdaemon torn
    [ "$(wc -l <err)" -eq 1 ] || fail "not one line about a damaged database"
    has err "torn: the database is damaged"
    status 2 import rasdaemon s.json
    has err "this is no SQLite database"
    # Debian's reader, as it is installed but for the place of the database, and with every table that
    # other builds ask for. It looks for modprobe, which it does not need here.
    reader=/usr/sbin/ras-mc-ctl
    [ -r $reader ] || fail "there is no $reader: install rasdaemon"
    mkdir tools
    printf '#!/bin/sh\n' >tools/modprobe
    chmod +x tools/modprobe
    sed 's|^my $dbname .*|my $dbname = "ras.db";|' $reader >debian.pl
    sed 's|^#$has|$has|' debian.pl >whole.pl
    for script in debian whole; do
        PATH=$PWD/tools:$PATH perl $script.pl --summary >out 2>err || fail "$script --summary"
        empty err
        has out "1 Data CACHE Level-0 Data-Read Error errors"
        has out "Corrected on DIMM Label(s): 'CPU_SrcID#1_MC#0_Chan#0_DIMM#0'"
        PATH=$PWD/tools:$PATH perl $script.pl --errors >out 2>err || fail "$script --errors"
        empty err
        has out "status=0xbd80000000000134, addr=0xe16677040"
        has out "memory read error at CPU_SrcID#1_MC#0_Chan#0_DIMM#0"
    done
    has out "pfn=0xe16677, page_type=dirty LRU page, action_result=Recovered"
    ;;
import-qemu)
    status 0 import qemu "$formats/session.qemu" -o s.json
    has err "'info' is no mce command"
    status 0 run s.json
    status 0 export qemu s.json
    has out "mce -b 0 1 0xbd80000000000134 0x7 0x12345040 0x8c"
    printf 'mce 0 1 1 2 3\n' >bad
    status 2 import qemu bad
    has err "bad:1:14: misc: unexpected end of expression"
    empty out
    ;;
export)
    status 0 export ndctl "$reboot/scrub-finds-latent-error.json"
    has out "ndctl inject-error --block=8 --count=1 --saturate namespace0.0"
    sh -n out || fail "no shell script"
    status 0 run "$reboot/scrub-finds-latent-error.json" -q --result result
    status 0 export ndctl result -o script
    has script "ndctl inject-error --block=8 --count=1 namespace0.0"
    "$program" export ndctl - <result >out 2>err || fail "export from standard input"
    cmp -s out script || fail "standard input gives another script"
    sed 's/"namespace0.0": "8/"namespace0.0; x": "8/' result >evil
    status 2 export ndctl evil
    has err "namespaceR.N would be one"
    status 2 export ndctl result --profile v6.1
    has err "change scenarios, not results"
    status 2 export ndctl missing
    has err "cannot be read"
    status 2 export rasdeamon result
    has err "there is no format 'rasdeamon'"
    ;;
decode)
    status 0 decode 0xbd80000000100134 --mcgstatus 0xf --addr 0x2f4a5e1c40 --misc 0x86 --cs 0x33 --bank 1
    has out "class SRAR"
    has out 'Linux v6.1: AR, "Action required: data load error in a user process" (row 18'
    has out "  Data CACHE Level-0 Data-Read Error"
    has out "BANK 1: DCU"
    empty err
    status 0 decode be00000000800400 --json
    has out '"schema": "mcemu/decode/1"'
    has out '"class": "UC (fatal)"'
    status 0 decode 0xbd80000000100134 --mcgstatus 0x7 # no CS: who was interrupted is open
    has out 'Linux v6.1 in user mode: AR, "Action required: data load error in a user process"'
    has out 'Linux v6.1 in kernel mode: PANIC, "Data load in unrecoverable area of kernel"'
    status 0 decode 0xb400000000000134 --mcgcap 0xc07 --format json
    has out '"class": "UC"'
    ;;
decode-stdin)
    printf 'CPU 1 BANK 4\nSTATUS FATAL S\nMCGSTATUS MCIP\n' | "$program" decode >out 2>err || fail "mce-inject text"
    has out "CPU 1 bank 4 (line 1)"
    has out "Processor context corrupt"
    "$program" run "$data/panic.json" >log 2>err || fail "run"
    "$program" decode --from log <log >out 2>err || fail "kernel log"
    has out "class UC (fatal)"
    printf 'MCE ADDR 1 STATUS FATAL\n' | "$program" decode - >out 2>err || fail "with a warning"
    has err "<stdin>:1:12: STATUS replaces what stood there"
    ;;
decode-others)
    printf '%s\n' 'mce: [Hardware Error]: CPU 2: Machine Check: 0 Bank 21: dc2040000400011b' \
        'mce: [Hardware Error]: TSC 0 ADDR 7d41b7940 MISC d01a000601000000' \
        'mce: [Hardware Error]: PROCESSOR 2:a60f12 TIME 1694950564 SOCKET 0 APIC 4 microcode a601206' >amd
    "$program" decode <amd >out 2>err || fail "a record of AMD's"
    has out "STATUS 0xdc2040000400011b, AMD"
    has out "corrected by ECC"
    has out "class CE: the bank's unit and the extended code need the processor's model"
    hasnt out "Linux v"
    "$program" decode --json <amd >out 2>err || fail "a record of AMD's as JSON"
    has out '"grades": []'
    printf '%s\n' 'mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank -1: bc0000000000009f' \
        'mce: [Hardware Error]: TSC 0 ADDR 276aeb0180 MISC 86' 'CPU 1: Machine Check: 0 Bank 128: 8000000000000000' >soft
    "$program" decode <soft >out 2>err || fail "records of no bank"
    has out "CPU 0 bank -1, a report of firmware (line 1)"
    has out "CPU 1 bank 128, a thermal event (line 3)"
    hasnt out "BANK 4294967295"
    ;;
decode-refuses)
    status 2 decode 0xzz
    has err "STATUS '0xzz' is no whole number of 64 bits"
    status 2 decode 1 --bank 40
    has err "--bank goes from 0 to 31"
    status 2 decode 1 --format yaml
    has err "--format takes text or json, not 'yaml'"
    status 2 decode --addr 1
    has err "--addr goes with STATUS"
    status 2 decode
    has err "<stdin>:1:1: there is no machine check in it"
    empty out
    printf 'CPU 0 BANK 1\nSTATUS EIPV\n' | "$program" decode >out 2>err
    [ $? -eq 2 ] || fail "a syntax error is not refused"
    has err "<stdin>:2:8: 'EIPV' cannot stand here"
    empty out
    ;;
check)
    status 0 check "$scenario"
    echo '{' >bad.json
    status 2 check bad.json
    ;;
every-option-is-known)
    # What --help of a command shows is in its completion and in its manual page.
    status 0 --help
    commands=$(sed -n '/^commands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' out)
    [ -n "$commands" ] || fail "--help lists no commands"
    for shell in bash zsh fish; do
        "$program" completion $shell >$shell </dev/null || fail "completion $shell fails"
    done
    # check_options NAME: "run", or a command and its part, "campaign plan".
    check_options() {
        # shellcheck disable=SC2086
        status 0 $1 --help
        options=$(sed -n 's/^  \(-[a-z] \[ \)\{0,1\}--\([a-z][a-z-]*\).*/\2/p' out)
        [ -n "$options" ] || fail "$1 --help shows no options: does it use parse()?"
        # shellcheck disable=SC2086
        status 0 man $1
        cp out page
        sed -n "/^        '$1')/,/^            fi ;;\$/p" bash >bash.part
        sed -n "/^        '$1')/,/;;\$/p" zsh >zsh.part
        grep -F "__fish_seen_subcommand_from $(printf '%s' "$1" | sed 's/ /; and __fish_seen_subcommand_from /')'" fish >fish.part
        for option in $options; do
            for part in bash.part zsh.part; do
                [ "$option" = help ] || grep -qE -- "--$option([^a-z-]|\$)" $part ||
                    fail "$part lacks --$option of $1"
            done
            grep -qE -- "-l $option( |\$)" fish.part || fail "fish lacks --$option of $1"
            has page "$(printf '%s' "--$option" | sed 's/-/\\-/g')"
        done
    }
    for command in $commands; do
        status 0 "$command" --help
        if grep -q "^usage: mcemu $command PART" out; then
            parts=$(sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' out)
            [ -n "$parts" ] || fail "$command --help lists no parts"
            for part_name in $parts; do check_options "$command $part_name"; done
        else
            check_options "$command"
        fi
    done
    ;;
completion-bash)
    "$program" completion bash >script </dev/null || fail "no completion"
    command -v bash >/dev/null || exit 0
    bash -n script || fail "bash does not read it"
    : >"a file.json"
    cat >try <<'EOF'
source ./script
shopt -u progcomp 2>/dev/null
offer() { COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mcemu; printf '%s\n' "${COMPREPLY[@]}"; }
echo "== commands"; offer mcemu ''
echo "== prefix"; offer mcemu dec
echo "== options"; offer mcemu run --q
echo "== files"; offer mcemu run 'a f'
echo "== value"; offer mcemu run --color n
echo "== profile"; offer mcemu run --profile ''
echo "== words"; offer mcemu schema re
echo "== format"; offer mcemu export nd
echo "== second"; offer mcemu export ndctl 'a f'
echo "== man"; offer mcemu man lat
EOF
    bash try >out 2>err </dev/null || fail "bash does not run it"
    empty err
    section() { sed -n "/^== $1\$/,/^== /p" out | grep -v '^== '; }
    [ "$(section prefix)" = decode ] || fail "mcemu dec: $(section prefix)"
    section commands | grep -qx run || fail "no commands"
    [ "$(section options)" = --quiet ] || fail "run --q: $(section options)"
    [ "$(section files)" = "a file.json" ] || fail "run 'a f': $(section files)"
    [ "$(section value)" = never ] || fail "--color n: $(section value)"
    section profile | grep -qx v4.19 || fail "--profile: $(section profile)"
    [ "$(section words)" = result ] || fail "schema re: $(section words)"
    [ "$(section format)" = ndctl ] || fail "export nd: $(section format)"
    [ "$(section second)" = "a file.json" ] || fail "export ndctl 'a f': $(section second)"
    [ "$(section man)" = latencies ] || fail "man lat: $(section man)"
    ;;
completion-other-shells)
    for shell in zsh fish; do
        "$program" completion $shell >script.$shell </dev/null || fail "no completion for $shell"
        command -v $shell >/dev/null || continue
        $shell -n script.$shell || fail "$shell does not read it"
    done
    has script.zsh "#compdef mcemu"
    has script.fish "complete -c mcemu -n __fish_use_subcommand -a run"
    status 2 completion
    has err "which shell? bash, zsh and fish are known"
    status 2 completion tcsh
    has err "there is no completion for 'tcsh': bash, zsh and fish are known"
    ;;
man)
    status 0 man
    has out '.TH "MCEMU" "1"'
    has out 'mcemu\-decode'
    status 0 man run
    has out '.SH SYNOPSIS'
    has out '\fB\-\-result\fR \fIFILE\fR'
    for page in "" run check decode import; do
        "$program" man $page >page </dev/null || fail "no page of '$page'"
        command -v groff >/dev/null || continue
        groff -man -Tascii -ww -z page 2>err || fail "groff does not read the page of '$page'"
        empty err
    done
    status 2 man rum
    has err "there is no command 'rum': 'run' would be one"
    ;;
schema)
    status 0 schema scenario
    has out "json-schema.org/draft-07"
    status 0 schema result
    status 2 schema nothing
    ;;
result-fits-schema)
    # A process that is killed, one that is signalled without an address, a panic, an expectation
    # that fails.
    for scenario in "$scenario" "$data/signals.json" "$data/panic.json"; do
        "$program" run --quiet --result r.json "$scenario" >out 2>err
        "$schema_check" <r.json >out 2>err || fail "$scenario: the result is not what the schema says"
    done
    "$program" run --quiet --result r.json --set '/expect/fates/e1="latent"' "$data/devdax.json" >out 2>err
    "$schema_check" <r.json >out 2>err || fail "a failed expectation is not what the schema says"
    ;;
interrupt)
    # A million repetitions last long enough for Ctrl-C.
    "$program" run --set '/events/1/every="1us"' --set '/events/1/times=100000000' \
        --set '/expect={}' --result r.json "$scenario" >out 2>err &
    pid=$!
    sleep 1
    kill -INT $pid
    wait $pid
    code=$?
    [ $code -eq 130 ] || fail "exit status $code, not 130"
    has r.json '"interrupted": true'
    ;;
regress)
    mkdir -p suite/b suite/a
    for n in 1 2 3; do
        sed "s/\"name\": *\"[^\"]*\"/\"name\": \"n$n\"/" "$scenario" >suite/b/$n.json
    done
    sed 's/"outcome": "running"/"outcome": "panic"/' "$scenario" >suite/a/fails.json
    grep -q '"outcome": "panic"' suite/a/fails.json || fail "the test's own scenario"
    echo '{"schema": "mcemu/scenario/1", "name": "part", "machine": {}}' >suite/part.json
    echo '{"schema": "mcemu/campaign/1"}' >suite/campaign.json
    status 1 regress suite -j 1
    cp out one
    status 1 regress suite -j 3
    cmp -s one out || fail "-j changed the output"
    has out "4 scenarios in 4 files: 3 ok, 1 failed (2 files are no scenarios)"
    has out 'wanted "panic", got "running"'
    has out "first divergence at the end, "
    has out "replay: mcemu run suite/a/fails.json"
    [ "$(grep -n 'fails.json$' out | head -n 1 | cut -d: -f1)" = 1 ] || fail "not in the order of names"
    status 1 regress suite/b suite/a/fails.json -q
    has out "suite/a/fails.json"
    hasnt out "suite/b/1.json"
    status 0 regress suite --filter 'n[12]'
    has out "2 scenarios in 2 files: 2 ok"
    status 0 regress suite --filter 'suite/b/*'
    has out "3 scenarios in 3 files: 3 ok"
    status 1 regress suite --fail-fast
    has out "1 scenario in 1 file: 0 ok, 1 failed"
    hasnt out "suite/b/1.json"
    status 0 regress suite/b --twice
    status 2 regress suite --tag nobody-has-it
    has err "no scenario is selected"
    status 2 regress no-such-folder
    has err "no-such-folder: there is no such file or folder"
    status 2 regress
    status 2 regress suite --shard 3/2
    status 2 regress suite -j 0
    echo '{' >suite/a/broken.json
    status 1 regress suite
    has out "suite/a/broken.json:2:1: /: the JSON ends too early"
    has out "5 scenarios in 5 files: 3 ok, 1 failed, 1 not valid"
    status 2 regress suite/a/broken.json
    # Each shard of three, together each scenario once.
    for i in 1 2 3; do
        "$program" regress suite --shard $i/3 >>shards 2>err </dev/null
    done
    "$program" regress suite >whole 2>err </dev/null
    for f in shards whole; do grep '^[a-z].*json' "$f" | LC_ALL=C sort >$f.sorted; done
    cmp -s shards.sorted whole.sorted || fail "the shards are not the whole"
    ;;
regress-matrix)
    cat >m.json <<'END'
{ "schema": "mcemu/scenario/1", "name": "m", "params": { "pfn": "0x100", "at": "1ms" },
  "matrix": { "at": ["1ms", "2ms"], "pfn": ["0x100", "0x101", "0x102"] },
  "events": [ { "id": "e", "at": "${at}", "do": "hwpoison_pfn", "pfn": "${pfn}" } ],
  "expect": { "outcome": "running", "fates": { "e": "filtered" } } }
END
    status 0 regress m.json
    has out "6 scenarios in 1 file: 6 ok"
    sed -n 4p out | grep -qF 'm.json [at=2ms pfn=0x100]' || fail "the first name varies slowest"
    status 0 regress m.json --filter '*at=2ms*'
    has out "3 scenarios in 1 file: 3 ok"
    status 2 run m.json
    has err "mcemu regress"
    has err "--matrix at=1ms --matrix pfn=0x100"
    status 0 run m.json --matrix at=2ms --matrix pfn=0x101
    has err "2.000 ms"
    status 2 run m.json --matrix at=2ms
    has err "add --matrix pfn=0x100"
    status 2 run m.json --matrix at=3ms --matrix pfn=0x101
    has err 'there is "1ms", "2ms"'
    sed -i 's/"filtered"/"consumed"/' m.json
    status 1 regress m.json
    grep -F 'replay: mcemu run --matrix at=2ms --matrix pfn=0x102 m.json' out >/dev/null || fail "no replay"
    ;;
regress-dies)
    # A scenario that takes for ever: machine checks every nanosecond.
    cat >hangs.json <<'END'
{ "schema": "mcemu/scenario/1", "name": "hangs",
  "events": [ { "id": "e", "at": "1ms", "every": "1ns", "times": 1000000000, "do": "speculate", "cpu": 0, "spa": "0x1000" } ] }
END
    cp "$scenario" z.json
    status 124 regress hangs.json z.json --time-limit 1s -j 2
    has out "time limit"
    has out "it ran for longer than the time limit of 1 s"
    has out "2 scenarios in 2 files: 1 ok, 1 over the time limit"
    # A worker that dies: its scenario and the signal are named, the others go on.
    "$program" regress hangs.json z.json -j 1 >out 2>err </dev/null &
    parent=$!
    worker=
    n=0
    while [ -z "$worker" ] && [ $n -lt 100 ]; do
        sleep 0.1
        n=$((n + 1))
        for stat in /proc/[0-9]*/stat; do
            # The fourth field is the parent; the second, in brackets, has no blanks here.
            if read -r pid _ _ ppid _ 2>/dev/null <"$stat" && [ "$ppid" = "$parent" ]; then worker=$pid; fi
        done
    done
    [ -n "$worker" ] || { kill $parent; fail "there is no worker"; }
    kill -SEGV "$worker"
    wait $parent
    [ $? -eq 3 ] || fail "not exit status 3"
    has out "its worker died of SIGSEGV"
    has out "2 scenarios in 2 files: 1 ok, 1 crashed"
    ;;
regress-junit)
    cp "$scenario" good.json
    sed 's/"outcome": "running"/"outcome": "panic"/' "$scenario" >bad.json
    echo '{' >broken.json
    status 1 regress . --junit j.xml
    cp j.xml first.xml
    status 1 regress . --junit j.xml -j 1
    cmp -s j.xml first.xml || fail "-j changed the file"
    has j.xml '<testsuites name="mcemu regress" tests="3" failures="1" errors="1"'
    has j.xml '<testsuite name="bad.json" tests="1" failures="1" errors="0"'
    has j.xml 'replay: mcemu run bad.json'
    has j.xml 'first divergence'
    # Nothing was emulated: the old file stays.
    status 2 regress broken.json --junit j.xml
    cmp -s j.xml first.xml || fail "an output was touched"
    status 4 regress . --junit no/such/folder/j.xml
    ;;
regress-db)
    cp "$scenario" a.json
    cp "$scenario" b.json
    status 0 regress . --db h.db --label one
    cp h.db again
    rm h.db
    status 0 regress . --db h.db --label one -j 1
    cmp -s h.db again || fail "the same run left another database"
    status 0 regress . --db h.db
    has out "since run 1: nothing changed"
    sed 's/"outcome": "running"/"outcome": "panic"/' "$scenario" >b.json
    status 1 regress . --db h.db
    has out "since run 2: 1 changed"
    has out "ok -> failed  b.json"
    # What is no database of ours is refused, in one line, and stays as it is.
    refused() {
        cp bad.db before.db
        status 2 regress . --db bad.db
        has err "bad.db: $1"
        [ "$(wc -l <err)" -eq 1 ] || fail "not one error"
        empty out
        cmp -s bad.db before.db || fail "the file was touched"
    }
    echo 'no database, but text that is long enough to be looked at as if it were one' >bad.db
    refused "cannot be used: file is not a database"
    head -c 6000 h.db >bad.db
    refused ""
    { head -c 4096 h.db; head -c 3000 /dev/zero | tr '\0' 'x'; tail -c +7097 h.db; } >bad.db
    refused ""
    # Another application, and a version from later: bytes 68 and 60 of the header.
    cp h.db bad.db; printf 'abcd' | dd of=bad.db bs=1 seek=68 conv=notrunc 2>/dev/null
    refused "this is a database, but none of mcemu regress"
    cp h.db bad.db; printf '\0\0\0\011' | dd of=bad.db bs=1 seek=60 conv=notrunc 2>/dev/null
    refused "this database has version 9"
    status 2 regress . --resume
    has err "add --db FILE"
    ;;
regress-resume)
    # 700 runs; the whole program is killed in their midst, then goes on.
    awk 'BEGIN { printf "{ \"schema\": \"mcemu/scenario/1\", \"name\": \"m\", \"params\": { \"n\": 0 }, \"matrix\": { \"n\": [0"
        for (i = 1; i < 700; i++) printf ",%d", i
        print "] }, \"seed\": \"${n}\", \"events\": [ { \"id\": \"e\", \"at\": \"1ms\", \"do\": \"hwpoison_pfn\", \"pfn\": \"0x100\" } ],"
        print "\"expect\": { \"fates\": { \"e\": \"filtered\" } } }" }' >m.json
    status 0 regress m.json -j 2 --db whole.db --junit whole.xml
    cp out whole.out
    "$program" regress m.json -j 2 --db h.db --junit h.xml >out 2>err </dev/null &
    parent=$!
    n=0
    # As soon as the first batch is there.
    while [ "$( { wc -c <h.db; } 2>/dev/null || echo 0)" -lt 40000 ] && [ $n -lt 600 ]; do
        sleep 0.02
        n=$((n + 1))
    done
    kill -9 $parent 2>/dev/null
    wait $parent
    [ -e h.xml ] && fail "it was over before it was killed"
    # Other arguments are another run.
    status 2 regress m.json --seed 1 --db h.db --resume
    has err "leave --resume out for a new run"
    status 0 regress m.json -j 2 --db h.db --junit h.xml --resume
    has err "going on with run 1"
    cmp -s out whole.out || fail "other output than undisturbed"
    cmp -s h.xml whole.xml || fail "another JUnit file than undisturbed"
    cmp -s h.db whole.db || fail "another database than undisturbed"
    # Nothing is left to resume: a new run.
    status 0 regress m.json --filter '*n=5]' --db h.db --resume
    hasnt err "going on"
    ;;
regress-update)
    cat >u.json <<'END'
{ "schema": "mcemu/scenario/1", "name": "u",
  // what happens
  "events": [ { "id": "e", "at": "1ms", "do": "hwpoison_pfn", "pfn": "0x100" } ],
  "expect": {
    "outcome": "panic",          // stays beside it
    "fates": { "e": "consumed" },
    "log": [
      "never said",
      "..."
    ]
  } }
END
    cp u.json before.json
    status 1 regress u.json
    cmp -s u.json before.json || fail "changed without --update"
    status 0 regress u.json --update
    has out "--- u.json"
    has out '-    "outcome": "panic",          // stays beside it'
    has out '+    "outcome": "running",          // stays beside it'
    has out '"e": "filtered"'
    has out "updated: 1 file"
    has u.json "// what happens"
    has u.json "// stays beside it"
    hasnt u.json "never said"
    status 0 regress u.json
    cp u.json after.json
    status 0 regress u.json --update
    cmp -s u.json after.json || fail "changed though nothing failed"
    # What others share is not rewritten behind their backs.
    echo '{ "expect": { "outcome": "panic" } }' >part.json
    echo '{ "schema": "mcemu/scenario/1", "name": "i", "include": "part.json", "events": [] }' >i.json
    status 1 regress i.json --update
    has out "not updated: i.json: the expectation stands in a file that is included"
    ;;
regress-interrupt)
    cp "$scenario" a.json
    cat >hangs.json <<'END'
{ "schema": "mcemu/scenario/1", "name": "hangs",
  "events": [ { "id": "e", "at": "1ms", "every": "1ns", "times": 1000000000, "do": "speculate", "cpu": 0, "spa": "0x1000" } ] }
END
    "$program" regress a.json hangs.json -j 1 --junit j.xml --db h.db >out 2>err </dev/null &
    parent=$!
    n=0
    while ! grep -q a.json out && [ $n -lt 300 ]; do
        sleep 0.1
        n=$((n + 1))
    done
    kill -TERM $parent
    wait $parent
    [ $? -eq 130 ] || fail "not exit status 130"
    has out "1 scenario in 1 file: 1 ok"
    has out "interrupted: what had ended is kept"
    has j.xml 'tests="1"'
    [ -s h.db ] || fail "no database"
    ;;
regress-explore)
    cp "$data/racing.json" racing.json
    cp "$scenario" calm.json
    # As it stands the order is a good one.
    status 0 regress racing.json
    status 1 regress racing.json calm.json --explore
    has out "2 scenarios in 2 files: 1 ok, 1 failed"
    has out "gone (exit) before bad (hwpoison_pfn)"
    # The command that is shown replays that order: it fails there.
    order=$(sed -n 's/^ *replay: mcemu run --schedule \([^ ]*\) racing.json$/\1/p' out)
    [ -n "$order" ] || fail "no order to replay"
    cp out one
    status 1 regress racing.json calm.json --explore -j 1
    cmp -s out one || fail "-j changed the output"
    status 1 run --schedule "$order" racing.json
    has err "failed"
    status 2 regress racing.json --explore --update
    status 2 regress racing.json --window 1us
    ;;
*) fail "there is no such case" ;;
esac
