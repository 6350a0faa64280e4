# SPDX-License-Identifier: Apache-2.0
"""Nobody reads what the server writes: SIP goes on to be answered, and what was lost is told later."""
import fcntl
import json
import os
import re
import signal
import socket
import subprocess

import pytest

from harness.ports import free_ports
from harness.server import tandemd_path, tcp_answers
from harness.sip2 import BIN, Terminal
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

SCRIPT = """
loadmodule "sl.so"
loadmodule "xlog.so"
loadmodule "print.so"
route {
  xlog("L_ERR", "log $hdr(X-Long)");
  print("print $hdr(X-Long)\\n");
  sl_send_reply("200", "OK");
}
"""
REQUESTS = 300  # below the bounds of one source
LONG = "x" * 20_000  # so that few requests fill what waits in memory


def small_pipe():
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    return reader, writer


def read_now(reader):
    """What is in a pipe, without waiting."""
    os.set_blocking(reader, False)
    seen = b""
    try:
        while piece := os.read(reader, 65536):
            seen += piece
    except BlockingIOError:
        pass
    return seen


class Unread:
    """tandemd whose output is given, with a socket that asks it."""

    def __init__(self, folder, prologue="", **output):
        self.port = free_ports(2)
        config = folder / "server.cfg"
        config.write_text(prologue + SCRIPT)
        command = [tandemd_path(), "-E", "-f", config, "-l", f"udp:127.0.0.1:{self.port}", "-n", "1"]
        if os.geteuid() == 0:
            command += ["-u", "root"]  # the folders of tests are root's
        self.child = subprocess.Popen([str(c) for c in command + output.pop("options", [])], stdin=subprocess.DEVNULL, **output)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2)
        until(lambda: self.ask(0), "the first answer")

    def ask(self, number):
        host, port = self.socket.getsockname()
        text = (f"OPTIONS sip:127.0.0.1:{self.port} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK-{number}\r\n"
                f"Max-Forwards: 70\r\nFrom: <sip:a@{host}>;tag=a\r\nTo: <sip:b@{host}>\r\nCall-ID: unread-{number}-{LONG}\r\n"
                f"CSeq: 1 OPTIONS\r\nX-Long: {LONG}\r\nContent-Length: 0\r\n\r\n")
        self.socket.sendto(text.encode(), ("127.0.0.1", self.port))
        try:
            return self.socket.recv(65536).startswith(b"SIP/2.0 200")
        except socket.timeout:
            return False

    def ask_many(self):
        for number in range(1, REQUESTS + 1):
            assert self.ask(number), f"request {number} is not answered"

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        assert self.child.wait(10) == 0


@pytest.fixture
def unread(tmp_path):
    """Starts one; what a failed test leaves running is killed."""
    started = []

    def start(*arguments, **output):
        started.append(Unread(tmp_path, *arguments, **output))
        return started[-1]

    yield start
    for server in started:
        server.child.kill()
        server.child.wait(10)
        server.socket.close()


@pytest.mark.parametrize("stream", ["stderr", "stdout"])
def test_a_pipe_that_nobody_reads_stops_no_call(unread, tmp_path, stream):
    reader, writer = small_pipe()
    log = open(tmp_path / "log", "wb")
    server = unread(**{"stdout": log, "stderr": log, stream: writer})
    os.close(writer)
    server.ask_many()
    # Now it is read again: all that waited comes, and what came too much is counted.
    seen = bytearray()
    told = {"stderr": lambda: bytes(seen), "stdout": lambda: (tmp_path / "log").read_bytes()}[stream]

    def read():
        seen.extend(read_now(reader))
        gaps = re.findall(rb"ERROR (\d+) (?:lines|texts of print\(\)) lost", told())
        return sum(map(int, gaps)) > REQUESTS / 2

    until(read, "the lines that tell the loss")
    server.end()
    os.close(reader)
    log.close()


def test_a_full_pipe_does_not_keep_the_server_from_its_end(unread):
    reader, writer = small_pipe()
    server = unread(stdout=writer, stderr=writer)
    os.close(writer)
    for number in range(1, 50):
        assert server.ask(number)
    server.end()
    os.close(reader)


def test_a_trace_into_a_pipe_without_reader_loses_lines_and_says_how_many(unread, tmp_path):
    pipe = tmp_path / "trace"
    os.mkfifo(pipe)
    with open(tmp_path / "log", "wb") as log:
        server = unread("debug=-3\n", stdout=subprocess.DEVNULL, stderr=log, options=["--trace", pipe])
        server.ask_many()
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        seen = bytearray()

        def read():
            seen.extend(read_now(reader))
            return re.search(rb'\n({[^\n]*"lost": (\d+)})\n', seen)

        lost = until(read, "the line that tells the loss")
        assert json.loads(lost[1])["lost"] == int(lost[2]) > 0
        server.end()
        os.close(reader)


def test_statistics_into_a_pipe_without_reader_stop_nobody(unread, tmp_path):
    pipe = tmp_path / "statistics"
    os.mkfifo(pipe)
    with open(tmp_path / "log", "wb") as log:
        server = unread(f'statistics="{pipe}"\n', stdout=log, stderr=log)
        server.child.send_signal(signal.SIGUSR1)
        for number in range(1, 20):
            assert server.ask(number)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        until(lambda: read_now(reader).startswith(b"--- "), "the statistics")
        os.close(reader)
        server.end()


def test_the_log_of_the_mediator_that_nobody_reads_stops_no_terminal(tmp_path):
    reader, writer = small_pipe()
    port = free_ports(1)
    mediator = subprocess.Popen([BIN / "sip2-mediator", "--demo", "--log", "stderr", "--syslog-level", "LOG_DEBUG", "--sip-port", str(port)],
                                cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    try:
        until(lambda: tcp_answers("127.0.0.1", port), "the mediator to listen")
        terminal = Terminal(port)
        assert terminal.ask("9300CNsiplogin|COsippassword|") == "941"
        for _ in range(3000):  # some 150 bytes of log each, and the pipe takes 4 KB
            assert terminal.ask("9900302.00").startswith("98")
        terminal.close()
        seen = bytearray()

        def ends_while_it_is_read():
            seen.extend(read_now(reader))
            return mediator.poll() is not None
        mediator.send_signal(signal.SIGTERM)
        until(ends_while_it_is_read, "the mediator to end")
        assert mediator.returncode == 0
        seen.extend(read_now(reader))
        assert len(seen) > 100_000, "it was written once it was read"
    finally:
        mediator.kill()
        mediator.wait(10)
        os.close(reader)
