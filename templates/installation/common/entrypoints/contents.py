"""Prints as JSON which files of the installed Python packages are not what their RECORD says.

Arguments are `KEY=VALUE`, each any number of times:
    newer=PATH   read only files that changed after PATH did, and those of another size
    since=PATH   read only files that changed after PATH did
    records=     read no file but the RECORDs
    list=NAME    name every file of this package, with its digest

Of several paths the first that exists counts.

It runs on its own, without network, on Python 3.8 and later.
"""

import sys

# Modules of the directory that it happens to run in are none of its business.
sys.path[:] = [path for path in sys.path if path]

import base64
import csv
import glob
import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor

ALGORITHMS = ("sha256", "sha384", "sha512")
# What installers and build tools write about themselves, which says nothing of the code.
TALK = re.compile(r"[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json|uv_[^/]*\.json)$")
# dpkg looks after these, and moves what RECORD lists.
DEBIAN_PACKAGES = "/usr/lib/python3/dist-packages"
COMPILED = re.compile(r"(^|/)__pycache__/|\.py[co]$")
CHUNK = 1 << 20


def lines_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as text:
            return text.read().splitlines()
    except OSError:
        return []


def named(info):
    """Name, version and who installed it."""
    name = version = ""
    for line in lines_of(os.path.join(info, "METADATA")):
        if not line:
            break
        key, _, value = line.partition(":")
        if key.lower() == "name":
            name = name or value.strip()
        elif key.lower() == "version":
            version = version or value.strip()
    installer = lines_of(os.path.join(info, "INSTALLER"))
    return name, version, installer[0].strip() if installer else ""


def commands(info):
    """The names of the programs that an installer made, which each writes in its own way."""
    found, section = set(), ""
    for line in lines_of(os.path.join(info, "entry_points.txt")):
        line = line.strip()
        if line.startswith("["):
            section = line.strip("[] ")
        elif "=" in line and section in ("console_scripts", "gui_scripts"):
            found.add(line.partition("=")[0].strip())
    return found


def record(info):
    """The entries of RECORD: path as written, algorithm, digest, size."""
    try:
        with open(os.path.join(info, "RECORD"), encoding="utf-8", errors="replace", newline="") as text:
            rows = list(csv.reader(text))
    except OSError:
        return None
    entries = []
    for row in rows:
        if not row or not row[0] or TALK.search(row[0]) or COMPILED.search(row[0]):
            continue
        algorithm, _, digest = (row[1] if len(row) > 1 else "").partition("=")
        try:
            # As in the wheel specification: URL-safe, without padding.
            digest = base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4)).hex()
        except ValueError:
            digest = ""
        if algorithm not in ALGORITHMS or not digest:
            algorithm = digest = ""
        size = row[2] if len(row) > 2 else ""
        entries.append((row[0], algorithm, digest, int(size) if size.isdigit() else None))
    return entries


def digest_of(path, algorithm):
    found = hashlib.new(algorithm)
    with open(path, "rb") as data:
        while True:
            chunk = data.read(CHUNK)
            if not chunk:
                return found.hexdigest()
            found.update(chunk)


def digest_before_installing(path, algorithm):
    """The digest that a script had before its first line was made to name this Python."""
    with open(path, "rb") as data:
        first, rest = data.readline(), data.read()
    found = re.match(rb"#!.*?python(w?)[0-9.]*([ \t][^\r\n]*)?(\r?\n)$", first)
    if not found:
        return None
    start = b"#!python" + found.group(1) + (found.group(2) or b"") + found.group(3)
    return hashlib.new(algorithm, start + rest).hexdigest()


class Conda:
    """What conda says of the files that it installed; it rewrites some of them."""

    def __init__(self):
        self.files = None

    def allows(self, path, digest):
        if self.files is None:
            self.files = {}
            for meta in glob.glob(os.path.join(sys.prefix, "conda-meta", "*.json")):
                try:
                    with open(meta, encoding="utf-8") as text:
                        listed = (json.load(text).get("paths_data") or {}).get("paths") or []
                except (OSError, ValueError):
                    continue
                for one in listed:
                    self.files[os.path.normpath(os.path.join(sys.prefix, one.get("_path", "")))] = one
        known = self.files.get(path)
        if known is None:
            return False
        rewritten = known.get("sha256_in_prefix")
        if rewritten is None and known.get("prefix_placeholder"):
            return True
        return digest == (rewritten or known.get("sha256"))


