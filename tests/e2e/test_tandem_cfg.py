# SPDX-License-Identifier: Apache-2.0
"""The script that is shipped, etc/tandem.cfg: it serves the users of its own domains and is no open relay."""
import subprocess

import pytest

from harness.digest import Account, account_lines, challenge_in
from harness.endpoint import Dialog, ack_of, relayed
from harness.message import token
from harness.server import ROOT, tandemd_path

pytestmark = pytest.mark.tandem_only

DOMAIN = "tandem.test"
PASSWORDS = {"alice": "secret", "bob": "word"}


def register(one, password, who=None, **more):
    """The answer to a REGISTER with a password, once without had been refused; the phone goes on with what it was asked by."""
    refused = one.exchange(one.register(**more))
    assert refused.status == 401
    one.account = Account(challenge_in(refused, "MD5"), who or one.user, password)
    return one.exchange(one.account.sign(one.register(**more), "Authorization"))


@pytest.fixture
def server(serve):
    return serve(ROOT / "etc/tandem.cfg", files={"subscribers": account_lines(DOMAIN, **PASSWORDS)})


@pytest.fixture
def person(server, endpoint, transport):
    """person('alice') is somebody of the domain, registered unless told otherwise."""
    def make(user, registered=True, domain=DOMAIN, **more):
        one = endpoint(server, user, transport, domain=domain, **more)
        if registered:
            assert register(one, PASSWORDS[user]).status == 200
        return one
    return make


def test_the_checker_finds_nothing_wrong(tmp_path):
    script, accounts = tmp_path / "tandem.cfg", tmp_path / "subscribers"
    script.write_bytes((ROOT / "etc/tandem.cfg").read_bytes())

    def check():
        return subprocess.run([tandemd_path(), "-c", "-f", script], capture_output=True, text=True, timeout=30, check=False)
    without = check()
    assert without.returncode == 1 and "subscribers: No such file" in without.stdout + without.stderr
    accounts.touch(mode=0o600)
    result = check()
    assert result.returncode == 0, result.stdout + result.stderr


def test_nobody_registers_without_the_password_of_the_name(server, endpoint, transport):
    """RFC 3261 10.3 step 3 and 4: who the sender is, and whether he may register that address."""
    def answer(user, password, who=None):
        return register(endpoint(server, user, transport, domain=DOMAIN), password, who).status
    assert answer("alice", "secret") == 200
    assert answer("alice", "word") == 401
    assert answer("carol", "secret") == 401
    assert answer("bob", "secret", who="alice") == 403
    assert answer("ALICE", "secret", who="alice") == 403


def test_a_phone_may_know_the_server_by_its_address_alone(server, endpoint, person):
    """As when a phone asks for a "server" and makes that its domain: the account is the same."""
    alice = endpoint(server, "alice", domain=f"127.0.0.1:{server.port}")
    assert register(alice, PASSWORDS["alice"]).status == 200
    bob = person("bob")
    assert relayed(bob, alice, bob.request("MESSAGE", f"sip:alice@{DOMAIN}")).uri == alice.contact
    assert relayed(alice, bob, alice.request("MESSAGE", f"sip:bob@127.0.0.1:{server.port}")).uri == bob.contact


def test_without_accounts_nobody_is_let_in(serve, endpoint):
    server = serve(ROOT / "etc/tandem.cfg", files={"subscribers": ""})
    assert register(endpoint(server, "alice", domain=DOMAIN), "").status == 401


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "UNHEARD-OF"])
def test_who_speaks_in_a_name_of_ours_is_asked_for_its_password(server, person, endpoint, method):
    """RFC 3261 22.3: whatever the target is, and whatever form of our name stands in From."""
    bob, carol = person("bob"), person("carol", registered=False)
    for domain in (DOMAIN, DOMAIN.upper(), f"{DOMAIN}:5070", f"127.0.0.1:{server.port}"):
        liar = endpoint(server, "alice", domain=domain)
        for target in (f"sip:bob@{DOMAIN}", carol.contact):
            answer = liar.exchange(liar.request(method, target))
            assert answer.status == 407 and challenge_in(answer, "MD5")["realm"] == DOMAIN
            liar.account = bob.account
            assert liar.exchange(liar.request(method, target)).status == 403
            liar.account = None
    assert bob.nothing() and carol.nothing()


