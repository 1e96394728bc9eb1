# shellcheck shell=sh
# A home for a user whom the image does not know, or who cannot write to the one that it gives.
# To be read by entrypoint.sh; sets HOME, and for a number without a name USER and LOGNAME.

envtpl_uid=$(id -u)
if envtpl_name=$(id -un 2>/dev/null); then
    envtpl_why="HOME=${HOME:-} cannot be written by $envtpl_name"
    envtpl_remedy="mount a directory that this user owns, or set HOME to one"
else
    envtpl_why="no user here has the number $envtpl_uid"
    envtpl_remedy="use an image with your user (envtpl build-user), or set HOME to a directory that you can write"
    # Python's getpass, and libraries that call a directory after the user, would fail.
    export USER="${USER:-user$envtpl_uid}"
    export LOGNAME="${LOGNAME:-$USER}"
fi

# Where /tmp is the host's, somebody else may have made one of that name.
envtpl_home=${TMPDIR:-/tmp}/home-$envtpl_uid
mkdir -m 700 "$envtpl_home" 2>/dev/null
if [ "$(stat -c '%F %u' "$envtpl_home" 2>/dev/null)" != "directory $envtpl_uid" ]; then
    envtpl_home=$(mktemp -d 2>/dev/null)
fi
if [ -n "$envtpl_home" ] && [ -w "$envtpl_home" ]; then
    export HOME="$envtpl_home"
    warn "$envtpl_why, so HOME is $HOME, which goes with the container: $envtpl_remedy"
else
    warn "$envtpl_why, and neither can ${TMPDIR:-/tmp} be written: $envtpl_remedy"
fi
