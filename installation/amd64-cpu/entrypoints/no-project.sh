# shellcheck shell=sh
# Says why there is no project to install, and what to do. To be read by entrypoint.sh.

envtpl_remedy="mount the project there, or set PROJECT_ROOT_AT to where it is"
case ${PROJECT_ROOT_AT:-} in
    '')
        warn "PROJECT_ROOT_AT is not set, so the project is not importable: set it to where the project is mounted, or set SKIP_INSTALL_PROJECT=1"
        ;;
    [!/]*)
        warn "PROJECT_ROOT_AT=$PROJECT_ROOT_AT does not begin with /, so the project is not importable: set it to where the project is mounted"
        ;;
    *)
        if [ ! -d "$PROJECT_ROOT_AT" ]; then
            warn "there is no directory at PROJECT_ROOT_AT=$PROJECT_ROOT_AT, so the project is not importable: $envtpl_remedy"
        elif [ ! -x "$PROJECT_ROOT_AT" ] || [ ! -r "$PROJECT_ROOT_AT" ]; then
            warn "PROJECT_ROOT_AT=$PROJECT_ROOT_AT cannot be read by user $(id -u), so the project is not importable: start the container as its owner, or change its mode"
        elif [ -e "$PROJECT_ROOT_AT/pyproject.toml" ] || [ -e "$PROJECT_ROOT_AT/setup.py" ]; then
            warn "pyproject.toml in PROJECT_ROOT_AT=$PROJECT_ROOT_AT cannot be read by user $(id -u), so the project is not importable: start the container as its owner, or change its mode"
        elif [ ! -d "$PROJECT_ROOT_AT/installation" ]; then
            # Engines make an empty directory where what to mount is missing.
            warn "PROJECT_ROOT_AT=$PROJECT_ROOT_AT has neither pyproject.toml nor installation/, so it is not the project: $envtpl_remedy"
        else
            note "$PROJECT_ROOT_AT has no pyproject.toml, so there is nothing to install"
        fi
        ;;
esac
