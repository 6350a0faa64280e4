# SPDX-License-Identifier: Apache-2.0
"""A real phone: baresip without a screen, led over its control port (netstrings of JSON)."""
import json
import pathlib
import selectors
import socket

from .ports import free_ports
from .server import Process
from .sound import write_tone
from .waiting import Deadline, Overdue, until

_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
rtp_ports {rtp}-{rtp_end}
audio_source aufile,{tone}
audio_player aufile,{heard}
audio_alert aufile,{heard}
ausrc_srate 8000
auplay_srate 8000
call_local_timeout {ring_seconds}
call_max_calls 4
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Phone:
    """One baresip with one account. Every wait is for an event that baresip reports."""

    def __init__(self, folder, user, server, domain="example.test", transport="udp", expires=60, answer="manual",
                 ring_seconds=30, password="none"):
        self.user, self.aor = user, f"sip:{user}@{domain}"
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sip_port = free_ports(2)  # it takes the next one for TLS
        self.control_port, rtp = free_ports(2), free_ports(20)
        host, port = server
        (self.folder / "config").write_text(_CONFIG.format(
            sip=self.sip_port, rtp=rtp, rtp_end=rtp + 19, tone=write_tone(self.folder / "tone.wav"),
            heard=self.folder / "heard.wav", control=self.control_port, ring_seconds=ring_seconds))
        (self.folder / "accounts").write_text(
            f'<sip:{user}@{domain}>;auth_pass={password};outbound="sip:{host}:{port};transport={transport}";'
            f"regint={expires};answermode={answer};audio_codecs=PCMA;ptime=20\n")
        (self.folder / "contacts").write_text("")
        (self.folder / "uuid").write_text(f"{user}-{self.sip_port}")
        self.process = Process(f"phone-{user}-{self.sip_port}", ["baresip", "-f", self.folder], self.folder)
        self._events, self._buffer = [], b""
        self._control = until(self._connect, f"the control port of phone {user}", seconds=15)
        self._control.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._control, selectors.EVENT_READ)

    def _connect(self):
        if not self.process.is_alive():
            raise AssertionError(f"baresip of {self.user} did not start:\n{self.process.log()}")
        try:
            return socket.create_connection(("127.0.0.1", self.control_port), timeout=2)
        except OSError:
            return None

    def command(self, name, params=""):
        data = json.dumps({"command": name, "params": params, "token": name}).encode()
        self._control.sendall(b"%d:%s," % (len(data), data))

    def dial(self, who):
        self.command("dial", who)

    def accept(self):
        self.command("accept")

    def hang_up(self):
        self.command("hangup")

    def wait_for(self, kind, seconds=15.0, **fields):
        """The next event of the type `kind` (as 'CALL_RINGING') whose fields contain the given texts."""
        deadline = Deadline(seconds)
        while True:
            for at, event in enumerate(self._events):
                if event.get("type") == kind and all(text in str(event.get(name, "")) for name, text in fields.items()):
                    del self._events[:at + 1]
                    return event
            if not self._read(deadline.left()):
                raise Overdue(f"phone {self.user}: no {kind} in {seconds} s; events left: "
                              f"{[e.get('type') for e in self._events]}\n{self.process.log()[-3000:]}")

    def wait_registered(self):
        """Its first registration may succeed before the control port answers, so its own words count, not the event."""
        until(lambda: f"{self.user}@" in self.process.log() and "200 OK" in self.process.log(),
              f"phone {self.user} to be registered", seconds=15)
        return self

    def vanish(self):
        """Ends as a phone that lost its power: nothing is said to anybody."""
        self.process.kill()

    def close(self):
        self._selector.close()
        self._control.close()
        if self.process.is_alive():
            self.process.kill()  # no de-registration: what tests check has been checked by now

    def _read(self, seconds):
        if not self._selector.select(seconds):
            return False
        data = self._control.recv(65536)
        if not data:
            return False
        self._buffer += data
        while True:
            length, colon, rest = self._buffer.partition(b":")
            if not colon or len(rest) < int(length) + 1:
                return True
            text, self._buffer = rest[:int(length)], rest[int(length) + 1:]
            event = json.loads(text.decode(errors="replace"))
            if event.get("event"):
                self._events.append(event)
