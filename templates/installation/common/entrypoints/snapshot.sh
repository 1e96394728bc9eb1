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
    facts=$(cat /opt/envtpl/apt-facts/*.txt 2>/dev/null || true)
    # A package is "manual" unless apt remembers that it came as a dependency. Names decide:
    # for packages of all architectures apt remembers the machine's.
    # shellcheck disable=SC2016
    list='
        function flush() {
            if (name != "" && status ~ / installed$/) {
                id = name " " version " " architecture
                if (ask) { if (has_base && !(id in base) && !(id in facts)) print id }
                else {
                    printf "{\"name\":\"%s\",\"version\":\"%s\",\"architecture\":\"%s\",\"manual\":%s",
                        name, version, architecture, (name in automatic ? "false" : "true")
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
        kind == "states" && /^Auto-Installed: 1/ { automatic[package] = 1 }
        kind == "states" { next }
        kind == "base" {
            has_base = 1
            if (split($0, parts, "\"") > 12 && parts[2] == "name") base[parts[4] " " parts[8] " " parts[12]] = 1
            if (/^\],/) kind = "done"
            next
        }
        kind == "done" { next }
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
    printf '%s\n' "$facts" | LC_ALL=C awk "$list" kind=states $automatic kind=base $base kind=facts - \
        kind= /var/lib/dpkg/status | LC_ALL=C sort | sed '$!s/$/,/'
fi
printf '],\n'

if [ -z "$PYTHON" ]; then
    printf '"python":null,\n"conda":[]}\n'
    exit 0
fi

# Read by hand: importlib.metadata takes three times as long.
"$PYTHON" -c '
import json, os, re, site, sys

def headers(path):
    found = {"name": "", "version": "", "requires-dist": []}
    try:
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line in ("\n", "\r\n"):
                    break
                key, _, value = line.partition(":")
                key = key.lower()
                if key == "requires-dist":
                    found[key].append(value.strip())
                elif key in found and not found[key]:
                    found[key] = value.strip()
    except OSError:
        pass
    return found

def content(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as text:
            return text.read()
    except OSError:
        return ""

def wheel(path):
    """What the wheel that was installed, or made of sources, was for, and its build number."""
    found = {"tags": []}
    for line in content(os.path.join(path, "WHEEL")).splitlines():
        key, _, value = line.partition(":")
        if key == "Tag":
            found["tags"].append(value.strip())
        elif key == "Build":
            found["build"] = value.strip()
    return found

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
        path = os.path.join(directory, entry)
        if entry.endswith(".dist-info"):
            meta = headers(os.path.join(path, "METADATA"))
        elif entry.endswith(".egg-info"):
            meta = headers(os.path.join(path, "PKG-INFO") if os.path.isdir(path) else path)
        else:
            continue
        key = re.sub("[-_.]+", "-", meta["name"]).lower()
        if not key or key in seen:
            continue
        direct = content(os.path.join(path, "direct_url.json"))
        seen[key] = {
            "name": meta["name"],
            "version": meta["version"],
            "installer": content(os.path.join(path, "INSTALLER")).strip(),
            "requested": os.path.exists(os.path.join(path, "REQUESTED")),
            "location": directory,
            "direct_url": json.loads(direct) if direct else None,
            "requires": meta["requires-dist"],
            "user_site": directory == user_site,
            **wheel(path),
        }
python = {
    "executable": sys.executable,
    "version": "%d.%d.%d" % sys.version_info[:3],
    "prefix": sys.prefix,
    "distributions": [seen[key] for key in sorted(seen)],
}

conda = []
records = os.path.join(sys.prefix, "conda-meta")
if os.path.isdir(records):
    for entry in sorted(os.listdir(records)):
        if entry.endswith(".json"):
            record = json.loads(content(os.path.join(records, entry)) or "{}")
            item = {key: record.get(key) or "" for key in ("name", "version", "build", "channel", "url", "sha256", "md5")}
            specs = [record.get("requested_spec")] + (record.get("requested_specs") or [])
            specs = [spec for spec in specs if spec and spec != "None"]
            item["requested"] = specs[0] if specs else None
            conda.append(item)
    conda.sort(key=lambda item: item["name"])
# What the build made the environment for.
specs = content(os.path.join(records, "envtpl-specs")).splitlines()

# What the build itself used, and no image holds.
tools = json.loads(content("/opt/envtpl/tools-built.json") or "[]")
uv = content("/opt/envtpl/tools-uv.json")
if uv:
    tools.append(json.loads(uv))

def lines(items):
    return "[\n" + ",\n".join(json.dumps(item) for item in items) + "]"

inner = lines(python.pop("distributions"))
print("\"python\":" + json.dumps(python)[:-1] + ", \"distributions\":" + inner + "},")
print("\"conda_specs\":" + json.dumps(specs) + ",\n\"tools\":" + lines(tools) + ",\n\"conda\":" + lines(conda) + "}")
' </dev/null
