#!/bin/sh
# Writes what is installed in this container into a file, from which `envtpl freeze` keeps it:
#   update-env-file [FILE]
# Without FILE it is in the project's .envtpl/, or in the current directory where there is no
# project. It works in every container of the image: Docker's, Apptainer's, a pod's.
set -eu

records=/opt/envtpl
# shellcheck source=/dev/null
. $records/image.conf
# shellcheck source=installers.sh
. $records/entrypoints/installers.sh

fail() {
    echo "error: $1" >&2
    echo "help: $2" >&2
    exit "$3"
}

case ${1:-} in
    -h | --help)
        sed -n '2,5s/^# //p' "$0"
        exit
        ;;
    -*) fail "update-env-file has no option $1" "it takes the name of a file, or nothing" 2 ;;
esac
[ "$#" -le 1 ] || fail "update-env-file takes one file" "put a name with spaces in quotes" 2

root=${PROJECT_ROOT_AT:-}
if [ "$#" = 1 ]; then
    file=$1
elif [ -n "$root" ] && mkdir -p "$root/.envtpl" 2>/dev/null && [ -w "$root/.envtpl" ]; then
    # Git sees none of this, whatever the project's own .gitignore says.
    [ -e "$root/.envtpl/.gitignore" ] || echo '*' >"$root/.envtpl/.gitignore"
    file=$root/.envtpl/snapshot-$INSTALLATION.json
else
    file=snapshot-$INSTALLATION.json
fi

wait_for_installers || fail "$installer installs packages, and did not end within five seconds" \
    "let it end, or answer what it asks, and try again" 1

flavour=run
if [ -r $records/dev.json ]; then flavour=dev; fi

text() {
    printf '%s' "$1" | sed 's/[\\"]/\\&/g'
}

whole() {
    printf '{"schema":1,"kind":"envtpl-snapshot","installation":"%s","project":"%s","flavour":"%s",' \
        "$(text "$INSTALLATION")" "$(text "${PROJECT:-}")" "$flavour"
    printf '"project_root_at":"%s","taken":"%s"' "$(text "$root")" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    for record in base run dev apt-build; do
        printf ',\n"%s":' "$record"
        if [ -r "$records/$record.json" ]; then cat "$records/$record.json"; else echo null; fi
    done
    # The files of packages that the build resolved, as one string.
    printf ',\n"resolved":"'
    if [ -r $records/dependencies/resolved.toml ]; then
        sed 's/[\\"]/\\&/g' $records/dependencies/resolved.toml | awk '{ printf "%s\\n", $0 }'
    fi
    printf '"'
    # Files that somebody changed since the image was built.
    printf ',\n"contents":'
    if [ -x "${PYTHON:-}" ]; then
        "$PYTHON" -B $records/entrypoints/contents.py "since=$records/$flavour.json" </dev/null
    else
        echo null
    fi
    printf ',\n"now":'
    sh $records/entrypoints/snapshot.sh
    echo '}'
}

# As a whole or not at all.
staging=$file.$$
trap 'rm -f "$staging"' EXIT
trap 'exit 1' HUP INT TERM
if ! (: >"$staging") 2>/dev/null; then fail "$file cannot be written" "name a file elsewhere" 1; fi
whole >"$staging"
if [ "$(id -u)" = 0 ] && [ -n "$root" ] && [ "$#" = 0 ]; then
    # What root makes in a person's project is the person's.
    chown --reference="$root" "$staging" "$root/.envtpl/.gitignore" 2>/dev/null || true
fi
mv "$staging" "$file"

shown=$file
where="where envtpl is"
case $file in
    "$root"/*)
        shown=${file#"$root"/}
        where="in the project on your machine"
        ;;
esac
case $shown in
    *[!A-Za-z0-9._/-]*) shown="'$(printf '%s' "$shown" | sed "s/'/'\\\\''/g")'" ;;
esac
echo "wrote $file; $where, keep it with" >&2
echo "  envtpl freeze -i $INSTALLATION --from snapshot:$shown" >&2
