#!/bin/sh
# run_scenarios.sh MCEMU FOLDER: runs every FOLDER/*.json twice. Each must meet its expectation
# (exit status 0), and log, result and trace of both runs must be the same bytes. The first run
# checks the kernel's invariants after everything that happens. NAME-next.json boots on the NVDIMMs
# that NAME.json leaves.
set -u
mcemu=$1
folder=$2
out=$(mktemp -d) || exit 3
trap 'rm -rf "$out"' EXIT
failed=0
ran=0

# run_once FILE N OPTION...
run_once() {
    run_file=$1
    run_n=$2
    shift 2
    "$mcemu" run "$run_file" "$@" $from --result "$out/result.$run_n" \
        --trace "$out/trace.$run_n.ndjson" >"$out/log.$run_n" 2>"$out/err.$run_n"
}

for file in "$folder"/*.json; do
    [ -e "$file" ] || continue
    grep -q '"mcemu/scenario/1"' "$file" && grep -q '"events"' "$file" ||
        continue # a campaign, or a part that others include
    ran=$((ran + 1))
    from=
    first=${file%-next.json}.json
    if [ "$first" != "$file.json" ] && [ -e "$first" ]; then
        "$mcemu" run "$first" --quiet --save-state "$out/state" || failed=$((failed + 1))
        from="--load-state $out/state"
    fi
    run_once "$file" 1 --check-invariants
    status=$?
    if [ $status -ne 0 ]; then
        failed=$((failed + 1))
        echo "FAILED $file: exit status $status" >&2
        cat "$out/err.1" >&2
        continue
    fi
    run_once "$file" 2
    for what in log.N result.N trace.N.ndjson; do
        one=$out/$(echo $what | sed 's/N/1/')
        two=$out/$(echo $what | sed 's/N/2/')
        if ! cmp -s "$one" "$two"; then
            failed=$((failed + 1))
            echo "FAILED $file: the second run gave another $what" >&2
            break
        fi
    done
done
echo "$ran scenarios, $failed failed"
[ $ran -gt 0 ] && [ $failed -eq 0 ]
