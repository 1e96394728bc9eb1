#!/bin/sh
# Installs the system packages of a list.
#   apt.sh locked NAME DIRECTORY      DIRECTORY/locked/NAME.txt: name=version a line, exactly
#   apt.sh declared NAME DIRECTORY    DIRECTORY/declared/NAME.txt: what of it is not there yet
#   apt.sh later NAME DIRECTORY       the same for a list that goes on where `declared` was before
#   apt.sh install PACKAGE...         for the steps' own needs
# Package lists and archives stay in the build cache, never in the image. Where each package of a
# list came from is recorded in /opt/envtpl/apt-facts/NAME.txt, and in NAME.answers which package a
# declared name is answered by that is none's own: `libz-dev` by zlib1g-dev, which provides it.
set -eu

kind=$1
goes_on=
if [ "$kind" = later ]; then kind=declared goes_on=yes; fi
name=$2
here=$(dirname "$0")

# words FILE: the packages of a list, separated by any white space.
words() {
    if [ -f "$1" ]; then sed 's/\r$//; s/#.*//' "$1"; fi
}
# installed FORMAT: what is installed.
installed() {
    dpkg-query -W -f "\${db:Status-Abbrev} $1\n" | sed -n 's/^ii *//p' | LC_ALL=C sort
}
# installed_exactly: the same as a lock names it, with the architecture of another machine's.
installed_exactly() {
    # shellcheck disable=SC2016
    installed '${Package} ${Version} ${Architecture}' | awk -v native="$(dpkg --print-architecture)" \
        '{ print $1 ($3 == native || $3 == "all" ? "" : ":" $3) "=" $2 }'
}
# provider NAME: an installed package that provides NAME.
provider() {
    # shellcheck disable=SC2016
    installed '${Package} ${Provides}' | awk -v name="$1" '{
        for (i = 2; i <= NF; i++) {
            sub(/,$/, "", $i)
            if ($i == name) { print $1; exit }
        }
    }'
}
# record_answers NAME...: the declared names that are no package's, with what provides them.
record_answers() {
    # shellcheck disable=SC2016
    there=" $(installed '${Package} ${Package}:${Architecture}' | tr '\n' ' ') "
    for package in "$@"; do
        case $there in *" $package "*) continue ;; esac
        found=$(provider "$package")
        if [ -n "$found" ]; then printf '%s\t%s\n' "$found" "$package"; fi
    done >>"/opt/envtpl/apt-facts/$name.answers"
}
case $kind in
    install)
        name="the step"
        shift
        ;;
    *)
        list=$3/locked/$name.txt
        locked=$(words "$list")
        declared=$(words "$3/declared/$name.txt")
        # shellcheck disable=SC2086
        if [ "$kind" = locked ]; then set -- $locked; else set -- $declared; fi
        ;;
esac

if [ "$kind" = declared ]; then
    # Only what people asked for counts as such; the lock lists its dependencies too.
    for package in $locked; do
        case "$goes_on $* " in
            yes* | *" ${package%%=*} "*) ;;
            *) locked_only="${locked_only:-} ${package%%=*}" ;;
        esac
    done
    # shellcheck disable=SC2086
    if [ -n "${locked_only:-}" ]; then apt-mark auto $locked_only >/dev/null; fi
    # What is there already stays at its version; it now counts as asked for.
    # shellcheck disable=SC2016
    there=" $(installed '${Package} ${Package}:${Architecture}' | tr '\n' ' ') "
    present=
    for package in "$@"; do
        shift
        case $there in
            *" $package "*) present="$present $package" ;;
            *) set -- "$@" "$package" ;;
        esac
    done
    # shellcheck disable=SC2086
    if [ -n "$present" ]; then apt-mark manual $present >/dev/null; fi
