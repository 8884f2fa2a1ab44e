#!/bin/bash
# campaign_test.sh PROGRAM DATA SOURCE CASE: one case of `mcemu campaign`, in an empty folder of its
# own. It fails with a line that says what was wrong.
set -u
program=$1
data=$2
source=$3
case_name=$4
subcommand=campaign
. "$data/../support/shell.sh"
cp "$data"/data/* .

# campaign FILE MEMBERS: a campaign over dev.json with these members.
campaign() { echo '{ "schema": "mcemu/campaign/1", "name": "t", "scenario": "dev.json", '"$2"' }' >"$1"; }

# A scheduler that runs the tasks of an array here, two at a time. FAKE_LOSE: the first job forgets
# that task.
fake_slurm() {
    mkdir -p fake
    cat >fake/sbatch <<'SH'
#!/bin/bash
for a in "$@"; do
    case $a in --array=1-*) count=${a#--array=1-} ;; esac
    script=$a
done
job=$(($(cat "$FAKE/last" 2>/dev/null || echo 0) + 1))
echo "$job" >"$FAKE/last"
echo "$*" >>"$FAKE/log"
touch "$FAKE/running.$job"
(
    for k in $(seq "$count"); do
        [ "$job" = 1 ] && [ "${FAKE_LOSE:-}" = "$k" ] && continue
        env -i PATH="$PATH" SLURM_ARRAY_TASK_ID="$k" sh "$script"
        # A node that was believed lost: the same task once more.
        [ "${FAKE_TWICE:-}" = "$k" ] && env -i PATH="$PATH" SLURM_ARRAY_TASK_ID="$k" sh "$script"
    done
    rm "$FAKE/running.$job"
) >/dev/null 2>&1 </dev/null &
echo "$job"
SH
    cat >fake/squeue <<'SH'
#!/bin/bash
while [ $# -gt 0 ]; do [ "$1" = -j ] && job=$2; shift; done
[ -e "$FAKE/running.$job" ] && echo "${job}_1"
exit 0
SH
    printf '#!/bin/sh\necho "MaxArraySize            = 1001"\n' >fake/scontrol
    printf '#!/bin/sh\nexit 0\n' >fake/scancel
    chmod +x fake/*
    export FAKE=$folder/fake PATH=$folder/fake:$PATH
}

case $case_name in
plan)
    status 0 plan sweep.json
    has out "sweep: 4 cells of 6 runs of dev.json"
    has out "  3: lmce, cores 8"
    has out "drawn for every run: when (/events/1/at)"
    status 0 plan --json sweep.json
    has out '"runs": 24'
    "$program" schema campaign >schema 2>/dev/null || fail "no schema"
    has schema '"title": "mcemu/campaign/1"'
    status 2 plan missing.json
    has err "missing.json: /: cannot be read"
    status 2 pan sweep.json
    has err "'plan' would be one"
    status 0 --help
    has out "mcemu campaign PART"
    ;;
findings)
    # A bad value is told where the campaign has it, not where the scenario uses it.
    printf '{ "schema": "mcemu/campaign/1", "name": "t", "scenario": "dev.json",\n  "sweep": [\n    { "of": "cores", "values": [ 2,\n      "many" ] } ] }\n' >bad.json
    status 2 run bad.json -o x.db
    has err 'bad.json:4:7: /sweep/0/values/1: with cores many in dev.json:'
    has err '/machine/cpus/cores: '
    [ "$(wc -l <err)" = 1 ] || fail "more than one finding"
    # A value that is fine by itself, but not for what else is there.
    campaign bad.json '"sweep": [ { "of": "/processes/0/cpu", "values": [ 0, 1, 2 ] } ]'
    status 2 run bad.json -o x.db
    has err '/sweep/0/values/2: with cpu 2 in dev.json'
    # The ends of distributions, measures and classes.
    campaign bad.json '"draw": [ { "of": "/processes/0/cpu", "dist": "uniform", "low": 0, "high": 9 } ]'
    status 2 run bad.json -o x.db
    has err '/draw/0: with cpu 9 in dev.json'
    campaign bad.json '"measures": [ { "from": "event:lod", "to": "signal:victim" } ]'
    status 2 run bad.json -o x.db
    has err '/measures/0/from: '
    has err 'did you mean "load"?'
    campaign bad.json '"classes": [ { "name": "c", "when": { "signals": [ { "process": "victm" } ] } } ]'
    status 2 run bad.json -o x.db
    has err '/classes/0/when/signals/0/process: '
    campaign bad.json '"stop": { "class": "panic" }'
    status 2 run bad.json -o x.db
    has err '/stop: the key "within" is missing'
    sed 's/"at": "1ms", "do": "poison"/"at": "1ms", "do": "poisn"/' dev.json >broken.json
    campaign bad.json '"runs": 1'
    sed 's/dev.json/broken.json/' bad.json >bad2.json
    status 2 run bad2.json -o x.db
    has err 'broken.json:14:42: /events/0/do: '
    absent x.db
    absent x.db.part
    status 2 run sweep.json
    has err "-o FILE is needed"
    ;;
run-and-report)
    status 0 run sweep.json -o a.db -j 2
    has err "24 runs:"
    absent a.db.part
    status 0 report a.db
    has out "broadcast, cores 2: 6 runs"
    has out "killed"
    has out "kill median"
    has out "Compared with the first variant"
    has out "What moves what"
    status 0 report a.db --format json -o a.json
    python3 - a.json <<'PY' || fail "the figures are wrong"
import json, sys
f = json.load(open(sys.argv[1]))
assert f["runs"] == 24 and len(f["cells"]) == 4 and f["finished"]
for cell in f["cells"]:
    assert cell["effective"] == 6
    assert sum(c["runs"] for c in cell["classes"]) == 6
    m = cell["measures"][0]
    assert m["runs"] == 6 and m["least_ps"] <= m["mean_ps"] <= m["most_ps"]
    # The phases are the whole of the time.
    assert abs(sum(p["mean_ps"] for p in m["phases"]) - m["mean_ps"]) < 1
    assert abs(sum(p["share"] for p in m["phases"]) - 1) < 1e-9
    late = m["slack"]["late"]
    assert late["low"] <= late["share"] <= late["high"]
    # The user mapping goes with memory_failure(); until then the page was poisoned since 1 ms.
    user = cell["exposure"]["user"]
    assert user["closed"] == 6 and user["mean_ps"] > 1e9
# Common random numbers: broadcast and local machine checks differ by a time that hardly varies.
assert all(m["pairs"] == 6 for c in f["comparisons"] for m in c["measures"])
moved = {s["output"]: s["parameters"] for s in f["sensitivity"]}
assert "kill" in moved
PY
    status 0 report a.db --format csv
    has out "cell,name,kind,figure,value,low,high,runs"
    status 0 report a.db --format md
    has out "| class | runs | share | interval |"
    status 2 report a.db --format html
    # Other runs of the program, another number of workers: the same bytes.
    status 0 run sweep.json -o b.db -j 1
    same a.db b.db
    ;;
jobs)
    for j in 1 3 7; do status 0 run sweep.json -o $j.db -j $j -q; [ ! -s err ] || fail "-q says something"; done
    same 1.db 3.db
    same 1.db 7.db
    status 2 run sweep.json -o x.db -j 0
    status 0 run sweep.json -o p.db --progress always
    grep -q '24 runs' err || fail "no progress"
    same 1.db p.db
    ;;
any-order)
    status 0 run sweep.json -o whole.db -q
    status 0 plan sweep.json -o plan.db
    for i in 1 2 3 4 5; do status 0 shard $i/5 plan.db -o s$i.db -q; done
    status 0 merge s3.db s1.db s5.db s2.db s4.db -o m1.db
    status 0 merge s1.db s2.db s3.db s4.db s5.db s2.db -o m2.db
    same m1.db m2.db
    same m1.db whole.db
    # Some of them, and then the others: merged from merged ones.
    status 0 merge s2.db s4.db -o some.db
    has err "runs are missing"
    status 0 merge s1.db some.db s5.db s3.db -o m3.db
    same m3.db whole.db
    status 0 resume some.db -q
    same some.db whole.db
    status 2 shard 6/5 plan.db -o x.db
    status 2 shard 5 plan.db -o x.db
    ;;
kill-and-resume)
    campaign long.json '"runs": 1500, "measures": [ { "from": "event:load", "to": "signal:victim" } ]'
    status 0 run long.json -o whole.db -q
    for attempt in $(seq 30); do
        "$program" campaign run long.json -o k.db -j 2 --force >/dev/null 2>&1 </dev/null &
        pid=$!
        # As soon as the first runs are kept.
        for _ in $(seq 200); do
            sleep 0.01
            size=$(stat -c %s k.db.part 2>/dev/null || echo 0)
            [ "$size" -gt 70000 ] && break
        done
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        [ ! -e k.db ] && [ -s k.db.part ] && break
        rm -f k.db k.db.part   # it was faster than we
    done
    if [ -e k.db.part ]; then
        absent k.db
        status 2 run long.json -o k.db
        has err "mcemu campaign resume"
        status 0 status k.db
        has out "of 1500 runs; not finished"
        status 0 resume k.db -q
        same k.db whole.db
        absent k.db.part
    fi
    # A machine that was faster than thirty kills has not been tested, and says so.
    if [ ! -e k.db ]; then echo "never killed in the middle"; exit 77; fi
    status 0 resume whole.db
    has err "1500 runs:"
    ;;
interrupt)
    campaign long.json '"runs": 200000'
    "$program" campaign run long.json -o i.db -j 2 >out 2>err </dev/null &
    pid=$!
    for _ in $(seq 200); do [ -e i.db.part ] && break; sleep 0.05; done
    sleep 0.5
    kill -TERM $pid
    wait $pid
    got=$?
    [ $got = 130 ] || fail "exit status $got, not 130"
    has err "mcemu campaign resume i.db goes on"
    absent i.db
    status 0 status i.db
    has out "of 200000 runs; not finished"
    ;;
bad-databases)
    campaign other.json '"runs": 2'
    status 0 run sweep.json -o a.db -q
    status 0 run other.json -o b.db -q
    status 2 merge a.db b.db -o c.db
    has err "b.db: it is of another campaign than a.db"
    absent c.db
    echo "no database" >text.db
    printf 'SQLite format 3\0' >short.db
    head -c 20000 a.db >cut.db
    cp a.db hurt.db
    printf 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' | dd of=hurt.db bs=1 seek=8192 conv=notrunc 2>/dev/null
    python3 -c "import sqlite3; c = sqlite3.connect('foreign.db'); c.execute('create table t(x)'); c.commit()
import shutil; shutil.copy('a.db', 'newer.db'); c = sqlite3.connect('newer.db'); c.execute('pragma user_version = 9'); c.commit()
shutil.copy('a.db', 'changed.db'); c = sqlite3.connect('changed.db'); c.execute('update runs set end_ps = 1 where cell = 2 and run = 1'); c.commit()"
    for bad in text short foreign cut newer missing; do
        for part in "report $bad.db" "status $bad.db" "merge a.db $bad.db -o c.db" "resume $bad.db"; do
            status 2 $part
            [ "$(wc -l <err)" = 1 ] || fail "$part: not one line"
            has err "$bad.db: "
        done
        absent c.db
    done
    status 2 report hurt.db
    has err "hurt.db"
    status 2 report newer.db
    has err "form 9 of the results database"
    status 2 merge a.db changed.db -o c.db
    has err "run 1 of cell 2 differs from the one in a.db"
    absent c.db
    status 4 run other.json -o /nowhere/x.db
    ;;
failures)
    campaign f.json '"sweep": [ { "of": "cores", "values": [ 2, 4 ] } ], "runs": 40'
    status 3 run f.json -o f.db -j 2 --crash-at 1/17
    has err "1 failed (signal 9)"
    status 0 report f.db
    has out "failed in 1 run: signal 9"
    has out "of dev.json in 2 cells"
    # All others are there, and the failed one is in no share.
    status 0 report f.db --format json -o f.out
    python3 -c "
import json
f = json.load(open('f.out'))
assert f['failed'] == 1 and [c['runs'] for c in f['cells']] == [40, 40]
assert [c['effective'] for c in f['cells']] == [40, 39]" || fail "the figures are wrong"
    status 3 run f.json -o g.db -j 2 --hang-at 0/3 --time-limit 300ms
    has err "1 failed (time limit)"
    status 0 status f.db
    has out "1 failed; finished"
    ;;
stop-rule)
    campaign s.json '"sweep": [ { "of": "unmap", "values": [ "4us", "8us" ] } ], "draw": [ { "of": "/machine/latency/kernel.mf_kill", "dist": "lognormal", "median": "2us", "p99": "20us" } ], "measures": [ { "name": "kill", "from": "event:load", "to": "signal:victim" } ], "stop": { "measure": "kill", "quantile": 0.5, "within": 0.02, "at_least": 20, "at_most": 400 }'
    status 0 run s.json -o a.db -j 2
    status 0 run s.json -o b.db -j 1 -q
    same a.db b.db
    status 0 status --json a.db
    python3 -c "
import json
s = json.load(open('out'))
assert all(20 <= c['runs'] <= 400 for c in s['cells']), s
assert all(c['runs'] == c['planned'] for c in s['cells'])
assert s['finished']" || fail "the status is wrong"
    # By shards of each round: the same runs.
    status 0 plan s.json -o done.db
    for round in $(seq 12); do
        for i in 1 2 3; do status 0 shard $i/3 s.json --after done.db -o r$i.db -q; done
        status 0 merge r1.db r2.db r3.db done.db -o next.db -q
        mv next.db done.db
        status 0 status done.db
        grep -q finished out && ! grep -q "not finished" out && break
    done
    same done.db a.db
    ;;
status)
    status 0 shard 2/3 sweep.json -o s.db -q
    status 0 status s.db
    has out "sweep: 8 of 24 runs; not finished"
    has out "broadcast, cores 2: 0 of 6"
    ;;
shards-after)
    status 0 run sweep.json -o whole.db -q
    status 0 shard 1/3 sweep.json -o a.db -q
    status 0 shard 1/2 sweep.json --after a.db -o b.db -q
    status 0 shard 2/2 sweep.json --after a.db -o c.db -q
    status 0 merge c.db b.db a.db -o m.db -q
    same m.db whole.db
    campaign other.json '"runs": 2'
    status 2 shard 1/2 other.json --after a.db -o x.db
    has err "a.db: it is of another campaign"
    ;;
slurm-fake)
    fake_slurm
    status 0 run sweep.json -o whole.db -q
    FAKE_TWICE=2 status 0 run sweep.json -o c.db --on slurm --shards 5 --poll 50ms --submit-option --partition=p
    same c.db whole.db
    has err "24 runs:"
    has fake/log "--array=1-5 --ntasks=1 --requeue --export=NONE"
    has fake/log "--partition=p"
    absent c.db.shards
    # Shards by time: this is a short one.
    status 0 run sweep.json -o d.db --on slurm --poll 50ms -q
    same d.db whole.db
    status 2 run sweep.json -o e.db --on pbs
    ;;
slurm-lost)
    fake_slurm
    status 0 run sweep.json -o whole.db -q
    # A task that ends without a result is submitted again.
    FAKE_LOSE=3 status 0 run sweep.json -o c.db --on slurm --shards 5 --poll 50ms
    same c.db whole.db
    [ "$(grep -c array=1-1 fake/log)" = 1 ] || fail "the lost shard was not submitted by itself"
    # The one who waits is killed: what is done is not made again.
    rm -f fake/log fake/last
    "$program" campaign run sweep.json -o k.db --on slurm --shards 24 --poll 20ms >/dev/null 2>&1 </dev/null &
    pid=$!
    for _ in $(seq 200); do [ -e k.db.shards/round-1-shard-2.db ] && break; sleep 0.02; done
    kill -9 $pid
    wait $pid 2>/dev/null
    if [ -e k.db.shards ]; then
        status 0 resume k.db -q
        same k.db whole.db
        absent k.db.shards
    fi
    # Every task fails.
    printf '#!/bin/sh\nexit 1\n' >fake/sbatch
    status 3 run sweep.json -o f.db --on slurm --shards 2 --poll 20ms
    has err "sbatch refused the job"
    absent f.db
    rm fake/sbatch
    PATH=/usr/bin:/bin
    command -v sbatch >/dev/null || { status 3 run sweep.json -o g.db --on slurm --shards 2; has err "there is no sbatch here"; }
    ;;
submit-template)
    status 0 run sweep.json -o whole.db -q
    status 0 run sweep.json -o c.db --submit 'for i in $(seq {count}); do LSB_JOBINDEX=$i sh {script} >>{log} 2>&1; done &' --shards 3 --poll 50ms
    same c.db whole.db
    status 2 run sweep.json -o d.db --submit 'true'
    has err "--submit names no {script}"
    # Tasks that end with an error three times.
    status 3 run sweep.json -o e.db --submit 'for i in $(seq {count}); do echo 1 >$(dirname {script})/round-1-shard-$i.db.failed; done' --shards 2 --poll 20ms --quiet
    has err "ended 3 times without a result"
    status 3 run sweep.json -o g.db --submit 'echo no such queue >&2; exit 7; {script}' --shards 2
    has err "--submit ended with status 7: no such queue"
    ;;
studies)
    # Each study in small: its campaign is right, and some runs in the middle of it are made.
    found=0
    for study in "$source"/scenarios/studies/*/campaign.json; do
        found=$((found + 1))
        status 0 plan "$study" -o plan.db
        status 0 plan plan.db --json
        runs=$(sed -n 's/^  "runs": \([0-9]*\),*$/\1/p' out)
        parts=$((runs / 10))
        status 0 shard $((parts / 2))/$parts plan.db -o study.db -q
        status 0 report study.db
    done
    [ "$found" -ge 5 ] || fail "only $found studies"
    ;;
*) fail "there is no such case" ;;
esac
exit 0
