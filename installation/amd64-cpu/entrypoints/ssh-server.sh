#!/bin/sh
# An ssh server beside the container's command, for the user whom the container runs as:
#   ssh-server.sh start PID             returns when it listens; PID is the command's process
#   ssh-server.sh serve PID DIRECTORY   what start leaves running; its environment is that of logins
#   ssh-server.sh serves                whether one listens in this container
# Public keys open it, nothing else. Names begin with envtpl_, so that no variable of the
# environment that logins are to get is changed.

# shellcheck source=say.sh
. /opt/envtpl/entrypoints/say.sh

envtpl_pid=${2:-}
envtpl_at=${3:-}

if [ "$1" = serves ]; then
    for envtpl_line in "${TMPDIR:-/tmp}"/envtpl-ssh.*/serves; do
        if [ -e "$envtpl_line" ] && grep -q ssh-server.sh "/proc/$(cat "$envtpl_line")/cmdline" 2>/dev/null; then exit 0; fi
    done
    exit 1
fi
envtpl_sshd=$(PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin && command -v sshd)

# What asks for the user of a number which the image does not know goes through this.
with_user() {
    if [ -e "$envtpl_at/passwd" ]; then
        LD_PRELOAD=$(cat "$envtpl_at/wrapper") NSS_WRAPPER_PASSWD=$envtpl_at/passwd NSS_WRAPPER_GROUP=/etc/group "$@"
    else
        "$@"
    fi
}

if [ "$1" = serve ]; then
    # Where containers have no processes of their own, as on clusters, nobody else would end it.
    if [ "$envtpl_pid" != 1 ] && ! grep -q '^PPid:[[:space:]]*1$' "/proc/$envtpl_pid/status"; then
        (tail --pid="$envtpl_pid" -f /dev/null && kill -TERM 0) &
    fi
    envtpl_python=$(. /opt/envtpl/image.conf && printf %s "$PYTHON")
    with_user "$envtpl_sshd" -D -e -f "$envtpl_at/sshd_config" \
        -o "ForceCommand=$envtpl_python -I -B /opt/envtpl/entrypoints/ssh-session.py $$ '$envtpl_at'" 2>&1 </dev/null |
        {
            envtpl_told=
            while IFS= read -r envtpl_line; do
                envtpl_line=${envtpl_line%"$(printf '\r')"}
                printf '%s\n' "$envtpl_line" >>"$envtpl_at/log"
                case $envtpl_line in
                    "Server listening on "*)
                        echo $$ >"$envtpl_at/serves"
                        [ -n "$envtpl_told" ] || echo listens >"$envtpl_at/answer"
                        envtpl_told=1
                        ;;
                esac
            done
            [ -n "$envtpl_told" ] || echo ended >"$envtpl_at/answer"
        }
    exit
fi

envtpl_uid=$(id -u)
if [ -z "$envtpl_sshd" ]; then
    warn "SSH_SERVER asks for an ssh server, and this image has none: add openssh-server to dependencies/apt-dev.txt, and build"
    exit 1
fi
envtpl_keys=${SSH_AUTHORIZED_KEYS_AT:-$HOME/.ssh/authorized_keys}
if [ ! -r "$envtpl_keys" ]; then
    warn "nobody could log in by ssh, since $envtpl_keys is not there or cannot be read by user $envtpl_uid: set SSH_AUTHORIZED_KEYS_AT to a file with your public keys"
    exit 1
fi
envtpl_at=$(mktemp -d "${TMPDIR:-/tmp}/envtpl-ssh.XXXXXX" 2>/dev/null)
if [ -z "$envtpl_at" ]; then
    warn "there is no ssh server, since ${TMPDIR:-/tmp} cannot be written by user $envtpl_uid: set TMPDIR to a directory that can"
    exit 1
fi

