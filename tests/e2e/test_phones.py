# SPDX-License-Identifier: Apache-2.0
"""Two real phones (baresip) that register and call each other."""
import pytest

BOB = "sip:bob@example.test"


@pytest.fixture
def pair(classic, phone, transport):
    return [phone(classic, user, transport).wait_registered() for user in ("alice", "bob")]


def test_phones_ring_answer_talk_and_hang_up(pair):
    alice, bob = pair
    alice.dial(BOB)
    bob.wait_for("CALL_INCOMING", peeruri="alice")
    alice.wait_for("CALL_RINGING")
    bob.accept()
    alice.wait_for("CALL_ESTABLISHED")
    bob.wait_for("CALL_ESTABLISHED")
    bob.hang_up()
    alice.wait_for("CALL_CLOSED")
    bob.wait_for("CALL_CLOSED")


def test_caller_hangs_up_while_it_rings(pair):
    alice, bob = pair
    alice.dial(BOB)
    bob.wait_for("CALL_INCOMING")
    alice.wait_for("CALL_RINGING")
    alice.hang_up()
    bob.wait_for("CALL_CLOSED")


def test_busy_callee_refuses(pair):
    alice, bob = pair
    alice.dial(BOB)
    bob.wait_for("CALL_INCOMING")
    bob.hang_up()  # refuses: 486
    alice.wait_for("CALL_CLOSED", param="486")


def test_callee_does_not_answer(classic, phone, transport):
    alice = phone(classic, "alice", transport).wait_registered()
    bob = phone(classic, "bob", transport, ring_seconds=1).wait_registered()
    alice.dial(BOB)
    bob.wait_for("CALL_INCOMING")
    bob.wait_for("CALL_CLOSED")
    alice.wait_for("CALL_CLOSED")


def test_two_phones_of_one_user_ring_and_one_answers(classic, phone, transport):
    alice = phone(classic, "alice", transport).wait_registered()
    desk, mobile = (phone(classic, "bob", transport).wait_registered() for _ in range(2))
    alice.dial(BOB)
    desk.wait_for("CALL_INCOMING")
    mobile.wait_for("CALL_INCOMING")
    mobile.accept()
    alice.wait_for("CALL_ESTABLISHED")
    desk.wait_for("CALL_CLOSED")
    alice.hang_up()
    mobile.wait_for("CALL_CLOSED")


def test_a_phone_that_disappeared_does_not_stop_the_other_of_its_user(classic, phone, transport):
    alice = phone(classic, "alice", transport).wait_registered()
    gone, there = (phone(classic, "bob", transport).wait_registered() for _ in range(2))
    gone.vanish()
    alice.dial(BOB)
    there.wait_for("CALL_INCOMING")
    there.accept()
    alice.wait_for("CALL_ESTABLISHED")
    there.hang_up()
    alice.wait_for("CALL_CLOSED")


def test_calling_the_only_phone_after_it_disappeared_ends_with_an_error(classic, phone, transport):
    alice = phone(classic, "alice", transport).wait_registered()
    phone(classic, "bob", transport).wait_registered().vanish()
    alice.dial(BOB)
    alice.wait_for("CALL_CLOSED", seconds=40)
