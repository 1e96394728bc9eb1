# shellcheck shell=bash
# What an interactive bash begins with.
[ ! -r /etc/bash.bashrc ] || . /etc/bash.bashrc
# shellcheck source=/dev/null
[ ! -r ~/.bashrc ] || . ~/.bashrc
PATH=$PATH:/.envtpl-debug
history -s "$(cat /.envtpl-debug/command)"
