#!/bin/sh
# Gives the image one person's user, group and home.
#   user.sh run|dev, with USR USRID GRP GRPID SUPPLEMENTARY_GROUPS in the environment
# It edits the files itself: useradd refuses names and numbers that are taken, and makes a lastlog
# of gigabytes for large numbers. What is asked comes first in each file, so that it is what a
# number means; other names of a number stay for the packages that use them.
set -eu
umask 022

flavour=$1

refuse() {
    echo >&2
    echo "error: $1" >&2
    echo "help: correct it in .env" >&2
    echo >&2
    exit 1
}

case $USR in
    '' | -* | . | .. | *[!A-Za-z0-9_.@+-]*) refuse "USR=$USR cannot be a user name" ;;
esac
# A group name may have spaces, as directories of large organisations like them.
case $GRP in
    '' | *:* | *,* | *'
'*) refuse "GRP=$GRP cannot be a group name" ;;
esac
number() {
    case $2 in
        '' | *[!0-9]* | ???????????*) refuse "$1=$2 is not a number below 4294967295" ;;
    esac
    [ "$2" -lt 4294967295 ] || refuse "$1=$2 is not a number below 4294967295"
}
number USRID "$USRID"
number GRPID "$GRPID"

if [ "$USRID" = 0 ]; then home=/root; else home=/home/$USR; fi

# A user of the base by that name may be in groups that were not asked for.
for file in /etc/group /etc/gshadow; do
    [ -e $file ] || continue
    copy=$(mktemp)
    NAME=$USR awk -F : -v OFS=: '{
        count = split($NF, members, ",")
        kept = ""
        for (i = 1; i <= count; i++)
            if (members[i] != ENVIRON["NAME"]) kept = kept (kept == "" ? "" : ",") members[i]
        $NF = kept
        print
    }' $file >"$copy"
    cat "$copy" >$file
    rm "$copy"
done

# first FILE NAME LINE: puts LINE at the top of FILE in place of the line that NAME had.
first() {
    [ -e "$1" ] || return 0
    copy=$(mktemp)
    NAME=$2 LINE=$3 awk -F : '
        BEGIN { print ENVIRON["LINE"] }
        $1 != ENVIRON["NAME"]' "$1" >"$copy"
    # Keeps the mode and the owner of the file.
    cat "$copy" >"$1"
    rm "$copy"
}

shell=/bin/sh
if [ -x /bin/bash ]; then shell=/bin/bash; fi
first /etc/passwd "$USR" "$USR:x:$USRID:$GRPID::$home:$shell"
# The star is no password at all: nobody can log in with one.
first /etc/shadow "$USR" "$USR:*:19000:0:99999:7:::"
first /etc/group "$GRP" "$GRP:x:$GRPID:"
first /etc/gshadow "$GRP" "$GRP:!::"

# Other groups of the person: name:number,name:number
old_ifs=$IFS
IFS=,
set -f
for one in ${SUPPLEMENTARY_GROUPS:-}; do
    name=${one%:*}
    id=${one##*:}
    case $one in
        *:*) ;;
        *) refuse "GROUPS must be a list of name:number, separated by commas; it has $one" ;;
    esac
    number GROUPS "$id"
    if [ "$id" != "$GRPID" ]; then
        [ "$name" != "$GRP" ] || refuse "GROUPS gives the group $name another number than GRPID"
        first /etc/group "$name" "$name:x:$id:$USR"
    fi
done
set +f
IFS=$old_ifs

if [ "$home" != /root ] && [ ! -d "$home" ]; then
    mkdir -p "$home"
    if [ -d /etc/skel ]; then cp -R /etc/skel/. "$home"; fi
fi

# What editors put into a home, and what should outlive the container, is in a directory that can be
# mounted as a whole. An empty volume begins as the image has it: with this owner and mode.
if [ "$flavour" = dev ]; then
    kept=/var/lib/envtpl/kept
    for path in .vscode-server .cursor-server .cache/JetBrains .config/JetBrains .local/share/JetBrains .java/.userPrefs; do
        mkdir -p "$kept/$path" "$home/$(dirname "$path")"
        if [ ! -e "$home/$path" ]; then ln -s "$kept/$path" "$home/$path"; fi
    done
    chown -R "$USRID:$GRPID" "$kept"
    chmod 700 "$kept"
    # After what the distribution has in there. Without a file zsh would ask a new user what to do.
    for file in .bashrc .zshrc; do
        echo '. /opt/envtpl/entrypoints/interactive.sh' >>"$home/$file"
    done
fi

if [ "$home" != /root ]; then chown -R "$USRID:$GRPID" "$home"; fi

if [ "$flavour" = dev ] && [ "$USR" != root ]; then
    if command -v sudo >/dev/null && [ -d /etc/sudoers.d ]; then
        # By number, since a name may hold characters that sudo reads as more than a name.
        {
            echo "#$USRID ALL=(ALL:ALL) NOPASSWD: ALL"
            echo 'Defaults env_keep += "http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY"'
            echo 'Defaults env_keep += "SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE GIT_SSL_CAINFO"'
            echo 'Defaults env_keep += "PIP_CERT PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_BREAK_SYSTEM_PACKAGES"'
            echo 'Defaults env_keep += "UV_DEFAULT_INDEX UV_INDEX UV_BREAK_SYSTEM_PACKAGES UV_SYSTEM_PYTHON MAMBA_CHANNEL_ALIAS"'
            echo 'Defaults env_keep += "NETRC APT_CONFIG DEBIAN_FRONTEND TZ"'
        } >/etc/sudoers.d/envtpl
        chmod 440 /etc/sudoers.d/envtpl
    else
        echo "warning: the dev image has no sudo; add sudo to dependencies/apt-dev.txt to have it" >&2
    fi
fi

# pip, uv and mamba install by hand beside what is there. They replace files, so that owning the
# directories is enough, and the packages stay in the layers that both images share. Below /usr
# itself is the distribution's Python, for which pip takes the home directory.
if [ "$flavour" = dev ] && [ "$USR" != root ] && [ -f /opt/envtpl/image.conf ]; then
    # shellcheck source=/dev/null
    . /opt/envtpl/image.conf
    prefix=$("$PYTHON" -c 'import sysconfig; print(sysconfig.get_path("data"))')
    case $prefix in
        / | /usr) ;;
        *)
            find "$prefix" -xdev -type d -exec chown "$USRID:$GRPID" {} +
            # The one file that is added to.
            if [ -f "$prefix/conda-meta/history" ]; then chown "$USRID:$GRPID" "$prefix/conda-meta/history"; fi
            ;;
    esac
fi

# What was asked is what is there.
is() {
    [ "$2" = "$3" ] || refuse "the user layer does not hold: $1 is $2 and should be $3"
}
is "the user's number" "$(id -u "$USR")" "$USRID"
is "the user's group number" "$(id -g "$USR")" "$GRPID"
is "the user's group" "$(id -gn "$USR")" "$GRP"
is "the name of $USRID" "$(getent passwd "$USRID" | cut -d : -f 1)" "$USR"
is "the name of $GRPID" "$(getent group "$GRPID" | cut -d : -f 1)" "$GRP"
found=$(id -G "$USR" | tr ' ' '\n' | sort -un | tr '\n' ' ')
wanted=$(echo "$GRPID,${SUPPLEMENTARY_GROUPS:-}" | tr ',' '\n' | sed 's/.*://;/^$/d' | sort -un | tr '\n' ' ')
is "the list of the user's groups" "$found" "$wanted"
id "$USR"
