# SPDX-License-Identifier: Apache-2.0
"""Applications that route calls over HTTP: the examples as they stand there, the two schemas, and an application that does not answer."""
import contextlib
import http.server
import json
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading

import jsonschema
import pytest

from harness.endpoint import ack_of
from harness.ports import free_ports
from harness.server import ROOT, tcp_answers
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

SCRIPT = """
loadmodule "sl"
loadmodule "tm"
loadmodule "http_route"
modparam("http_route", "deadline", DEADLINE)
route {
    if (method=="OPTIONS") { sl_send_reply("200", "OK"); break; }
    if (method=="ACK") { t_relay(); break; }
    if (!http_route("URL")) { sl_reply_error(); break; }
    if (!t_relay()) { sl_reply_error(); }
}
"""


def schema(name):
    return json.loads((ROOT / f"docs/http-route-{name}.schema.json").read_text())


class Application(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        question = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.questions.append(json.loads(question.decode()))
        self.server.go.wait()
        answer = json.dumps(self.server.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Applications(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def process_request(self, request, client_address):
        self.connections.append(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.remove(request)
        super().shutdown_request(request)

    def hang_up(self):
        """The server's idle connections, whose descriptors are counted."""
        for connection in list(self.connections):
            with contextlib.suppress(OSError):  # the server was first
                connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def application(serve):
    """An application that answers what the test says; with go.clear() it keeps silent."""
    with Applications(("127.0.0.1", 0), Application) as server:
        server.connections, server.questions = [], []
        server.answer, server.go = {"action": "continue"}, threading.Event()
        server.go.set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.go.set()
        server.shutdown()
        server.hang_up()
        thread.join()


@pytest.fixture
def asking(serve):
    def start(url, deadline=5_000):
        return serve(SCRIPT.replace("URL", url).replace("DEADLINE", str(deadline)), prologue="overload_per_source=0\n", http=True)
    return start


def counted(server, result):
    lines = server.get("/metrics")[1].splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f'tandem_http_route_total{{result="{result}"}}'))


def url_of(application):
    return f"http://127.0.0.1:{application.server_port}/route"


@pytest.fixture(params=["python", "shell"])
def example(request, serve, tmp_path):
    """One of the examples, and its URL."""
    port = free_ports()
    if request.param == "python":
        command, path = [sys.executable, ROOT / "examples/http_route/router.py", str(port)], "/"
    else:
        (tmp_path / "cgi-bin").mkdir()
        shutil.copy(ROOT / "examples/http_route/router.sh", tmp_path / "cgi-bin/router.sh")
        tmp_path.chmod(0o755)  # Python's server has CGI programs run as nobody when it is root
        for parent in tmp_path.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o011)
        command, path = [sys.executable, "-m", "http.server", "--cgi", "--bind", "127.0.0.1", "--directory", tmp_path, str(port)], \
            "/cgi-bin/router.sh"
    with open(tmp_path / "application.log", "wb") as log:
        program = subprocess.Popen(command, stdout=log, stderr=log)
    until(lambda: tcp_answers("127.0.0.1", port), "the example to listen")
    yield f"http://127.0.0.1:{port}{path}"
    program.send_signal(signal.SIGTERM)
    program.wait(10)


def test_the_examples_ring_redirect_refuse_and_let_go(example, asking, endpoint):
    server = asking(example)
    alice, bob = endpoint(server), endpoint(server, "bob")

    moved = alice.request("INVITE", "sip:300@example.test")
    answer = alice.exchange(moved)
    assert (answer.status, answer.get("Contact")) == (302, "sip:carol@example.net")
    alice.send(ack_of(moved, answer))

    closed = alice.request("INVITE", "sip:400@example.test")
    answer = alice.exchange(closed)
    assert (answer.status, answer.first_line[12:], answer.get("Retry-After")) == (480, "Closed", "3600")
    alice.send(ack_of(closed, answer))

    # Those two of the example are not there; that its answer was obeyed is told by what came of it.
    until(lambda: counted(server, 'reply') == 2, "two replies to be counted")
    alice.send(alice.request("MESSAGE", f"sip:bob@127.0.0.1:{bob.port}", body=b"hello", headers=[("Content-Type", "text/plain")]))
    bob.answer(bob.receive_request("MESSAGE"))
    alice.receive_final("MESSAGE")
    assert counted(server, 'continue') == 1
    alice.send(alice.request("MESSAGE", "sip:200@example.test", body=b"hello", headers=[("Content-Type", "text/plain")]))
    alice.receive_final("MESSAGE")
    assert counted(server, 'relay') == 1


def test_what_is_asked_and_answered_is_what_the_schemas_say(application, asking, endpoint):
    server = asking(url_of(application))
    alice, bob = endpoint(server), endpoint(server, "bob")
    odd = [("X-Odd", "\"'`$(id);|&<b>\\ %s \x7f"), ("X-Bytes", "caf\udce9 \udcff\udcfe"), ("Authorization", 'Digest username="a"'),
           ("Content-Type", "application/octet-stream")]
    application.answer = {"action": "relay", "to": [{"uri": f"sip:bob@127.0.0.1:{bob.port}", "q": 0.25}],
                          "headers": {"X-Added": ["one", "two"], "X-Odd": None}}
    jsonschema.validate(application.answer, schema("answer"))
    alice.send(alice.request("MESSAGE", "sip:200@example.test", headers=odd, body=b"\xff\x00\r\n"))
    came = bob.receive_request("MESSAGE")
    assert [v for n, v in came.headers if n == "X-Added"] == ["one", "two"] and not [n for n, _ in came.headers if n == "X-Odd"]
    assert came.body == b"\xff\x00\r\n"
    bob.answer(came)
    alice.receive_final("MESSAGE")
    question, = application.questions
    jsonschema.validate(question, schema("question"))
    told = {h["name"]: h["value"] for h in question["headers"]}
    assert told["X-Odd"] == odd[0][1] and "\ufffd" in told["X-Bytes"] and "Authorization" not in told
    assert question["body"] == {"type": "application/octet-stream", "base64": "/wANCg=="}
    assert question["source"] == {"address": "127.0.0.1", "port": alice.port, "transport": "udp"}


@pytest.mark.parametrize("answer", [
    {"action": "relay", "to": ["sip:a@127.0.0.1\r\nVia: x"]}, {"action": "relay"}, {"action": "reply", "status": 404, "extra": 1},
    {"action": "continue", "headers": {"Route": "<sip:192.0.2.1;lr>"}}, ["continue"], {"action": "continue", "headers": {"X": "a\nb"}},
], ids=["uri-of-two-lines", "without-destination", "unknown-member", "header-of-the-way", "no-object", "value-of-two-lines"])
def test_an_answer_that_breaks_the_rules_is_not_obeyed(application, asking, endpoint, answer):
    server = asking(url_of(application))
    alice = endpoint(server)
    application.answer = answer
    got = alice.exchange(alice.request("MESSAGE", "sip:200@example.test"))
    assert (got.status, got.first_line[12:]) == (500, "Error in external logic (11/SL)")
    until(lambda: "http_route" in server.log(), "a word in the log")


def test_a_silent_application_delays_nobody_else_and_its_callers_until_the_deadline(application, asking, endpoint):
    server = asking(url_of(application), deadline=1_000)
    alice, bob = endpoint(server), endpoint(server, "bob")
    application.go.clear()
    asked = [alice.request("MESSAGE", "sip:200@example.test") for _ in range(50)]
    for one in asked:
        alice.send(one)
    until(lambda: application.questions, "a question")
    for _ in range(20):
        assert bob.exchange(bob.request("OPTIONS", "sip:example.test")).status == 200
    waiting = {one.get("Call-ID") for one in asked}
    while waiting:
        got = alice.receive_final("MESSAGE", repeats=True)
        assert got.status == 500
        waiting.discard(got.get("Call-ID"))
    application.go.set()
    assert server.metric("tandem_http_route_waiting") == 0
