#!/usr/bin/env bash
# The linters on what people read and run: the scripts of this repository, and
# the files that envtpl writes, rendered for every entry of the catalogue.
#
#   lint.sh            everything
#   lint.sh scripts    only the scripts and YAML files of this repository
# Functions are called by name, through check.
# shellcheck disable=SC2317,SC2329
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
BIN=$(venv linters)/bin
failed=0

# check WHAT COMMAND…: goes on after a failure, so that one run shows them all.
check() {
    local what=$1
    shift
    if "$@"; then
        say "ok: $what"
    else
        say "FAILED: $what"
        failed=1
    fi
}

# Shell scripts below "$1", by name or by first line.
shell_scripts() {
    find "$1" \( -name target -o -name .git \) -prune -o -type f -print |
        while IFS= read -r file; do
            case $file in
            *.sh) printf '%s\n' "$file" ;;
            *) if head -c 64 "$file" | head -n 1 | tr -d '\0' | grep -qE '^#!.*\b(sh|bash|dash)$'; then printf '%s\n' "$file"; fi ;;
            esac
        done
}

lint_shell() {
    local files
    mapfile -t files < <(shell_scripts "$1")
    [ "${#files[@]}" -gt 0 ] || die "no shell script below $1"
    "$BIN/shellcheck" --external-sources --source-path=SCRIPTDIR "${files[@]}"
}

lint_scripts() {
    local directory
    for directory in scripts benches .ci src templates/wrap; do
        if [ -d "$directory" ]; then check "shellcheck: $directory" lint_shell "$directory"; fi
    done
}

# Names of the installations that the catalogue offers, with each base:
# what `envtpl init` accepts, which is the same as what people can ask for.
# A toolchain has a base of its own.
combinations() {
    local base
    echo toolchain amd64-cpu-aarch64
    for base in from-python from-scratch; do
        printf '%s %s\n' "$base" amd64-cpu "$base" amd64-cuda "$base" amd64-rocm "$base" arm64-cpu "$base" arm64-cuda
    done
}

lint_rendered() {
    local project=$1 name=$2 installation=$1/installation/$2 file
    # The directives a person would write: as in the repository's own files.
    for file in "$installation"/Dockerfile*; do
        check "hadolint: $(basename "$project") $name $(basename "$file")" \
            "$BIN/hadolint" --config "$ROOT/.hadolint.yaml" "$file"
    done
    check "yamllint: $(basename "$project") $name" "$BIN/yamllint" --strict --config-file "$ROOT/.yamllint.yaml" "$installation"
    check "shellcheck: $(basename "$project") $name" lint_shell "$installation"
}

lint_templates() {
    local base name project kind count=0
    cargo build --quiet
    # Not local: the trap runs when this function is over.
    rooms=$(mktemp -d)
    trap 'rm -rf "$rooms"' EXIT
    while read -r base name; do
        project=$rooms/$base-$name
        mkdir -p "$project"
        kind=(--from-base "$base")
        if [ "$base" = toolchain ]; then kind=(--kind toolchain --triple aarch64-linux-gnu); fi
        if ! "$ROOT/target/debug/envtpl" init "$project" --yes --quiet --installation "$name" "${kind[@]}" \
            --project-name lint-me; then
            check "render: $base $name" false
            continue
        fi
        lint_rendered "$project" "$name"
        count=$((count + 1))
    done < <(combinations)
    check "yamllint: the project's own files" "$BIN/yamllint" --strict --config-file "$ROOT/.yamllint.yaml" "$rooms/from-python-amd64-cpu"
    say "$count rendered installations were looked at"
    if [ -d installation ]; then
        check "yamllint: installation/" "$BIN/yamllint" --strict --config-file "$ROOT/.yamllint.yaml" installation
    fi
}

lint_scripts
if [ "${1:-}" != scripts ]; then lint_templates; fi
exit "$failed"
