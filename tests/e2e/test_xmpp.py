# SPDX-License-Identifier: Apache-2.0
"""A phone in the roster, with the servers that are in use: examples/xmpp_presence.cpp as the phone's voice."""
import os
import pathlib
import subprocess
import time

import pytest

from harness.server import ROOT, Process
from harness.waiting import PATIENCE, until

pytest.importorskip("slixmpp", reason="python3-slixmpp is missing: apt-get install python3-slixmpp")
from harness.xmpp import DOMAIN, INACTIVITY, PASSWORD, Contact, Ejabberd, Prosody, why_it_cannot_run  # noqa: E402

PROGRAM = pathlib.Path(os.environ.get("TANDEM_BIN", ROOT / "build/bin")) / "xmpp_presence"
ONLINE, IN_A_CALL = "SIP-phone -1", "SIP-phone away On the phone. -1"


@pytest.fixture(scope="module", params=[Prosody, Ejabberd], ids=["prosody", "ejabberd"])
def server(request, tmp_path_factory):
    if reason := why_it_cannot_run(request.param):
        pytest.skip(reason)
    one = request.param(tmp_path_factory.mktemp("server"))
    yield one
    one.kill()


@pytest.fixture
def contact(server):
    bob = Contact(server)
    yield bob
    bob.close()


class Voice(Process):
    """Shows what it is told."""

    def __init__(self, folder, server, password=PASSWORD):
        folder.mkdir(exist_ok=True)
        super().__init__("xmpp_presence", [PROGRAM, server.url, f"alice@{DOMAIN}", folder / "sessions"], folder,
                         {"XMPP_PASSWORD": password}, stdin=subprocess.PIPE)

    def say(self, line):
        self.child.stdin.write(f"{line}\n".encode())
        self.child.stdin.flush()

    def wait_for(self, text, seconds=20):
        until(lambda: text in self.log(), f"{text!r} in\n{self.log()}", seconds)

    def end(self, how="end"):
        self.say(how)
        assert self.child.wait(20 * PATIENCE) == 0, self.log()
        return self.log()


@pytest.fixture
def voice(server, tmp_path):
    """voice() starts the program; each finds the sessions of the one before."""
    made = []

    def make(**more):
        made.append(Voice(tmp_path / "voice", server, **more))
        return made[-1]

    yield make
    for one in made:
        if one.is_alive():
            one.kill()


def test_a_phone_comes_calls_hangs_up_and_goes(contact, voice):
    phone = voice()
    phone.say("online")
    contact.wait_for(ONLINE)
    phone.say("onthephone")
    contact.wait_for(IN_A_CALL)
    phone.say("still-onthephone")  # a refresh within the call: nothing to be seen
    phone.say("still-online")
    contact.wait_for(ONLINE)
    phone.say("offline")
    contact.wait_for("SIP-phone gone")
    assert contact.seen == [ONLINE, IN_A_CALL, ONLINE, "SIP-phone gone"]
    assert "logins: 1, resumed: 0" in phone.end()


def test_a_session_outlives_kill_9(contact, voice):
    phone = voice()
    phone.say("onthephone")
    contact.wait_for(IN_A_CALL)
    for count in range(3):
        phone.kill()
        contact.say(f"while it was away {count}")
        phone = voice()
        phone.wait_for(f"message: while it was away {count}")
        state, expected = (("still-online", ONLINE), ("onthephone", IN_A_CALL))[count % 2]
        phone.say(state)
        contact.wait_for(expected)
        assert phone.log().count("message:") == 1
    assert not [line for line in contact.seen if "gone" in line]
    assert "logins: 0, resumed: 1" in phone.end()
    contact.wait_for("SIP-phone gone")


def test_a_session_is_left_to_the_next_process(contact, voice):
    phone = voice()
    phone.say("online")
    contact.wait_for(ONLINE)
    phone.end("keep")
    phone = voice()
    phone.wait_for("state: online")
    phone.say("onthephone")
    contact.wait_for(IN_A_CALL)
    assert not [line for line in contact.seen if "gone" in line]
    assert "logins: 0, resumed: 1" in phone.end()


def test_an_idle_phone_stays(contact, voice):  # F2
    phone = voice()
    phone.say("online")
    contact.wait_for(ONLINE)
    time.sleep(INACTIVITY + 5)  # what is tested is that nothing happens in this time
    assert contact.seen == [ONLINE]
    phone.say("offline")
    contact.wait_for("SIP-phone gone")
    assert "logins: 1" in phone.end()


def test_a_session_that_was_given_up_is_replaced(contact, voice):
    phone = voice()
    phone.say("online")
    contact.wait_for(ONLINE)
    phone.kill()
    contact.wait_for("SIP-phone gone", seconds=90)  # once the held request and the inactivity have passed
    phone = voice()
    phone.wait_for("state: online", seconds=40)
    contact.wait_for(ONLINE)
    phone.end()


def test_a_wrong_password_is_told_once(server, voice):
    phone = voice(password="wrong")
    phone.say("online")
    phone.wait_for("login refused: not-authorized")
    phone.wait_for("state: stopped")
    assert phone.log().count("login refused") == 1
