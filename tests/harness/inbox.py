# SPDX-License-Identifier: Apache-2.0
"""What has arrived at an endpoint: each message is handed out once, and at the end nothing may be left or have come too often."""
import collections

# Timers of a transaction wait half a second before they send again (RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1). Copies that come
# closer than this were sent twice; the rest of the half second is for machines that stall between a timer and its datagram.
SHORTEST_TIMER = 0.1


def _exchange_of(message):
    """The request and its answers, as one key: what is repeated on one side may be repeated on the other."""
    return message.get("Call-ID"), (message.get("CSeq") or "").partition(" ")[0]


class Sent:
    """How often the endpoints of one server have sent each message. Whoever repeats a message may be repeated to."""

    def __init__(self):
        self._counts = collections.defaultdict(collections.Counter)

    def add(self, message):
        self._counts[_exchange_of(message)][message.first_line] += 1

    def copies_that_may_come(self, message):
        return max(self._counts[_exchange_of(message)].values(), default=1)


class Inbox:
    """Messages in the order of their arrival. `sent` is what the endpoints of the test have sent so far.

    What has been handed out is remembered by its hash, since long tests receive millions."""

    def __init__(self, sent, is_datagrams):
        self._sent, self._is_datagrams = sent, is_datagrams
        self._waiting, self._handed_out = [], set()
        self._copies, self._last_at = collections.Counter(), {}
        self._repeated = []

    def __repr__(self):
        return repr(self._waiting)

    def add(self, message, at):
        """Takes a message that arrived at the time `at`, in seconds of any clock."""
        key = hash(bytes(message))
        last_at, self._last_at[key] = self._last_at.get(key), at
        is_timer = self._is_datagrams and last_at is not None and at - last_at >= SHORTEST_TIMER
        if not is_timer:
            self._copies[key] += 1
            if self._copies[key] > max(1, self._sent.copies_that_may_come(message)):
                self._repeated.append(message)
        self._waiting.append(message)

    def take(self, wanted, repeats):
        """The first message for which wanted(message) holds, or None. Copies of what was handed out are dropped on the way,
        unless `repeats` is true."""
        at = 0
        while at < len(self._waiting):
            message = self._waiting[at]
            if not wanted(message):
                at += 1
                continue
            del self._waiting[at]
            if repeats or hash(bytes(message)) not in self._handed_out:
                self._handed_out.add(hash(bytes(message)))
                return message
        return None

    def has(self, wanted):
        return any(wanted(message) for message in self._waiting)

    def complaints(self):
        """What a test should have read or expected, as sentences. A 100 of the next hop needs no reader."""
        unread = {bytes(m): m for m in self._waiting if hash(bytes(m)) not in self._handed_out and m.status != 100}
        return [f"nobody read {message!r}" for message in unread.values()] + \
            [f"came once more, though nobody asked for it again: {message!r}" for message in self._repeated]
