# SPDX-License-Identifier: Apache-2.0
"""What SIP2 tests are made of: a running mediator, terminals on sockets, and library systems that behave as told."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import urllib.parse

from .control import HttpPort
from .ports import free_ports
from .server import ROOT, Process, accepted_connections
from .waiting import PATIENCE, until

BIN = pathlib.Path(os.environ.get("TANDEM_BIN", ROOT / "build/bin"))
DATE = "20261120    153457"
LOGIN = "9300CNsiplogin|COsippassword|"
ITEM = f"17{DATE}AOexample|AB31000001|"
CHECKOUT = f"11YN{DATE}{DATE}AOexample|AA21000001|AB31000001|AC|"

ANSWERS = {
    "93": {"code": "94", "fixed_fields": ["1"]},
    "99": {"code": "98", "fixed_fields": ["Y", "Y", "Y", "Y", "N", "N", "999", "999", DATE, "2.00"],
           "fields": [{"AO": "example"}, {"BX": "YYYNYNYYNYYNNNYN"}]},
    "17": {"code": "18", "fixed_fields": ["03", "01", "01", DATE], "fields": [{"AB": "31000001"}, {"AJ": "Emma"}]},
    "11": {"code": "12", "fixed_fields": [1, "N", "N", "Y", DATE],
           "fields": [{"AO": "example"}, {"AA": "21000001"}, {"AB": "31000001"}, {"AJ": "Emma"}, {"AH": "2026-12-11"}]},
    "XS": {"code": "XT"},
}


class Mediator(HttpPort, Process):
    """A running sip2-mediator; its SIP2 and HTTP ports are free ones."""

    def __init__(self, folder, *arguments, config=None, wait=True, name="sip2-mediator", under=(),
                 admin=True):
        self.terminals = []
        self.must_end_well = True  # False for one that a test ends in another way
        self.port = free_ports(2)
        self.http_port = self.port + 1
        self.token = "token"
        command = [*under, BIN / "sip2-mediator", "--log", "stderr", *arguments]
        if admin:
            command += ["--admin-address", f"127.0.0.1:{self.http_port}", "--admin-token", "token"]
        if config is None:
            command += ["--sip-port", self.port]
        else:
            self.config = pathlib.Path(folder) / "sip2.toml"
            self.write_config(config)
            command += ["--config", self.config]
        super().__init__(name, command, folder)
        if wait:
            until(lambda: "Ready for clients" in self.log() or not self.is_alive(), "the mediator to start")
            assert self.is_alive(), self.log()

    def write_config(self, text):
        """Replaces the file as an editor does; PORT in it becomes the SIP2 port."""
        new = self.config.with_suffix(".new")
        new.write_text(text.replace("PORT", str(self.port)))
        new.rename(self.config)

    def connect(self, port=None, **more):
        """A terminal at the SIP2 port or at another one; it is closed with the mediator."""
        self.terminals.append(Terminal(port or self.port, **more))
        return self.terminals[-1]

    def whole_log(self):
        """The log with every line of what has been answered by now.

        Lines are written in their order and a little later, so that the line of a newcomer is behind them all."""
        newcomer = Terminal(self.port)
        host, port = newcomer.socket.getsockname()
        until(lambda: f"[{host}:{port}] New SIP client" in self.log(), "the line of a newcomer in the log")
        newcomer.close()
        return self.log()

    def drain(self):
        """USR1, as operators do; returns the exit status."""
        self.child.send_signal(signal.SIGUSR1)
        return self.child.wait(20 * PATIENCE)

    def finish(self):
        """Ends it as operators do, and checks: connections of peers closed, exit code 0, no process and no report left."""
        for terminal in self.terminals:
            terminal.close()
        try:
            self.members()  # so that those it leaves behind are known
            if self.must_end_well:
                until(lambda: not self.is_alive() or not accepted_connections(self.pid),
                      f"{self.name} to close the connections of its peers")
            status = self.drain() if self.is_alive() else self.child.returncode
            assert status == 0 or not self.must_end_well, f"{status}\n{self.log()}"
            until(lambda: not self.members(), f"what {self.name} has started to end with it")
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end\n{self.log()}") from None
        finally:
            self.kill()
        report = re.search(r"((ERROR|WARNING): \w+Sanitizer|runtime error:).*", self.log())
        assert not report, f"{self.name}: {report[0]}\n{self.log()}"


def finish_all(mediators):
    """Ends every one of them, then complains about those that did not end well."""
    complaints = []
    for mediator in mediators:
        try:
            mediator.finish()
        except AssertionError as complaint:
            complaints.append(complaint)
    assert not complaints, complaints[0]


@contextlib.contextmanager
def mediators(folder, node):
    """start(*arguments, ...) for mediators that must end with 0 at the end; the one that was started last ends first."""
    started = []

    def start(*arguments, folder=folder, **more):
        started.append(Mediator(folder, *arguments, **more))
        return started[-1]

    node.servers = []
    try:
        yield start
    finally:
        finish_all(reversed(started))


class Terminal:
    """A self-check terminal: a socket, and lines ended by CR."""

    def __init__(self, port, tls=None, timeout=10):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def send(self, text, end=b"\r"):
        self.socket.sendall((text if isinstance(text, bytes) else text.encode()) + end)

    def receive(self):
        """The next line; empty when the mediator has hung up."""
        while b"\r" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return ""
            if not data:
                return ""
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r", 1)
        return line.decode("latin-1")

    def ask(self, text):
        self.send(text)
        return self.receive()

    def close(self):
        self.socket.close()


class Listening:
    """A server on the loopback with a thread for each connection: _serve(connection)."""

    def __init__(self, port=0):
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self):
        with contextlib.suppress(OSError):  # stopped before
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept that would keep the port open
        self.listener.close()
        self._thread.join(10)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()


class Library(Listening):
    """A library system over HTTP that answers from ANSWERS, or in whatever way `behave` says.

    behave(library, connection, session, message) gets each message; it returns the body of a 200 answer (a value to
    be written as JSON, or bytes), or None when it has dealt with the connection itself."""

    def __init__(self, behave=None, tls=None, port=0):
        self.behave = behave
        self.tls = tls
        self.messages = []
        self.requests = []
        super().__init__(port)

    def codes(self):
        return [message["code"] for _, message in self.messages]

    def _serve(self, connection):
        try:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                head, buffer = buffer.split(b"\r\n\r\n", 1)
                headers = {}
                for line in head.decode().split("\r\n")[1:]:
                    name, value = line.split(":", 1)
                    headers[name.lower()] = value.strip()
                size = int(headers.get("content-length", 0))
                while len(buffer) < size:
                    buffer += connection.recv(65536)
                body, buffer = buffer[:size], buffer[size:]
                self._take(connection, head.decode(), headers, body.decode())
        except (OSError, ssl.SSLError):
            pass
        finally:
            connection.close()

    def _take(self, connection, head, headers, body):
        form = urllib.parse.parse_qs(body, keep_blank_values=True)
        if "message" not in form:  # a probe
            return connection.sendall(http_answer(b"{}", 400))
        session, message = form["session"][0], json.loads(form["message"][0])
        self.requests.append((head, headers, body))
        self.messages.append((session, message))
        answer = ANSWERS.get(message["code"])
        if self.behave:
            answer = self.behave(self, connection, session, message)
        elif answer is None:
            connection.sendall(http_answer(b"not known here", 400))
        if answer is not None:
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            connection.sendall(http_answer(content))


def http_answer(content, status=200, more=""):
    return (f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\n{more}"
            f"Content-Length: {len(content)}\r\n\r\n").encode() + content


def checked(text, sequence):
    """The line with a right AY and AZ."""
    text = f"{text}AY{sequence}AZ"
    return f"{text}{-sum(text.encode()) & 0xFFFF:04X}"


def client(*arguments, text=None):
    """Runs sip2-client; the finished process."""
    return subprocess.run([BIN / "sip2-client", *(str(a) for a in arguments)], input=text, capture_output=True, text=True,
                          timeout=60, check=False)


def make_certificate(folder, name="localhost"):
    """A self-signed certificate and its key in one PEM file."""
    pem = pathlib.Path(folder) / f"{name}.pem"
    key = pathlib.Path(folder) / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1", "-keyout", key, "-out", pem],
                   check=True, capture_output=True)
    pem.write_text(pem.read_text() + key.read_text())
    return pem
