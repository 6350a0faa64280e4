# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests. Each test that takes `serve` runs with 1 and with 2 shards."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from harness.endpoint import Endpoint  # noqa: E402
from harness.inbox import Sent  # noqa: E402
from harness.kamailio import Kamailio  # noqa: E402
from harness.ladder import text_ladder  # noqa: E402
from harness.phone import Phone  # noqa: E402
from harness.server import ROOT, Server, tandemd_path  # noqa: E402
from harness.sipp import Sipp  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--peer", choices=("tandemd", "kamailio"), default="tandemd",
                     help="the server to test; kamailio only proves the harness")


def pytest_configure(config):
    config.addinivalue_line("markers", "tandem_only: needs what only tandemd has")


def pytest_generate_tests(metafunc):
    if "shards" in metafunc.fixturenames:
        counts = [1] if metafunc.config.getoption("peer") == "kamailio" else [1, 2]
        metafunc.parametrize("shards", counts, ids=[f"{n}shard{'s' * (n > 1)}" for n in counts])


def pytest_collection_modifyitems(config, items):
    peer = config.getoption("peer")
    for item in items:
        if peer == "kamailio" and item.get_closest_marker("tandem_only"):
            item.add_marker(pytest.mark.skip(reason="needs what only tandemd has"))
        elif peer == "tandemd" and not item.path.name.startswith(("test_sip2", "test_xmpp")) and not tandemd_path().exists():
            item.add_marker(pytest.mark.skip(reason=f"{tandemd_path()} is not built"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the servers' logs and call flows beside a failure."""
    report = (yield).get_result()
    if report.when == "call":
        item.has_passed = report.passed
    if report.when == "call" and report.failed:
        for server in getattr(item, "servers", []):
            report.sections.append((f"log of {server.name}", server.log()[-6000:]))
            if server.trace.exists():
                report.sections.append(("call flow", text_ladder(server.trace, last=40)))


@pytest.fixture
def serve(request, tmp_path, shards):
    """serve(script) starts the server; at the end of the test it must stop with 0 and have leaked nothing.

    Then the test's endpoints tell what came that nobody read, and what came twice: nothing can come any more.
    """
    kind = Kamailio if request.config.getoption("peer") == "kamailio" else Server
    started = request.node.servers = []
    endpoints = request.node.endpoints = []

    def start(script, files=None, **more):
        """`files`: name and text of files beside the script that nobody else may read."""
        text = script.read_text() if isinstance(script, pathlib.Path) else script
        folder = tmp_path / f"server{len(started)}"
        folder.mkdir()
        for name, content in (files or {}).items():
            (folder / name).write_text(content)
            (folder / name).chmod(0o600)
        server = kind(folder, text, **{"shards": shards, **more})
        started.append(server)
        return server

    yield start
    complaints = []
    for finish in [server.finish for server in started]:
        complaints += complaints_of(finish)
    for one in endpoints:
        complaints += one.complaints() if kind is Server and getattr(request.node, "has_passed", False) else one.close() or []
    assert not complaints, "\n".join(complaints)


def complaints_of(finish):
    """Runs the end of something; what it complains of, so that the others are ended too."""
    try:
        finish()
    except AssertionError as complaint:
        return [str(complaint)]
    return []


@pytest.fixture
def classic(serve):
    """The server with the original default script."""
    return serve(ROOT / "tests/scripts/classic.cfg")


# Connections of peers end before the server does (fixtures finish in reverse order), so that its descriptors can be counted.

@pytest.fixture
def endpoint(serve, request):
    """endpoint(server, 'bob', 'udp') makes a SIP peer of plain sockets."""
    made, sent = request.node.endpoints, Sent()

    def make(server, user="alice", transport="udp", **more):
        made.append(Endpoint(transport, server.address, user, sent=sent, **more))
        return made[-1]

    yield make
    complaints = []
    for one in made:
        complaints += complaints_of(one.end_connections)
    assert not complaints, "\n".join(complaints)


@pytest.fixture
def phone(serve, tmp_path):
    """phone(server, 'bob', 'udp') starts a baresip."""
    made = []

    def make(server, user, transport="udp", **more):
        made.append(Phone(tmp_path / f"phone{len(made)}", user, server.address, transport=transport, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def sipp(serve, tmp_path):
    """sipp(server, 'scenario') starts a SIPp."""
    made = []

    def make(server, scenario, **more):
        made.append(Sipp(tmp_path / f"sipp{len(made)}", scenario, server.address, **more))
        return made[-1]

    yield make
    for one in made:
        if one.is_alive():
            one.kill()


@pytest.fixture(params=["udp", "tcp"])
def transport(request):
    return request.param
