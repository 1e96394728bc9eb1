"""Finish the image's Python: mark what was asked for, and open a door for the project.

    finish.py PLAN
"""

import json
import os
import re
import sys
import sysconfig

# The project is installed once, editable, into a directory of the project that git ignores
# (entrypoints/project.sh does it); this line finds it there. It reads the environment of each
# process, so that `docker exec` and editors find the project as well.
DOOR = """import os, site; r = os.environ.get('PROJECT_ROOT_AT'); \
p = r and r + '/.envtpl/project/{}/at' + r + '/current/site'; p and os.path.isdir(p) and site.addsitedir(p)
"""


def key(name):
    return re.sub("[-_.]+", "-", name).lower()


def names(path):
    if not os.path.exists(path):
        return set()
    with open(path, encoding="utf-8") as lines:
        return {line.strip() for line in lines}


def main(plan):
    requested = names(os.path.join(plan, "requested.txt"))
    with open("/opt/envtpl/base.json", encoding="utf-8") as record:
        python = json.load(record)["python"] or {"distributions": []}
    base = {(key(one["name"]), one["version"]): one["location"] for one in python["distributions"]}
    found = {}
    directories = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    for directory in sorted(directories):
        for entry in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
            match = re.fullmatch(r"(.+?)-(.+)\.dist-info", entry)
            if match:
                found.setdefault((directory, key(match.group(1))), []).append((match.group(2), entry))
    for (directory, name), versions in found.items():
        if len(versions) > 1:
            # A newer pip or setuptools came over the base's: take the old one's files away.
            for version, entry in versions:
                if base.get((name, version)) == directory:
                    keep = set()
                    for other_version, other in versions:
                        if other != entry:
                            keep |= recorded(directory, other)
                    for path in recorded(directory, entry) - keep:
                        if os.path.isfile(path):
                            os.unlink(path)
                    remove_empty(os.path.join(directory, entry))
        if name in requested:
            for version, entry in versions:
                path = os.path.join(directory, entry)
                mark = os.path.join(path, "REQUESTED")
                if (name, version) not in base and os.path.isdir(path) and not os.path.exists(mark):
                    open(mark, "w", encoding="utf-8").close()
                    with open(os.path.join(path, "RECORD"), "a", encoding="utf-8", newline="") as record:
                        record.write(entry + "/REQUESTED,,\n")

    with open("/opt/envtpl/image.conf", encoding="utf-8") as conf:
        installation = re.search("^INSTALLATION='(.*)'$", conf.read(), re.M).group(1)
    image_key = "%s-%s" % (installation or "image", sys.implementation.cache_tag)
    with open("/opt/envtpl/image.conf", "a", encoding="utf-8") as conf:
        conf.write("PROJECT_KEY='%s'\n" % image_key)
    door = os.path.join(sysconfig.get_path("purelib"), "envtpl-project.pth")
    os.makedirs(os.path.dirname(door), exist_ok=True)
    with open(door, "w", encoding="utf-8") as out:
        out.write(DOOR.format(image_key))


def recorded(directory, entry):
    record = os.path.join(directory, entry, "RECORD")
    if not os.path.exists(record):
        return set()
    with open(record, encoding="utf-8") as lines:
        return {os.path.normpath(os.path.join(directory, line.split(",")[0].strip('"'))) for line in lines}


def remove_empty(directory):
    for path, _, _ in os.walk(directory, topdown=False):
        if not os.listdir(path):
            os.rmdir(path)


main(*sys.argv[1:])
