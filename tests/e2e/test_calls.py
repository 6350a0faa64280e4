# SPDX-License-Identifier: Apache-2.0
"""Whole calls through the classic script, by SIPp and by peers of plain sockets, over UDP and over TCP."""
import socket

import pytest

from harness.endpoint import Dialog, ack_of, cancel_of
from harness.message import Message, is_response, parameter, uri_of


def register(peer, **more):
    answer = peer.exchange(peer.register(**more))
    assert answer.status == 200, answer
    return answer


@pytest.fixture
def pair(classic, endpoint, transport):
    """A caller, and a callee who is registered."""
    bob = endpoint(classic, "bob", transport)
    register(bob)
    return endpoint(classic, "alice", transport), bob


def test_sipp_calls_ring_are_answered_and_end(classic, sipp, transport):
    callee = sipp(classic, "callee", transport=transport).wait_listening()
    sipp(classic, "register", transport=transport, calls=1, keys={"contact_port": callee.port}).wait_success()
    caller = sipp(classic, "caller", transport=transport, calls=100, rate=50, arguments=("-d", "50"))
    caller.wait_success()
    statistics = caller.statistics()
    assert statistics["SuccessfulCall(C)"] == "100"


def test_sipp_calls_between_udp_and_tcp(classic, sipp, transport):
    other = "tcp" if transport == "udp" else "udp"
    callee = sipp(classic, "callee", transport=other).wait_listening()
    sipp(classic, "register", transport=other, calls=1, keys={"contact_port": callee.port}).wait_success()
    sipp(classic, "caller", transport=transport, calls=20, rate=20, arguments=("-d", "20")).wait_success()


def test_sipp_caller_gives_up_while_it_rings(classic, sipp, transport):
    callee = sipp(classic, "callee_cancelled", transport=transport).wait_listening()
    sipp(classic, "register", transport=transport, calls=1, keys={"contact_port": callee.port}).wait_success()
    sipp(classic, "caller_cancels", transport=transport, calls=20, rate=20).wait_success()


def test_sipp_callee_is_busy(classic, sipp, transport):
    callee = sipp(classic, "callee_busy", transport=transport).wait_listening()
    sipp(classic, "register", transport=transport, calls=1, keys={"contact_port": callee.port}).wait_success()
    sipp(classic, "caller_refused", transport=transport, calls=20, rate=20).wait_success()


def test_a_call_passes_with_its_headers_as_a_proxy_leaves_them(classic, pair):
    alice, bob = pair
    invite = alice.request("INVITE", "sip:bob@example.test", headers=[("X-Odd", "kept  as it is"), ("s", "Compact")],
                           body="v=0\r\n")
    alice.send(invite)
    assert alice.receive_response(100, "INVITE").get("Call-ID") == invite.get("Call-ID")
    arrived = bob.receive_request("INVITE")
    assert arrived.uri == bob.contact
    assert len(arrived.all("Via")) == 2 and arrived.branch.startswith("z9hG4bK")
    assert parameter(arrived.all("Via")[1], "branch") == invite.branch
    assert arrived.get("Max-Forwards") == "69"
    assert ("X-Odd", "kept  as it is") in arrived.headers and ("s", "Compact") in arrived.headers
    assert arrived.body == b"v=0\r\n"
    record_route = arrived.get("Record-Route")
    assert f"{classic.host}:{classic.port}" in record_route
    assert f";ftag={invite.tag('From')}" in record_route and ";lr" in record_route

    bob.send(bob.response(arrived, 180, "Ringing", to_tag="b1"))
    ringing = alice.receive_response(180, "INVITE")
    assert len(ringing.all("Via")) == 1 and len(ringing.all("Record-Route")) == 1
    # RFC 3261 16.7 step 8: the mark in it leads to the called party now.
    address, mark = ringing.get("Record-Route").split(";did=")
    assert address == record_route.split(";did=")[0] and mark != record_route.split(";did=")[1]
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    answer = alice.receive_response(200, "INVITE")
    assert uri_of(answer.get("Contact")) == bob.contact and len(answer.all("Via")) == 1

    dialog = Dialog(alice, invite, answer)
    alice.send(dialog.request("ACK"))
    ack = bob.receive_request("ACK")
    assert ack.uri == bob.contact and not ack.has("Route") and len(ack.all("Via")) == 2
    # The callee hangs up: the route set works from its side too.
    far = Dialog(bob, arrived, answer)
    far.cseq = 100
    bob.send(far.request("BYE"))
    bye = alice.receive_request("BYE")
    assert bye.uri == alice.contact
    alice.send(alice.response(bye, 200, "OK"))
    assert bob.receive_response(200, "BYE")


