# SPDX-License-Identifier: Apache-2.0
"""Free ports of the loopback, for programs that cannot be told to take port 0; no other test run is given the same."""
import os
import random
import socket

# Below the range from which Linux takes the ports of outgoing connections, so that none of those gets in the way.
_LOWEST, _HIGHEST = 10000, 32000
_random = random.Random(os.getpid() ^ int.from_bytes(os.urandom(4), "big"))
_given = {}  # port -> the mark that it is taken, which lasts as long as this process


def _is_free(port, host):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def _mark(ports):
    """Names in the abstract namespace, one for each port, that only one process at a time can have; None when one is taken."""
    marks = {}
    for port in ports:
        marks[port] = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            marks[port].bind(f"\0tandem-test-port-{port}")
        except OSError:
            for mark in marks.values():
                mark.close()
            return None
    return marks


def free_ports(count=1, host="127.0.0.1"):
    """The first of `count` neighbouring ports that are free for UDP and for TCP, and were not given before."""
    while True:
        first = _random.randrange(_LOWEST, _HIGHEST, 2)
        wanted = range(first, first + count)
        if not _given.keys().isdisjoint(wanted) or not all(_is_free(port, host) for port in wanted):
            continue
        if marks := _mark(wanted):
            _given.update(marks)
            return first
