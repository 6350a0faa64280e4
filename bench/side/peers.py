# SPDX-License-Identifier: Apache-2.0
"""The programs that are measured: tandemd, kamailio, and the floor. Each is started afresh for each measurement."""
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from harness.ports import free_ports  # noqa: E402
from harness.server import Process, tcp_answers, udp_is_bound  # noqa: E402
from harness.waiting import until  # noqa: E402

SCRIPTS = ROOT / "bench/scripts"
SERVER_CORE, LOAD_CORE = 0, 1


def bench_program(name):
    """A program of the build that is measured; tandemd is taken from the folder TANDEM_BIN instead where that is set."""
    folder = os.environ.get("TANDEM_BIN") if name == "tandemd" else None
    return pathlib.Path(folder or ROOT / "build-bench/bin") / name


def pinned(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


class Peer:
    """A server on a port of the loopback. As a context it starts, waits until it listens, and stops."""

    name = ""

    def __init__(self, unit, core=SERVER_CORE):
        self.unit, self.core, self.port, self.callee_port = unit, core, free_ports(2), free_ports(2)
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def command(self, folder):
        raise NotImplementedError

    def is_ready(self):
        return udp_is_bound(self.port) and tcp_answers("127.0.0.1", self.port)

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tandem-bench-")
        folder = pathlib.Path(self.folder.name)
        self.process = Process(self.name, pinned(self.core, self.command(folder)), folder)
        until(lambda: not self.process.is_alive() or self.is_ready(), f"{self.name} to listen", seconds=20)
        if not self.process.is_alive():
            raise SystemExit(f"{self.name} did not start:\n{self.process.log()}")
        return self

    def __exit__(self, *_):
        self.process.stop()
        self.process.kill()
        self.folder.cleanup()

    def pids(self):
        return self.process.members()


class Tandem(Peer):
    name = "tandemd"
    parameters = ""  # more lines of the script

    def __init__(self, unit, core=SERVER_CORE, shards=1):
        super().__init__(unit, core)
        self.shards = shards

    def command(self, folder):
        # All load comes from one address, which no busy office does.
        script = f'listen=127.0.0.1\nport={self.port}\nalias="example.test"\noverload_per_source=0\n{self.parameters}'
        script += (SCRIPTS / self.unit.script).read_text()
        (folder / "server.cfg").write_text(script)
        # The folder is root's where root measures: callgrind writes there when the server ends.
        user = ["-u", "root"] if os.geteuid() == 0 else []
        return [str(bench_program("tandemd")), "-f", str(folder / "server.cfg"), "-D", "-E", "--shards", str(self.shards), *user]


class Kamailio(Peer):
    name = "kamailio"

    def command(self, folder):
        script = (f"listen=udp:{self.address}\nlisten=tcp:{self.address}\nalias=\"example.test\"\n"
                  + (SCRIPTS / self.unit.script.replace("proxy", "kamailio").replace("exec.cfg", "kamailio-exec.cfg")).read_text())
        (folder / "kamailio.cfg").write_text(script)
        return ["/usr/sbin/kamailio", "-f", str(folder / "kamailio.cfg"), "-DD", "-E", "-x", "fm", "-X", "fm", "-m", "2048",
                "-M", "64", "-L", "/usr/lib/x86_64-linux-gnu/kamailio/modules", "-Y", str(folder)]


class Floor(Peer):
    """Receives and sends as many bytes as a server would."""

    name = "floor"

    def command(self, folder):
        relays = self.unit.work == "call"
        command = [str(bench_program("floor")), "relay" if relays else "reply", self.unit.transport, str(self.port)]
        return command + ([str(self.callee_port)] if relays else [])

    def is_ready(self):
        return udp_is_bound(self.port) if self.unit.transport == "udp" else tcp_listens(self.port)

    def pids(self):
        return [self.process.pid]  # its child only takes what nobody reads


def tcp_listens(port):
    """Listening, found without a connection: the floor would relay it."""
    wanted = f":{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(wanted) and line.split()[3] == "0A" for line in list(table)[1:])
