#!/bin/sh
# Makes the conda environment /opt/conda.
#   create-conda.sh CONDA-TOOL DIRECTORY LOCKED SNAPSHOT-SCRIPT
# DIRECTORY holds environment.yml without pip's part, and specs.txt, the packages that it names.
# LOCKED may hold conda.txt, which `envtpl freeze` wrote: exact packages, and the lines of
# environment.yml that they answer. As long as these are its lines, exactly that is installed,
# checked by digest and without choosing anything. Otherwise conda chooses again, and keeps to the
# locked versions where it can.
set -eu
umask 022

tool=$1
environment=$2/environment.yml
locked=$3/conda.txt
snapshot=$4
here=$(dirname "$0")
# shellcheck source=network.sh
. "$here/network.sh"
alias=$(secret conda_channel_alias)
if [ -n "$alias" ]; then export CONDA_CHANNEL_ALIAS="$alias" MAMBA_CHANNEL_ALIAS="$alias"; fi
# Archives stay in the build's cache; the rest of what the tool keeps is thrown away.
export CONDA_PKGS_DIRS=/var/cache/conda MAMBA_ROOT_PREFIX=/tmp/conda-root LC_ALL=C

# The same path each time: conda's history, which is in the image, has the command line.
work=/tmp/conda-work
mkdir -m 700 "$work"
sort -u "$2/specs.txt" >"$work/wanted"

# choose: lets conda choose what environment.yml asks for.
choose() {
    rm -rf /opt/conda
    case $(readlink -f "$tool") in
        */conda) "$tool" env create --yes --prefix /opt/conda --file "$environment" ;;
        *) "$tool" create --yes --prefix /opt/conda --file "$environment" ;;
    esac
}

