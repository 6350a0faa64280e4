# SPDX-License-Identifier: Apache-2.0
"""The trace that tandemd writes, and the call-flow pictures drawn from it."""
import json
import subprocess
import xml.etree.ElementTree

import pytest

from harness.endpoint import ack_of
from harness.ladder import read_trace, svg_ladder, text_ladder
from harness.server import ROOT
from harness.waiting import until

LINES = [
    {"time": 10.000, "direction": "in", "transport": "udp", "src": "127.0.0.1:5070", "dst": "127.0.0.1:5060",
     "first_line": "INVITE sip:bob@example.test SIP/2.0", "call_id": "c1", "cseq": "1 INVITE", "size": 500},
    {"time": 10.001, "direction": "out", "transport": "udp", "src": "127.0.0.1:5060", "dst": "127.0.0.1:5080",
     "first_line": "INVITE sip:bob@127.0.0.1:5080 SIP/2.0", "call_id": "c1", "cseq": "1 INVITE", "size": 600},
    {"time": 10.002, "direction": "in", "transport": "udp", "src": "127.0.0.1:5080", "dst": "127.0.0.1:5060",
     "first_line": "SIP/2.0 486 Busy <b>Here</b>", "call_id": "c1", "cseq": "1 INVITE", "size": 300},
    {"time": 10.500, "direction": "in", "transport": "udp", "src": "127.0.0.1:5090", "dst": "127.0.0.1:5060",
     "first_line": "OPTIONS sip:example.test SIP/2.0", "call_id": "c2", "cseq": "1 OPTIONS", "size": 300},
]


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "trace.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES) + '{"time": 11.0, "src": "half a li')
    return path


def test_a_ladder_shows_the_server_between_the_parties_and_arrows_by_direction(trace):
    picture = text_ladder(trace, "c1", {"127.0.0.1:5070": "Alice", "127.0.0.1:5060": "Tandem", "127.0.0.1:5080": "Bob"}).splitlines()
    assert picture[0].split() == ["Alice", "Tandem", "Bob"]
    assert "INVITE sip:bob@example.test" in picture[1] and ">|" in picture[1]
    assert "486 Busy" in picture[3] and "|<" in picture[3] and picture[3].startswith("    0.002")
    assert len(picture) == 4


def test_lines_that_are_cut_off_are_passed_over(trace):
    assert len(read_trace(trace)) == 4


def test_a_picture_is_well_formed_whatever_the_messages_say(trace):
    picture = svg_ladder(trace, "c1", title="Busy & gone")
    root = xml.etree.ElementTree.fromstring(picture)
    assert any("486 Busy <b>Here</b>" in "".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))


def test_the_command_lists_calls_and_says_what_is_missing(trace, tmp_path):
    listed = subprocess.run([ROOT / "scripts/ladder", trace, "--list"], capture_output=True, text=True, check=True)
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["c1", "c2"]
    missing = subprocess.run([ROOT / "scripts/ladder", tmp_path / "none"], capture_output=True, text=True, check=False)
    assert missing.returncode == 2 and "--trace" in missing.stderr


@pytest.mark.tandem_only
def test_the_server_traces_every_message_of_a_call_as_it_was_on_the_wire(classic, endpoint):
    alice, bob = endpoint(classic, "alice"), endpoint(classic, "bob")
    bob.exchange(bob.register())
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 486, "Busy Here", to_tag="b1"))
    bob.receive_request("ACK")
    final = alice.receive_final("INVITE")
    alice.send(ack_of(invite, final))
    call_id = invite.get("Call-ID")
    # in: INVITE, 486, ACK; out: 100, INVITE, ACK, 486
    until(lambda: len(read_trace(classic.trace, call_id)) >= 7, "seven lines of the call in the trace")
    arrows = read_trace(classic.trace, call_id)
    server, caller, callee = (f"127.0.0.1:{port}" for port in (classic.port, alice.port, bob.port))
    seen = [(a.source, a.target, a.label) for a in arrows]
    assert seen[0] == (caller, server, "INVITE sip:bob@example.test")
    assert any((s, t) == (server, caller) and label.startswith("100 ") for s, t, label in seen)
    assert (server, callee, f"INVITE {bob.contact}") in seen and (callee, server, "486 Busy Here (INVITE)") in seen
    assert (server, caller, "486 Busy Here (INVITE)") in seen
    assert arrows[0].size == len(bytes(invite)) and {a.transport for a in arrows} == {"udp"}
