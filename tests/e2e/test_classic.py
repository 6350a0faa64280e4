# SPDX-License-Identifier: Apache-2.0
"""What the original default proxy script visibly did, row by row; tests/scripts/classic.cfg is that script in our words."""
import pytest

from harness.endpoint import Dialog, ack_of, cancel_of, relayed
from harness.message import Message, is_response, parameter, token, uri_of
from harness.server import ROOT
from harness.waiting import until

SCRIPT = ROOT / "tests/scripts/classic.cfg"


@pytest.fixture
def alice(classic, endpoint, transport):
    return endpoint(classic, "alice", transport)


@pytest.fixture
def bob(classic, endpoint, transport):
    """A registered callee."""
    one = endpoint(classic, "bob", transport)
    assert one.exchange(one.register()).status == 200
    return one


def contacts(answer):
    return {uri_of(c): c for c in answer.all("Contact")}


def faster(script, **seconds):
    """The script with other tm timers, so that a test need not wait for half a minute."""
    lines = "".join(f'modparam("tm", "{name}", {value})\n' for name, value in seconds.items())
    return script.read_text().replace('modparam("usrloc"', lines + 'modparam("usrloc"', 1)


def refuse(alice, bob, invite):
    """The callee, who has not answered yet, is busy: the end of a call that a test does not need."""
    bob.answer(bob.receive_request("INVITE"), 486, "Busy Here")
    bob.receive_request("ACK")
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))


# -- Max-Forwards and size

@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER", "MESSAGE"])
def test_max_forwards_of_0_is_answered_483(alice, method):
    assert alice.exchange(alice.request(method, "sip:bob@example.test", max_forwards=0)).status == 483


def test_an_ack_with_max_forwards_of_0_is_not_answered(alice):
    ack = alice.request("ACK", "sip:bob@example.test", max_forwards=0)
    alice.send(ack)
    assert alice.nothing(lambda m: m.get("Call-ID") == ack.get("Call-ID"), probe={"call_id": ack.get("Call-ID")})


def test_a_request_without_max_forwards_goes_on_with_10(alice, bob):
    arrived = relayed(alice, bob, alice.request("INFO", "sip:bob@example.test", max_forwards=None))
    assert arrived.all("Max-Forwards") == ["10"]


def test_max_forwards_of_70_goes_on_as_69(alice, bob):
    arrived = relayed(alice, bob, alice.request("INFO", "sip:bob@example.test", max_forwards=70))
    assert arrived.all("Max-Forwards") == ["69"]


@pytest.mark.tandem_only
def test_a_message_of_65535_bytes_is_answered_513(classic, endpoint):
    alice = endpoint(classic, "alice", "tcp")
    request = alice.request("MESSAGE", "sip:bob@example.test", body="x")
    request.body = b"x" * (65535 - len(bytes(request)) + 60)
    assert len(bytes(request)) >= 65535
    assert alice.exchange(request).status == 513


# -- registration

@pytest.mark.tandem_only
def test_register_answers_with_the_binding(alice):
    request = alice.register(contact="<sip:a@192.0.2.7:5070>;expires=60")
    answer = alice.exchange(request)
    assert answer.status == 200 and answer.tag("To") and not answer.has("Record-Route")
    [(uri, contact)] = contacts(answer).items()
    assert uri == "sip:a@192.0.2.7:5070" and parameter(contact, "q") == "0.00"
    assert 58 <= int(parameter(contact, "expires")) <= 60


def test_a_binding_without_expires_lives_an_hour(alice):
    answer = alice.exchange(alice.register(contact="<sip:a@192.0.2.7:5070>"))
    assert 3595 <= int(parameter(answer.get("Contact"), "expires")) <= 3600


def test_the_expires_header_counts_when_the_contact_names_none(alice):
    answer = alice.exchange(alice.register(contact="<sip:a@192.0.2.7:5070>", headers=[("Expires", "120")]))
    assert 118 <= int(parameter(answer.get("Contact"), "expires")) <= 120


def test_register_without_contact_asks_for_all_bindings(alice):
    for port in (5070, 5072):
        alice.exchange(alice.register(contact=f"<sip:a@192.0.2.7:{port}>;expires=600"))
    question = alice.register()
    question.remove("Contact")
    answer = alice.exchange(question)
    assert answer.status == 200
    assert set(contacts(answer)) == {"sip:a@192.0.2.7:5070", "sip:a@192.0.2.7:5072"}


def test_a_binding_of_0_seconds_is_removed(alice):
    call_id = token(16)
    alice.exchange(alice.register(contact="<sip:a@192.0.2.7:5070>;expires=600", call_id=call_id, cseq=1))
    answer = alice.exchange(alice.register(contact="<sip:a@192.0.2.7:5070>;expires=0", call_id=call_id, cseq=2))
    assert answer.status == 200 and not answer.has("Contact")


