"""Fetch uv, the installer of Python packages, from the Python package index.

    fetch-uv.py VERSION DIRECTORY
"""

import hashlib
import io
import os
import platform
import re
import sys
import zipfile

from package_index import Index, Settings, without_credentials


def main(version, directory):
    settings = Settings()
    index = Index(settings)
    wanted = re.compile(r"uv-%s-.*manylinux.*_%s\..*whl$" % (re.escape(version), platform.machine()))
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
                with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
                    for member in archive.namelist():
                        if member.endswith("/scripts/uv"):
                            os.makedirs(directory, exist_ok=True)
                            target = os.path.join(directory, "uv")
                            with open(target, "wb") as out:
                                out.write(archive.read(member))
                            os.chmod(target, 0o755)
                            print("uv %s from %s" % (version, file["name"]))
                            return
            reasons.append("%s has no uv %s for %s" % (shown, version, platform.machine()))
        except (OSError, ValueError, KeyError) as reason:
            reasons.append("%s: %s" % (shown, reason))
    sys.exit(
        "error: could not fetch uv, which installs the Python packages:\n  "
        + "\n  ".join(reasons)
        + "\nhelp: behind a company proxy, set CA_BUNDLE, HTTPS_PROXY or PIP_INDEX_URL in .env"
    )


main(*sys.argv[1:])
