"""A registry that refuses whatever is asked of it: for answers of others than docker-registry.

    refusing.py STATUS CODE MESSAGE

Prints its address. Source of the answers' form: OCI distribution specification, "Error Codes".
"""

import http.server
import json
import sys

STATUS, CODE, MESSAGE = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        # Some try TLS first, and go on without it when they are told in HTTP that there is none.
        if self.rfile.peek(1)[:1] == b"\x16":
            self.wfile.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            self.close_connection = True
            return
        super().handle_one_request()

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        # That it is a registry is all that it tells.
        fine = self.path == "/v2/"
        body = b"{}" if fine else json.dumps({"errors": [{"code": CODE, "message": MESSAGE}]}).encode()
        self.send_response(200 if fine else STATUS)
        self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("127.0.0.1:%d" % server.server_address[1], flush=True)
server.serve_forever()