def test_star_removes_all_and_lookup_fails_then(alice, bob):
    answer = bob.exchange(bob.register(contact="*", headers=[("Expires", "0")]))
    assert answer.status == 200 and not answer.has("Contact")
    assert alice.exchange(alice.request("INFO", "sip:bob@example.test")).status == 404


def test_star_with_a_life_time_is_refused(alice):
    answer = alice.exchange(alice.register(contact="*", headers=[("Expires", "60")]))
    assert answer.status == 400


@pytest.mark.tandem_only
def test_star_beside_another_contact_is_refused_with_a_warning(alice):
    answer = alice.exchange(alice.register(contact="*, <sip:a@192.0.2.7:5070>", headers=[("Expires", "0")]))
    assert answer.status == 400 and answer.has("Warning")


@pytest.mark.tandem_only
def test_an_older_register_of_the_same_call_is_refused_and_leaves_the_newer_binding(alice):  # RFC 3261 10.3 step 7
    call_id = token(16)
    alice.exchange(alice.register(contact="<sip:a@192.0.2.7:5070>;expires=600", call_id=call_id, cseq=5))
    late = alice.exchange(alice.register(contact="<sip:a@192.0.2.7:5070>;expires=60", call_id=call_id, cseq=4))
    assert late.status == 500
    kept = alice.exchange(alice.register(contact=None))
    assert int(parameter(contacts(kept)["sip:a@192.0.2.7:5070"], "expires")) > 500


def test_a_repeated_register_is_answered_with_the_bindings_again(alice):
    request = alice.register(contact="<sip:a@192.0.2.7:5070>;expires=600")
    first = alice.exchange(request)
    alice.send(request)
    again = alice.receive(is_response(200, "REGISTER"), "the answer again", repeats=True)
    assert set(contacts(first)) == set(contacts(again))


# -- calls (a whole call is in test_calls.py)

def test_an_unknown_user_is_not_found_each_time_and_the_ack_goes_nowhere(alice):
    invite = alice.request("INVITE", "sip:nobody@example.test")
    for _ in range(2):  # stateless: the repetition is answered anew
        alice.send(invite)
        final = alice.receive(is_response(404, "INVITE"), "404", repeats=True)
        assert final.tag("To")
    alice.send(ack_of(invite, final))
    assert alice.nothing(lambda m: m.is_request, probe={"call_id": invite.get("Call-ID")})


def test_an_invite_is_answered_100_before_the_callee_says_anything(alice, bob):
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    assert not alice.receive_response(100, "INVITE").tag("To")
    refuse(alice, bob, invite)


@pytest.mark.tandem_only
def test_branches_of_a_fork_are_numbered_and_none_tells_another(classic, endpoint, alice, bob, transport):
    other = endpoint(classic, "bob", transport)
    other.exchange(other.register())
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = {one: one.receive_request("INVITE") for one in (bob, other)}
    branches = {request.branch for request in arrived.values()}
    of_all, of_each, number, home = zip(*(branch.rsplit(".", 3) for branch in branches))
    assert len(set(of_all)) == len(set(home)) == 1
    assert len(set(of_each)) == 2, "who is sent one does not know that of the other"
    assert set(number) == {"0", "1"}
    for one, request in arrived.items():
        one.answer(request, 486, "Busy Here")
        one.receive_request("ACK")
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))


def established(alice, bob):
    """A call between the two: both ends of its dialog."""
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    answer = alice.receive_response(200, "INVITE")
    caller = Dialog(alice, invite, answer)
    alice.send(caller.request("ACK"))
    assert bob.receive_request("ACK").uri == bob.contact
    return caller, Dialog(bob, arrived, answer)


def test_the_ack_of_a_2xx_is_forwarded_without_a_transaction(alice, bob):
    caller, _ = established(alice, bob)
    # The same ACK once more: nobody absorbs it, since it is no hop's own.
    repeated = caller.request("ACK")
    alice.send(repeated)
    ack = bob.receive_request("ACK")
    assert ack.has("Via") and not ack.has("Route")


@pytest.mark.parametrize("shape", ["only ours", "ours and another"])
def test_a_request_in_a_dialog_follows_its_routes(classic, endpoint, alice, bob, transport, shape):
    caller, _ = established(alice, bob)
    ours = f"<{classic.uri};transport={transport};lr>"
    if shape == "only ours":
        info = relayed(alice, bob, caller.request("INFO", routes=[ours]))
        assert info.uri == bob.contact and not info.has("Route")
    else:
        hop = endpoint(classic, "hop", transport)
        onward = f"<sip:{hop.host}:{hop.port};transport={transport};lr>"
        info = relayed(alice, hop, caller.request("INFO", routes=[ours, onward]))
        assert info.uri == bob.contact and uri_of(info.get("Route")) == uri_of(onward)


