# SPDX-License-Identifier: Apache-2.0
"""The way of a dialog: which addresses of ours it is recorded by, and that a phone behind a NAT is reached by its flow."""
import pytest

from harness.endpoint import Dialog, ack_of
from harness.ports import free_ports

pytestmark = pytest.mark.tandem_only

SCRIPT = """
loadmodule "sl"
loadmodule "tm"
loadmodule "rr"
loadmodule "usrloc"
loadmodule "registrar"
loadmodule "textops"
route {
    if (method=="CANCEL") { t_relay(); break; }
    if (has_totag()) { loose_route(); if (!t_relay()) sl_reply_error(); break; }
    if (method=="REGISTER") { if (is_present_hf("X-Nat")) setflag(4); save("location"); break; }
    if (method=="OPTIONS") { sl_send_reply("200", "OK"); break; }
    if (is_present_hf("X-Nat")) setflag(4);
    record_route();
    if (uri==myself) { if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; } }
    if (!t_relay()) sl_reply_error();
}
"""
NAT = [("X-Nat", "yes")]


@pytest.fixture
def second():
    """A port for another socket of the server."""
    return free_ports(1)


def serve_twice(serve, host, port):
    return serve(SCRIPT, prologue=f"listen=udp:{host}:{port}\n")


def call(alice, bob, uri, *, answered_from=None, **more):
    """alice calls bob, who answers; both sides of the dialog, and the INVITE as bob got it."""
    invite = alice.send(alice.request("INVITE", uri, **more))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1", contact=answered_from))
    answer = alice.receive_response(200, "INVITE")
    caller, callee = Dialog(alice, invite, answer), Dialog(bob, arrived, answer)
    callee.cseq = 7
    return caller, callee, arrived


# RFC 5626 5.3: what belongs to the dialog takes the flow that its INVITE took.
@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_ack_and_bye_of_a_phone_behind_a_nat_follow_its_flow(serve, endpoint, kind):
    server = serve(SCRIPT)
    alice, bob = endpoint(server, "alice", "udp"), endpoint(server, "bob", kind)
    private = f"<sip:bob@127.0.0.77:5999;line=x7{';transport=tcp' if kind == 'tcp' else ''}>"
    assert bob.exchange(bob.register(contact=private, headers=NAT)).status == 200
    caller, _, _ = call(alice, bob, "sip:bob@example.test", answered_from=private)
    alice.send(caller.request("ACK"))
    assert bob.receive_request("ACK").uri == private.strip("<>")
    alice.send(caller.request("BYE"))
    bye = bob.receive_request("BYE")
    assert not bye.all("Route")
    bob.send(bob.response(bye, 200, "OK"))
    assert alice.receive_response(200, "BYE")


# RFC 5626 5.3.1: the flow is gone and no other way leads through the NAT.
def test_what_has_only_a_connection_that_is_gone_gets_430_within_the_call_and_480_before_one(serve, endpoint):
    server = serve(SCRIPT)
    alice, bob = endpoint(server, "alice", "udp"), endpoint(server, "bob", "tcp")
    private = "<sip:bob@127.0.0.77:5999;transport=tcp>"
    assert bob.exchange(bob.register(contact=private, headers=NAT)).status == 200
    caller, _, _ = call(alice, bob, "sip:bob@example.test", answered_from=private)
    alice.send(caller.request("ACK"))
    bob.receive_request("ACK")
    bob.hang_up()
    assert bob.exchange(bob.request("OPTIONS", "sip:example.test")).status == 200  # by then the end has been seen
    assert alice.exchange(caller.request("BYE")).status == 430
    assert alice.exchange(alice.request("MESSAGE", "sip:bob@example.test")).status == 480


# RFC 5658: a phone that keeps a connection to one of our addresses is told that one.
def test_a_phone_that_came_by_another_tcp_address_finds_that_one_in_the_route(serve, endpoint, second):
    server = serve(SCRIPT, prologue=f"listen=tcp:127.0.0.1:{second}\n")
    alice, bob = endpoint(server, "alice", "tcp"), endpoint(server, "bob", "tcp")
    alice.server = bob.server = ("127.0.0.1", second)
    assert bob.exchange(bob.register(headers=NAT)).status == 200
    caller, _, invite = call(alice, bob, "sip:bob@example.test")
    assert [f":{second};" in route for route in invite.all("Record-Route")] == [True]
    assert f":{second};" in invite.get("Via")
    alice.send(caller.request("ACK"))
    bob.receive_request("ACK")
    alice.send(caller.request("BYE"))
    bob.send(bob.response(bob.receive_request("BYE"), 200, "OK"))
    assert alice.receive_response(200, "BYE")


