# SPDX-License-Identifier: Apache-2.0
"""A SIP peer on one UDP socket, or on one TCP or TLS listener with its connections, that says only what the test tells it to."""
import selectors
import socket
import ssl
import struct
import time

from .inbox import Inbox, Sent
from .message import Message, canonical, is_request, is_response, token, uri_of
from .waiting import Deadline, Overdue

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h: the kernel tells when a datagram arrived, however late it is read


class Endpoint:
    """Sends what it is given and hands out what arrives, in order. Not for use by several threads.

    `sent` is shared by the endpoints of one test, whose messages may reach each other; see complaints().
    By TLS it connects with the context `trusts` (to the port after that for TCP), and accepts with `shows`.
    """

    def __init__(self, transport, server, user="alice", domain="example.test", host="127.0.0.1", bind=None, sent=None,
                 trusts=None, shows=None):
        self.transport, self.server, self.user, self.domain = transport, server, user, domain
        self.trusts, self.shows, self.scheme = trusts, shows, "sip"
        if transport == "tls":
            self.server = (server[0], server[1] + 1)
        self.account = None  # a digest.Account that signs our requests
        self._selector = selectors.DefaultSelector()
        self._buffers = {}  # connection -> bytes read and not yet a message
        self._sources = {}  # connection -> its other end
        self._sent = sent or Sent()
        self._inbox = Inbox(self._sent, transport == "udp")
        self._is_checked = True
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)  # what a crowd is answered waits here
        self.socket.bind(bind or (host, 0))
        self.host, self.port = self.socket.getsockname()[:2]
        self._upstream = None
        if transport != "udp":
            self.socket.listen(64)
        else:
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._selector.register(self.socket, selectors.EVENT_READ)

    # -- its end

    def close(self):
        """Closes everything at once, whatever is under way."""
        if self._is_closed():
            return
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def end_connections(self, seconds=10.0):
        """Says on each connection that nothing more comes, and reads what the server still has to say, to its end."""
        if self._is_closed() or self.transport == "udp":
            return
        self._selector.unregister(self.socket)
        self.socket.close()
        for connection in list(self._buffers):
            try:
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the server was first
        deadline = Deadline(seconds)
        while self._buffers:
            if not self._read(deadline.left()):
                raise Overdue(f"{self.user}: the server did not close its end of a connection in {seconds} s")
        self._selector.close()

    def complaints(self):
        """What is wrong with all that came: messages that nobody read, and copies that nobody asked for. Closes the endpoint."""
        while not self._is_closed() and self._read(0):
            pass
        self.close()
        return [f"{self.user}: {complaint}" for complaint in self._inbox.complaints()] if self._is_checked else []

    def anything_may_come(self):
        """What comes and is not read is no fault: for tests of which the answers are not the point. Returns the endpoint."""
        self._is_checked = False
        return self

    def _is_closed(self):
        return self._selector.get_map() is None

    # -- addresses

    @property
    def aor(self):
        return f"{self.scheme}:{self.user}@{self.domain}"

    @property
    def contact(self):
        tail = f";transport={self.transport}" if self.transport != "udp" and self.scheme == "sip" else ""
        return f"{self.scheme}:{self.user}@{self.host}:{self.port}{tail}"

    def via(self, branch=None):
        return f"SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch={branch or 'z9hG4bK' + token(12)}"

    # -- making messages

    def request(self, method, uri, *, to=None, call_id=None, cseq=1, from_tag=None, to_tag=None, branch=None,
                headers=(), body=b"", contact=None, max_forwards=70):
        """A request of ours, complete with Via, From, To, Call-ID, CSeq, Max-Forwards and, where it belongs, Contact."""
        lines = [("Via", self.via(branch))]
        if max_forwards is not None:
            lines.append(("Max-Forwards", str(max_forwards)))
        lines += [("From", f"<{self.aor}>;tag={from_tag or token()}"),
                  ("To", f"<{to or uri}>" + (f";tag={to_tag}" if to_tag else "")),
                  ("Call-ID", call_id or f"{token(16)}@{self.host}"), ("CSeq", f"{cseq} {method}")]
        if contact is None and method in ("INVITE", "SUBSCRIBE", "UPDATE"):
            contact = f"<{self.contact}>"
        if contact:
            lines.append(("Contact", contact))
        request = Message(f"{method} {uri} SIP/2.0", lines + list(headers), body)
        return self.account.sign(request) if self.account and method not in ("ACK", "CANCEL", "REGISTER") else request

    def response(self, request, status, reason="", *, to_tag=None, headers=(), body=b"", contact=None):
        """A response of ours to a request that arrived."""
        names = {"via", "from", "to", "call-id", "cseq"} | ({"record-route"} if 100 < status < 300 else set())
        lines = [h for h in request.headers if canonical(h[0]) in names]
        if to_tag:
            lines = [(n, f"{v};tag={to_tag}") if canonical(n) == "to" and ";tag=" not in v else (n, v) for n, v in lines]
        if contact is None and request.method == "INVITE" and 100 < status < 300:
            contact = f"<{self.contact}>"
        if contact:
            lines.append(("Contact", contact))
        answer = Message(f"SIP/2.0 {status} {reason or 'Reason'}", lines + list(headers), body)
        answer.source, answer.flow = request.source, request.flow
        return answer

    def answer(self, request, status=200, reason="OK", *, to_tag="b1", **more):
        """Answers a request that arrived."""
        return self.send(self.response(request, status, reason, to_tag=to_tag, **more))

    def register(self, uri=None, *, to=None, expires=60, contact=None, **more):
        return self.request("REGISTER", uri or f"sip:{self.domain}", to=to or self.aor,
                            contact=contact if contact is not None else f"<{self.contact}>;expires={expires}", **more)

    # -- sending and receiving

    def send(self, message, to=None):
        """Sends a message or bytes: a response the way its request came, anything else to the server (or to `to`)."""
        data = message if isinstance(message, bytes) else bytes(message)
        answer = isinstance(message, Message) and not message.is_request and message.source
        self._sent.add(message if isinstance(message, Message) else Message.parse(data))
        if self.transport == "udp":
            self.socket.sendto(data, to or (message.source if answer else self.server))
            return message
        flow = message.flow if answer else self.connection()
        flow.sendall(data)
        return message

    def connection(self):
        """Our connection to the server, opened when there is none."""
        if self._upstream is None or self._upstream.fileno() < 0:
            self._upstream = socket.create_connection(self.server, timeout=5, source_address=(self.host, 0))
            if self.trusts:
                self._upstream = self.trusts.wrap_socket(self._upstream, server_hostname=self.server[0])
            self._begin(self._upstream, self.server)
        return self._upstream

    def hang_up(self):
        """Closes our connection to the server; we still listen."""
        self._end(self._upstream)

    def _begin(self, connection, other_end):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.transport == "tls":
            connection.setblocking(False)  # what makes it ready may be no whole record, or a session ticket
        self._selector.register(connection, selectors.EVENT_READ)
        self._buffers[connection], self._sources[connection] = b"", other_end[:2]

    def _end(self, connection):
        self._selector.unregister(connection)
        del self._buffers[connection], self._sources[connection]
        connection.close()

    def receive(self, wanted=lambda m: True, what="a message", seconds=10.0, repeats=False):
        """The first message for which wanted(message) holds; earlier and later others stay for later calls.

        Byte-identical repetitions (retransmissions) are dropped unless `repeats` is asked for.
        """
        deadline = Deadline(seconds)
        while True:
            message = self._inbox.take(wanted, repeats)
            if message:
                return message
            if not self._read(deadline.left()):
                raise Overdue(f"{self.user}: no {what} in {seconds} s; there are {self._inbox}")

    def receive_request(self, method, **more):
        return self.receive(is_request(method), f"{method} request", **more)

    def receive_response(self, status, method=None, **more):
        return self.receive(is_response(status, method), f"{status} response to {method or 'a request'}", **more)

    def receive_final(self, method, **more):
        return self.receive(lambda m: m.status >= 200 and m.method == method, f"final response to {method}", **more)

    def nothing(self, wanted=lambda m: True, probe=None):
        """True when nothing wanted has arrived by the time that an answer to a later OPTIONS (`probe`) has.

        Over one path of one home this bounds the wait by what the server did and not by a clock.
        """
        call_id = (probe or {}).get("call_id")
        self.exchange(self.request("OPTIONS", (probe or {}).get("uri", f"sip:{self.domain}"), call_id=call_id, max_forwards=0))
        return not self._inbox.has(wanted)

    def exchange(self, request, **more):
        """Sends a request and returns its final response."""
        self.send(request)
        call_id, cseq = request.get("Call-ID"), request.get("CSeq")
        return self.receive(lambda m: m.status >= 200 and m.get("Call-ID") == call_id and m.get("CSeq") == cseq,
                            f"final response to {request!r}", **more)

    def _read(self, seconds):
        """Reads what is there, waits at most `seconds` for it; False when nothing came."""
        events = self._selector.select(seconds)
        for key, _ in events:
            if key.fileobj is self.socket and self.transport != "udp":
                self._accept()
            elif self.transport == "udp":
                self._take_datagram()
            else:
                self._take_bytes(key.fileobj)
        return bool(events)

    def _accept(self):
        connection, source = self.socket.accept()
        if self.shows:
            connection.settimeout(5)
            try:
                connection = self.shows.wrap_socket(connection, server_side=True)
            except OSError:  # whoever it is does not take our certificate
                connection.close()
                return
        self._begin(connection, source)

    def _take_datagram(self):
        try:
            data, attached, _, source = self.socket.recvmsg(70000, socket.CMSG_SPACE(16))
        except ConnectionError:  # an ICMP error for something that we sent
            return
        if data.strip():
            message = Message.parse(data)
            message.source = source[:2]
            whole, nano = struct.unpack("qq", attached[0][2])
            self._inbox.add(message, whole + nano / 1e9)

    def _take_bytes(self, connection):
        try:
            data = connection.recv(65536)
            while self.transport == "tls" and connection.pending():  # makes no socket ready
                data += connection.recv(65536)
        except ssl.SSLWantReadError:
            return
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self._end(connection)
            return
        self._buffers[connection] += data
        while True:
            buffer = self._buffers[connection].lstrip(b"\r\n")
            head, mark, rest = buffer.partition(b"\r\n\r\n")
            if not mark:
                self._buffers[connection] = buffer
                return
            message = Message.parse(head + mark)
            length = int(message.get("Content-Length", "0"))
            if len(rest) < length:
                self._buffers[connection] = buffer
                return
            message.body = rest[:length]
            message.flow = connection
            message.source = self._sources[connection]
            self._buffers[connection] = rest[length:]
            self._inbox.add(message, time.monotonic())


