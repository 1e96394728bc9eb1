# shellcheck shell=sh
# Prints what the installed packages weigh: kind, name, version and bytes, with tabs between them.
printf '\036sizes\n'
# dpkg tells units of 1024 bytes, as the package's authors estimated them.
if command -v dpkg-query >/dev/null; then
    dpkg-query --show --showformat 'apt\t${Package}\t${Version}\t${Installed-Size}\tKi\n'
fi
if [ -z "$PYTHON" ]; then exit 0; fi
exec "$PYTHON" -I - <<'END_OF_SIZES'
import glob
import json
import os
from importlib.metadata import distributions

for path in glob.glob("/opt/conda/conda-meta/*.json"):
    with open(path, encoding="utf-8") as text:
        package = json.load(text)
    paths = package.get("paths_data", {}).get("paths", [])
    size = sum(one.get("size_in_bytes", 0) for one in paths)
    print("conda", package.get("name"), package.get("version"), size, "", sep="\t")
for distribution in distributions():
    # What has no RECORD came with a package of another kind, which counts it.
    record = distribution.read_text("RECORD")
    if not record or distribution.metadata["Name"] is None:
        continue
    size = 0
    for file in distribution.files or []:
        try:
            size += os.lstat(distribution.locate_file(file)).st_size
        except OSError:
            pass
    print("python", distribution.metadata["Name"], distribution.version, size, "", sep="\t")
END_OF_SIZES
