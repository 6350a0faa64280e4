# SPDX-License-Identifier: Apache-2.0
"""The script that is shipped, etc/tandem.cfg: it serves the users of its own domains and is no open relay."""
import subprocess

import pytest

from harness.endpoint import Dialog, ack_of, relayed
from harness.message import token
from harness.server import ROOT, tandemd_path

pytestmark = pytest.mark.tandem_only

DOMAIN = "tandem.test"


@pytest.fixture
def server(serve):
    return serve(ROOT / "etc/tandem.cfg")


@pytest.fixture
def person(server, endpoint, transport):
    """person('alice') is somebody of the domain, registered unless told otherwise."""
    def make(user, registered=True, domain=DOMAIN, **more):
        one = endpoint(server, user, transport, domain=domain, **more)
        if registered:
            assert one.exchange(one.register()).status == 200
        return one
    return make


def test_the_checker_finds_nothing_wrong():
    result = subprocess.run([tandemd_path(), "-c", "-f", ROOT / "etc/tandem.cfg"], capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_registered_users_call_each_other_by_name(person):
    alice, bob = person("alice"), person("bob")
    invite = alice.send(alice.request("INVITE", f"sip:bob@{DOMAIN}"))
    arrived = bob.receive_request("INVITE")
    assert arrived.uri == bob.contact
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    answer = alice.receive_response(200, "INVITE")
    caller = Dialog(alice, invite, answer)
    alice.send(caller.request("ACK"))
    assert bob.receive_request("ACK")
    callee = Dialog(bob, arrived, answer)
    callee.cseq = 7
    bob.send(callee.request("BYE"))
    alice.send(alice.response(alice.receive_request("BYE"), 200, "OK"))
    assert bob.receive_response(200, "BYE")


def test_a_stranger_may_call_a_registered_user(person):
    bob, stranger = person("bob"), person("eve", registered=False, domain="elsewhere.test")
    invite = stranger.send(stranger.request("INVITE", f"sip:bob@{DOMAIN}"))
    bob.answer(bob.receive_request("INVITE"), 486, "Busy Here")
    assert bob.receive_request("ACK")
    stranger.send(ack_of(invite, stranger.receive_response(486, "INVITE")))


def test_a_registered_user_may_call_elsewhere(person):
    alice, carol = person("alice"), person("carol", registered=False, domain="elsewhere.test")
    assert relayed(alice, carol, alice.request("MESSAGE", carol.contact)).uri == carol.contact


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "REFER", "PUBLISH"])
def test_a_stranger_may_not_call_elsewhere(person, method):
    stranger, carol = person("eve", registered=False, domain="elsewhere.test"), person("carol", registered=False)
    assert stranger.exchange(stranger.request(method, carol.contact)).status == 403


def test_the_name_of_a_registered_user_alone_opens_nothing(person):
    person("alice")
    imposter, carol = person("alice", registered=False, host="127.0.0.2"), person("carol", registered=False)
    assert imposter.exchange(imposter.request("MESSAGE", carol.contact)).status == 403


def test_a_route_of_the_callers_own_leads_nowhere(server, person):
    stranger, carol = person("eve", registered=False, domain="elsewhere.test"), person("carol", registered=False)
    routes = [("Route", f"<{server.uri};lr>"), ("Route", f"<{carol.contact};lr>")]
    answer = stranger.exchange(stranger.request("MESSAGE", "sip:carol@elsewhere.test", headers=routes))
    assert answer.status == 403


@pytest.mark.parametrize("with_route", [False, True])
def test_a_tag_that_was_made_up_opens_nothing(server, person, with_route):
    stranger, carol = person("eve", registered=False, domain="elsewhere.test"), person("carol", registered=False)
    routes = [("Route", f"<{server.uri};lr;ftag=x>")] if with_route else []
    answer = stranger.exchange(stranger.request("MESSAGE", carol.contact, to_tag=token(), headers=routes))
    assert answer.status == 403


@pytest.mark.parametrize("method", ["CANCEL", "cancel", "Cancel"])
@pytest.mark.parametrize("form", ["udp", "tcp"])
def test_a_cancel_without_its_invite_reaches_nobody(person, method, form):
    """RFC 3261 9.2: 481. A method in other letters is no CANCEL (7.1), and no way around the rules either."""
    stranger, carol = person("eve", registered=False, domain="elsewhere.test"), person("carol", registered=False)
    target = f"{carol.contact.partition(';')[0]};transport={form}"
    answer = stranger.exchange(stranger.request(method, target))
    assert answer.status in ([481] if method == "CANCEL" else [403, 481])
    assert carol.nothing()


def test_the_notify_of_a_subscription_is_record_routed(person):
    """RFC 6665 4.3: whoever records the route of a SUBSCRIBE does so in each NOTIFY."""
    alice, bob = person("alice"), person("bob")
    alice.send(alice.request("SUBSCRIBE", f"sip:bob@{DOMAIN}", headers=[("Event", "presence")]))
    arrived = bob.receive_request("SUBSCRIBE")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    notifier = Dialog(bob, arrived, alice.receive_response(200, "SUBSCRIBE"))
    notifier.cseq = 7
    bob.send(notifier.request("NOTIFY", headers=[("Event", "presence"), ("Subscription-State", "active")]))
    notify = alice.receive_request("NOTIFY")
    assert notify.get("Record-Route")
    alice.send(alice.response(notify, 200, "OK"))
    assert bob.receive_response(200, "NOTIFY")


def test_registration_of_another_domain_is_refused(person):
    alice = person("alice", registered=False)
    assert alice.exchange(alice.register(uri="sip:elsewhere.test")).status == 403


def test_an_unknown_user_is_not_found(person):
    alice = person("alice")
    assert alice.exchange(alice.request("INVITE", f"sip:nobody@{DOMAIN}")).status == 404


def test_it_answers_options_for_itself(server, person):
    stranger = person("eve", registered=False, domain="elsewhere.test")
    assert stranger.exchange(stranger.request("OPTIONS", server.uri)).status == 200
