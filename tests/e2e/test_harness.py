# SPDX-License-Identifier: Apache-2.0
"""The harness itself: it knows every process that a program has started, while that runs and when it has ended."""
import pytest

from harness.server import Process
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
