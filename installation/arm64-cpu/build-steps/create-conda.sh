#!/bin/sh
# Makes the conda environment /opt/conda from the conda part of environment.yml.
#   create-conda.sh CONDA-TOOL ENVIRONMENT-FILE SNAPSHOT-SCRIPT
set -eu
umask 022

tool=$1
environment=$2
snapshot=$3
here=$(dirname "$0")
# shellcheck source=network.sh
. "$here/network.sh"
alias=$(secret conda_channel_alias)
if [ -n "$alias" ]; then export CONDA_CHANNEL_ALIAS="$alias" MAMBA_CHANNEL_ALIAS="$alias"; fi
# Archives stay in the build's cache; the rest of what the tool keeps is thrown away.
export CONDA_PKGS_DIRS=/var/cache/conda MAMBA_ROOT_PREFIX=/tmp/conda-root

case $(readlink -f "$tool") in
    */conda) set -- env create ;;
    *) set -- create ;;
esac
"$tool" "$@" --yes --prefix /opt/conda --file "$environment"
rm -rf /tmp/conda-root
# Some tools keep their records of what is installed for root alone.
chmod -R a+rX /opt/conda

if [ ! -x /opt/conda/bin/python ]; then
    echo >&2
    echo "error: the conda environment has no Python" >&2
    echo "help: list python=3.12, for example, in dependencies/environment.yml" >&2
    exit 1
fi
# What the Python packages of `pip:` must leave alone.
PYTHON=/opt/conda/bin/python sh "$snapshot" >/opt/conda-snapshot.json
