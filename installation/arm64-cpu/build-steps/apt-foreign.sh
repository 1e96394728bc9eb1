#!/bin/sh
# Tells apt of the machines that packages are asked for: `zlib1g-dev:arm64` needs arm64's.
#   apt-foreign.sh PACKAGE...
# Debian has them all in one archive. Ubuntu has amd64 and i386 in one and the others in another
# (https://wiki.ubuntu.com/UbuntuDevelopment/Ports), so there apt is told which has which.
set -eu

native=$(dpkg --print-architecture)
new=
for package in "$@"; do
    package=${package%%=*}
    case $package in *:*) architecture=${package##*:} ;; *) continue ;; esac
    case " all any native $native $new $(dpkg --print-foreign-architectures | tr '\n' ' ') " in
        *" $architecture "*) ;;
        *) new="$new $architecture" ;;
    esac
done
for architecture in $new; do
    dpkg --add-architecture "$architecture"
done
ID='' VERSION_CODENAME=''
# shellcheck source=/dev/null
. /etc/os-release
if [ -z "$new" ] || [ "$ID" != ubuntu ]; then exit 0; fi

# in_main ARCHITECTURE: whether Ubuntu has it in its first archive.
in_main() {
    case $1 in amd64 | i386) true ;; *) false ;; esac
}
commas() {
    echo "${1# }" | tr ' ' ','
}
main='' ports=''
for architecture in $native $(dpkg --print-foreign-architectures); do
    if in_main "$architecture"; then main="$main $architecture"; else ports="$ports $architecture"; fi
done
if in_main "$native"; then
    kept=$main others=$ports address=http://ports.ubuntu.com/ubuntu-ports
else
    kept=$ports others=$main address=http://archive.ubuntu.com/ubuntu
fi
# Sources that say for which machines they are stay as they are. Both formats: sources.list(5).
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    if [ ! -f "$list" ]; then continue; fi
    case $list in
        */envtpl-foreign.list) ;;
        *.sources)
            # Paragraph by paragraph.
            awk -v kept="${kept# }" 'BEGIN { RS = ""; ORS = "\n\n" }
                /ubuntu\.com/ && !/(^|\n)Architectures:/ { $0 = $0 "\nArchitectures: " kept }
                { print }' "$list" >"$list.new" && mv "$list.new" "$list"
            ;;
        *.list)
            sed -i -E "s#^(deb(-src)?)[[:space:]]+(https?://[^ ]*ubuntu\.com)#\1 [arch=$(commas "$kept")] \3#" "$list"
            ;;
    esac
done
for pocket in '' -updates -security; do
    if [ -z "$others" ]; then continue; fi
    echo "deb [arch=$(commas "$others")] $address $VERSION_CODENAME$pocket main universe"
done >/etc/apt/sources.list.d/envtpl-foreign.list