def test_a_cancel_without_an_invite_is_told_so(alice):
    cancel = cancel_of(alice.request("INVITE", "sip:bob@192.0.2.1"))
    cancel.first_line = "CANCEL sip:nobody@example.test SIP/2.0"
    answer = alice.exchange(cancel)
    assert answer.status in (404, 481)


def test_a_foreign_uri_is_relayed(classic, endpoint, alice, transport):
    stranger = endpoint(classic, "carol", transport)
    assert relayed(alice, stranger, alice.request("INFO", stranger.contact)).uri == stranger.contact


def test_a_host_that_cannot_be_resolved_is_answered_478(alice):
    answer = alice.exchange(alice.request("INFO", "sip:bob@nowhere.invalid"), seconds=30)
    assert answer.status == 478


@pytest.mark.tandem_only
@pytest.mark.parametrize("uri", ["sips:bob@127.0.0.1:5999", "sip:bob@127.0.0.1:5999;transport=tls",
                                 "sip:bob@127.0.0.1:5999;transport=ws"])
def test_a_secure_target_is_never_downgraded_and_the_log_says_so(classic, alice, uri):
    assert alice.exchange(alice.request("INFO", uri)).status in (478, 480)
    wanted = "WS" if uri.endswith("ws") else "TLS"
    until(lambda: f"{uri} is not reached: no listener for {wanted}" in classic.log(), "a line in the log")


# -- callees that are gone

@pytest.mark.tandem_only
def test_an_invite_to_a_silent_callee_is_repeated_and_ends_with_408(serve, endpoint):
    server = serve(faster(SCRIPT, fr_timer=3))
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    bob.exchange(bob.register())
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    first = bob.receive_request("INVITE")
    for _ in range(2):
        assert bytes(bob.receive(lambda m: m.method == "INVITE", "the INVITE again", repeats=True)) == bytes(first)
    final = alice.receive_final("INVITE")
    assert final.status == 408
    alice.send(ack_of(invite, final))


@pytest.mark.tandem_only
def test_an_invite_to_a_closed_port_ends_soon(classic, endpoint, transport):
    alice, bob = endpoint(classic, "alice", transport), endpoint(classic, "bob", transport)
    bob.exchange(bob.register())
    bob.close()
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    final = alice.receive_final("INVITE")
    assert final.status in (408, 477, 500)  # RFC 3261 16.9, 16.7: as a 503 of that branch, which goes on as 500
    alice.send(ack_of(invite, final))


def test_retransmissions_of_other_requests_are_absorbed(classic, endpoint):
    alice, bob = endpoint(classic, "alice"), endpoint(classic, "bob")
    bob.exchange(bob.register())
    request = alice.request("OPTIONS", "sip:bob@example.test")
    for _ in range(3):
        alice.send(request)
    arrived = bob.receive_request("OPTIONS")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    answer = alice.receive_response(200, "OPTIONS")
    alice.send(request)
    assert bytes(alice.receive(is_response(200, "OPTIONS"), "the answer again", repeats=True)) == bytes(answer)


# -- where answers go (RFC 3261 18.2.2, RFC 3581)

def test_the_answer_goes_to_the_source_port_that_rport_asks_for(classic, endpoint):
    alice = endpoint(classic, "alice")
    request = alice.request("OPTIONS", "sip:bob@example.test", max_forwards=0)
    request.set("Via", f"SIP/2.0/UDP 192.0.2.99:5999;rport;branch=z9hG4bK{token()}")
    answer = alice.exchange(request)
    via = answer.get("Via")
    assert parameter(via, "received") == "127.0.0.1" and parameter(via, "rport") == str(alice.port)


def test_without_rport_the_answer_goes_to_the_port_of_the_via(classic, endpoint):
    alice, listener = endpoint(classic, "alice"), endpoint(classic, "alice")
    request = alice.request("OPTIONS", "sip:bob@example.test", max_forwards=0)
    request.set("Via", f"SIP/2.0/UDP 192.0.2.99:{listener.port};branch=z9hG4bK{token()}")
    alice.send(request)
    answer = listener.receive_response(483)
    assert parameter(answer.get("Via"), "received") == "127.0.0.1"


def test_a_request_in_the_form_of_rfc_2543_is_relayed_too(classic, endpoint):
    alice, bob = endpoint(classic, "alice"), endpoint(classic, "bob")
    bob.exchange(bob.register())
    request = Message("INFO sip:bob@example.test SIP/2.0", [
        ("v", f"SIP/2.0/UDP {alice.host}:{alice.port}"), ("f", "<sip:alice@example.test>"), ("t", "<sip:bob@example.test>"),
        ("i", f"{token()}@old"), ("CSeq", "7 INFO"), ("l", "0")])
    for _ in range(2):
        alice.send(request)
    arrived = bob.receive_request("INFO")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    assert alice.receive_response(200, "INFO")
