# SPDX-License-Identifier: Apache-2.0
"""Passwords on the wire: who is let in, who is asked, and what strangers can learn."""
import re
import signal

import pytest

from harness.digest import HASHES, account_lines, retry
from harness.endpoint import Dialog
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

REALM = "example.test"
REPLAYS = 1_000

SCRIPT = """
loadmodule "sl"
loadmodule "tm"
loadmodule "usrloc"
loadmodule "registrar"
loadmodule "auth"
loadmodule "auth_db"
loadmodule "uri"
modparam("auth_db", "db_url", "file:ACCOUNTS")
modparam("auth", "algorithms", "SHA-256,MD5")
modparam("auth", "nonce_expire", EXPIRE)
route {
    if (method=="OPTIONS") { sl_send_reply("200", "OK"); break; }
    if (method=="REGISTER") {
        if (!www_authorize("example.test", "subscriber")) { www_challenge("example.test", "1"); break; }
        if (!check_to()) { sl_send_reply("403", "Register your own name"); break; }
        consume_credentials();
        save("location");
        break;
    }
    if (!proxy_authorize("example.test", "subscriber")) { proxy_challenge("example.test", "1"); break; }
    if (!proxy_authorize("example.test", "subscriber")) { sl_send_reply("500", "Asked twice"); break; }
    if (method=="ACK" || method=="CANCEL") { t_relay(); break; }
    if (!check_from()) { sl_send_reply("403", "Not your name"); break; }
    consume_credentials();
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; }
    t_relay();
}
"""


class Accounts:
    def __init__(self, path):
        self.path = path

    def write(self, **passwords):
        """Puts a new file in the place of the old one; the server's own user can read it, others cannot."""
        new = self.path.with_suffix(".new")
        new.write_text(account_lines(REALM, **passwords))
        new.chmod(0o600)
        new.rename(self.path)


@pytest.fixture
def guarded(serve, tmp_path):
    """A server that asks alice and bob for passwords."""
    accounts = Accounts(tmp_path / "subscribers")
    accounts.write(alice="secret", bob="word")

    def start(expire=300):
        script = SCRIPT.replace("ACCOUNTS", str(accounts.path)).replace("EXPIRE", str(expire))
        server = serve(script, prologue="overload_per_source=0\n")
        server.accounts = accounts
        return server
    return start


def registered(server, endpoint, user, password, **more):
    one = endpoint(server, user)
    asked = one.register()
    refused = one.exchange(asked)
    assert refused.status == 401
    answer = one.exchange(retry(one, asked, refused, user, password, **more))
    return one, answer


@pytest.mark.parametrize("algorithm", HASHES)
def test_a_phone_registers_with_its_password_alone(guarded, endpoint, algorithm):
    server = guarded()
    assert registered(server, endpoint, "alice", "secret", algorithm=algorithm)[1].status == 200
    assert registered(server, endpoint, "alice", "word", algorithm=algorithm)[1].status == 401
    eve = endpoint(server, "bob")  # says that she is bob, and has alice's password
    asked = eve.register()
    refused = eve.exchange(asked)
    assert eve.exchange(retry(eve, asked, refused, "alice", "secret", algorithm=algorithm)).status == 403


def test_a_stranger_is_answered_as_a_user_with_a_wrong_password_is(guarded, endpoint):
    server = guarded()

    def shape(user):
        one, answer = registered(server, endpoint, user, "wrong")
        assert answer.status == 401
        text = bytes(answer).decode().replace(user, "user").replace(answer.get("Call-ID"), "").replace(str(one.port), "")
        return re.sub(r'(branch|tag|nonce)="?[\w.-]+"?', r"\1=", text)
    assert shape("alice") == shape("nobod")


def test_no_credentials_are_good_twice_on_whatever_shard(guarded, endpoint):
    server = guarded()
    alice = endpoint(server, "alice")
    asked = alice.register()
    refused = alice.exchange(asked)
    good = retry(alice, asked, refused, "alice", "secret")
    line = good.headers[-1]
    assert alice.exchange(good).status == 200
    others = [endpoint(server, "alice") for _ in range(8)]
    for number in range(REPLAYS):
        other = others[number % 8]
        answer = other.exchange(other.register(headers=[line]))
        assert answer.status == 401
    assert 'stale=true' in answer.get("WWW-Authenticate")


def test_a_nonce_that_is_too_old_is_said_to_be_stale_and_the_next_round_succeeds(guarded, endpoint):
    server = guarded(expire=1)
    alice = endpoint(server, "alice")
    asked = alice.register()
    first = alice.exchange(asked)
    answers = []

    def is_stale():
        again = retry(alice, asked, first, "alice", "secret", count=len(answers) + 1)
        answers.append(alice.exchange(again))
        return answers[-1].status == 401
    until(is_stale, "the nonce to be too old")
    assert "stale=true" in answers[-1].get("WWW-Authenticate")
    assert alice.exchange(retry(alice, asked, answers[-1], "alice", "secret")).status == 200


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "BYE", "INFO", "SUBSCRIBE", "X-OWN"])
def test_no_method_passes_without_a_password(guarded, endpoint, method):
    server = guarded()
    bob, answer = registered(server, endpoint, "bob", "word")
    assert answer.status == 200
    alice = endpoint(server, "alice")
    request = alice.request(method, "sip:bob@example.test")
    refused = alice.exchange(request)
    assert refused.status == 407
    if method == "INVITE":
        return
    alice.send(retry(alice, request, refused, "alice", "secret"))
    arrived = bob.receive_request(method)
    assert not arrived.all("Proxy-Authorization"), "nobody further on sees them"
    bob.answer(arrived)
    assert alice.receive_final(method).status == 200


def test_a_call_is_set_up_with_a_password_and_its_copies_are_no_second_question(guarded, endpoint):
    server = guarded()
    bob, answer = registered(server, endpoint, "bob", "word")
    assert answer.status == 200
    alice = endpoint(server, "alice")
    invite = alice.request("INVITE", "sip:bob@example.test")
    refused = alice.exchange(invite)
    assert refused.status == 407
    again = retry(alice, invite, refused, "alice", "secret")
    alice.send(again)
    arrived = bob.receive_request("INVITE")
    alice.send(again)  # a copy
    bob.answer(arrived)
    dialog = Dialog(alice, again, alice.receive_response(200, "INVITE"))
    alice.send(dialog.request("ACK"))
    assert bob.receive_request("ACK")


def test_accounts_follow_a_reload(guarded, endpoint):
    server = guarded()
    assert registered(server, endpoint, "alice", "secret")[1].status == 200
    server.accounts.write(alice="changed", bob="word")
    server.child.send_signal(signal.SIGHUP)
    until(lambda: registered(server, endpoint, "alice", "changed")[1].status == 200, "the new password to count")
    assert registered(server, endpoint, "alice", "secret")[1].status == 401
    server.accounts.path.chmod(0o644)  # a file that everybody may read is refused, and the old one stays
    server.child.send_signal(signal.SIGHUP)
    until(lambda: "others may read" in server.log(), "the file to be refused")
    assert registered(server, endpoint, "alice", "changed")[1].status == 200
