"""Collect the files that an install added or changed, and compile them.

    python-collect.py MARKER TREE

Whatever is newer than MARKER under the install paths of this Python is linked into TREE at its
own path, so that COPY brings exactly that into the images. Modules are compiled here, once for
both images, on all processors: an image's ordinary user could not keep what Python compiles. The
packages' own tests are not, which are a quarter of the work and which no program imports.

A compiled module holds the time of its source, so sources that each build gave the time of its own
installing would make another layer of the same packages each time. They all get one time instead,
whatever the build is given; headers and data keep theirs, which other programs go by.
"""

import compileall
import os
import re
import shutil
import sys
import sysconfig

# 1 January 1980, the first moment that a wheel, which is a zip archive, can tell.
TIME_OF_SOURCES = 315532800

TESTS = re.compile(r"/tests?/")


def install_roots():
    paths = {os.path.realpath(path) for name, path in sysconfig.get_paths().items() if name != "stdlib"}
    paths = {path for path in paths if os.path.isdir(path)}
    return sorted(path for path in paths if not any(path.startswith(other + os.sep) for other in paths))


def like(source, target):
    """Make the directory target, and those above it, as they are on the source's side."""
    if os.path.isdir(target):
        return
    if source != "/":
        like(os.path.dirname(source), os.path.dirname(target))
    os.mkdir(target)
    status = os.stat(source)
    os.chown(target, status.st_uid, status.st_gid)
    shutil.copymode(source, target)


def forget_requested(record):
    """uv marks every package as asked for, dependencies too; the last step marks the right ones."""
    directory = os.path.dirname(record)
    mark = os.path.join(directory, "REQUESTED")
    if not os.path.exists(mark):
        return
    os.unlink(mark)
    name = os.path.basename(directory) + "/REQUESTED,"
    with open(record, encoding="utf-8", newline="") as lines:
        kept = [line for line in lines if not line.startswith(name)]
    with open(record, "w", encoding="utf-8", newline="") as out:
        out.writelines(kept)


def main(marker, tree):
    since = os.stat(marker).st_ctime_ns
    found = []
    for root in install_roots():
        for directory, _, names in os.walk(root):
            for name in names:
                path = os.path.join(directory, name)
                if os.lstat(path).st_ctime_ns > since:
                    found.append(path)
    for path in found:
        if path.endswith(".dist-info/RECORD"):
            forget_requested(path)
    for path in found:
        if path.endswith(".dist-info/REQUESTED"):
            continue
        target = tree + path
        like(os.path.dirname(path), os.path.dirname(target))
        os.link(path, target, follow_symlinks=False)
        if path.endswith(".py"):
            os.utime(target, (TIME_OF_SOURCES, TIME_OF_SOURCES), follow_symlinks=False)
    print("%d files" % len(found))
    # Some packages carry files of another Python version on purpose: not an error.
    compileall.compile_dir(
        tree, maxlevels=100, rx=TESTS, quiet=2, workers=os.cpu_count() or 1, stripdir=tree, prependdir="/"
    )


# Since Python 3.12 the processes that compile load this file again.
if __name__ == "__main__":
    main(*sys.argv[1:])
