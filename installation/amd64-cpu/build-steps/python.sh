#!/bin/sh
# Runs one of the Python steps with the network's settings.
#   python.sh STEP ARGUMENT...
set -eu
umask 022

here=$(dirname "$0")
step=$1
shift
# shellcheck source=/dev/null
. /opt/envtpl/image.conf
# shellcheck source=network.sh
. "$here/network.sh"
export PYTHON
exec "$PYTHON" "$here/$step" "$@"