def distributions():
    seen = set()
    for directory in sys.path:
        # The project itself is not part of its environment.
        if directory == DEBIAN_PACKAGES or "/.envtpl/project/" in directory:
            continue
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        for entry in names:
            if not entry.endswith(".dist-info"):
                continue
            info = os.path.join(directory, entry)
            name, version, installer = named(info)
            key = re.sub("[-_.]+", "-", name).lower()
            if not key or key in seen:
                continue
            entries = record(info)
            # Older kinds of packages have none.
            if entries is None:
                continue
            seen.add(key)
            yield {
                "name": name,
                "version": version,
                "key": key,
                "location": directory,
                "conda": installer == "conda",
                "entries": entries,
                "commands": commands(info),
            }


def main(arguments):
    newer, sizes_tell, records_only, wanted = None, True, False, set()
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key in ("newer", "since"):
            sizes_tell = key == "newer"
            if newer is None and os.path.exists(value):
                newer = os.stat(value).st_ctime_ns
        elif key == "records":
            records_only = True
        elif key == "list":
            wanted.add(re.sub("[-_.]+", "-", value).lower())

    found = list(distributions())
    # Two packages may bring the same file, and the one that came last has its way.
    claims = {}
    for one in found:
        for path, algorithm, digest, size in one["entries"]:
            place = os.path.normpath(os.path.join(one["location"], path))
            claims.setdefault(place, []).append((algorithm, digest, size, one["conda"]))
    conda = Conda()

    def judge(place):
        """None for a file that is as recorded, else ("missing", "") or ("changed", digest)."""
        if records_only:
            return None
        known = [claim for claim in claims[place] if claim[0]]
        try:
            status = os.stat(place)
            if not known:
                return None
            sizes = {size for _, _, size, _ in known}
            same_size = not sizes_tell or status.st_size in sizes or None in sizes
            if newer is not None and status.st_ctime_ns <= newer and same_size:
                return None
            for algorithm, digest, _, _ in known:
                if digest_of(place, algorithm) == digest:
                    return None
            first = os.path.basename(os.path.dirname(place))
            if first in ("bin", "Scripts"):
                for algorithm, digest, _, _ in known:
                    if digest_before_installing(place, algorithm) == digest:
                        return None
            now = digest_of(place, "sha256")
            if any(claim[3] for claim in known) and conda.allows(place, now):
                return None
            return "changed", now
        except (FileNotFoundError, NotADirectoryError):
            return "missing", ""
        except OSError:
            return "unreadable", ""

    places = sorted(claims)
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        verdicts = dict(zip(places, pool.map(judge, places)))

    report = []
    for one in sorted(found, key=lambda one: one["key"]):
        told = {"changed": [], "missing": [], "unreadable": []}
        normal = set()
        for path, algorithm, digest, _ in one["entries"]:
            path = path.replace(os.sep, "/")
            if not ("/bin/" in path and os.path.basename(path) in one["commands"]):
                normal.add("%s,%s" % (path, digest and "%s=%s" % (algorithm, digest)))
            verdict = verdicts[os.path.normpath(os.path.join(one["location"], path))]
            if verdict:
                now = {"path": path, "sha256": verdict[1]}
                told[verdict[0]].append(now if verdict[0] == "changed" else path)
        said = {
            "name": one["name"],
            "version": one["version"],
            "location": one["location"],
            "record": hashlib.sha256("\n".join(sorted(normal)).encode()).hexdigest(),
        }
        said.update((kind, items) for kind, items in told.items() if items)
        if one["key"] in wanted:
            said["files"] = dict(line.rsplit(",", 1) for line in sorted(normal))
        report.append(said)
    print(json.dumps({"schema": 1, "distributions": report}))


main(sys.argv[1:])
