# SPDX-License-Identifier: Apache-2.0
"""Messages that broke other SIP servers, each named after the advisory or issue. The texts are ours.

Each entry takes the peer that will send it and returns the bytes of one message, or a list of them in order.
"""
from harness.message import Message, token

BOB = "sip:bob@example.test"
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def _with(method="INVITE", uri=BOB, **more):
    return lambda peer: bytes(peer.request(method, uri, **more))


def _header(name, value, method="INVITE", uri=BOB, body=""):
    """A request with one header replaced or added."""
    def make(peer):
        request = peer.request(method, uri, body=body)
        return bytes(request.set(name, value(peer) if callable(value) else value))
    return make


def _added(lines, method="INVITE", body="", uri=BOB):
    """A request with further header lines."""
    return lambda peer: bytes(peer.request(method, uri, headers=lines, body=body))


def _sdp(text, kind="application/sdp"):
    return _added([("Content-Type", kind)], body=text)


def _raw(change, method="INVITE", body=""):
    """A request whose bytes are changed by a function."""
    return lambda peer: change(bytes(peer.request(method, BOB, body=body)))


def _sequence_out_of_order(peer):
    """ACK, CANCEL, PRACK and BYE for a call that begins only afterwards, then the INVITE twice."""
    invite = peer.request("INVITE", BOB)
    found = []
    for method in ("ACK", "CANCEL", "PRACK", "BYE"):
        other = Message(f"{method} {invite.uri} SIP/2.0", [h for h in invite.headers if h[0] != "CSeq"])
        other.headers.append(("CSeq", f"1 {method}"))
        found.append(bytes(other))
    return found + [bytes(invite), bytes(invite)]


def _pre_transaction_scan(peer):
    """A CANCEL and an INVITE whose branch and tag end exactly where a fixed key would."""
    found = []
    for size in (31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257):
        invite = peer.request("INVITE", BOB, branch="z9hG4bK" + "b" * size, from_tag="t" * size)
        cancel = bytes(invite).replace(b"INVITE ", b"CANCEL ", 1).replace(b" INVITE\r\n", b" CANCEL\r\n")
        found += [bytes(invite), cancel]
    return found


def _content_length(text):
    return lambda peer: bytes(peer.request("MESSAGE", BOB, body="hello")).replace(b"Content-Length: 5", b"Content-Length: " + text)


def _status_line(line):
    """A response that nobody waits for."""
    return lambda peer: bytes(Message(line, [("Via", peer.via()), ("From", f"<{peer.aor}>;tag=a"), ("To", f"<{BOB}>;tag=b"),
                                             ("Call-ID", token()), ("CSeq", "1 INVITE")]))


