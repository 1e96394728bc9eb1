"""Decide which Python packages the image gets, and sort them into parts that build apart.

    python-plan.py UV INPUTS PLAN

INPUTS/declared holds what people ask for, INPUTS/locked what `envtpl freeze` wrote.
PLAN gets

    1/pins.txt ...   wheels: the locked ones, or all when nothing is locked, spread by name
    new/pins.txt     wheels that the lock does not know yet
    built/KEY/...    what must be built from source, for the stage that has compilers: pins.txt, and
                     in tools.txt what the lock says that these were built with; KEY is a digest of that;
                     in pure.txt those that came out as Python alone, with a digest of their files
    apt-build        whether that stage has anything to do: "needed", "not needed", or "perhaps" when
                     all that is built came out as Python alone, and trying without compilers tells
    requested.txt    the names that people asked for themselves
    uv.json          the file that uv came from
    resolved.toml    what was resolved here, with files and hashes, for the next freeze

A change of one requirement then changes one part, and the others come from the build's cache.
What is declared and what the lock answers are compared line by line, so that a build from a lock
that answers everything resolves nothing and asks no index what there is.
"""

import glob
import hashlib
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
# Conda's packages, in an environment that it made, may be others than when the lock was made.
OF_CONDA = "BASE_SNAPSHOT" in os.environ
START_AGAIN = "delete dependencies/locked/requirements*.txt, build and freeze again"


def fail(message, help_line):
    sys.stdout.flush()
    sys.exit("\nerror: %s\nhelp: %s\n" % (message, help_line))


def key(name):
    return re.sub("[-_.]+", "-", name).lower()


