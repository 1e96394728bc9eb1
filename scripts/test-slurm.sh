#!/usr/bin/env bash
# A Slurm cluster of one node, this machine, for a test of jobs as a scheduler starts them. It
# shares nothing with a cluster that this machine may belong to: settings, keys, sockets and ports
# are its own, and it listens on 127.0.0.1.
#
#   test-slurm.sh     prints the path of its slurm.conf (for SLURM_CONF) when it takes jobs, and
#                     ends it when standard input ends: whoever holds the other end of that pipe
#                     may be killed, and nothing stays
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "$(id -u)" -ne 0 ]; then exec sudo -- "${BASH_SOURCE[0]}"; fi
PATH=$PATH:/usr/sbin
for program in munged slurmctld slurmd sinfo; do
    have "$program" || die "there is no $program" "apt-get install slurm-wlm munge"
done

DIRECTORY=$(mktemp -d /tmp/envtpl-slurm.XXXXXX)
LOG=$DIRECTORY/log
STARTED=()

stop() {
    local pid
    for pid in "${STARTED[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$DIRECTORY"
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT
trap 'exit 129' HUP

# fail MESSAGE: with what the programs said last.
fail() {
    tail -n 20 "$LOG" >&2 || true
    die "$1"
}

# start COMMAND…: in the background, as long as this runs. Descriptor 8 is a lock that lib.sh may hold.
start() {
    "$@" >>"$LOG" 2>&1 </dev/null 8>&- &
    STARTED=($! "${STARTED[@]}")
}

# await COMMAND…: until it succeeds, as long as what was started lives.
await() {
    local pid _
    for _ in $(seq 300); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        for pid in "${STARTED[@]}"; do kill -0 "$pid" 2>/dev/null || fail "a program of the cluster ended"; done
        sleep 0.1
    done
    fail "the cluster takes no jobs"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
is_idle() { [ "$(sinfo --noheader --format=%T)" = idle ]; }

# Everybody may ask for jobs, as on a cluster.
chmod 755 "$DIRECTORY"
mkdir "$DIRECTORY/state" "$DIRECTORY/spool" "$DIRECTORY/munge"
(umask 077 && head -c 1024 /dev/urandom >"$DIRECTORY/munge/key")
NODE=$(hostname -s)
cat >"$DIRECTORY/slurm.conf" <<END
ClusterName=envtpl
SlurmctldHost=$NODE(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$DIRECTORY/munge/socket
CredType=cred/munge
StateSaveLocation=$DIRECTORY/state
SlurmdSpoolDir=$DIRECTORY/spool
SlurmctldPidFile=$DIRECTORY/slurmctld.pid
SlurmdPidFile=$DIRECTORY/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
# As many ranks as a test wants, whatever this machine has.
SlurmdParameters=config_overrides
NodeName=$NODE NodeAddr=127.0.0.1 CPUs=4 RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes=$NODE Default=YES State=UP
END
echo CgroupAutomount=no >"$DIRECTORY/cgroup.conf"
export SLURM_CONF=$DIRECTORY/slurm.conf

# --force: it minds that others can write into /tmp.
start munged --foreground --force --key-file="$DIRECTORY/munge/key" --socket="$DIRECTORY/munge/socket" \
    --pid-file="$DIRECTORY/munge/pid" --log-file="$DIRECTORY/munge/log" --seed-file="$DIRECTORY/munge/seed"
await test -S "$DIRECTORY/munge/socket"
start slurmctld -D
start slurmd -D
await is_idle

echo "$SLURM_CONF"
# Until nobody holds the pipe any more.
cat >/dev/null
