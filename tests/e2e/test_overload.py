# SPDX-License-Identifier: Apache-2.0
"""Above its bounds the server refuses new work with 503 and Retry-After, statelessly, while what is in progress goes on."""
import pytest

from harness.endpoint import Dialog, ack_of
from harness.message import is_response
from harness.server import ROOT
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

SCRIPT = ROOT / "tests/scripts/classic.cfg"
BOUND = 40


# CVE-2021-41145: a flood of requests ate the memory of a server; here what one may begin is bounded.
def test_calls_beyond_the_bound_are_refused_while_dialogs_go_on(serve, endpoint, shards):
    server = serve(SCRIPT, prologue=f"overload_transactions={BOUND}\noverload_retry_after=7\n")
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    assert bob.exchange(bob.register()).status == 200
    # A call that is there before the crowd comes.
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    dialog = Dialog(alice, invite, alice.receive_response(200, "INVITE"))
    alice.send(dialog.request("ACK"))
    bob.receive_request("ACK")

    crowd = endpoint(server, "crowd")
    waiting = {}
    refused = []
    for _ in range(4 * BOUND * shards):
        one = crowd.send(crowd.request("INVITE", "sip:bob@example.test"))
        first = crowd.receive(lambda m, c=one.get("Call-ID"): m.get("Call-ID") == c, "the first answer")
        if first.status == 503:
            refused.append(first)
            crowd.send(ack_of(one, first))
        else:
            waiting[one.get("Call-ID")] = one
    assert refused and 0 < len(waiting) <= BOUND * shards
    assert all(r.get("Retry-After") == "7" and r.tag("To") for r in refused)

    # The old call ends in peace, and those that ring are answered.
    alice.send(dialog.request("BYE"))
    bye = bob.receive_request("BYE")
    bob.send(bob.response(bye, 200, "OK"))
    assert alice.receive_response(200, "BYE")
    for _ in range(len(waiting)):
        ringing = bob.receive_request("INVITE")
        bob.answer(ringing, 486, "Busy Here", to_tag="b2")
        assert bob.receive_request("ACK").branch == ringing.branch
    for call_id, one in waiting.items():
        final = crowd.receive(is_response(486, "INVITE", call_id), "the end of a call that rang")
        crowd.send(ack_of(one, final))


def test_one_source_cannot_take_all(serve, endpoint):
    server = serve(SCRIPT, prologue="overload_per_source=20\n")
    greedy, other = endpoint(server, "greedy"), endpoint(server, "other", host="127.0.0.2")
    statuses = []
    for _ in range(200):
        greedy.send(greedy.request("INVITE", "sip:nobody@example.test"))
    for _ in range(200):
        statuses.append(greedy.receive(lambda m: m.status >= 400, "an answer").status)
    assert 503 in statuses and 404 in statuses
    assert other.exchange(other.request("OPTIONS", "sip:nobody@example.test")).status == 404


def test_work_is_taken_again_when_the_load_is_gone(serve, endpoint, shards):
    script = SCRIPT.read_text().replace('modparam("usrloc"', 'modparam("tm", "fr_timer", 1)\nmodparam("usrloc"', 1)
    server = serve(script, prologue=f"overload_transactions={BOUND}\n")
    crowd = endpoint(server, "crowd").anything_may_come()  # a 503 or a 408 to each of its calls
    silent = endpoint(server, "silent").anything_may_come()
    assert silent.exchange(silent.register()).status == 200
    for _ in range(3 * BOUND * shards):
        crowd.send(crowd.request("INVITE", "sip:silent@example.test"))
    crowd.receive_response(503, "INVITE")

    # Every call that was taken ends with 408, and then there is room.
    def is_taken():
        request = crowd.send(crowd.request("INVITE", "sip:nobody@example.test"))
        one = crowd.receive(lambda m: m.get("Call-ID") == request.get("Call-ID") and m.status >= 300, "an answer")
        assert one.status in (404, 503)
        return one.status == 404
    until(is_taken, "new work to be taken", seconds=20)


# A phone that takes each INVITE and says nothing, and a caller whose INVITEs are as large as a message may be.
def test_large_requests_to_a_phone_that_does_not_answer_take_bounded_memory(serve, endpoint, shards):
    bound, calls = 4_000_000, 300  # 300 INVITEs of 60 kB are 18 MB, of which each is kept twice
    server = serve(SCRIPT, prologue=f"overload_bytes_per_source={bound}\noverload_retry_after=7\n", http=True)
    phone = endpoint(server, "phone", host="127.0.0.2", transport="tcp").anything_may_come()
    assert phone.exchange(phone.register()).status == 200
    greedy = endpoint(server, "greedy", transport="tcp").anything_may_come()
    other = endpoint(server, "other", host="127.0.0.3").anything_may_come()
    before = server.resident_kilobytes()
    refused, ringing = 0, []

    def call(caller, size):
        invite = caller.send(caller.request("INVITE", "sip:phone@example.test", body=b"x" * size))
        first = caller.receive(lambda m: m.get("Call-ID") == invite.get("Call-ID"), "the first answer")
        if first.status == 100:
            ringing.append((caller, invite, phone.receive_request("INVITE")))
        else:
            assert first.status == 503 and first.get("Retry-After") == "7"
            caller.send(ack_of(invite, first))
        return first.status

    for _ in range(calls):
        refused += call(greedy, 60_000) == 503
    assert 0 < len(ringing) < calls
    assert 0 < server.metric("tandem_transaction_bytes") <= 2 * bound * shards
    assert server.metric("tandem_transactions_refused_total") == refused
    assert server.resident_kilobytes() - before < 5 * bound * shards // 1000
    assert call(other, 100) == 100, "nobody else notices"
    for caller, invite, arrived in ringing:
        phone.answer(arrived, 486, "Busy Here")
        caller.send(ack_of(invite, caller.receive(is_response(486, "INVITE", invite.get("Call-ID")), "the end")))
    until(lambda: server.metric("tandem_transaction_bytes") < 2_000, "all to be given back", seconds=20)
    assert call(greedy, 60_000) == 100
    caller, invite, arrived = ringing[-1]
    phone.answer(arrived, 486, "Busy Here")
    caller.send(ack_of(invite, caller.receive(is_response(486, "INVITE", invite.get("Call-ID")), "the end")))
