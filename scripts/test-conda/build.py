"""Builds the conda channel of the tests, and a stand-in for micromamba.

    build.py BASE_TAR ARCHITECTURE DESTINATION

Real packages of a real channel, made from what Debian and PyPI offer: a CPython
that runs from any prefix (Debian's, its patches on paths undone and its
libraries beside it), some pure and compiled packages from wheels, and a plain
program. DESTINATION then holds

    conda-forge/{linux-64,noarch}/…   the channel, indexed
    micromamba-linux-64               one executable file that needs only sh, tar and gzip
    micromamba-linux-64.sha256        its digest, as CONDA_SHA256 wants it
"""

import asyncio
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from rattler.index import index_fs

HERE = Path(__file__).resolve().parent
SUBDIRS = {"amd64": ("linux-64", "x86_64"), "arm64": ("linux-aarch64", "aarch64")}
TIMESTAMP = 1700000000

# Two versions of one package, so that a lock has something to hold on to.
PURE = ["pip==24.3.1", "setuptools==75.8.0", "wheel==0.45.1", "six==1.16.0", "six==1.17.0", "packaging==24.2", "tqdm==4.67.1"]
COMPILED = ["markupsafe==3.0.2"]
DEPENDS = {"pip": ["setuptools", "wheel"]}
# Not needed in an environment, and large.
LEFT_OUT = ("test/", "lib2to3/tests/", "distutils/tests/", "idlelib/", "turtledemo/", "pydoc_data/", "__pycache__/")
# Debian's own arrangements, which make no sense outside /usr.
DEBIAN_ONLY = ("EXTERNALLY-MANAGED", "_distutils_system_mod.py", "sitecustomize.py")
# These come from the system on every Linux.
SYSTEM_LIBRARIES = re.compile(r"^(ld-linux.*|libc|libm|libdl|libpthread|librt|libutil|libresolv)\.so")


def say(*words):
    print(*words, file=sys.stderr)


class Package:
    """The files of one conda package, and how they are written."""

    def __init__(self, name, version, build, subdir, depends=(), noarch=None, **index):
        self.index = {"name": name, "version": version, "build": build, "build_number": 0, "depends": list(depends),
                      "constrains": [], "license": index.pop("license", "see the package"), "subdir": subdir,
                      "timestamp": TIMESTAMP * 1000, **index}
        if noarch:
            self.index["noarch"] = noarch
        else:
            self.index["arch"], self.index["platform"] = subdir.split("-")[1], "linux"
        self.files, self.links, self.entry_points = {}, {}, []

    def add(self, path, data, executable=False):
        self.files[path] = (data, executable)

    def write(self, channel):
        paths, members = [], []
        for path, (data, executable) in sorted(self.files.items()):
            paths.append({"_path": path, "path_type": "hardlink", "sha256": hashlib.sha256(data).hexdigest(), "size_in_bytes": len(data)})
            members.append((path, data, 0o755 if executable else 0o644))
        for path, target in sorted(self.links.items()):
            # The digest of a link is that of what it points to.
            pointed = self.files[os.path.normpath(os.path.join(os.path.dirname(path), target))][0]
            paths.append({"_path": path, "path_type": "softlink", "sha256": hashlib.sha256(pointed).hexdigest(), "size_in_bytes": len(pointed)})
        about = [("info/index.json", self.index), ("info/paths.json", {"paths": paths, "paths_version": 1}), ("info/about.json", {})]
        if self.index.get("noarch") == "python":
            about.append(("info/link.json", {"noarch": {"type": "python", "entry_points": self.entry_points}, "package_metadata_version": 1}))
        about = [(path, json.dumps(value, indent=2).encode(), 0o644) for path, value in about]
        about.append(("info/files", "".join(p["_path"] + "\n" for p in paths).encode(), 0o644))
        target = channel / self.index["subdir"] / "{name}-{version}-{build}.tar.bz2".format(**self.index)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(target, "w:bz2", compresslevel=1) as archive:
            for path, data, mode in about + members:
                entry = tarfile.TarInfo(path)
                entry.size, entry.mode, entry.mtime = len(data), mode, TIMESTAMP
                archive.addfile(entry, io.BytesIO(data))
            for path, link in sorted(self.links.items()):
                entry = tarfile.TarInfo(path)
                entry.type, entry.linkname, entry.mtime = tarfile.SYMTYPE, link, TIMESTAMP
                archive.addfile(entry)


# --- Python ------------------------------------------------------------------


def undo_debian_paths(path, text):
    """Debian's Python installs under local/ and dist-packages; conda's does not."""
    if path == "sysconfig.py":
        text, count = re.subn(r"prefix_scheme = '(posix_local|deb_system)'", "prefix_scheme = 'posix_prefix'", text)
        assert count >= 2, "Debian's sysconfig.py has changed"
    elif path == "site.py":
        text = text.replace("dist-packages", "site-packages")
    elif path == "distutils/command/install.py":
        text = text.replace("self.install_layout.lower() in ['deb']", "False")
    return text


