"""Fetch uv, the installer of Python packages, from the Python package index.

    fetch-uv.py VERSION DIRECTORY

It reads the index as pip does (index URL, certificates, proxies, credentials of a netrc file),
but needs nothing except a Python: the base image may have no pip.
"""

import base64
import hashlib
import html.parser
import io
import netrc
import os
import platform
import re
import sys
import urllib.parse
import urllib.request
import zipfile


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        href = dict(attributes).get("href")
        if tag == "a" and href:
            self.found.append(href)


def fetch(url):
    """The body of a page, with the credentials that the URL or the netrc file has for its host."""
    parts = urllib.parse.urlsplit(url)
    user, password = parts.username, parts.password
    if user is None and os.environ.get("NETRC"):
        found = netrc.netrc(os.environ["NETRC"]).authenticators(parts.hostname)
        if found:
            user, _, password = found
    host = parts.netloc.rpartition("@")[2]
    request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(netloc=host)))
    request.add_header("Accept", "text/html")
    if user is not None:
        pair = "%s:%s" % (urllib.parse.unquote(user), urllib.parse.unquote(password or ""))
        request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read(), answer.geturl()


def main(version, directory):
    index = os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
    indexes = [index] + os.environ.get("PIP_EXTRA_INDEX_URL", "").split()
    wanted = re.compile(r"uv-%s-.*manylinux.*_%s\..*whl$" % (re.escape(version), platform.machine()))
    reasons = []
    for index in indexes:
        page = index.rstrip("/") + "/uv/"
        try:
            body, at = fetch(page)
            links = Links()
            links.feed(body.decode())
            for link in links.found:
                url, _, digest = urllib.parse.urljoin(at, link).partition("#sha256=")
                name = urllib.parse.unquote(url.split("?")[0].rpartition("/")[2])
                if not wanted.match(name):
                    continue
                wheel, _ = fetch(url)
                if not digest or hashlib.sha256(wheel).hexdigest() != digest:
                    raise ValueError("the sha256 of %s is not the one that the index gives" % name)
                with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
                    for member in archive.namelist():
                        if member.endswith("/scripts/uv"):
                            os.makedirs(directory, exist_ok=True)
                            target = os.path.join(directory, "uv")
                            with open(target, "wb") as out:
                                out.write(archive.read(member))
                            os.chmod(target, 0o755)
                            print("uv %s from %s" % (version, name))
                            return
            reasons.append("%s has no uv %s for %s" % (at, version, platform.machine()))
        except (OSError, ValueError) as reason:
            reasons.append("%s: %s" % (re.sub(r"//[^/@]*@", "//", page), reason))
    sys.exit(
        "error: could not fetch uv, which installs the Python packages:\n  "
        + "\n  ".join(reasons)
        + "\nhelp: behind a company proxy, set CA_BUNDLE, HTTPS_PROXY or PIP_INDEX_URL in .env"
    )


main(*sys.argv[1:])
