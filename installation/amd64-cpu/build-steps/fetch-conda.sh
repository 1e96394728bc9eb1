#!/bin/sh
# Fetches the program that installs conda packages, checks it, and makes it /conda/bin/conda-tool.
#   fetch-conda.sh FILES      with CONDA_URL and CONDA_SHA256 in the environment
set -eu
umask 022

files=$1
here=$(dirname "$0")
# shellcheck source=network.sh
. "$here/network.sh"

fail() {
    echo >&2
    echo "error: $1" >&2
    echo "help: $2" >&2
    exit 1
}
[ -n "$CONDA_URL" ] || fail "CONDA_URL is empty" "name conda's installer in compose-base.yaml"

name=${CONDA_URL##*/}
file=/tmp/$name

# apt's own downloader: every base has it, and it knows the certificates and the proxy.
download() {
    settings=$(mktemp -d)
    if [ ! -e /etc/ssl/certs/ca-certificates.crt ] && [ -z "${SSL_CERT_FILE:-}" ]; then
        sh "$here/apt.sh" install ca-certificates
    fi
    sh "$here/apt-settings.sh" "$settings" "${SSL_CERT_FILE:-}" ""
    if [ -n "${NETRC:-}" ]; then echo "Dir::Etc::netrc \"$NETRC\";" >>"$settings/apt.conf"; fi
    echo 'APT::Sandbox::User "root";' >>"$settings/apt.conf"
    APT_CONFIG=$settings/apt.conf /usr/lib/apt/apt-helper download-file "$CONDA_URL" "$file" ||
        fail "could not fetch $CONDA_URL" "behind a company proxy, set CA_BUNDLE and HTTPS_PROXY in .env"
}
case $CONDA_URL in
    file:*)
        name=${CONDA_URL#file:}
        file=/tmp/${name##*/}
        cp "$files/$name" "$file" ||
            fail "dependencies/conda/$name, which CONDA_URL names, is not there" "put it there or correct CONDA_URL"
        ;;
    *) if offline; then cp "$sources/tools/$name" "$file"; else download; fi ;;
esac

found=$(sha256sum "$file" | cut -d ' ' -f 1)
if [ -z "$CONDA_SHA256" ]; then
    echo "**********************************************************************************" >&2
    echo "warning: CONDA_SHA256 is empty, so nothing says that this is the right program" >&2
    echo "help: if you trust it, put this into compose-base.yaml: CONDA_SHA256: \"$found\"" >&2
    echo "**********************************************************************************" >&2
elif [ "$found" != "$CONDA_SHA256" ]; then
    fail "the sha256 of $CONDA_URL is $found and not CONDA_SHA256" \
        "the file was changed on its way, or CONDA_URL was changed without CONDA_SHA256"
fi

mkdir -p /conda/bin
case $name in
    *.sh)
        sh "$file" -b -p /conda/installed
        for tool in micromamba mamba conda; do
            if [ -x "/conda/installed/bin/$tool" ]; then ln -s "../installed/bin/$tool" /conda/bin/conda-tool && break; fi
        done
        ;;
    *.tar.bz2)
        # tar needs bzip2 for this, and not every base has it.
        command -v bzip2 >/dev/null || sh "$here/apt.sh" install bzip2
        tar -xjf "$file" -C /conda bin/micromamba && mv /conda/bin/micromamba /conda/bin/conda-tool
        ;;
    *)
        cp "$file" /conda/bin/conda-tool
        chmod 755 /conda/bin/conda-tool
        ;;
esac
[ -x /conda/bin/conda-tool ] || fail "$CONDA_URL brought no conda, mamba or micromamba" "correct CONDA_URL"
