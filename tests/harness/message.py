# SPDX-License-Identifier: Apache-2.0
"""A SIP message as the tests see it: written by hand, read leniently, and never by the code under test."""
import re
import secrets

_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
            "c": "content-type", "s": "subject", "k": "supported", "e": "content-encoding", "o": "event"}
_LISTS = {"via", "route", "record-route", "contact"}


def token(length=8):
    return secrets.token_hex(length // 2)


def split_commas(value):
    """The elements of a header line, where a comma in quotes or in <> does not part."""
    parts, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(value):
        if char == '"' and (at == 0 or value[at - 1] != "\\"):
            quoted = not quoted
        elif not quoted and char in "<>":
            depth += 1 if char == "<" else -1
        elif char == "," and not quoted and depth == 0:
            parts.append(value[start:at].strip())
            start = at + 1
    parts.append(value[start:].strip())
    return [part for part in parts if part]


def uri_of(value):
    """The URI in a name-addr or addr-spec."""
    match = re.search(r"<([^>]*)>", value)
    return match[1] if match else value.split(";")[0].strip()


def parameter(value, name):
    """The value of a header parameter ('' for one without a value), None when absent."""
    tail = re.sub(r"<[^>]*>", "", value)
    match = re.search(rf";\s*{re.escape(name)}(?:\s*=\s*([^;,\s]*))?(?=[;,\s]|$)", tail, re.IGNORECASE)
    return (match[1] or "") if match else None


class Message:
    """First line, headers in order, body."""

    def __init__(self, first_line, headers=(), body=b""):
        self.first_line = first_line
        self.headers = list(headers)
        self.body = body.encode() if isinstance(body, str) else body
        self.source = None  # (host, port) it came from
        self.flow = None  # the socket it came over, when that is a connection

    @classmethod
    def parse(cls, data):
        head, _, body = data.partition(b"\r\n\r\n")
        lines = re.sub(rb"\r\n[ \t]+", b" ", head).decode("utf-8", "surrogateescape").split("\r\n")
        headers = [tuple(part.strip() for part in line.partition(":")[::2]) for line in lines[1:]]
        return cls(lines[0], headers, body)

    def __bytes__(self):
        headers = [h for h in self.headers if canonical(h[0]) != "content-length"]
        given = [h for h in self.headers if canonical(h[0]) == "content-length"]
        headers += given or [("Content-Length", str(len(self.body)))]
        lines = [self.first_line] + [f"{name}: {value}" for name, value in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + self.body

    def __repr__(self):
        return f"<{self.first_line} | {self.get('Call-ID')} | {self.get('CSeq')}>"

    @property
    def is_request(self):
        return not self.first_line.startswith("SIP/2.0 ")

    @property
    def method(self):
        """The request's method; for a response the method of its CSeq."""
        return self.first_line.split(" ")[0] if self.is_request else self.get("CSeq").split()[1]

    @property
    def uri(self):
        return self.first_line.split(" ")[1]

    @property
    def status(self):
        return 0 if self.is_request else int(self.first_line.split(" ")[1])

    def all(self, name):
        """Each value of the header, lists taken apart."""
        values = [value for key, value in self.headers if canonical(key) == name.lower()]
        return [part for value in values for part in split_commas(value)] if name.lower() in _LISTS else values

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def has(self, name):
        return any(canonical(key) == name.lower() for key, _ in self.headers)

    def set(self, name, value):
        """Replaces the header's first line or adds one; returns the message."""
        for at, (key, _) in enumerate(self.headers):
            if canonical(key) == name.lower():
                self.headers[at] = (key, value)
                return self
        self.headers.append((name, value))
        return self

    def remove(self, name):
        self.headers = [h for h in self.headers if canonical(h[0]) != name.lower()]
        return self

    def tag(self, name):
        return parameter(self.get(name), "tag")

    @property
    def branch(self):
        return parameter(self.get("Via"), "branch")


def canonical(name):
    return _COMPACT.get(name.lower(), name.lower())


def is_request(method, call_id=None):
    """A predicate for Endpoint.receive."""
    return lambda m: m.is_request and m.method == method and (call_id is None or m.get("Call-ID") == call_id)


def is_response(status, method=None, call_id=None):
    """A predicate for Endpoint.receive; status is a code, or a class as '2xx'."""
    def matches(m):
        if m.is_request or (call_id is not None and m.get("Call-ID") != call_id):
            return False
        right = m.status == status if isinstance(status, int) else str(m.status)[0] == status[0]
        return right and (method is None or m.method == method)
    return matches
