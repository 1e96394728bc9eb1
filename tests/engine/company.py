"""A company's network for one test: all ways out lead through a proxy, and what is inside has
certificates that nobody else knows.

    company.py ADDRESS DIRECTORY ARCHIVE...

ADDRESS is that of the engine's bridge, where builds and containers find this machine. DIRECTORY
gets ca.pem, and the log of hosts that were asked for through the proxy. Prints the proxy's
address when everything is ready. ARCHIVE is the address of a distribution's archive.

Inside is one host, packages.company.test, which no name server knows:
    /simple/..., /elsewhere/...       package indexes (company_packages.py); they want a password
    /<last part of ARCHIVE>/...       what that archive has
"""

import base64
import hashlib
import http.server
import os
import socket
import ssl
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

from company_packages import indexes

HOST = "packages.company.test"
LOGIN = "Basic " + base64.b64encode(b"reader:s3cret-word").decode()


def certificates(directory):
    """A certificate authority, and a certificate of it for the host."""

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    with open(os.path.join(directory, "san"), "w") as out:
        out.write("subjectAltName=DNS:%s\n" % HOST)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Company test CA")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "host.key", "-out", "host.csr", "-subj", "/CN=" + HOST)
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san", "-out", "host.pem")


class Inside(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        first, _, rest = self.path.lstrip("/").partition("/")
        if first in self.server.archives:
            return self.relay(self.server.archives[first] + "/" + rest)
        packages = indexes(self.server.directory).get(first)
        if packages is None:
            return self.answer(404)
        if self.headers.get("Authorization") != LOGIN:
            return self.answer(401, headers={"WWW-Authenticate": "Basic realm=company"})
        name, _, file = urllib.parse.unquote(rest).partition("/")
        files = packages.get(name, {})
        if file:
            return self.answer(200, files[file]) if file in files else self.answer(404)
        if not files:
            return self.answer(404)
        links = [
            '<a href="/%s/%s/%s#sha256=%s">%s</a>' % (first, name, link, hashlib.sha256(content).hexdigest(), link)
            for link, content in files.items()
        ]
        page = "<!DOCTYPE html><html><body>%s</body></html>" % "".join(links)
        return self.answer(200, page.encode(), {"Content-Type": "text/html"})

    do_HEAD = do_GET

    def relay(self, url):
        request = urllib.request.Request(url, headers={"If-Modified-Since": self.headers.get("If-Modified-Since", "")})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.answer(200, answer.read(), {"Last-Modified": answer.headers.get("Last-Modified", "")})
        except urllib.error.HTTPError as error:
            self.answer(error.code)

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            if value:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


class Proxy(http.server.BaseHTTPRequestHandler):
    def do_CONNECT(self):
        host, _, port = self.path.rpartition(":")
        with open(self.server.log, "a") as log:
            log.write(host + "\n")
        target = ("127.0.0.1", self.server.inside) if host == HOST else (host, int(port))
        try:
            upstream = socket.create_connection(target, timeout=30)
        except OSError:
            return self.send_error(502)
        self.send_response(200)
        self.end_headers()
        upstream.settimeout(None)
        other = threading.Thread(target=pump, args=(upstream, self.connection), daemon=True)
        other.start()
        pump(self.connection, upstream)
        other.join()
        self.close_connection = True

    def log_message(self, *_):
        pass


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        try:
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def main(address, directory, *archives):
    certificates(directory)
    inside = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inside)
    inside.directory = directory
    inside.archives = {archive.rpartition("/")[2]: archive for archive in archives}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "host.pem"), os.path.join(directory, "host.key"))
    inside.socket = context.wrap_socket(inside.socket, server_side=True)
    threading.Thread(target=inside.serve_forever, daemon=True).start()
    try:
        proxy = http.server.ThreadingHTTPServer((address, 0), Proxy)
    except OSError:
        # An engine without a bridge of its own: its builds and containers are on this machine's network.
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.log, proxy.inside = os.path.join(directory, "log"), inside.server_port
    print("http://%s:%d" % proxy.server_address, flush=True)
    proxy.serve_forever()


main(*sys.argv[1:])
