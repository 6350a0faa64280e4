# SPDX-License-Identifier: Apache-2.0
"""Reloads while requests come: none is lost, each runs one script whole, and a script with a fault changes nothing."""
import signal

import pytest

from harness.amount import IS_SOAKING, amount
from harness.endpoint import Dialog, ack_of
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

RELOADS = amount(20, 2_000)
RELOADS_AT_A_RATE, CALLS_A_SECOND = amount((20, 50), (10_000, 500))
FAULTY_EACH = 10  # every tenth has a fault

SCRIPT = """
loadmodule "sl"
loadmodule "tm"
loadmodule "rr"
loadmodule "usrloc"
loadmodule "registrar"
route {
    if (method=="OPTIONS") { sl_send_reply("200", "NUMBER"); break; }
    if (method=="REGISTER") { save("location"); break; }
    if (has_totag()) { loose_route(); t_relay(); break; }
    record_route();
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; }
    t_relay();
}
"""


class Refusals:
    """Counts the refused reloads in a log that grows."""

    def __init__(self, server):
        self._log, self._count = open(server.log_path, "rb"), 0

    def count(self):
        self._count += self._log.read().count(b"reload refused")
        return self._count

    def close(self):
        self._log.close()


@pytest.fixture
def reloaded(serve):
    """A server, and a way to load script number n: reload(n)."""
    server = serve(SCRIPT.replace("NUMBER", "0"), prologue="overload_per_source=0\n")
    head = server.config.read_text().split(SCRIPT.splitlines()[1])[0]

    def reload(text):
        new = server.config.with_suffix(".new")
        new.write_text(head + text)
        new.rename(server.config)
        server.child.send_signal(signal.SIGHUP)
    return server, reload


def number_of(answer):
    assert answer.status == 200
    return int(answer.first_line.split(" ", 2)[2])


def answers_until_done(asking, number, running, is_refused):
    """Asks which script runs until it is `number`, or until that is refused where it has a fault."""
    answers = []

    def is_done():
        answers.append(number_of(asking.exchange(asking.request("OPTIONS", "sip:example.test"))))
        assert answers[-1] in (running, number), "one of the two scripts, whole"
        return answers[-1] == number or (number % FAULTY_EACH == 0 and is_refused())
    until(is_done, f"reload {number} to be done")
    return answers


def test_reloads_under_load_lose_no_request_and_leave_nothing_behind(reloaded, endpoint):
    server, reload = reloaded
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    assert bob.exchange(bob.register(expires=7200)).status == 200  # longer than ten thousand reloads take
    refusals, refused, running, asked, memory = Refusals(server), 0, 0, 0, None
    for number in range(1, RELOADS + 1):
        # A call begins before the reload and ends behind it.
        invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
        arrived = bob.receive_request("INVITE")
        if number % FAULTY_EACH:
            reload(SCRIPT.replace("NUMBER", str(number)))
        else:
            reload(SCRIPT.replace("t_relay", "t_rely", 1))
            refused += 1
        answers = answers_until_done(alice, number, running, lambda: refusals.count() == refused)  # pylint: disable=cell-var-from-loop
        running, asked = answers[-1], asked + len(answers)
        if number % 2:
            bob.answer(arrived, 486, "Busy Here")
            assert bob.receive_request("ACK")
            alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))
        else:
            bob.answer(arrived)
            dialog = Dialog(alice, invite, alice.receive_response(200, "INVITE"))
            alice.send(dialog.request("ACK"))
            assert bob.receive_request("ACK")
            alice.send(dialog.request("BYE"))
            bob.answer(bob.receive_request("BYE"))
            assert alice.receive_response(200, "BYE")
        if number == RELOADS // 2:
            memory = server.resident_kilobytes()
    print(f"{RELOADS} reloads, {refused} of them refused; {RELOADS} calls and {asked} requests answered, none lost; "
          f"memory {memory} kB at half of them, {server.resident_kilobytes()} kB at the end")
    refusals.close()
    until(lambda: server.open_files() <= server.files_at_start, "no descriptor to be left")
    assert server.resident_kilobytes() < memory + 2048


def test_calls_at_a_steady_rate_notice_no_reload(reloaded, endpoint, sipp):
    server, reload = reloaded
    alice = endpoint(server, "alice")
    callee = sipp(server, "callee", seconds=2 * 3600).wait_listening()
    sipp(server, "register", calls=1, keys={"contact_port": callee.port}).wait_success()
    calls = sipp(server, "caller", rate=CALLS_A_SECOND, seconds=2 * 3600, arguments=("-d", "100"))
    until(lambda: int(calls.statistics().get("SuccessfulCall(C)", 0)) > 0, "the first call to end")
    refusals, refused, running, memory = Refusals(server), 0, 0, None
    for number in range(1, RELOADS_AT_A_RATE + 1):
        if number % FAULTY_EACH:
            reload(SCRIPT.replace("NUMBER", str(number)))
        else:
            reload(SCRIPT.replace("t_relay", "t_rely", 1))
            refused += 1
        running = answers_until_done(alice, number, running, lambda: refusals.count() == refused)[-1]  # pylint: disable=cell-var-from-loop
        if number == RELOADS_AT_A_RATE // 2:
            memory = server.resident_kilobytes()
    memory_at_end = server.resident_kilobytes()
    calls.end_gracefully()
    done = calls.statistics()
    print(f"{RELOADS_AT_A_RATE} reloads, {refused} of them refused, while {done['SuccessfulCall(C)']} calls were made, "
          f"{CALLS_A_SECOND} a second; {done['FailedCall(C)']} failed; memory {memory} kB at half of them, {memory_at_end} kB at the end")
    refusals.close()
    assert int(done["FailedCall(C)"]) == 0 and int(done["SuccessfulCall(C)"]) > 0
    if IS_SOAKING:  # before, ended calls are still being remembered at half of them
        assert memory_at_end < memory + 2048
    until(lambda: server.open_files() <= server.files_at_start, "no descriptor to be left")
