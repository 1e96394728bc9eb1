"""A stand-in for micromamba over py-rattler, for machines that reach no conda.

It takes the documented commands and options that a Dockerfile needs, solves and
installs real packages, and refuses everything else:

    create, install, update, remove   -p PREFIX | -n NAME, -f FILE…, -c CHANNEL…
    list, env export                  --json, --explicit, --md5, --sha256
    run, clean, info, config list, --version
"""

import argparse
import asyncio
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from rattler import (
    BuildString,
    Channel,
    ChannelConfig,
    ChannelPriority,
    Gateway,
    MatchSpec,
    PackageRecord,
    PrefixRecord,
    RepoDataRecord,
    VirtualPackage,
    install,
    solve,
)
from rattler.platform import Platform

VERSION = "2.3.0"  # whose command line this follows


class Refused(Exception):
    pass


# --- settings ----------------------------------------------------------------


def settings():
    """What .condarc/.mambarc files and the environment say, weakest first."""
    merged = {}
    home = Path.home()
    root = Path(os.environ.get("MAMBA_ROOT_PREFIX", home / "micromamba"))
    for path in ("/etc/conda/.condarc", "/etc/conda/.mambarc", root / ".condarc", root / ".mambarc",
                 home / ".condarc", home / ".mambarc", Path(os.environ.get("CONDA_PREFIX", "/none")) / ".condarc", os.environ.get("CONDARC", ""), os.environ.get("MAMBARC", "")):
        if path and Path(path).is_file():
            merged.update(yaml.safe_load(Path(path).read_text()) or {})
    for key in ("channel_alias", "ssl_verify", "channels", "pinned_packages"):
        for prefix in ("CONDA_", "MAMBA_"):
            value = os.environ.get(prefix + key.upper())
            if value:
                merged[key] = value.split(",") if key in ("channels", "pinned_packages") else value
    return merged


def channel_of(name, alias):
    if re.match(r"^[a-z0-9+]+://", name) or name.startswith(("/", "./", "../")):
        return Channel(name if "://" in name else Path(name).resolve().as_uri())
    if alias:
        return Channel(alias.rstrip("/") + "/" + name)
    return Channel(name, ChannelConfig())


def root_prefix(options):
    return Path(options.root_prefix or os.environ.get("MAMBA_ROOT_PREFIX") or Path.home() / "micromamba")


def prefix_of(options):
    if options.prefix:
        return Path(options.prefix).resolve()
    if options.name and options.name != "base":
        return root_prefix(options) / "envs" / options.name
    if not options.name and os.environ.get("CONDA_PREFIX"):
        return Path(os.environ["CONDA_PREFIX"])
    return root_prefix(options)


def package_cache(options):
    configured = os.environ.get("CONDA_PKGS_DIRS") or os.environ.get("MAMBA_PKGS_DIRS")
    if configured:
        return Path(re.split("[,:]", configured)[0])
    return root_prefix(options) / "pkgs"


# --- what is asked for -------------------------------------------------------


class Wanted:
    def __init__(self):
        self.specs, self.channels, self.pip, self.explicit, self.name = [], [], [], [], None

    def read(self, path):
        text = sys.stdin.read() if path == "-" else Path(path).read_text()
        if path.endswith((".yml", ".yaml")):
            document = yaml.safe_load(text) or {}
            self.name = document.get("name")
            self.channels += document.get("channels") or []
            for entry in document.get("dependencies") or []:
                if isinstance(entry, str):
                    self.specs.append(entry)
                elif isinstance(entry, dict) and set(entry) == {"pip"}:
                    self.pip += [(line, os.path.dirname(os.path.abspath(path))) for line in entry["pip"] or []]
                else:
                    raise Refused(f"{path}: cannot read the dependency {entry!r}")
            return
        lines = [line.strip() for line in text.splitlines()]
        lines = [line for line in lines if line and not line.startswith("#")]
        if "@EXPLICIT" in lines:
            self.explicit += [line for line in lines if line != "@EXPLICIT"]
        else:
            self.specs += lines


