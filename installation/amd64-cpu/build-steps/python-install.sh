#!/bin/sh
# Installs one part of the plan, and leaves the files that this added in /tree.
#   python-install.sh PART wheels|built       PART is a directory that python-plan.py wrote
#   python-install.sh PART trial WHEN OUT     settles what WHEN, the plan's apt-build, leaves open: whether
#                                             the source packages that were built to Python alone are
#                                             so again without compilers; OUT gets the answer
set -eu
umask 022

part=$1
kind=$2
here=$(dirname "$0")
mkdir -p /tree
if [ "$kind" = trial ]; then cp "$3" "$4"; fi

# shellcheck source=/dev/null
. /opt/envtpl/image.conf
# shellcheck source=network.sh
. "$here/network.sh"
uv=/tmp/envtpl/uv/uv
cache=$($uv cache dir)
if [ -z "$(find "$part" -name '*.txt' -size +0)" ]; then exit 0; fi

# install OPTION...: what the options name.
install() {
    if offline; then set -- --offline --no-index --find-links "$sources/python" "$@"; fi
    if $uv pip install --break-system-packages --link-mode copy --no-progress "$@" --python "$PYTHON"; then
        return
    fi
    if grep -qrs 'git+' "$part" && ! command -v git >/dev/null; then
        echo "error: a requirement comes from a git repository and the build has no git" >&2
        echo "help: add git to dependencies/apt-build.txt" >&2
    fi
    exit 1
}

# pins DIRECTORY: the path of its list; without a network, of one with files in the place of addresses.
pins() {
    if offline; then
        "$PYTHON" "$here/offline.py" files "$1/pins.txt" "/tmp/pins-${1##*/}.txt"
        echo "/tmp/pins-${1##*/}.txt"
    else
        echo "$1/pins.txt"
    fi
}

# recorded DIRECTORY OPTION...: installs, and notes what the packages' own builds ask for: it is in
# no image, and belongs into the lock.
recorded() {
    export PYTHONPATH=/tmp/envtpl-record ENVTPL_BUILD_RECORD="$UV_CACHE_DIR/envtpl-builds.jsonl"
    mkdir -p "$UV_CACHE_DIR" $PYTHONPATH
    cp "$here/record-build.py" $PYTHONPATH/sitecustomize.py
    printf '%s\t%s\n' "$ENVTPL_BUILD_RECORD" "$1" >>/tmp/envtpl-records
    shift
    install "$@"
    unset PYTHONPATH
}

# What source packages are compiled against, beside what their own builds ask for.
around() {
    dpkg-query --show
    for record in /opt/conda/conda-meta/*.json; do echo "$record"; done
}

# built DIRECTORY: a group of source packages. uv keeps what it has built and does not ask with
# what, so each set of locked tools has a cache of its own.
built() {
    UV_CACHE_DIR=$cache
    if [ -s "$1/tools.txt" ]; then
        UV_CACHE_DIR=$cache/envtpl-built/${1##*/}-$(around | sha256sum | cut -c 1-16)
        echo "built with what the lock says: $(sed 's/ .*//' "$1/tools.txt" | tr '\n' ' ')"
        set -- "$1" --build-constraints "$1/tools.txt"
    fi
    export UV_CACHE_DIR
    recorded "$@" --no-deps --requirement "$(pins "$1")"
}

if [ "$kind" = trial ]; then
    answer=$4
    if ! grep -q ^perhaps "$answer"; then exit 0; fi
    if sh "$0" "$part" tried && "$PYTHON" "$here/record-build.py" same "$part"; then
        echo "not needed" >"$answer"
    else
        echo "needed" >"$answer"
    fi
    echo "the packages of apt-build.txt are $(cat "$answer") for what is built from source"
    exit 0
elif [ "$kind" = tried ]; then
    for group in "$part"/*; do built "$group"; done
    exit 0
fi

before=$(mktemp)
sleep 0.02
if [ -d "$part/declared" ]; then
    # What could not be planned: everything at once, with what apt-build.txt brought.
    set -- "" --constraint "$part/constraints.txt" --constraint "$part/declared/bounds.txt" \
        --requirement "$part/declared/requirements.txt"
    for locked in "$part"/locked/requirements*.txt; do
        case $locked in
            */requirements-build.txt | */requirements\*.txt) ;;
            *) set -- "$@" --requirement "$locked" ;;
        esac
    done
    export UV_CACHE_DIR="$cache"
    recorded "$@"
elif [ "$kind" = built ]; then
    for group in "$part"/*; do built "$group"; done
else
    # What comes from a lock has a hash on every line.
    hashes=
    if grep -q -e '--hash=' "$part/pins.txt"; then hashes=--require-hashes; fi
    install --no-deps --no-build $hashes --requirement "$(pins "$part")"
fi
if offline; then "$PYTHON" "$here/offline.py" addresses; fi
"$PYTHON" "$here/python-collect.py" "$before" /tree
if [ -f /tmp/envtpl-records ]; then
    "$PYTHON" "$here/record-build.py" /tmp/envtpl-records /tree /tree/opt/envtpl
fi
