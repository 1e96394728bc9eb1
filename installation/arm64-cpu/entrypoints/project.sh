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

mkdir -p "$directory" 2>/dev/null
[ -w "$directory" ] || warn "$directory cannot be written"

up_to_date() {
    [ "$(cat "$directory/current/stamp" 2>/dev/null)" = "$PYTHON
$digests" ]
}

# The system lets go of this lock however its holder ends. Where the file system has no locks, the
# worst is that two containers do the same work: what counts is moved into place in one step.
exec 8>"$directory/lock" || warn "$directory cannot be written"
flock 8 || true
if up_to_date; then exit 0; fi
staging=$(mktemp -d "$directory/new.XXXXXX") || warn "$directory cannot be written"
trap 'rm -rf "$staging"' EXIT
trap 'exit 1' HUP INT TERM

log=$(cd "$PROJECT_ROOT_AT" && "$PYTHON" -m pip --disable-pip-version-check --no-cache-dir install \
    --quiet --no-index --no-deps --no-build-isolation --no-warn-script-location --break-system-packages \
    --ignore-installed --prefix "$staging/prefix" --editable . 2>&1) || {
    { echo "$log" >"$directory/failed.log"; } 2>/dev/null
    warn "installing it failed: $(echo "$log" | sed '/^$/d' | tail -n 1) (all of it: $directory/failed.log)"
}

# Where pip put the packages below the prefix differs between Pythons.
metadata=$(find "$staging/prefix" -name '*.dist-info' -type d | head -n 1)
[ -n "$metadata" ] || warn "installing it left no metadata"
install=$staging/install
mkdir -p "$install/bin"
mv "$(dirname "$metadata")" "$install/site"
scripts=$(find "$staging/prefix" -name bin -type d | head -n 1)
if [ -n "$scripts" ]; then rmdir "$install/bin" && mv "$scripts" "$install/bin"; fi
printf '%s\n%s\n' "$PYTHON" "$digests" >"$install/stamp"

# Git sees none of this, whatever the project's own .gitignore says.
[ -e "$PROJECT_ROOT_AT/.envtpl/.gitignore" ] || echo '*' >"$PROJECT_ROOT_AT/.envtpl/.gitignore"

name=install.${staging##*.}
if ! mv "$install" "$directory/$name" || ! ln -s "$name" "$staging/current" ||
    ! mv -T "$staging/current" "$directory/current"; then
    warn "$directory cannot be written"
fi
for old in "$directory"/install.*; do
    case $old in
        "$directory/$name") ;;
        *) rm -rf "$old" 2>/dev/null ;;
    esac
done
rm -f "$directory/failed.log"
# What root makes in a person's project is the person's.
if [ "$(id -u)" = 0 ]; then chown -R --reference="$PROJECT_ROOT_AT" "$PROJECT_ROOT_AT/.envtpl/project"; fi