def explicit_record(line):
    """URL, URL#md5, URL#sha256 or URL#sha256:… → a record without dependencies."""
    url, _, digest = line.partition("#")
    if digest and not re.fullmatch("[0-9a-f]{32}|(sha256:)?[0-9a-f]{64}", digest):
        raise Refused(f"cannot read the digest of {line}")
    file_name = url.rsplit("/", 1)[-1]
    stem = re.sub(r"\.(conda|tar\.bz2)$", "", file_name)
    name, version, build = stem.rsplit("-", 2)
    subdir = url.rsplit("/", 2)[-2]
    number = re.search(r"(\d+)$", build)
    package = PackageRecord(name=name, version=version, build=BuildString(build),
                            build_number=int(number.group(1)) if number else 0, subdir=subdir,
                            noarch="python" if subdir == "noarch" else None)
    if len(digest) >= 64:
        package.sha256 = bytes.fromhex(digest[-64:])
    elif digest:
        package.md5 = bytes.fromhex(digest)
    return RepoDataRecord(package, file_name, url, url.rsplit("/", 2)[0] + "/")


# --- the prefix --------------------------------------------------------------


def installed(prefix):
    records = []
    for path in sorted((prefix / "conda-meta").glob("*.json")):
        records.append(PrefixRecord.from_path(path))
    return records


def describe(record):
    name = record.name.normalized
    return {
        "base_url": record.url.rsplit("/", 2)[0],
        "build_number": record.build_number,
        "build_string": str(record.build),
        "channel": (record.channel or "").rstrip("/").rsplit("/", 1)[-1],
        "dist_name": f"{name}-{record.version}-{record.build}",
        "name": name,
        "platform": record.subdir,
        "version": str(record.version),
    }


async def change(options, wanted, removed=()):
    prefix = prefix_of(options)
    if options.command == "create" and (prefix / "conda-meta").is_dir() and not options.yes:
        raise Refused(f"{prefix} is a conda environment already (give --yes to replace it)")
    present = [] if options.command == "create" else installed(prefix)
    configured = settings()
    alias = options.channel_alias or configured.get("channel_alias")
    names = list(options.channel)
    if not options.override_channels:
        names += wanted.channels or ([] if names else configured.get("channels") or ["conda-forge"])
    channels = [channel_of(name, alias) for name in dict.fromkeys(names) if name != "nodefaults"]
    platform = options.platform or str(Platform.current())

    requested = {}
    for record in present:
        for spec in getattr(record, "requested_specs", None) or ([record.requested_spec] if record.requested_spec else []):
            requested[record.name.normalized] = MatchSpec(spec)
    for name in removed:
        matched = [record for record in present if fnmatch.fnmatch(record.name.normalized, name)]
        if not matched:
            raise Refused(f"no package {name} in {prefix}")
        for record in matched:
            requested.pop(record.name.normalized, None)
    asked = [MatchSpec(spec) for spec in wanted.specs]
    for spec in asked:
        requested[spec.name.normalized] = spec

    if wanted.explicit:
        if wanted.specs:
            raise Refused("an explicit list and specs cannot be mixed")
        records = [explicit_record(line) for line in wanted.explicit]
        asked_names = {record.name.normalized for record in records}
        records += [record for record in present if record.name.normalized not in asked_names]
        # micromamba notes every package of such a list as asked for.
        requested = {name: MatchSpec(name) for name in asked_names}
    elif removed:
        records = [r for r in present if not any(fnmatch.fnmatch(r.name.normalized, name) for name in removed)]
    else:
        kept = present if options.command == "install" else []
        frozen = kept if options.freeze_installed else []
        records = await solve(
            channels,
            list(requested.values()),
            gateway=Gateway(cache_dir=Path(package_cache(options)) / "cache"),
            platforms=[platform, "noarch"],
            locked_packages=kept,
            pinned_packages=frozen,
            constraints=[MatchSpec(spec) for spec in configured.get("pinned_packages") or []],
            virtual_packages=VirtualPackage.detect(),
            channel_priority=ChannelPriority.Disabled
            if options.no_channel_priority or configured.get("channel_priority") == "disabled"
            else ChannelPriority.Strict,
        )
    if options.no_deps:
        asked_names = {spec.name.normalized for spec in asked}
        records = [r for r in records if r.name.normalized in asked_names] + [
            p for p in present if p.name.normalized not in asked_names]

    before = {r.name.normalized: (str(r.version), r.build) for r in present}
    after = {r.name.normalized: (str(r.version), r.build) for r in records}
    linked = [r for r in records if before.get(r.name.normalized) != after[r.name.normalized]]
    report = {
        "actions": {
            "LINK": [dict(describe(r), url=r.url) for r in linked],
            "UNLINK": [dict(describe(r)) for r in present if after.get(r.name.normalized) != before[r.name.normalized]],
            "PREFIX": str(prefix),
        },
        "dry_run": options.dry_run,
        "prefix": str(prefix),
        "success": True,
    }
    if not options.dry_run:
        if options.command == "create" and prefix.exists():
            shutil.rmtree(prefix)
        prefix.mkdir(parents=True, exist_ok=True)
        await install(
            records,
            prefix,
            cache_dir=package_cache(options),
            installed_packages=present,
            platform=Platform(platform),
            execute_link_scripts=True,
            show_progress=False,
            # py-rattler 0.28 hands these on as they are, so they must be the inner ones.
            requested_specs=[spec._match_spec for spec in requested.values()],
        )
        history = prefix / "conda-meta" / "history"
        with history.open("a") as log:
            log.write("# cmd: micromamba " + " ".join(sys.argv[1:]) + "\n")
        if wanted.pip:
            run_pip(prefix, wanted.pip)
    if options.json:
        print(json.dumps(report, indent=4))
    elif not options.quiet:
        for record in linked:
            print(f"  + {record.name.normalized} {record.version} {record.build} {record.channel}")
        print(f"{len(linked)} packages linked into {prefix}" + (" (dry run)" if options.dry_run else ""))


