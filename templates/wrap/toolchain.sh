#!/bin/sh
# Runs a command in a container of an image, on the files of this directory, as you:
#
#   ./toolchain make -j8
#
# It needs docker or podman, and nothing else; `./toolchain --envtpl-help` says more.
#
# This is templates/wrap/toolchain.sh of envtpl. `envtpl wrap` prints it with the image's name in
# the line below; an image that prints it itself puts the name there by which it is known:
#   sed "s|^envtpl_image=.*|envtpl_image='$NAME'|" toolchain.sh
# A name without a digest will do; `--envtpl-update` pins it.
# Variables are called envtpl_…, since `-e NAME` passes on what the caller's are.

# The image, as NAME:TAG@sha256:…, and the only line that varies. `--envtpl-update` writes it anew.
envtpl_image=''

if [ -n "${ZSH_VERSION-}" ]; then emulate sh; fi

# How the container starts: as root, which gives the caller a name and a home, and becomes the
# command with the caller's rights. `envtpl tool` runs the same lines. They hold no single quote.
# shellcheck disable=SC2016
envtpl_start='
envtpl_uid=$1 envtpl_gid=$2 envtpl_groups=$3 envtpl_user=$4 envtpl_at=$5 envtpl_directory=$6
shift 6
if [ -x /opt/envtpl/entrypoints/entrypoint.sh ]; then
    set -- /opt/envtpl/entrypoints/entrypoint.sh "$@"
fi
# The directory may be one that root of this machine may not enter, on a file server.
set -- /usr/bin/env --chdir="$envtpl_directory" -- "$@"
unset PWD OLDPWD

# Where the engine runs without root, root in here is the caller out there.
read -r envtpl_inside envtpl_outside envtpl_rest </proc/self/uid_map
if [ "$envtpl_uid" = 0 ] || [ "$envtpl_inside $envtpl_outside" = "0 $envtpl_uid" ]; then
    export "USER=${USER:-root}" "LOGNAME=${LOGNAME:-root}"
    exec "$@"
fi

# Numbers of groups mean nothing where they are mapped, and some have no place there.
if [ "$envtpl_inside $envtpl_outside $envtpl_rest" != "0 0 4294967295" ]; then envtpl_groups=$envtpl_gid; fi

# A name: ssh, git and Python look for one.
envtpl_home=
while IFS=: read -r envtpl_name envtpl_rest envtpl_number envtpl_rest envtpl_rest envtpl_path envtpl_rest; do
    if [ "$envtpl_number" = "$envtpl_uid" ]; then
        envtpl_user=$envtpl_name envtpl_home=$envtpl_path envtpl_known=1
        break
    elif [ "$envtpl_name" = "$envtpl_user" ]; then
        # It is somebody else in the image.
        envtpl_user=user$envtpl_uid
    fi
done </etc/passwd

# A home that goes with the container, and so none in the directory of the caller.
for envtpl_path in "$envtpl_home" "/home/$envtpl_user" "/tmp/home-$envtpl_uid" "/var/tmp/home-$envtpl_uid"; do
    case $envtpl_path/ in / | //* | "$envtpl_at"/*) continue ;; esac
    envtpl_new=
    # Engines make the directories above a mount, for root.
    case $envtpl_at/ in "$envtpl_path"/*) envtpl_new=1 ;; esac
    if [ -n "$envtpl_new" ] || [ ! -e "$envtpl_path" ]; then
        /usr/bin/install -d -o "$envtpl_uid" -g "$envtpl_gid" "$envtpl_path" || continue
    elif [ "$(/usr/bin/stat -c %u "$envtpl_path")" != "$envtpl_uid" ]; then
        continue
    fi
    envtpl_home=$envtpl_path
    break
done
if [ -z "${envtpl_known-}" ]; then
    printf "%s:x:%s:%s::%s:/bin/sh\n" "$envtpl_user" "$envtpl_uid" "$envtpl_gid" "$envtpl_home" >>/etc/passwd
fi

envtpl_list=
for envtpl_number in $envtpl_groups; do
    envtpl_list=${envtpl_list:+$envtpl_list,}$envtpl_number
    while IFS=: read -r envtpl_name envtpl_rest envtpl_known envtpl_rest; do
        if [ "$envtpl_known" = "$envtpl_number" ]; then continue 2; fi
    done </etc/group
    printf "group%s:x:%s:\n" "$envtpl_number" "$envtpl_number" >>/etc/group
done

# What `-e` gave stays.
if [ "${HOME:-/root}" = /root ]; then HOME=$envtpl_home; fi
export HOME "USER=${USER:-$envtpl_user}" "LOGNAME=${LOGNAME:-$envtpl_user}"
exec /usr/bin/setpriv --reuid="$envtpl_uid" --regid="$envtpl_gid" --groups="$envtpl_list" -- "$@"
'

# fail MESSAGE HELP [STATUS]: 125 is what docker and podman answer when no command began.
envtpl_fail() {
    printf 'error: %s\n  help: %s\n' "$1" "$2" >&2
    exit "${3:-125}"
}

# A word that the shell reads as it is.
envtpl_quote() {
    printf '%s\n' "$1" | LC_ALL=C sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
}

# NAME of NAME[:TAG][@DIGEST]; what is behind a colon and has a slash is a port's path.
envtpl_repository() {
    envtpl_name=${1%%@*}
    case ${envtpl_name##*/} in
        *:*) printf '%s\n' "${envtpl_name%:*}" ;;
        *) printf '%s\n' "$envtpl_name" ;;
    esac
}

