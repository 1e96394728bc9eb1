# shellcheck shell=sh
# Prints what the package databases say of each package beyond its name and version: what it needs,
# what it was built from, its licence. A line is a JSON object, or of dpkg's, words with tabs.
printf '\036notes\n'
if command -v dpkg-query >/dev/null; then
    # ${…} is dpkg-query's own notation.
    # shellcheck disable=SC2016
    dpkg-query --show --showformat 'apt\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Pre-Depends}, ${Depends}\t${Provides}\n'
fi
if [ -n "$PYTHON" ]; then "$PYTHON" -I -c '
import glob
import json
import sys

try:
    from importlib.metadata import distributions
except ImportError:
    distributions = list

def tell(**fields):
    print(json.dumps(fields))

for distribution in distributions():
    headers = distribution.metadata
    if headers is None or headers["Name"] is None:
        continue
    tell(
        kind="python",
        name=headers["Name"],
        version=headers["Version"] or "",
        expression=headers["License-Expression"] or "",
        licence=headers["License"] or "",
        classifiers=[one for one in headers.get_all("Classifier") or [] if one.startswith("License ::")],
    )
for path in sorted(glob.glob(sys.prefix + "/conda-meta/*.json")):
    with open(path, encoding="utf-8") as text:
        record = json.load(text)
    tell(
        kind="conda",
        name=record.get("name") or "",
        version=record.get("version") or "",
        build=record.get("build") or "",
        licence=record.get("license") or "",
        subdir=record.get("subdir") or "",
        file=record.get("fn") or "",
        depends=record.get("depends") or [],
    )
'; fi