# sshd lets users in whom the system knows by name.
if ! id -un >/dev/null 2>&1; then
    for envtpl_wrapper in /usr/lib/*/libnss_wrapper.so; do :; done
    if [ ! -e "$envtpl_wrapper" ]; then
        warn "there is no ssh server, since no user here has the number $envtpl_uid: use an image with your user (envtpl build-user), or add libnss-wrapper to dependencies/apt-dev.txt, and build"
        exit 1
    fi
    # home.sh has set the name.
    printf '%s' "$envtpl_wrapper" >"$envtpl_at/wrapper"
    {
        printf '%s:x:%s:%s::%s:%s\n' "$USER" "$envtpl_uid" "$(id -g)" "$HOME" "$(command -v bash || echo /bin/sh)"
        cat /etc/passwd
    } >"$envtpl_at/passwd"
fi

# make_key DIRECTORY: a key by which the server is known, unless there is one.
make_key() {
    if [ ! -e "$1/ssh_host_ed25519_key" ]; then
        envtpl_new=$(mktemp -d "$1/new.XXXXXX" 2>/dev/null) || return 1
        with_user ssh-keygen -q -t ed25519 -N '' -C envtpl -f "$envtpl_new/key" </dev/null >&2
        # Of two containers that start at once, one makes the key of both.
        ln "$envtpl_new/key" "$1/ssh_host_ed25519_key" 2>/dev/null || mv -n "$envtpl_new/key" "$1/ssh_host_ed25519_key"
        rm -rf "$envtpl_new"
    fi
    if [ ! -e "$1/known_hosts" ]; then
        envtpl_line=$(with_user ssh-keygen -y -f "$1/ssh_host_ed25519_key" </dev/null) || return 1
        printf 'envtpl %s\n' "$envtpl_line" >"$1/known_hosts.$$" && mv "$1/known_hosts.$$" "$1/known_hosts"
    fi
    [ -r "$1/ssh_host_ed25519_key" ]
}
envtpl_host=${SSH_HOST_KEYS_AT:-$envtpl_at}
if [ ! -d "$envtpl_host" ]; then mkdir -p "$envtpl_host" && chmod 700 "$envtpl_host"; fi 2>/dev/null
if ! make_key "$envtpl_host" 2>"$envtpl_at/log"; then
    if [ "$envtpl_host" != "$envtpl_at" ]; then
        warn "SSH_HOST_KEYS_AT=$envtpl_host cannot be used by user $envtpl_uid, so the ssh server has another host key in each container: mount a directory that this user owns"
    fi
    envtpl_host=$envtpl_at
    if ! make_key "$envtpl_host" 2>"$envtpl_at/log"; then
        warn "there is no ssh server, since it has no host key: $(tail -n 1 "$envtpl_at/log")"
        exit 1
    fi
fi
ln -s "$envtpl_host/ssh_host_ed25519_key" "$envtpl_at/host_key"
ln -s "$envtpl_keys" "$envtpl_at/authorized_keys"

envtpl_port=${SSH_CONTAINER_PORT:-2223}
envtpl_address=${SSH_CONTAINER_ADDRESS:-127.0.0.1}
case $envtpl_address in
    *:*) envtpl_address="[$envtpl_address]" ;;
esac
cat >"$envtpl_at/sshd_config" <<END
ListenAddress $envtpl_address:$envtpl_port
PidFile none
HostKey "$envtpl_at/host_key"
AuthorizedKeysFile "$envtpl_at/authorized_keys"
# The files may be mounted from a system where their owner has another number.
StrictModes no
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
PermitUserEnvironment no
PermitUserRC no
PrintMotd no
PrintLastLog no
X11Forwarding no
AllowTcpForwarding yes
AllowAgentForwarding yes
AllowStreamLocalForwarding yes
# Editors open many at once.
MaxSessions 64
Subsystem sftp /usr/lib/openssh/sftp-server
END
if [ "$envtpl_uid" = 0 ]; then mkdir -p /run/sshd; fi

# In a session of its own, so that Ctrl-C is the command's alone.
mkfifo "$envtpl_at/answer"
setsid --fork sh "$0" serve "$envtpl_pid" "$envtpl_at" </dev/null >/dev/null 2>&1
read -r envtpl_answer <"$envtpl_at/answer"
if [ "$envtpl_answer" != listens ]; then
    warn "the ssh server did not start: $(tr '\n' ' ' <"$envtpl_at/log")"
    exit 1
fi
note "ssh listens on $envtpl_address:$envtpl_port; its messages are in $envtpl_at/log"
