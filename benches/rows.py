"""The rows of the speed table. Run by run.sh, which says what it needs."""

import functools
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from pairs import Failed, Row, pairs, run, table, timed

HERE = Path(__file__).resolve().parent
ENVTPL = os.path.abspath(os.environ["ENVTPL"])
PLATFORM = os.environ["BENCH_PLATFORM"]
CA_BUNDLE = os.environ.get("BENCH_CA_BUNDLE", "")
COOKIECUTTER = os.environ["COOKIECUTTER"]
ROUNDS = float(os.environ.get("ROUNDS", "1"))
BASE = f"envtpl-test/base-python:{PLATFORM}"
NAME = f"{PLATFORM}-cpu"

# One a round: small, pure, without dependencies of their own.
PIP_PACKAGES = ["humanize", "toolz", "inflection", "pyjokes", "colorlog", "tabulate", "xmltodict", "iniconfig", "blinker",
                "sortedcontainers", "chardet", "docopt", "wcwidth", "retrying", "pyasn1", "ply"]
APT_DEV_PACKAGES = ["jq", "tree", "htop", "nano", "rsync", "unzip"]
APT_RUNTIME_PACKAGES = ["file", "bc", "zip", "time", "lsof", "dc"]

scratch = Path(tempfile.mkdtemp(prefix="envtpl-bench-"))
log = scratch / "log"
# Only what this run made is removed at its end.
IMAGES = f"envtpl-bench/{os.getpid()}"
rows, failed = [], []


def rounds(number):
    return max(1, round(number * ROUNDS))


def quiet(command, cwd=None):
    run(command, cwd=cwd, log=log)


def answer(command, cwd=None):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout


def git(directory, *words):
    quiet(["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost", "-c", "commit.gpgsign=false", *words], cwd=directory)


def commit(directory, message="change"):
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--allow-empty", "--message", message)


class Project:
    """A project of ours, with the packages of the comparison in its lists."""

    def __init__(self, name, lists=True, base=BASE):
        self.root = scratch / name
        self.installation = self.root / "installation" / NAME
        self.image = f"{IMAGES}-{name}"
        self.root.mkdir()
        git(self.root, "init", "--quiet")
        quiet([ENVTPL, "init", "--yes", "--installation", NAME, "--base-image", base, "--project-name", name], cwd=self.root)
        quiet([ENVTPL, "-i", NAME, "env"], cwd=self.root)
        self.set_env(IMAGE_NAME=self.image, CA_BUNDLE=CA_BUNDLE)
        if lists:
            for file in ("requirements", "apt-build", "apt-runtime", "apt-dev"):
                shutil.copy(HERE / "anchor" / f"{file}.txt", self.dependencies(file))
        commit(self.root, "start")

    def dependencies(self, name):
        return self.installation / "dependencies" / f"{name}.txt"

    def set_env(self, **values):
        path = self.installation / ".env"
        lines = [line for line in path.read_text().splitlines() if line.split("=")[0] not in values]
        path.write_text("\n".join(lines + [f"{key}='{value}'" for key, value in values.items() if value]) + "\n")

    def append(self, name, line):
        with self.dependencies(name).open("a") as file:
            file.write(line + "\n")
        commit(self.root)

    def build(self, *options):
        return timed([ENVTPL, "-i", NAME, "--progress", "plain", "build-generic", *options], cwd=self.root, log=log)

    def holds(self, package):
        """Whether both images have the package: a quick build must not be an empty one."""
        look = f"import importlib.metadata; importlib.metadata.version({package!r})"
        for flavour in ("run", "dev"):
            quiet(["docker", "run", "--rm", "--entrypoint", "python3", f"{self.image}:{NAME}-{flavour}-latest-root", "-c", look])

    def layers(self, flavour):
        """What the image holds. Its labels name the commit, so its id changes with each."""
        return answer(["docker", "image", "inspect", "--format", "{{json .RootFS.Layers}}", self.image_id(flavour)]).strip()

    def image_id(self, flavour):
        return answer(["docker", "image", "inspect", "--format", "{{.Id}}", f"{self.image}:{NAME}-{flavour}-latest-root"]).strip()