envtpl_help() {
    cat <<END
Runs a command in a container of an image, on the files of this directory, as you.

Usage: $0 [OPTIONS] [--] CMD…

  -t, --tty, -it      give the command a terminal; it has one when you use it at one
  --mount DIR         show it DIR, and not the current directory
  --at PATH|same      where the directory is in the container: at /work, at PATH, or at its own path
  -e NAME[=VALUE]     set an environment variable, or pass on yours of this name

  --envtpl-update [NAME:TAG]   fetch the newest image of that name, and pin this script to it
  --envtpl-help                show this

The image is ${envtpl_image:-not chosen yet}.
The engine is docker, else podman; ENVTPL_ENGINE names another. The exit status is the command's own,
128+n when signal n killed it, and 125 when it could not begin.
END
}

# Sets envtpl_new to the digest by which the registry has NAME:TAG, which has just been fetched.
envtpl_digest() {
    # docker says it when it looks again.
    envtpl_new=$($envtpl_engine pull "$1" 2>/dev/null | sed -n 's/^Digest: //p')
    if [ -n "$envtpl_new" ]; then return; fi
    # podman tells what it fetched; of an image that was made here, that may be no registry's.
    envtpl_from=$(envtpl_repository "$1")
    for envtpl_known in $($envtpl_engine image inspect --format '{{.Digest}} {{range .RepoDigests}}{{.}} {{end}}' "$1"); do
        envtpl_known=${envtpl_known##*@}
        if $envtpl_engine pull --quiet "$envtpl_from@$envtpl_known" >/dev/null 2>&1; then
            envtpl_new=$envtpl_known
            return
        fi
    done
}

# Fetches the image by its name, and writes its digest into this file.
envtpl_update() {
    envtpl_old=$envtpl_image
    envtpl_tag=${1:-${envtpl_image%%@*}}
    case $envtpl_tag in
        '' | sha256:*) envtpl_fail "this script names no image that a registry has" "name it: $0 --envtpl-update REGISTRY/NAME:TAG" 2 ;;
        -* | *[!A-Za-z0-9._:/-]*) envtpl_fail "\`$envtpl_tag\` is not the name of an image with its tag" "name it: $0 --envtpl-update REGISTRY/NAME:TAG" 2 ;;
    esac
    # What it says is talk.
    $envtpl_engine pull "$envtpl_tag" >&2 ||
        envtpl_fail "\`$envtpl_tag\` could not be fetched" "$envtpl_engine says why above" 1
    envtpl_digest "$envtpl_tag"
    case ${envtpl_new#sha256:} in
        '' | *[!0-9a-f]*) envtpl_fail "$envtpl_engine knows no digest of \`$envtpl_tag\`" "see $envtpl_engine image inspect $envtpl_tag" 1 ;;
    esac
    envtpl_new=$envtpl_tag@$envtpl_new
    if [ "$envtpl_new" = "$envtpl_old" ]; then
        printf 'already the newest: %s\n' "$envtpl_old"
        return 0
    fi
    # Where this is a link, the file that it leads to.
    envtpl_self=$(readlink -f -- "$0" 2>/dev/null) || envtpl_self=$0
    envtpl_beside=$envtpl_self.$$
    trap 'rm -f -- "$envtpl_beside"' EXIT
    if grep -q '^envtpl_image=' -- "$envtpl_self" &&
        cp -p -- "$envtpl_self" "$envtpl_beside" &&
        sed "s|^envtpl_image=.*|envtpl_image='$envtpl_new'|" "$envtpl_self" >"$envtpl_beside" &&
        mv -f -- "$envtpl_beside" "$envtpl_self"; then
        printf 'old: %s\nnew: %s\n' "${envtpl_old:-none}" "$envtpl_new"
    else
        envtpl_fail "\`$envtpl_self\` could not be written, and is as it was" "may you write in its directory?" 1
    fi
}

if [ -n "${ENVTPL_ENGINE-}" ]; then
    envtpl_engine=$ENVTPL_ENGINE
elif command -v docker >/dev/null; then
    envtpl_engine=docker
elif command -v podman >/dev/null; then
    envtpl_engine=podman
else
    envtpl_fail "there is neither docker nor podman" "install one of them, or name another engine in ENVTPL_ENGINE"
fi