def relayed(sender, receiver, request):
    """Sends a request that the receiver answers with 200; returns it as it arrived."""
    sender.send(request)
    arrived = receiver.receive_request(request.method)
    receiver.answer(arrived)
    sender.receive_response(200, request.method)
    return arrived


class Dialog:
    """One side of a dialog that an INVITE and its 2xx made: makes the requests inside it (RFC 3261 12.2)."""

    def __init__(self, endpoint, invite, answer):
        self.endpoint, self.call_id = endpoint, invite.get("Call-ID")
        calls = invite.source is None  # we made the INVITE
        self.cseq = int(invite.get("CSeq").split()[0])
        self.invite_cseq = self.cseq
        # RFC 3261 12.1: each side from what it has got, since a proxy may tell the two differently (16.7 step 8).
        self.routes = answer.all("Record-Route")[::-1] if calls else invite.all("Record-Route")
        self.target = uri_of((answer if calls else invite).get("Contact"))
        local, remote = ("From", "To") if calls else ("To", "From")
        self.local, self.remote = answer.get(local), answer.get(remote)

    def request(self, method, *, routes=None, target=None, headers=(), body=b""):
        if method not in ("ACK", "CANCEL"):
            self.cseq += 1
        number = self.invite_cseq if method == "ACK" else self.cseq
        request = self.endpoint.request(method, target or self.target, call_id=self.call_id, cseq=number, body=body,
                                        headers=list(headers))
        request.set("From", self.local).set("To", self.remote)
        at = [n for n, _ in request.headers].index("CSeq") + 1
        request.headers[at:at] = [("Route", r) for r in (self.routes if routes is None else routes)]
        return request


def cancel_of(invite):
    """The CANCEL of an INVITE of ours (RFC 3261 9.1)."""
    number = invite.get("CSeq").split()[0]
    lines = [("Via", invite.get("Via")), ("Max-Forwards", "70")]
    lines += [(name, invite.get(name)) for name in ("From", "To", "Call-ID")]
    lines += [("Route", route) for route in invite.all("Route")]
    return Message(f"CANCEL {invite.uri} SIP/2.0", lines + [("CSeq", f"{number} CANCEL")])


def ack_of(invite, answer):
    """The ACK that a client transaction sends for a final response of 300 and above (RFC 3261 17.1.1.3)."""
    number = invite.get("CSeq").split()[0]
    lines = [("Via", invite.get("Via")), ("Max-Forwards", "70"), ("From", invite.get("From")), ("To", answer.get("To")),
             ("Call-ID", invite.get("Call-ID"))]
    lines += [("Route", route) for route in invite.all("Route")]
    return Message(f"ACK {invite.uri} SIP/2.0", lines + [("CSeq", f"{number} ACK")])