def test_cancel_reaches_the_callee_and_the_487_comes_back(pair):
    alice, bob = pair
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 180, "Ringing", to_tag="b1"))
    alice.receive_response(180)
    alice.send(cancel_of(invite))
    assert alice.receive_response(200, "CANCEL")
    cancel = bob.receive_request("CANCEL")
    assert cancel.branch == arrived.branch and cancel.uri == arrived.uri and len(cancel.all("Via")) == 1
    bob.send(bob.response(cancel, 200, "OK", to_tag="b1"))
    bob.send(bob.response(arrived, 487, "Request Terminated", to_tag="b1"))
    final = alice.receive_final("INVITE")
    assert final.status == 487
    alice.send(ack_of(invite, final))
    assert bob.receive_request("ACK").branch == arrived.branch


def test_busy_comes_back_and_both_sides_are_acknowledged(pair):
    alice, bob = pair
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 486, "Busy Here", to_tag="b1"))
    assert bob.receive_request("ACK").branch == arrived.branch
    final = alice.receive_final("INVITE")
    assert final.status == 486 and final.tag("To") == "b1"
    alice.send(ack_of(invite, final))


def test_two_phones_of_one_user_ring_and_the_first_answer_wins(classic, endpoint, transport):
    phones = [endpoint(classic, "bob", transport) for _ in range(2)]
    for one in phones:
        register(one)
    alice = endpoint(classic, "alice", transport)
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = [one.receive_request("INVITE") for one in phones]
    assert arrived[0].branch != arrived[1].branch and {a.uri for a in arrived} == {p.contact for p in phones}
    for number, one in enumerate(phones):
        one.send(one.response(arrived[number], 180, "Ringing", to_tag=f"b{number}"))
    tags = {alice.receive_response(180).tag("To") for _ in phones}
    assert tags == {"b0", "b1"}
    phones[1].send(phones[1].response(arrived[1], 200, "OK", to_tag="b1"))
    answer = alice.receive_response(200, "INVITE")
    assert answer.tag("To") == "b1"
    cancel = phones[0].receive_request("CANCEL")
    assert cancel.branch == arrived[0].branch
    phones[0].send(phones[0].response(cancel, 200, "OK", to_tag="b0"))
    phones[0].send(phones[0].response(arrived[0], 487, "Request Terminated", to_tag="b0"))
    assert phones[0].receive_request("ACK").branch == arrived[0].branch
    alice.send(Dialog(alice, invite, answer).request("ACK"))
    assert phones[1].receive_request("ACK")


def test_a_second_200_of_a_fork_reaches_the_caller_too(classic, endpoint):
    phones = [endpoint(classic, "bob") for _ in range(2)]
    for one in phones:
        register(one)
    alice = endpoint(classic, "alice")
    alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = [one.receive_request("INVITE") for one in phones]
    for number, one in enumerate(phones):
        one.send(one.response(arrived[number], 200, "OK", to_tag=f"b{number}"))
    tags = {alice.receive(is_response(200, "INVITE"), "200").tag("To") for _ in phones}
    assert tags == {"b0", "b1"}


def test_retransmissions_are_absorbed_and_the_last_answer_is_sent_again(classic, endpoint):
    bob, alice = endpoint(classic, "bob"), endpoint(classic, "alice")
    register(bob)
    request = alice.request("INFO", "sip:bob@example.test")
    alice.send(request)
    arrived = bob.receive_request("INFO")
    alice.send(request)
    alice.send(request)
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    answer = alice.receive_response(200, "INFO")
    alice.send(request)
    again = alice.receive(is_response(200, "INFO"), "the same answer", repeats=True)
    assert bytes(again) == bytes(answer)
    # One more request of bob's reaches us after whatever the retransmissions caused: there was no second INFO.
    assert bob.nothing(lambda m: m.is_request and m.method == "INFO" and m.branch != arrived.branch)


@pytest.mark.tandem_only
def test_a_call_from_ipv4_to_ipv6_passes_by_both_listeners(serve, endpoint):
    server = serve("""loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "rr.so"
        route { record_route(); loose_route(); if (!t_relay()) { sl_reply_error(); } }""", prologue="listen=::1\n")
    alice = endpoint(server, "alice")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bob:
        bob.bind(("::1", 0))
        bob.settimeout(5)
        contact = f"sip:bob@[::1]:{bob.getsockname()[1]}"
        invite = alice.send(alice.request("INVITE", contact))
        data, source = bob.recvfrom(65536)
        arrived = Message.parse(data)
        assert source[:2] == ("::1", server.port) and arrived.all("Via")[0].startswith(f"SIP/2.0/UDP [::1]:{server.port};")
        inner, outer = arrived.all("Record-Route")
        assert uri_of(inner).startswith(f"sip:[::1]:{server.port};") and uri_of(outer).startswith(f"sip:127.0.0.1:{server.port};")
        assert ";r2=on" in inner and ";r2=on" in outer
        bob.sendto(bytes(alice.response(arrived, 200, "OK", to_tag="b1", contact=f"<{contact}>")), source)
        answer = alice.receive_response(200, "INVITE")
        alice.send(Dialog(alice, invite, answer).request("ACK"))
        ack = Message.parse(bob.recvfrom(65536)[0])
        assert ack.method == "ACK" and ack.uri == contact and not ack.has("Route")
