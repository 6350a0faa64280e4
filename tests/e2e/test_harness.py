# SPDX-License-Identifier: Apache-2.0
"""The harness itself: it knows every process that a program has started, while that runs and when it has ended, notices
each message that nobody expected, and names the tests that were skipped."""
import subprocess
import sys

import pytest

from harness.endpoint import Endpoint
from harness.inbox import SHORTEST_TIMER, Inbox, Sent
from harness.server import ROOT, Process
from harness.waiting import until


@pytest.fixture
def family(tmp_path):
    """family('shell text') starts a shell; whatever is left of it is killed."""
    made = []

    def start(text):
        made.append(Process("family", ["/bin/sh", "-c", text], tmp_path))
        return made[-1]

    yield start
    for one in made:
        one.kill()


def names_of(pids):
    found = []
    for pid in pids:
        with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
            found.append(comm.read().strip())
    return sorted(found)


# A shell, a process of its session, one that begins a session, and that one's child.
FAMILY = "sleep 600 & setsid sh -c 'sleep 600 & wait' & wait"


def test_a_descendant_in_a_session_of_its_own_is_a_member(family):
    one = family(FAMILY)
    # Each is a shell until it has become what it shall be.
    until(lambda: names_of(one.members()) == ["sh", "sh", "sleep", "sleep"], "all of the family to be there")


def test_what_outlives_its_program_stays_a_member_and_can_be_killed(family):
    one = family(FAMILY)
    until(lambda: len(one.members()) == 4, "all of the family to be there")
    one.stop()
    assert not one.is_alive() and len(one.members()) == 3
    one.kill()
    until(lambda: not one.members(), "all of the family to be gone")


def test_processes_of_others_are_no_members(family):
    one, other = family("exec sleep 600"), family("exec sleep 600")
    assert one.members() == [one.pid] and other.members() == [other.pid]


# -- what arrives

@pytest.fixture(params=["udp", "tcp"])
def pair(request):
    """Two endpoints, each the server of the other."""
    one = Endpoint(request.param, ("127.0.0.1", 9), "one")
    other = Endpoint(request.param, (one.host, one.port), "other")
    yield one, other
    other.close()
    one.close()


def complaints_of(pair):
    one, other = pair
    other.close()
    return one.complaints()


def test_what_was_read_once_is_no_reason_to_complain(pair):
    one, other = pair
    request = other.send(other.request("OPTIONS", "sip:x@example.test"))
    assert bytes(one.receive_request("OPTIONS")) == bytes(request)
    assert not complaints_of(pair)


def test_a_message_that_nobody_read_is_noticed_at_the_end(pair):
    one, other = pair
    other.send(other.request("OPTIONS", "sip:x@example.test"))
    other.send(other.request("MESSAGE", "sip:x@example.test"))
    one.receive_request("MESSAGE")
    [complaint] = complaints_of(pair)
    assert complaint.startswith("one: nobody read <OPTIONS ")


def test_a_message_that_came_twice_is_noticed_at_the_end(pair, monkeypatch):
    monkeypatch.setattr("harness.inbox.SHORTEST_TIMER", 600)  # however slow this machine is between the two
    one, other = pair
    for _ in range(2):
        request = other.send(other.request("OPTIONS", "sip:x@example.test", call_id="c", branch="z9hG4bK1", from_tag="t"))
    one.receive_request("OPTIONS")
    one.receive_request("OPTIONS", repeats=True)
    [complaint] = complaints_of(pair)
    assert "came once more" in complaint and repr(request) in complaint


def test_an_endpoint_that_expects_anything_complains_of_nothing(pair):
    one, other = pair
    one.anything_may_come()
    other.send(other.request("OPTIONS", "sip:x@example.test"))
    assert not complaints_of(pair)


def test_who_repeats_a_request_may_get_its_answer_again():
    peer = Endpoint("udp", ("127.0.0.1", 9))
    request = peer.request("OPTIONS", "sip:x@example.test")
    sent = Sent()
    inbox = Inbox(sent, is_datagrams=True)
    for copies in (1, 2):
        sent.add(request)
        inbox.add(peer.response(request, 200), at=0)
        assert inbox.take(lambda m: True, repeats=True) and not inbox.complaints(), copies
    inbox.add(peer.response(request, 200), at=0)
    assert len(inbox.complaints()) == 1
    peer.close()


@pytest.mark.parametrize("is_datagrams", [True, False])
def test_only_a_timer_of_a_datagram_transport_may_repeat_what_nobody_asked_for(is_datagrams):
    peer = Endpoint("udp", ("127.0.0.1", 9))
    request = peer.request("OPTIONS", "sip:x@example.test")
    inbox = Inbox(Sent(), is_datagrams)
    for number in range(3):
        inbox.add(request, at=number * 5 * SHORTEST_TIMER)
    assert inbox.take(lambda m: True, repeats=False) and not inbox.take(lambda m: True, repeats=False)
    assert len(inbox.complaints()) == (0 if is_datagrams else 2)
    peer.close()


# -- tests that were skipped

def test_skipped_tests_are_listed_with_their_reasons(tmp_path):
    log = tmp_path / "Testing/Temporary/LastTest.log"
    log.parent.mkdir(parents=True)
    log.write_text("""\
[ RUN      ] privileges.become
/src/tandem/server/privileges_test.cpp:100: Skipped
only root can become somebody else
[  SKIPPED ] privileges.become (0 ms)
SKIPPED [4] tests/e2e/test_exec.py:342: only root can become somebody else
SKIPPED [1] tests/e2e/test_sip2.py:608: nginx is not installed
skipped: /build/bin/tandemd is not built
""")
    said = subprocess.run([sys.executable, ROOT / "scripts/list-skips", tmp_path], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == [f"  {tmp_path.name}: 1 skipped: /build/bin/tandemd is not built",
                                 f"  {tmp_path.name}: 1 skipped: nginx is not installed",
                                 f"  {tmp_path.name}: 5 skipped: only root can become somebody else"]
