"""What a login by ssh runs: a shell, or the command that was sent, with the environment that the
container's own command has. For the ForceCommand of sshd; see ssh-server.sh.

    ssh-session.py PID DIRECTORY    the process whose environment and directory it is, and the
                                    server's own directory

The environment is read from the system, where it is as it is: whatever characters it holds, none of
it passes a command line or a file.
"""

import os
import signal
import sys

# What belongs to the login and not to the container.
OWN = [b"SSH_CLIENT", b"SSH_CONNECTION", b"SSH_TTY", b"SSH_AUTH_SOCK", b"DISPLAY", b"XAUTHORITY", b"TERM"]
# What the container may leave to the system's list of users.
IF_MISSING = [b"HOME", b"USER", b"LOGNAME", b"SHELL", b"PATH"]
SFTP = b"/usr/lib/openssh/sftp-server"


def main(process, server):
    login = os.environb
    with open("/proc/%s/environ" % process, "rb") as environ:
        pairs = [pair.partition(b"=") for pair in environ.read().split(b"\0")]
    environment = {name: value for name, equals, value in pairs if equals and name not in OWN}
    environment.update((name, login[name]) for name in OWN if name in login)
    for name in IF_MISSING:
        if name in login:
            environment.setdefault(name, login[name])

    command = login.get(b"SSH_ORIGINAL_COMMAND")
    # Programs that send files expect to begin in the home, people to begin where the project is.
    if command == SFTP:
        directory = environment.get(b"HOME", b"/")
    else:
        directory = os.readlink(b"/proc/%s/cwd" % process.encode())
    try:
        os.chdir(directory)
        environment[b"PWD"] = directory
    except OSError:
        pass

    # Python ignores the first two, and a server's children may have been told to ignore the others.
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    shell = environment.get(b"SHELL") or b"/bin/sh"
    if command == SFTP:
        # It refuses to serve a user without a name, for whom the server has one.
        if os.path.exists(server + "/passwd"):
            with open(server + "/wrapper", "rb") as wrapper:
                environment[b"LD_PRELOAD"] = wrapper.read()
            environment[b"NSS_WRAPPER_PASSWD"] = os.fsencode(server + "/passwd")
            environment[b"NSS_WRAPPER_GROUP"] = b"/etc/group"
        os.execve(SFTP, [SFTP], environment)
    elif command is None:
        # As `envtpl dev` starts it: a login shell would begin by forgetting PATH.
        os.execve(shell, [os.path.basename(shell)], environment)
    else:
        os.execve(shell, [os.path.basename(shell), b"-c", command], environment)


main(sys.argv[1], sys.argv[2])
