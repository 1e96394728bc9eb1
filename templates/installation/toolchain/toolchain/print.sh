#!/bin/sh
# What the image does when it is given no command: it prints a script that runs commands in it, with
# docker or podman alone.
#   docker run --rm IMAGE >toolchain && chmod +x toolchain && ./toolchain make
# An image is not told by which name it was fetched. The script has the one that it was built under,
# or ENVTPL_IMAGE: docker run --rm -e ENVTPL_IMAGE=NAME:TAG IMAGE
case ${ENVTPL_IMAGE:-} in
    '' | *[!A-Za-z0-9._:/@-]*)
        echo "error: ENVTPL_IMAGE='${ENVTPL_IMAGE:-}' is not the name of an image" >&2
        exit 2
        ;;
esac
exec sed "s|^envtpl_image=.*|envtpl_image='$ENVTPL_IMAGE'|" /opt/envtpl/toolchain/wrap.sh
