"""Without a network: kept files in the place of addresses, and addresses in the place of files.

    offline.py files PINS OUT     requirements, with files where they name addresses of archives
    offline.py addresses          what was installed says that it comes from its address again

Files with an address of their own lie in /tmp/envtpl/sources/archives, and its `list` tells which
is which. Options that name an index go: there is none.
"""

import base64
import hashlib
import json
import os
import re
import sys
import sysconfig
import urllib.parse

SOURCES = "/tmp/envtpl/sources/"
INDEX_OPTION = re.compile(r"(--(extra-)?index-url|--find-links|--trusted-host|--no-index|-i|-f)\b")


def archives():
    """Addresses with the files that stand for them."""
    try:
        with open(SOURCES + "archives/list", encoding="utf-8") as lines:
            pairs = [line.rstrip("\n").split("\t") for line in lines]
    except FileNotFoundError:
        return {}
    return {url: "file://" + urllib.parse.quote(SOURCES + path) for path, url in pairs}


def files(pins, out):
    known = archives()

    def kept(match):
        return match.group(1) + known.get(match.group(2), match.group(2))

    with open(pins, encoding="utf-8") as lines, open(out, "w", encoding="utf-8") as written:
        for line in lines:
            if not INDEX_OPTION.match(line):
                written.write(re.sub(r"(@ )([^\s#]+)", kept, line))


def addresses():
    known = {file: url for url, file in archives().items()}
    for directory in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in os.listdir(directory) if known and os.path.isdir(directory) else []:
            path = os.path.join(directory, entry, "direct_url.json")
            if os.path.exists(path):
                address(path, known)


def address(path, known):
    with open(path, encoding="utf-8") as text:
        before = text.read()
    after = before
    for file, url in known.items():
        # Of a file's address uv keeps what stands behind the #, of others it does not.
        after = re.sub('"%s(#[^"]*)?"' % re.escape(file), lambda _: json.dumps(url), after)
    if after == before:
        return
    with open(path, "w", encoding="utf-8") as out:
        out.write(after)
    digest = base64.urlsafe_b64encode(hashlib.sha256(after.encode()).digest()).decode().rstrip("=")
    directory = os.path.dirname(path)
    record = os.path.join(directory, "RECORD")
    name = os.path.basename(directory) + "/direct_url.json,"
    with open(record, encoding="utf-8", newline="") as lines:
        kept = [line for line in lines if not line.startswith(name)]
    with open(record, "w", encoding="utf-8", newline="") as out:
        out.writelines(kept + ["%ssha256=%s,%d\n" % (name, digest, len(after.encode()))])


if sys.argv[1] == "files":
    files(*sys.argv[2:])
else:
    addresses()
