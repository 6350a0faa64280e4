# SPDX-License-Identifier: Apache-2.0
"""Contacts in a database: what survives, and what happens when the database does not."""
import contextlib
import sqlite3

import pytest

from harness.control import ControlSocket
from harness.digest import digest, retry
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

SCRIPT = """
loadmodule "sl"
loadmodule "tm"
loadmodule "usrloc"
loadmodule "registrar"
modparam("usrloc", "db_mode", MODE)
modparam("usrloc", "db_url", "sqlite:PATH")
modparam("usrloc", "db_deadline", 300)
route {
    if (method=="OPTIONS") { sl_send_reply("200", "OK"); break; }
    if (method=="REGISTER") { save("location"); break; }
    if (!lookup("location")) { sl_send_reply("404", "Not Found"); break; }
    t_relay();
}
"""


@pytest.fixture
def start(serve, tmp_path):
    """start(mode) starts a server on the database of this test; each one on the same."""
    return lambda mode=1: serve(SCRIPT.replace("MODE", str(mode)).replace("PATH", str(tmp_path / "data/tandem.db")))


def rows(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "data/tandem.db", timeout=10)) as db:
        return db.execute("SELECT username, contact FROM location ORDER BY username").fetchall()


def kill(server):
    """As by kill -9; the end of the test expects no more of it."""
    server.kill()
    server.finish = lambda: None


def register(peer, **more):
    return peer.exchange(peer.register(**more))


def is_called(caller, callee):
    """A MESSAGE to the user reaches the phone that has registered him."""
    message = caller.send(caller.request("MESSAGE", f"sip:{callee.user}@example.test"))
    arrived = callee.receive_request("MESSAGE")
    callee.answer(arrived)
    return caller.receive_response(200, "MESSAGE") is not None and message is not None


def test_what_was_answered_is_there_after_kill_9(start, endpoint, tmp_path):
    first = start()
    bob = endpoint(first, "bob")
    assert register(bob).status == 200
    kill(first)
    assert rows(tmp_path) == [("bob", bob.contact)]
    second = start()
    assert "1 contacts read from sqlite:" in second.log()
    bob.server = second.address
    assert is_called(endpoint(second, "alice"), bob)


def test_what_was_taken_back_is_gone_after_kill_9(start, endpoint, tmp_path):
    first = start()
    bob = endpoint(first, "bob")
    assert register(bob).status == 200
    assert register(bob, cseq=2, expires=0).status == 200
    kill(first)
    assert rows(tmp_path) == []


def test_while_the_database_is_locked_a_phone_is_refused_and_others_are_not_delayed(start, endpoint, tmp_path):
    server = start()
    bob, other = endpoint(server, "bob"), endpoint(server, "other")
    assert register(bob).status == 200
    with contextlib.closing(sqlite3.connect(tmp_path / "data/tandem.db", isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        waiting = bob.send(bob.register(cseq=2, call_id="again"))
        # What needs no database has its answer before what does.
        assert other.exchange(other.request("OPTIONS", server.uri)).status == 200
        assert is_called(other, bob)
        refused = bob.receive_final("REGISTER")
        assert waiting and refused.status == 503 and refused.get("Retry-After")
        db.execute("ROLLBACK")

    def is_taken_again():
        is_taken_again.count += 1
        return register(bob, call_id="later", cseq=is_taken_again.count).status == 200
    is_taken_again.count = 0
    until(is_taken_again, "the database to be back")


def test_mode_2_writes_at_the_end(start, endpoint, tmp_path):
    server = start(2)
    bob = endpoint(server, "bob")
    assert register(bob).status == 200
    assert rows(tmp_path) == []
    bob.end_connections()
    server.finish()
    server.finish = lambda: None
    assert rows(tmp_path) == [("bob", bob.contact)]


def test_a_flush_writes_now(start, endpoint, tmp_path):
    server = start(2)
    bob = endpoint(server, "bob")
    assert register(bob).status == 200
    with contextlib.closing(ControlSocket(server.control_socket)) as operator:
        assert operator.call("ul.flush")["result"] == {"written": 1}
    assert rows(tmp_path) == [("bob", bob.contact)]


def test_without_a_database_that_can_be_read_the_server_does_not_start(serve, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/tandem.db").write_text("no database at all, " * 300)
    with pytest.raises(AssertionError, match="file is not a database"):
        serve(SCRIPT.replace("MODE", "1").replace("PATH", str(tmp_path / "data/tandem.db")))


@pytest.mark.parametrize("wrong, why", [
    ('modparam("usrloc", "db_url", "oracle://x/y")', "must be sqlite:PATH"),
    ('modparam("usrloc", "user_column", "name")', "the column is called username"),
])
def test_what_is_not_offered_is_refused_with_a_reason(serve, tmp_path, wrong, why):
    script = SCRIPT.replace("MODE", "1").replace("PATH", str(tmp_path / "x.db")).replace("route {", wrong + "\nroute {")
    with pytest.raises(AssertionError, match=why):
        serve(script)


ASKING = """
loadmodule "sl"
loadmodule "usrloc"
loadmodule "registrar"
loadmodule "auth"
loadmodule "auth_db"
modparam("auth_db", "db_url", "sqlite:PATH")
modparam("auth_db", "cache_expire", 1)
route {
    if (!www_authorize("example.test", "subscriber")) { www_challenge("example.test", "1"); break; }
    save("location");
}
"""


def test_passwords_are_those_of_the_database_and_a_change_is_soon_seen(serve, endpoint, tmp_path):
    server = serve(ASKING.replace("PATH", str(tmp_path / "data/tandem.db")))
    alice = endpoint(server, "alice")

    def attempt(password):
        asked = alice.register()
        refused = alice.exchange(asked)
        assert refused.status == 401
        return alice.exchange(retry(alice, asked, refused, "alice", password, algorithm="MD5")).status

    def set_password(password):
        with contextlib.closing(sqlite3.connect(tmp_path / "data/tandem.db", timeout=10)) as db, db:
            db.execute("REPLACE INTO subscriber (username, domain, ha1) VALUES ('alice', 'example.test', ?)",
                       [digest("MD5", "alice", "example.test", password)])
    until(lambda: (tmp_path / "data/tandem.db").exists(), "the database to be made")
    assert attempt("secret") == 401
    set_password("secret")
    until(lambda: attempt("secret") == 200, "the account to be seen")
    set_password("changed")
    until(lambda: attempt("secret") == 401, "the old password to be refused")
    assert attempt("changed") == 200


def test_a_database_that_cannot_be_opened_blames_nobody(serve, endpoint, tmp_path):
    server = serve(ASKING.replace("PATH", str(tmp_path / "no/such/folder/tandem.db")))
    alice = endpoint(server, "alice")
    asked = alice.register()
    refused = alice.exchange(asked)
    answer = alice.exchange(retry(alice, asked, refused, "alice", "x", algorithm="MD5"))
    assert answer.status == 500