FAULTS = {
    # Kamailio
    "CVE-2016-2385: lengths of an encoded message": _added([("X-Filler", "f" * 900)] * 60),
    "CVE-2018-8828: tags and branches at the edge of a buffer": _pre_transaction_scan,
    "CVE-2018-14767: two To and an empty tag": _added([("To", f"<{BOB}>;tag=")]),
    "CVE-2018-14767: an empty tag alone": _header("To", f"<{BOB}>;tag="),
    "CVE-2018-16657: a Via that cannot be read": _header("Via", "SIP/2.0/UDP"),
    "CVE-2018-16657: a Via without protocol": _header("Via", ";branch=z9hG4bKx"),
    "CVE-2020-27507: many repeated headers and a long tag": _added([("From", f"<sip:a@b>;tag={'t' * 4000}")] * 8),
    "CVE-2020-28361: a blank before the colon": _added([("P-Asserted-Identity ", "<sip:root@example.test>"), ("X-H\t", "v")]),
    "kamailio-2044: an INVITE without From": _raw(lambda d: d.replace(b"From: ", b"X-From: ")),
    "kamailio-2044: an INVITE without anything": lambda peer: b"INVITE sip:bob@example.test SIP/2.0\r\n\r\n",
    "kamailio-4204: requests of a call in a wrong order": _sequence_out_of_order,
    "kamailio-4920: a long Call-ID": _with(call_id="c" * 3000),
    "CVE-2026-106803: a port of many digits": _header("Contact", "<sip:a@127.0.0.1:99999999999999999999>", "REGISTER"),
    "CVE-2026-108822: ISUP of one byte": _sdp("\x01", "application/ISUP;version=nxv3"),
    # OpenSIPS
    "GHSA-wxfg-3gwh-rhvx: a Via of which parts are missing": _header("Via", "SIP/2.0/UDP ;branch="),
    "GHSA-358f: a long URI to rewrite": _with(uri="sip:" + "u" * 6000 + "@example.test"),
    "CVE-2023-27600: SDP whose last line has no end": _sdp(SDP + "a=rtpmap:0 PCMU/8000"),
    "CVE-2023-28098: Authorization that ends in a parameter": _added([("Authorization", "Digest username=\"a\", realm=")], "REGISTER"),
    "CVE-2023-28098: Authorization with a quote left open": _added([("Authorization", "Digest username=\"a")], "REGISTER"),
    "CVE-2013-3722: a binding that leads to itself": lambda peer: [
        bytes(peer.register(contact=f"<{peer.aor}>;expires=60")), bytes(peer.request("OPTIONS", peer.aor, max_forwards=20))],
    "CVE-2026-25554: SQL in a token": _added([("Authorization", "Bearer eyJ.' OR 1=1; DROP TABLE location; --.x")], "REGISTER"),
    "CVE-2026-45100: base64 without end": _added([("Identity", "=" * 3000), ("Authorization", "Digest " + "QUJD" * 1500)]),
    "CVE-2026-45103: Content-Length beyond 32 bits": _content_length(b"4294967301"),
    "CVE-2026-45103: Content-Length beyond 64 bits": _content_length(b"18446744073709551621"),
    "CVE-2026-45537: a URI with long parts": _with(
        uri=f"sip:{'u' * 1500}:{'p' * 1500}@{'h' * 60}.example.test:5060;{'n' * 500}={'v' * 500}?{'x' * 500}={'y' * 500}"),
    "CVE-2026-45809: a subscription with long names": _added(
        [("Event", "presence.winfo" + ".w" * 900), ("Accept", "application/watcherinfo+xml;" + "q" * 900)], "SUBSCRIBE"),
    "CVE-2026-46334: SDP with b= but no colon": _sdp(SDP.replace("t=0 0", "b=AS\r\nt=0 0")),
    "CVE-2026-110679: SDP cut off in its address": _sdp("v=0\r\nc=IN IP4"),
    # pjsip, Asterisk
    "CVE-2017-9372: a CSeq with a long method": _header("CSeq", f"1 {'M' * 5000}"),
    "CVE-2017-9372: a CSeq beyond 31 bits": _header("CSeq", "4294967296 INVITE"),
    "CVE-2017-9359: multipart with a boundary that never comes": _sdp("--", 'multipart/mixed;boundary="x"'),
    "CVE-2017-9359: multipart without a boundary": _sdp("--x\r\n", "multipart/mixed"),
    "CVE-2018-7284: many Accept": _added([("Accept", "application/sdp")] * 150),
    "CVE-2018-7284: many Accept in one line": _added([("Accept", ", ".join(["a/b"] * 2000))], "SUBSCRIBE"),
    "CVE-2022-24754: a digest response of 5,000 digits": _added(
        [("Authorization", f'Digest username="a", realm="r", nonce="n", uri="sip:b", response="{"f" * 5000}"')], "REGISTER"),
    "CVE-2026-40892: a long nonce": _added(
        [("Proxy-Authorization", f'Digest username="{"u" * 2000}", realm="{"r" * 2000}", nonce="{"n" * 2000}", response=""')]),
    "CVE-2022-24793: a host of long labels": _with(uri="sip:bob@" + ".".join(["l" * 70] * 5) + ".invalid"),
    "CVE-2022-23537: a body that looks like STUN": _sdp("\x00\x01\x00\x08\x21\x12\xa4\x42", "application/octet-stream"),
    "CVE-2022-39244: SDP with long and empty lines": _sdp("v=\r\no=\r\ns=\r\nc=\r\nm=\r\na=" + "x" * 5000 + "\r\nm=audio\r\n"),
    "CVE-2022-31031: attributes without a value": _sdp(SDP + "a=\r\na=rtpmap:\r\na=fmtp:\r\na=crypto:\r\n"),
    "GHSA-64qc: Authorization of an unknown scheme": _added([("Authorization", ""), ("Authorization", "X"), ("Authorization", "Digest")]),
    "CVE-2019-12827: a MESSAGE with no end of its body": _raw(lambda d: d[:-1], "MESSAGE", "text"),
    "CVE-2019-12827: a MESSAGE with an odd type": _added([("Content-Type", ";;;/")], "MESSAGE", "text"),
    # FreeSWITCH
    "CVE-2021-41158: a challenge that nobody asked for": _status_line("SIP/2.0 407 Proxy Authentication Required"),
    "CVE-2021-37624: a MESSAGE in another's name": _header("From", "<sip:root@example.test>;tag=x", "MESSAGE"),
    "CVE-2021-41157: a SUBSCRIBE of a stranger": _added([("Event", "presence")], "SUBSCRIBE"),
    # tools that read SIP
    "sngrep: SDP with a long address": _sdp(f"v=0\r\nc=IN IP4 {'1' * 3000}\r\nm=audio {'9' * 300} RTP/AVP\r\n"),
    "VoIPmonitor: script in a name": _header("From", '"<script>alert(1)</script>" <sip:a@example.test>;tag=x', "MESSAGE"),
    # the classes behind them
    "class: a NUL in a header": _header("Subject", "a\x00b"),
    "class: a bare CR in a header": _header("Subject", "a\rEvil: yes"),
    "class: a bare LF in a header": _header("Subject", "a\nEvil: yes"),
    "class: a first header line that is a continuation": _raw(lambda d: d.replace(b"SIP/2.0\r\n", b"SIP/2.0\r\n folded\r\n", 1)),
    "class: two Content-Length that differ": _added([("Content-Length", "5"), ("Content-Length", "0")], "MESSAGE", "hello"),
    "class: Content-Length in both forms": _added([("Content-Length", "5"), ("l", "3")], "MESSAGE", "hello"),
    "class: a negative Content-Length": _content_length(b"-1"),
    "class: a Content-Length in hexadecimal": _content_length(b"0x5"),
    "class: a Content-Length beyond the body": _content_length(b"500"),
    "class: CRLF escaped in the Request-URI": _with(uri="sip:bob%0d%0aEvil:%20yes@example.test"),
    "class: a response code of four digits": _status_line("SIP/2.0 2000 OK"),
    "class: a response code of 099": _status_line("SIP/2.0 099 Early"),
    "class: a version of another world": _raw(lambda d: d.replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1)),
    "class: 300 Vias": _added([("Via", f"SIP/2.0/UDP 127.0.0.1:{9000 + n};branch=z9hG4bK{n}") for n in range(300)]),
    "class: 2,000 Route values": _added([("Route", ", ".join(["<sip:127.0.0.1:9;lr>"] * 2000))]),
    "class: nothing but line ends": lambda peer: b"\r\n" * 500,
    "class: nothing but zeros": lambda peer: b"\x00" * 500,
    "class: only a colon": lambda peer: b":\r\n\r\n",
}
