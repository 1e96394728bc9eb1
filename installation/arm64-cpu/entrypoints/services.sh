# shellcheck shell=sh
# What containers have only when somebody asks for it. To be read by entrypoint.sh, which knows
# the variables that ask. Whatever of it does not work is a warning; see say.sh.

# For every rank: the libraries of each need their keys, and git its settings.
# shellcheck source=logins.sh
. /opt/envtpl/entrypoints/logins.sh
if [ -n "${GIT_CONFIG_AT:-}" ]; then
    # shellcheck source=git-config.sh
    . /opt/envtpl/entrypoints/git-config.sh
fi

# Servers, and what belongs to them: for one rank of a node or job.
if rank_has_servers; then
    if [ -n "${VSCODE_SERVER_AT:-}${CURSOR_SERVER_AT:-}${JETBRAINS_SERVER_AT:-}" ]; then
        # shellcheck source=editors.sh
        . /opt/envtpl/entrypoints/editors.sh
    fi
    # What comes beside a container's own command finds them there: `envtpl exec` says so, and
    # for any other program of an engine the process is nobody's child.
    if [ -z "${ENVTPL_EXEC:-}" ] && { [ $$ = 1 ] || [ "$PPID" != 0 ]; }; then
        if [ "${JUPYTER_SERVER:-0}" != 0 ]; then
            # shellcheck source=jupyter.sh
            . /opt/envtpl/entrypoints/jupyter.sh
        fi
        # Last, since logins get the environment that it finds.
        if [ "${SSH_SERVER:-0}" != 0 ] && ! sh /opt/envtpl/entrypoints/ssh-server.sh start $$ >&2 && is_strict; then
            exit 1
        fi
    fi
fi
