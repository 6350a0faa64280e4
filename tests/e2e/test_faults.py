# SPDX-License-Identifier: Apache-2.0
"""What hostile and broken peers send harms nobody: known faults of other servers, mutations, slow and half-open peers,
and messages that two parsers might read as two different ones."""
import os
import random
import socket

import pytest
from known_faults import FAULTS

from harness.amount import amount
from harness.endpoint import Endpoint
from harness.message import Message, is_response, token
from harness.server import Server
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

MODULES = "".join(f'loadmodule "{name}.so"\n' for name in ("sl", "tm", "rr", "maxfwd", "usrloc", "registrar"))


# Relays to one fixed peer only, whatever a message names: nothing leaves the loopback.
# One source sends all that these tests have, so that its share is not bounded.
SHELTERED = f"""overload_per_source=0
{MODULES}
route {{{{
    if (!mf_process_maxfwd_header("10")) {{{{ sl_send_reply("483", "Too Many Hops"); break; }}}}
    if (method=="OPTIONS") {{{{ sl_send_reply("200", "OK"); break; }}}}
    if (method=="REGISTER") {{{{ save("location"); break; }}}}
    record_route();
    loose_route();
    if (!t_relay_to_udp("127.0.0.1", "{{}}")) {{{{ sl_reply_error(); }}}}
}}}}
"""


@pytest.fixture
def sheltered(serve):
    """A server that relays to one peer only, and that peer."""
    sink = Endpoint("udp", ("127.0.0.1", 9), "sink")
    server = serve(SHELTERED.format(sink.port))
    server.drains = False
    yield server, sink
    sink.close()


@pytest.fixture(scope="module")
def lasting_servers():
    """The servers of `lasting`, by their number of shards; each is checked when the last test of the file is over."""
    started, running = [], {}

    def start(shards, folder):
        server, sink = running.get(shards, (None, None))
        if server is None or not server.is_alive():  # each test finds one that runs, whatever became of the last one
            sink = Endpoint("udp", ("127.0.0.1", 9), "sink")
            server = Server(folder, SHELTERED.format(sink.port), shards)
            server.drains = False
            running[shards] = server, sink
            started.append((server, sink))
        return server, sink

    yield start
    for _, sink in started:
        sink.close()
    dead = [server for server, _ in started if running[server.shards][0] is not server]
    for server, _ in started:
        if server not in dead:
            server.finish()
    assert not dead, [server.log()[-3000:] for server in dead]


@pytest.fixture
def lasting(lasting_servers, shards, tmp_path, request):
    """As `sheltered`, but one server for all of these tests, as long as it lives."""
    server, sink = lasting_servers(shards, tmp_path)
    request.node.servers = [server]
    return server, sink


def assert_answers(server, endpoint):
    """A valid request of a newcomer is answered."""
    probe = endpoint(server, "probe")
    assert probe.exchange(probe.request("OPTIONS", "sip:example.test")).status == 200


def drain(sink):
    """Takes what has arrived without waiting."""
    taken = []
    sink.socket.setblocking(False)
    try:
        while True:
            taken.append(sink.socket.recv(70000))
    except BlockingIOError:
        return taken
    finally:
        sink.socket.setblocking(True)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_known_fault_of_another_server_leaves_it_answering(lasting, fault, transport):
    server, sink = lasting
    peer = Endpoint(transport, server.address, "peer")
    messages = FAULTS[fault](peer)
    for data in messages if isinstance(messages, list) else [messages]:
        try:
            peer.send(data)
        except OSError:
            break  # it hung up on us, or the datagram is too long: both are fine
    peer.close()
    for kind in ("udp", "tcp"):
        probe = Endpoint(kind, server.address, "probe")
        assert probe.exchange(probe.request("OPTIONS", "sip:example.test")).status == 200
        probe.close()
    drain(sink)
    assert server.is_alive()


@pytest.mark.parametrize("nowhere", ["127.0.0.1:0", "255.255.255.255:5060"], ids=["port 0", "a refused address"])
def test_hundreds_of_sends_that_fail_in_one_turn_end_in_an_answer_to_each_call(serve, endpoint, nowhere):
    """RFC 3261 16.9: a branch that cannot be sent has failed; it does so after the turn, whatever else the turn does."""
    server = serve(f"""{MODULES}
route {{
    if (method=="REGISTER") {{ save("location"); break; }}
    if (method=="ACK") {{ break; }}
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); break; }}
    if (!t_relay()) {{ sl_reply_error(); }}
}}
""")
    caller = endpoint(server, "bob", "tcp")
    contacts = [("Contact", f"<sip:b{n}@{nowhere}>;expires=600") for n in range(5)]
    caller.exchange(caller.register(contact="", headers=contacts))
    calls = 60
    caller.send(b"".join(bytes(caller.request("INVITE", caller.aor, call_id=f"call-{n}@nowhere")) for n in range(calls)))
    answered = set()
    while len(answered) < calls:
        final = caller.receive(lambda m: not m.is_request and m.status >= 300, "the end of each call")
        answered.add(final.get("Call-ID"))
    probe = endpoint(server, "probe")
    assert probe.exchange(probe.request("OPTIONS", "sip:nobody@example.test")).status == 404