fi
if [ $# = 0 ]; then
    echo "nothing to install"
    exit 0
fi

sh "$here/apt-foreign.sh" "$@"
# shellcheck source=network.sh
. "$here/network.sh"
settings=$(mktemp -d)
ca_bundle=
if [ -n "${SSL_CERT_FILE:-}" ]; then
    # apt downloads as a user of its own, who cannot read a secret.
    ca_bundle=$settings/ca-bundle.pem
    cp "$SSL_CERT_FILE" "$ca_bundle"
    chmod 644 "$ca_bundle"
fi
chmod 755 "$settings"
sh "$here/apt-settings.sh" "$settings" "$ca_bundle" "$(secret apt_mirror)"
cat >>"$settings/apt.conf" <<END
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
Binary::apt-get::APT::Keep-Downloaded-Packages "true";
Acquire::Retries "3";
Acquire::Languages "none";
Dpkg::Use-Pty "false";
Dpkg::Options { "--force-unsafe-io"; "--force-confdef"; "--force-confold"; };
END
if [ -s /run/secrets/netrc ]; then
    echo 'Dir::Etc::netrc "/run/secrets/netrc";' >>"$settings/apt.conf"
fi
export APT_CONFIG="$settings/apt.conf"

if offline; then
    # There are no lists; what the lock has lies here as files.
    mkdir -p "$settings/lists/partial"
    echo "Dir::State::Lists \"$settings/lists\";" >>"$settings/apt.conf"
    if [ "$kind" = locked ]; then set -- "$sources/apt/$name"/*.deb; fi
fi

# The lists are fetched again when they are a day old, when the sources or the machines that they are
# for changed, or when an install fails.
stamp=/var/lib/apt/lists/envtpl-$({
    cat /etc/apt/sources.list /etc/apt/sources.list.d/* "$settings"/sources.list* 2>/dev/null || true
    dpkg --print-foreign-architectures
} | cksum | cut -d ' ' -f 1)
refresh() {
    # Lists of other sources or machines are gone then.
    apt-get -q update && rm -f /var/lib/apt/lists/envtpl-* && touch "$stamp"
}
install_all() {
    apt-get -q install --yes --no-install-recommends "$@"
}

# offered: compares what the lists offer with the lock, and prints what is missing and what is
# another file.
offered() {
    installed_exactly >"$settings/installed"
    # shellcheck disable=SC2086
    apt-cache show $locked 2>/dev/null >"$settings/shown" || true
    awk -v native="$(dpkg --print-architecture)" '
        function flush() {
            if (file != "") offered[name (arch == native || arch == "all" ? "" : ":" arch) "=" version] = sha256
            name = version = arch = sha256 = file = ""
        }
        kind == "installed" { installed[$1] = 1; next }
        kind == "list" {
            sub(/\r$/, "")
            # A fact stands in the comment behind its package.
            if ($1 !~ /^#/ && $1 ~ /=/) {
                order[++count] = $1
                for (i = 2; i <= NF; i++) if ($i ~ /^sha256:/) wanted[$1] = substr($i, 8)
            }
            next
        }
        /^Package: / { flush(); name = $2 }
        /^Version: / { version = $2 }
        /^Architecture: / { arch = $2 }
        /^SHA256: / { sha256 = $2 }
        /^Filename: / { file = $2 }
        END {
            flush()
            for (i = 1; i <= count; i++) {
                package = order[i]
                if (package in installed) continue
                if (!(package in offered)) print "missing", package
                else if (wanted[package] != "" && offered[package] != "" && wanted[package] != offered[package])
                    print "other", package
            }
        }
    ' kind=installed "$settings/installed" kind=list "$list" kind=shown "$settings/shown" >"$settings/compared"
    others=$(sed -n 's/^other //p' "$settings/compared" | tr '\n' ' ')
    missing=$(sed -n 's/^missing //p' "$settings/compared" | tr '\n' ' ')
}

# exactly: installs the files that the lock has addresses of, and asks no archive what else there
# is. Fails where an address is missing, or gives no file or another one: they are asked then.
exactly() {
    files=/var/cache/apt/archives/envtpl
    mkdir -p "$files"
    # Who downloads for apt.
    chown _apt "$files" 2>/dev/null || true
    installed_exactly >"$settings/installed"
    mirrored=$settings/mirrored
    if [ ! -e "$mirrored" ]; then mirrored=/dev/null; fi
    awk '
        kind == "installed" { installed[$1] = 1; next }
        kind == "mirrored" {
            sub(/\/*$/, "/", $1)
            sub(/\/*$/, "/", $2)
            stands_for[$2] = $1
            next
        }
        $1 ~ /^#/ || $1 !~ /=/ || $1 in installed { next }
        {
            sub(/\r$/, "")
            url = sha256 = ""
            for (i = 2; i <= NF; i++) {
                if ($i ~ /^url:https?:/) url = substr($i, 5)
                if ($i ~ /^sha256:/) sha256 = substr($i, 8)
            }
            if (url == "" || sha256 == "") exit 1
            for (address in stands_for)
                if (index(url, address) == 1) {
                    url = stands_for[address] substr(url, length(address) + 1)
                    break
                }
            # apt-helper tells the whole address, and with it a password of the mirror.
            if (url ~ /^https?:\/\/[^\/]*@/) exit 1
            print sha256, url
        }
    ' kind=installed "$settings/installed" kind=mirrored "$mirrored" kind=list "$list" >"$settings/exact" || return 1
    : >"$settings/absent"
    : >"$settings/files"
    while read -r sha256 url; do
        file=$files/${url##*/}
        echo "$file" >>"$settings/files"
        if ! echo "$sha256  $file" | sha256sum --check --status 2>/dev/null; then
            rm -f "$file"
            echo "$url $file SHA256:$sha256" >>"$settings/absent"
        fi
    done <"$settings/exact"
    if [ -s "$settings/absent" ]; then
        # An address that does not answer here is not waited for: the archives may be others.
        # shellcheck disable=SC2046
        /usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
            -o Acquire::https::Timeout=20 download-file $(cat "$settings/absent") || return 1
    fi
    if [ ! -s "$settings/files" ]; then return 0; fi
    mkdir -p "$settings/none/partial"
    # shellcheck disable=SC2046
    apt-get -q -o Dir::State::Lists="$settings/none" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        install --yes --no-install-recommends $(cat "$settings/files")
}
# facts_of_lock: what apt-facts.sh prints, from the lock that has it.
facts_of_lock() {
    awk -v native="$(dpkg --print-architecture)" '
        kind == "list" {
            sub(/\r$/, "")
            for (i = 2; i <= NF; i++) {
                name = value = $i
                sub(/:.*/, "", name)
                sub(/^[^:]*:/, "", value)
                if (name == "url") url[$1] = value
                if (name == "sha256") sha256[$1] = value
                if (name == "snapshot") snapshot[$1] = value
            }
            next
        }
        {
            label = $1 ($3 == native || $3 == "all" ? "" : ":" $3) "=" $2
            printf "%s\t\"url\":\"%s\",\"sha256\":\"%s\"", $0, url[label], sha256[label]
            if (label in snapshot) printf ",\"snapshot\":\"%s\"", snapshot[label]
            printf "\n"
        }
    ' kind=list "$list" kind=new -
}

