#!/usr/bin/env bash
# The tests' conda channel, made once and served to builds.
#
#   serve.sh build [amd64|arm64]   makes what is missing; prints its directory
#   serve.sh start [amd64|arm64]   the same, and serves it over HTTP; prints
#                                  assignments for a shell to eval:
#                                  ENVTPL_TEST_CONDA_DIR, _URL and _PID
#   serve.sh stop PID              ends that server
#
# The server listens on the engine's bridge, where builds and containers reach
# it, and nothing outside this machine does. README.md tells what it serves.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
HERE=$ROOT/scripts/test-conda

build() {
    local architecture=$1 image base container key directory
    image=envtpl-test/base-python:$architecture
    "$ROOT/scripts/test-bases.sh" "python-$architecture"
    key=$({
        cat "$HERE/build.py" "$HERE/micromamba.py" "$ROOT/scripts/requirements/conda.txt"
        docker image inspect --format '{{json .Config.Labels}}' "$image"
    } | sha256sum | cut -c1-12)
    directory=$CACHE/conda/$architecture-$key
    if [ ! -e "$directory/.complete" ]; then
        rm -rf "$directory"
        mkdir -p "$directory"
        base=$directory/base.tar
        container=$(docker create --platform "linux/$architecture" "$image" true)
        docker export --output "$base" "$container"
        docker rm "$container" >/dev/null
        "$(venv conda)/bin/python" "$HERE/build.py" "$base" "$architecture" "$directory" >&2
        rm "$base"
        : >"$directory/.complete"
    fi
    printf '%s\n' "$directory"
}

# Where containers find this machine: the engine's bridge if its address is one
# of this machine's, else loopback (which builds on the host's network reach).
address() {
    local bridge
    bridge=$(docker network inspect bridge --format '{{(index .IPAM.Config 0).Gateway}}' 2>/dev/null || true)
    if [ -n "$bridge" ] && hostname -I 2>/dev/null | tr ' ' '\n' | grep -qxF "$bridge"; then
        echo "$bridge"
    else
        echo 127.0.0.1
    fi
}

start() {
    local directory log host pid port=''
    directory=$(build "$1")
    host=$(address)
    log=$(mktemp)
    # Port 0: any that is free. Its number is in the first line of the log.
    setsid python3 -u -m http.server 0 --bind "$host" --directory "$directory" >"$log" 2>/dev/null </dev/null 8>&- &
    pid=$!
    for _ in $(seq 50); do
        port=$(sed -n 's/^Serving HTTP on .* port \([0-9]*\) .*/\1/p' "$log")
        [ -z "$port" ] || break
        sleep 0.1
    done
    rm -f "$log"
    [ -n "$port" ] || die "the server for the conda channel did not start on $host"
    printf 'export ENVTPL_TEST_CONDA_DIR=%q ENVTPL_TEST_CONDA_URL=%q ENVTPL_TEST_CONDA_PID=%q\n' \
        "$directory" "http://$host:$port" "$pid"
}

case ${1:-} in
build | start)
    one_at_a_time conda
    "$1" "${2:-amd64}"
    ;;
stop)
    # Only what this script started: a number may have been given to another.
    if tr '\0' ' ' <"/proc/${2:?}/cmdline" 2>/dev/null | grep -q 'http.server 0 --bind'; then kill "$2"; fi
    ;;
*)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
