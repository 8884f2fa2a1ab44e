#!/bin/sh
# why_test.sh PROGRAM DATA CASE: the commands that find out why, as a shell sees them. Every case
# works in an empty folder of its own and fails with a line that says what was wrong.
set -u
program=$1
data=$2
case_name=$3
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 99
scenario=$data/devdax.json
racing=$data/racing.json

fail() {
    echo "$case_name: $*" >&2
    for f in out err; do [ -s "$f" ] && { echo "--- $f"; head -n 40 "$f"; } >&2; done
    exit 1
}
# status N ARGS...: the program ends with status N; its output goes to out and err.
status() {
    wanted=$1
    shift
    "$program" "$@" >out 2>err </dev/null
    got=$?
    [ "$got" -eq "$wanted" ] || fail "mcemu $*: exit status $got, not $wanted"
}
has() { grep -qF -- "$2" "$1" || fail "$1 lacks: $2"; }
hasnt() { if grep -qF -- "$2" "$1"; then fail "$1 holds: $2"; fi; }
empty() { [ ! -s "$1" ] || fail "$1 is not empty"; }

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
*) fail "there is no such case" ;;
esac
