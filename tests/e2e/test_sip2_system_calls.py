# SPDX-License-Identifier: Apache-2.0
"""sip2-mediator while system calls on its sockets, pipes and files fail, one at a time: that message may be refused or its
connection end; the next login, item and checkout are answered."""
import itertools
import pathlib
import signal

import pytest

from harness.amount import amount
from harness.faults import LIBRARY, Faults, plausible, rests
from harness.sip2 import CHECKOUT, ITEM, LOGIN, Library, Mediator, Terminal
from harness.waiting import Overdue, until

pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")

# The call of this number fails, counted from when the work begins.
NUMBERS = amount((1, 3), (1, 2, 3, 5, 8, 13))
# The same from the start of the program.
START_NUMBERS = amount((1, 4), range(1, 100))

CONFIG = """
[[listener]]
listen = "127.0.0.1:PORT"
[backend]
url = "http://127.0.0.1:LIBRARY/sip2"
failures-to-open = 1
probe-interval = "100ms"
"""


@pytest.fixture
def library():
    made = Library()
    try:
        yield made
    finally:
        made.stop()


def start(folder, library, faults, **more):
    environment = [f"{name}={value}" for name, value in faults.environment.items()]
    return Mediator(folder, config=CONFIG.replace("LIBRARY", str(library.port)), under=("env", *environment), **more)


def open_files(mediator):
    """How many it has, but for the connections that it keeps to the library."""
    files = len(list(pathlib.Path(f"/proc/{mediator.pid}/fd").iterdir()))
    return files - sum(one["connections"] for one in mediator.ask("mediator.status")["backends"])


def visit(mediator):
    """A terminal logs in, asks for an item and lends it. \\return whether the library has answered all of it."""
    try:
        terminal = Terminal(mediator.port, timeout=3)
    except OSError:
        return False
    try:
        return (terminal.ask(LOGIN).startswith("941") and terminal.ask(ITEM).startswith("18")
                and terminal.ask(CHECKOUT).startswith("121"))
    except OSError:
        return False
    finally:
        terminal.close()


def test_a_call_that_fails_costs_one_connection_at_most(tmp_path, library):
    faults = Faults(tmp_path, "sip2-mediator")
    mediator = start(tmp_path, library, faults)
    try:
        assert visit(mediator)
        files = open_files(mediator)
        tried = fired = 0
        for (call, error), number in itertools.product(plausible(), NUMBERS):
            faults.arm(call, error, number)
            before = faults.fired(call)
            visit(mediator)
            mediator.write_config(CONFIG.replace("LIBRARY", str(library.port)))
            mediator.child.send_signal(signal.SIGHUP)
            visit(mediator)
            faults.disarm(call)
            tried += 1
            fired += faults.fired(call) > before
            assert mediator.is_alive(), f"{call}: {error}, {number}: {mediator.log()[-2000:]}"
            until(lambda: visit(mediator), f"a checkout after {call}: {error}, {number}")
            assert visit(mediator), f"after {call}: {error}, {number}: not every checkout is answered any more"
            rests(mediator.pid)
            until(lambda: open_files(mediator) <= files,
                  f"the descriptors to be closed after {call}: {error}, {number} ({files} at the start)")
            assert mediator.get("/health")[0] == 200
        print(f"{tried} faults armed, {fired} of them happened")
        assert fired > tried / 4, "most of the work makes most of the calls"
    finally:
        mediator.finish()


def test_a_call_that_fails_at_the_start_is_made_up_for_or_ends_it_with_a_reason(tmp_path, library):
    started = refused = 0
    for (call, error), number in itertools.product(plausible(), START_NUMBERS):
        folder = tmp_path / f"{call}-{error}-{number}"
        folder.mkdir()
        faults = Faults(folder, "sip2-mediator")
        faults.arm(call, error, number)
        mediator = start(folder, library, faults, wait=False)
        try:
            until(lambda: "Ready for clients" in mediator.log() or not mediator.is_alive(), "it to start or to end")
        except Overdue:
            mediator.kill()
            raise AssertionError(f"{call}: {error}, {number}: neither started nor ended\n{mediator.log()}") from None
        if not mediator.is_alive():
            refused += 1
            assert mediator.child.returncode > 0, f"{call}: {error}, {number}: {mediator.child.returncode}\n{mediator.log()}"
            assert mediator.log().strip() and "terminate called" not in mediator.log(), f"{call}: {error}, {number}: no reason"
            continue
        started += 1
        faults.disarm(call)
        try:
            until(lambda: visit(mediator), f"a checkout, though it started in spite of {call}: {error}, {number}")
        finally:
            mediator.finish()
    print(f"{started} started, {refused} refused to")
