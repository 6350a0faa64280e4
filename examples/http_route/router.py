#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An application for http_route() (docs/http-route.md): says where calls go. Needs nothing but Python.

    python3 examples/http_route/router.py [PORT]        on 127.0.0.1, port 8080 unless told otherwise
"""
import http.server
import json
import sys

# Whom a number rings, all at once.
GROUPS = {"200": ["sip:alice@127.0.0.1:5061", "sip:bob@127.0.0.1:5062"]}
MOVED = {"300": "sip:carol@example.net"}
CLOSED = {"400"}


def user_of(uri):
    return uri.partition(":")[2].partition("@")[0].partition(";")[0]


def decide(question):
    number = user_of(question["uri"])
    if number in GROUPS:
        return {"action": "relay", "to": GROUPS[number], "headers": {"X-Group": number}}
    if number in MOVED:
        return {"action": "redirect", "to": [MOVED[number]]}
    if number in CLOSED:
        return {"action": "reply", "status": 480, "reason": "Closed", "headers": {"Retry-After": "3600"}}
    return {"action": "continue"}


class Router(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps the connection open

    def do_POST(self):
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(decide(question)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Router) as server:
        print(f"listening on 127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
