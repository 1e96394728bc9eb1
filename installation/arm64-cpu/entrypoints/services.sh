# shellcheck shell=sh
# What containers have only when somebody asks for it. To be read by entrypoint.sh, which knows
# the variables that ask. Whatever of it does not work is a warning; see say.sh.

# For every rank: the libraries of each need their keys.
# shellcheck source=logins.sh
. /opt/envtpl/entrypoints/logins.sh
