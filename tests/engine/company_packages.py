"""What the package indexes of a company's network have.

One package is a wheel, one exists as an archive of sources alone, one has a local version, one is
withdrawn while the test runs, and one is on an index that no setting names.
"""

import base64
import gzip
import hashlib
import inspect
import io
import os
import tarfile
import zipfile

BACKEND = '''"""Builds a wheel that tells with what it was built."""
import base64, hashlib, io, os, zipfile

%s

def build_wheel(directory, settings=None, metadata=None):
    with open("PKG-INFO") as lines:
        facts = dict(line.strip().split(": ") for line in lines)
    name = facts["Name"].replace("-", "_")
    file = "%%s-%%s-py3-none-any.whl" %% (name, facts["Version"])
    with open(os.path.join(directory, file), "wb") as out:
        out.write(wheel(name, facts["Version"], "BUILT_WITH = %r\\n"))
    return file
'''

PYPROJECT = '[build-system]\nrequires = ["company-backend"]\nbuild-backend = "company_backend"\n'


def wheel(name, version, module):
    """A wheel with one module."""
    dist = "%s-%s.dist-info" % (name, version)
    files = {
        name + ".py": module,
        dist + "/METADATA": "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name.replace("_", "-"), version),
        dist + "/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record += "%s,sha256=%s,%d\n" % (path, digest, len(text))
    files[dist + "/RECORD"] = record + dist + "/RECORD,,\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        for path, text in files.items():
            out.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), text)
    return archive.getvalue()


def sources(name, version):
    """An archive of sources that the company's own backend builds."""
    archive = io.BytesIO()
    with gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as out:
        facts = "Metadata-Version: 2.1\nName: %s\nVersion: %s\n" % (name.replace("_", "-"), version)
        for path, text in {"PKG-INFO": facts, "pyproject.toml": PYPROJECT}.items():
            entry = tarfile.TarInfo("%s-%s/%s" % (name, version, path))
            entry.size = len(text)
            out.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()


def indexes(directory):
    """The files of each index, by package. What is in the directory says what happened since:

    number       the second part of the version of from-source, so that no cache knows it
    withdrawn    withdrawn-tool is on the index no more
    published    there is a newer company-backend
    """

    def has(name):
        return os.path.exists(os.path.join(directory, name))

    with open(os.path.join(directory, "number")) as text:
        number = "1.%s" % text.read()

    def module(name, version="1.0"):
        return {"%s-%s-py3-none-any.whl" % (name, version): wheel(name, version, "WHO = 'the company'\n")}

    def backend(version):
        text = BACKEND % (inspect.getsource(wheel), version)
        return {"company_backend-%s-py3-none-any.whl" % version: wheel("company_backend", version, text)}

    return {
        "simple": {
            "company-tool": module("company_tool"),
            "other-tool": module("other_tool"),
            "local-tool": module("local_tool", "1.0+company"),
            "withdrawn-tool": {} if has("withdrawn") else module("withdrawn_tool"),
            "from-source": {"from_source-%s.tar.gz" % number: sources("from_source", number)},
            "company-backend": {**backend("1.0"), **(backend("2.0") if has("published") else {})},
        },
        "elsewhere": {"borrowed-tool": module("borrowed_tool", "1.0+mine")},
    }