# openssh-server makes the keys of a host that it does not find. A key made here would be the same
# for everybody who has the image.
if [ $# != 0 ]; then
    mkdir -p /etc/ssh
    touch /etc/ssh/ssh_host_rsa_key /etc/ssh/ssh_host_ecdsa_key /etc/ssh/ssh_host_ed25519_key
fi
# shellcheck disable=SC2016
installed '${Package} ${Version} ${Architecture}' >"$settings/before"
exact=
if [ "$kind" = locked ] && ! offline; then
    if exactly; then
        exact=yes
        set --
    else
        echo "not every package can be had from its address in the lock: asking the archives"
    fi
fi

fresh=$(find "$stamp" -mmin -1440 2>/dev/null || true)
if offline || [ -n "$exact" ]; then
    fresh=
elif [ "$kind" = locked ]; then
    # An archive that is gone may have its snapshots.
    if [ -z "$fresh" ]; then refresh || true; fi
    offered
    if [ -n "$missing$others" ] && [ -n "$fresh" ]; then
        refresh || true
        offered
        fresh=
    fi
    if [ -n "$missing" ]; then
        moments=$(for package in $missing; do
            awk -v package="$package" '$1 == package && match($0, /snapshot:[0-9TZ]+/) {
                print substr($0, RSTART + 9, RLENGTH - 9) }' "$list"
        done | sort -u)
        # A service takes its picture some hours after the archive changed, and gives the one before
        # for a moment between.
        for later in ${moments:+6 24 0}; do
            echo "no archive has these any more, asking for a snapshot: $missing"
            # shellcheck disable=SC2046
            sh "$here/apt-snapshot.sh" "$settings/snapshot-$later" "$(secret apt_snapshot)" $(for moment in $moments; do
                date -u +%Y%m%dT%H%M%SZ -d "$(echo "$moment" |
                    sed 's/\(....\)\(..\)\(..\)T\(..\)\(..\)\(..\)Z/\1-\2-\3 \4:\5:\6 UTC/') $later hours"
            done)
            export APT_CONFIG="$settings/snapshot-$later/apt.conf"
            if apt-get -q update; then offered; fi
            if [ -z "$missing" ]; then break; fi
            export APT_CONFIG="$settings/apt.conf"
        done
    fi
    if [ -n "$others" ]; then
        echo >&2
        echo "error: the archive has another file for what $name.txt locks: $others" >&2
        echo "help: somebody put it there under the same version. If you trust it, delete its line in" >&2
        echo "      dependencies/locked/$name.txt, build, and freeze again" >&2
        exit 1
    fi
