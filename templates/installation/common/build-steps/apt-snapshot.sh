#!/bin/sh
# Makes an apt configuration with the distribution's archives as they were, beside those of today.
#   apt-snapshot.sh DIRECTORY PATTERN MOMENT...
# Use it with APT_CONFIG=DIRECTORY/apt.conf, after apt-get update. PATTERN is an address with
# @PATH@ for an archive's path and @SNAPSHOTID@ for a moment (20260102T030405Z), as in apt's own
# Acquire::Snapshots::URI; without one that of Debian's or Ubuntu's service is taken. What an
# archive said long ago has expired by now, and that is no matter here; its signature must be right.
set -eu

directory=$1
pattern=$2
shift 2

if [ -z "$pattern" ]; then
    # shellcheck source=/dev/null
    . /etc/os-release
    case "$ID ${ID_LIKE:-}" in
        *ubuntu*) pattern=https://snapshot.ubuntu.com/@PATH@/@SNAPSHOTID@ ;;
        *) pattern=http://snapshot.debian.org/archive/@PATH@/@SNAPSHOTID@ ;;
    esac
fi

settings=/etc/apt
mirrored=/dev/null
if [ -n "${APT_CONFIG:-}" ]; then
    if [ -e "${APT_CONFIG%/*}/mirrored" ]; then
        settings=${APT_CONFIG%/*}
        mirrored=$settings/mirrored
    fi
fi
mkdir -p "$directory/sources.list.d" "$directory/lists/partial"
cp -a /var/lib/apt/lists/. "$directory/lists/"
if [ "$mirrored" != /dev/null ]; then cp "$mirrored" "$directory/"; fi
for list in "$settings"/sources.list "$settings"/sources.list.d/*; do
    if [ -f "$list" ]; then cp "$list" "$directory/${list#"$settings"/}"; fi
done

# Archives with snapshots, and their paths there. Ubuntu has all architectures in one.
# shellcheck disable=SC2016
apt-get indextargets --format '$(REPO_URI) $(ORIGIN)' 'Identifier: Packages' | sort -u | awk '
    BEGIN { hosts = "^https?://((deb|security)\\.debian\\.org|([a-z]+\\.)?(archive|security|ports)\\.ubuntu\\.com)/" }
    function archive_of(address) {
        sub(/:\/\/[^\/@]*@/, "://", address)
        sub(/\/*$/, "", address)
        return address
    }
    kind == "mirrored" { stands_for[archive_of($1)] = archive_of($2); next }
    {
        $1 = archive_of($1)
        own = ($1 in stands_for) ? stands_for[$1] : $1
        if ($2 != "Debian" && $2 != "Ubuntu" && own !~ hosts) next
        path = own
        sub(/^[a-z+]+:(\/\/[^\/]*)?\/*/, "", path)
        if (path == "ubuntu-ports") path = "ubuntu"
        print $1, path
    }
' kind=mirrored "$mirrored" kind=archives - >"$directory/archives"

for moment; do
    for list in "$directory"/sources.list "$directory"/sources.list.d/*; do
        name=${list##*/}
        case $name in
            snapshot-*) continue ;;
        esac
        [ -f "$list" ] || continue
        PATTERN=${pattern%/} MOMENT=$moment awk '
            function snapshot(address, there) {
                sub(/:\/\/[^\/@]*@/, "://", address)
                sub(/\/*$/, "", address)
                if (!(address in path)) return ""
                there = ENVIRON["PATTERN"]
                sub(/@PATH@/, path[address], there)
                sub(/@SNAPSHOTID@/, ENVIRON["MOMENT"], there)
                return there "/"
            }
            FNR == NR { path[$1] = $2; next }
            # One line for each archive: deb [options] address suite components.
            /^deb[ \t]/ {
                options = ""
                if (match($0, /\[[^]]*\]/)) {
                    options = substr($0, RSTART + 1, RLENGTH - 2)
                    $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
                }
                there = snapshot($2)
                if (there == "") next
                $1 = "deb [check-valid-until=no " options "]"
                $2 = there
                print
                next
            }
            # A paragraph for each: fields, which go on in lines that begin with a space.
            /^[ \t]*$/ { paragraph(); next }
            /^#/ { next }
            /^[A-Za-z-]+:/ { field = tolower($1) }
            field == "uris:" {
                for (i = 1; i <= NF; i++) {
                    there = snapshot($i)
                    if (there != "") addresses = addresses " " there
                }
                next
            }
            field == "types:" || field == "check-valid-until:" { next }
            field != "" { rest = rest $0 "\n" }
            function paragraph() {
                if (addresses != "") printf "Types: deb\nURIs:%s\nCheck-Valid-Until: no\n%s\n", addresses, rest
                field = addresses = rest = ""
            }
            END { paragraph() }
        ' "$directory/archives" "$list" >"$directory/sources.list.d/snapshot-$moment-$name"
    done
done

{
    if [ -n "${APT_CONFIG:-}" ]; then cat "$APT_CONFIG"; fi
    echo "Dir::Etc::sourcelist \"$directory/sources.list\";"
    echo "Dir::Etc::sourceparts \"$directory/sources.list.d\";"
    echo "Dir::State::lists \"$directory/lists\";"
    echo 'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";'
} >"$directory/apt.conf"

# Where the service speaks HTTPS alone, an image without certificates borrows them.
case $pattern in
    https:*)
        if [ -z "${SSL_CERT_FILE:-}" ] && [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
            (cd "$directory" && apt-get -q download ca-certificates && dpkg-deb -x ca-certificates_*.deb certificates)
            cat "$directory"/certificates/usr/share/ca-certificates/*/*.crt >"$directory/certificates.pem"
            chmod 755 "$directory"
            echo "Acquire::https::CaInfo \"$directory/certificates.pem\";" >>"$directory/apt.conf"
        fi
        ;;
esac