class Anchor:
    """The same packages, the anchor's way."""

    def __init__(self, name, base=BASE):
        self.root = scratch / name
        self.image = f"{IMAGES}-{name}"
        self.base = base
        shutil.copytree(HERE / "anchor", self.root)
        (self.root / "apt.txt").write_text("".join((HERE / "anchor" / f"apt-{part}.txt").read_text() for part in ("build", "runtime", "dev")))

    def append(self, name, line):
        with (self.root / f"{name}.txt").open("a") as file:
            file.write(line + "\n")

    def build(self, *options):
        return timed(["docker", "build", "--progress", "plain", "--tag", self.image, "--build-arg", f"BASE_IMAGE={self.base}",
                      "--secret", f"id=ca_bundle,src={CA_BUNDLE or os.devnull}", *options, "."], cwd=self.root, log=log)


def measure(row, *arguments, **options):
    """Adds a row; one that cannot be measured does not stop the others."""
    try:
        rows.append(pairs(row, *arguments, **options))
    except Failed as problem:
        failed.append(row.what)
        print(f"{row.what}: {problem}", file=sys.stderr)


# --- start -------------------------------------------------------------------


def at_once(number, command, cwd):
    """Seconds until so many of a command have ended that began together."""
    begun = time.perf_counter()
    started = [subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
               for _ in range(number)]
    said = [process.communicate()[1] for process in started]
    for process, words in zip(started, said):
        if process.returncode:
            raise Failed(f"{' '.join(map(str, command))} failed with status {process.returncode}\n{words}")
    return time.perf_counter() - begun


def start():
    project = Project("start", lists=False)
    quiet([ENVTPL, "-i", NAME, "build"], cwd=project.root)
    # The first start installs the project; every other one only compares.
    quiet([ENVTPL, "-i", NAME, "run", "--", "python3", "-c", "import start"], cwd=project.root)
    bare = ["docker", "compose", "--project-directory", str(project.installation), "run", "--rm", "--no-TTY",
            "--entrypoint", "true", "run-local-cpu"]
    measure(Row("run true, project importable", 1.1, note="against compose run without an entrypoint"), rounds(25),
            lambda: timed([ENVTPL, "-i", NAME, "run", "true"], cwd=project.root, log=log),
            lambda: timed(bare, cwd=project.root, log=log), warm_up=2)
    inside = f"/project/{project.root.name}"
    plain = ["docker", "run", "--rm", "--network=none", f"--volume={project.root}:{inside}", f"--env=PROJECT_ROOT_AT={inside}"]
    image = f"{project.image}:{NAME}-run-latest-root"
    quiet([*plain, image, "python3", "-c", "import start"])
    measure(Row("the entrypoint, project importable", 1.1, note="docker run with the entrypoint against docker run without"), rounds(40),
            lambda: timed([*plain, image, "true"], log=log), lambda: timed([*plain, "--entrypoint=true", image], log=log), warm_up=3)
    tool_starts(project)
    measure(Row("20 starts at once", 1.2, note="against twenty compose runs without an entrypoint"), rounds(5),
            lambda: at_once(20, [ENVTPL, "-i", NAME, "run", "true"], project.root), lambda: at_once(20, bare, project.root))
    workspace = answer([ENVTPL, "-i", NAME, "dev", "--up"], cwd=project.root).strip()
    try:
        measure(Row("exec true in a workspace", 1.2, note="against docker exec"), rounds(25),
                lambda: timed([ENVTPL, "-i", NAME, "exec", "true"], cwd=project.root, log=log),
                lambda: timed(["docker", "exec", workspace, "true"], log=log), warm_up=2)
    finally:
        quiet([ENVTPL, "-i", NAME, "down"], cwd=project.root)
    measure(Row("warm build-generic, nothing changed", 1.2, note="against compose build of both services"), rounds(7),
            project.build,
            lambda: timed(["docker", "compose", "--project-directory", str(project.installation), "build",
            "image-run-root", "image-dev-root"], cwd=project.root, log=log))


def tool_starts(project):
    """A command of the generic image on a directory, by envtpl and by the script that it prints."""
    script = scratch / "toolchain"
    quiet([ENVTPL, "-i", NAME, "wrap", "--local", "-o", str(script)], cwd=project.root)
    bare = ["docker", "run", "--rm", "--init", "--interactive", "--network=host", "--env=SKIP_INSTALL_PROJECT=1",
            f"--volume={project.root}:/work", "--workdir=/work", f"{project.image}:{NAME}-dev-latest-root", "true"]
    for name, command in (("tool true", [ENVTPL, "-i", NAME, "tool", "true"]), ("the script of wrap, true", [str(script), "true"])):
        measure(Row(name, 1.1, note="against docker run of the same image"), rounds(25),
                lambda: timed(command, cwd=project.root, log=log), lambda: timed(bare, cwd=project.root, log=log), warm_up=2)


