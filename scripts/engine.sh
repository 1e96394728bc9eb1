#!/usr/bin/env bash
# A Docker engine on this machine, from the distribution's own packages.
#
#   engine.sh ensure [--yes]        an engine answers, with Compose and buildx
#   engine.sh exec [--yes] -- CMD   the same, then CMD with access to it
#   engine.sh plan                  says what ensure would do; changes nothing
#   engine.sh forget                removes the apt source that ensure added
#
# An engine that answers is never stopped, restarted or replaced. Questions are
# asked on a terminal only.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The oldest versions that envtpl works with.
FLOOR_ENGINE=23
# Debian 12's engine is older than that, and has no Compose 2. The packages of
# Debian 13 run on it.
NEWER_SUITE=trixie
NEWER_PACKAGES="docker.io docker-cli docker-compose docker-buildx containerd"
APT_SOURCE=/etc/apt/sources.list.d/envtpl-docker.sources
APT_PINS=/etc/apt/preferences.d/envtpl-docker
DAEMON_LOG=/var/log/envtpl-dockerd.log

# --- what is there ----------------------------------------------------------

# Sets ENGINE to the version of the engine that answers, or PROBLEM to why none
# does.
probe_engine() {
    ENGINE='' PROBLEM=''
    have docker || { PROBLEM='there is no docker command'; return 1; }
    local answer
    if answer=$(docker version --format '{{.Server.Version}}' 2>&1) && [ -n "$answer" ]; then
        ENGINE=$answer
        return 0
    fi
    PROBLEM=$answer
    return 1
}

engine_old() { [ "${ENGINE%%.*}" -lt "$FLOOR_ENGINE" ] 2>/dev/null; }
have_compose() { docker compose version >/dev/null 2>&1; }
have_buildx() { docker buildx version >/dev/null 2>&1; }
denied() { case $PROBLEM in *'permission denied'*) return 0 ;; *) return 1 ;; esac; }

# An engine that the person chose, which is not ours to start.
chosen_elsewhere() {
    [ -n "${DOCKER_HOST:-}" ] && return 0
    have docker || return 1
    case $(docker context show 2>/dev/null) in '' | default) return 1 ;; *) return 0 ;; esac
}

# --- packages ---------------------------------------------------------------

# candidate PACKAGE: the version that apt would install, without epoch.
candidate() {
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p' | sed 's/(none)//; s/^[0-9]*://'
}

# at_least PACKAGE MAJOR: apt would install PACKAGE in that version or later.
at_least() {
    local version
    version=$(candidate "$1")
    [ -n "$version" ] && dpkg --compare-versions "$version" ge "$2"
}

compose_package() {
    if [ -n "$(candidate docker-compose-v2)" ]; then
        echo docker-compose-v2
    elif at_least docker-compose 2; then
        echo docker-compose
    fi
}

# The packages apt-get would need for a whole engine, or nothing if this
# distribution's are too old.
engine_packages() {
    local compose
    compose=$(compose_package)
    if at_least docker.io "$FLOOR_ENGINE" && [ -n "$compose" ] && [ -n "$(candidate docker-buildx)" ]; then
        # From Debian 13 on the client is a package of its own.
        echo "docker.io $([ -z "$(candidate docker-cli)" ] || echo docker-cli) $compose docker-buildx iptables ca-certificates"
    fi
}

suite() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }
name_of_system() { (. /etc/os-release && echo "${PRETTY_NAME:-unknown}"); }

# mirror_of SUITE DEFAULT: where this machine gets that suite from.
mirror_of() {
    # $(…) is apt-get's own notation.
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -v suite="$1" -v default="$2" '$1 == suite { print $2; found = 1; exit } END { if (!found) print default }'
}

