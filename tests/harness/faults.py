# SPDX-License-Identifier: Apache-2.0
"""Has a system call of a running program fail, by a library that is loaded before all others (tests/faults/faults.cpp)."""
import errno
import mmap
import os
import pathlib
import struct
import time

from .server import tandemd_path
from .waiting import until

LIBRARY = tandemd_path().parent / "tandem_faults.so"

# What each may say of descriptors that are in order: for want of memory, of descriptors or of room, or because a peer has gone.
PLAUSIBLE = {
    "recvmsg": "EINTR EAGAIN ENOMEM ECONNREFUSED",
    "recvmmsg": "EINTR EAGAIN ENOMEM ECONNREFUSED",
    "recv": "EINTR EAGAIN ENOMEM ECONNRESET",
    "recvfrom": "EINTR EAGAIN ENOMEM ECONNREFUSED",
    "read": "EINTR EAGAIN EIO",
    "send": "EINTR EAGAIN ENOBUFS ENOMEM EPIPE ECONNRESET",
    "sendmsg": "EINTR EAGAIN ENOBUFS ENOMEM EPIPE ECONNRESET",
    "sendmmsg": "EINTR EAGAIN ENOBUFS ENOMEM ECONNREFUSED",
    "sendto": "EINTR EAGAIN ENOBUFS ENOMEM EPIPE",
    "write": "EINTR EAGAIN EPIPE ENOSPC EIO",
    "writev": "EINTR EAGAIN EPIPE ENOSPC EIO",
    "accept4": "EINTR EAGAIN EMFILE ENOBUFS ENOMEM ECONNABORTED",
    "socket": "EMFILE ENOBUFS ENOMEM",
    "socketpair": "EMFILE ENOMEM",
    "connect": "EINTR ENOBUFS EADDRNOTAVAIL ECONNREFUSED",
    "bind": "EADDRINUSE ENOMEM",
    "listen": "EADDRINUSE ENOMEM",
    "epoll_ctl": "ENOMEM ENOSPC",
    "epoll_wait": "EINTR",
    "eventfd": "EMFILE ENOMEM",
    "timerfd_create": "EMFILE ENOMEM",
    "pipe2": "EMFILE ENFILE",
    "fcntl": "EMFILE ENOMEM",
    "open": "EINTR EMFILE ENOMEM EIO",
    "openat": "EINTR EMFILE ENOMEM EIO",
    "close": "EINTR EIO ENOSPC",
    "fsync": "EIO ENOSPC",
    "rename": "EIO ENOSPC",
    "fork": "EAGAIN ENOMEM",
}


def plausible():
    """All calls, each with all that it may say."""
    return [(call, error) for call, errors in PLAUSIBLE.items() for error in errors.split()]


class Faults:
    """The calls of one program that is to be started with `environment`."""

    _RECORD = struct.Struct("<24sIIiI")  # as in faults.cpp
    _NAMES = list(PLAUSIBLE)  # in its order

    def __init__(self, folder, program):
        path = pathlib.Path(folder) / "faults"
        path.write_bytes(bytes(self._RECORD.size * len(self._NAMES)))
        path.chmod(0o666)
        self.environment = {"LD_PRELOAD": str(LIBRARY), "TANDEM_FAULTS": str(path), "TANDEM_FAULTS_IN": program[:15]}
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)

    def _record(self, call):
        name, *values = self._RECORD.unpack_from(self._memory, self._NAMES.index(call) * self._RECORD.size)
        assert name.rstrip(b"\0").decode() in ("", call), "the records are not in the order of the library"
        return values

    def _write(self, call, offset, form, value):
        struct.pack_into(form, self._memory, self._NAMES.index(call) * self._RECORD.size + offset, value)

    def arm(self, call, error, after=1):
        """The call of that number from now on fails."""
        self._write(call, 32, "<i", getattr(errno, error))
        self._write(call, 28, "<I", after)

    def disarm(self, call):
        self._write(call, 28, "<I", 0)

    def calls(self, call):
        """How often it was made."""
        return self._record(call)[0]

    def fired(self, call):
        """How often it has failed because of us."""
        return self._record(call)[3]


def processor_time(pid):
    """Seconds that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rests(pid):
    """A process that has nothing to do does nothing."""
    def is_resting():
        used, begun = processor_time(pid), time.monotonic()
        time.sleep(0.05)
        return processor_time(pid) - used < 0.5 * (time.monotonic() - begun)
    return until(is_resting, f"process {pid} to stop spinning", seconds=5)