def mutate(rng, data):
    """One to five small changes of the kind that networks, bad programmers and attackers make."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(data) + 1) if data else 0
        kind = rng.randrange(9)
        if kind == 0 and data:
            data[at - 1] = rng.randrange(256)
        elif kind == 1:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 8)))
        elif kind == 2:
            del data[at:at + rng.randint(1, 20)]
        elif kind == 3:
            data[at:at] = rng.choice([b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b";", b",", b"<", b">", b'"', b":", b"=", b"%0"])
        elif kind == 4:
            lines = bytes(data).split(b"\r\n")
            line = rng.randrange(len(lines))
            lines[line:line] = [rng.choice(lines)] * rng.randint(1, 3)
            data = bytearray(b"\r\n".join(lines))
        elif kind == 5:
            lines = bytes(data).split(b"\r\n")
            del lines[rng.randrange(len(lines))]
            data = bytearray(b"\r\n".join(lines))
        elif kind == 6:
            del data[at:]
        elif kind == 7:
            data[at:at] = rng.choice([b"4294967296", b"-1", b"99999999999999999999", b"0", b"z" * 300, b"\xff\xfe", b"%s%n"])
        else:
            other = rng.randrange(len(data) + 1) if data else 0
            low, high = sorted((at, other))
            data[at:at] = data[low:min(high, low + 200)]
    return bytes(data)


def seeds(peer):
    """Valid messages of many kinds to start from."""
    sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    invite = peer.request("INVITE", "sip:bob@example.test", headers=[
        ("Record-Route", "<sip:127.0.0.1:9;lr>"), ("Route", f"<sip:127.0.0.1:{peer.server[1]};lr>"), ("Supported", "100rel, timer"),
        ("Content-Type", "application/sdp"), ("Authorization", 'Digest username="a", realm="r", nonce="n", uri="sip:b", response="0"')],
        body=sdp)
    cancel = bytes(invite).replace(b"INVITE", b"CANCEL")
    # Its Vias name no address: a change must not make one of them somebody else's.
    via = "SIP/2.0/UDP peer.invalid;branch=z9hG4bKresponse"
    answer = Message("SIP/2.0 200 OK", [("Via", via), ("Via", via), ("From", "<sip:a@b>;tag=1"), ("To", "<sip:b@c>;tag=2"),
                                        ("Call-ID", token()), ("CSeq", "1 INVITE"), ("Contact", "<sip:x@127.0.0.1:9>")])
    return [bytes(invite), cancel, bytes(peer.register()), bytes(peer.request("OPTIONS", "sip:example.test")),
            bytes(peer.request("ACK", "sip:bob@example.test", to_tag="x")), bytes(peer.request("BYE", "sip:bob@example.test", to_tag="x")),
            bytes(peer.request("MESSAGE", "tel:+49-30-1234;phone-context=example.test", body="hello")), bytes(answer)]


@pytest.mark.parametrize("transport, count", [("udp", amount(10_000, 1_000_000)), ("tcp", amount(2_000, 100_000))])
def test_mutated_messages_leave_it_answering(sheltered, endpoint, transport, count):
    server, sink = sheltered
    seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
    print(f"seed {seed} (repeat with SEED={seed})")
    rng = random.Random(seed)
    peer = endpoint(server, "peer", transport).anything_may_come()
    originals = seeds(peer)
    for number in range(count):
        data = mutate(rng, rng.choice(originals))
        try:
            peer.send(data)
        except OSError:  # it closed a connection that it could not follow
            peer.close()
            peer = endpoint(server, "peer", transport).anything_may_come()
        if number % 250 == 249:
            drain(sink)
            assert_answers(server, endpoint)
            if transport == "tcp":
                peer.close()
                peer = endpoint(server, "peer", transport).anything_may_come()
    peer.close()
    assert_answers(server, endpoint)


# -- slow, half-open and greedy TCP peers

def test_half_open_and_slow_tcp_peers_delay_nobody(sheltered, endpoint):
    server, _ = sheltered
    silent = [socket.create_connection(server.address) for _ in range(200)]
    slow = [socket.create_connection(server.address) for _ in range(50)]
    message = bytes(endpoint(server, "slow", "tcp").request("OPTIONS", "sip:example.test"))
    quick = endpoint(server, "quick", "tcp")
    for at in range(0, 60):  # one byte each, between which others are served
        for one in slow:
            one.sendall(message[at:at + 1])
        if at % 10 == 0:
            assert quick.exchange(quick.request("OPTIONS", "sip:example.test")).status == 200
            assert_answers(server, endpoint)
    for one in slow:  # the rest at once: they are answered after all
        one.sendall(message[60:])
        assert one.recv(65536).startswith(b"SIP/2.0 200 ")
    for one in silent + slow:
        one.close()


def test_a_peer_that_never_reads_is_bounded(sheltered, endpoint):
    server, _ = sheltered
    greedy = socket.create_connection(server.address)
    greedy.setblocking(False)
    request = bytes(endpoint(server, "greedy", "tcp").request("OPTIONS", "sip:example.test"))
    before = server.resident_kilobytes()
    sent = 0
    for _ in range(200):
        try:
            sent += greedy.send(request * 200)
        except (BlockingIOError, ConnectionError):
            break
    assert_answers(server, endpoint)
    assert server.resident_kilobytes() - before < 64 * 1024, f"{sent} bytes of a peer that does not read"
    greedy.close()


def test_requests_on_tcp_connections_that_close_at_once(sheltered, endpoint):
    server, sink = sheltered
    for _ in range(100):  # CVE-2018-7286, CVE-2020-28327
        peer = endpoint(server, "peer", "tcp").anything_may_come()
        peer.send(peer.request("INVITE", "sip:bob@example.test"))
        peer.close()
    assert_answers(server, endpoint)
    # The callee answers into connections that are gone.
    arrived, answered = until(lambda: drain(sink), "the first calls to arrive"), 0
    for data in arrived:
        invite = Message.parse(data)
        invite.source = server.address
        if invite.is_request and invite.method == "INVITE":
            sink.send(sink.response(invite, 200, "OK", to_tag="s1"))
            answered += 1
    assert answered > 0
    assert_answers(server, endpoint)


def test_keep_alives_are_answered(sheltered, endpoint):
    server, _ = sheltered
    with socket.create_connection(server.address, timeout=3) as stream:  # RFC 5626 4.4.1
        stream.sendall(b"\r\n\r\n")
        assert stream.recv(16) == b"\r\n"
    peer = endpoint(server, "peer")
    peer.send(b"\r\n\r\n")
    assert_answers(server, endpoint)


def test_pipelined_requests_in_one_segment_are_all_answered(sheltered, endpoint):
    server, _ = sheltered
    peer = endpoint(server, "peer", "tcp")
    requests = [peer.request("OPTIONS", "sip:example.test") for _ in range(100)]
    peer.send(b"".join(bytes(r) for r in requests))
    answered = {peer.receive_response(200, "OPTIONS").get("Call-ID") for _ in requests}
    assert answered == {r.get("Call-ID") for r in requests}


def test_a_request_cut_at_any_byte_arrives_whole(sheltered, endpoint):
    server, _ = sheltered
    peer = endpoint(server, "peer", "tcp")
    for cut in range(1, len(bytes(peer.request("OPTIONS", "sip:example.test", body="body"))), 3):
        request = peer.request("OPTIONS", "sip:example.test", body="body")
        peer.send(bytes(request)[:cut])
        peer.send(bytes(request)[cut:])
        peer.receive(is_response(200, "OPTIONS", request.get("Call-ID")), f"an answer to a request cut at {cut}")


# -- nothing is forwarded that another parser would read as a different message

ODD = {
    "blank before the colon": lambda r: r.replace(b"X-Mark: 1", b"X-Mark : 1"),
    "tab before the colon": lambda r: r.replace(b"X-Mark: 1", b"X-Mark\t: 1"),
    "folded header": lambda r: r.replace(b"X-Mark: 1", b"X-Mark:\r\n 1\r\n\t2"),
    "folded Content-Length": lambda r: r.replace(b"Content-Length: 5", b"Content-Length:\r\n 5"),
    "repeated equal Content-Length": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 5"),
    "repeated different Content-Length": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: 5\r\nContent-Length: 0"),
    "Content-Length in two forms": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: 5\r\nl: 0"),
    "blank before the colon of Content-Length": lambda r: r.replace(b"Content-Length: 5", b"Content-Length : 0\r\nContent-Length: 5"),
    "Content-Length of 2^32 + 5": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: 4294967301"),
    "Content-Length of 2^64 + 5": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: 18446744073709551621"),
    "Content-Length of 5, 0": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: 5, 0"),
    "Content-Length of +5": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: +5"),
    "Content-Length too short": lambda r: r.replace(b"Content-Length: 5", b"Content-Length: 2"),
    "NUL in a value": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\x00Evil: 1"),
    "NUL in a name": lambda r: r.replace(b"X-Mark: 1", b"X-Ma\x00rk: 1"),
    "bare CR": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\rEvil: 1"),
    "bare LF": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\nEvil: 1"),
    "bare LF twice": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\n\nEvil: 1"),
    "bare CR twice": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\r\rEvil: 1"),
    "line without colon": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\r\nEvil"),
    "name of nothing": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\r\n: Evil"),
    "continuation first": lambda r: r.replace(b"SIP/2.0\r\n", b"SIP/2.0\r\n Evil: 1\r\n", 1),
    "blank line of blanks": lambda r: r.replace(b"X-Mark: 1", b"X-Mark: 1\r\n \r\nEvil: 1"),
    "two blanks in the start line": lambda r: r.replace(b"MESSAGE ", b"MESSAGE  ", 1),
}


def differences(data):
    """What in these bytes could be read in two ways (empty: nothing)."""
    head, blank, body = data.partition(b"\r\n\r\n")
    found = [] if blank else ["no end of the header"]
    if b"\0" in head:
        found.append("a NUL")
    plain = head.replace(b"\r\n", b"")
    if b"\r" in plain or b"\n" in plain:
        found.append("a bare CR or LF")
    lines = head.split(b"\r\n")
    if len(lines) > 1 and lines[1][:1] in (b" ", b"\t"):
        found.append("a continuation before any header")
    if any(line.strip(b" \t") == b"" for line in lines[1:]):
        found.append("a line of blanks, which some take for the end")
    if any(b":" not in line for line in lines[1:] if line[:1] not in (b" ", b"\t")):
        found.append("a line without a colon")
    if len(lines[0].split(b" ")) != 3 and not lines[0].startswith(b"SIP/2.0 "):
        found.append("a start line of more or fewer than three words")
    lengths = [line for line in lines[1:] if line.partition(b":")[0].strip(b" \t").lower() in (b"content-length", b"l")]
    if len(lengths) > 1:
        found.append("several Content-Length")
    for line in lengths:
        value = line.partition(b":")[2].strip(b" \t")
        following = lines[lines.index(line) + 1] if lines.index(line) + 1 < len(lines) else b""
        if following[:1] in (b" ", b"\t"):
            found.append("a folded Content-Length")
        elif not value.isdigit() or int(value) != len(body):
            found.append(f"Content-Length {value!r} of a body of {len(body)} bytes")
    return found


# Legal, if odd. The body of the first is what its Content-Length says, and what is behind it is dropped (RFC 3261 18.3).
ODD_AND_LEGAL = {"Content-Length too short", "blank before the colon", "tab before the colon", "folded header", "folded Content-Length",
                 "blank line of blanks"}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize("odd", ODD)
def test_nothing_is_forwarded_that_reads_as_two_messages(lasting, odd, transport):
    server, sink = lasting
    peer = Endpoint(transport, server.address, "peer")
    request = peer.request("MESSAGE", "sip:bob@example.test", headers=[("X-Mark", "1")], body="hello")
    data = ODD[odd](bytes(request))
    assert data != bytes(request)
    peer.send(data)
    forwarded = []

    def is_forwarded():
        forwarded.extend(data for data in drain(sink) if request.get("Call-ID").encode() in data)
        return forwarded
    if odd in ODD_AND_LEGAL:
        until(is_forwarded, "the request to be forwarded")
        for data_out in forwarded:
            assert not differences(data_out), f"{differences(data_out)} in {data_out!r}"
    else:
        assert peer.receive(lambda m: m.status >= 300, "a refusal").status == 400
        assert not is_forwarded()
    peer.close()


@pytest.mark.parametrize("spelling", ["X-Secret: 1", "x-secret: 1", "X-Secret : 1", "X-SECRET\t: 1", "X-Secret:1", "X-Secret:\r\n 1"])
def test_a_header_is_removed_however_it_is_written(serve, endpoint, spelling):
    server = serve(f'{MODULES}loadmodule "textops.so"\nroute {{ remove_hf("X-Secret"); t_relay(); }}')
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    request = alice.request("MESSAGE", bob.contact, headers=[("X-Mark", "1")])
    alice.send(bytes(request).replace(b"X-Mark: 1", spelling.encode()))
    arrived = bob.receive_request("MESSAGE")
    assert not any("secret" in name.lower() for name, _ in arrived.headers)
    bob.answer(arrived)
    assert alice.receive_response(200, "MESSAGE")


def test_a_challenge_of_the_callee_is_passed_on_and_not_answered(serve, endpoint):
    server = serve(f"{MODULES}\nroute {{ t_relay(); }}")
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    alice.send(alice.request("MESSAGE", bob.contact))
    arrived = bob.receive_request("MESSAGE")
    bob.send(bob.response(arrived, 407, "Proxy Authentication Required", to_tag="b",
                          headers=[("Proxy-Authenticate", 'Digest realm="r", nonce="n"')]))
    assert alice.receive_response(407).get("Proxy-Authenticate") == 'Digest realm="r", nonce="n"'
