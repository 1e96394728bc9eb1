#!/bin/sh
# run TRIAL [--then SCRIPT] COMMAND…: runs the command, writes all that it prints into a file, keeps
# its exit status, runs the script, and succeeds. The trial's number only makes this run another one
# than those before it.
shift
envtpl_then=
if [ "$1" = --then ]; then
    envtpl_then=$2
    shift 2
fi
envtpl_out=/.envtpl-debug/out
: >"$envtpl_out/log.txt"
rm -rf "$envtpl_out/files" 2>/dev/null
pwd >"$envtpl_out/directory"
envtpl_shown=
if command -v tail >/dev/null 2>&1; then
    tail -n +1 -f "$envtpl_out/log.txt" &
    envtpl_shown=$!
fi
"$@" >>"$envtpl_out/log.txt" 2>&1
echo "$?" >"$envtpl_out/status"
(eval "$envtpl_then") </dev/null >/dev/null 2>&1
if [ -n "$envtpl_shown" ]; then
    { kill "$envtpl_shown"; wait "$envtpl_shown"; } >/dev/null 2>&1
fi
exit 0
