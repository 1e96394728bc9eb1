"""Fetch uv, the installer of Python packages, from the Python package index.

    fetch-uv.py VERSION DIRECTORY

DIRECTORY gets `uv`, and `uv.json`, which tells the lock the file that it came from.
"""

import hashlib
import io
import json
import os
import platform
import re
import sys
import zipfile

from package_index import Index, Settings, without_credentials

# What stands in for the network in `envtpl build --offline`.
SOURCES = "/tmp/envtpl/sources"


def unpack(wheel, name, directory):
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for member in archive.namelist():
            if member.endswith("/scripts/uv"):
                os.makedirs(directory, exist_ok=True)
                target = os.path.join(directory, "uv")
                with open(target, "wb") as out:
                    out.write(archive.read(member))
                os.chmod(target, 0o755)
                print("uv from " + name)
                return
    raise ValueError(name + " holds no uv")


def record(version, file, directory):
    kept = {"name": "uv", "version": version, "files": [file]}
    with open(os.path.join(directory, "uv.json"), "w", encoding="utf-8") as out:
        json.dump(kept, out)


def from_sources(version, wanted, directory):
    with open(SOURCES + "/tools/uv.json", encoding="utf-8") as lines:
        files = json.load(lines)["files"]
    for file in files:
        path = os.path.join(SOURCES, "tools", file["name"])
        if wanted.match(file["name"]) and os.path.exists(path):
            with open(path, "rb") as wheel:
                unpack(wheel.read(), file["name"], directory)
            return record(version, file, directory)
    sys.exit("error: this build has no network, and the lock has no uv %s" % version)


def main(version, directory):
    wanted = re.compile(r"uv-%s-.*manylinux.*_%s\..*whl$" % (re.escape(version), platform.machine()))
    if os.path.exists(SOURCES + "/offline"):
        return from_sources(version, wanted, directory)
    settings = Settings()
    index = Index(settings)
    reasons = []
    for url in settings.indexes():
        shown = without_credentials(url)
        try:
            for file in index.files(url, "uv") or []:
                if not wanted.match(file["name"]):
                    continue
                wheel = index.read(file["url"])
                if hashlib.sha256(wheel).hexdigest() != file["sha256"]:
                    raise ValueError("the sha256 of %s is not the one that the index gives" % file["name"])
                unpack(wheel, file["name"], directory)
                address = without_credentials(file["url"])
                kept = {"name": file["name"], "url": address, "sha256": file["sha256"], "size": len(wheel)}
                return record(version, kept, directory)
            reasons.append("%s has no uv %s for %s" % (shown, version, platform.machine()))
        except (OSError, ValueError, KeyError) as reason:
            reasons.append("%s: %s" % (shown, reason))
    sys.exit(
        "error: could not fetch uv, which installs the Python packages:\n  "
        + "\n  ".join(reasons)
        + "\nhelp: behind a company proxy, set CA_BUNDLE, HTTPS_PROXY or PIP_INDEX_URL in .env"
    )


main(*sys.argv[1:])
