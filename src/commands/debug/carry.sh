#!/bin/sh
# carry PLACE…: copies what is mounted there to where it stays; what is very large is left.
for place in "$@"; do
    size=$(du -sk "$place" 2>/dev/null | cut -f1)
    if [ "${size:-0}" -gt 2097152 ]; then
        echo "$place is not copied: $size kB" >&2
        continue
    fi
    to=/.envtpl-debug/mounts$place
    mkdir -p "${to%/*}" && cp -a "$place" "$to"
done
exit 0
