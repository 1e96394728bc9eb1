# shellcheck shell=sh
# Keys for Weights & Biases and for Hugging Face, from files that somebody mounted or from the
# engine's secrets, into the variables that their libraries read. No program logs in, so that
# nothing needs the network; a key is on no command line, and nothing shows it.
# To be read by services.sh.

# take_key VARIABLE VARIABLE_OF_FILE FILE SECRET
take_key() {
    eval "envtpl_value=\${$1:-}"
    if [ -n "$envtpl_value" ]; then
        note "$1 is set, so no file is read for it"
        return
    fi
    if [ -n "$3" ]; then
        envtpl_file=$3
        envtpl_shown=$2=$3
    elif [ -e "/run/secrets/$4" ]; then
        envtpl_file=/run/secrets/$4
        envtpl_shown="the secret $envtpl_file"
    else
        return
    fi
    if [ -d "$envtpl_file" ]; then
        # Engines make a directory where the file to mount is missing.
        warn "$envtpl_shown is a directory, so $1 is not set: mount the file that holds the key"
    elif [ ! -e "$envtpl_file" ]; then
        warn "$envtpl_shown is not there, so $1 is not set: mount the file that holds the key"
    elif [ ! -r "$envtpl_file" ]; then
        warn "$envtpl_shown cannot be read by user $(id -u), so $1 is not set: change its owner or its mode"
    else
        # The shell's own reading takes spaces away at both ends. The last line needs no end.
        read -r envtpl_value <"$envtpl_file" || true
        envtpl_value=${envtpl_value%"$(printf '\r')"}
        case $envtpl_value in
            '') warn "$envtpl_shown is empty, so $1 is not set: put the key into it" ;;
            *[!A-Za-z0-9_.~+/=-]*) warn "$envtpl_shown is not a key, so $1 is not set: put the key alone into its first line" ;;
            *)
                export "$1=$envtpl_value"
                note "$1 is that of $envtpl_file"
                ;;
        esac
    fi
}

take_key WANDB_API_KEY WANDB_API_KEY_FILE_AT "${WANDB_API_KEY_FILE_AT:-}" wandb_api_key
take_key HF_TOKEN HF_TOKEN_AT "${HF_TOKEN_AT:-}" hf_token
envtpl_value=
