# shellcheck shell=sh
# Jupyter beside the command, which begins when Jupyter answers: a link that was given before is
# true by then, and what is wrong is said before a shell has its prompt. To be read by services.sh.

# shellcheck disable=SC2154 # of entrypoint.sh
if envtpl_said=$("$envtpl_python" /opt/envtpl/entrypoints/start-jupyter.py); then
    if [ -n "$envtpl_said" ]; then printf '%s\n' "$envtpl_said" >&2; fi
    note "Jupyter answers"
else
    warn "$envtpl_said"
fi
