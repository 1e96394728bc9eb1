"""Decide which Python packages the image gets, and sort them into parts that build apart.

    python-plan.py UV INPUTS PLAN

INPUTS/declared holds what people ask for, INPUTS/locked what `envtpl freeze` wrote.
PLAN gets

    1/pins.txt ...   wheels: the locked ones, or all when nothing is locked, spread by name
    new/pins.txt     wheels that the lock does not know yet
    built/pins.txt   what must be built from source, for the stage that has compilers
    apt-build        whether that stage has anything to do: "needed" or "not needed"
    requested.txt    the names that people asked for themselves
    resolved.toml    every package with its origin and hashes, for the record

A change of one requirement then changes one part, and the others come from the build's cache.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

PARTS = 3
# These are tools of the installation, not of the code: a newer one may replace the base's.
FREE = {"pip", "setuptools", "wheel"}


def fail(message, help_line):
    sys.stdout.flush()
    sys.exit("\nerror: %s\nhelp: %s\n" % (message, help_line))


def key(name):
    return re.sub("[-_.]+", "-", name).lower()


def free(distribution):
    return key(distribution["name"]) in FREE and distribution["installer"] != "conda"


def requirement_lines(path):
    """The lines of a requirements file without comments, continuations joined."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8-sig") as text:
        joined = re.sub(r"\\\r?\n", " ", text.read())
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in joined.splitlines())
    return [line for line in lines if line]


def options_and_names(path):
    """The options about indexes and the names of a requirements file and of those it includes."""
    options, names = [], set()
    for line in requirement_lines(path):
        nested = re.match(r"(?:-r|--requirement)[\s=]+(.+)", line)
        if nested:
            more = options_and_names(os.path.join(os.path.dirname(path), nested.group(1).strip()))
            options += more[0]
            names |= more[1]
        elif re.match(r"-c\b|--constraint\b|-e\b|--editable\b", line):
            continue
        elif line.startswith("-"):
            options.append(line)
        else:
            name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
            if name:
                names.add(key(name.group(0)))
    return options, names


