# shellcheck shell=sh
# Which of the packages named as arguments cannot be installed here, and why: a line for each,
# name, tab, reason. Ends with 75 when there are no package lists to be had.
sh /tmp/apt-foreign.sh "$@"
sh /tmp/apt-settings.sh /tmp/apt "${ENVTPL_CA:-}" "${APT_MIRROR:-}"
export APT_CONFIG=/tmp/apt/apt.conf
if ! apt-get -qq -o Acquire::Languages=none -o Acquire::Retries=1 -o APT::Update::Error-Mode=any update >/dev/null 2>/tmp/reason; then
    cat /tmp/reason >&2
    exit 75
fi
# What is here may provide a name that is no package's: a build is content with that.
is_provided() {
    dpkg-query -W -f '${db:Status-Abbrev} ${Provides}\n' | awk -v name="$1" '
        $1 == "ii" { for (i = 2; i <= NF; i++) { sub(/,$/, "", $i); if ($i == name) found = 1 } }
        END { exit !found }' && ! apt-cache show "$1" 2>/dev/null | grep -q '^Package: '
}
for package in "$@"; do
    shift
    is_provided "$package" || set -- "$@" "$package"
done
if [ $# = 0 ]; then exit 0; fi
try() {
    apt-get -qq --simulate --no-install-recommends install "$@" >/dev/null 2>/tmp/reason
}
try "$@" && exit 0
bad=
for package in "$@"; do
    if ! try "$package"; then
        bad=1
        printf '%s\t%s\n' "$package" "$(sed -n 's/^E: //p' /tmp/reason | head -n 1)"
    fi
done
if [ -z "$bad" ]; then
    try "$@" || printf '*\t%s\n' "$(sed -n 's/^E: //p' /tmp/reason | head -n 1)"
fi
