"""Read Python package indexes as pip does: PEP 691 (JSON) and PEP 503 (HTML).

It needs nothing except a Python: a base image may have no pip. fetch-uv.py imports it, and
`envtpl freeze` sends it into a container to ask which files a version has.
"""

import base64
import concurrent.futures
import configparser
import hashlib
import html.parser
import http.client
import json
import netrc
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

DEFAULT = "https://pypi.org/simple"
# The best form first; an index that knows only one gives that.
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
TRIES = 3
# Answers that are the same when one asks again.
FINAL = (ssl.SSLCertVerificationError, ConnectionRefusedError)
# Some servers forbid what they do not have.
NOT_THERE = (401, 403, 404, 410)
ARCHIVES = (".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz")


class Links(html.parser.HTMLParser):
    """The links of a page, each with its attributes."""

    def __init__(self, at):
        super().__init__()
        self.at = at
        self.found = []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "base" and attributes.get("href"):
            self.at = urllib.parse.urljoin(self.at, attributes["href"])
        elif tag == "a" and attributes.get("href"):
            self.found.append((attributes["href"], attributes))


def key(name):
    return re.sub("[-_.]+", "-", name).lower()


def without_credentials(url):
    """The URL as it may be shown and kept: no user, no password."""
    return re.sub(r"^([a-z0-9+.-]+://)[^/@]*@", r"\1", url, flags=re.I)


class Settings:
    """Where packages come from: pip's variables, uv's, and pip.conf, in that order."""

    def __init__(self, environment=os.environ):
        conf = self.pip_conf(environment)

        def first(*names, conf_key):
            values = (environment.get(name, "").strip() for name in names)
            return next((value for value in values if value), None) or conf.get(conf_key, "")

        self.index = first("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", conf_key="index-url") or DEFAULT
        extra = first("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", conf_key="extra-index-url")
        # uv lets an index have a name: name=URL.
        self.extra = [re.sub(r"^[\w.-]+=(?=[a-z+]+://)", "", url) for url in extra.split()]
        self.links = re.split(r"[\s,]+", first("PIP_FIND_LINKS", "UV_FIND_LINKS", conf_key="find-links"))
        self.links = [link for link in self.links if link]
        self.trusted = first("PIP_TRUSTED_HOST", conf_key="trusted-host").split()
        self.certificates = first("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", conf_key="cert")
        self.netrc = environment.get("NETRC") or os.path.expanduser("~/.netrc")
        self.proxy = conf.get("proxy", "")

    @staticmethod
    def pip_conf(environment):
        home = os.path.expanduser("~")
        chosen = environment.get("PIP_CONFIG_FILE")
        if chosen == os.devnull:
            return {}
        config = configparser.RawConfigParser(strict=False)
        for path in (
            "/etc/xdg/pip/pip.conf",
            "/etc/pip.conf",
            os.path.join(home, ".pip/pip.conf"),
            os.path.join(environment.get("XDG_CONFIG_HOME") or os.path.join(home, ".config"), "pip/pip.conf"),
            os.path.join(sys.prefix, "pip.conf"),
            chosen,
        ):
            try:
                if path:
                    config.read(path, encoding="utf-8")
            except (configparser.Error, OSError, UnicodeError) as reason:
                print("warning: %s cannot be read: %s" % (path, reason), file=sys.stderr)
        found = {}
        for section in ("global", "install"):
            if config.has_section(section):
                found.update(config.items(section))
        return found

    def declare(self, index, extra, links):
        """Adds what a requirements file says; its variables are those of this environment."""

        def expanded(text):
            return re.sub(r"\$\{([A-Z0-9_]+)\}", lambda name: os.environ.get(name.group(1), name.group(0)), text)

        if index:
            self.extra.insert(0, self.index)
            self.index = expanded(index)
        self.extra += [expanded(url) for url in extra]
        self.links += [expanded(link) for link in links]

    def indexes(self):
        """The indexes, each once, in the order in which they count."""
        return list(dict.fromkeys(url.rstrip("/") for url in [self.index, *self.extra]))