def test_registered_users_call_each_other_by_name(person):
    alice, bob = person("alice"), person("bob")
    invite = alice.send(alice.request("INVITE", f"sip:bob@{DOMAIN}"))
    arrived = bob.receive_request("INVITE")
    assert arrived.uri == bob.contact
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    answer = alice.receive_response(200, "INVITE")
    caller = Dialog(alice, invite, answer)
    ack = caller.request("ACK")
    ack.headers.append(("Proxy-Authorization", invite.get("Proxy-Authorization")))  # RFC 3261 22.1
    alice.send(ack)
    seen = [arrived, bob.receive_request("ACK")]
    callee = Dialog(bob, arrived, answer)
    callee.cseq = 7
    bye = callee.request("BYE")
    bye.headers.append(("Proxy-Authorization", invite.get("Proxy-Authorization")))
    bob.send(bye)
    seen.append(alice.receive_request("BYE"))
    alice.send(alice.response(seen[-1], 200, "OK"))
    assert bob.receive_response(200, "BYE")
    assert not any(message.all("Proxy-Authorization") for message in seen), "nobody further on sees the credentials"


def test_a_stranger_may_call_a_registered_user(person):
    bob, stranger = person("bob"), person("eve", registered=False, domain="elsewhere.test")
    invite = stranger.send(stranger.request("INVITE", f"sip:bob@{DOMAIN}"))
    bob.answer(bob.receive_request("INVITE"), 486, "Busy Here")
    assert bob.receive_request("ACK")
    stranger.send(ack_of(invite, stranger.receive_response(486, "INVITE")))


def test_a_registered_user_may_call_elsewhere(person):
    alice, carol = person("alice"), person("carol", registered=False, domain="elsewhere.test")
    arrived = relayed(alice, carol, alice.request("MESSAGE", carol.contact))
    assert arrived.uri == carol.contact
    assert not arrived.all("Proxy-Authorization"), "nobody further on sees the credentials"


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "SUBSCRIBE", "OPTIONS", "REFER", "PUBLISH"])
def test_a_stranger_may_not_call_elsewhere(person, method):
    stranger, carol = person("eve", registered=False, domain="elsewhere.test"), person("carol", registered=False)
    assert stranger.exchange(stranger.request(method, carol.contact)).status == 403


def test_the_name_of_a_registered_user_alone_opens_nothing(person):
    person("alice")
    imposter, carol = person("alice", registered=False, host="127.0.0.2"), person("carol", registered=False)
    assert imposter.exchange(imposter.request("MESSAGE", carol.contact)).status == 407


def test_within_a_call_a_phone_of_ours_goes_on_by_its_password_without_the_mark(server, person):
    """After a restart no mark is known any more."""
    alice, carol = person("alice"), person("carol", registered=False)
    old = [("Route", f"<{server.uri};lr;ftag=x;did={'0123456789' * 3}>")]

    def later():
        return alice.request("MESSAGE", carol.contact, to_tag="c1", headers=old)
    assert relayed(alice, carol, later()).uri == carol.contact
    alice.account = None
    assert alice.exchange(later()).status == 407
    assert carol.nothing()


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


METHODS = ["INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE",
           "UPDATE", "UNHEARD-OF", "invite", "ack", "cancel", "Register"]


def forms_of(victim, server):
    """Every form in which a stranger may name a target: (Request-URI, further header lines)."""
    host, own = f"{victim.host}:{victim.port}", f"127.0.0.1:{server.port}"
    uris = [f"sip:carol@{host}", f"sip:{host}", f"sip:carol@{host};transport=udp", f"sip:carol@{host};transport=tcp", f"sips:carol@{host}",
            f"sip:carol@localhost:{victim.port}", f"sip:carol@elsewhere.test:{victim.port};maddr={victim.host}",
            f"sip:carol@{DOMAIN}:{victim.port};maddr={victim.host}", f"sip:carol@{DOMAIN}:{victim.port}", f"sip:carol@{own};maddr={victim.host}",
            f"sip:carol@{victim.host}.elsewhere.test:{victim.port}", f"sip:carol%40{host}@{DOMAIN}",
            f"sip:+1555;phone-context={host}@{DOMAIN};user=phone", "tel:+15550123", f"sip:{DOMAIN};maddr={victim.host}",
            f"sip:carol@[::ffff:{victim.host}]:{victim.port}"]
    forms = [(uri, []) for uri in uris]
    for uri in (f"sip:{DOMAIN}", f"sip:carol@{DOMAIN}", f"sip:carol@{host}"):
        forms += [(uri, [("Route", f"<sip:{host};lr>")]), (uri, [("Route", f"<sip:{host}>")]),
                  (uri, [("Route", f"<sip:{own};lr>"), ("Route", f"<sip:{host};lr>")]),
                  (uri, [("Route", f"<sip:{own};lr;ftag=x;did={'0123456789' * 3}>")])]
    return forms


