#!/usr/bin/env bash
# The newest Compose and buildx that the distribution's archive has, beside those that are
# installed: for tests that have to pass with both.
#
#   newest-compose.sh      prints a directory for DOCKER_CONFIG, in which docker finds them
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# The suite that comes after the newest release.
SUITE=forky

config=$CACHE/newest-compose/config
one_at_a_time newest-compose
if [ ! -x "$config/cli-plugins/docker-buildx" ]; then
    work=$CACHE/newest-compose/work
    rm -rf "$work"
    mkdir -p "$work/lists/partial" "$work/archives/partial" "$config/cli-plugins"
    # $(…) is apt-get's own notation.
    # shellcheck disable=SC2016
    archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | awk '/\/debian\/?$/ { print; exit }')
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${archive:-http://deb.debian.org/debian} $SUITE main" \
        >"$work/sources.list"
    apt=(apt-get --quiet=2 -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o Dir::Etc::PreferencesParts=/dev/null -o "Dir::State::Lists=$work/lists"
        -o "Dir::Cache::Archives=$work/archives" -o Acquire::Retries=3 -o APT::Sandbox::User=root
        # A mirror may be behind; what it has is signed all the same.
        -o Acquire::Check-Valid-Until=false)
    "${apt[@]}" update >&2
    (cd "$work" && "${apt[@]}" download docker-compose docker-buildx >&2)
    for package in "$work"/*.deb; do dpkg-deb --extract "$package" "$work/unpacked"; done
    for plugin in docker-compose docker-buildx; do
        install -m 755 "$work/unpacked/usr/libexec/docker/cli-plugins/$plugin" "$config/cli-plugins/"
    done
    rm -rf "$work"
fi
echo "$config"
