# SPDX-License-Identifier: Apache-2.0
"""The 61 messages of RFC 4475 and RFC 5118, sent to a running server as they are printed there."""
import re
import secrets
import socket

import pytest

from harness.server import ROOT
from harness.waiting import PATIENCE

pytestmark = pytest.mark.tandem_only

FOLDER = ROOT / "tests/torture"
# What nothing is wrong with is answered 200 by the script, so that every other status is the server's own.
SCRIPT = """
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "maxfwd.so"
route {
    if (method=="ACK") { break; }
    if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); break; }
    if (uri=~"^sips?:") { sl_send_reply("200", "OK"); break; }
    if (!t_relay()) { sl_reply_error(); }
}
"""
SILENCE = None
# What is owed, and what the reason phrase of a 400 says (RFC 3261 21.4.1).
OWED = {
    "rfc4475/badinv01.dat": (400, "Via"), "rfc4475/clerr.dat": (400, "Content-Length"),
    "rfc4475/ncl.dat": (400, "Content-Length"), "rfc4475/scalar02.dat": (400, "CSeq"),
    "rfc4475/quotbal.dat": (400, "To: missing closing quote"), "rfc4475/ltgtruri.dat": (400, "start line"),
    "rfc4475/lwsruri.dat": (400, "start line"), "rfc4475/lwsstart.dat": (400, "start line"),
    "rfc4475/trws.dat": (400, "start line"), "rfc4475/escruri.dat": (400, "Request-URI"),
    "rfc4475/badaspec.dat": (400, "To: malformed URI scheme"), "rfc4475/baddn.dat": (400, "the empty line behind the headers"),
    "rfc4475/mismatch01.dat": (400, "CSeq of Another Method"), "rfc4475/mismatch02.dat": (400, "CSeq of Another Method"),
    "rfc4475/insuf.dat": (400, "Missing From"), "rfc4475/multi01.dat": (400, "Repeated"),
    "rfc4475/mcl01.dat": (400, "Content-Length"), "rfc5118/ipv6-bad": (400, "Request-URI"),
    "rfc4475/badvers.dat": (505, "Version Not Supported"), "rfc4475/bext01.dat": (420, "Bad Extension"),
    "rfc4475/unkscm.dat": (416, "Scheme"), "rfc4475/novelsc.dat": (416, "Scheme"), "rfc4475/zeromf.dat": (483, "Hops"),
    # Responses that nobody asked for, some of them malformed.
    "rfc4475/bcast.dat": (SILENCE, ""), "rfc4475/bigcode.dat": (SILENCE, ""), "rfc4475/noreason.dat": (SILENCE, ""),
    "rfc4475/scalarlg.dat": (SILENCE, ""), "rfc4475/unreason.dat": (SILENCE, ""),
}
# A stream is cut by the empty line and Content-Length: the rest of two never comes, and a third has no length to go by
# (RFC 3261 18.3).
OWED_ON_STREAM = {"rfc4475/baddn.dat": (SILENCE, ""), "rfc4475/clerr.dat": (SILENCE, ""),
                  "rfc4475/inv2543.dat": (400, "Content-Length")}
# Two messages in one datagram, of which the second is dropped. On a stream it counts, and cannot be read to its end, so
# that the connection may close before the first is answered.
DATAGRAM_ONLY = {"rfc4475/dblreq.dat"}
NAMES = sorted(str(p.relative_to(FOLDER)) for p in FOLDER.glob("rfc*/*"))


def status_and_reason(answer):
    first = answer.split(b"\r\n")[0].decode()
    _, status, reason = first.split(" ", 2)
    return int(status), reason


def port_of(message):
    """Where the sender wants the answer to a datagram: the port of its sent-by (RFC 3261 18.2.2)."""
    top = re.search(rb"\r\n(?:via|v)[ \t]*:((?:[^\r]|\r\n[ \t])*)", message, re.IGNORECASE)[1]
    sent_by = re.sub(rb"\s+", b" ", top).split(b";")[0].split(b",")[0]
    port = re.search(rb"(?:[\w.-]|\])\s*:\s*(\d+)\s*$", sent_by)
    return int(port[1]) if port else 5060


def faults_of(name, answer, owed):
    """What the answer is, and should not be."""
    status, words = owed
    if answer is None or status is SILENCE:
        return [] if answer is None and status is SILENCE else [f"{name}: {answer and answer[:80]}, not {status}"]
    got, reason = status_and_reason(answer)
    if got != status or words not in reason:
        return [f"{name}: {got} {reason}, not {status} {words}"]
    if not re.search(rb"\r\nContent-Length: 0\r\n", answer):
        return [f"{name}: no Content-Length"]
    return []


def ask(client, server):
    """A good request: when its answer is there, so is what was sent before it."""
    branch = secrets.token_hex(8)
    host, port = client.getsockname()
    client.sendto(f"OPTIONS sip:{server[0]} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{branch}\r\n"
                  f"Max-Forwards: 9\r\nFrom: <sip:a@{host}>;tag=1\r\nTo: <sip:{server[0]}>\r\nCall-ID: {branch}\r\n"
                  f"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n".encode(), server)
    return branch.encode()


def answer_by_datagram(message, owed, server, host):
    """The answer that comes to the port which the message names; none when silence is owed and kept."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((host, port_of(message)))
        client.settimeout(10 * PATIENCE)
        client.sendto(message, server)
        if owed[0] is not SILENCE:
            try:
                return client.recv(65536)
            except TimeoutError:
                return None
        sentinel = ask(client, server)
        first = client.recv(65536)
        return None if sentinel in first else first


def answer_on_stream(message, owed, server):
    """The first answer on a connection that says the message and no more; none when it ends without."""
    with socket.create_connection(server, timeout=10 * PATIENCE) as client:
        client.sendall(message)
        if owed[0] is SILENCE:
            client.shutdown(socket.SHUT_WR)
        received = b""
        while b"\r\n\r\n" not in received:
            more = client.recv(65536)
            if not more:
                break
            received += more
        return received or None


def test_all_61_are_there():
    assert len([n for n in NAMES if n.startswith("rfc4475/")]) == 49
    assert len([n for n in NAMES if n.startswith("rfc5118/")]) == 12
    assert set(OWED) | set(OWED_ON_STREAM) <= set(NAMES)


def test_each_gets_the_answer_owed_as_a_datagram(serve):
    server = serve(SCRIPT)
    # An address of the loopback that nobody else uses, since the messages name their ports.
    host = "127." + ".".join(str(1 + b % 250) for b in secrets.token_bytes(3))
    faults = []
    for name in NAMES:
        owed = OWED.get(name, (200, "OK"))
        faults += faults_of(name, answer_by_datagram((FOLDER / name).read_bytes(), owed, server.address, host), owed)
    assert not faults, "\n".join(faults)


def test_each_gets_the_answer_owed_on_a_stream(serve):
    server = serve(SCRIPT)
    faults = []
    for name in set(NAMES) - DATAGRAM_ONLY:
        owed = {**OWED, **OWED_ON_STREAM}.get(name, (200, "OK"))
        faults += faults_of(name, answer_on_stream((FOLDER / name).read_bytes(), owed, server.address), owed)
    assert not faults, "\n".join(faults)