class Index:
    """Fetches pages and files with the settings' certificates, proxies and credentials."""

    def __init__(self, settings):
        self.settings = settings
        self.credentials = {}
        for url in settings.indexes() + settings.links:
            parts = urllib.parse.urlsplit(url)
            if parts.username is not None:
                self.credentials[parts.netloc.rpartition("@")[2]] = (parts.username, parts.password or "")
        proxies = {"http": settings.proxy, "https": settings.proxy} if settings.proxy else None
        verified = ssl.create_default_context(cafile=settings.certificates or None)
        # The name is Python's own for what pip calls a trusted host.
        unverified = ssl._create_unverified_context()
        self.openers = {
            context: urllib.request.build_opener(
                urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)
            )
            for context in (verified, unverified)
        }
        self.verified, self.unverified = verified, unverified

    def login(self, parts):
        """User and password for a host: of the URL, of an index on that host, of netrc."""
        host = parts.netloc.rpartition("@")[2]
        if parts.username is not None:
            return urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        if host in self.credentials:
            user, password = self.credentials[host]
            return urllib.parse.unquote(user), urllib.parse.unquote(password)
        if parts.hostname and os.path.exists(self.settings.netrc):
            try:
                found = netrc.netrc(self.settings.netrc).authenticators(parts.hostname)
            except (netrc.NetrcParseError, OSError):
                found = None
            if found:
                return found[0], found[2]
        return None

    def open(self, url, accept="*/*"):
        """An answer; its caller closes it."""
        parts = urllib.parse.urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        request = urllib.request.Request(urllib.parse.urlunsplit(parts._replace(netloc=host, fragment="")))
        request.add_header("Accept", accept)
        login = self.login(parts)
        if login:
            # Not to another host that the answer may point to.
            pair = base64.b64encode(("%s:%s" % login).encode()).decode()
            request.add_unredirected_header("Authorization", "Basic " + pair)
        trusted = host in self.settings.trusted or parts.hostname in self.settings.trusted
        opener = self.openers[self.unverified if trusted else self.verified]
        return opener.open(request, timeout=30)

    def ask(self, url, use, accept="*/*"):
        """What `use` makes of an answer. What may pass, also while the answer is read, is tried again."""
        for left in reversed(range(TRIES)):
            try:
                with self.open(url, accept) as answer:
                    return use(answer)
            except urllib.error.HTTPError as answer:
                if left == 0 or answer.code < 500 and answer.code != 429:
                    raise
            except (OSError, http.client.HTTPException) as reason:
                if left == 0 or isinstance(getattr(reason, "reason", None), FINAL):
                    raise
            # One second, then two.
            time.sleep(2.0 ** (TRIES - 1 - left))

    def read(self, url):
        return self.ask(url, lambda answer: answer.read())

    def digest(self, url):
        """The sha256 and the size of a file; None where it is not there."""

        def digested(answer):
            digest, size = hashlib.sha256(), 0
            while True:
                block = answer.read(1 << 20)
                if not block:
                    return digest.hexdigest(), size
                digest.update(block)
                size += len(block)

        try:
            return self.ask(url, digested)
        except urllib.error.HTTPError as answer:
            if answer.code in NOT_THERE:
                return None, None
            raise

    def page(self, url):
        """The files that a page lists: name, url, sha256 (None where it does not say), size, yanked."""
        if url.startswith("file:") or "://" not in url:
            path = urllib.request.url2pathname(urllib.parse.urlsplit(url).path) if url.startswith("file:") else url
            if os.path.isdir(path) and not os.path.exists(os.path.join(path, "index.html")):
                return [self.of_directory(path, name) for name in sorted(os.listdir(path))]
            if os.path.isdir(path):
                path = os.path.join(path, "index.html")
            url = "file://" + urllib.parse.quote(os.path.abspath(path))
        body, at, kind = self.ask(url, lambda answer: (answer.read(), answer.geturl(), answer.headers.get_content_type()), ACCEPT)
        if kind.endswith("+json"):
            return [self.of_json(at, one) for one in json.loads(body)["files"]]
        links = Links(at)
        links.feed(body.decode("utf-8", "replace"))
        return [self.of_link(links.at, *link) for link in links.found]

    @staticmethod
    def of_directory(path, name):
        url = "file://" + urllib.parse.quote(os.path.join(os.path.abspath(path), name))
        return {"name": name, "url": url, "sha256": None, "size": None, "yanked": None}

    @staticmethod
    def of_json(at, one):
        yanked = one.get("yanked")
        return {
            "name": one["filename"],
            "url": urllib.parse.urljoin(at, one["url"]),
            "sha256": (one.get("hashes") or {}).get("sha256"),
            "size": one.get("size"),
            "yanked": "" if yanked is True else yanked or None,
        }

    @staticmethod
    def of_link(at, href, attributes):
        url, _, fragment = urllib.parse.urljoin(at, href).partition("#")
        digest = re.search("(?:^|&)sha256=([0-9a-fA-F]{64})", fragment)
        return {
            "name": urllib.parse.unquote(url.split("?")[0].rpartition("/")[2]),
            "url": url,
            "sha256": digest and digest.group(1).lower(),
            "size": None,
            # An attribute without a value is None too; that it is there is what counts.
            "yanked": (attributes["data-yanked"] or "") if "data-yanked" in attributes else None,
        }

    def files(self, index, name):
        """The files of a package on an index; None where the index does not have it."""
        try:
            return self.page("%s/%s/" % (index, key(name)))
        except urllib.error.HTTPError as answer:
            if answer.code in NOT_THERE:
                return None
            raise
        except urllib.error.URLError as reason:
            if index.startswith("file:") and isinstance(reason.reason, OSError):
                return None
            raise


