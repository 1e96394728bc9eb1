# shellcheck shell=sh
# For containers that are ranks of a cluster's job. To be read by entrypoint.sh; it sets
#   envtpl_once    what is done once is done for each `node`, for the whole `job`, or `never` for
#                  others: each rank for itself
#   envtpl_rank    the number of this rank within that; what is true for all is told by rank 0
# and defines
#   once NAME WHAT COMMAND…    runs COMMAND in the rank that comes first; the others wait for it and
#                              get its status. WHAT in another state is another thing to do.
#   rank_has_servers           whether servers, and what belongs to them, are for this rank

envtpl_once=never
if [ -n "${SLURM_LOCALID:-}" ]; then envtpl_once=node; fi
if [ "${SLURM_ONE_ENTRYPOINT_SCRIPT_PER_NODE:-0}" != 0 ]; then envtpl_once=node; fi
if [ "${SLURM_ONE_ENTRYPOINT_SCRIPT_PER_JOB:-0}" != 0 ]; then envtpl_once=job; fi
case ${ENVTPL_ONCE:-} in
    node | job | never) envtpl_once=$ENVTPL_ONCE ;;
esac
case $envtpl_once in
    node) envtpl_rank=${SLURM_LOCALID:-0} ;;
    job) envtpl_rank=${SLURM_PROCID:-0} ;;
    *) envtpl_rank=0 ;;
esac
case ${ENVTPL_ONCE:-} in
    '' | node | job | never) ;;
    *) warn "ENVTPL_ONCE=$ENVTPL_ONCE is none of node, job and never, so it is $envtpl_once" ;;
esac

# Of this run alone: a job can be requeued, and has many steps.
envtpl_run=${SLURM_JOB_ID:-}.${SLURM_STEP_ID:-}.${SLURM_RESTART_COUNT:-0}

# Sets envtpl_place to the directory in which the ranks meet; fails when there is none.
find_place() {
    if [ "$envtpl_once" = job ]; then
        # Storage that all nodes see.
        envtpl_place=${PROJECT_ROOT_AT:-/none}/.envtpl/project/once
        mkdir -p "$envtpl_place" 2>/dev/null
        [ -w "$envtpl_place" ]
        return
    fi
    envtpl_uid=$(id -u)
    for envtpl_place in /dev/shm /tmp; do
        envtpl_place=$envtpl_place/envtpl-$envtpl_uid
        mkdir -m 700 "$envtpl_place" 2>/dev/null
        # Everybody can make one of that name there.
        if [ "$(stat -c '%F %u' "$envtpl_place" 2>/dev/null)" = "directory $envtpl_uid" ] && [ -w "$envtpl_place" ]; then
            return 0
        fi
    done
    return 1
}

once() {
    envtpl_name=$1
    envtpl_what=$2
    shift 2
    if [ "$envtpl_once" = never ] || [ -z "${SLURM_JOB_ID:-}" ]; then
        note "for this rank alone, as ENVTPL_ONCE=never, or without a SLURM_JOB_ID: $envtpl_name"
        "$@"
        return
    fi
    if ! find_place || ! true 2>/dev/null >>"$envtpl_place/$envtpl_run.$envtpl_name"; then
        # Each rank for itself. What the command says is the same in each.
        note "there is no directory where the ranks of the $envtpl_once can wait for each other"
        envtpl_rank=$envtpl_rank "$@"
        return
    fi
    # One file for each run is lock and marker: the system lets go of the lock however its holder
    # ends, and then the next who waits finds what was done, or nothing.
    envtpl_marker=$envtpl_place/$envtpl_run.$envtpl_name
    # shellcheck disable=SC2094
    (
        if ! flock 7 2>/dev/null; then
            warn "$envtpl_place has no file locks, so each rank does for itself what is done once for the $envtpl_once (ENVTPL_ONCE=never says nothing of it)"
            envtpl_rank=$envtpl_rank "$@" 7>&-
            exit
        fi
        if [ "$(sed 1d "$envtpl_marker")" = "$envtpl_what" ]; then
            read -r envtpl_status <"$envtpl_marker"
            note "another rank of this $envtpl_once did it: $envtpl_name"
            [ "$envtpl_status" = 0 ] || warn "what this rank needs failed in another rank of its $envtpl_once: $envtpl_name"
            exit "$envtpl_status"
        fi
        note "for all ranks of this $envtpl_once: $envtpl_name"
        "$@" 7>&-
        envtpl_status=$?
        # Killed is not done.
        if [ "$envtpl_status" -lt 128 ]; then
            printf '%s\n%s\n' "$envtpl_status" "$envtpl_what" >"$envtpl_marker"
        fi
        # Those of earlier runs.
        find "$envtpl_place" -maxdepth 1 -type f -mtime +2 -exec rm -f {} + 2>/dev/null
        exit "$envtpl_status"
    ) 7>>"$envtpl_marker"
}

rank_has_servers() {
    [ "$envtpl_rank" = 0 ] || return 1
    [ "${SLURM_ONE_REMOTE_DEV:-0}" = 0 ] || [ "${SLURM_PROCID:-0}" = 0 ]
}
