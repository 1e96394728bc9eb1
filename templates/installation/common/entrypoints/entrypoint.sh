#!/bin/sh
# What every container starts with. It prepares the environment and becomes the command.
# It says nothing when all is well, and anything it says goes to stderr. What few starts need is
# in scripts beside this one. docs/container-variables.md of envtpl lists all variables.
# Names of its own begin with envtpl_: a person's variables reach the command as they are.

# shellcheck source=say.sh
. /opt/envtpl/entrypoints/say.sh

# Not read as a script, which would set variables of these names for the command.
while IFS='=' read -r envtpl_name envtpl_value; do
    envtpl_value=${envtpl_value#?}
    envtpl_value=${envtpl_value%?}
    case $envtpl_name in
        PYTHON) envtpl_python=$envtpl_value ;;
        BASE_ENTRYPOINT) envtpl_base=$envtpl_value ;;
        BASE_ENTRYPOINT_EXECS) envtpl_base_execs=$envtpl_value ;;
        PROJECT_KEY) envtpl_key=$envtpl_value ;;
    esac
done </opt/envtpl/image.conf

# The base image's own entrypoint comes first, then this one again. What it prints, a banner
# perhaps, goes to stderr; the command gets the real stdout back.
if [ -n "$envtpl_base" ] && [ -z "${ENVTPL_BASE_ENTRYPOINT_DONE:-}" ]; then
    export ENVTPL_BASE_ENTRYPOINT_DONE=1
    exec 9>&1 1>&2
    if [ "${envtpl_base_execs:-0}" = 1 ]; then
        # It ends by running its arguments. Several words: a program and its arguments.
        # shellcheck disable=SC2086
        exec $envtpl_base /opt/envtpl/entrypoints/entrypoint.sh "$@"
    fi
    # It only prepares the environment, and may be written for bash.
    envtpl_shell=$(command -v bash || command -v sh)
    # shellcheck disable=SC2016
    exec "$envtpl_shell" -c '. "$0"; exec /opt/envtpl/entrypoints/entrypoint.sh "$@"' "$envtpl_base" "$@"
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

# Ranks of a cluster's job: what needs doing once is not done by each.
if [ -n "${ENVTPL_ONCE:-}${SLURM_PROCID:-}${SLURM_LOCALID:-}" ]; then
    # shellcheck source=once.sh
    . /opt/envtpl/entrypoints/once.sh
else
    once() {
        shift 2
        "$@"
    }
    rank_has_servers() { true; }
fi

if [ ! -w "${HOME:-/}" ] || [ "${HOME:-/}" = / ]; then
    # shellcheck source=home.sh
    . /opt/envtpl/entrypoints/home.sh
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
    note "certificates are those of $SSL_CERT_FILE"
fi
if [ -s /run/envtpl/netrc ] && [ -r /run/envtpl/netrc ]; then
    export NETRC=/run/envtpl/netrc
    note "user names and passwords for hosts are those of $NETRC"
fi
# Some programs read only the small letters.
if [ -n "${HTTP_PROXY:-}" ]; then export http_proxy="$HTTP_PROXY"; fi
if [ -n "${HTTPS_PROXY:-}" ]; then export https_proxy="$HTTPS_PROXY"; fi
if [ -n "${NO_PROXY:-}" ]; then export no_proxy="$NO_PROXY"; fi
# uv and mamba read names of their own.
if [ -n "${PIP_INDEX_URL:-}" ]; then export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"; fi
if [ -n "${PIP_EXTRA_INDEX_URL:-}" ]; then export UV_INDEX="${UV_INDEX:-$PIP_EXTRA_INDEX_URL}"; fi
if [ -n "${CONDA_CHANNEL_ALIAS:-}" ]; then export MAMBA_CHANNEL_ALIAS="$CONDA_CHANNEL_ALIAS"; fi
if [ "${APT_CONFIG:-/opt/envtpl/entrypoints/apt-ca-bundle.conf}" = /opt/envtpl/entrypoints/apt-ca-bundle.conf ]; then
    if [ -n "${APT_MIRROR:-}" ]; then
        envtpl_apt=${TMPDIR:-/tmp}/envtpl-apt-$(id -u)
        sh /opt/envtpl/entrypoints/apt-settings.sh "$envtpl_apt" "${SSL_CERT_FILE:-}" "$APT_MIRROR" >&2 &&
            export APT_CONFIG="$envtpl_apt/apt.conf"
    elif [ -s /run/envtpl/ca-bundle.pem ]; then
        export APT_CONFIG=/opt/envtpl/entrypoints/apt-ca-bundle.conf
    fi
fi

# The project: importable, with its metadata and its console scripts.
if [ "${SKIP_INSTALL_PROJECT:-0}" = 0 ]; then
    # Names and contents of the files that decide what an editable install looks like.
    envtpl_wanted=$(cd "${PROJECT_ROOT_AT:-/none}" 2>/dev/null && exec sha256sum pyproject.toml setup.py setup.cfg 2>/dev/null)
    if [ -n "$envtpl_wanted" ]; then
        # Apart for each image, and for each path that the project can be mounted at.
        envtpl_project=$PROJECT_ROOT_AT/.envtpl/project/$envtpl_key/at$PROJECT_ROOT_AT
        envtpl_wanted=$envtpl_python'
'$envtpl_wanted
        # As a program would, without starting one.
        envtpl_found=
        while IFS= read -r envtpl_line; do
            envtpl_found=${envtpl_found:+$envtpl_found
}$envtpl_line
        done 2>/dev/null <"$envtpl_project/current/stamp"
        if [ "$envtpl_found" != "$envtpl_wanted" ]; then
            if ! once project "$envtpl_project $envtpl_wanted" \
                sh /opt/envtpl/entrypoints/project.sh "$envtpl_project" "$envtpl_wanted" >&2 && is_strict; then
                exit 1
            fi
        fi
        PATH=$envtpl_project/current/bin:$PATH
    else
        # shellcheck source=no-project.sh
        . /opt/envtpl/entrypoints/no-project.sh
    fi
else
    note "the project is not installed, as SKIP_INSTALL_PROJECT asks for"
fi
export PATH="$PATH:$HOME/.local/bin"
# Shells that did not come through here look for this; see interactive.sh.
export ENVTPL_ENTERED=1

# What somebody asked for, each in a script of its own.
if [ -n "${WANDB_API_KEY_FILE_AT:-}${HF_TOKEN_AT:-}${GIT_CONFIG_AT:-}" ] ||
    [ -n "${VSCODE_SERVER_AT:-}${CURSOR_SERVER_AT:-}${JETBRAINS_SERVER_AT:-}" ] ||
    [ "${JUPYTER_SERVER:-0}${SSH_SERVER:-0}" != 00 ] ||
    [ -e /run/secrets/wandb_api_key ] || [ -e /run/secrets/hf_token ]; then
    # shellcheck source=services.sh
    . /opt/envtpl/entrypoints/services.sh
fi

exec "$@"
