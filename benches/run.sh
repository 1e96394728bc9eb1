#!/usr/bin/env bash
# The speed table of envtpl, as ratios: `make bench`. Nothing here fails for
# being slow; a row over its limit says OVER.
#
#   benches/run.sh [small|start|growth|size|cold|builds|freezing|locked|sources|logs]…    (default: all)
#
# ENVTPL names another binary than the release build, ROUNDS divides or
# multiplies the number of rounds (0.3 for a quick look).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

if [ -z "${ENVTPL:-}" ]; then
    (cd "$ROOT" && cargo build --quiet --release)
    ENVTPL=$ROOT/target/release/envtpl
fi
[ -x "$ENVTPL" ] || die "no program at $ENVTPL"
have git || apt_install git
have curl || apt_install curl
"$ROOT/scripts/engine.sh" ensure
"$ROOT/scripts/test-bases.sh" "python-$(dpkg --print-architecture)"
# Those that docker builds of this machine need, if it has its own.
if ca=$(host_ca_bundle); then export BENCH_CA_BUNDLE=$ca; fi

PYTHONDONTWRITEBYTECODE=1 ENVTPL=$ENVTPL BENCH_PLATFORM=$(dpkg --print-architecture) COOKIECUTTER=$(venv bench)/bin/cookiecutter \
    exec python3 "$ROOT/benches/rows.py" "$@"
