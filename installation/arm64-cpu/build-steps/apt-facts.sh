#!/bin/sh
# Tells where apt gets given versions of packages, as far as its lists know them.
#   apt-facts.sh <PACKAGES      a line each: name version architecture
# Prints these lines again, each with a tab and the members of a JSON object: the address, its
# digest, and for archives of the distribution the moment by which its snapshot service knows them.
# The address is empty when no archive of the lists has that version, and not there when there are no
# lists. Addresses hold no credentials, and are those of the archive that a mirror stands for.
set -eu

certificates=/opt/envtpl/entrypoints/apt-ca-bundle.conf
if [ "${APT_CONFIG:-$certificates}" = $certificates ] && [ -n "${APT_MIRROR:-}" ]; then
    # What the entrypoint made for this user.
    own=${TMPDIR:-/tmp}/envtpl-apt-$(id -u)/apt.conf
    if [ -r "$own" ]; then export APT_CONFIG="$own"; fi
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/packages"
native=$(dpkg --print-architecture)
export LC_ALL=C

# When each archive said last what it has. An archive without a snapshot service has no date here.
# shellcheck disable=SC2016
apt-get indextargets --format '$(FILENAME) $(REPO_URI) $(ORIGIN)' 'Identifier: Packages' 2>/dev/null |
    while read -r file archive origin; do
        [ -e "$file" ] || continue
        # http…_dists_bookworm_main_binary-amd64_Packages: the Release file stands beside it.
        release=${file%_binary-*}
        while [ ! -e "${release}_InRelease" ] && [ ! -e "${release}_Release" ]; do
            case $release in
                *_dists_*_*) release=${release%_*} ;;
                *) break ;;
            esac
        done
        if [ -e "${release}_InRelease" ]; then release=${release}_InRelease; else release=${release}_Release; fi
        moment=-
        case $origin in
            Debian | Ubuntu)
                date=$(sed -n 's/^Date: //p;/^SHA256:/q' "$release" 2>/dev/null || true)
                if [ -n "$date" ]; then moment=$(date -u -d "$date" +%Y%m%dT%H%M%SZ); fi
                ;;
        esac
        echo "$archive $moment"
    done | sort -u >"$work/archives"
if [ ! -s "$work/packages" ]; then exit 0; fi
if [ ! -s "$work/archives" ]; then
    awk '{ print $0 "\t\"lists\":false" }' "$work/packages"
    exit 0
fi

# shellcheck disable=SC2046
set -- $(awk -v native="$native" \
    '{ print $1 ($3 == native || $3 == "all" ? "" : ":" $3) "=" $2 }' "$work/packages")
apt-cache show "$@" 2>/dev/null >"$work/shown" || true
# Version and digest of what some archive has; what is only installed has no file name.
awk -v native="$native" '
    function flush() {
        if (file != "")
            print name, version, arch, sha256, name (arch == native || arch == "all" ? "" : ":" arch) "=" version
        name = version = arch = sha256 = file = ""
    }
    /^Package: / { flush(); name = $2 }
    /^Version: / { version = $2 }
    /^Architecture: / { arch = $2 }
    /^SHA256: / { sha256 = $2 }
    /^Filename: / { file = $2 }
    END { flush() }
' "$work/shown" >"$work/offered"

mkdir -p "$work/archives.d/partial"
: >"$work/addresses"
if [ -s "$work/offered" ]; then
    # shellcheck disable=SC2046
    apt-get -q -o "Dir::Cache::archives=$work/archives.d" download --print-uris \
        $(cut -d ' ' -f 5 "$work/offered") 2>/dev/null >"$work/addresses" || true
fi
mirrored=${APT_CONFIG:+${APT_CONFIG%/*}/mirrored}
if [ ! -r "${mirrored:-/none}" ]; then mirrored=/dev/null; fi

# The state of all archives at the latest of these moments is what was seen.
latest=$(awk '$2 != "-" && $2 > latest { latest = $2 } END { print latest }' "$work/archives")
awk -v latest="$latest" -v quote="'" '
    function bare(address) {
        sub(/:\/\/[^\/@]*@/, "://", address)
        return address
    }
    function archive_of(address) {
        address = bare(address)
        sub(/\/*$/, "/", address)
        return address
    }
    function public(address) {
        for (mirror in stands_for)
            if (index(address, mirror) == 1)
                return stands_for[mirror] substr(address, length(mirror) + 1)
        return address
    }
    kind == "mirrored" { stands_for[archive_of($1)] = archive_of($2); next }
    kind == "archives" { if ($2 != "-") dated[archive_of($1)] = 1; next }
    kind == "addresses" {
        gsub(quote, "", $1)
        $1 = bare($1)
        gsub(/%3a/, ":", $2)
        sub(/\.deb$/, "", $2)
        address[$2] = $1
        next
    }
    kind == "offered" { sha256[$1 " " $2 " " $3] = $4; next }
    {
        found = address[$1 "_" $2 "_" $3]
        moment = ""
        for (archive in dated) if (index(found, archive) == 1) moment = latest
        if (match(found, /\/[0-9]+T[0-9]+Z\//)) moment = substr(found, RSTART + 1, RLENGTH - 2)
        printf "%s\t\"url\":\"%s\"", $0, public(found)
        if (found != "") printf ",\"sha256\":\"%s\"", sha256[$0]
        if (moment != "") printf ",\"snapshot\":\"%s\"", moment
        printf "\n"
    }
' kind=mirrored "$mirrored" kind=archives "$work/archives" kind=addresses "$work/addresses" \
    kind=offered "$work/offered" kind=packages "$work/packages"
