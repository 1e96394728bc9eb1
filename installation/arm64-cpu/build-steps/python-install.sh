#!/bin/sh
# Installs one part of the plan, and leaves the files that this added in /tree.
#   python-install.sh PART wheels|built       PART is a directory that python-plan.py wrote
set -eu
umask 022

part=$1
kind=$2
here=$(dirname "$0")
mkdir -p /tree

# shellcheck source=/dev/null
. /opt/envtpl/image.conf
# shellcheck source=network.sh
. "$here/network.sh"
pins=$part/pins.txt
set -- pip install --break-system-packages --link-mode copy --no-progress
if offline && [ -s "$pins" ]; then
    set -- "$@" --offline --no-index --find-links "$sources/python"
    pins=$(mktemp)
    "$PYTHON" "$here/offline.py" files "$part/pins.txt" "$pins"
fi
if [ -d "$part/declared" ]; then
    # What could not be planned: everything at once, with what apt-build.txt brought.
    set -- "$@" --constraint "$part/constraints.txt" --constraint "$part/declared/bounds.txt" \
        --requirement "$part/declared/requirements.txt"
    for locked in "$part"/locked/requirements*.txt; do
        if [ -f "$locked" ]; then set -- "$@" --requirement "$locked"; fi
    done
elif [ -s "$part/pins.txt" ]; then
    set -- "$@" --no-deps --requirement "$pins"
    if [ "$kind" = wheels ]; then set -- "$@" --no-build; fi
    # What comes from a lock has a hash on every line.
    if [ "$kind" = wheels ] && grep -q -e '--hash=' "$part/pins.txt"; then set -- "$@" --require-hashes; fi
else
    exit 0
fi

record=
if [ "$kind" = built ]; then
    # What the packages' own builds ask for is in no image, and belongs into the lock.
    record=$(/tmp/envtpl/uv/uv cache dir)/envtpl-builds.jsonl
    mkdir -p "${record%/*}" /tmp/envtpl-record
    cp "$here/record-build.py" /tmp/envtpl-record/sitecustomize.py
    export PYTHONPATH=/tmp/envtpl-record ENVTPL_BUILD_RECORD="$record"
fi
before=$(mktemp)
sleep 0.02
status=0
/tmp/envtpl/uv/uv "$@" --python "$PYTHON" || status=$?
if [ $status != 0 ]; then
    if grep -qrs 'git+' "$part" && ! command -v git >/dev/null; then
        echo "error: a requirement comes from a git repository and the build has no git" >&2
        echo "help: add git to dependencies/apt-build.txt" >&2
    fi
    exit $status
fi
unset PYTHONPATH
if offline; then "$PYTHON" "$here/offline.py" addresses; fi
"$PYTHON" "$here/python-collect.py" "$before" /tree
if [ -n "$record" ]; then
    mkdir -p /tree/opt/envtpl
    "$PYTHON" "$here/record-build.py" "$record" /tree /tree/opt/envtpl/tools-built.json
fi
