"""Tell with what packages were built from source: what their own builds asked for.

As `sitecustomize`, it notes in each of uv's build environments what is installed there, a line of
JSON in the file that ENVTPL_BUILD_RECORD names. That file stays beside uv's cache, since what the
cache has is not built again.

    record-build.py RECORDS TREE OUT     OUT/tools-built.json: what the packages in TREE were built with,
                                         OUT/built-pure.json: which came out as Python alone, with a
                                         digest of their files; a line of RECORDS is a record, a tab,
                                         and the group of the plan
    record-build.py same PART            whether what PART plans was built to the files that its
                                         lists have digests of
"""

import csv
import glob
import hashlib
import json
import os
import re
import sys
import sysconfig

# What installers and build tools write about themselves, and what Python compiles.
TALK = re.compile(
    r"[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL|direct_url\.json|uv_[^/]*\.json)$|(^|/)__pycache__/|\.pyc$"
)


def key(name):
    return re.sub("[-_.]+", "-", name).lower()


def tags(directory):
    try:
        with open(os.path.join(directory, "WHEEL"), encoding="utf-8") as lines:
            return sorted(line[5:].strip() for line in lines if line.startswith("Tag: "))
    except OSError:
        return []


def note(record):
    tools = []
    for path in glob.glob(os.path.join(sys.prefix, "lib*", "python*", "site-packages", "*.dist-info")):
        name, _, version = os.path.basename(path)[: -len(".dist-info")].partition("-")
        tools.append({"name": key(name), "version": version, "tags": tags(path)})
    line = json.dumps({"source": os.getcwd(), "tools": tools})
    with open(record, "a", encoding="utf-8") as out:
        out.write(line + "\n")


def pure_digest(info):
    """SHA-256 over the sorted lines of a RECORD; None for a package that is not Python alone."""
    if not all(tag.endswith("-none-any") for tag in tags(info) or ["unknown"]):
        return None
    with open(os.path.join(info, "RECORD"), encoding="utf-8", newline="") as text:
        lines = sorted(",".join(row[:2]) for row in csv.reader(text) if row and not TALK.search(row[0]))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def installed(tree):
    """Name, version, origin and directory of each package in a directory."""
    for directory, names, _ in os.walk(tree):
        for entry in names:
            if entry.endswith(".dist-info"):
                name, _, version = entry[: -len(".dist-info")].partition("-")
                origin = {}
                path = os.path.join(directory, entry, "direct_url.json")
                if os.path.exists(path):
                    with open(path, encoding="utf-8") as text:
                        origin = json.load(text)
                yield key(name), version, origin, os.path.join(directory, entry)


def is_source(path, name, version, origin):
    """Whether a directory of uv's cache holds the sources of a package."""
    parts = path.split(os.sep)
    if "vcs_info" in origin:
        commit = origin["vcs_info"].get("commit_id", "")
        return any(len(part) >= 7 and commit.startswith(part) for part in parts)
    if origin:
        return "url" in parts
    return any(parts[at : at + 2] == [name, version] for at in range(len(parts)))


def names(directory):
    """The packages of a group; None for all."""
    if not directory:
        return None
    with open(os.path.join(directory, "pins.txt"), encoding="utf-8") as lines:
        found = (re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in lines)
        return {key(name.group(0)) for name in found if name}


class Builds:
    """What a record tells: the tools of each build that uv keeps."""

    def __init__(self, record):
        self.by_source = {}
        if os.path.exists(record):
            with open(record, encoding="utf-8") as lines:
                for line in lines:
                    one = json.loads(line)
                    # The last is what uv has now.
                    self.by_source.pop(one["source"], None)
                    self.by_source[one["source"]] = one["tools"]

    def tools(self, *package):
        """With what a package was built, and with what these tools themselves were, where they had to be."""
        found, waiting = {}, [package]
        while waiting:
            one = waiting.pop()
            used = [tools for source, tools in self.by_source.items() if is_source(source, *one)]
            for tool in used[-1] if used else []:
                exact = (tool["name"], tool["version"])
                if exact not in found:
                    found[exact] = tool
                    waiting.append((*exact, {}))
        return found


def collect(records, tree, out):
    packages = list(installed(tree))
    used, pure = {}, {}
    with open(records, encoding="utf-8") as lines:
        groups = [line.rstrip("\n").split("\t") for line in lines]
    for record, group in groups:
        builds, of_group = Builds(record), names(group)
        for *package, info in packages:
            if of_group is not None and package[0] not in of_group:
                continue
            tools = builds.tools(*package)
            for exact, tool in tools.items():
                used.setdefault(exact, dict(tool, builds=[]))["builds"].append(package[0])
            digest = pure_digest(info) if tools else None
            if digest:
                pure[package[0]] = digest
    for tool in used.values():
        tool["builds"].sort()
    os.makedirs(out, exist_ok=True)
    for name, found in [("tools-built", [used[exact] for exact in sorted(used)]), ("built-pure", pure)]:
        with open(os.path.join(out, name + ".json"), "w", encoding="utf-8") as kept:
            json.dump(found, kept, sort_keys=True)


def same(part):
    wanted = {}
    for path in glob.glob(os.path.join(part, "*", "pure.txt")):
        with open(path, encoding="utf-8") as lines:
            wanted.update(line.split() for line in lines)
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    found = {name: info for place in places for name, _, _, info in installed(place)}
    other = sorted(name for name in wanted if name not in found or pure_digest(found[name]) != wanted[name])
    if other:
        sys.exit("without the build packages other files come of: " + ", ".join(other))


if __name__ == "__main__":
    if sys.argv[1] == "same":
        same(*sys.argv[2:])
    else:
        collect(*sys.argv[1:])
elif "ENVTPL_BUILD_RECORD" in os.environ:
    if os.path.basename(os.path.dirname(sys.prefix)).startswith("builds-v"):
        note(os.environ["ENVTPL_BUILD_RECORD"])
