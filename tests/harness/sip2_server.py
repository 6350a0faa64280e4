# SPDX-License-Identifier: Apache-2.0
"""A SIP2 server upstream that lends books, or breaks each rule of the protocol as a test says."""
import re
import socket
import threading

from .sip2 import DATE, Listening

CR = b"\r"


def checksum_tail(line, sequence):
    """AY and AZ behind a line of bytes."""
    line += f"AY{sequence}AZ".encode()
    return line + f"{-sum(line) & 0xFFFF:04X}".encode()


class SipServer(Listening):
    """Answers each line as a small library does, or as `behave` says.

    behave(server, connection, line) gets each line as text, without AY, AZ and CR. It returns the bytes to send in place of the
    usual answer, or None for that; False when it has dealt with the connection itself."""

    def __init__(self, behave=None, port=0, tls=None, status="Y"):
        self.behave = behave
        self.tls = tls
        self.status = status
        self.lines = []
        self.changes = []  # what was executed: code, patron, item
        self.logins = []
        self.open = set()
        self.lock = threading.Lock()
        super().__init__(port)

    @property
    def url(self):
        return f"{'sip2s' if self.tls else 'sip2'}://127.0.0.1:{self.port}"

    def codes(self):
        return [line[:2] for line in self.lines]

    def stop(self):
        super().stop()
        self.hang_up()

    def hang_up(self):
        """Closes every connection."""
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def usual(self, line):
        """The answer to a line, without AY, AZ and CR. What changes something is executed."""
        def value(field):
            found = re.search(rf"(?:^|\|){field}([^|]*)\|", "|" + line[self.fixed_width(line):])
            return found[1] if found else ""

        code, patron, item = line[:2], value("AA"), value("AB")
        if code in ("01", "09", "11", "15", "19", "25", "29", "37", "65"):
            with self.lock:
                self.changes.append((code, patron, item))
        if code == "93":
            return "941" if value("CO") != "wrong" else "940"
        common = f"AOexample|AA{patron}|"
        return {
            "99": f"98{self.status}YYYYY300003{DATE}2.00AOexample|BXYYYYYYYYYYYYYYYY|",
            "17": f"18030101{DATE}AB{item}|AJEmma|",
            "23": f"24              001{DATE}{common}AEAda|BLY|",
            "63": f"64              001{DATE}{'0000' * 6}{common}AEAda|BLY|",
            "11": f"121NNY{DATE}{common}AB{item}|AJEmma|AH2026-12-11|",
            "29": f"301YNY{DATE}{common}AB{item}|AJEmma|AH2026-12-11|",
            "09": f"101YNN{DATE}AOexample|AB{item}|AQMAIN|",
            "15": f"161Y{DATE}{common}",
            "37": f"38Y{DATE}{common}",
            "35": f"36Y{DATE}{common}",
            "65": f"6610000" + f"0000{DATE}AOexample|",
            "01": f"24YYYYYYYYYYYYYY001{DATE}{common}AEAda|",
            "25": f"26              001{DATE}{common}AEAda|",
            "19": f"201{DATE}AB{item}|",
        }.get(code, "96")

    @staticmethod
    def fixed_width(line):
        widths = {"93": 4, "99": 10, "11": 40, "29": 40, "09": 39, "15": 21, "23": 23, "63": 33, "37": 27, "01": 21}
        return widths.get(line[:2], 20)

    def answer(self, connection, text, sequence, end=CR):
        line = text.encode("utf-8") if isinstance(text, str) else text
        connection.sendall((line if sequence is None else checksum_tail(line, sequence)) + end)

    def _serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.open.add(connection)
            buffer, last = b"", b"96" + CR
            while True:
                while CR not in buffer:
                    data = connection.recv(65536)
                    if not data:
                        return
                    buffer += data
                raw, buffer = buffer.split(CR, 1)
                text = raw.decode("latin-1")
                tail = re.search(r"AY(\d)AZ[0-9A-F]{4}$", text)
                line = text[:tail.start()] if tail else re.sub(r"AZ[0-9A-F]{4}$", "", text)
                self.lines.append(line)
                if line.startswith("93"):
                    self.logins.append(line)
                given = self.behave(self, connection, line) if self.behave else None
                if given is False:
                    continue
                if given is None and line.startswith("97"):
                    given = last
                if given is None:
                    answer = self.usual(line).encode("latin-1")
                    given = (checksum_tail(answer, tail[1]) if tail else answer) + CR
                last = given
                connection.sendall(given)
        except OSError:
            pass
        finally:
            self.open.discard(connection)
            connection.close()
