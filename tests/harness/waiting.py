# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, with a bound, and saying what was waited for when it did not come."""
import os
import time

# Slow machines and sanitizer builds stretch every bound by one factor.
PATIENCE = float(os.environ.get("TANDEM_TEST_PATIENCE", "1"))


class Overdue(AssertionError):
    """A condition did not become true in its time."""


def until(condition, what, seconds=10.0, interval=0.01):
    """Returns the first true value of condition(); raises Overdue, which names `what`, after `seconds`."""
    deadline = Deadline(seconds)
    while True:
        is_last = not deadline.left()  # asked before the condition: a machine that stalls costs no chance
        value = condition()
        if value:
            return value
        if is_last:
            raise Overdue(f"waited {seconds * PATIENCE:g} s in vain for {what}")
        time.sleep(interval)


class Deadline:
    """A point in time some seconds from now."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds * PATIENCE

    def left(self):
        return max(0.0, self._end - time.monotonic())