def test_a_bye_to_a_caller_behind_a_nat_follows_the_way_of_his_invite(serve, endpoint):
    server = serve(SCRIPT)
    alice, bob = endpoint(server, "alice", "udp"), endpoint(server, "bob", "udp")
    assert bob.exchange(bob.register()).status == 200
    _, callee, _ = call(alice, bob, "sip:bob@example.test", contact="<sip:alice@127.0.0.78:5998>", headers=NAT)
    bob.send(callee.request("BYE"))
    bye = alice.receive_request("BYE")
    assert bye.uri == "sip:alice@127.0.0.78:5998"
    alice.send(alice.response(bye, 200, "OK"))
    assert bob.receive_response(200, "BYE")


def test_a_phone_behind_a_nat_is_reached_from_the_socket_that_it_spoke_to(serve, endpoint, second):
    server = serve_twice(serve, "127.0.0.1", second)
    alice, bob = endpoint(server, "alice", "udp"), endpoint(server, "bob", "udp")
    alice.server = bob.server = ("127.0.0.1", second)
    assert bob.exchange(bob.register(headers=NAT)).status == 200
    caller, _, invite = call(alice, bob, "sip:bob@example.test")
    assert invite.source[1] == second
    assert len(invite.all("Record-Route")) == 1 and f":{second}" in invite.get("Record-Route")
    assert f":{second};" in invite.get("Via")
    alice.send(caller.request("ACK"))
    assert bob.receive_request("ACK").source[1] == second
    alice.send(caller.request("BYE"))
    bye = bob.receive_request("BYE")
    assert bye.source[1] == second
    bob.send(bob.response(bye, 200, "OK"))
    assert alice.receive_response(200, "BYE").source[1] == second


# RFC 5658 3.2, RFC 3261 16.6 step 4
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
def test_a_call_that_leaves_by_another_address_than_it_came_by_is_recorded_by_both(serve, endpoint, second, host):
    server = serve_twice(serve, host, second)
    alice, bob = endpoint(server, "alice", "udp"), endpoint(server, "bob", "udp")
    assert bob.exchange(bob.register(headers=NAT)).status == 200
    alice.server = (host, second)
    caller, callee, invite = call(alice, bob, "sip:bob@example.test")
    assert invite.source[1] == server.port
    near, far = caller.routes
    assert f"{host}:{second};" in near and f"127.0.0.1:{server.port};" in far
    alice.send(caller.request("ACK"))
    assert not bob.receive_request("ACK").all("Route")
    bob.send(callee.request("BYE"))
    bye = alice.receive_request("BYE")
    assert not bye.all("Route")
    alice.send(alice.response(bye, 200, "OK"))
    assert bob.receive_response(200, "BYE")


# RFC 3261 18.1.1, 16.6 step 4: the size of the request decides by what it leaves, and Record-Route says so.
def test_a_request_that_goes_to_tcp_for_its_size_is_recorded_by_both_transports(serve, endpoint):
    server = serve(SCRIPT)
    alice, bob = endpoint(server, "alice", "udp"), endpoint(server, "bob", "tcp")
    large = [("X-Large", "x" * 1300)]
    invite = alice.send(alice.request("INVITE", f"sip:bob@127.0.0.1:{bob.port}", headers=large))
    arrived = bob.receive_request("INVITE")
    assert "/TCP " in arrived.get("Via")
    near_bob, near_alice = arrived.all("Record-Route")
    assert ";transport=tcp" in near_bob and "transport" not in near_alice
    bob.send(bob.response(arrived, 486, "Busy Here", to_tag="b1"))
    assert bob.receive_request("ACK").branch == arrived.branch
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))


FORWARD = """
loadmodule "sl"
route {
    if (method=="OPTIONS") { sl_send_reply("200", "OK"); break; }
    forward(uri:host, uri:port);
}
"""


# RFC 3261 16.11, 18.2.2
def test_a_response_to_what_was_forwarded_without_a_transaction_leaves_by_the_socket_that_its_request_came_in_on(serve, endpoint, second):
    server = serve(FORWARD, prologue=f"listen=udp:127.0.0.1:{second}\n")
    alice, bob = endpoint(server, "alice", "udp"), endpoint(server, "bob", "udp")
    for port in (server.port, second):
        alice.server = ("127.0.0.1", port)
        alice.send(alice.request("INFO", f"sip:bob@127.0.0.1:{bob.port}"))
        bob.send(bob.response(bob.receive_request("INFO"), 200, "OK", to_tag="b1"))
        assert alice.receive_response(200, "INFO").source[1] == port
