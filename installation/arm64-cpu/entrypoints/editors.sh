# shellcheck shell=sh
# What an editor's server installs and remembers is kept outside of the container: for each
# project in DIRECTORY/projects/, where DIRECTORY is VSCODE_SERVER_AT and so on.
# To be read by services.sh.

# The project's path in one word.
envtpl_name=$(printf '%s' "${PROJECT_ROOT_AT#/}" | tr / -)
envtpl_name=projects/${envtpl_name:-none}

# keep VARIABLE DIRECTORY STORE PATH: what is written to PATH of the home goes to STORE below
# DIRECTORY. Fails when it does not.
keep() {
    if ! mkdir -p "$2/$3" 2>/dev/null || [ ! -w "$2/$3" ]; then
        warn "$1=$2 cannot be written by user $(id -u), so what is in $HOME/$4 goes with the container: mount a directory that this user owns"
        return 1
    fi
    # shellcheck disable=SC3013 # dash and busybox have it
    if [ "$HOME/$4" -ef "$2/$3" ]; then return; fi
    mkdir -p "$(dirname "$HOME/$4")" 2>/dev/null
    # An empty one in the image is nobody's.
    if [ ! -L "$HOME/$4" ] && [ -d "$HOME/$4" ]; then rmdir "$HOME/$4" 2>/dev/null; fi
    if { [ -e "$HOME/$4" ] && [ ! -L "$HOME/$4" ]; } || ! ln -sfn "$2/$3" "$HOME/$4" 2>/dev/null; then
        warn "$HOME/$4 is there already, so $1=$2 is not used for it: take one of the two away"
        return 1
    fi
    note "$HOME/$4 is kept in $2/$3"
}

if [ -n "${VSCODE_SERVER_AT:-}" ]; then
    keep VSCODE_SERVER_AT "$VSCODE_SERVER_AT" "$envtpl_name" .vscode-server
fi
if [ -n "${CURSOR_SERVER_AT:-}" ]; then
    keep CURSOR_SERVER_AT "$CURSOR_SERVER_AT" "$envtpl_name" .cursor-server
fi
if [ -n "${JETBRAINS_SERVER_AT:-}" ]; then
    # Settings, plugins and indices are a project's; the program itself is too large to have twice.
    keep JETBRAINS_SERVER_AT "$JETBRAINS_SERVER_AT" "$envtpl_name/cache" .cache/JetBrains &&
        keep JETBRAINS_SERVER_AT "$JETBRAINS_SERVER_AT" "$envtpl_name/config" .config/JetBrains &&
        keep JETBRAINS_SERVER_AT "$JETBRAINS_SERVER_AT" "$envtpl_name/share" .local/share/JetBrains &&
        keep JETBRAINS_SERVER_AT "$JETBRAINS_SERVER_AT" "$envtpl_name/userPrefs" .java/.userPrefs &&
        keep JETBRAINS_SERVER_AT "$JETBRAINS_SERVER_AT" dist .cache/JetBrains/RemoteDev/dist
fi
