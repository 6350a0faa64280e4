# SPDX-License-Identifier: Apache-2.0
"""The kernel gives each source port to a shard of its choice; a call's messages meet at its home all the same."""
import pytest

from harness.endpoint import Dialog, ack_of, cancel_of
from harness.message import is_request, is_response


def test_every_message_of_a_call_may_come_from_another_port(classic, endpoint):
    bob = endpoint(classic, "bob")
    assert bob.exchange(bob.register()).status == 200
    alice = endpoint(classic, "alice")
    others = [endpoint(classic, "alice") for _ in range(16)]
    for number in range(40):
        invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
        # A retransmission from another port is the same transaction: sent-by and branch say so.
        others[number % 16].send(bytes(invite))
        arrived = bob.receive_request("INVITE")
        bob.send(bob.response(arrived, 180, "Ringing", to_tag="b1"))
        alice.receive_response(180, "INVITE")
        bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
        answer = alice.receive_response(200, "INVITE")
        dialog = Dialog(alice, invite, answer)
        others[(number + 1) % 16].send(bytes(dialog.request("ACK")))
        assert bob.receive_request("ACK").get("Call-ID") == invite.get("Call-ID")
        others[(number + 2) % 16].send(bytes(dialog.request("BYE")))
        bye = bob.receive_request("BYE")
        bob.send(bob.response(bye, 200, "OK"))
        alice.receive_response(200, "BYE")


def test_a_cancel_from_another_port_finds_its_invite(classic, endpoint):
    bob = endpoint(classic, "bob")
    assert bob.exchange(bob.register()).status == 200
    alice = endpoint(classic, "alice")
    others = [endpoint(classic, "alice") for _ in range(16)]
    for number in range(32):
        invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
        arrived = bob.receive_request("INVITE")
        bob.send(bob.response(arrived, 180, "Ringing", to_tag="b1"))
        alice.receive_response(180, "INVITE")
        others[number % 16].send(bytes(cancel_of(invite)))
        alice.receive_response(200, "CANCEL")
        cancel = bob.receive_request("CANCEL")
        bob.send(bob.response(cancel, 200, "OK", to_tag="b1"))
        bob.send(bob.response(arrived, 487, "Request Terminated", to_tag="b1"))
        final = alice.receive_final("INVITE")
        assert final.status == 487
        assert bob.receive_request("ACK").branch == arrived.branch
        others[(number + 3) % 16].send(bytes(ack_of(invite, final)))


def test_answers_of_the_callee_from_another_port_reach_the_caller(classic, endpoint):
    bob = endpoint(classic, "bob")
    assert bob.exchange(bob.register()).status == 200
    alice = endpoint(classic, "alice")
    others = [endpoint(classic, "bob") for _ in range(16)]
    for number in range(32):
        request = alice.send(alice.request("INFO", "sip:bob@example.test"))
        arrived = bob.receive_request("INFO")
        answer = bob.response(arrived, 200, "OK", to_tag="b1")
        others[number % 16].send(bytes(answer), to=classic.address)
        assert alice.receive(is_response(200, "INFO", request.get("Call-ID")), "the answer")


def test_bindings_registered_from_any_port_are_found_from_any_other(classic, endpoint):
    callees = [endpoint(classic, f"user{n}") for n in range(16)]
    for one in callees:
        assert one.exchange(one.register()).status == 200
    callers = [endpoint(classic, "alice") for _ in range(16)]
    for number, caller in enumerate(callers):
        for callee in callees[number % 4::4]:
            request = caller.send(caller.request("INFO", f"sip:{callee.user}@example.test"))
            arrived = callee.receive(is_request("INFO", request.get("Call-ID")), "the INFO")
            callee.send(callee.response(arrived, 200, "OK", to_tag="c1"))
            caller.receive(is_response(200, "INFO", request.get("Call-ID")), "its answer")


def test_a_tcp_connection_of_one_shard_is_used_by_calls_of_all(classic, endpoint):
    bob = endpoint(classic, "bob", "tcp")
    assert bob.exchange(bob.register()).status == 200
    alice = endpoint(classic, "alice", "tcp")
    for _ in range(32):  # 32 Call-IDs have their homes on both shards
        request = alice.send(alice.request("INFO", "sip:bob@example.test"))
        arrived = bob.receive(is_request("INFO", request.get("Call-ID")), "the INFO")
        bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
        assert alice.receive(is_response(200, "INFO", request.get("Call-ID")), "the answer")


EDITED = """
loadmodule "sl"
loadmodule "tm"
loadmodule "usrloc"
loadmodule "registrar"
loadmodule "textops"
route {
    if (method=="REGISTER") { save("location"); break; }
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; }
    remove_hf("Call-ID");
    append_hf("Call-ID: hidden@example.test\\r\\n");
    if (!t_relay()) sl_reply_error();
}
"""


# RFC 3261 17.1.3: a response belongs to the transaction that its branch names, whatever its Call-ID says.
@pytest.mark.tandem_only
def test_responses_find_the_shard_of_a_request_whose_call_id_the_script_edits(serve, endpoint):
    server = serve(EDITED)
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    assert bob.exchange(bob.register()).status == 200
    for _ in range(24):  # 24 Call-IDs have their homes on both shards
        alice.send(alice.request("INFO", "sip:bob@example.test"))
        arrived = bob.receive_request("INFO")
        assert arrived.get("Call-ID") == "hidden@example.test"
        bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
        alice.receive_response(200, "INFO")
