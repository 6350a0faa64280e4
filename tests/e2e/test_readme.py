# SPDX-License-Identifier: Apache-2.0
"""README.md, line by line. Its commands run on a machine that has nothing but its loopback, and no sound card."""
import contextlib
import os
import pty
import re
import signal
import subprocess

import pytest

from harness.server import ROOT, Process, tandemd_path
from harness.waiting import until

pytestmark = pytest.mark.tandem_only


def block_with(words, language="sh"):
    """The block of the README that has these words in it."""
    blocks = [block.partition("\n") for block in (ROOT / "README.md").read_text().split("```")[1::2]]
    [block] = [text for kind, _, text in blocks if kind == language and words in text]
    return block


def commands_with(words):
    """The commands of a block, without what is said beside them."""
    lines = block_with(words).replace("\\\n", " ").splitlines()
    return [line.partition("#")[0].strip() for line in lines if line.partition("#")[0].strip()]


def recipe_of(command):
    """What a make command does."""
    return subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


class Terminal(Process):
    """A command of the README in a terminal of its own, on the machine of the test."""

    def __init__(self, machine, command, folder):
        controller, terminal = pty.openpty()
        self.keyboard = controller
        name = re.sub(r"\W+", "-", command)[:80]
        command = command.replace("build/bin/", f"{tandemd_path().parent}/")
        super().__init__(name, ["nsenter", "--net", f"--target={machine.pid}", "/bin/sh", "-c", f"cd {ROOT} && exec {command}"],
                         folder, stdin=terminal)
        os.close(terminal)

    def press(self, key):
        os.write(self.keyboard, key.encode())

    def close(self):
        self.kill()
        os.close(self.keyboard)


@pytest.fixture
def machine(tmp_path):
    """A network with a loopback and nothing else, as long as the process lives that it was made for."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a network that has nothing but a loopback")
    one = Process("machine", ["unshare", "--net", "/bin/sh", "-c", "ip link set lo up && echo up && exec sleep 600"], tmp_path)
    try:
        until(lambda: "up" in one.log() or not one.is_alive(), "a network of its own")
        if not one.is_alive():
            pytest.skip("this system lets nobody make a network")
        yield one
    finally:
        one.kill()


@pytest.fixture
def terminal(machine, tmp_path):
    """terminal(command) runs a command in a terminal of its own, which is closed with the test."""
    with contextlib.ExitStack() as stack:
        def start(command):
            one = Terminal(machine, command, tmp_path)
            stack.callback(one.close)
            return one
        yield start


def tracked_state():
    if not (ROOT / ".git").exists():
        return ""
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_run_installs_only_what_it_builds_with_and_says_how_long_the_first_build_takes():
    recipe = recipe_of("make run")
    assert "scripts/install-packages build" in recipe
    assert any(re.search(r"first time this takes about \d+ minutes", line) for line in recipe)


def test_the_first_minute_ends_in_an_answered_call(terminal):
    run, answer, call = commands_with("scripts/phone")
    assert run == "make run"
    before = tracked_state()
    server = terminal(recipe_of(run)[-1])  # the last line of the recipe; what comes before it has been done by the build
    until(lambda: "ready" in server.log() or not server.is_alive(), "the server to be ready")
    for user in ("alice", "bob"):
        assert re.search(rf"sip:{user}@tandem\.test +password  [a-z0-9]{{12}}$", server.log(), re.MULTILINE), server.log()
    bob = terminal(answer)
    until(lambda: "registration: sip:bob@tandem.test from 127.0.0.1:" in server.log(), "the line of bob's registration")
    alice = terminal(call)
    for phone in (alice, bob):
        until(lambda: "Call established: sip:" in phone.log(), f"the call to be established:\n{phone.name}")  # pylint: disable=cell-var-from-loop
    until(lambda: "call: sip:alice@tandem.test to sip:bob@tandem.test" in server.log(), "the line of the call")
    until(lambda: "registration: sip:alice@tandem.test" in server.log(), "the line of alice's registration")
    alice.press("b")
    until(lambda: "call: sip:alice@tandem.test hangs up" in server.log(), "the line of its end")
    for phone in (alice, bob):
        phone.press("q")
        until(lambda: not phone.is_alive(), "the phone to end")  # pylint: disable=cell-var-from-loop
    server.child.send_signal(signal.SIGINT)  # Ctrl-C
    assert server.child.wait(20) == 0, server.log()
    assert tracked_state() == before, "what the first minute makes is ignored by git"


def test_the_demonstration_library_lends_a_book(terminal):
    run, ask = commands_with("make run-sip2")
    mediator = terminal(recipe_of(run)[-1])
    until(lambda: "Ctrl-C" in mediator.log() or not mediator.is_alive(), "the mediator to be ready")
    client = terminal(ask)
    assert client.child.wait(20) == 0, client.log()
    assert "Checkout Response" in client.log()
    mediator.child.send_signal(signal.SIGINT)
    assert mediator.child.wait(20) == 0, mediator.log()


def check(script, folder):
    (folder / "my.cfg").write_text(script)
    return subprocess.run([tandemd_path(), "-c", "-f", "my.cfg"], cwd=folder, capture_output=True, text=True, timeout=30, check=False)


def test_the_script_is_right(tmp_path):
    modules = "".join(f'loadmodule "{name}"\n' for name in ("sl", "tm", "maxfwd", "exec"))
    result = check(modules + block_with("who-is-on-call", language=""), tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_fault_is_shown_as_it_stands_there(tmp_path):
    shown = block_with("t_rely'", language="")
    faulty = shown.splitlines()[1].partition("|")[2][1:]
    result = check(f'loadmodule "sl"\nloadmodule "tm"\n\nroute {{\n\n\n{faulty}\n}}\n', tmp_path)
    assert result.returncode == 1 and (result.stdout + result.stderr).strip() == shown.strip()


def test_the_program_of_the_example_writes_a_uri(tmp_path):
    path = tmp_path / "who-is-on-call"
    path.write_text(block_with("who-is-on-call: "))
    said = subprocess.run(["/bin/sh", path, "sip:100@tandem.test"], capture_output=True, text=True, timeout=20, check=True).stdout
    assert re.fullmatch(r"sip:(desk|alice)@tandem\.test\n", said)


def test_the_library_is_shown_by_lines_of_an_example_that_is_compiled():
    example = [line.strip() for line in (ROOT / "examples/call_id.cpp").read_text().splitlines()]
    assert set(block_with("message::parse", language="cpp").split("\n")[:-1]) <= set(example)
