#!/usr/bin/env bash
# Removes what these scripts made: the images of the tests, the demo and the
# benchmarks, and the cache directory. Nobody else's images are touched, and
# packages of the distribution stay.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if docker info >/dev/null 2>&1; then
    for prefix in envtpl-test envtpl-bench envtpl-demo; do
        docker image ls --format '{{.Repository}}:{{.Tag}}' --filter "reference=$prefix/*" --filter "reference=$prefix/*/*" |
            grep -v ':<none>$' | xargs --no-run-if-empty docker image rm >/dev/null
    done
    say "removed the images envtpl-test/…, envtpl-bench/…, envtpl-demo/…"
else
    say "no engine answers: no image removed"
fi
if confirm "Remove $CACHE too?"; then rm -rf "$CACHE"; fi
