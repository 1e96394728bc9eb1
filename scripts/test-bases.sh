#!/usr/bin/env bash
# The base images that the real-engine tests share, from Debian packages alone.
#
#   test-bases.sh [NAME…]     makes what is missing (default: all), by name:
#       python-amd64    envtpl-test/base-python:amd64   Debian 12, Python, pip
#       python-arm64    envtpl-test/base-python:arm64   the same, under emulation
#       bare-amd64      envtpl-test/base-bare:amd64     Debian 12 without Python
#   test-bases.sh --emulation only registers the emulator for arm64
#   test-bases.sh --remove    removes those images; the archives stay
#
# An image's archive is kept in the cache directory, named by its recipe:
# making it takes 20 s (amd64) or about 3 min (arm64), loading it again 2 s.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

SUITE=bookworm
ARCHIVES=$CACHE/bases
LABEL=org.envtpl.test-base
ALL="python-amd64 python-arm64 bare-amd64"

packages_of() {
    case $1 in
    python) echo ca-certificates,python3,python3-pip ;;
    bare) echo ca-certificates ;;
    esac
}

# make_emulation ARCHITECTURE: this kernel can run programs of ARCHITECTURE,
# also inside containers.
make_emulation() {
    local machine=$1 qemu
    case $machine in
    arm64) qemu=aarch64 ;;
    amd64) qemu=x86_64 ;;
    *) die "no emulator is known for $machine" ;;
    esac
    [ "$(dpkg --print-architecture)" != "$machine" ] || return 0
    local entry=/proc/sys/fs/binfmt_misc/qemu-$qemu
    # F: the emulator is opened when it is registered, and so works in containers.
    if grep -qs '^flags:.*F' "$entry"; then return 0; fi
    apt_install qemu-user-static binfmt-support
    if [ ! -e /proc/sys/fs/binfmt_misc/register ]; then
        as_root mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc ||
            die "cannot mount binfmt_misc" "this kernel or container does not allow emulation of $machine"
    fi
    if [ ! -e "$entry" ]; then as_root update-binfmts --enable "qemu-$qemu"; fi
    grep -qs '^flags:.*F' "$entry" ||
        die "the emulator for $machine is not registered for containers" \
            "look at 'update-binfmts --display qemu-$qemu'"
}

make_base() {
    local name=$1 kind=${1%-*} architecture=${1##*-} packages recipe archive image
    packages=$(packages_of "$kind")
    recipe=$(printf '%s\n' "$SUITE $packages $architecture 1" | sha256sum | cut -c1-12)
    archive=$ARCHIVES/$name-$recipe.tar
    image=envtpl-test/base-$kind:$architecture

    if [ "$(docker image inspect "$image" --format "{{index .Config.Labels \"$LABEL\"}}" 2>/dev/null)" = "$recipe" ]; then
        say "$image is there"
        return 0
    fi
    if [ ! -e "$archive" ]; then
        apt_install mmdebstrap arch-test debian-archive-keyring ca-certificates
        say "making $image (once; kept as $archive)"
        mkdir -p "$ARCHIVES"
        rm -f "$archive.part"
        # Through root's own umask and through a pipe: the cache belongs to the
        # person, not to root. --verbose is for the day when this fails.
        as_root mmdebstrap --quiet --variant=minbase --architectures="$architecture" \
            --include="$packages" "$SUITE" >"$archive.part" ||
            die "mmdebstrap could not make $image" "run it by hand: mmdebstrap --variant=minbase --architectures=$architecture --include=$packages $SUITE /tmp/base.tar"
        mv "$archive.part" "$archive"
    fi
    docker import --platform "linux/$architecture" --change "LABEL $LABEL=$recipe" \
        --change 'CMD ["/bin/bash"]' "$archive" "$image" >/dev/null
    say "$image loaded"
}

image_of() { echo "envtpl-test/base-${1%-*}:${1##*-}"; }

case ${1:-} in
--emulation)
    make_emulation arm64
    exit
    ;;
--remove)
    for name in $ALL; do
        docker image rm "$(image_of "$name")" >/dev/null 2>&1 || true
    done
    exit
    ;;
-*)
    sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac

# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $ALL
one_at_a_time bases
for name in "$@"; do
    [ -n "$(packages_of "${name%-*}")" ] || die "no such base: $name" "there are: $ALL"
    make_emulation "${name##*-}"
    make_base "$name"
done
