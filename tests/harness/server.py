# SPDX-License-Identifier: Apache-2.0
"""Starts the server under test with a script of the test's, and sees to it that it ends as it should."""
import functools
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import typing

from .amount import IS_SOAKING
from .control import HttpPort
from .ports import free_ports
from .waiting import PATIENCE, Overdue, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOMAIN = "example.test"
# At TERM tandemd waits for what is in progress, 10 s at most (docs/server.md). A test answers what reaches its endpoints.
_LONGEST_DRAIN = 9


def tandemd_path():
    """The program under test: TANDEM_BIN names the folder, build/bin is the default."""
    return pathlib.Path(os.environ.get("TANDEM_BIN", ROOT / "build/bin")) / "tandemd"


@functools.lru_cache
def _options(program):
    result = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=20, check=False)
    return result.stdout + result.stderr


class ProcessState(typing.NamedTuple):
    state: str
    parent: int
    session: int


def processes_now():
    """All processes of the machine, by their ids."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        found[int(entry.name)] = ProcessState(fields[0], int(fields[1]), int(fields[3]))
    return found


class Process:
    """A program in a session of its own; stop() ends it by its id, kill() ends it and all that it started."""

    def __init__(self, name, command, folder, environment=None, stdin=subprocess.DEVNULL):
        self.name, self.command, self.folder = name, [str(c) for c in command], pathlib.Path(folder)
        self.log_path = self.folder / f"{name}.log"
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(self.command, cwd=folder, stdin=stdin, stdout=log, stderr=log,
                                          start_new_session=True, env={**os.environ, **(environment or {})})
        self.pid = self.child.pid
        self.sessions = {self.pid}

    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_alive(self):
        return self.child.poll() is None

    def members(self):
        """The ids of its living processes: its session, its descendants, and the sessions that these have begun.

        What it leaves behind has another parent, but is found by a session that was seen while the program ran."""
        processes, family = processes_now(), set()
        while True:
            more = {pid for pid, p in processes.items()
                    if pid not in family and (p.session in self.sessions or p.parent in family)}
            if not more:
                return sorted(pid for pid in family if processes[pid].state != "Z")
            family |= more
            self.sessions |= {processes[pid].session for pid in more}

    def stop(self, seconds=20):
        """Asks it to end and returns its exit code."""
        if self.is_alive():
            self.members()  # so that those it leaves behind are known
            self.child.send_signal(signal.SIGTERM)
        try:
            code = self.child.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {seconds} s of TERM; its log:\n{self.log()}") from None
        return code

    def kill(self):
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.child.wait(10)


def is_running(pid):
    """The process has not ended; one that has may still wait for its parent to take notice."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def open_ends(port):
    """How many ends of connections to a TCP port of the loopback have not been closed by their own program yet."""
    open_ones = ("01", "08")  # ESTABLISHED, CLOSE_WAIT
    with open("/proc/net/tcp", encoding="ascii") as lines:
        rows = [line.split() for line in lines][1:]
    return sum(f":{port:04X}" in (row[1][-5:], row[2][-5:]) and row[3] in open_ones for row in rows)


def accepted_connections(pid):
    """The connections that a process has accepted and not closed; those to itself are not counted."""
    sockets = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
        try:
            sockets.add(os.readlink(entry))
        except OSError:
            pass  # it has just been closed
    rows = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as lines:
            rows += [row for row in (line.split() for line in lines) if f"socket:[{row[9]}]" in sockets]
    own = {row[1].rpartition(":")[2] for row in rows}
    listening = {row[1].rpartition(":")[2] for row in rows if row[3] == "0A"}
    return [row for row in rows if row[3] != "0A" and row[1].rpartition(":")[2] in listening
            and row[2].rpartition(":")[2] not in own]


def udp_is_bound(port):
    wanted = f":{port:04X} "
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        with open(table, encoding="ascii") as lines:
            if any(wanted in line.split(None, 2)[1] + " " for line in lines if ":" in line.split(None, 2)[1]):
                return True
    return False


def tcp_answers(host, port):
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def tcp_pings(host, port):
    """The program's loop runs: it answers a keep-alive (RFC 5626 4.4.1)."""
    try:
        with socket.create_connection((host, port), timeout=1) as probe:
            probe.sendall(b"\r\n\r\n")
            return probe.recv(2) == b"\r\n"
    except OSError:
        return False


TOKENS = {role: f"token-of-role-{role}-{os.urandom(8).hex()}" for role in ("user", "read", "change", "admin")}


