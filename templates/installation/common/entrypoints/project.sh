#!/bin/sh
# Installs the project once, editable, into a directory of the project that git ignores.
#   project.sh DIRECTORY STAMP     STAMP: the Python, and the digests of the project's files
# Every start compares; only a changed pyproject.toml or setup file brings a start here. It needs
# no network: the build backend is one of the environment's packages. Containers that start at the
# same moment wait for the first, and what they see is always one whole install: `current` is a
# link that is moved in one step. What failed is not tried again with the same files: each start
# would wait for it.
umask 022

directory=$1
stamp=$2
python=${stamp%%
*}
# shellcheck source=say.sh
. /opt/envtpl/entrypoints/say.sh

# Says why, and ends; the command can start all the same.
give_up() {
    warn "$1"
    exit 0
}
failing() {
    give_up "$1, so the project may not be importable"
}

mkdir -p "$directory" 2>/dev/null
if [ ! -w "$directory" ]; then
    outcome="the project is not installed"
    if [ -e "$directory/current" ]; then outcome="the project is installed as it was before pyproject.toml changed"; fi
    give_up "PROJECT_ROOT_AT=$PROJECT_ROOT_AT is read-only for user $(id -u), so $outcome: start a container once as its owner and with the project mounted for writing, or set SKIP_INSTALL_PROJECT=1"
fi
# Git sees none of this, whatever the project's own .gitignore says.
[ -e "$PROJECT_ROOT_AT/.envtpl/.gitignore" ] || echo '*' 2>/dev/null >"$PROJECT_ROOT_AT/.envtpl/.gitignore"

# Paths are told as they are in the project, where a person finds them on either side.
shown=${directory#"$PROJECT_ROOT_AT/"}

is_of_these_files() {
    [ "$(cat "$1" 2>/dev/null)" = "$stamp" ]
}

tell_of_earlier_failure() {
    failing "installing it failed before (why: $shown/failed.log; to try again, change pyproject.toml or run: rm -r .envtpl/project)"
}

if is_of_these_files "$directory/failed"; then tell_of_earlier_failure; fi

# The system lets go of this lock however its holder ends. Where the file system has no locks, the
# worst is that two containers do the same work: what counts is moved into place in one step.
# (A lock of another user's cannot be written.)
if true 2>/dev/null >>"$directory/lock"; then
    exec 8>>"$directory/lock"
    flock 8 || true
fi
if is_of_these_files "$directory/current/stamp"; then exit 0; fi
if is_of_these_files "$directory/failed"; then tell_of_earlier_failure; fi
staging=$(mktemp -d "$directory/new.XXXXXX") || failing "$shown cannot be written"
# What root makes in a person's project is the person's.
leave() {
    rm -rf "$staging"
    if [ "$(id -u)" = 0 ]; then
        chown --reference="$PROJECT_ROOT_AT" "$PROJECT_ROOT_AT/.envtpl" "$PROJECT_ROOT_AT/.envtpl/.gitignore"
        chown -R --reference="$PROJECT_ROOT_AT" "$PROJECT_ROOT_AT/.envtpl/project"
    fi 2>/dev/null
}
trap leave EXIT
trap 'exit 1' HUP INT TERM

log=$(cd "$PROJECT_ROOT_AT" && "$python" -m pip --disable-pip-version-check --no-cache-dir install \
    --quiet --no-index --no-deps --no-build-isolation --no-warn-script-location --break-system-packages \
    --ignore-installed --prefix "$staging/prefix" --editable . 2>&1) || {
    status=$?
    { printf '%s\n' "$log" >"$directory/failed.log"; } 2>/dev/null
    # Whoever was killed may succeed the next time.
    if [ "$status" -lt 128 ]; then
        { printf '%s\n' "$stamp" >"$directory/failed"; } 2>/dev/null
    fi
    failing "installing it failed: $(printf '%s\n' "$log" | sed '/^$/d' | tail -n 1) (all of it: $shown/failed.log)"
}

# Where pip put the packages below the prefix differs between Pythons.
metadata=$(find "$staging/prefix" -name '*.dist-info' -type d | head -n 1)
[ -n "$metadata" ] || failing "installing it left no metadata"
install=$staging/install
mkdir -p "$install/bin"
mv "$(dirname "$metadata")" "$install/site"
scripts=$(find "$staging/prefix" -name bin -type d | head -n 1)
if [ -n "$scripts" ]; then rmdir "$install/bin" && mv "$scripts" "$install/bin"; fi
printf '%s\n' "$stamp" >"$install/stamp"

name=install.${staging##*.}
if ! mv "$install" "$directory/$name" || ! ln -s "$name" "$staging/current" ||
    ! mv -T "$staging/current" "$directory/current"; then
    failing "$shown cannot be written"
fi
for old in "$directory"/install.*; do
    case $old in
        "$directory/$name") ;;
        *) rm -rf "$old" 2>/dev/null ;;
    esac
done
rm -f "$directory/failed.log" "$directory/failed"
note "the project is installed in $shown"