def run_pip(prefix, lines):
    directory = lines[0][1]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=directory if os.access(directory, os.W_OK) else None) as file:
        file.write("\n".join(line for line, _ in lines) + "\n")
        file.flush()
        python = prefix / "bin" / "python"
        status = subprocess.run([python, "-m", "pip", "install", "-U", "-r", file.name, "--no-input", "--quiet"],
                                cwd=directory).returncode
        if status:
            raise Refused(f"pip failed with status {status}")


# --- commands ----------------------------------------------------------------


def show_list(options):
    prefix = prefix_of(options)
    if not (prefix / "conda-meta").is_dir():
        raise Refused(f"no environment at {prefix}")
    records = [r for r in installed(prefix)
               if not options.specs or any(re.search(s, r.name.normalized) for s in options.specs)]
    if options.explicit:
        print("@EXPLICIT")
        for record in records:
            digest = ""
            if options.sha256 and record.sha256:
                digest = "#sha256:" + record.sha256.hex()
            elif options.md5 and record.md5:
                digest = "#" + record.md5.hex()
            print(record.url + digest)
    elif options.json:
        print(json.dumps([describe(r) for r in records], indent=4))
    else:
        print(f"List of packages in environment: \"{prefix}\"\n")
        for record in records:
            print("  {name:<24} {version:<12} {build_string:<20} {channel}".format(**describe(record)))


def env_export(options):
    prefix = prefix_of(options)
    if options.explicit:
        return show_list(options)
    records = installed(prefix)
    if options.from_history:
        lines = [str(r.requested_spec) for r in records if r.requested_spec]
    elif options.no_build:
        lines = [f"{r.name.normalized}={r.version}" for r in records]
    else:
        lines = [f"{r.name.normalized}={r.version}={r.build}" for r in records]
    document = {"name": prefix.name, "channels": list(dict.fromkeys(describe(r)["channel"] for r in records)),
                "dependencies": lines}
    print(json.dumps(document, indent=4) if options.json else yaml.safe_dump(document, sort_keys=False), end="")


def clean(options):
    cache = package_cache(options)
    if options.dry_run:
        print(f"would remove {cache}")
    elif cache.exists():
        # The directory itself may be a mount.
        for path in cache.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def info(options):
    facts = {"micromamba version": VERSION, "platform": str(Platform.current()), "env location": str(prefix_of(options)),
             "base environment": str(root_prefix(options)), "package cache": [str(package_cache(options))],
             "channels": settings().get("channels") or ["conda-forge"]}
    print(json.dumps(facts, indent=4) if options.json else "\n".join(f"{k} : {v}" for k, v in facts.items()))


