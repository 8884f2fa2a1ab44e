# Sourced by bin/mcemu and tools/*: configure and build one preset. Everything said goes to stderr.

# mcemu_build_root ROOT: prints the directory that holds the build folders: ROOT/build, or a cache
# folder of this checkout when ROOT cannot be written.
mcemu_build_root() {
    if [ -d "$1/build" ]; then
        [ -w "$1/build" ] && echo "$1/build" && return
    elif [ -w "$1" ]; then
        echo "$1/build"
        return
    fi
    sum=$(printf %s "$1" | cksum)
    echo "${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mcemu/${sum%% *}"
}

# mcemu_build ROOT PRESET BUILD [TARGET...]: false when configuring or compiling fails.
mcemu_build() {
    (
        cd "$1" || exit 3
        preset=$2
        build=$3
        shift 3
        fresh=""
        if [ -f "$build/CMakeCache.txt" ] &&
            ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$build/CMakeCache.txt"; then
            fresh="--fresh" # the checkout was moved or copied with its build folder
        fi
        launcher=""
        if command -v ccache >/dev/null 2>&1; then
            launcher="-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"
        fi
        if [ -n "$fresh" ] || [ ! -f "$build/build.ninja" ] ||
            [ CMakePresets.json -nt "$build/CMakeCache.txt" ]; then
            cmake --preset "$preset" -B "$build" $fresh $launcher >"$build.configure" 2>&1 || {
                cat "$build.configure" >&2
                rm -f "$build.configure"
                exit 1
            }
            rm -f "$build.configure"
        fi
        if [ $# -gt 0 ]; then cmake --build "$build" --target "$@" >&2; else cmake --build "$build" >&2; fi
    )
}
