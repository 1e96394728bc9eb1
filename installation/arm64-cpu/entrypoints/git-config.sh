# shellcheck shell=sh
# Git's settings are kept in the file GIT_CONFIG_AT, which is made when it is not there.
# To be read by services.sh.

# shellcheck disable=SC3013 # dash and busybox have -ef
envtpl_same() { [ "$HOME/.gitconfig" -ef "$GIT_CONFIG_AT" ]; }
mkdir -p "$(dirname "$GIT_CONFIG_AT")" 2>/dev/null
if [ -d "$GIT_CONFIG_AT" ]; then
    # Engines make a directory where the file to mount is missing.
    warn "GIT_CONFIG_AT=$GIT_CONFIG_AT is a directory, so git does not use it: name the file that holds git's settings"
elif ! { [ -e "$GIT_CONFIG_AT" ] || true 2>/dev/null >>"$GIT_CONFIG_AT"; }; then
    warn "GIT_CONFIG_AT=$GIT_CONFIG_AT cannot be made by user $(id -u), so git does not use it: mount its directory for writing"
elif [ ! -r "$GIT_CONFIG_AT" ]; then
    warn "GIT_CONFIG_AT=$GIT_CONFIG_AT cannot be read by user $(id -u), so git does not use it: change its owner or its mode"
elif envtpl_same; then
    note "git's settings are those of $GIT_CONFIG_AT"
elif { [ ! -e "$HOME/.gitconfig" ] || [ -L "$HOME/.gitconfig" ]; } &&
    ln -sfn "$GIT_CONFIG_AT" "$HOME/.gitconfig" 2>/dev/null; then
    # A link is there for other processes of the container too.
    note "git's settings are those of $GIT_CONFIG_AT"
else
    # One that somebody mounted there stays as it is.
    export GIT_CONFIG_GLOBAL="$GIT_CONFIG_AT"
    note "git's settings are those of $GIT_CONFIG_AT, and not those of $HOME/.gitconfig"
fi
