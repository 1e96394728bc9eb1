#!/usr/bin/env bash
# A second Docker engine, with the containerd image store, beside the one that runs here: for a
# test of what only such an engine can do. It shares nothing with the other: its images, sockets
# and bridge are its own, and containers on it reach a network as the host does, or not at all.
#
#   second-engine.sh [MEGABYTES]
#                         prints the engine's address when it answers, and ends it, with everything
#                         that it made, when standard input ends: whoever holds the other end of
#                         that pipe may be killed, and nothing stays; with MEGABYTES its disk has
#                         no more than these, in memory
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then exec sudo -- "${BASH_SOURCE[0]}" "$@"; fi
for program in dockerd containerd ip; do
    have "$program" || die "there is no $program" "scripts/engine.sh installs an engine with it, iproute2 has ip"
done

# Sockets have short paths, and a name of a network device has 15 characters at most.
DIRECTORY=$(mktemp -d /tmp/envtpl-engine.XXXXXX)
BRIDGE=etpl$$
LOG=$DIRECTORY/log
STARTED=()

stop() {
    local pid
    # The engine first: it asks its containerd to end what runs.
    for pid in "${STARTED[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    ip link delete "$BRIDGE" 2>/dev/null || true
    # The deepest first.
    awk -v directory="$DIRECTORY/" 'index($5, directory) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r mounted; do umount --lazy "$mounted" || true; done
    rm -rf --one-file-system "$DIRECTORY"
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

# fail MESSAGE: with what the engine said last.
fail() {
    tail -n 20 "$LOG" >&2 || true
    die "$1" "inside a container an engine needs 'docker run --privileged'"
}

# await FILE-OR-COMMAND…: until it succeeds, as long as the engine's processes live.
await() {
    local pid _
    for _ in $(seq 300); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        for pid in "${STARTED[@]}"; do kill -0 "$pid" 2>/dev/null || fail "the second engine ended"; done
        sleep 0.1
    done
    fail "the second engine does not answer"
}

# A bridge of its own: an engine without one removes the other's. Its addresses are those set aside
# for measurements (RFC 2544), which no machine has.
ip link add "$BRIDGE" type bridge
ip addr add "198.18.$(($$ % 250)).1/24" dev "$BRIDGE"
ip link set "$BRIDGE" up

if [ $# -gt 0 ]; then
    mkdir "$DIRECTORY/containerd"
    mount -t tmpfs -o "size=${1}m" tmpfs "$DIRECTORY/containerd"
fi

# And a containerd of its own, since an engine takes the system's where there is one.
cat >"$DIRECTORY/containerd.toml" <<END
version = 2
root = "$DIRECTORY/containerd"
state = "$DIRECTORY/containerd-run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$DIRECTORY/containerd.sock"
END
cat >"$DIRECTORY/daemon.json" <<END
{"features": {"containerd-snapshotter": true}}
END
# Descriptor 8 is a lock that lib.sh may hold.
containerd --config "$DIRECTORY/containerd.toml" >>"$LOG" 2>&1 </dev/null 8>&- &
STARTED=($!)
await test -S "$DIRECTORY/containerd.sock"
dockerd --config-file "$DIRECTORY/daemon.json" --containerd "$DIRECTORY/containerd.sock" \
    --host "unix://$DIRECTORY/docker.sock" --pidfile "$DIRECTORY/pid" \
    --data-root "$DIRECTORY/data" --exec-root "$DIRECTORY/run" \
    --bridge "$BRIDGE" --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    >>"$LOG" 2>&1 </dev/null 8>&- &
STARTED=($! "${STARTED[@]}")
await docker --host "unix://$DIRECTORY/docker.sock" version

echo "unix://$DIRECTORY/docker.sock"
# Until nobody holds the pipe any more.
cat >/dev/null
