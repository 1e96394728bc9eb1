"""A server of tokens, which a registry sends its visitors to, as Docker Hub and others have one.

    tokens.py DIRECTORY LIFETIME

DIRECTORY gets tokens.pem, the certificate that the registry checks tokens with. LIFETIME is how many
seconds they are good for; below zero they have expired when they are given. Prints its address.

Sources: distribution's "Token Authentication Specification" and "Token Authentication Implementation",
"OAuth2 Token Authentication"; RFC 7515.
"""

import base64
import http.server
import json
import os
import subprocess
import sys
import time
import urllib.parse

DIRECTORY, LIFETIME = sys.argv[1], int(sys.argv[2])
KEY, CERTIFICATE = (os.path.join(DIRECTORY, name) for name in ("tokens.key", "tokens.pem"))

# User: password, and what may be done with any repository.
ACCOUNTS = {
    "owner": ("owners-secret", {"pull", "push", "delete", "*"}),
    "reader": ("readers-secret", {"pull"}),
}
# What Amazon's registry says when the twelve hours of a password are over.
EXPIRED = "Your authorization token has expired. Reauthenticate and try again."

subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", KEY, "-out", CERTIFICATE],
    check=True,
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)
with open(CERTIFICATE) as file:
    # Between the lines that begin with dashes.
    CHAIN = ["".join(line.strip() for line in file if not line.startswith("-"))]


def encoded(data):
    """Base64 for addresses, without the filling."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(user, access):
    now = int(time.time())
    header = {"typ": "JWT", "alg": "RS256", "x5c": CHAIN}
    # The registry takes a token for a minute longer than it is good.
    expires = now + LIFETIME - (120 if LIFETIME < 0 else 0)
    claims = {"iss": "test", "sub": user, "aud": "test", "iat": now - 600, "nbf": now - 600, "exp": expires, "access": access}
    signed = b".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    key = ["openssl", "dgst", "-sha256", "-sign", KEY]
    signature = subprocess.run(key, input=signed, check=True, stdout=subprocess.PIPE).stdout
    return (signed + b"." + encoded(signature)).decode()


def granted(user, scopes):
    """What of all that is asked for the user may do."""
    access = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        may = set(ACCOUNTS[user][1]) if user else set()
        if name.startswith("public/"):
            may.add("pull")
        actions = [action for action in actions.split(",") if action in may]
        access.append({"type": kind, "name": name, "actions": actions})
    return access


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        login = self.headers.get("Authorization", "")
        if login.startswith("Basic "):
            user, _, password = base64.b64decode(login[6:]).decode().partition(":")
        else:
            user = password = ""
        self.give(user, password, query.get("scope", []))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body).items()}
        self.give(form.get("username", ""), form.get("password", ""), form.get("scope", "").split())

    def give(self, user, password, scopes):
        if user == "expired":
            return self.refuse(403, "DENIED", EXPIRED)
        if user and ACCOUNTS.get(user, ("", ()))[0] != password:
            return self.refuse(401, "UNAUTHORIZED", "incorrect username or password")
        given = token(user, granted(user, [one for scope in scopes for one in scope.split()]))
        self.answer(200, {"token": given, "access_token": given, "expires_in": max(LIFETIME, 60)})

    def refuse(self, status, code, message):
        self.answer(status, {"errors": [{"code": code, "message": message}]})

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("127.0.0.1:%d" % server.server_address[1], flush=True)
server.serve_forever()
