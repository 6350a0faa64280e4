# SPDX-License-Identifier: Apache-2.0
"""A name server on the loopback that answers from a table, by UDP and TCP: what scripts name as `dns_servers`."""
import ipaddress
import socket
import struct
import threading
from contextlib import closing

from harness.ports import free_ports

TYPES = {"A": 1, "AAAA": 28, "SRV": 33, "NAPTR": 35}


def _name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def _text(text):
    return bytes([len(text)]) + text.encode()


def _data(kind, words):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(words[0]).packed
    if kind == "SRV":
        return struct.pack(">HHH", *map(int, words[:3])) + _name(words[3])
    order, preference, flags, service, replacement = words
    return struct.pack(">HH", int(order), int(preference)) + _text(flags) + _text(service) + _text("") + _name(replacement)


class NameServer:
    """`zone` has lines such as "example.test SRV 10 0 5060 a.example.test"; a name in `silent` gets no answer at all."""

    def __init__(self, zone=""):
        self.records = {}
        self.silent = set()
        self.asked = []  # (name, type)
        self.asked_by_stream = 0
        self.add(zone)
        self.port = free_ports()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._tcp = socket.create_server(("127.0.0.1", self.port))
        self._ends = False
        self._threads = [threading.Thread(target=self._serve_datagrams, daemon=True),
                         threading.Thread(target=self._serve_streams, daemon=True)]
        for thread in self._threads:
            thread.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def add(self, zone):
        for line in zone.strip().splitlines():
            name, kind, *words = line.split()
            self.records.setdefault((name, kind), []).append(words)

    def close(self):
        self._ends = True
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        with closing(socket.create_connection(("127.0.0.1", self.port))):
            pass
        for thread in self._threads:
            thread.join()
        self._udp.close()
        self._tcp.close()

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += query[at] + 1
        name = ".".join(labels).lower()
        number = struct.unpack(">H", query[at + 1:at + 3])[0]
        kind = next((k for k, n in TYPES.items() if n == number), "")
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        found = self.records.get((name, kind), [])
        is_known = any(owner == name for owner, _ in self.records)
        records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", number, 1, 60, len(data)) + data
                           for data in (_data(kind, words) for words in found))
        return query[:2] + struct.pack(">HHHHH", 0x8580 | (0 if is_known else 3), 1, len(found), 0, 0) + query[12:at + 5] + records

    def _serve_datagrams(self):
        while True:
            query, peer = self._udp.recvfrom(4096)
            if self._ends:
                return
            reply = self.answer(query)
            if reply and len(reply) > 512:
                reply = reply[:2] + bytes([reply[2] | 2]) + reply[3:512]  # truncated: ask by TCP
            if reply:
                self._udp.sendto(reply, peer)

    def _serve_streams(self):
        while True:
            connection, _ = self._tcp.accept()
            with connection:
                if self._ends:
                    return
                connection.settimeout(5)
                with connection.makefile("rb") as stream:
                    try:
                        while len(head := stream.read(2)) == 2:
                            self.asked_by_stream += 1
                            if reply := self.answer(stream.read(struct.unpack(">H", head)[0])):
                                connection.sendall(struct.pack(">H", len(reply)) + reply)
                    except OSError:
                        pass
