# SPDX-License-Identifier: Apache-2.0
"""SIPp with a scenario of tests/e2e/sipp, on a port of its own."""
import csv
import pathlib
import signal

from .ports import free_ports
from .server import ROOT, Process, tcp_answers, udp_is_bound
from .waiting import PATIENCE, until

SCENARIOS = ROOT / "tests/e2e/sipp"


class Sipp(Process):
    """One run. As a client it ends by itself after `calls` calls; as a server when it is stopped."""

    def __init__(self, folder, scenario, server, transport="udp", calls=None, rate=None, seconds=60, keys=None, port=None,
                 service="bob", arguments=()):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.transport, self.seconds = port or free_ports(), transport, round(seconds * PATIENCE)
        self.scenario = scenario
        self.statistics_path = folder / "statistics.csv"
        host, server_port = server
        command = ["sipp", f"{host}:{server_port}", "-sf", SCENARIOS / f"{scenario}.xml", "-i", "127.0.0.1", "-p", self.port,
                   "-t", "u1" if transport == "udp" else "t1", "-s", service, "-nostdin", "-timeout", f"{self.seconds}s",
                   "-timeout_error", "-trace_err", "-error_file", folder / "errors.log", "-trace_stat", "-fd", "1",
                   "-stf", self.statistics_path, "-nd"]
        for name, value in (keys or {}).items():
            command += ["-key", name, str(value)]
        if calls:
            command += ["-m", calls]
        if rate:
            command += ["-r", rate, "-l", max(calls or rate * 10, 10)]
        super().__init__(f"sipp-{scenario}", command + list(arguments), folder, {"TERM": "dumb"})

    def wait_listening(self):
        """For a scenario that waits for calls."""
        until(lambda: not self.is_alive() or
              (udp_is_bound(self.port) if self.transport == "udp" else tcp_answers("127.0.0.1", self.port)),
              f"SIPp's {self.scenario} to listen")
        assert self.is_alive(), self.report()
        return self

    def report(self):
        errors = self.folder / "errors.log"
        text = errors.read_text(errors="replace") if errors.exists() else ""
        return f"SIPp {self.scenario} ended with {self.child.returncode}\n{text[:3000]}\n{self.log()[-2500:]}"

    def wait_success(self, seconds=None):
        """Waits for the end of all its calls; every one of them must have gone as the scenario says."""
        self.child.wait(seconds * PATIENCE if seconds else self.seconds + 30)
        assert self.child.returncode == 0, self.report()
        return self

    def end_gracefully(self):
        """For a client without a number of calls: begins no more, and each of those in progress must go as the scenario says."""
        self.child.send_signal(signal.SIGUSR1)
        return self.wait_success(seconds=60)

    def statistics(self):
        """The last line of its statistics, by column; nothing before there is one."""
        if not self.statistics_path.exists():
            return {}
        with open(self.statistics_path, encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        return rows[-1] if rows else {}