def canonical(version):
    """A version in the one spelling of PEP 440 that equal versions share."""
    match = re.fullmatch(
        r"v?(?:(\d+)!)?(\d+(?:\.\d+)*)"
        r"(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?"
        r"(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?"
        r"(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
        version.strip().lower(),
    )
    if not match:
        return version
    epoch, release, pre, pre_number, post_short, post, post_number, dev, dev_number, local = match.groups()
    release = re.sub(r"(\.0)+$", "", ".".join(str(int(number)) for number in release.split(".")))
    letter = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
    text = "%d!%s" % (int(epoch or 0), release)
    if pre:
        text += letter.get(pre, pre) + str(int(pre_number or 0))
    if post or post_short:
        text += ".post%d" % int(post_short or post_number or 0)
    if dev:
        text += ".dev%d" % int(dev_number or 0)
    return text + ("+" + re.sub("[-_.]", ".", local) if local else "")


def version_of(name, package):
    """The version that a file's name tells for a package; None for what is no file of it."""
    if name.endswith(".whl"):
        parts = name[:-4].split("-")
        return parts[1] if len(parts) in (5, 6) and key(parts[0]) == key(package) else None
    ending = next((ending for ending in ARCHIVES if name.endswith(ending)), None)
    if not ending:
        return None
    stem = name[: -len(ending)]
    # Older names have dashes in them: the package's own come first.
    for at in (found.start() for found in re.finditer("-", stem)):
        if key(stem[:at]) == key(package):
            return stem[at + 1 :]
    return None


def answer(question):
    """Print what the indexes say: `packages` as [name, version], and the digests of `files`.

    `environment` holds settings that this process does not have, `index`, `extra` and `links` what
    requirements files say about indexes.
    """
    os.environ.update(question.get("environment", {}))
    settings = Settings()
    settings.declare(question.get("index"), question.get("extra", []), question.get("links", []))
    index = Index(settings)
    trouble = {}

    def asked(place, task, *arguments):
        try:
            return task(*arguments)
        except (OSError, ValueError, KeyError) as reason:
            trouble.setdefault(without_credentials(place), str(reason))
            return None

    # Pages that are not of one package are read once.
    loose = [(link, asked(link, index.page, link) or []) for link in dict.fromkeys(settings.links)]

    def package(one):
        name, version = one
        found = []
        for url in settings.indexes():
            found += [(url, file) for file in asked(url, index.files, url, name) or []]
        for link, files in loose:
            found += [(link, file) for file in files]
        found = [(url, file) for url, file in found if version_of(file["name"], name)]
        found = [(url, file) for url, file in found if canonical(version_of(file["name"], name)) == canonical(version)]
        for url, file in found:
            file["url"] = without_credentials(file["url"])
        return [dict(file, index=without_credentials(url)) for url, file in found]

    def digest(url):
        sha256, size = asked(url, index.digest, url) or (None, None)
        return {"url": url, "sha256": sha256, "size": size}

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        packages = list(pool.map(package, question.get("packages", [])))
        digests = list(pool.map(digest, question.get("files", [])))
    # What comes before the separator was printed by the image's own start.
    print("\x1e" + json.dumps({"packages": packages, "files": digests, "trouble": trouble}))
