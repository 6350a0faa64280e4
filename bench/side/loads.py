# SPDX-License-Identifier: Apache-2.0
"""The loads: SIPp at a fixed rate, and our own generator as fast as the server goes. Both end by themselves."""
import dataclasses
import json
import pathlib
import socket
import subprocess
import tempfile
import threading
import uuid

from .meters import cpu_seconds
from .peers import LOAD_CORE, ROOT, Process, bench_program, free_ports, pinned, tcp_listens, udp_is_bound, until

SIPP = {"call": "bench/sipp/caller.xml", "options": "bench/sipp/options.xml", "register": "bench/sipp/register.xml"}


@dataclasses.dataclass(frozen=True)
class Unit:
    """One line of the table: what is done, over what, at what rate (None: saturated)."""

    work: str
    transport: str
    rate: int | None = None
    users: int = 1
    script: str = "proxy.cfg"
    sources: int = 1
    places: int = 64

    @property
    def name(self):
        return f"{self.work}-{self.transport}" + (f"-{self.rate}" if self.rate else "") + (
            f"-{self.users}" if self.work == "lookup" else "")

    @property
    def mode(self):
        return "paced" if self.rate else "saturated"


@dataclasses.dataclass
class Measure:
    """CPU seconds per 1,000 units, and whether every unit went as it should."""

    cpu: float
    per_second: float
    done: int
    faults: str


def generate(peer, unit, seconds=None, **options):
    """Runs our generator against the peer and returns what it counted."""
    command = [str(bench_program("load")), unit.work, "--target", peer.address, "--transport", unit.transport,
               "--places", str(unit.places), "--sources", str(unit.sources), "--users", str(unit.users)]
    if unit.work == "call":
        command += ["--callee-port", str(peer.callee_port)]
    if seconds:
        command += ["--seconds", str(seconds)]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    result = subprocess.run(pinned(LOAD_CORE, command), capture_output=True, text=True, timeout=700, check=False)
    if result.returncode:
        raise SystemExit(f"load failed: {result.stderr}")
    return json.loads(result.stdout.splitlines()[-1])


def _faults(counts):
    return " ".join(f"{counts[name]} {name}" for name in ("lost", "refused", "reordered") if counts.get(name))


def measure_saturated(peer, unit, seconds):
    """Closed loop: as fast as the server goes, with a fixed number of units in progress."""
    if unit.work == "lookup" and peer.name != "floor":
        fill = dataclasses.replace(unit, work="register")
        generate(peer, fill, seconds=120, count=unit.users)
    generate(peer, unit, seconds=1)  # caches and pools are warm afterwards
    before = cpu_seconds(peer.pids())
    counts = generate(peer, unit, seconds=seconds)
    cpu = cpu_seconds(peer.pids()) - before
    return Measure(1000 * cpu / max(counts["done"], 1), counts["per_second"], counts["done"], _faults(counts))


def _sipp(folder, scenario, peer, transport, port, arguments):
    transport_option = "u1" if transport == "udp" else "t1"
    command = ["sipp", peer.address, "-sf", str(ROOT / scenario), "-i", "127.0.0.1", "-p", str(port), "-t", transport_option,
               "-nostdin", "-nd", "-buff_size", "4194304", *map(str, arguments)]
    folder.mkdir(parents=True, exist_ok=True)
    return Process(folder.name, pinned(LOAD_CORE, command), folder, {"TERM": "dumb"})


def measure_paced(peer, unit, seconds):
    """SIPp at the unit's rate; the CPU of the whole run counts, from the first call to the end of the last."""
    with tempfile.TemporaryDirectory(prefix="tandem-sipp-") as name:
        folder = pathlib.Path(name)
        callee = None
        if unit.work == "call":
            callee = _sipp(folder / "callee", "tests/e2e/sipp/callee.xml", peer, unit.transport, peer.callee_port, [])
            until(lambda: udp_is_bound(peer.callee_port) if unit.transport == "udp" else tcp_listens(peer.callee_port),
                  "SIPp's callee to listen")
        try:
            calls = int(unit.rate * seconds)
            generate(peer, dataclasses.replace(unit, work="options", rate=None), seconds=0.5) if peer.name != "floor" else None
            before = cpu_seconds(peer.pids())
            caller = _sipp(folder / "caller", SIPP[unit.work], peer, unit.transport, free_ports(),
                           ["-m", calls, "-r", unit.rate, "-l", 20 * unit.rate, "-key", "callee_port", peer.callee_port,
                            "-timeout", f"{seconds * 3 + 20}s"])
            caller.child.wait(seconds * 3 + 40)
            cpu = cpu_seconds(peer.pids()) - before
            faults = "" if caller.child.returncode == 0 else f"SIPp ended with {caller.child.returncode}"
            return Measure(1000 * cpu / calls, unit.rate, calls, faults)
        finally:
            if callee:
                callee.kill()


def measure(peer, unit, seconds):
    return (measure_paced if unit.rate else measure_saturated)(peer, unit, seconds)


class Held:
    """Our generator with every place holding one unit (ringing calls, idle connections) until released."""

    def __init__(self, peer, unit):
        self.places = unit.places
        command = [str(bench_program("load")), unit.work, "--target", peer.address, "--transport", unit.transport, "--hold",
                   "--places", str(unit.places), "--sources", str(unit.sources), "--seconds", "60"]
        if unit.work == "call":
            command += ["--callee-port", str(peer.callee_port)]
        self.child = subprocess.Popen(pinned(LOAD_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        if line.strip() != "held":
            raise SystemExit(f"load did not hold: {line}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        output, _ = self.child.communicate("go\n", timeout=30)
        counts = json.loads(output.splitlines()[-1])
        if counts["started"] != self.places or counts["ringing"] + counts["done"] != self.places:
            raise SystemExit(f"load held not all of {self.places}: {counts}")


class Nuisance:
    """A peer that has the server start the program of this name every quarter of a second (bench/scripts/programs.cfg); none for ""."""

    def __init__(self, peer, name):
        self.peer, self.name, self.over = peer, name, threading.Event()
        self.thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind(("127.0.0.1", 0))
            asking.connect(("127.0.0.1", self.peer.port))
            while True:
                mark = uuid.uuid4().hex
                asking.send((f"MESSAGE sip:{self.name}@example.test SIP/2.0\r\nMax-Forwards: 70\r\n"
                             f"Via: SIP/2.0/UDP 127.0.0.1:{asking.getsockname()[1]};branch=z9hG4bK{mark}\r\n"
                             f"From: <sip:nuisance@example.test>;tag=n\r\nTo: <sip:{self.name}@example.test>\r\n"
                             f"Call-ID: {mark}\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n").encode())
                if self.over.wait(0.25):
                    return

    def __enter__(self):
        if self.name:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        if self.name:
            self.thread.join()
