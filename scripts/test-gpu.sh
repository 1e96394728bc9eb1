#!/usr/bin/env bash
# The tests that need a GPU, on the GPUs of this machine. Where there is none,
# it says so, and that nothing was tested; with REQUIRE_GPU=1 that is a failure.
#
#   test-gpu.sh [ARGUMENTS OF THE TESTS…]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# What there is is looked up here by other means than envtpl's own.
vendors=()
if have nvidia-smi && nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then vendors+=(nvidia); fi
for node in /sys/class/kfd/kfd/topology/nodes/*/simd_count; do
    if [ -r "$node" ] && [ "$(cat "$node")" -gt 0 ]; then
        vendors+=(amd)
        break
    fi
done

if [ ${#vendors[@]} -eq 0 ]; then
    say "test-gpu: there is no GPU on this machine: NOTHING WAS TESTED on a device"
    if have nvidia-smi; then say "  nvidia-smi says: $(nvidia-smi -L 2>&1 | head -n 1)"; fi
    if [ -e /dev/nvidiactl ] || [ -e /dev/kfd ]; then
        say "  there is a driver, though: \`envtpl doctor\` says what keeps it from its device"
    fi
    say "  \`make test\` runs the same decisions on recorded answers of drivers"
    [ "${REQUIRE_GPU:-0}" != 1 ] || exit 1
    exit 0
fi

have cargo || die "there is no cargo" "install Rust: https://rustup.rs, or your distribution's packages"
with_engine() { "$ROOT/scripts/engine.sh" exec -- "$@"; }
with_engine "$ROOT/scripts/test-bases.sh" python-amd64
if ca=$(host_ca_bundle); then export ENVTPL_TEST_CA_BUNDLE=$ca; fi
say "test-gpu: ${vendors[*]}"
with_engine cargo test --features engine-tests,gpu-tests --test engine -- "${vendors[@]/#/gpu_device::}" "$@"