# --- builds ------------------------------------------------------------------


@functools.cache
def fresh_base():
    """The base image with a step of this run alone: no step of an earlier run's build stands on it."""
    image = f"{IMAGES}-base:fresh"
    dockerfile = f"FROM {BASE}\nRUN echo {time.time_ns()} >/etc/envtpl-bench\n"
    subprocess.run(["docker", "build", "--quiet", "--tag", image, "-"], input=dockerfile.encode(), check=True, capture_output=True)
    return image


def cold_builds():
    cold = Row("cold build", 0.8, note="cold caches; ours builds both flavours")
    for number in range(rounds(3)):
        # Caches are kept by the base's name: a new name has none. Nobody's are pruned.
        base = f"{IMAGES}-base:{number}"
        quiet(["docker", "tag", BASE, base])
        ours, theirs = Project(f"cold{number}"), Anchor(f"cold-anchor{number}")
        path = ours.installation / "compose-base.yaml"
        path.write_text(path.read_text().replace(BASE, base))
        commit(ours.root)
        theirs.base = base
        order = [lambda: cold.ours.append(ours.build("--no-cache")), lambda: cold.theirs.append(theirs.build("--no-cache"))]
        for one in order if number % 2 == 0 else reversed(order):
            one()
        print(f"  {cold.what}: {cold.ours[-1]:.1f} / {cold.theirs[-1]:.1f}", file=sys.stderr)
    rows.append(cold)


def builds():
    ours, theirs = Project("builds", base=fresh_base()), Anchor("anchor", base=fresh_base())
    ours.build()
    theirs.build()
    packages = iter(PIP_PACKAGES)

    added = []

    def new_pip(_):
        package = next(packages)
        added.append(package)
        ours.append("requirements", package)
        theirs.append("requirements", package)

    row = Row("one more pip package, no lock", 0.5, note="both flavours rebuilt")
    measure(row, rounds(4), ours.build, theirs.build, new_pip)
    ours.holds(added[-1])

    apt_dev = iter(APT_DEV_PACKAGES)
    run_image = []

    def new_apt(names, list_name):
        def change(_):
            package = next(names)
            run_image.append(ours.layers("run"))
            ours.append(list_name, package)
            theirs.append("apt", package)
        return change

    row = Row("one more apt package, dev", 0.4)
    measure(row, rounds(3), ours.build, theirs.build, new_apt(apt_dev, "apt-dev"))
    row.note = "run image untouched" if run_image[-1] == ours.layers("run") else "RUN IMAGE CHANGED"

    row = Row("one more apt package, runtime", 0.45)
    installed_again = []

    def ours_logged():
        seconds = ours.build()
        steps = dict(re.findall(r"#(\d+) \[[^\]]*?(python-\w+) [^\n]*", log.read_text(errors="replace")))
        cached = set(re.findall(r"#(\d+) CACHED", log.read_text(errors="replace")))
        installed_again.extend(name for step, name in steps.items() if step not in cached)
        return seconds

    measure(row, rounds(3), ours_logged, theirs.build, new_apt(iter(APT_RUNTIME_PACKAGES), "apt-runtime"))
    row.note = "PYTHON INSTALLED AGAIN: " + " ".join(sorted(set(installed_again))) if installed_again else "Python packages not reinstalled"


# --- freezing ----------------------------------------------------------------


def many_packages(count):
    """A base image with so many Python packages more: their metadata alone, which is what a snapshot reads."""
    directory = scratch / "many"
    directory.mkdir()
    (directory / "make.py").write_text(
        "import os, sysconfig\n"
        f"for number in range({count}):\n"
        "    name = f'made_up_{number}'\n"
        "    path = os.path.join(sysconfig.get_path('purelib'), name + '-1.0.dist-info')\n"
        "    os.makedirs(path)\n"
        "    files = {'METADATA': f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\nRequires-Dist: six\\n\\n' + 'text\\n' * 1500,\n"
        "             'WHEEL': 'Wheel-Version: 1.0\\nTag: py3-none-any\\n', 'INSTALLER': 'pip\\n', 'RECORD': 'x,,\\n' * 50}\n"
        "    for file, text in files.items():\n"
        "        with open(os.path.join(path, file), 'w') as out:\n"
        "            out.write(text)\n")
    (directory / "Dockerfile").write_text(f"FROM {BASE}\nCOPY make.py /tmp/\nRUN python3 /tmp/make.py\n")
    image = f"{IMAGES}-base:many"
    quiet(["docker", "build", "--tag", image, "."], cwd=directory)
    return image