def run(options):
    prefix = prefix_of(options)
    environment = dict(os.environ, CONDA_PREFIX=str(prefix), PATH=f"{prefix}/bin:" + os.environ.get("PATH", ""))
    # This program's own interpreter is not the environment's business.
    for name in ("PYTHONHOME", "PYTHONPATH"):
        environment.pop(name, None)
    leave(subprocess.run(options.specs, env=environment, cwd=options.cwd).returncode)


def parse(argv):
    parser = argparse.ArgumentParser(prog="micromamba", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("create", "install", "update", "upgrade", "remove", "list", "export", "run", "clean", "info", "config"):
        command = commands.add_parser(name, allow_abbrev=False)
        command.add_argument("-p", "--prefix")
        command.add_argument("-n", "--name")
        command.add_argument("-r", "--root-prefix")
        command.add_argument("-y", "--yes", action="store_true")
        command.add_argument("-q", "--quiet", action="store_true")
        command.add_argument("-v", "--verbose", action="count")
        command.add_argument("--json", action="store_true")
        command.add_argument("--dry-run", "-d", action="store_true")
        command.add_argument("--no-rc", "--no-env", action="store_true")
        command.add_argument("--rc-file")
        command.add_argument("--log-level")
        for flag in ("--explicit", "--md5", "--sha256", "--no-build", "--from-history"):
            command.add_argument(flag, action="store_true")
        command.set_defaults(specs=[])
        if name in ("create", "install", "update", "upgrade", "remove"):
            command.add_argument("-f", "--file", action="append", default=[])
            command.add_argument("-c", "--channel", action="append", default=[])
            command.add_argument("--override-channels", action="store_true")
            command.add_argument("--channel-alias")
            command.add_argument("--channel-priority")
            command.add_argument("--strict-channel-priority", action="store_true")
            command.add_argument("--no-channel-priority", action="store_true")
            command.add_argument("--platform")
            command.add_argument("--no-deps", action="store_true")
            command.add_argument("--freeze-installed", action="store_true")
            command.add_argument("--all", "-a", action="store_true")
            # Understood, and without meaning here.
            for flag in ("--no-pin", "--no-py-pin", "--no-pyc", "--pyc", "--always-copy", "--always-softlink",
                         "--no-allow-softlinks", "--relocate-prefix", "--experimental", "--copy",
                         "--use-uv", "--lock-timeout", "--safety-checks"):
                command.add_argument(flag, action="store_true")
            for option in ("--ssl-verify", "--retry-clean-cache", "--repodata-ttl", "--extra-safety-checks"):
                command.add_argument(option)
            command.add_argument("specs", nargs="*")
        elif name == "list":
            command.add_argument("specs", nargs="*")
        elif name == "clean":
            for flag in ("-a", "--all"), ("-i", "--index-cache"), ("-t", "--tarballs"), ("-l", "--locks"), ("--packages",), ("--force-pkgs-dirs",), ("--trash",):
                command.add_argument(*flag, action="store_true")
        elif name == "config":
            command.add_argument("action", choices=["list", "sources"])
        elif name == "run":
            command.add_argument("--cwd")
            command.add_argument("specs", nargs=argparse.REMAINDER)
    # `micromamba env create|export|list` are the same commands by another name.
    if argv[:1] == ["env"]:
        argv = argv[1:]
    return parser.parse_args(argv)


def leave(status):
    """Ends at once: py-rattler's threads may crash Python's own way out."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main():
    options = parse(sys.argv[1:])
    if options.command == "upgrade":
        options.command = "update"
    try:
        if options.command in ("create", "install", "update", "remove"):
            wanted = Wanted()
            removed = options.specs if options.command == "remove" else ()
            if options.command != "remove":
                wanted.specs += options.specs
            for path in options.file:
                wanted.read(path)
            if wanted.name and not options.prefix and not options.name:
                options.name = wanted.name
            asyncio.run(change(options, wanted, removed))
        elif options.command == "list":
            show_list(options)
        elif options.command == "export":
            env_export(options)
        elif options.command == "clean":
            clean(options)
        elif options.command == "info":
            info(options)
        elif options.command == "config":
            print(yaml.safe_dump(settings(), sort_keys=True), end="")
        elif options.command == "run":
            run(options)
    except KeyboardInterrupt:
        leave(130)
    except Exception as error:  # every failure of the library ends here, in one line
        if options.verbose:
            raise
        print(f"critical libmamba {error}", file=sys.stderr)
        leave(1)
    leave(0)


main()