@pytest.mark.parametrize("method", METHODS)
def test_no_method_takes_a_stranger_anywhere(server, person, endpoint, method):
    """RFC 3261 26.1: who has no account reaches nobody whom he names, by any method and any form of target."""
    stranger = person("eve", registered=False, domain="elsewhere.test")
    victims = [endpoint(server, "carol", kind, domain=DOMAIN) for kind in ("udp", "tcp")]
    for victim in victims:
        for to_tag in (None, "made-up"):
            for uri, headers in forms_of(victim, server):
                request = stranger.request(method, uri, to="sip:carol@elsewhere.test", to_tag=to_tag, headers=headers)
                if method == "ACK":  # RFC 3261 17: not answered; what is asked behind it, of its call, shows that it was read
                    stranger.send(request)
                    behind = stranger.request("OPTIONS", server.uri, call_id=request.get("Call-ID"))
                    assert stranger.exchange(behind).status == 200
                    assert victim.nothing(probe={"call_id": request.get("Call-ID")})
                    continue
                answer = stranger.exchange(request)
                served = method == "OPTIONS" and answer.status == 200  # the server answers for itself
                assert served or answer.status >= 400, f"{request!r} got {answer.status}"
    for victim in victims:
        assert victim.nothing()


def test_whoever_has_seen_a_route_sends_to_the_other_party_alone(server, person):
    """RFC 3261 12.1, 16.7 step 8: what a stranger learned in a call takes him to whom he called."""
    bob, eve = person("bob"), person("eve", registered=False, domain="elsewhere.test")
    carol = person("carol", registered=False)
    invite = eve.send(eve.request("INVITE", f"sip:bob@{DOMAIN}"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    answer = eve.receive_response(200, "INVITE")
    caller, callee = Dialog(eve, invite, answer), Dialog(bob, arrived, answer)
    eve.send(caller.request("ACK"))
    assert bob.receive_request("ACK")
    strays = (carol.contact, f"sip:carol@127.0.0.1:{carol.port};transport=tcp", f"sip:{DOMAIN}:{carol.port};maddr=127.0.0.1")
    for target in strays:
        eve.send(caller.request("ACK", target=target))
    # An ACK is not answered: what is asked behind it, of its call, shows that it was read.
    assert eve.exchange(eve.request("OPTIONS", server.uri, call_id=caller.call_id)).status == 200
    assert carol.nothing(probe={"call_id": caller.call_id})
    for method in ("INVITE", "MESSAGE", "OPTIONS", "BYE", "INFO"):
        for target in strays:
            assert eve.exchange(caller.request(method, target=target)).status == 403
        assert eve.exchange(caller.request(method, routes=caller.routes + [f"<{carol.contact};lr>"])).status == 403
        assert eve.exchange(caller.request(method, routes=callee.routes, target=eve.contact)).status == 403
    # Bob moves, and is found (12.2).
    callee.cseq = 7
    update = callee.request("UPDATE")
    update.set("Contact", f"<{bob.contact};moved=1>".replace("sip:bob@", "sip:bob-2@"))
    bob.send(update)
    eve.send(eve.response(eve.receive_request("UPDATE"), 200, "OK"))
    assert bob.receive_response(200, "UPDATE")
    eve.send(caller.request("BYE", target=bob.contact.replace("sip:bob@", "sip:bob-2@")))
    bob.send(bob.response(bob.receive_request("BYE"), 200, "OK"))
    assert eve.receive_response(200, "BYE")
    assert carol.nothing()


@pytest.mark.parametrize("method,status", [("MESSAGE", 200), ("OPTIONS", 200), ("SUBSCRIBE", 202), ("INVITE", 180), ("INVITE", 486)])
def test_an_answer_that_sets_up_no_dialog_leads_a_stranger_nowhere(person, method, status):
    """RFC 3261 12.1.1, 16.7 step 8: without a Contact there is no party to lead to, least of all the one in the caller's own Contact."""
    bob, eve = person("bob"), person("eve", registered=False, domain="elsewhere.test")
    carol = person("carol", registered=False)
    asked = eve.send(eve.request(method, f"sip:bob@{DOMAIN}", contact=f"<{carol.contact}>"))
    arrived = bob.receive_request(method)
    recorded = [("Record-Route", v) for v in arrived.all("Record-Route")] if status >= 300 else []
    bob.send(bob.response(arrived, status, to_tag="b1", contact="", headers=recorded))
    learned = eve.receive_response(status, method)
    routes = [("Route", v) for v in reversed(learned.all("Record-Route"))]
    own, cseq = asked.tag("From"), 10
    for again in ("MESSAGE", "INVITE", "BYE"):
        for from_tag, to_tag in (("b1", own), ("x", own), (own, "b1"), (own, own)):
            cseq += 1
            request = eve.request(again, carol.contact, call_id=asked.get("Call-ID"), from_tag=from_tag, to_tag=to_tag, headers=routes, cseq=cseq)
            assert eve.exchange(request).status == 403
    assert carol.nothing()
    if method == "INVITE":
        if status < 200:
            bob.answer(arrived, 486, "Busy Here")
            learned = eve.receive_response(486, "INVITE")
        assert bob.receive_request("ACK")
        eve.send(ack_of(asked, learned))


def test_what_is_asked_for_by_sips_is_answered_480_and_not_sent_in_clear(person):
    """RFC 3261 26.2.2, RFC 5630 5.3: a Path says the next hop, and not that TLS may be left out."""
    alice, bob, carol = person("alice"), person("bob", registered=False), person("carol", registered=False)
    secure = f"<sips:bob@{bob.host}:{bob.port}>;expires=60"
    path = [("Path", f"<sip:{carol.host}:{carol.port};lr>"), ("Supported", "path")]
    assert register(bob, PASSWORDS["bob"], contact=secure, headers=path).status == 200
    assert alice.exchange(alice.request("MESSAGE", f"sips:bob@{DOMAIN}")).status == 480
    assert carol.nothing() and bob.nothing()


def test_a_phone_that_has_registered_by_sip_is_not_there_for_sips(person):
    """RFC 5630 5.3: whoever asks by sips: gets 480, and the phone hears nothing in clear."""
    alice, bob = person("alice"), person("bob")
    for method in ("MESSAGE", "OPTIONS", "SUBSCRIBE"):
        assert alice.exchange(alice.request(method, f"sips:bob@{DOMAIN}")).status == 480, method
    assert bob.nothing()
    assert relayed(alice, bob, alice.request("MESSAGE", f"sip:bob@{DOMAIN}")).uri == bob.contact


@pytest.mark.parametrize("form", ["udp", "tcp"])
def test_a_phone_is_served_from_another_port_and_by_tcp(server, person, endpoint, form):
    """RFC 3261 18.1.1: a large request goes by TCP, and a phone may send from any port."""
    elsewhere = endpoint(server, "alice", form, domain=DOMAIN)
    elsewhere.account = person("alice").account
    carol = person("carol", registered=False, domain="elsewhere.test")
    body = b"x" * (2000 if form == "tcp" else 20)
    arrived = relayed(elsewhere, carol, elsewhere.request("MESSAGE", carol.contact, body=body))
    assert arrived.uri == carol.contact and arrived.body == body


def test_calls_to_a_phone_that_cannot_be_sent_to_end_each_in_an_answer(server, endpoint):
    """RFC 3261 16.9, and the server lives: 300 sends fail in the turn in which 60 INVITEs arrive."""
    bob = endpoint(server, "bob", "tcp", domain=DOMAIN)
    contacts = [("Contact", f"<sip:b{n}@127.0.0.1:0>;expires=600") for n in range(5)]
    assert register(bob, PASSWORDS["bob"], contact="", headers=contacts).status == 200
    invites = [bob.request("INVITE", bob.aor, call_id=f"call-{n}@nowhere") for n in range(60)]
    bob.send(b"".join(map(bytes, invites)))
    waiting = {invite.get("Call-ID") for invite in invites}
    while waiting:
        final = bob.receive(lambda m: not m.is_request and m.status >= 200, "the end of each call")
        assert final.status not in (401, 407) and final.status >= 400, final
        waiting.discard(final.get("Call-ID"))
    assert bob.exchange(bob.request("OPTIONS", server.uri)).status == 200


def test_registration_of_another_domain_is_refused(person):
    alice = person("alice", registered=False)
    assert alice.exchange(alice.register(uri="sip:elsewhere.test")).status == 403


def test_an_unknown_user_is_not_found(person):
    alice = person("alice")
    assert alice.exchange(alice.request("INVITE", f"sip:nobody@{DOMAIN}")).status == 404


def test_it_answers_options_for_itself(server, person):
    stranger = person("eve", registered=False, domain="elsewhere.test")
    assert stranger.exchange(stranger.request("OPTIONS", server.uri)).status == 200