def read_base(base):
    """The files of a base image's archive, its links resolved on demand."""
    files, links = {}, {}
    with tarfile.open(base) as archive:
        for entry in archive:
            path = entry.name.removeprefix("./")
            if not path.startswith(("usr/lib", "usr/bin/python3", "lib")):
                continue
            if entry.isfile():
                files[path] = archive.extractfile(entry).read()
            elif entry.islnk():
                files[path] = files.get(entry.linkname.removeprefix("./"))
            elif entry.issym():
                links[path] = os.path.normpath(os.path.join("/", os.path.dirname(path), entry.linkname)).lstrip("/")
    return files, links


def needed(patchelf, data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        out = subprocess.run([patchelf, "--print-needed", file.name], check=True, capture_output=True, text=True)
    return out.stdout.split()


def with_rpath(patchelf, data, rpath):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        subprocess.run([patchelf, "--set-rpath", rpath, file.name], check=True)
        return Path(file.name).read_bytes()


def python_tree(base, architecture):
    """→ (version, {path below the prefix: (bytes, executable)})"""
    patchelf = Path(sys.executable).parent / "patchelf"
    triplet = SUBDIRS[architecture][1] + "-linux-gnu"
    files, links = read_base(base)
    binary = next(path for path in files if re.fullmatch(r"usr/bin/python3\.\d+", path))
    minor = binary.rsplit("python", 1)[1]
    stdlib = f"usr/lib/python{minor}/"
    tree, wanted = {}, set(needed(patchelf, files[binary]))
    for path, data in files.items():
        if not path.startswith(stdlib):
            continue
        below = path.removeprefix(stdlib)
        if below in DEBIAN_ONLY or below.startswith(LEFT_OUT) or "/__pycache__/" in below:
            continue
        if below.endswith(".py"):
            data = undo_debian_paths(below, data.decode()).encode()
        if below.startswith("lib-dynload/"):
            wanted.update(needed(patchelf, data))
            data = with_rpath(patchelf, data, "$ORIGIN/../..")
        tree[f"lib/python{minor}/{below}"] = (data, False)
    assert f"lib/python{minor}/os.py" in tree
    done = set()
    while wanted - done:
        library = (wanted - done).pop()
        done.add(library)
        if SYSTEM_LIBRARIES.match(library):
            continue
        for directory in (f"lib/{triplet}", f"usr/lib/{triplet}"):
            path = f"{directory}/{library}"
            while path in links:
                path = links[path]
            if path in files:
                wanted.update(needed(patchelf, files[path]))
                tree[f"lib/{library}"] = (with_rpath(patchelf, files[path], "$ORIGIN"), True)
                break
        else:
            raise SystemExit(f"{library}, which Python needs, is not in {base}")
    # site.py is frozen into the program; the two names are of one length.
    program = files[binary].replace(b"dist-packages", b"site-packages")
    assert program != files[binary], "Debian's Python has changed"
    tree[f"bin/python{minor}"] = (with_rpath(patchelf, program, "$ORIGIN/../lib"), True)
    release = next(re.search(rb"^Version: (\d[\d.]*\d)", block, re.M).group(1).decode()
                   for block in dpkg_blocks(base) if block.startswith(f"Package: python{minor}\n".encode()))
    return minor, release, tree


def dpkg_blocks(base):
    with tarfile.open(base) as archive:
        for entry in archive:
            if entry.name.removeprefix("./") == "var/lib/dpkg/status":
                return archive.extractfile(entry).read().split(b"\n\n")
    raise SystemExit(f"no package database in {base}")


def python_package(minor, release, tree, subdir):
    package = Package("python", release, f"0_cp{minor.replace('.', '')}", subdir, license="Python-2.0",
                      python_site_packages_path=f"lib/python{minor}/site-packages")
    for path, (data, executable) in tree.items():
        package.add(path, data, executable)
    package.add(f"lib/python{minor}/site-packages/README.txt", b"")
    package.links = {"bin/python": f"python{minor}", "bin/python3": f"python{minor}"}
    return package


# --- wheels ------------------------------------------------------------------


def download(requirement, machine, minor, directory):
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                    "--only-binary=:all:", "--implementation=cp", f"--python-version={minor}",
                    f"--platform=manylinux2014_{machine}", f"--platform=manylinux_2_28_{machine}",
                    f"--dest={directory}", requirement], check=True)
    (wheel,) = directory.glob("*.whl")
    return wheel