def freezing():
    project = Project("frozen", lists=False)
    path = project.installation / "compose-base.yaml"
    path.write_text(path.read_text().replace(BASE, many_packages(300)))
    commit(project.root, "many packages")
    quiet([ENVTPL, "-i", NAME, "build-generic"], cwd=project.root)
    image = f"{project.image}:{NAME}-dev-latest-root"
    bare = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", image, "-c", "pass"]
    script = project.installation / "entrypoints" / "snapshot.sh"

    def snapshot():
        with script.open("rb") as text:
            return timed(["docker", "run", "--rm", "--interactive", "--network", "none", "--entrypoint", "sh", image, "-s"],
                         log=log, stdin=text)

    measure(Row("snapshot of 300 packages", 1.4, note="against docker run … python3 -c pass"), rounds(15),
            snapshot, lambda: timed(bare, log=log), warm_up=2)
    quiet([ENVTPL, "-i", NAME, "freeze"], cwd=project.root)
    commit(project.root, "freeze")
    project.build()
    # The images are now those of the lock, and the lock is theirs.
    quiet([ENVTPL, "-i", NAME, "freeze"], cwd=project.root)
    commit(project.root, "freeze")
    project.build()
    measure(Row("freeze --check, nothing new", 1.5, note="against docker run … python3 -c pass"), rounds(15),
            lambda: timed([ENVTPL, "-i", NAME, "freeze", "--check"], cwd=project.root, log=log), lambda: timed(bare, log=log), warm_up=2)


def locked_builds():
    """Fresh builds of one set of packages, with its lock and without."""
    locked, free = Project("locked", base=fresh_base()), Project("free", base=fresh_base())
    locked.build()
    quiet([ENVTPL, "-i", NAME, "freeze"], cwd=locked.root)
    commit(locked.root, "freeze")
    free.build()
    measure(Row("build from a lock", 0.7, note="against the same build without one; no layer cached"), rounds(3),
            lambda: locked.build("--no-cache"), lambda: free.build("--no-cache"))

    anchor = Anchor("locked-anchor", base=fresh_base())
    anchor.build()
    locked.build()
    packages, apt_packages = iter(PIP_PACKAGES), iter(APT_DEV_PACKAGES)

    def new_pip(_):
        package = next(packages)
        locked.append("requirements", package)
        anchor.append("requirements", package)

    def new_apt(_):
        package = next(apt_packages)
        locked.append("apt-dev", package)
        anchor.append("apt", package)

    first = Row("one more pip package, locked, first", 0.2, note="the first after a fresh build")
    measure(first, 1, locked.build, anchor.build, new_pip, warm_up=0)
    measure(Row("one more pip package, locked", 0.2, note="both flavours rebuilt"), rounds(4), locked.build, anchor.build, new_pip)
    measure(Row("one more apt package, locked, dev", 0.12), rounds(3), locked.build, anchor.build, new_apt)


def sources():
    """Every file of a lock into an empty store, against curl that fetches the same addresses."""
    project = Project("sources")
    project.build()
    quiet([ENVTPL, "-i", NAME, "freeze"], cwd=project.root)
    listed = json.loads(answer([ENVTPL, "-i", NAME, "sources", "fetch", "--dry-run", "--format", "json"], cwd=project.root))
    files = {file["sha256"]: file["url"] for file in listed[0]["files"]}
    plain = scratch / "fetched"
    list_of_files = scratch / "files.curl"
    list_of_files.write_text("".join(f'url = "{url}"\noutput = "{plain / sha256}"\n' for sha256, url in files.items()))
    certificates = ["--cacert", CA_BUNDLE] if CA_BUNDLE else []

    def ours():
        shutil.rmtree(project.root / ".envtpl" / "sources", ignore_errors=True)
        return timed([ENVTPL, "-i", NAME, "sources", "fetch"], cwd=project.root, log=log)

    def curl():
        shutil.rmtree(plain, ignore_errors=True)
        plain.mkdir()
        return timed(["curl", "--silent", "--show-error", "--fail", "--location", "--parallel", *certificates,
                      "--config", str(list_of_files)], log=log)

    measure(Row(f"sources fetch, {len(files)} files", 1.11, note="against curl --parallel of the same addresses"), rounds(5), ours, curl)


