#!/bin/sh
# Makes an apt configuration for this network: certificates and mirror.
#   apt-settings.sh DIRECTORY [CA_BUNDLE] [MIRROR]
# Use it with APT_CONFIG=DIRECTORY/apt.conf. The image's own /etc/apt stays as it is.
set -eu

directory=$1
ca_bundle=${2:-}
mirror=${3:-}

mkdir -p "$directory/parts" "$directory/sources.list.d"
# All the image's settings but the hook of Docker's base images that empties the cache.
for part in /etc/apt/apt.conf.d/*; do
    case $part in
        */docker-clean | */docker-gzip-indexes | *'*') ;;
        *) ln -sf "$part" "$directory/parts/" ;;
    esac
done
{
    echo "Dir::Etc::parts \"$directory/parts\";"
    if [ -n "$ca_bundle" ]; then echo "Acquire::https::CaInfo \"$ca_bundle\";"; fi
    if [ -n "$mirror" ]; then
        echo "Dir::Etc::sourcelist \"$directory/sources.list\";"
        echo "Dir::Etc::sourceparts \"$directory/sources.list.d\";"
    fi
} >"$directory/apt.conf"

if [ -n "$mirror" ]; then
    # http://mirror.example stands for the hosts of Debian and Ubuntu; what follows the host stays.
    hosts='https?://((deb|security)\.debian\.org|([a-z]+\.)?(archive|security|ports)\.ubuntu\.com)'
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        [ -f "$list" ] || continue
        sed -E "s#$hosts#${mirror%/}#g" "$list" >"$directory/${list#/etc/apt/}"
        grep -oE "${hosts}[^] ]*" "$list" || true
    done | sort -u | while read -r address; do
        # Which archive an address of the mirror stands for.
        echo "$(echo "$address" | sed -E "s#$hosts#${mirror%/}#") $address"
    done >"$directory/mirrored"
fi
