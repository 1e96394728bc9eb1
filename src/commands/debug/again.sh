#!/bin/sh
# again: runs the failed command.
eval "exec $ENVTPL_SHELL \"\$(cat /.envtpl-debug/command)\""