def main(uv, inputs, plan):
    declared = inputs + "/declared/requirements.txt"
    locked = inputs + "/locked/requirements.txt"
    locked_vcs = inputs + "/locked/requirements-vcs.txt"
    work = tempfile.mkdtemp()
    for part in [*map(str, range(1, PARTS + 1)), "new", "built"]:
        os.makedirs(os.path.join(plan, part))

    def write(directory, name, lines):
        path = os.path.join(directory, name)
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in lines)
        return path

    with open(os.environ.get("BASE_SNAPSHOT", "/opt/envtpl/base.json"), encoding="utf-8") as record:
        base = {key(one["name"]): one for one in json.load(record)["python"]["distributions"]}
    constraints = [
        "%s==%s" % (name, one["version"])
        for name, one in sorted(base.items())
        if not free(one) and re.fullmatch(r"[A-Za-z0-9.!+_-]+", one["version"])
    ]

    options, requested = options_and_names(declared)
    if "pip" not in base:
        # `pip install` in a container, and the editable install of the project, need one.
        requested.add("pip")
    write(plan, "requested.txt", sorted(requested))

    pins = {}
    for line in requirement_lines(locked):
        if line.startswith("-"):
            options.append(line)
            continue
        name, _, version = line.split(";")[0].split()[0].partition("==")
        there = base.get(key(name))
        if there and not free(there):
            if there["version"] != version:
                fail(
                    "the lock has %s and the base image has %s %s" % (line.split()[0], name, there["version"]),
                    "the base changed since the freeze: delete dependencies/locked/requirements.txt,"
                    " build and freeze again",
                )
            continue
        pins[key(name)] = line
    locked_names = set(pins)
    locked_urls = {key(re.split(r"[ @\[]", line)[0]): line for line in requirement_lines(locked_vcs)}

    def run(*arguments):
        command = [uv, "pip", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return done.returncode, done.stdout, done.stderr

    # What the declared files need beyond the base, with the lock deciding what it knows.
    target = ["--python", os.environ["PYTHON"], "--break-system-packages"]
    for option, name, lines in [
        ("--constraint", "base.txt", constraints),
        ("--constraint", "locked.txt", [line.split(" --hash")[0] for line in pins.values()]),
        ("--excludes", "excluded.txt", sorted(locked_urls)),
        ("--requirement", "more.txt", [] if "pip" in base else ["pip"]),
    ]:
        if lines:
            target += [option, write(work, name, lines)]
    code, _, talk = run("install", "--dry-run", *target, "--requirement", declared)
    if code and ("No solution found" in talk or "unsatisfiable" in talk):
        sys.stderr.write(talk)
        fail(
            "the Python requirements contradict each other, the lock or the base image",
            "the base image's packages stay as they are: loosen dependencies/requirements.txt or choose another base",
        )
    direct = []
    if code == 0:
        for line in talk.splitlines():
            added = re.match(r" [+~] (\S+?)(?:==(\S+)| @ (\S+)| \(from (.+)\))", line)
            if not added:
                continue
            name, version = key(added.group(1)), added.group(2)
            if version and name in base and base[name]["version"] == version:
                # uv does not look where a distribution keeps its own packages; Python does.
                continue
            if version:
                pins.setdefault(name, "%s==%s" % (name, version))
            else:
                direct.append("%s @ %s" % (added.group(1), added.group(3)))

    # Which of them have a wheel for this Python, and where each comes from.
    wheels = set()
    if code == 0 and pins:
        exact = write(work, "pins.txt", options + [line.split(" --hash")[0] for line in pins.values()])
        code, resolved, talk = run(
            "compile", "--no-deps", "--no-header", "--format", "pylock.toml", "--python", os.environ["PYTHON"], exact
        )
        if code == 0:
            write(plan, "resolved.toml", resolved.splitlines())
            for package in resolved.split("[[packages]]")[1:]:
                if re.search(r"^(wheels = |\[\[packages.wheels)", package, re.M):
                    wheels.add(key(re.search(r'^name = "(.+?)"', package, re.M).group(1)))
    if code:
        # Metadata of some source packages, and git, need what apt-build.txt lists.
        reason = [line for line in talk.splitlines() if line.strip() and not line.startswith(("Using", "warning"))]
        print("this cannot be planned without the build packages; one part gets everything:")
        print("\n".join("    " + line for line in reason[:6]))
        for name in ("declared", "locked"):
            if os.path.isdir(os.path.join(inputs, name)):
                shutil.copytree(os.path.join(inputs, name), os.path.join(plan, "built", name))
        write(plan, "built/constraints.txt", constraints)
        pins, direct, locked_names = {}, [], set()
    else:
        direct += locked_urls.values()

    parts = [[] for _ in range(PARTS)]
    is_wheel = re.compile(r"@ \S+\.whl(#\S*)?$")
    new = [line for line in direct if is_wheel.search(line)]
    built = [line for line in direct if not is_wheel.search(line)]
    for name, line in sorted(pins.items()):
        if name not in wheels:
            built.append(line)
        elif locked_names and name not in locked_names:
            new.append(line)
        else:
            parts[zlib.crc32(name.encode()) % PARTS].append(line)
    for number, lines in enumerate(parts, 1):
        write(plan, "%d/pins.txt" % number, options + lines if lines else [])
    write(plan, "new/pins.txt", options + new if new else [])
    write(plan, "built/pins.txt", options + built if built else [])
    write(plan, "apt-build", ["needed" if built or code else "not needed"])

    same = sorted(requested & set(base) - set(pins))
    if same:
        print("the base image has already: " + ", ".join("%s %s" % (name, base[name]["version"]) for name in same))
    if not code:
        print("%d wheels in %d parts, %d new, %d to build" % (sum(map(len, parts)), PARTS, len(new), len(built)))


main(*sys.argv[1:])
