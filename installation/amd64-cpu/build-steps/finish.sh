#!/bin/sh
# The last step of both images: entrypoints, records and the door for the project.
#   finish.sh run|dev DIRECTORY
# DIRECTORY holds inputs/, plan/, records/ and entrypoints/, and conda/ for a dev image with conda.
set -eu
umask 022

flavour=$1
from=$2
here=$(dirname "$0")
# shellcheck source=/dev/null
. /opt/envtpl/image.conf

mkdir -p /opt/envtpl/entrypoints /opt/envtpl/dependencies/locked
cp "$from"/entrypoints/* "$here/apt-settings.sh" "$here/apt-facts.sh" /opt/envtpl/entrypoints/
chmod 755 /opt/envtpl/entrypoints/*.sh
for input in "$from"/inputs/*; do
    if [ -d "$input/declared" ]; then cp -R "$input/declared/." /opt/envtpl/dependencies/; fi
    if [ -d "$input/locked" ]; then cp -R "$input/locked/." /opt/envtpl/dependencies/locked/; fi
done
cp -R "$from/records/." /opt/envtpl/
cp "$from/plan/uv.json" /opt/envtpl/tools-uv.json
if [ -f "$from/plan/resolved.toml" ]; then cp "$from/plan/resolved.toml" /opt/envtpl/dependencies/; fi

# Debian's Python is called python3 alone, and everybody's scripts and habits say python.
if ! command -v python >/dev/null; then ln -s "$PYTHON" /usr/local/bin/python; fi

# So that `mamba install` works as typed. A link leads into a whole installation of conda, which is
# not copied: list mamba in environment.yml to have it then.
tool=$from/conda/conda-tool
if [ -f "$tool" ] && [ ! -L "$tool" ] && [ ! -e /opt/conda/bin/mamba ]; then
    cp "$tool" /usr/local/bin/mamba
    ln -s mamba /usr/local/bin/micromamba
fi

# For who works in a container that envtpl does not reach.
ln -sf /opt/envtpl/entrypoints/update-env-file.sh /usr/local/bin/update-env-file

# Whoever types into the dev image sees where, and finds what was typed before.
if [ "$flavour" = dev ]; then
    for file in /etc/bash.bashrc /etc/zsh/zshrc; do
        if [ -f "$file" ]; then printf '\n. /opt/envtpl/entrypoints/interactive.sh\n' >>"$file"; fi
    done
fi

{
    echo "INSTALLATION='$IMAGE_PLATFORM'"
    echo "PROJECT='${PROJECT_NAME:-}'"
} >>/opt/envtpl/image.conf
"$PYTHON" "$here/finish.py" "$from/plan"
sh "$from/entrypoints/snapshot.sh" >"/opt/envtpl/$flavour.json"
