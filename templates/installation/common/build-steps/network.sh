# shellcheck shell=sh
# Sourced by the other steps: how a build reaches the network.
# The settings are those of .env; they arrive as build secrets and as Docker's predefined
# proxy arguments, so that no image keeps any of them. One that is not set is an empty file.

# What stands in for the network in `envtpl build --offline`; empty in every other build.
sources=/tmp/envtpl/sources
offline() {
    [ -e "$sources/offline" ]
}
if [ -e "$sources/git/config" ]; then export GIT_CONFIG_GLOBAL="$sources/git/config"; fi

secret() {
    if [ -s "/run/secrets/$1" ]; then cat "/run/secrets/$1"; fi
}

if [ -s /run/secrets/ca_bundle ]; then
    # One variable for each kind of program that brings its own certificates.
    SSL_CERT_FILE=/run/secrets/ca_bundle
    CURL_CA_BUNDLE=$SSL_CERT_FILE REQUESTS_CA_BUNDLE=$SSL_CERT_FILE PIP_CERT=$SSL_CERT_FILE
    GIT_SSL_CAINFO=$SSL_CERT_FILE CARGO_HTTP_CAINFO=$SSL_CERT_FILE
    CONDA_SSL_VERIFY=$SSL_CERT_FILE MAMBA_SSL_VERIFY=$SSL_CERT_FILE
    export SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PIP_CERT GIT_SSL_CAINFO \
        CARGO_HTTP_CAINFO CONDA_SSL_VERIFY MAMBA_SSL_VERIFY
fi

if [ -s /run/secrets/netrc ]; then
    export NETRC=/run/secrets/netrc
fi

PIP_INDEX_URL=$(secret pip_index_url)
PIP_EXTRA_INDEX_URL=$(secret pip_extra_index_url)
if offline; then PIP_INDEX_URL='' PIP_EXTRA_INDEX_URL=''; fi
if [ -n "$PIP_INDEX_URL" ]; then
    export PIP_INDEX_URL UV_DEFAULT_INDEX="$PIP_INDEX_URL"
else
    unset PIP_INDEX_URL
fi
if [ -n "$PIP_EXTRA_INDEX_URL" ]; then
    export PIP_EXTRA_INDEX_URL UV_INDEX="$PIP_EXTRA_INDEX_URL"
else
    unset PIP_EXTRA_INDEX_URL
fi
# As pip does: the best version over all indexes, not that of the first index that knows the name.
export UV_INDEX_STRATEGY=unsafe-best-match
# Seconds. An index that is slow because several parts ask it at once is not one that is away.
export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-120}"
# A name server that drops questions when there are many at once drops some of them twice.
export UV_HTTP_RETRIES="${UV_HTTP_RETRIES:-6}" UV_HTTP_CONNECT_TIMEOUT="${UV_HTTP_CONNECT_TIMEOUT:-30}"

# Some programs read only one of the two spellings, and some take an empty value for a proxy.
both_spellings() {
    if [ -n "$3" ]; then export "$1=$3" "$2=$3"; else unset "$1" "$2"; fi
}
both_spellings http_proxy HTTP_PROXY "${http_proxy:-${HTTP_PROXY:-}}"
both_spellings https_proxy HTTPS_PROXY "${https_proxy:-${HTTPS_PROXY:-}}"
both_spellings no_proxy NO_PROXY "${no_proxy:-${NO_PROXY:-}}"
