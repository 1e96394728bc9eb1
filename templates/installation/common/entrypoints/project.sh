#!/bin/sh
# Installs the project once, editable, into a directory of the project that git ignores.
#   project.sh DIRECTORY DIGESTS
# Every start compares; only a changed pyproject.toml or setup file brings a start here. It needs
# no network: the build backend is one of the environment's packages. Containers that start at the
# same moment wait for the first, and what they see is always one whole install: `current` is a
# link that is moved in one step.
umask 022

directory=$1
digests=$2
# shellcheck source=/dev/null
. /opt/envtpl/image.conf

warn() {
    echo "warning: $1, so the project may not be importable" >&2
    exit 0
}

lock=$directory/lock
staging=$directory/new.$$.$(uname -n)
mkdir -p "$directory" 2>/dev/null && [ -w "$directory" ] ||
    warn "$directory cannot be written"

up_to_date() {
    [ "$(cat "$directory/current/stamp" 2>/dev/null)" = "$PROJECT_ROOT_AT
$PYTHON
$digests" ]
}

# A lock that nobody gives back in a minute was left by a container that died.
waited=0
until mkdir "$lock" 2>/dev/null; do
    if up_to_date; then exit 0; fi
    waited=$((waited + 1))
    if [ $waited -gt 600 ]; then break; fi
    sleep 0.1
done
trap 'rm -rf "$staging" "$lock"' EXIT
trap 'exit 1' HUP INT TERM
if up_to_date; then exit 0; fi

log=$(cd "$PROJECT_ROOT_AT" && "$PYTHON" -m pip --disable-pip-version-check --no-cache-dir install \
    --quiet --no-index --no-deps --no-build-isolation --no-warn-script-location --break-system-packages \
    --ignore-installed --prefix "$staging/prefix" --editable . 2>&1) || {
    echo "$log" | tail -n 15 >&2
    warn "installing it failed (its build backend must be among the environment's packages)"
}

# Where pip put the packages below the prefix differs between Pythons.
metadata=$(find "$staging/prefix" -name '*.dist-info' -type d | head -n 1)
[ -n "$metadata" ] || warn "installing it left no metadata"
install=$staging/install
mkdir -p "$install/bin"
mv "$(dirname "$metadata")" "$install/site"
scripts=$(find "$staging/prefix" -name bin -type d | head -n 1)
if [ -n "$scripts" ]; then rmdir "$install/bin" && mv "$scripts" "$install/bin"; fi
printf '%s\n%s\n%s\n' "$PROJECT_ROOT_AT" "$PYTHON" "$digests" >"$install/stamp"

# Git sees none of this, whatever the project's own .gitignore says.
[ -e "$PROJECT_ROOT_AT/.envtpl/.gitignore" ] || echo '*' >"$PROJECT_ROOT_AT/.envtpl/.gitignore"

name=install.$(date +%s).$$
mv "$install" "$directory/$name" &&
    ln -s "$name" "$staging/current" &&
    mv -T "$staging/current" "$directory/current" ||
    warn "$directory cannot be written"
for old in "$directory"/install.*; do
    case $old in
        "$directory/$name") ;;
        *) rm -rf "$old" ;;
    esac
done