class Server(HttpPort, Process):
    """tandemd on a free port of 127.0.0.1, UDP and TCP, with a script that may leave out where to listen.

    With http=True it has an HTTP port of its own choice, and a token for each role (TOKENS)."""

    program = "tandemd"
    drains = True  # False where nobody answers: a second signal ends it without waiting for calls

    def __init__(self, folder, script, shards=1, options=(), prologue="", environment=None, host="127.0.0.1",
                 http=False):
        self.host, self.port, self.shards = "127.0.0.1", free_ports(2), shards
        self.listens_at = host
        self.address = (self.host, self.port)
        self.config = pathlib.Path(folder) / "server.cfg"
        self.trace = pathlib.Path(folder) / "trace.jsonl"
        self.control_socket = pathlib.Path(folder) / "control.sock"
        self.token = TOKENS["admin"]
        if callable(prologue):  # it has to know the port
            prologue = prologue(self.port)
        if http:
            prologue += self._http_prologue()
        self.config.write_text(self._with_prologue(script, prologue))
        super().__init__(self.program, self._command(list(options)), folder, environment)
        try:
            until(lambda: not self.is_alive() or (udp_is_bound(self.port) and tcp_pings(self.host, self.port)),
                  f"{self.program} to listen on port {self.port}", seconds=20)
        except Overdue:
            self.kill()  # no test knows it yet
            raise
        if not self.is_alive():
            raise AssertionError(f"{self.program} did not start:\n{self.log()}")
        if http:
            self.http_port = int(re.search(r"HTTP port at 127\.0\.0\.1:(\d+)", self.log())[1])
        self.files_at_start = self._settled_files()

    @property
    def uri(self):
        return f"sip:{self.host}:{self.port}"

    def _prologue(self):
        # A machine that is busy with other tests makes the loop late; that is no load of the server's.
        return (f'listen={self.listens_at}\nport={self.port}\nalias="{DOMAIN}"\noverload_lag=10000\n'
                f'control_socket="{self.control_socket}"\n')

    def _http_prologue(self):
        tokens = self.config.with_name("tokens")
        tokens.write_text("".join(f"{role} {token}\n" for role, token in TOKENS.items()))
        tokens.chmod(0o600)
        return f'http_listen="127.0.0.1:0"\nhttp_tokens="{tokens}"\n'

    def _with_prologue(self, script, more):
        """Puts the listening address after a first line that is a mark, as #!SER is."""
        first, newline, rest = script.partition("\n")
        text = self._prologue() + more + "\n"
        return first + newline + text + rest if first.startswith("#!") else text + script

    def _command(self, options):
        program = tandemd_path()
        command = [program, "-f", self.config, "-D", "-E", "--shards", self.shards]
        if os.geteuid() == 0 and "-u" not in options:
            command += ["-u", "root"]  # the folders of tests are root's
        if "--trace" in _options(str(program)) and not IS_SOAKING:  # the trace of a long run would fill a disk
            command += ["--trace", self.trace]
        return command + options

    def open_files(self):
        return len(list(pathlib.Path(f"/proc/{self.pid}/fd").iterdir()))

    def _settled_files(self):
        """How many descriptors it has open once our knocking at its door is over."""
        counts = [-1, -2]

        def is_settled():
            counts.append(self.open_files())
            return counts[-1] == counts[-2] == counts[-3]
        until(is_settled, "the number of open descriptors to settle", interval=0.02)
        return counts[-1]

    def resident_kilobytes(self):
        match = re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.pid}/status").read_text())
        return int(match[1])

    def finish(self):
        """Ends it and checks: alive until now, all descriptors of peers closed, no call left, exit code 0, no process and no report left."""
        try:
            assert self.is_alive(), f"{self.program} ended by itself ({self.child.returncode}):\n{self.log()}"
            until(lambda: self.open_files() <= self.files_at_start,
                  f"{self.program} to close its peers' descriptors ({self.files_at_start} at the start)", seconds=10)
            asked = time.monotonic()
            if not self.drains:
                self.child.send_signal(signal.SIGINT)  # no TERM: two equal signals may arrive as one
            code = self.stop()
            assert code == 0, f"{self.program} ended with {code}:\n{self.log()}"
            assert time.monotonic() - asked < _LONGEST_DRAIN, f"{self.program} waited for a request that the test left unanswered"
            # Programs that it has just killed may need a moment more to be gone.
            until(lambda: not self.members(), f"what {self.program} has started to end with it")
        finally:
            self.kill()
        report = re.search(r"(ERROR: (Address|Leak|Thread)Sanitizer|runtime error:).*", self.log())
        assert not report, f"{self.program}: {report[0]}\n{self.log()}"