# --- size --------------------------------------------------------------------


def size():
    project = Project("size")
    project.build()
    plain = scratch / "size-plain"
    shutil.copytree(HERE / "plain", plain)
    for name in ("requirements", "apt-runtime"):
        shutil.copy(project.dependencies(name), plain)
    quiet(["docker", "build", "--progress", "plain", "--tag", f"{IMAGES}-size-plain", "--build-arg", f"BASE_IMAGE={BASE}",
           "--secret", f"id=ca_bundle,src={CA_BUNDLE or os.devnull}", "."], cwd=plain)

    def megabytes(image):
        return int(answer(["docker", "image", "inspect", "--format", "{{.Size}}", image])) / 1e6

    ours, theirs = megabytes(project.image_id("run")), megabytes(f"{IMAGES}-size-plain")
    rows.append(Row("size of the run image", (theirs + 1) / theirs, [ours], [theirs], "limit: the plain image + 1 MB", "MB"))


# --- small commands ----------------------------------------------------------


def cookiecutter_template(project, destination):
    """A cookiecutter that renders as many files, of the same text."""
    (destination / "{{cookiecutter.name}}").mkdir(parents=True)
    (destination / "cookiecutter.json").write_text(json.dumps({"name": "rendered", "project": "x"}))
    count = 0
    for path in sorted(project.rglob("*")):
        if path.is_file() and ".git" not in path.relative_to(project).parts:
            target = destination / "{{cookiecutter.name}}" / path.relative_to(project)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text()
            if re.search(r"\{[{%#]", text):
                text = "{% raw %}" + text + "{% endraw %}"
            target.write_text("{{ cookiecutter.project }}\n" + text)
            count += 1
    return count


def small():
    room = scratch / "small"
    room.mkdir()
    git_version = lambda: timed(["git", "--version"])  # noqa: E731
    measure(Row("--help", 2, note="against git --version"), rounds(50), lambda: timed([ENVTPL, "--help"]), git_version, warm_up=3)

    project = Project("commands", lists=False)
    measure(Row("ls --no-engine", 2, note="against git --version"), rounds(50),
            lambda: timed([ENVTPL, "ls", "--no-engine"], cwd=project.root), git_version, warm_up=3)

    number = iter(range(10**6))
    template = room / "cookiecutter"
    first = room / "first"
    first.mkdir()

    def init(directory):
        return timed([ENVTPL, "init", str(directory), "--yes", "--installation", NAME, "--base-image", BASE], log=log)

    init(first)
    files = cookiecutter_template(first, template)

    def cookiecutter():
        return timed([COOKIECUTTER, "--no-input", "--output-dir", str(room / f"cookie{next(number)}"), str(template)], log=log)

    against = f"against cookiecutter rendering {files} files"
    measure(Row("init", 0.05, note=against), rounds(10), lambda: init(room / f"init{next(number)}"), cookiecutter)

    def env():
        (project.installation / ".env").unlink()
        return timed([ENVTPL, "-i", NAME, "env"], cwd=project.root, log=log)

    measure(Row("env", 0.05, note=against), rounds(10), env, cookiecutter)
    measure(Row("check --no-engine", 0.05, note=against), rounds(10),
            lambda: timed([ENVTPL, "-i", NAME, "check", "--no-engine"], cwd=project.root, log=log), cookiecutter)
    there_and_back = [NAME, f"{PLATFORM}-cpu-other"]

    def edit_platform():
        there_and_back.reverse()
        return timed([ENVTPL, "edit-platform", there_and_back[1], there_and_back[0]], cwd=project.root, log=log)

    measure(Row("edit-platform", 0.05, note=against), rounds(10), edit_platform, cookiecutter)


# --- sharing -----------------------------------------------------------------


