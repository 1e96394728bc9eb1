#!/bin/sh
# run TRIAL COMMAND…: runs the command, writes all that it prints into a file, keeps its exit
# status and succeeds. The trial's number only makes this run another one than those before it.
shift
envtpl_out=/.envtpl-debug/out
: >"$envtpl_out/log.txt"
pwd >"$envtpl_out/directory"
envtpl_shown=
if command -v tail >/dev/null 2>&1; then
    tail -n +1 -f "$envtpl_out/log.txt" &
    envtpl_shown=$!
fi
"$@" >>"$envtpl_out/log.txt" 2>&1
echo "$?" >"$envtpl_out/status"
if [ -n "$envtpl_shown" ]; then
    { kill "$envtpl_shown"; wait "$envtpl_shown"; } >/dev/null 2>&1
fi
exit 0
