# Sourced by bin/mcemu and tools/*: the Debian packages that a build needs, and how they get here.
# Everything said goes to stderr.

MCEMU_BUILD_PACKAGES="g++ cmake ninja-build pkg-config libsystemc-dev libvalijson-dev \
librandom123-dev nlohmann-json3-dev libboost-program-options-dev libsqlitecpp-dev libsqlite3-dev \
libpugixml-dev libedit-dev zlib1g-dev libsimdjson-dev"
MCEMU_TEST_PACKAGES="catch2 rasdaemon"
# Without these a test says that it is skipped.
MCEMU_EXTRA_TEST_PACKAGES="slurm-wlm munge"

# mcemu_missing PACKAGE...: prints those that are not installed, one a line.
mcemu_missing() {
    for package in "$@"; do
        case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
            *" installed") ;;
            *) echo "$package" ;;
        esac
    done
}

# mcemu_need PACKAGE...: installs what is missing, through apt-get, as root or with sudo.
# With MCEMU_NO_INSTALL=1 it only names the packages and exits 2.
mcemu_need() {
    # Another distribution: cmake will say what it does not find.
    command -v dpkg-query >/dev/null 2>&1 || return 0
    missing=$(mcemu_missing "$@")
    [ -n "$missing" ] || return 0
    missing=$(echo $missing) # one line
    if [ "${MCEMU_NO_INSTALL:-0}" = 1 ]; then
        echo "mcemu: not installed: $missing" >&2
        echo "mcemu: install with: apt-get install --no-install-recommends $missing" >&2
        exit 2
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "mcemu: not installed, and there is no apt-get: $missing" >&2
        exit 2
    fi
    if [ "$(id -u)" -eq 0 ]; then
        as_root=""
        how="as root"
    elif command -v sudo >/dev/null 2>&1; then
        as_root="sudo"
        how="with sudo"
    else
        echo "mcemu: not installed: $missing" >&2
        echo "mcemu: neither root nor sudo here; as root: apt-get install --no-install-recommends $missing" >&2
        exit 2
    fi
    echo "mcemu: installing through apt-get, $how: $missing" >&2
    if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
        mcemu_apt update || true # a repository that is down need not be ours
        mcemu_apt install $missing || mcemu_install_failed "$missing"
    elif ! mcemu_apt install $missing; then
        # The lists may name versions that the mirror has replaced.
        mcemu_apt update || true
        mcemu_apt install $missing || mcemu_install_failed "$missing"
    fi
}

mcemu_install_failed() {
    echo "mcemu: apt-get could not install: $1" >&2
    exit 3
}

# mcemu_apt update | install PACKAGE...
mcemu_apt() {
    verb=$1
    shift
    set -- -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -y "$verb" "$@"
    [ "$verb" = install ] && set -- "$@" --no-install-recommends
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" </dev/null >&2
}