def registry():
    """A registry of images on this machine; gives its process and its address."""
    room = scratch / "registry"
    room.mkdir()
    configuration = room / "config.yml"
    configuration.write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {json.dumps(str(room / 'data'))}}}}}\nhttp: {{addr: '127.0.0.1:0'}}\n")
    process = subprocess.Popen(["docker-registry", "serve", str(configuration)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        found = re.search(r"listening on ([0-9.:]+)", line)
        if found:
            # What it says from then on is read by nobody, and must not stop it.
            threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
            return process, found[1]
    raise Failed("no registry: apt-get install docker-registry")


def sharing():
    project = Project("sharing", lists=False)
    process, address = registry()
    try:
        # What this run made is removed by the beginning of its name.
        repository = f"{address}/{IMAGES}-shared"
        project.build()
        quiet([ENVTPL, "push-generic", repository], cwd=project.root)
        commit(project.root, "share")
        names = [f"{repository}:{NAME}-{flavour}-{which}-root" for which in ("bare", "latest") for flavour in ("run", "dev")]

        def ours():
            return timed([ENVTPL, "-i", NAME, "push-generic"], cwd=project.root, log=log)

        def bare():
            begun = time.perf_counter()
            for name in names:
                flavour = "run" if "-run-" in name else "dev"
                quiet(["docker", "tag", f"{project.image}:{NAME}-{flavour}-latest-root", name])
                quiet(["docker", "push", name])
            return time.perf_counter() - begun

        measure(Row("push of unchanged images", 1.2, note="against docker tag and docker push of the same four names"), rounds(10), ours, bare)
    finally:
        process.kill()
        for name in answer(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).split():
            if name.startswith(f"{address}/"):
                subprocess.run(["docker", "image", "rm", name], capture_output=True)


# --- logs --------------------------------------------------------------------


def build_log(path, size):
    """A log of a parallel make of about so many bytes, as BuildKit prints it, that fails near its end."""
    said = [f"[ {n:2d}%] Building CXX object modules/m{n}/CMakeFiles/m{n}.dir/src/file_{n}.cpp.o" for n in range(100)]
    said += [f"/usr/bin/c++ -I/src/m{n}/include -W -Wall -Werror=return-type -Werror=format-security -O3 -fPIC -std=c++17 "
             f"-o CMakeFiles/m{n}.dir/file.cpp.o -c /src/m{n}/file.cpp" for n in range(60)]
    said += [f"/src/m{n}/file.cpp:{n}:9: warning: unused variable 'x' [-Wunused-variable]" for n in range(30)]
    said += [f"[ {n:2d}%] Built target m{n}" for n in range(60)]
    seed = (HERE.parent / "tests" / "failures" / "seed" / "log.txt").read_text()
    written = number = 0
    with path.open("w") as file:
        file.write("#42 [build 1/5] RUN make -j14\n")
        while written < size:
            number += 1
            written += file.write(f"#42 {number / 1000:.1f} {said[number * 7919 % len(said)]}\n")
        file.write(seed)


def peak(command):
    """Megabytes that a command had at most."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise Failed(f"{' '.join(map(str, command))} failed")
    return usage.ru_maxrss / 1000


def logs():
    long, short = scratch / "long.log", scratch / "short.log"
    build_log(long, 200_000_000)
    build_log(short, 2_000_000)
    measure(Row("explain a log of 200 MB", 4, note="against grep -cE 'error:'"), rounds(10),
            lambda: timed([ENVTPL, "explain", str(long)], cwd=scratch), lambda: timed(["grep", "-cE", "error:", str(long)]), warm_up=2)
    measure(Row("its memory", 1.25, note="against that for a log of 2 MB", unit="MB"), rounds(3),
            lambda: peak([ENVTPL, "explain", str(long)]), lambda: peak([ENVTPL, "explain", str(short)]))


# --- growth ------------------------------------------------------------------


def grown(count):
    project = Project(f"grown{count}", lists=False)
    for number in range(1, count):
        shutil.copytree(project.installation, project.installation.with_name(f"{NAME}-v{number}"))
    commit(project.root)
    quiet(["git", "status"], cwd=project.root)
    return project


def growth():
    points = {"ls --no-engine": [], "git status": [], "check --no-engine": [], "edit-platform --copy": []}
    counts = [1, 10, 50, 100, 200, 500]
    for count in counts:
        root = grown(count).root
        row = pairs(Row(f"ls --no-engine, {count} installations", 2 if count == counts[-1] else None, note="against git status there"), rounds(9),
                    lambda: timed([ENVTPL, "ls", "--no-engine"], cwd=root, log=log), lambda: timed(["git", "status"], cwd=root, log=log))
        if count == counts[-1]:
            rows.append(row)
        points["ls --no-engine"].append(statistics.median(row.ours))
        points["git status"].append(statistics.median(row.theirs))
        for name, command in (("check --no-engine", lambda n: ["-i", NAME, "check", "--no-engine"]),
                              ("edit-platform --copy", lambda n: ["edit-platform", NAME, f"{NAME}-copy{n}", "--copy"])):
            if name not in points:
                continue
            try:
                points[name].append(statistics.median(timed([ENVTPL, *command(n)], cwd=root, log=log) for n in range(rounds(5))))
            except Failed as problem:
                failed.append(f"growth of {name}")
                print(f"{name}: {problem}", file=sys.stderr)
                del points[name]
    target = HERE.parent / "target" / "growth.svg"
    target.parent.mkdir(exist_ok=True)
    target.write_text(plot(counts, points))
    print(f"{target.relative_to(HERE.parent)}: copy it to docs/ to keep it", file=sys.stderr)


def plot(counts, points):
    """Milliseconds over the number of installations, as a plain SVG."""
    width, height, left, bottom, top, right = 640, 360, 60, 46, 20, 170
    highest = max(max(values) for values in points.values()) * 1000
    step = next(s * 10**e for e in range(6) for s in (1, 2, 5) if highest / (s * 10**e) <= 6)
    ceiling = step * (int(highest / step) + 1)
    x = lambda count: left + (width - left - right) * count / counts[-1]  # noqa: E731
    y = lambda value: height - bottom - (height - bottom - top) * value / ceiling  # noqa: E731
    colours = ["#0b6e4f", "#888888", "#1f5fa8", "#b5541c"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for value in range(0, int(ceiling) + 1, step):
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for count in counts:
        if count in (1, 100, 200, 500):
            out.append(f'<text x="{x(count):.1f}" y="{height - bottom + 16}" text-anchor="middle">{count}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 8}" text-anchor="middle">installations in the project</text>')
    out.append(f'<text x="14" y="{(top + height - bottom) / 2}" transform="rotate(-90 14 {(top + height - bottom) / 2})" text-anchor="middle">milliseconds</text>')
    taken = []
    for colour, (name, values) in zip(colours, points.items()):
        line = " ".join(f"{x(count):.1f},{y(value * 1000):.1f}" for count, value in zip(counts, values))
        label = y(values[-1] * 1000) + 4
        while any(abs(label - other) < 14 for other in taken):
            label -= 14
        taken.append(label)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>'
                   f'<text x="{width - right + 8}" y="{label:.1f}" fill="{colour}">{name}</text>')
    return "\n".join(out) + "\n</svg>\n"


# --- all of it ---------------------------------------------------------------


def clean_up():
    # Compose makes the volumes of its files whatever runs.
    for installation in scratch.glob("*/installation/*"):
        subprocess.run(["docker", "compose", "--project-directory", str(installation), "down", "--volumes"], capture_output=True)
    listed = answer(["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={IMAGES}-*"])
    for image in listed.split():
        subprocess.run(["docker", "image", "rm", image], capture_output=True)
    # The caches of the cold rounds, which are named after those images. No other can use them.
    usage = subprocess.run(["docker", "buildx", "du", "--verbose"], capture_output=True, text=True).stdout
    for record in usage.split("\n\n"):
        identity = re.search(r"^ID:\s*(\S+)", record, re.M)
        if identity and f"{IMAGES}-" in record:
            subprocess.run(["docker", "buildx", "prune", "--force", "--filter", f"id={identity[1]}"], capture_output=True)


def main():
    parts = {"small": small, "start": start, "growth": growth, "size": size, "cold": cold_builds, "builds": builds,
             "freezing": freezing, "locked": locked_builds, "sources": sources, "logs": logs, "sharing": sharing}
    chosen = sys.argv[1:] or list(parts)
    # So that a run that is ended early cleans up and shows what it has.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for name in chosen:
            print(f"{name} …", file=sys.stderr)
            begun = time.perf_counter()
            try:
                parts[name]()
            except Failed as problem:
                failed.append(name)
                print(f"{name}: {problem}", file=sys.stderr)
            print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    finally:
        if rows:
            print(table([row for row in rows if row.ours]))
        clean_up()
        shutil.rmtree(scratch, ignore_errors=True)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


main()
