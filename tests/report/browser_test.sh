#!/bin/sh
# browser_test.sh MCEMU TESTS WORK SCENARIOS: opens pages of mcemu report in headless Chromium. Exit
# status 77, and why, where node, npm, Chromium or the npm registry is missing.
# MCEMU_MILLION=1 measures a page of a million records as well; MCEMU_SHOTS=FOLDER keeps pictures.
set -u
program=$1
tests=$2
work=$3/browser
scenarios=$4
skip() {
    echo "not tested in a browser: $*"
    exit 77
}
for need in node npm; do command -v "$need" >/dev/null 2>&1 || skip "$need is not installed"; done
chromium=
for name in chromium chromium-browser google-chrome; do
    chromium=$(command -v "$name" 2>/dev/null) && break
done
[ -n "$chromium" ] || skip "chromium is not installed"
mkdir -p "$work" && cp -R "$tests/browser/." "$work/" && cd "$work" || exit 3
sum=$(cksum <package-lock.json)
if [ ! -f installed ] || [ "$(cat installed)" != "$sum" ]; then
    timeout 60 npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --fetch-retries=0 \
        --fetch-timeout=15000 --loglevel=error >npm.log 2>&1 </dev/null || skip "npm ci failed: $(tail -n 1 npm.log)"
    echo "$sum" >installed
fi

fail() {
    echo "$*" >&2
    exit 1
}
"$program" run -q "$scenarios/series/decoy-in-place.json" --trace one.ndjson --result one.json || fail "run"
"$program" report one.ndjson one.json -o one.html || fail "report"
# Markup in every name that a scenario has.
cat >evil.scenario.json <<'END'
{ "schema": "mcemu/scenario/1", "name": "</script><script>window.pwned=1</script>", "description": "<img src=x onerror=window.pwned=1>",
  "processes": [ { "id": "<img src=x onerror=window.pwned=1>", "pid": 77, "comm": "<b>\"'&", "cpu": 0, "sigbus": "handler",
    "maps": [ { "id": "m", "va": "0x7f0000001000", "size": "4KiB", "kind": "anon", "at": "0x12345000" } ] } ],
  "events": [ { "id": "\"><script>window.pwned=1</script>", "at": "1ms", "do": "poison", "spa": "0x12345000", "length": "64B" },
    { "id": "{{alert(1)}}</title>", "at": "2ms", "do": "load", "process": "<img src=x onerror=window.pwned=1>", "va": "0x7f0000001000" } ] }
END
"$program" run -q evil.scenario.json --trace evil.ndjson --result evil.json 2>err || { cat err >&2; fail "the hostile scenario does not run"; }
"$program" report evil.ndjson evil.json -o evil.html --title '</title><script>window.pwned=1</script>' || fail "report"
# Two variants, so that there is something to compare.
"$program" run -q "$scenarios/series/decoy-in-place.json" --set '/expect={}' \
    --set '/machine/latency={"kernel.nospec":"60us"}' --trace two.ndjson --result two.json || fail "run"
"$program" report fast=one.ndjson fast=one.json slow=two.ndjson slow=two.json -o two.html || fail "report"
# Many errors with latencies that vary, for the charts.
sh "$tests/browser/million.sh" "$program" many.ndjson 300 || fail "many"
"$program" report many.ndjson -o many.html || fail "report"
million=
if [ "${MCEMU_MILLION:-0}" = 1 ]; then
    sh "$tests/browser/million.sh" "$program" million.ndjson 28550 || fail "million"
    "$program" report million.ndjson -o million.html || fail "report of a million records"
    million=million.html
fi
exec timeout 280 node page.mjs "$chromium" "${MCEMU_SHOTS:-}" $million
