# shellcheck shell=bash
# What the scripts in this directory share. Sourced, never run.
#
# Everything that they download or make once lies under $CACHE and may be
# deleted at any time. Nothing outside it is changed except by engine.sh and
# by apt_install, which say so first.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Used by the scripts that source this file.
# shellcheck disable=SC2034
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/envtpl

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [HELP]…: what went wrong, then what to do about it.
die() {
    printf 'error: %s\n' "$1" >&2
    shift
    local help
    for help in "$@"; do printf '  help: %s\n' "$help" >&2; done
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo -- "$@"
    else
        die "root is needed for: $*" "run it as root, or install sudo"
    fi
}

# confirm QUESTION: asks on a terminal; without one, under CI or with --yes
# (ASSUME_YES=1) it goes on without asking.
confirm() {
    if [ "${ASSUME_YES:-0}" = 1 ] || [ -n "${CI:-}" ] || [ ! -t 0 ] || [ ! -t 2 ]; then
        return 0
    fi
    local answer
    printf '%s [Y/n] ' "$1" >&2
    read -r answer || return 1
    case $answer in '' | [yY] | [yY][eE][sS]) return 0 ;; *) return 1 ;; esac
}

# The packages of "$@" that are not installed, one a line.
missing_packages() {
    local package
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            printf '%s\n' "$package"
        fi
    done
}

# Refreshes apt's lists once a process, and only when something is needed.
apt_update() {
    [ "${APT_UPDATED:-0}" = 1 ] && return 0
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update >&2 ||
        die "apt-get update failed" "look at its messages above: is the network up, is the clock right?"
    APT_UPDATED=1
}

# apt_install PACKAGE…: installs what is missing, and never removes anything.
apt_install() {
    have apt-get || die "this needs the packages: $*" "there is no apt-get here: install them by hand"
    local missing
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    # Package names have no white space.
    # shellcheck disable=SC2086
    set -- $missing
    confirm "Install from the distribution: $* ?" || die "not installed: $*"
    say "installing: $*"
    apt_update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-remove --no-install-recommends "$@" >&2 ||
        die "apt-get could not install: $*"
}

# one_at_a_time NAME: waits until no other process holds NAME, and holds it
# until this one ends.
one_at_a_time() {
    mkdir -p "$CACHE/locks"
    exec 8>"$CACHE/locks/$1"
    flock 8
}

# venv NAME: a virtual environment with exactly requirements/NAME.txt, made
# again when that file or the interpreter changes. Prints its directory.
venv() {
    local wanted=$ROOT/scripts/requirements/$1.txt key directory
    have python3 || apt_install python3 python3-venv
    key=$(python3 -c 'import sys; print(sys.executable, sys.version)' | cat - "$wanted" | sha256sum | cut -c1-16)
    directory=$CACHE/venv/$1-$key
    if [ ! -e "$directory/.complete" ]; then
        rm -rf "$directory"
        mkdir -p "$CACHE/venv"
        python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
        say "making the virtual environment for $1"
        python3 -m venv "$directory" >&2
        "$directory/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2 ||
            die "pip could not install $wanted" "look at its messages above"
        : >"$directory/.complete"
    fi
    printf '%s\n' "$directory"
}

# npm_program PACKAGE VERSION NAME: the program NAME of a package of npm in exactly that version.
# Prints its path.
npm_program() {
    local directory
    have npm || apt_install nodejs npm
    directory=$CACHE/npm/$(printf '%s' "$1-$2" | tr / -)
    if [ ! -e "$directory/.complete" ]; then
        rm -rf "$directory"
        mkdir -p "$directory"
        say "installing $1 $2"
        npm install --silent --no-audit --no-fund --no-save --ignore-scripts --prefix "$directory" "$1@$2" >&2 ||
            die "npm could not install $1@$2" "look at its messages above"
        : >"$directory/.complete"
    fi
    printf '%s\n' "$directory/node_modules/.bin/$3"
}

# host_ca_bundle: prints the certificates that this host was told to trust in
# place of the public ones; fails if it was told nothing. A build needs them
# too.
host_ca_bundle() {
    local name value
    for name in SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE PIP_CERT; do
        value=${!name:-}
        if [ -n "$value" ] && [ -s "$value" ]; then
            printf '%s\n' "$value"
            return 0
        fi
    done
    if have python3; then
        value=$(python3 -m pip config get global.cert 2>/dev/null || true)
        if [ -n "$value" ] && [ -s "$value" ]; then
            printf '%s\n' "$value"
            return 0
        fi
    fi
    # Certificates added by hand, which the system's own bundle then holds.
    if [ -n "$(find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null | head -n 1)" ] &&
        [ -s /etc/ssl/certs/ca-certificates.crt ]; then
        echo /etc/ssl/certs/ca-certificates.crt
        return 0
    fi
    return 1
}
