#!/bin/sh
# Refuses a base image that cannot work, before anything long begins, and records what it holds.
#   check-base.sh ARCHITECTURE python|distribution|no-python SNAPSHOT-SCRIPT
# python: the base has one; distribution: the one that apt installs is used; no-python: conda's is.
# Writes /opt/envtpl/base.json and /opt/envtpl/image.conf.
set -eu
umask 022

architecture=$1
needs=$2
snapshot=$3

refuse() {
    echo >&2
    echo "error: the base image $BASE_IMAGE cannot be used: $1" >&2
    echo "help: $2" >&2
    echo >&2
    exit 1
}

command -v apt-get >/dev/null ||
    refuse "it has no apt" "choose a Debian or Ubuntu based image for BASE_IMAGE in compose-base.yaml"

found=$(dpkg --print-architecture)
[ "$found" = "$architecture" ] ||
    refuse "it is for $found and this installation is for $architecture" \
        "choose an image for linux/$architecture for BASE_IMAGE in compose-base.yaml"

if [ -n "${BASE_ENTRYPOINT:-}" ]; then
    command -v "${BASE_ENTRYPOINT%% *}" >/dev/null ||
        refuse "it has no executable ${BASE_ENTRYPOINT%% *}" \
            "correct or empty BASE_ENTRYPOINT in compose-base.yaml"
fi

python=/opt/conda/bin/python
if [ "$needs" = python ]; then
    # An environment that the base activates comes before whatever is first on PATH.
    for candidate in "${VIRTUAL_ENV:-/none}/bin/python" "${CONDA_PREFIX:-/none}/bin/python" python3 python; do
        if python=$(command -v "$candidate"); then break; fi
    done
    [ -n "$python" ] || refuse "it has no Python" \
        "choose an image that has one, or a from-scratch installation, which brings its own"
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') ||
        refuse "its $python does not run" "choose another image"
    case $version in
        2.* | 3.[0-8]) refuse "its Python is $version" "choose an image with Python 3.9 or newer" ;;
    esac
    echo "packages go into Python $version at $python, in $("$python" -c \
        'import sysconfig; print(sysconfig.get_path("purelib"))')"
fi
if [ "$needs" = distribution ]; then
    python=/usr/bin/python3
    other=$(command -v python3 || echo $python)
    [ "$other" = $python ] || refuse "its python3 is $other, and the distribution's would stand behind it" \
        "choose a plain Debian or Ubuntu for BASE_IMAGE in compose-base.yaml"
fi

mkdir -p /opt/envtpl
{
    echo "PYTHON='$python'"
    echo "BASE_ENTRYPOINT='${BASE_ENTRYPOINT:-}'"
    echo "BASE_ENTRYPOINT_EXECS='${BASE_ENTRYPOINT_EXECS:-}'"
} >/opt/envtpl/image.conf
sh "$snapshot" >/opt/envtpl/base.json
