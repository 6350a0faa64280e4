# SPDX-License-Identifier: Apache-2.0
"""The doors of a program for its operators: commands by JSON-RPC over HTTP and over a unix socket, metrics, health."""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import select
import socket
import time


class CommandError(Exception):
    """The program refused a command."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]


class HttpPort:
    """For programs that have self.http_port and self.token."""

    def get(self, path):
        """Status and text of an answer."""
        return self._ask_http("GET", path)[:2]

    def post(self, path, body, content_type="application/json", token=None):
        """Status, text and headers of an answer."""
        headers = {"Content-Type": content_type, "Authorization": f"Bearer {self.token if token is None else token}"}
        return self._ask_http("POST", path, body, headers)

    def _ask_http(self, *request):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)) as connection:
            connection.request(*request)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers

    def call(self, method, *positional, token=None, **arguments):
        """The whole JSON-RPC answer of a command."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(positional) or arguments}
        return json.loads(self.post("/rpc", json.dumps(request), token=token)[1])

    def ask(self, method, *positional, token=None, **arguments):
        """The result of a command; raises CommandError when it is refused."""
        answer = self.call(method, *positional, token=token, **arguments)
        if "error" in answer:
            raise CommandError(answer["error"])
        return answer["result"]

    def metric(self, name):
        """The sum of a metric over its labels."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.split("{")[0].split(" ")[0] == name]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


class ControlSocket:
    """A connection to the unix socket of a program: a line for each request and for each answer."""

    def __init__(self, path):
        path = pathlib.Path(path)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)  # its path may be too long for an address
        try:
            self.socket.connect(f"/proc/self/fd/{folder}/{path.name}")
        finally:
            os.close(folder)
        self.lines = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next answer; None at the end of the connection."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def call(self, method, *positional, **arguments):
        """The whole JSON-RPC answer of a command."""
        self.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(positional) or arguments}).encode() + b"\n")
        return self.receive()

    def ask(self, method, *positional, **arguments):
        """The result of a command; raises CommandError when it is refused."""
        answer = self.call(method, *positional, **arguments)
        if "error" in answer:
            raise CommandError(answer["error"])
        return answer["result"]

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Fifo:
    """The FIFO of a server as old scripts use it: a request by one write, and a pipe of one's own for the reply."""

    _names = itertools.count()

    def __init__(self, path, replies):
        self.path, self.replies = pathlib.Path(path), pathlib.Path(replies)

    def write(self, data):
        with open(self.path, "wb", buffering=0) as fifo:
            fifo.write(data)

    def ask(self, command, *lines, end="\n"):
        """The bytes of the reply."""
        name = f"reply_{os.getpid()}_{next(self._names)}"
        pipe = self.replies / name
        os.mkfifo(pipe)
        try:
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            self.write(f":{command}:{name}\n".encode() + b"".join(line.encode() + b"\n" for line in lines) + end.encode())
            return read_reply(reader)
        finally:
            pipe.unlink()


def read_reply(reader, seconds=20):
    """All that comes until the writer closes the pipe, and then the pipe is closed."""
    data, until = b"", time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            if not select.select([reader], [], [], 0.5)[0]:
                continue
            try:
                part = os.read(reader, 65536)
            except BlockingIOError:
                continue
            if part:
                data += part
            elif data:
                return data
            else:
                time.sleep(0.005)  # nobody has opened it for writing yet
        raise AssertionError(f"no whole reply within {seconds} s: {data[:200]!r}")
    finally:
        os.close(reader)
