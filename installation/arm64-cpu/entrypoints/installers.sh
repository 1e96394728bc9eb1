# shellcheck shell=sh
# Waits until nothing installs packages here: what is written down in between would be half of it.
# To be read by other scripts; `envtpl freeze` sends it into containers.
#   wait_for_installers     waits five seconds at most; else it fails, and `installer` says who

# The name and the number of a process that installs or removes packages.
find_installer() {
    installer=
    for process in /proc/[0-9]*; do
        { read -r name <"$process/comm"; } 2>/dev/null || continue
        case $name in
            apt | apt-get | aptitude | dpkg | dpkg-deb | unattended-upgr* | \
                pip | pip[0-9]* | uv | conda | mamba | micromamba | python*) ;;
            *) continue ;;
        esac
        # Nothing for a process that has ended and was not collected.
        arguments=$(tr '\0' ' ' 2>/dev/null <"$process/cmdline" | cut -c 1-200) || continue
        case $name:$arguments in
            # These start a person's own program and wait for it.
            *:*' run '*) ;;
            python*:*' -m pip '* | python*:*' -m uv '* | python*:*' -m conda '*)
                installer=${arguments#* -m }
                installer="${installer%% *} (process ${process#/proc/})"
                return 0
                ;;
            python*:*) ;;
            *:) ;;
            *)
                installer="$name (process ${process#/proc/})"
                return 0
                ;;
        esac
    done
    return 1
}

wait_for_installers() {
    rounds=0
    while find_installer; do
        if [ "$rounds" -ge 20 ]; then return 1; fi
        rounds=$((rounds + 1))
        sleep 0.25
    done
}