add_newer_suite() {
    local main security
    main=$(mirror_of bookworm http://deb.debian.org/debian)
    security=$(mirror_of bookworm-security http://security.debian.org/debian-security)
    as_root tee "$APT_SOURCE" >/dev/null <<SOURCE
# Written by envtpl's scripts/engine.sh, for a Docker engine from Debian 13.
# 'scripts/engine.sh forget' removes it.
Types: deb
URIs: $main
Suites: $NEWER_SUITE
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security
Suites: $NEWER_SUITE-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCE
    as_root tee "$APT_PINS" >/dev/null <<PINS
# Written by envtpl's scripts/engine.sh: only Docker comes from Debian 13.
Package: *
Pin: release n=$NEWER_SUITE
Pin-Priority: 50

Package: *
Pin: release n=$NEWER_SUITE-security
Pin-Priority: 50

Package: $NEWER_PACKAGES
Pin: release n=$NEWER_SUITE
Pin-Priority: 990

Package: $NEWER_PACKAGES
Pin: release n=$NEWER_SUITE-security
Pin-Priority: 990
PINS
    APT_UPDATED=0
    apt_update
}

# Makes apt know packages that are new enough, and sets PACKAGES to them.
find_packages() {
    have apt-get || die "$PROBLEM, and this is not a Debian or Ubuntu system ($(name_of_system))" \
        "install Docker Engine $FLOOR_ENGINE or later with Compose 2 and buildx, start it, and try again"
    PACKAGES=$(engine_packages)
    [ -n "$PACKAGES" ] && return 0
    apt_update
    PACKAGES=$(engine_packages)
    [ -n "$PACKAGES" ] && return 0
    if [ "$(suite)" = bookworm ]; then
        say "Debian 12 has only Docker $(candidate docker.io): adding the packages of Debian 13, for Docker alone"
        say "  $APT_SOURCE"
        say "  $APT_PINS"
        add_newer_suite
        PACKAGES=$(engine_packages)
        [ -n "$PACKAGES" ] && return 0
    fi
    die "$(name_of_system) has no Docker engine $FLOOR_ENGINE or later with Compose 2 and buildx in its packages" \
        "on Ubuntu, the component 'universe' has them: sudo add-apt-repository universe" \
        "else install Docker Engine by hand, start it, and try again"
}

install_plugins() {
    local wanted='' compose
    have_compose || wanted=compose
    have_buildx || wanted="$wanted buildx"
    [ -n "$wanted" ] || return 0
    have apt-get || die "the docker command lacks: $wanted" "install Docker's Compose and buildx plugins"
    compose=$(compose_package)
    if [ -z "$compose" ] || [ -z "$(candidate docker-buildx)" ]; then find_packages; fi
    compose=$(compose_package)
    # --no-remove (in apt_install) keeps the engine that runs.
    have_compose || apt_install "$compose"
    have_buildx || apt_install docker-buildx
    if ! have_compose || ! have_buildx; then
        die "the docker command at $(command -v docker) does not find the plugins for: $wanted" \
            "is there another docker command, first on PATH?"
    fi
}

# --- starting ---------------------------------------------------------------

wait_for_engine() {
    local _
    for _ in $(seq "$1"); do
        probe_engine && return 0
        denied && return 0
        sleep 0.5
    done
    return 1
}

start_engine() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl start docker ||
            die "systemd could not start Docker" "journalctl --unit docker says why"
        wait_for_engine 60 || die "Docker started, but does not answer: $PROBLEM"
        return 0
    fi
    # A package's own start script may have been quicker.
    wait_for_engine 4 && return 0
    say "starting dockerd; its log is $DAEMON_LOG"
    as_root sh -c "setsid dockerd >>'$DAEMON_LOG' 2>&1 </dev/null 8>&- &"
    if ! wait_for_engine 60; then
        say "the last lines of $DAEMON_LOG:"
        as_root tail -n 12 "$DAEMON_LOG" >&2 || true
        die "dockerd does not answer" "inside a container an engine needs 'docker run --privileged', or the host's socket"
    fi
}

# An engine is there, but not for this person.
open_to_person() {
    local user
    user=$(id -un)
    if getent group docker | cut -d: -f4 | tr , '\n' | grep -qxF "$user"; then
        return 0
    fi
    say "The engine answers, but $user may not use it. Members of the group docker may; they are as powerful as root."
    confirm "Add $user to the group docker?" ||
        die "permission denied on the engine's socket" "sudo usermod -aG docker $user, then log in again"
    as_root usermod -aG docker "$user"
}

ensure() {
    [ "$(uname -s)" = Linux ] || {
        probe_engine || die "no Docker engine answers" "start Docker Desktop, Colima or another engine, and try again"
        return 0
    }
    if ! probe_engine && ! denied; then
        if chosen_elsewhere; then
            die "the engine chosen by DOCKER_HOST or by 'docker context' does not answer: $PROBLEM" \
                "start it, or choose the local one: unset DOCKER_HOST; docker context use default"
        fi
        one_at_a_time engine
        if ! probe_engine && ! denied; then
            if ! have dockerd || ! have docker; then
                find_packages
                confirm "No Docker engine answers. Install one from $(name_of_system)'s packages ($PACKAGES)?" ||
                    die "no Docker engine answers: $PROBLEM" "install one, or run this again and agree"
                # Asked once is enough; package names have no white space.
                # shellcheck disable=SC2086
                ASSUME_YES=1 apt_install $PACKAGES
            fi
            start_engine
        fi
    fi
    if denied; then
        open_to_person
    elif engine_old; then
        die "Docker Engine $ENGINE answers; envtpl needs $FLOOR_ENGINE or later" \
            "it was left as it is: upgrade it, then try again"
    fi
    install_plugins
}

# in_group CMD…: runs it, in the group docker if this login is not in it yet.
in_group() {
    if probe_engine || ! denied; then
        exec "$@"
    fi
    exec sg docker -c "$(printf '%q ' "$@")"
}

plan() {
    if probe_engine; then
        say "Docker Engine $ENGINE answers; nothing would be installed or started"
        if engine_old; then say "but it is older than $FLOOR_ENGINE: ensure would refuse it"; fi
        have_compose || say "Compose would be installed: $(compose_package)"
        have_buildx || say "buildx would be installed: docker-buildx"
        return 0
    fi
    say "no engine answers: $PROBLEM"
    if denied; then
        say "$(id -un) would be added to the group docker"
    elif chosen_elsewhere; then
        say "it was chosen by DOCKER_HOST or by 'docker context': ensure would refuse"
    elif have dockerd; then
        say "dockerd is installed, and would be started"
    else
        local packages
        packages=$(engine_packages)
        say "would be installed: ${packages:-from Debian 13 ($NEWER_PACKAGES), if this is Debian 12, after apt-get update}"
    fi
}

verb=${1:-}
[ $# -eq 0 ] || shift
while [ $# -gt 0 ]; do
    case $1 in
    --yes) ASSUME_YES=1 ;;
    --) shift && break ;;
    *) die "unknown argument: $1" "see the first lines of $0" ;;
    esac
    shift
done
case $verb in
ensure) ensure ;;
exec)
    [ $# -gt 0 ] || die "exec needs a command after --"
    ensure
    in_group "$@"
    ;;
plan) plan ;;
forget)
    as_root rm -f "$APT_SOURCE" "$APT_PINS"
    say "removed $APT_SOURCE and $APT_PINS; packages stay as they are"
    ;;
*)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
