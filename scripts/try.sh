#!/usr/bin/env bash
# envtpl from an empty directory to a frozen environment, for real: `make try`.
#
#   try.sh [DIRECTORY]     default: target/demo, or the next free name
#
# It says every command before it runs it, so that a person can type the same.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PYTHON_IMAGE=python:3.12-slim
OWN_BASE=envtpl-demo/base:bookworm
NAME=$(dpkg --print-architecture)-cpu
BEGUN=$SECONDS

# show COMMAND…: says it, then runs it.
show() {
    printf '\n$ %s\n' "$(printf '%q ' "$@" | sed 's/ $//')"
    "$@"
}

# The name of the demo's directory: what was asked for, else one that is free.
demo_directory() {
    local name=$ROOT/target/demo number=1
    if [ -n "${1:-}" ]; then
        name=$1
        [ ! -e "$name" ] || die "$name exists" "name a directory that does not exist yet"
    fi
    while [ -e "$name" ]; do
        number=$((number + 1))
        name=$ROOT/target/demo-$number
    done
    printf '%s\n' "$name"
}

# Whether the image is here, or a registry offers it within a few seconds.
image_to_be_had() {
    docker image inspect "$1" >/dev/null 2>&1 ||
        timeout 8 docker buildx imagetools inspect "$1" >/dev/null 2>&1
}

# commit MESSAGE: also on a machine whose git does not know who is sitting there.
commit() {
    show git -c user.name="envtpl demo" -c user.email=demo@localhost -c commit.gpgsign=false \
        commit --quiet --message "$1"
}

have cargo || die "there is no cargo" "install Rust: https://rustup.rs, or your distribution's packages"
DEMO=$(demo_directory "${1:-}")
say "This builds envtpl, makes a small project in $DEMO, and two Docker images"
say "of about 600 MB; it trains a classifier in them. It takes some minutes."
confirm "Go on?" || die "nothing was done"

have git || apt_install git
(cd "$ROOT" && show cargo build)
PATH=$ROOT/target/debug:$PATH

base=()
if image_to_be_had "$PYTHON_IMAGE"; then
    base=(--base-image "$PYTHON_IMAGE")
    say "The base image is $PYTHON_IMAGE."
else
    say "No registry offers $PYTHON_IMAGE here: making a base from Debian's packages."
    base=(--base-image "$OWN_BASE")
    if ! docker image inspect "$OWN_BASE" >/dev/null 2>&1; then
        apt_install mmdebstrap debian-archive-keyring ca-certificates
        show envtpl bootstrap-base bookworm --tag "$OWN_BASE"
    fi
fi

mkdir -p "$DEMO"
cd "$DEMO"
printf '\n$ cd %q\n' "$DEMO"
show git init --quiet
show envtpl init --yes --installation "$NAME" --project-name digits "${base[@]}"
show envtpl env
dotenv=installation/$NAME/.env
# So that `make clean` finds the demo's images.
show sed -i "s|^IMAGE_NAME=.*|IMAGE_NAME=envtpl-demo/digits|" "$dotenv"
# A host with certificates of its own needs them in builds and containers too.
if ca=$(host_ca_bundle) && ! grep -qE '^CA_BUNDLE=.+' "$dotenv"; then
    say "This machine trusts certificates of its own: CA_BUNDLE=$ca goes into $dotenv."
    sed -i '/^CA_BUNDLE=/d' "$dotenv"
    printf "CA_BUNDLE='%s'\n" "$ca" >>"$dotenv"
fi
show git add --all
commit "A new project"

built=$SECONDS
show envtpl build
built=$((SECONDS - built))
show envtpl run -- python3 -m digits.digits
show envtpl freeze
show git add --all
commit "Freeze"
# From now on the images are those of the lock; verify builds them once more, from the lock alone.
show envtpl build
show envtpl ls
show envtpl verify

figure=$DEMO/outputs/digits.png
[ -s "$figure" ] || die "no figure at $figure"
cat <<SUMMARY

Done in $((SECONDS - BEGUN)) s, of which building the images took $built s.
  the project      $DEMO
  its environment  $DEMO/installation/$NAME
  the figure       $figure
  the lock         $DEMO/installation/$NAME/envtpl.lock: built again from it, everything came out the same

Next: cd $DEMO
  envtpl dev                     a shell with development tools, your files mounted
  envtpl run -- python3 -c '…'   your code in the run image
(envtpl is $ROOT/target/debug/envtpl; put it on your PATH, or: cargo install --path $ROOT)
SUMMARY
