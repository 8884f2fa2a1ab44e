#!/bin/sh
# build.sh NPM OUT: writes OUT/bundle.cpp with the style and the script of the report's page. NPM is
# the program, or "none". Packages go to OUT, never to the sources. What cannot be had in a minute
# leaves the page without a script, and says so: a build needs no network.
set -u
npm=$1
out=$2
here=$(cd "$(dirname "$0")" && pwd -P) || exit 3
work=$out/npm
script=
if [ "$npm" = none ]; then
    echo "mcemu report: no npm: its pages will have still pictures" >&2
else
    mkdir -p "$work" && cp -R "$here/." "$work/" || exit 3
    # The packages change with the lock file alone.
    sum=$(cksum <"$here/package-lock.json")
    if [ ! -f "$work/installed" ] || [ "$(cat "$work/installed")" != "$sum" ]; then
        rm -f "$work/installed"
        if (cd "$work" && timeout 60 "$npm" ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error \
            --fetch-retries=0 --fetch-timeout=15000 >"$work/npm.log" 2>&1 </dev/null); then
            echo "$sum" >"$work/installed"
        fi
    fi
    if [ ! -f "$work/installed" ]; then
        echo "mcemu report: npm ci failed ($work/npm.log): its pages will have still pictures" >&2
    elif (cd "$work" && timeout 60 node bundle.mjs) >"$work/bundle.log" 2>&1 </dev/null; then
        script=$work/dist/report.js
    else
        cat "$work/bundle.log" >&2
        exit 1 # an error in our sources
    fi
fi

# literal FILE: its bytes as a raw string.
literal() {
    if grep -qF ')~mcemu~"' "$1"; then
        echo "build.sh: $1 holds the end of a raw string" >&2
        exit 1
    fi
    printf '%s' 'R"~mcemu~('
    cat "$1"
    printf '%s' ')~mcemu~"'
}
{
    echo '#include "report/bundle.hpp"'
    echo 'namespace mcemu::report::bundle {'
    if [ -n "$script" ]; then
        printf '%s' 'const std::string_view style = '
        literal "$work/dist/report.css"
        echo ';'
        printf '%s' 'const std::string_view script = '
        literal "$script"
        echo ';'
        echo "const std::string_view script_hash = \"$(cat "$work/dist/hash")\";"
    else
        printf '%s' 'const std::string_view style = '
        literal "$here/src/page.css"
        echo ';'
        echo 'const std::string_view script = "";'
        echo 'const std::string_view script_hash = "";'
    fi
    echo '}  // namespace mcemu::report::bundle'
} >"$out/bundle.cpp.new" && mv "$out/bundle.cpp.new" "$out/bundle.cpp"
