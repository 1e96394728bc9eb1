# shellcheck shell=sh
# How the entrypoint talks: on stderr, a line at a time, and not at all when all is well.
# To be read by other scripts; it only defines functions.
#   note TEXT    what is as it should be; said with ENVTPL_VERBOSE=1
#   warn TEXT    what does not work, and what to do about it; the container goes on without.
#                With ENVTPL_STRICT=1 it is an error, and ends the script with status 1.

note() {
    if [ "${ENVTPL_VERBOSE:-0}" != 0 ]; then printf 'note: %s\n' "$1" >&2; fi
}

is_strict() {
    [ "${ENVTPL_STRICT:-0}" != 0 ]
}

warn() {
    if is_strict; then
        printf 'error: %s\n' "$1" >&2
        exit 1
    fi
    # What is true for all ranks of a node or job is told by the first; see once.sh.
    if [ "${envtpl_rank:-0}" = 0 ]; then printf 'warning: %s\n' "$1" >&2; fi
}