# exactly: installs the list. What it says of channels is true wherever their settings put them;
# it holds no credentials, so these come from the settings and from environment.yml.
exactly() {
    ALIAS=${alias%/} awk '
        function bare(url) {
            sub(/:\/\/[^\/@]*@/, "://", url)
            sub(/\/t\/[A-Za-z0-9-]+(\/|$)/, "/", url)
            sub(/\/+$/, "", url)
            return url "/"
        }
        BEGIN { if (ENVIRON["ALIAS"] != "") to["https://conda.anaconda.org/"] = ENVIRON["ALIAS"] "/" }
        { sub(/\r$/, "") }
        FNR == NR {
            if (match($0, /https?:\/\/[^ "\047,\]]+/)) {
                url = substr($0, RSTART, RLENGTH)
                sub(/\/+$/, "", url)
                if (bare(url) != url "/") to[bare(url)] = url "/"
            }
            next
        }
        {
            for (from in to)
                if (index($0, from) == 1) { $0 = to[from] substr($0, length(from) + 1); break }
            print
        }
    ' "$environment" "$locked" >"$work/conda.txt"
    if offline; then
        # https://host/file lies in conda/https/host/file.
        sed -E 's,^(https?)://,file://'"$sources"'/conda/\1/,' "$locked" >"$work/conda.txt"
    fi
    "$tool" create --yes --prefix /opt/conda --file "$work/conda.txt"
}

# builds: what the list names, as name-version-build.
builds() {
    sed -n 's/\r$//; s/#.*//; s/%21/!/g; s/%2[Bb]/+/g; s,^[^@].*/\(.*\)\.\(conda\|tar\.bz2\)$,\1,p' "$locked" | sort
}

# prefer NAMES: pins everything that the list names, but for these names.
prefer() {
    builds | NAMES=" $1 " awk '
        match($0, /-[^-]*-[^-]*$/) {
            name = substr($0, 1, RSTART - 1)
            split(substr($0, RSTART + 1), rest, "-")
            if (index(ENVIRON["NAMES"], " " name " ") == 0) print "  - " name "=" rest[1] "=" rest[2]
        }' >"$work/pins"
    if [ -s "$work/pins" ]; then
        { echo pinned_packages: && cat "$work/pins"; } >"$work/.condarc"
        export CONDARC="$work/.condarc"
    fi
}

if [ ! -f "$locked" ]; then
    choose
else
    sed -n 's/\r$//; s/^# asked: //p' "$locked" | sort -u >"$work/asked"
    comm -23 "$work/wanted" "$work/asked" >"$work/more"
    comm -13 "$work/wanted" "$work/asked" >"$work/fewer"
    if [ ! -s "$work/more" ] && [ ! -s "$work/fewer" ]; then
        if ! exactly; then
            echo >&2
            echo "error: the conda packages of dependencies/locked/conda.txt could not be installed; the reason is above" >&2
            echo "help: if a channel no longer has one of them, or has another file by its name, delete that list:" >&2
            echo "      the next build chooses the packages again, and envtpl freeze locks them" >&2
            exit 1
        fi
    else
        echo "environment.yml is not what dependencies/locked/conda.txt was made for, so conda chooses again:"
        sed 's/^/    now asked:       /' "$work/more"
        sed 's/^/    no longer asked: /' "$work/fewer"
        prefer "$(sed 's/.*:://; s/[^A-Za-z0-9._-].*//' "$work/more" | tr 'A-Z\n' 'a-z ')"
        if [ -n "${CONDARC:-}" ] && ! choose; then
            echo "the locked versions do not go together with this; conda chooses without them"
            unset CONDARC
        fi
        if [ -z "${CONDARC:-}" ]; then choose; fi
        unset CONDARC
        builds >"$work/before"
        for record in /opt/conda/conda-meta/*.json; do basename "$record" .json; done | sort >"$work/after"
        echo "compared with the lock:"
        comm -13 "$work/before" "$work/after" | sed 's/^/    + /'
        comm -23 "$work/before" "$work/after" | sed 's/^/    - /'
    fi
fi
rm -rf /tmp/conda-root
# Some tools keep their records of what is installed for root alone.
chmod -R a+rX /opt/conda

python=/opt/conda/bin/python
if [ ! -x $python ]; then
    echo >&2
    echo "error: the conda environment has no Python" >&2
    echo "help: list python=3.12, for example, in dependencies/environment.yml" >&2
    exit 1
fi
# What is installed by hand comes from the same channels; a container has its own credentials.
awk '/^[^ #-]/ { inside = /^channels:/ } inside' "$environment" |
    sed -E 's,://[^/@]*@,://,; s,/t/[A-Za-z0-9-]+(/|$),/,' >/opt/conda/.condarc
# The snapshot tells what the environment was made for.
cp "$work/wanted" /opt/conda/conda-meta/envtpl-specs
rm -rf "$work"
# Tools note where they fetched from, with user, password and token: no image keeps those, nor the
# mirror that this machine uses.
ALIAS=$alias KEPT=${sources#/}/conda $python -c '
import glob, os, re

def bare(text):
    text = re.sub(r"(https?://)[^/@\"\s]+@", r"\1", text)
    return re.sub(r"(https?://[^\"\s]*?)/t/[A-Za-z0-9-]+(?=[/\"\s]|$)", r"\1", text)

kept = os.environ["KEPT"]
alias = bare(os.environ["ALIAS"]).rstrip("/")
for path in glob.glob("/opt/conda/conda-meta/*"):
    with open(path, encoding="utf-8") as record:
        before = record.read()
    # A build without network took the files from here.
    after = bare(re.sub(r"file:/*" + re.escape(kept) + r"/(https?)/", r"\1://", before))
    if alias:
        after = after.replace(alias + "/", "https://conda.anaconda.org/")
    # When it was built is the only thing here that another build would not write.
    after = re.sub(r"(?m)^==> [-0-9: ]+ <==$", "==> 1980-01-01 00:00:00 <==", after)
    if after != before:
        with open(path, "w", encoding="utf-8") as record:
            record.write(after)
'
# What the Python packages of `pip:` must leave alone.
PYTHON=$python sh "$snapshot" >/opt/conda-snapshot.json
