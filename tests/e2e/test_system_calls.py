# SPDX-License-Identifier: Apache-2.0
"""tandemd while system calls on its sockets, pipes and files fail, one at a time: it goes on, and the next requests are answered."""
import itertools
import os
import signal

import pytest

from harness.amount import amount
from harness.endpoint import Dialog, Endpoint
from harness.faults import LIBRARY, Faults, plausible, rests
from harness.server import Server
from harness.waiting import Overdue, until

pytestmark = [pytest.mark.tandem_only, pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")]

SAME_USER = 'modparam("exec", "user", "root")\n' if os.geteuid() == 0 else ""
SCRIPT = """
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "exec.so"
""" + SAME_USER + """
route {
    if (method=="OPTIONS") { sl_send_reply("200", "NUMBER"); break; }
    if (method=="REGISTER") { save("location"); break; }
    if (method=="MESSAGE") {
        if (exec_msg("cat >/dev/null")) { sl_send_reply("200", "Executed"); } else { sl_send_reply("500", "Not executed"); }
        break;
    }
    if (has_totag()) { loose_route(); t_relay(); break; }
    record_route();
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; }
    t_relay();
}
"""
# The call of this number fails, counted from when the work begins.
NUMBERS = amount((1,), (1, 2, 3, 5, 8, 13))
# The same from the start of the program.
START_NUMBERS = amount((1, 4), range(1, 200))
TRIES = 3  # of a phone, that says again what was lost


def share_of(shards, numbers):
    """The faults of one run: those with one shard and those with two have all of them together; a long run has all each."""
    every = list(itertools.product(plausible(), numbers))
    return amount(every[shards - 1::2], every)


class Work:
    """What a server does in a day: phones register, call each other by UDP and by TCP, a program runs, a script is loaded."""

    _names = itertools.count()

    def __init__(self, server):
        self.server = server
        self.head = server.config.read_text().split(SCRIPT.splitlines()[1])[0]
        self.number = 0

    def do_all(self, seconds, tries=TRIES):
        """\\return what was not done in time, and so often."""
        steps = {"a call by UDP": lambda: self.call("udp", seconds), "a call by TCP": lambda: self.call("tcp", seconds),
                 "a program": lambda: self.execute(seconds), "a reload": lambda: self.reload(seconds)}
        return [name for name, step in steps.items() if not any(self.is_done(step) for _ in range(tries))]

    @staticmethod
    def is_done(step):
        try:
            step()
        except (Overdue, OSError):
            return False
        return True

    def call(self, transport, seconds):
        name = next(self._names)
        alice = Endpoint(transport, self.server.address, f"alice{name}")
        bob = Endpoint(transport, self.server.address, f"bob{name}")
        try:
            if bob.exchange(bob.register(), seconds=seconds).status != 200:
                raise Overdue("registered")
            invite = alice.send(alice.request("INVITE", bob.aor))
            arrived = bob.receive_request("INVITE", seconds=seconds)
            bob.answer(arrived)
            answer = alice.receive_response(200, "INVITE", seconds=seconds)
            dialog = Dialog(alice, invite, answer)
            alice.send(dialog.request("ACK"))
            bob.receive_request("ACK", seconds=seconds)
            alice.send(dialog.request("BYE"))
            bob.answer(bob.receive_request("BYE", seconds=seconds))
            alice.receive_response(200, "BYE", seconds=seconds)
        finally:
            alice.close()
            bob.close()

    def ask(self, method, seconds):
        phone = Endpoint("udp", self.server.address, f"asker{next(self._names)}")
        try:
            return phone.exchange(phone.request(method, f"sip:{phone.domain}"), seconds=seconds)
        finally:
            phone.close()

    def execute(self, seconds):
        if self.ask("MESSAGE", seconds).status != 200:
            raise Overdue("executed")

    def reload(self, seconds):
        self.number += 1
        new = self.server.config.with_suffix(".new")
        new.write_text(self.head + SCRIPT.replace("NUMBER", str(self.number)))
        new.rename(self.server.config)
        self.server.child.send_signal(signal.SIGHUP)

        def is_loaded():
            return self.ask("OPTIONS", seconds).first_line.endswith(f" {self.number}")
        until(is_loaded, "the script to be loaded", seconds=seconds, interval=0.05)


def test_a_call_that_fails_stops_nothing_and_loses_nothing_but_what_it_was_for(serve, tmp_path, shards):
    faults = Faults(tmp_path, "tandemd")
    server = serve(SCRIPT.replace("NUMBER", "0"), environment=faults.environment, prologue="overload_per_source=0\n")
    work = Work(server)
    assert not work.do_all(seconds=5), "without a fault"
    tried = fired = 0
    for (call, error), number in share_of(shards, NUMBERS):
        faults.arm(call, error, number)
        before = faults.fired(call)
        work.do_all(seconds=0.4, tries=1)  # some of it may be lost
        faults.disarm(call)
        tried += 1
        fired += faults.fired(call) > before
        assert server.is_alive(), f"{call}: {error}, {number}: {server.log()[-2000:]}"
        missing = work.do_all(seconds=3)
        assert not missing, f"after {call}: {error}, {number}: {missing} is not done any more"
        rests(server.pid)
        until(lambda: server.open_files() <= server.files_at_start,
              f"the descriptors to be closed after {call}: {error}, {number} ({server.files_at_start} at the start)")
    print(f"{tried} faults armed, {fired} of them happened")
    assert fired > tried / 3, "most of the work makes most of the calls"


def test_a_call_that_fails_at_the_start_is_made_up_for_or_ends_it_with_a_reason(tmp_path, shards):
    started = refused = 0
    for (call, error), number in share_of(shards, START_NUMBERS):
        folder = tmp_path / f"{call}-{error}-{number}"
        folder.mkdir()
        faults = Faults(folder, "tandemd")
        faults.arm(call, error, number)
        try:
            server = Server(folder, SCRIPT.replace("NUMBER", "0"), shards=shards, environment=faults.environment)
        except Overdue:
            raise AssertionError(f"{call}: {error}, {number}: neither started nor ended") from None
        except AssertionError as refusal:
            refused += 1
            text = (folder / "tandemd.log").read_text()
            assert text.strip() and "terminate called" not in text, f"{call}: {error}, {number}: no reason: {refusal}"
            continue
        started += 1
        faults.disarm(call)
        missing = Work(server).do_all(seconds=3)
        server.files_at_start = max(server.files_at_start, server.open_files())  # what it made up for may have come later
        try:
            server.finish()
        except AssertionError as complaint:
            raise AssertionError(f"started in spite of {call}: {error}, {number}, and ends badly: {complaint}") from None
        assert not missing, f"started in spite of {call}: {error}, {number}, and does not do {missing}"
    print(f"{started} started, {refused} refused to")
