#!/bin/sh
# Prints as JSON what is installed here: Python, apt and conda packages.
# Each image carries it, and it works in any container that has a shell:
#   docker run --rm -i --entrypoint sh IMAGE -s <snapshot.sh
# PYTHON names the Python to ask; without it that of the image, else the first on PATH.
set -eu

if [ -z "${PYTHON:-}" ] && [ -r /opt/envtpl/image.conf ]; then
    # shellcheck source=/dev/null
    . /opt/envtpl/image.conf
fi
if [ ! -x "${PYTHON:-}" ]; then
    PYTHON=$(command -v python3 || command -v python || true)
fi

# What the system's package manager knows, and the beginning of the answer.
system_packages() {
    platform=$(dpkg --print-architecture 2>/dev/null || uname -m)
    ID='' VERSION_ID='' VERSION_CODENAME=''
    if [ -r /etc/os-release ]; then
        # shellcheck source=/dev/null
        . /etc/os-release
    fi
    printf '{"schema":1,"platform":"%s","os":{"id":"%s","version_id":"%s","codename":"%s"},\n"apt":[\n' \
        "$platform" "$ID" "$VERSION_ID" "$VERSION_CODENAME"

    if [ -r /var/lib/dpkg/status ]; then
        automatic=/var/lib/apt/extended_states
        if [ ! -r $automatic ]; then automatic=/dev/null; fi
        # What came with the base image needs no explanation; where the rest is from was recorded when
        # it was installed, and of what was installed by hand since apt may know it.
        base=/opt/envtpl/base.json
        if [ ! -r $base ]; then base=/dev/null; fi
        # (And which package answers a declared name that is no package's.)
        facts=$(cat /opt/envtpl/apt-facts/*.txt /opt/envtpl/apt-facts/*.answers 2>/dev/null || true)
        # A package is "manual" unless apt remembers that it came as a dependency. For packages of
        # all architectures apt remembers the machine's.
        # shellcheck disable=SC2016
        list='
            function flush() {
                if (name != "" && status ~ / installed$/) {
                    id = name " " version " " architecture
                    if (ask) { if (has_base && !(id in base) && !(id in facts)) print id }
                    else {
                        printf "{\"name\":\"%s\",\"version\":\"%s\",\"architecture\":\"%s\",\"manual\":%s",
                            name, version, architecture, ((name " " (architecture == "all" ? native : architecture)) in automatic ? "false" : "true")
                        if (name in answers) printf ",\"answers\":[%s]", answers[name]
                        if (has_base && !(id in base)) {
                            if (id in facts) printf ",%s", facts[id]
                            printf ",\"depends\":\"%s\",\"provides\":\"%s\"", depends, provides
                        }
                        print "}"
                    }
                }
                name = version = architecture = status = depends = provides = ""
            }
            function relation() { return substr($0, index($0, ":") + 2) }
            kind == "states" && /^Package: / { package = $2 }
            kind == "states" && /^Architecture: / { package = package " " $2 }
            kind == "states" && /^Auto-Installed: 1/ { automatic[package] = 1 }
            kind == "states" { next }
            kind == "base" {
                has_base = 1
                if (split($0, parts, "\"") > 12 && parts[2] == "name") base[parts[4] " " parts[8] " " parts[12]] = 1
                if (/^\],/) kind = "done"
                next
            }
            kind == "done" { next }
            kind == "facts" && /^[^ ]+\t/ { answers[$1] = answers[$1] (answers[$1] == "" ? "" : ",") "\"" $2 "\""; next }
            kind == "facts" { at = index($0, "\t"); facts[substr($0, 1, at - 1)] = substr($0, at + 1); next }
            /^$/ { flush() }
            /^Package: / { name = $2 }
            /^Version: / { version = $2 }
            /^Architecture: / { architecture = $2 }
            /^Status: / { status = $0 }
            /^(Pre-Depends|Depends|Recommends): / { depends = depends (depends == "" ? "" : ", ") relation() }
            /^Provides: / { provides = relation() }
            END { flush() }
        '
        if [ $base != /dev/null ] && [ -r /opt/envtpl/entrypoints/apt-facts.sh ]; then
            ask=$(printf '%s\n' "$facts" | LC_ALL=C awk "$list" ask=1 kind=base $base kind=facts - kind= /var/lib/dpkg/status)
            if [ -n "$ask" ]; then
                facts=$facts'
'$(printf '%s\n' "$ask" | sh /opt/envtpl/entrypoints/apt-facts.sh || true)
            fi
        fi
        printf '%s\n' "$facts" | LC_ALL=C awk -v native="$platform" "$list" kind=states $automatic kind=base $base kind=facts - \
            kind= /var/lib/dpkg/status | LC_ALL=C sort | sed '$!s/$/,/'
    fi
    printf '],\n'
}

if [ -z "$PYTHON" ]; then
    system_packages
    printf '"python":null,\n"conda":[]}\n'
    exit 0
fi

# Both are asked at once. Somebody waits for this, so the packages' metadata is read by hand
# (importlib.metadata takes three times as long), and json is loaded for what only few have.
system_packages | "$PYTHON" -c '
import os, site, sys

try:
    from _json import encode_basestring_ascii as string
except ImportError:
    from json import dumps as string

def content(path, until=None):
    """The bytes of a file; nothing where there is none."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    found = b""
    try:
        while True:
            block = os.read(file, 1 << 14)
            found += block
            if not block or until and until in found:
                return found
    except OSError:
        return b""
    finally:
        os.close(file)

def text(path):
    return content(path).decode("utf-8", "replace")

def headers(path):
    """The keys and values at the head of a file, which may be long."""
    head = content(path, b"\n\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    for line in head.splitlines():
        if not line:
            break
        key, _, value = line.partition(":")
        yield key.lower(), value.strip()

def parsed(path, default):
    found = text(path)
    if not found:
        return default
    import json
    return json.loads(found)

def value(item):
    """A value of a few plain kinds as JSON."""
    if isinstance(item, str):
        return string(item)
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, list):
        return "[" + ", ".join(map(value, item)) + "]"
    if item is None:
        return "null"
    import json
    return json.dumps(item)

def members(items):
    return ", ".join(string(key) + ": " + value(item) for key, item in items.items())

def lines(items):
    return "[\n" + ",\n".join("{" + members(item) + "}" for item in items) + "]"

def normal(name):
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name

user_site = site.getusersitepackages() if site.ENABLE_USER_SITE else None
seen = {}
for directory in sys.path:
    # The project itself is not part of its environment.
    if not directory or "/.envtpl/project/" in directory:
        continue
    try:
        entries = sorted(os.listdir(directory))
    except OSError:
        continue
    for entry in entries:
        # What pip set aside and could not remove.
        if entry.startswith("~"):
            continue
        path = directory + "/" + entry
        if entry.endswith(".dist-info"):
            metadata = path + "/METADATA"
        elif entry.endswith(".egg-info"):
            metadata = path + "/PKG-INFO" if os.path.isdir(path) else path
        else:
            continue
        name = version = ""
        requires = []
        for header, said in headers(metadata):
            if header == "name":
                name = name or said
            elif header == "version":
                version = version or said
            elif header == "requires-dist":
                requires.append(said)
        key = normal(name)
        if not key:
            continue
        if key in seen:
            # What an earlier directory has hides it; in one directory nothing tells which one counts.
            one = seen[key]
            if one["location"] == directory and version not in [one["version"], *one["also"]]:
                one["also"].append(version)
            continue
        seen[key] = {
            "name": name,
            "version": version,
            "also": [],
            "installer": text(path + "/INSTALLER").strip(),
            "requested": os.path.exists(path + "/REQUESTED"),
            "location": directory,
            "direct_url": parsed(path + "/direct_url.json", None),
            "requires": requires,
            "user_site": directory == user_site,
            "tags": [],
        }
        # What the wheel that was installed, or made of sources, was for, and its build number.
        for header, said in headers(path + "/WHEEL"):
            if header == "tag":
                seen[key]["tags"].append(said)
            elif header == "build":
                seen[key]["build"] = said
python = {
    "executable": sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "prefix": sys.prefix,
}

conda = []
records = sys.prefix + "/conda-meta"
if os.path.isdir(records):
    for entry in sorted(os.listdir(records)):
        if entry.endswith(".json"):
            record = parsed(records + "/" + entry, {})
            item = {key: record.get(key) or "" for key in ("name", "version", "build", "channel", "url", "sha256", "md5")}
            specs = [record.get("requested_spec")] + (record.get("requested_specs") or [])
            specs = [spec for spec in specs if spec and spec != "None"]
            item["requested"] = specs[0] if specs else None
            conda.append(item)
    conda.sort(key=lambda item: item["name"])
# What the build made the environment for.
specs = text(records + "/envtpl-specs").splitlines()

# What the build itself used, and no image holds.
tools = parsed("/opt/envtpl/tools-built.json", [])
uv = parsed("/opt/envtpl/tools-uv.json", None)
if uv:
    tools.append(uv)
pure = parsed("/opt/envtpl/built-pure.json", {})

system = sys.stdin.buffer.read()
if not system.endswith(b"],\n"):
    sys.exit("the packages of the system cannot be read")
sys.stdout.buffer.write(system)
sys.stdout.flush()
print("\"python\":{" + members(python) + ", \"distributions\":" + lines(seen[key] for key in sorted(seen)) + "},")
print("\"conda_specs\":" + value(specs) + ",\n\"pure\":" + value(pure) + ",\n\"tools\":" + lines(tools) + ",\n\"conda\":" + lines(conda) + "}")
'
