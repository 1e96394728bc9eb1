#!/bin/sh
# What every container starts with. It prepares the environment and becomes the command.
# It says nothing when all is well, and anything it says goes to stderr.

# shellcheck source=/dev/null
. /opt/envtpl/image.conf

# The base image's own entrypoint comes first, then this one again. What it prints, a banner
# perhaps, goes to stderr; the command gets the real stdout back.
if [ -n "$BASE_ENTRYPOINT" ] && [ -z "${ENVTPL_BASE_ENTRYPOINT_DONE:-}" ]; then
    export ENVTPL_BASE_ENTRYPOINT_DONE=1
    exec 9>&1 1>&2
    if [ "${BASE_ENTRYPOINT_EXECS:-0}" = 1 ]; then
        # It ends by running its arguments. Several words: a program and its arguments.
        # shellcheck disable=SC2086
        exec $BASE_ENTRYPOINT /opt/envtpl/entrypoints/entrypoint.sh "$@"
    fi
    # It only prepares the environment, and may be written for bash.
    shell=$(command -v bash || command -v sh)
    # shellcheck disable=SC2016
    exec "$shell" -c '. "$0"; exec /opt/envtpl/entrypoints/entrypoint.sh "$@"' "$BASE_ENTRYPOINT" "$@"
fi
if [ -n "${ENVTPL_BASE_ENTRYPOINT_DONE:-}" ]; then
    unset ENVTPL_BASE_ENTRYPOINT_DONE
    exec 1>&9 9>&-
fi

# What conda packages set when their environment is activated; some of it is written for bash.
if [ -d "${CONDA_PREFIX:-/none}/etc/conda/activate.d" ] && [ -z "${ENVTPL_ACTIVATED:-}" ] &&
    command -v bash >/dev/null; then
    export ENVTPL_ACTIVATED=1
    # shellcheck disable=SC2016
    exec bash -c 'for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
            if [ -r "$script" ]; then . "$script" >&2; fi
        done
        exec "$0" "$@"' "$0" "$@"
fi
unset ENVTPL_ACTIVATED

# A user that the image does not know has no home of its own.
if [ ! -w "${HOME:-/}" ] || [ "${HOME:-/}" = / ]; then
    HOME=${TMPDIR:-/tmp}/home-$(id -u)
    mkdir -p "$HOME" 2>/dev/null && export HOME
fi

# Certificates, credentials, proxies and mirrors of .env; see compose.yaml. The certificates'
# variables are those of container-with-certificates.env, for containers that Compose did not make.
if [ -s /run/envtpl/ca-bundle.pem ]; then
    SSL_CERT_FILE=/run/envtpl/ca-bundle.pem
    CURL_CA_BUNDLE=$SSL_CERT_FILE REQUESTS_CA_BUNDLE=$SSL_CERT_FILE PIP_CERT=$SSL_CERT_FILE
    GIT_SSL_CAINFO=$SSL_CERT_FILE NODE_EXTRA_CA_CERTS=$SSL_CERT_FILE
    CONDA_SSL_VERIFY=$SSL_CERT_FILE MAMBA_SSL_VERIFY=$SSL_CERT_FILE
    export SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PIP_CERT GIT_SSL_CAINFO \
        NODE_EXTRA_CA_CERTS CONDA_SSL_VERIFY MAMBA_SSL_VERIFY
fi
if [ -s /run/envtpl/netrc ] && [ -r /run/envtpl/netrc ]; then
    export NETRC=/run/envtpl/netrc
fi
# Some programs read only the small letters.
if [ -n "${HTTP_PROXY:-}" ]; then export http_proxy="$HTTP_PROXY"; fi
if [ -n "${HTTPS_PROXY:-}" ]; then export https_proxy="$HTTPS_PROXY"; fi
if [ -n "${NO_PROXY:-}" ]; then export no_proxy="$NO_PROXY"; fi
if [ "${APT_CONFIG:-/opt/envtpl/entrypoints/apt-ca-bundle.conf}" = /opt/envtpl/entrypoints/apt-ca-bundle.conf ]; then
    if [ -n "${APT_MIRROR:-}" ]; then
        apt=${TMPDIR:-/tmp}/envtpl-apt-$(id -u)
        sh /opt/envtpl/entrypoints/apt-settings.sh "$apt" "${SSL_CERT_FILE:-}" "$APT_MIRROR" >&2 &&
            export APT_CONFIG="$apt/apt.conf"
    elif [ -s /run/envtpl/ca-bundle.pem ]; then
        export APT_CONFIG=/opt/envtpl/entrypoints/apt-ca-bundle.conf
    fi
fi

# The project: importable, with its metadata and its console scripts.
if [ -z "${PROJECT_ROOT_AT:-}" ]; then
    echo "warning: PROJECT_ROOT_AT is not set, so the project is not importable" >&2
elif [ "${SKIP_INSTALL_PROJECT:-}" != 1 ]; then
    # Apart for each image, and for each path that the project can be mounted at.
    project=$PROJECT_ROOT_AT/.envtpl/project/$PROJECT_KEY/at$PROJECT_ROOT_AT
    # Names and contents of the files that decide what an editable install looks like.
    wanted=$(cd "$PROJECT_ROOT_AT" 2>/dev/null && sha256sum pyproject.toml setup.py setup.cfg 2>/dev/null)
    if [ -n "$wanted" ]; then
        found=
        if [ -r "$project/current/stamp" ]; then
            found=$(cat "$project/current/stamp")
        fi
        if [ "$found" != "$PYTHON
$wanted" ]; then
            sh /opt/envtpl/entrypoints/project.sh "$project" "$wanted" >&2
        fi
        PATH=$project/current/bin:$PATH
    fi
fi
export PATH="$PATH:$HOME/.local/bin"

exec "$@"