def named(line):
    """The name that a requirement begins with."""
    name = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*(?=\s*([\[<>=!~;@(\s]|$))", line)
    return name and key(name.group(0))


def free(distribution):
    return key(distribution["name"]) in FREE and distribution["installer"] != "conda"


def comparable(line):
    """A line as the lock writes what it answers: without credentials."""
    return re.sub(r"(?<!/)//[^/\s]*@", "//", line)


def logical_lines(path):
    """The lines of a requirements file with their numbers; no comments, continuations joined."""
    if not os.path.exists(path):
        return
    pending, start = "", 0
    with open(path, encoding="utf-8-sig") as text:
        for number, line in enumerate(text, 1):
            line = line.rstrip("\n")
            start = start or number
            if line.endswith("\\"):
                pending += line[:-1]
                continue
            joined = " ".join(re.sub(r"(^|\s)#.*$", "", pending + line).split())
            if joined:
                yield start, joined
            pending, start = "", 0
    if pending.strip():
        yield start, " ".join(pending.split())


class Declared:
    """A requirements file and those that it includes."""

    def __init__(self, path):
        self.directory = os.path.dirname(path)
        self.options, self.lines, self.constraints, self.places = [], [], [], {}
        self.seen = set()
        self.read(path, self.lines)

    def read(self, path, into):
        if path in self.seen:
            return
        self.seen.add(path)
        for number, line in logical_lines(path):
            nested = re.match(r"(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?=[^-\s]))(.+)", line)
            if nested and "://" not in line:
                constraint = nested.group(1) in ("-c", "--constraint") or into is self.constraints
                where = os.path.join(os.path.dirname(path), nested.group(2).strip("'\""))
                if not os.path.exists(where):
                    place = "dependencies/%s:%d" % (os.path.relpath(path, self.directory), number)
                    fail(
                        "%s: the build does not have the file of `%s`" % (place, line),
                        "of the files beside requirements.txt, requirements*.txt and constraints*.txt come along; "
                        "rename it so, or copy it with them in the Dockerfile",
                    )
                self.read(where, self.constraints if constraint else self.lines)
            elif line.startswith("-") and not nested and not re.match(r"-e\b|--editable\b", line):
                self.options.append(line)
            else:
                into.append(line)
                self.places.setdefault(line, "%s:%d" % (os.path.relpath(path, self.directory), number))

    def names(self):
        return {named(line) for line in self.lines} - {None}

    def asked(self):
        """Every line that a lock answers or not, as the lock writes it."""
        return {line: comparable(line) for line in self.lines} | {
            line: "-c " + comparable(line) for line in self.constraints
        }


class Locked:
    """What `envtpl freeze` wrote."""

    def __init__(self, directory, base):
        self.there = os.path.isdir(directory) and any(
            name.startswith("requirements") for name in os.listdir(directory)
        )
        # What conda brings in another version than the lock has from pip.
        self.displaced = {}
        self.wheels = self.pins(directory + "/requirements.txt", base)
        self.sources = self.pins(directory + "/requirements-source.txt", base)
        self.urls = {named(line): line for _, line in logical_lines(directory + "/requirements-vcs.txt")}
        for name in [name for name in self.urls if OF_CONDA and name in base and not free(base[name])]:
            self.displaced[name] = ("another", base[name]["version"])
            del self.urls[name]
        # What the lock answers, and what it takes for given, are comments of its lists.
        self.answers, self.given, self.python = set(), {}, None
        self.tools = {line.split()[0]: line for _, line in logical_lines(directory + "/requirements-build.txt")}
        # What a package was built with stands above it.
        self.built_with, self.pure, above, digest = {}, {}, [], ""
        for path in glob.glob(directory + "/requirements*.txt"):
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    word, _, rest = line.rstrip("\n").partition(": ")
                    if word == "# asked":
                        self.answers.add(rest)
                    elif word == "# given":
                        name, _, version = rest.partition("==")
                        self.given[key(name)] = version
                    elif word == "# python":
                        self.python = rest
                    elif word == "# built with":
                        above = rest.split()
                    elif word == "# Python alone":
                        digest = rest
                    elif above and named(line):
                        self.built_with[named(line)], self.pure[named(line)] = above, digest
                        above, digest = [], ""

    def pins(self, path, base):
        pins = {}
        for _, line in logical_lines(path):
            name, _, version = line.split()[0].partition("==")
            there = base.get(key(name))
            if there and not free(there):
                if there["version"] != version and OF_CONDA:
                    self.displaced[key(name)] = (version, there["version"])
                elif there["version"] != version:
                    fail(
                        "the lock has %s and the base image has %s %s" % (line.split()[0], name, there["version"]),
                        "the base changed since the freeze: " + START_AGAIN,
                    )
                continue
            pins[key(name)] = line
        return pins

    def built_by_lock(self, line):
        """Lines for what a pin was built with; None when the lock does not know the pin, or how."""
        name = named(line)
        if name not in self.built_with or line not in (self.sources.get(name), self.urls.get(name)):
            return None
        tools = [tool for tool in self.built_with[name] if tool in self.tools]
        names = [tool.partition("==")[0] for tool in tools]
        # Tools of tools may want two versions of one: those are left to them.
        return [self.tools[tool] for tool in sorted(tools) if names.count(tool.partition("==")[0]) == 1]

    def all_pins(self):
        return {**self.wheels, **self.sources}

    def check_python(self):
        running = "%d.%d" % sys.version_info[:2]
        if self.python and self.python != running:
            fail("the lock is for Python %s and the base image has %s" % (self.python, running), START_AGAIN)

    def misses(self, base):
        """Packages of the base image that the lock stands on and that are not there."""
        return sorted(
            "%s %s" % (name, version)
            for name, version in self.given.items()
            if name not in base or base[name]["version"] != version
        )


class Resolver:
    """Asks uv."""

    def __init__(self, uv, work):
        self.uv, self.work = uv, work
        # Some packages tell what they need only when they are built, and uv keeps what came of it.
        noting = os.path.join(work, "noting")
        os.mkdir(noting)
        shutil.copy(os.path.join(os.path.dirname(__file__), "record-build.py"), noting + "/sitecustomize.py")
        cache = subprocess.run([uv, "cache", "dir"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        os.makedirs(cache, exist_ok=True)
        record = os.path.join(cache, "envtpl-builds.jsonl")
        self.environment = dict(os.environ, PYTHONPATH=noting, ENVTPL_BUILD_RECORD=record)

    def write(self, name, lines):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in lines)
        return path

    def run(self, *arguments):
        command = [self.uv, "pip", *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment)
        return done.returncode, done.stdout, done.stderr

    def install(self, path, constraints, pins, excluded):
        """What installing would add to the base: uv's status, and what it said."""
        target = ["--python", os.environ["PYTHON"], "--break-system-packages"]
        for option, name, lines in [
            ("--constraint", "base.txt", constraints),
            ("--constraint", "locked.txt", [line.split(" --hash")[0] for line in pins.values()]),
            ("--excludes", "excluded.txt", sorted(excluded)),
        ]:
            if lines:
                target += [option, self.write(name, lines)]
        code, _, talk = self.run("install", "--dry-run", *target, "--requirement", path)
        return code, talk

    def files(self, lines, options):
        """The files and hashes of exact requirements, as pylock.toml."""
        exact = self.write("pins.txt", options + lines)
        common = ["compile", "--no-deps", "--no-header", "--python", os.environ["PYTHON"], exact]
        code, resolved, talk = self.run(*common, "--format", "pylock.toml")
        several = os.environ.get("UV_INDEX") or any(re.match("--extra-index-url|--find-links|-f", one) for one in options)
        if code == 0 and several:
            # Which index has a package is told by this form alone.
            _, annotated, _ = self.run(*common, "--emit-index-annotation", "--no-annotate")
            for name, index in re.findall(r"^(\S+?)==.*(?:\n\s.*)*?\n\s+# from (\S+)$", annotated, re.M):
                resolved = re.sub(
                    r'(?m)^(name = "%s"\n(?:version = .*\n)?)' % re.escape(key(name)),
                    lambda found: found.group(1) + 'index = "%s"\n' % index,
                    resolved,
                )
        return code, resolved, talk


def with_yanked(resolved, talk):
    """pylock.toml with why a version was taken back, which uv only warns of."""
    yanked = dict(re.findall(r'`([^`=]+)==[^`]+` is yanked(?: \(reason: "(.*)"\))?$', talk, re.M))
    for name, reason in yanked.items():
        resolved = re.sub(
            r'(?m)^(name = "%s"\n)' % re.escape(key(name)),
            lambda found: found.group(1) + "yanked = %s\n" % json.dumps(reason),
            resolved,
        )
    return resolved


def is_contradiction(code, talk):
    return code != 0 and ("No solution found" in talk or "unsatisfiable" in talk)


def main(uv, inputs, plan):
    work = tempfile.mkdtemp()
    resolver = Resolver(uv, work)
    for part in [*map(str, range(1, PARTS + 1)), "new", "built"]:
        os.makedirs(os.path.join(plan, part))
    shutil.copy(os.path.join(os.path.dirname(uv), "uv.json"), plan)

    def write(name, lines):
        with open(os.path.join(plan, name), "w", encoding="utf-8") as out:
            out.writelines(line + "\n" for line in lines)

    with open(os.environ.get("BASE_SNAPSHOT", "/opt/envtpl/base.json"), encoding="utf-8") as record:
        # A base whose Python comes with the system packages has none of its own.
        python = json.load(record)["python"] or {"distributions": []}
    base = {key(one["name"]): one for one in python["distributions"]}
    constraints = [
        "%s==%s" % (name, one["version"])
        for name, one in sorted(base.items())
        if not free(one) and re.fullmatch(r"[A-Za-z0-9.!+_-]+", one["version"])
    ]
    declared = Declared(inputs + "/declared/requirements.txt")
    locked = Locked(inputs + "/locked", base)
    locked.check_python()
    pins = locked.all_pins()
    requested = declared.names()
    # `pip install` in a container, and the editable install of the project, need one.
    more = [] if "pip" in base else ["pip"]
    requested |= set(more)
    write("requested.txt", sorted(requested))

    since = [line for line, answer in declared.asked().items() if answer not in locked.answers]
    since += [name for name in more if name not in pins]
    missing = locked.misses(base)
    if locked.answers:
        for name in {named(line) for line in since} & set(locked.urls):
            # A line that names another address or commit goes before the lock.
            del locked.urls[name]
    direct, resolved, warnings, code = [], "", "", 0
    for name, (version, of_conda) in sorted(locked.displaced.items()):
        print("conda has %s %s, where the lock has %s from pip: conda comes first" % (name, of_conda, version))
    if not locked.there or missing or locked.displaced or since:
        # In one file with plain lines: uv reads fewer forms of a line than pip does.
        shutil.copytree(declared.directory, work + "/declared")
        bounds = resolver.write("declared/bounds.txt", declared.constraints)
        head = declared.options + (["--constraint " + bounds] if declared.constraints else [])
        everything = part = resolver.write("declared/everything.txt", head + declared.lines + more)
        if missing:
            of = "conda" if OF_CONDA else "the base image"
            print("%s no longer has what the lock stands on (%s): all is resolved again" % (of, ", ".join(missing)))
        elif since and locked.there and locked.answers:
            print("declared since the lock was made, and resolved under it:")
            for line in since:
                # A line of environment.yml has no number here.
                place = declared.places.get(line, "")
                shown = "" if os.path.exists(inputs + "/declared/environment.yml") or not place else place + ": "
                print("    %s%s" % (shown, comparable(line)))
            # A new constraint is for everything, and so is another version of conda's.
            if not set(since) & set(declared.constraints) and not locked.displaced:
                part = resolver.write("declared/since.txt", head + since)
        code, talk = resolver.install(part, constraints, pins, locked.urls)
        changed = {named(line) for line in since} & set(pins)
        if is_contradiction(code, talk) and changed:
            # A line that asks for another version than the locked one goes before the lock.
            pins = {name: line for name, line in pins.items() if name not in changed}
            code, talk = resolver.install(everything, constraints, pins, locked.urls)
        if is_contradiction(code, talk) and OF_CONDA and (missing or locked.displaced) and pins:
            print("the locked versions do not go together with what conda has: all is resolved without them")
            pins = {}
            code, talk = resolver.install(everything, constraints, pins, locked.urls)
        warnings = talk
        if is_contradiction(code, talk):
            sys.stderr.write(talk)
            fail(
                "the Python requirements contradict each other, the lock or the base image",
                "the base image's packages stay as they are: loosen dependencies/requirements.txt or choose another base"
                + ("; or let all be resolved again: " + START_AGAIN if locked.there else ""),
            )
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
                    pins.pop(name, None)
                    direct.append("%s @ %s" % (added.group(1), added.group(3)))
    else:
        print("the lock answers everything that is declared: nothing is resolved")

    # Which of the new ones have a wheel for this Python, and the files of each.
    hashed = {name for name, line in pins.items() if "--hash=" in line}
    wheels = {name for name in locked.wheels if name in hashed}
    unknown = [line.split(" --hash")[0] for name, line in sorted(pins.items()) if name not in hashed]
    archives = [line for line in direct if re.search(r"@ https?://", line)]
    if code == 0 and (unknown or archives):
        code, resolved, talk = resolver.files(unknown + archives, declared.options)
        resolved = with_yanked(resolved, warnings + talk)
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
        write("built/declared/requirements.txt", declared.options + declared.lines + more)
        write("built/declared/bounds.txt", declared.constraints)
        write("built/constraints.txt", constraints)
        pins, direct = {}, []
    else:
        direct += locked.urls.values()
        if resolved:
            write("resolved.toml", resolved.splitlines())

    parts = [[] for _ in range(PARTS)]
    is_wheel = re.compile(r"@ \S+\.whl(#\S*)?$")
    new = [line for line in direct if is_wheel.search(line)]
    built = [line for line in direct if not is_wheel.search(line)]
    for name, line in sorted(pins.items()):
        if name not in wheels:
            built.append(line)
        elif locked.there and line != locked.wheels.get(name):
            new.append(line)
        else:
            parts[zlib.crc32(name.encode()) % PARTS].append(line)
    options = declared.options
    for number, lines in enumerate(parts, 1):
        write("%d/pins.txt" % number, options + lines if lines else [])
    write("new/pins.txt", options + new if new else [])

    def pure(lines):
        """Those that came out as Python alone, with the digests of their files."""
        return ["%s %s" % (named(line), locked.pure[named(line)]) for line in lines if locked.pure.get(named(line))]

    groups = {}
    for line in built:
        groups.setdefault(tuple(locked.built_by_lock(line) or ()), []).append(line)
    for tools, lines in groups.items():
        directory = "built/" + (hashlib.sha256("\n".join(tools).encode()).hexdigest()[:16] if tools else "any")
        os.makedirs(os.path.join(plan, directory))
        write(directory + "/pins.txt", options + lines)
        write(directory + "/tools.txt", tools)
        write(directory + "/pure.txt", pure(lines) if tools else [])
    open_to_trial = all(tools and len(pure(lines)) == len(lines) for tools, lines in groups.items())
    if any("git+" in line for line in built) and not shutil.which("git"):
        open_to_trial = False
    write("apt-build", ["not needed" if not (built or code) else "perhaps" if built and open_to_trial else "needed"])

    same = sorted(requested & set(base) - set(pins))
    if same:
        print("the base image has already: " + ", ".join("%s %s" % (name, base[name]["version"]) for name in same))
    if not code:
        print("%d wheels in %d parts, %d new, %d to build" % (sum(map(len, parts)), PARTS, len(new), len(built)))


main(*sys.argv[1:])
