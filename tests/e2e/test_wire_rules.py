# SPDX-License-Identifier: Apache-2.0
"""Where answers go and how large they are, where a message ends on a stream, and what a 400 says."""
import socket

import pytest

from harness.message import token

pytestmark = pytest.mark.tandem_only


def options(via, call_id, *, version="SIP/2.0", more=""):
    """An OPTIONS to nobody with that top Via, as it goes on the wire."""
    return (f"OPTIONS sip:nobody@example.test {version}\r\nVia: {via};branch=z9hG4bK{token(12)}\r\nMax-Forwards: 9\r\n"
            f"From: <sip:a@example.test>;tag=1\r\nTo: <sip:nobody@example.test>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: 1 OPTIONS\r\n{more}Content-Length: 0\r\n\r\n").encode()


@pytest.mark.parametrize("via", ["SIP/2.0/UDP {0};maddr={1}", "SIP/2.0/UDP {0};rport;maddr={1}",
                                 "SIP/2.0/TCP {0};maddr={1}", "SIP/2.0/UDP {0};maddr={1};received={1}"])
def test_an_answer_goes_to_the_source_and_not_to_an_address_it_names(classic, via):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        sender.bind(("127.0.0.1", 0))
        port = sender.getsockname()[1]
        victim.bind(("127.0.0.9", port))
        victim.setblocking(False)
        sender.settimeout(10)
        for call_id in (token(8) for _ in range(4)):
            sender.sendto(options(via.format(f"127.0.0.1:{port}", "127.0.0.9"), call_id), classic.address)
            answer = sender.recv(65536)
            assert answer.startswith(b"SIP/2.0 404") and call_id.encode() in answer
        with pytest.raises(BlockingIOError):
            victim.recv(65536)


def test_an_answer_to_a_datagram_is_bounded_and_one_on_a_stream_is_whole(serve, endpoint):
    server = serve('loadmodule "sl.so"\nloadmodule "textops.so"\nroute {\n'
                   f'    append_to_reply("X-Long: {"x" * 7000}\\r\\n");\n'
                   '    if (uri=~"refused") { sl_send_reply("403", "No"); } else { sl_send_reply("200", "OK"); }\n}\n')
    by_datagram, by_stream = endpoint(server, "alice", "udp"), endpoint(server, "carl", "tcp")
    answer = by_datagram.exchange(by_datagram.request("OPTIONS", "sip:x@example.test"))
    assert answer.status == 500 and len(bytes(answer)) <= 1300
    answer = by_datagram.exchange(by_datagram.request("OPTIONS", "sip:refused@example.test"))
    assert answer.status == 403 and not answer.has("X-Long") and len(bytes(answer)) <= 1300
    answer = by_stream.exchange(by_stream.request("OPTIONS", "sip:x@example.test"))
    assert answer.status == 200 and len(answer.get("X-Long")) == 7000


# RFC 3261 18.3, 20.14: a body that came with the end of its datagram would be the next message of the stream.
def test_a_body_without_content_length_is_no_message_of_a_stream(classic, endpoint):
    carl, dora = endpoint(classic, "carl", "tcp"), endpoint(classic, "dora", "udp")
    assert dora.exchange(dora.register()).status == 200
    carl.send(carl.request("MESSAGE", "sip:dora@example.test"))
    asked = dora.receive_request("MESSAGE")
    body = (b"INVITE sip:carl@x SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.66;branch=z9hG4bKevil\r\nFrom: <sip:boss@x>;tag=1\r\n"
            b"To: <sip:carl@x>\r\nCall-ID: evil\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")
    head = bytes(dora.response(asked, 200, "OK", to_tag="d1")).replace(b"Content-Length: 0\r\n", b"")
    assert b"Content-Length" not in head
    dora.send(head + body, to=asked.source)
    assert carl.receive_response(200, "MESSAGE").body == body
    assert carl.nothing()


# RFC 3261 7.3.1: one parser takes the first tag, another the last, and each is in another dialog.
def test_a_response_with_two_tags_goes_to_nobody(classic, endpoint):
    alice, bob = endpoint(classic, "alice"), endpoint(classic, "bob")
    assert bob.exchange(bob.register()).status == 200
    alice.send(alice.request("MESSAGE", "sip:bob@example.test"))
    asked = bob.receive_request("MESSAGE")
    bob.send(bytes(bob.response(asked, 200, "OK", to_tag="b1;tag=b2")), to=asked.source)
    bob.answer(asked, to_tag="b3")
    assert alice.receive_response(200, "MESSAGE").tag("To") == "b3"
    assert alice.nothing()


@pytest.mark.parametrize("wrong,says", [
    ((b"Content-Length: 0\r\n\r\n", b"Content-Length: 0\r\n"), "empty line"),
    ((b"Max-Forwards: 9", b"Max-Forwards 9"), "without a colon"),
    ((b"<sip:nobody", b"< sip:nobody"), "Bad To"),
    ((b";tag=1", b";tag=1;tag=2"), "Repeated Parameter in From"),
    ((b"CSeq: 1", b"CSeq: one"), "Bad CSeq"),
    ((b"Content-Length: 0", b"Content-Length: 7"), "shorter than Content-Length"),
    ((b"/UDP 127.0.0.1", b"/UDP 127.0.0.01"), "Bad Via"),
])
def test_a_400_says_what_is_wrong(classic, wrong, says):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.settimeout(10)
        message = options(f"SIP/2.0/UDP 127.0.0.1:{sender.getsockname()[1]}", token(8))
        assert wrong[0] in message
        sender.sendto(message.replace(*wrong), classic.address)
        first_line = sender.recv(65536).split(b"\r\n")[0].decode()
        assert first_line.startswith("SIP/2.0 400 ") and says in first_line, first_line


def test_the_version_goes_on_in_upper_case(classic, endpoint):
    alice, bob = endpoint(classic, "alice"), endpoint(classic, "bob")
    assert bob.exchange(bob.register()).status == 200
    alice.send(bytes(alice.request("MESSAGE", "sip:bob@example.test")).replace(b" SIP/2.0\r\n", b" sip/2.0\r\n", 1))
    arrived = bob.receive_request("MESSAGE")
    assert arrived.first_line.endswith(" SIP/2.0")
    bob.answer(arrived)
    assert alice.receive_response(200, "MESSAGE")
