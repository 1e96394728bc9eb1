"""Start Jupyter beside the container's command, and wait until it answers.

It listens on JUPYTER_ADDRESS and JUPYTER_PORT, shows the files of the project and wants the token
in JUPYTER_TOKEN_FILE. Without that file it gets a new token, which stands in no log: the link is
printed only on a terminal. What a person should know comes out as one line on stdout; with status 1
it is why there is no Jupyter.
"""

import errno
import http.client
import importlib.util
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time

# The first that is installed is the one that a person sees; each of them is a program too.
INTERFACES = ("jupyterlab", "notebook", "jupyter_server")
# A cold disk, or one of a cluster, takes its time to give some thousand files.
PATIENCE_S = 90
# Of an address: what it is called by a browser on the same machine.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}


def give_up(why):
    print(why)
    sys.exit(1)


def installed():
    for name in INTERFACES:
        try:
            if importlib.util.find_spec("jupyter_server") and importlib.util.find_spec(name):
                return name
        except (ImportError, ValueError):
            pass
    if os.path.isdir(os.path.join(os.environ.get("CONDA_PREFIX", "/none"), "conda-meta")):
        line, file = "  - jupyterlab", "environment.yml"
    else:
        line, file = "jupyterlab", "requirements.txt"
    give_up(
        "Jupyter is not installed, so there is none: add the line `%s` to dependencies/%s of the "
        "installation and run: envtpl build" % (line, file)
    )


def listening():
    port = os.environ.get("JUPYTER_PORT") or "8887"
    address = os.environ.get("JUPYTER_ADDRESS") or "127.0.0.1"
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        give_up("JUPYTER_PORT=%s is not a port, so there is no Jupyter: set it to one from 1024 to 65535" % port)
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except PermissionError:
        give_up("JUPYTER_PORT=%s is for root alone, so there is no Jupyter: set it to one from 1024" % port)
    except socket.gaierror as error:
        give_up("JUPYTER_ADDRESS=%s is no address, so there is no Jupyter: %s" % (address, error.strerror))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            give_up(
                "port %s of %s is taken, perhaps by another container with the same network, so there is no "
                "Jupyter: set JUPYTER_PORT to a free one" % (port, address)
            )
        give_up("nothing can listen on %s (%s), so there is no Jupyter" % (address, error.strerror))
    return address, int(port)


def log_file(root, port):
    """A file that the person alone can read: in the project, else one that goes with the container."""
    directory = os.path.join(root, ".envtpl", "jupyter")
    path = os.path.join(directory, "%d.log" % port)
    try:
        os.makedirs(directory, exist_ok=True)
        ignored = os.path.join(root, ".envtpl", ".gitignore")
        if not os.path.exists(ignored):
            with open(ignored, "w", encoding="utf-8") as out:
                out.write("*\n")
        # A project is data: what it brings leads nowhere else.
        if os.path.realpath(directory) != os.path.join(os.path.realpath(root), ".envtpl", "jupyter"):
            raise OSError
        log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        os.fchmod(log, 0o600)
        if os.getuid() == 0:
            # What root makes in a person's project is the person's.
            owner = os.stat(root)
            for made in (os.path.dirname(directory), ignored, directory, path):
                os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)
    except OSError:
        log, path = tempfile.mkstemp(prefix="jupyter-", suffix=".log")
    return log, path


def token():
    """The token if it is a new one, and the file of it as Jupyter reads it: to its last byte."""
    given = os.environ.get("JUPYTER_TOKEN_FILE")
    if not given:
        if os.environ.get("JUPYTER_TOKEN"):
            return None, None
        new = secrets.token_hex(24)
        return new, kept(new)
    try:
        with open(given, encoding="utf-8") as file:
            found = file.read()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        give_up("JUPYTER_TOKEN_FILE=%s cannot be read (%s), so there is no Jupyter" % (given, why))
    if not found.strip():
        give_up("JUPYTER_TOKEN_FILE=%s is empty, so there is no Jupyter: put a token into it" % given)
    return None, given if found == found.strip() else kept(found.strip())


def kept(text):
    handle, path = tempfile.mkstemp(prefix="jupyter-token-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def answers(address, port):
    connection = http.client.HTTPConnection(LOOPBACK.get(address, address), port, timeout=5)
    try:
        connection.request("GET", "/api")
        connection.getresponse()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def last_words(path):
    """What Jupyter said last, without time and place."""
    with open(path, encoding="utf-8", errors="replace") as log:
        lines = [line.strip() for line in log if line.strip()]
    return re.sub(r"^\[[A-Z] [^]]*\] ", "", lines[-1]) if lines else "it said nothing"


def main():
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    interface = installed()
    address, port = listening()
    new, token_file = token()
    root = os.environ.get("PROJECT_ROOT_AT") or ""
    if not os.path.isdir(root):
        root = os.getcwd()
    log, path = log_file(root, port)
    environment = dict(os.environ)
    if token_file:
        environment.pop("JUPYTER_TOKEN", None)
        environment["JUPYTER_TOKEN_FILE"] = token_file
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            interface,
            "--ServerApp.open_browser=False",
            "--ServerApp.ip=" + address,
            "--ServerApp.port=%d" % port,
            # Another port than the one that was asked for is one that nobody knows.
            "--ServerApp.port_retries=0",
            "--ServerApp.allow_root=%s" % (os.getuid() == 0),
            "--ServerApp.root_dir=" + root,
        ],
        env=environment,
        # Where no file of the project is taken for a module of Jupyter's.
        cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        # Ctrl-C on the terminal is for the command.
        start_new_session=True,
    )
    ends = time.monotonic() + PATIENCE_S
    while not answers(address, port):
        if server.poll() is not None:
            give_up("Jupyter ended at once: %s (all that it said: %s)" % (last_words(path), path))
        if time.monotonic() > ends:
            give_up("Jupyter does not answer after %d s; what it says is in %s" % (PATIENCE_S, path))
        time.sleep(0.05)
    if new:
        host = LOOPBACK.get(address, address)
        link = "http://%s:%d/" % ("[%s]" % host if ":" in host else host, port)
        if os.isatty(2):
            print("Jupyter: %s?token=%s" % (link, new))
        else:
            # What has no terminal is written down, perhaps where others can read it.
            print("Jupyter: %s with the token in %s of this container" % (link, token_file))


if __name__ == "__main__":
    main()
