#!/bin/sh
# Installs the system packages of a list.
#   apt.sh locked NAME DIRECTORY      DIRECTORY/locked/NAME.txt: name=version a line, exactly
#   apt.sh declared NAME DIRECTORY    DIRECTORY/declared/NAME.txt: what of it is not there yet
#   apt.sh install PACKAGE...         for the steps' own needs
# Package lists and archives stay in the build cache, never in the image.
set -eu

kind=$1
name=$2
here=$(dirname "$0")

# words FILE: the packages of a list, separated by any white space.
words() {
    if [ -f "$1" ]; then sed 's/\r$//; s/#.*//' "$1"; fi
}
case $kind in
    install)
        name="the step"
        shift
        ;;
    *)
        locked=$(words "$3/locked/$name.txt")
        declared=$(words "$3/declared/$name.txt")
        # shellcheck disable=SC2086
        if [ "$kind" = locked ]; then set -- $locked; else set -- $declared; fi
        ;;
esac

if [ "$kind" = declared ]; then
    # Only what people asked for counts as such; the lock lists its dependencies too.
    for package in $locked; do
        case " $* " in
            *" ${package%%=*} "*) ;;
            *) locked_only="${locked_only:-} ${package%%=*}" ;;
        esac
    done
    # shellcheck disable=SC2086
    if [ -n "${locked_only:-}" ]; then apt-mark auto $locked_only >/dev/null; fi
    # What is there already stays at its version; it now counts as asked for.
    installed=" $(dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Package}:${Architecture}\n' |
        sed -n 's/^ii *//p' | tr '\n' ' ') "
    present=
    for package in "$@"; do
        shift
        case $installed in
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

# shellcheck source=network.sh
. "$here/network.sh"
settings=$(mktemp -d)
ca_bundle=
if [ -n "${SSL_CERT_FILE:-}" ]; then
    # apt downloads as a user of its own, who cannot read a secret.
    ca_bundle=$settings/ca-bundle.pem
    cp "$SSL_CERT_FILE" "$ca_bundle"
    chmod 644 "$ca_bundle"
    chmod 755 "$settings"
fi
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

# The lists are fetched again when they are a day old, when the sources changed or when an install fails.
stamp=/var/lib/apt/lists/envtpl-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* "$settings"/sources.list* 2>/dev/null |
    cksum | cut -d ' ' -f 1)
refresh() {
    apt-get -q update && touch "$stamp"
}
install_all() {
    apt-get -q install --yes --no-install-recommends "$@"
}

fresh=$(find "$stamp" -mmin -1440 2>/dev/null || true)
if [ -z "$fresh" ]; then refresh; fi
if ! install_all "$@"; then
    if [ -n "$fresh" ] && echo "trying again with fresh package lists" && refresh && install_all "$@"; then :; else
        echo >&2
        echo "error: apt could not install what $name.txt lists ($kind); its reason is above" >&2
        if [ "$kind" = locked ]; then
            echo "help: a version that the archive no longer offers can be unlocked by deleting its line" >&2
        else
            echo "help: names differ between releases; search at packages.debian.org or packages.ubuntu.com" >&2
        fi
        exit 1
    fi
fi

# A key made here would be the same for everybody who has the image.
rm -f /etc/ssh/ssh_host_*
# Logs and caches that only say when this was built.
rm -rf "$settings" /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log \
    /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old
