#!/bin/sh
# enter SHELL…: a shell to work in; `again` runs the failed command with the step's own shell.
PATH=$PATH:/.envtpl-debug
ENVTPL_SHELL=
for word in "$@"; do
    # `again` reads it with eval.
    # shellcheck disable=SC2089
    ENVTPL_SHELL="$ENVTPL_SHELL'$(printf %s "$word" | sed "s/'/'\\\\''/g")' "
done
# shellcheck disable=SC2090
export PATH ENVTPL_SHELL
if command -v bash >/dev/null 2>&1; then
    if [ -t 0 ]; then
        exec bash --rcfile /.envtpl-debug/history -i
    fi
    exec bash
fi
exec sh
