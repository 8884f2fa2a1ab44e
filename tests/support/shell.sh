# Sourced by the tests that see the program as a shell does, with $program and $case_name set: moves
# to an empty folder that goes away at the end, and brings the checks. $subcommand, where set, stands
# before the arguments of status.
folder=$(mktemp -d) || exit 99
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 99

fail() {
    echo "$case_name: $*" >&2
    for f in out err; do [ -s "$f" ] && { echo "--- $f"; head -n 40 "$f"; } >&2; done
    exit 1
}
# status N ARGS...: the program ends with status N; its output goes to out and err.
status() {
    wanted=$1
    shift
    "$program" ${subcommand:-} "$@" >out 2>err </dev/null
    got=$?
    [ "$got" -eq "$wanted" ] || fail "mcemu ${subcommand:-} $*: exit status $got, not $wanted"
}
has() { grep -qF -- "$2" "$1" || fail "$1 lacks: $2"; }
hasnt() { if grep -qF -- "$2" "$1"; then fail "$1 holds: $2"; fi; }
empty() { [ ! -s "$1" ] || fail "$1 is not empty"; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
absent() { [ ! -e "$1" ] || fail "$1 is there"; }
only_files() {
    left=$(ls -A | grep -vx -e out -e err | LC_ALL=C sort | tr '\n' ' ')
    [ "$left" = "$*${*:+ }" ] || fail "the folder holds '$left', not '$*'"
}