def wheel_package(wheel, minor, subdir):
    name, version, *_, platform = wheel.stem.split("-")
    name, pure = name.lower().replace("_", "-"), platform == "any"
    where = "site-packages" if pure else f"lib/python{minor}/site-packages"
    if pure:
        package = Package(name, version, "pyh0_0", "noarch", ["python >=3.8", *DEPENDS.get(name, [])], noarch="python")
    else:
        package = Package(name, version, f"py{minor.replace('.', '')}_0", subdir, [f"python {minor}.*", *DEPENDS.get(name, [])])
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            if entry.is_dir() or ".data/" in entry.filename:
                continue
            data = archive.read(entry)
            # The wheel's own records: packages inside it may have theirs.
            record = re.fullmatch(r"([^/]+\.dist-info)/(entry_points\.txt|METADATA)", entry.filename)
            if record and record[2] == "entry_points.txt":
                section = ""
                for line in data.decode().splitlines():
                    if line.startswith("["):
                        section = line
                    elif section == "[console_scripts]" and "=" in line:
                        package.entry_points.append(line.strip())
            elif record:
                # Who installed it, as conda-build writes it.
                package.add(f"{where}/{record[1]}/INSTALLER", b"conda")
            package.add(f"{where}/{entry.filename}", data)
    return package


def program_package(subdir):
    """A package that is no Python package: one program, without dependencies."""
    package = Package("greet", "2.1", "h0_0", subdir, license="CC0-1.0")
    package.add("bin/greet", b"#!/bin/sh\necho \"hello from conda, ${1:-you}\"\n", True)
    return package


# --- the stand-in ------------------------------------------------------------

LAUNCHER = """#!/bin/sh
# A stand-in for micromamba (made by the tests of envtpl): a Python with
# py-rattler follows this line, and is unpacked for the time of one command.
set -eu
self=$(command -v -- "$0")
room=$(mktemp -d "${TMPDIR:-/tmp}/micromamba.XXXXXX")
trap 'rm -rf "$room"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
tail -n +@LINES@ "$self" | gzip -dc | tar -xf - -C "$room"
status=0
env -u PYTHONPATH -u PYTHONHOME "$room/bin/python@MINOR@" -I -B "$room/micromamba.py" "$@" || status=$?
exit "$status"
"""


def stand_in(minor, tree, machine, destination, work):
    room = work / "payload"
    for path, (data, executable) in tree.items():
        if "/distutils/" in path or "/lib2to3/" in path or "/ensurepip/" in path:
            continue
        target = room / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o755 if executable else 0o644)
    site = room / f"lib/python{minor}/site-packages"
    rattler = next(line for line in (HERE.parent / "requirements/conda.txt").read_text().splitlines() if line.startswith("py-rattler=="))
    for requirement in (rattler, "pyyaml==6.0.2"):
        with zipfile.ZipFile(download(requirement, machine, minor, work / requirement)) as archive:
            archive.extractall(site)
    shutil.copy(HERE / "micromamba.py", room / "micromamba.py")
    launcher = LAUNCHER.replace("@MINOR@", minor)
    launcher = launcher.replace("@LINES@", str(launcher.count("\n") + 1))

    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = TIMESTAMP
        return entry

    payload = io.BytesIO()
    with tarfile.open(fileobj=payload, mode="w") as archive:
        for path in sorted(room.rglob("*")):
            archive.add(path, path.relative_to(room), recursive=False, filter=plain)
    # gzip(1) writes no date with -n, and is quicker than Python's.
    packed = subprocess.run(["gzip", "-n", "-6", "-c"], input=payload.getvalue(), capture_output=True, check=True).stdout
    destination.write_bytes(launcher.encode() + packed)
    destination.chmod(0o755)
    digest = hashlib.sha256(destination.read_bytes()).hexdigest()
    destination.with_name(destination.name + ".sha256").write_text(digest + "\n")


def main():
    base, architecture, destination = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    subdir, machine = SUBDIRS[architecture]
    channel = destination / "conda-forge"
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        say(f"conda channel for {subdir}: Python from {base.name}")
        minor, release, tree = python_tree(base, architecture)
        python_package(minor, release, tree, subdir).write(channel)
        say(f"conda channel for {subdir}: Python {release}; packages from wheels")
        for number, requirement in enumerate(PURE + COMPILED):
            wheel = download(requirement, machine, minor, work / f"wheel-{number}")
            wheel_package(wheel, minor, subdir).write(channel)
        program_package(subdir).write(channel)
        say("the stand-in for micromamba")
        stand_in(minor, tree, machine, destination / f"micromamba-{subdir}", work)
    asyncio.run(index_fs(channel, write_zst=True, write_shards=False, force=True))
    # At once: py-rattler's threads may crash Python's own way out.
    sys.stderr.flush()
    os._exit(0)


main()