elif [ -z "$fresh" ]; then
    refresh
fi

if [ "$kind" = declared ]; then
    # A name that is no package's, and that something here provides, needs no other version of it.
    for package in "$@"; do
        shift
        found=$(provider "$package")
        if [ -n "$found" ] && ! apt-cache show "$package" 2>/dev/null | grep -q '^Package: '; then
            apt-mark manual "$found" >/dev/null
        else
            set -- "$@" "$package"
        fi
    done
    if [ -n "$locked" ] && [ $# != 0 ]; then echo "the lock does not have these yet: $*"; fi
fi

if [ $# != 0 ] && ! install_all "$@"; then
    if [ -n "$fresh" ] && echo "trying again with fresh package lists" && refresh && install_all "$@"; then :; else
        echo >&2
        echo "error: apt could not install what $name.txt lists ($kind); its reason is above" >&2
        if offline; then
            echo "help: this build has no network: the packages of $sources/apt are all that there is" >&2
        elif [ "$kind" = locked ]; then
            if [ -n "$missing" ]; then echo "error: neither the archives nor a snapshot of them have: $missing" >&2; fi
            echo "help: APT_SNAPSHOT in .env names another snapshot service; a version that none offers is unlocked" >&2
            echo "      by deleting its line in dependencies/locked/$name.txt" >&2
        else
            echo "help: names differ between releases; search at packages.debian.org or packages.ubuntu.com" >&2
        fi
        exit 1
    fi
fi

if [ "$kind" != install ]; then
    # The lists that know it are in no image.
    mkdir -p /opt/envtpl/apt-facts
    if offline; then
        cat "$sources/apt/$name.facts" >>"/opt/envtpl/apt-facts/$name.txt"
    else
        # shellcheck disable=SC2016
        installed '${Package} ${Version} ${Architecture}' | LC_ALL=C comm -13 "$settings/before" - |
            if [ -n "$exact" ]; then facts_of_lock; else sh "$here/apt-facts.sh"; fi >>"/opt/envtpl/apt-facts/$name.txt"
    fi
    # shellcheck disable=SC2086
    if [ "$kind" = declared ]; then record_answers $declared; fi
fi

rm -f /etc/ssh/ssh_host_*
rmdir /etc/ssh 2>/dev/null || true
# Logs and caches that only say when this was built.
rm -rf "$settings" /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log \
    /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old
