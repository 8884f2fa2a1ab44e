#!/bin/bash
# slurm_test.sh PROGRAM DATA [loss]: a campaign on slurmctld, slurmd and munge of this machine, which
# the test starts and stops. Skipped (status 77) without these packages or without root. "loss" also
# loses a node in mid-campaign, which takes Slurm some minutes; by hand only.
set -u
program=$1
data=$2
for tool in slurmctld slurmd sbatch munged setpriv; do
    command -v $tool >/dev/null || { echo "skipped: there is no $tool (packages slurm-wlm, munge)"; exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "skipped: starting Slurm takes root"; exit 77; }

state=$(mktemp -d) || exit 99
chmod 755 "$state"
trap '"$data/slurm/slurm_down.sh" "$state/slurm"; rm -rf "$state"' EXIT
# A port of this test's own, so that two checkouts can be tested at once.
export PORT=$((20000 + $$ % 20000))
up=$("$data/slurm/slurm_up.sh" "$state/slurm" 2>"$state/up.err" </dev/null) ||
    { echo "skipped: Slurm does not start here:"; tail -n 3 "$state/up.err"; exit 77; }
eval "$up"
cd "$state" || exit 99
# Slurm itself first: what it does not do on its own here, it does not do for a campaign either.
timeout 40 sbatch --wait --wrap true -o /dev/null >up.out 2>&1 ||
    { echo "skipped: Slurm runs no job here:"; tail -n 3 up.out; exit 77; }
cp "$data"/data/* .
fail() {
    echo "slurm: $*" >&2
    cat err "$state"/*.shards/*.log 2>/dev/null | tail -n 20 >&2
    exit 1
}
"$program" campaign run sweep.json -o whole.db -q || fail "the campaign itself"
"$program" campaign run sweep.json -o s.db --on slurm --shards 4 --poll 100ms >out 2>err </dev/null || fail "exit status $?"
cmp s.db whole.db || fail "other bytes than on one machine"
[ ! -e s.db.shards ] || fail "shards are left"

# Cancelled by the user's hand: what is done stays, and the same bytes come of it.
cat >long.json <<'JSON'
{ "schema": "mcemu/campaign/1", "name": "long", "scenario": "dev.json", "runs": 1200,
  "measures": [ { "from": "event:load", "to": "signal:victim" } ] }
JSON
"$program" campaign run long.json -o long-whole.db -q || fail "the long campaign itself"
"$program" campaign run long.json -o l.db --on slurm --shards 12 --poll 100ms >out 2>err </dev/null &
pid=$!
for _ in $(seq 300); do ls l.db.shards/round-1-shard-*.db >/dev/null 2>&1 && break; sleep 0.05; done
kill -TERM $pid
wait $pid
got=$?
if [ -e l.db.shards ]; then
    [ $got = 130 ] || fail "interrupted: exit status $got, not 130"
    "$program" campaign resume l.db -q >out 2>err </dev/null || fail "resume: exit status $?"
fi
cmp l.db long-whole.db || fail "resumed: other bytes"

[ "${3:-}" = loss ] || exit 0
"$program" campaign run long.json -o n.db --on slurm --shards 60 --poll 200ms >out 2>err </dev/null &
pid=$!
for _ in $(seq 300); do [ -n "$(squeue -h -t R -w n2 -o %i)" ] && break; sleep 0.05; done
kill -9 "$(cat "$state/slurm/slurmd.n2.pid")"
scontrol update nodename=n2 state=down reason=test
wait $pid || fail "a lost node: exit status $?"
cmp n.db long-whole.db || fail "a lost node: other bytes"
echo "a node was lost: the same bytes"