envtpl_tty=
envtpl_mount=.
envtpl_at=/work
envtpl_environment=
while [ $# -gt 0 ]; do
    case $1 in
        --mount | --at | -e | --env)
            if [ $# -lt 2 ]; then envtpl_fail "\`$1\` wants a word behind it" "see $0 --envtpl-help"; fi
            ;;
    esac
    case $1 in
        --envtpl-help | --help | -h)
            envtpl_help
            exit
            ;;
        --envtpl-update)
            shift
            envtpl_update "$@"
            # What is behind this line may no longer be the file that the shell reads.
            exit
            ;;
        -t | --tty | -it | -ti) envtpl_tty=--tty ;;
        --mount) envtpl_mount=$2 && shift ;;
        --mount=*) envtpl_mount=${1#*=} ;;
        --at) envtpl_at=$2 && shift ;;
        --at=*) envtpl_at=${1#*=} ;;
        -e | --env) envtpl_environment="$envtpl_environment --env=$(envtpl_quote "$2")" && shift ;;
        --env=*) envtpl_environment="$envtpl_environment --env=$(envtpl_quote "${1#*=}")" ;;
        -e*) envtpl_environment="$envtpl_environment --env=$(envtpl_quote "${1#-e}")" ;;
        --)
            shift
            break
            ;;
        -*) envtpl_fail "there is no option \`$1\`" "see $0 --envtpl-help" ;;
        *) break ;;
    esac
    shift
done
if [ $# -eq 0 ]; then envtpl_fail "there is no command to run" "see $0 --envtpl-help"; fi
if [ -z "$envtpl_image" ]; then
    envtpl_fail "this script names no image" "name one: $0 --envtpl-update REGISTRY/NAME:TAG"
fi
if [ -n "$envtpl_tty" ] && [ ! -t 0 ]; then
    envtpl_fail "a terminal is asked for, and standard input is none" "leave -it away"
fi
if [ -t 0 ] && [ -t 1 ]; then envtpl_tty=--tty; fi

# Engines refuse a name with both a tag and a digest, or some do.
case $envtpl_image in
    *?@*) envtpl_pinned=$(envtpl_repository "$envtpl_image")@${envtpl_image#*@} ;;
    *) envtpl_pinned=$envtpl_image ;;
esac

envtpl_here=$(pwd -P)
envtpl_mount=$(CDPATH='' cd -P -- "$envtpl_mount" && pwd -P) ||
    envtpl_fail "the directory \`$envtpl_mount\` cannot be entered" "name one that is there: --mount DIR"
if [ "$envtpl_at" = same ]; then envtpl_at=$envtpl_mount; fi
while [ "${envtpl_at%/}" != "$envtpl_at" ]; do envtpl_at=${envtpl_at%/}; done
# There, the container could not start, and would write into the caller's directory.
case $envtpl_at in
    '' | /bin | /dev | /etc | /lib | /lib32 | /lib64 | /libx32 | /opt | /proc | /run | /sbin | /sys | /usr | /var)
        envtpl_fail "the container needs its own \`${envtpl_at:-/}\`" "choose another place: --at /work" ;;
    */./* | */../* | *//* | */. | */.. | [!/]*)
        envtpl_fail "\`$envtpl_at\` is no plain absolute path" "choose another place: --at /work" ;;
esac
case $envtpl_here/ in
    "${envtpl_mount%/}"/*) envtpl_directory=$envtpl_at${envtpl_here#"${envtpl_mount%/}"} ;;
    *) envtpl_directory=$envtpl_at ;;
esac

envtpl_uid=$(id -u)
envtpl_user=$(id -un 2>/dev/null)
case $envtpl_user in '' | [!A-Za-z_]* | *[!A-Za-z0-9._-]*) envtpl_user=user$envtpl_uid ;; esac

# Options that hold words of the caller's are quoted for `eval`, which makes them words again. In a
# field of --mount, a quote is written twice.
envtpl_field() {
    envtpl_quote "\"$1=$(printf '%s\n' "$2" | LC_ALL=C sed 's/"/""/g')\""
}
envtpl_options="--rm --init --interactive $envtpl_tty --user=0:0 --network=host --security-opt=label=disable"
case $envtpl_engine in
    # Where podman runs without root, who calls it stays who they are.
    *podman*) if [ "$envtpl_uid" != 0 ]; then envtpl_options="$envtpl_options --userns=keep-id --passwd=false"; fi ;;
    # Numbers are this machine's also where the engine gives containers others.
    *) envtpl_options="$envtpl_options --userns=host" ;;
esac
envtpl_options="$envtpl_options --mount=type=bind,$(envtpl_field source "$envtpl_mount"),$(envtpl_field target "$envtpl_at")"
# The image's own Python is what a tool needs, and no project is installed.
envtpl_options="$envtpl_options --env=SKIP_INSTALL_PROJECT=1$envtpl_environment --entrypoint=/bin/sh"

set -- "$envtpl_pinned" -c "$envtpl_start" sh "$envtpl_uid" "$(id -g)" "$(id -G)" "$envtpl_user" "$envtpl_at" "$envtpl_directory" "$@"
eval "set -- $envtpl_options \"\$@\""
# Some engines are two words, such as `sudo docker`.
# shellcheck disable=SC2086
exec $envtpl_engine run "$@"
