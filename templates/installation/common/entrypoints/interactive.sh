# shellcheck shell=bash disable=SC2034
# What bash and zsh begin with in the dev image when a person types into them: which installation
# it is, and what was typed in earlier containers. Both read it before the person's own ~/.bashrc or
# ~/.zshrc, which therefore count; those of the image read it again, after Debian's own prompt.

# Editors, `docker exec` and other ways in go past the entrypoint; what it sets is here all the same.
if [ -z "${ENVTPL_ENTERED:-}" ]; then
    eval "$(ENVTPL_EXEC=1 /opt/envtpl/entrypoints/entrypoint.sh sh -c 'unset ENVTPL_EXEC PWD OLDPWD SHLVL _; export -p')"
fi

while IFS='=' read -r envtpl_name envtpl_value; do
    if [ "$envtpl_name" = INSTALLATION ]; then break; fi
done </opt/envtpl/image.conf
envtpl_value=${envtpl_value#?}
envtpl_value=${envtpl_value%?}

# compose.yaml mounts what outlives the container there. It is one person's, not root's as well.
envtpl_kept=/var/lib/envtpl/kept
if [ -n "${ZSH_VERSION:-}" ]; then
    PROMPT="$envtpl_value:%~%(!.#.$) "
    HISTSIZE=20000
    SAVEHIST=20000
    # Each line is there for the next shell at once, also when the container is killed.
    setopt inc_append_history hist_ignore_dups hist_ignore_space
    if [ -O "$envtpl_kept" ]; then HISTFILE=$envtpl_kept/zsh_history; fi
else
    PS1="$envtpl_value:\\w\\\$ "
    HISTSIZE=20000
    HISTFILESIZE=20000
    HISTCONTROL=ignoreboth
    shopt -s histappend checkwinsize
    if [ -O "$envtpl_kept" ]; then HISTFILE=$envtpl_kept/bash_history; fi
    case "${PROMPT_COMMAND:-}" in
        *'history -a'*) ;;
        *) PROMPT_COMMAND="history -a${PROMPT_COMMAND:+; $PROMPT_COMMAND}" ;;
    esac
fi
unset envtpl_name envtpl_value envtpl_kept
