# shellcheck shell=sh
# Says for each line `NUMBER COMMIT ADDRESS` whether a build finds the commit in the repository:
# `NUMBER there`, `missing`, `silent` when nothing answers, or `no-git`.
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh} -o BatchMode=yes -o ConnectTimeout=5"

find_commit() {
    refs=$(timeout 10 git ls-remote -- "$2" 2>/dev/null) || return 2
    case $refs in
        *"$1"*) return 0 ;;
    esac
    # It may be in the middle of a branch. Servers that do not give a commit by its name are old
    # or serve files alone; these are asked for all history.
    timeout 20 git -C "$copy" fetch --quiet --depth=1 -- "$2" "$1" 2>/dev/null && return 0
    timeout 60 git -C "$copy" fetch --quiet -- "$2" '+refs/*:refs/all/*' 2>/dev/null || return 2
    git -C "$copy" rev-list --all 2>/dev/null | grep -q "^$1"
}

ask_remotes() {
    printf '\036remotes\n'
    while read -r number commit address; do
        if ! command -v git >/dev/null; then
            echo "$number no-git"
            continue
        fi
        copy=$(mktemp -d) && git init --quiet --bare "$copy" >/dev/null 2>&1
        found=0
        find_commit "$commit" "$address" </dev/null || found=$?
        case $found in
            0) echo "$number there" ;;
            2) echo "$number silent" ;;
            *) echo "$number missing" ;;
        esac
        rm -rf "$copy"
    done
}
