# SPDX-License-Identifier: Apache-2.0
"""sip2-mediator in front of SIP2 servers: our own demonstration library over two hops, servers that break each rule, several
servers of which one dies, TLS, logins, and the configuration that changes meanwhile."""
import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading

import pytest
from harness.ports import free_ports
from harness.sip2 import BIN, CHECKOUT, DATE, ITEM, LOGIN, client, make_certificate, mediators
from harness.sip2_server import SipServer
from harness.waiting import until

READY = '[[listener]]\nlisten = "127.0.0.1:PORT"\n'
PATRON = f"63001{DATE}          AOexample|AA21000001|AC|"
MESSAGES = ["sc-status", "patron-status", "patron-information", "item-information", "checkout", "renew", "checkin", "hold",
            "change-hold", "cancel-hold", "renew-all", "fee-payment", "end-session", "item-status-update", "patron-enable",
            "block-patron", "patron-enable", "resend"]
REFUSED_CHECKOUT = "120NUN"


@pytest.fixture
def run(tmp_path, request):
    """run(*arguments, ...): a mediator that must end with 0 at the end of the test."""
    with mediators(tmp_path, request.node) as start:
        yield start


@pytest.fixture
def server():
    """server(behave, ...): a SIP2 server upstream."""
    made = []

    def start(behave=None, **more):
        made.append(SipServer(behave, **more))
        return made[-1]

    yield start
    for each in made:
        each.stop()


def in_front_of(run, *urls, backend="", upstream="", more="", **options):
    """A mediator in front of these servers."""
    listed = ", ".join(f'"{url}"' for url in urls)
    return run(config=f"{READY}[backend]\nurl = [{listed}]\n{backend}\n[upstream.default]\n{upstream}\n{more}", **options)


def ask_all(port, *arguments):
    """All messages of the client, as the lines that it got."""
    names = [word for name in MESSAGES for word in ("--message", name)]
    done = client("--sip-port", port, "--sip-username", "siplogin", "--sip-password", "sippassword", "--institution", "DEMO",
                  "--patron-barcode", "21000001", "--patron-password", "1234", "--item-barcode", "31000001",
                  "--fee-amount", "1.00", "--pickup-location", "MAIN", "--block-text", "x", "--raw", *names, *arguments)
    assert done.returncode == 0, done.stderr
    return [line[2:] for line in done.stdout.splitlines() if line.startswith("< ")]


def without_dates(line):
    return re.sub(r"\d{8} {4}\d{6}", "(date)", re.sub(r"AY\dAZ.*|AZ[0-9A-F]{4}$|BK[^|]*\|", "", line))


# --- two hops ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("upstream", ['error-detection = "off"', 'error-detection = "required"', 'sessions = "shared"'])
@pytest.mark.parametrize("detection", [[], ["--error-detection"]], ids=["plain", "checked"])
def test_every_message_passes_two_hops_as_it_passes_one(run, tmp_path, upstream, detection):
    alone = run("--demo", name="alone")
    library = run("--demo", name="library")
    mediator = in_front_of(run, f"sip2://127.0.0.1:{library.port}", upstream=upstream, name="front")
    direct = ask_all(alone.port, *detection)
    passed = ask_all(mediator.port, *detection)
    assert len(direct) == len(MESSAGES) + 1
    assert [without_dates(line) for line in passed] == [without_dates(line) for line in direct]
    assert all(("AZ" in line) == bool(detection) for line in passed)
    assert "no answer" not in mediator.whole_log()


def test_the_direct_door_is_a_json_interface_to_a_sip2_server(run, server):
    library = server()
    mediator = in_front_of(run, library.url,
                           more='[http]\nlisten = "127.0.0.1:9"\ntoken = "token"\ndoor = true\n')
    status, body = mediator.post("/sip2-mediator?session=mine", json.dumps(
        {"code": "17", "fixed_fields": [DATE], "fields": [{"AO": "example"}, {"AB": "31000001"}]}), "application/json")[:2]
    answer = json.loads(body)
    assert status == 200 and answer["code"] == "18" and {"AJ": "Emma"} in answer["fields"]
    assert mediator.post("/sip2-mediator?session=mine", CHECKOUT, "text/plain")[1].startswith("121NNY")
    assert library.connections == 1  # shared, whatever the session


# --- sessions and logins ----------------------------------------------------------------------------------------------

def test_a_terminal_keeps_its_connection_and_logs_in_again_when_it_is_lost(run, server):
    library = server()
    mediator = in_front_of(run, library.url)
    first, second = mediator.connect(), mediator.connect()
    assert first.ask(LOGIN) == "941" and second.ask(LOGIN.replace("siplogin", "other")) == "941"
    for terminal in (first, second) * 3:
        assert terminal.ask(PATRON).startswith("64")
    assert library.connections == 2 and len(library.logins) == 2
    library.hang_up()
    until(lambda: not library.open, "the connections to end")
    assert first.ask(CHECKOUT).startswith("121")
    assert library.connections == 3 and library.logins[2:] == [LOGIN]
    first.close()
    until(lambda: len(library.open) == 0, "the connection of a terminal that has gone to close")


def test_a_login_that_the_server_refuses_is_refused(run, server):
    library = server()
    mediator = in_front_of(run, library.url)
    terminal = mediator.connect()
    assert terminal.ask("9300CNu|COwrong|") == "940"
    assert terminal.ask(LOGIN) == "941" and terminal.ask(ITEM).startswith("18")


def test_with_a_login_of_the_mediator_terminals_are_known_here(run, server):
    library = server()
    mediator = in_front_of(run, library.url, upstream='login = "gate"\npassword = "secret"\nlocation = "desk"',
                           more='[[account]]\nlogin = "siplogin"\npassword = "sippassword"\n')
    stranger = mediator.connect()
    assert stranger.ask(PATRON).startswith("64YYYY")  # not logged in
    assert stranger.ask("9300CNnobody|COx|") == "940"
    assert stranger.ask(LOGIN.replace("sippassword", "other")) == "940"
    assert stranger.ask(LOGIN) == "941" and stranger.ask(PATRON).startswith("64     ")
    assert set(library.logins) == {"9300CNgate|COsecret|CPdesk|"}
    assert "secret" not in mediator.whole_log()


def test_a_server_that_asks_for_the_login_in_words(run, tmp_path):
    port = free_ports(1)
    library = run("--demo", config=f'{READY}[[listener]]\nlisten = "127.0.0.1:{port}"\nmode = "telnet"\n', name="library")
    mediator = in_front_of(run, f"sip2://127.0.0.1:{port}", upstream='dialogue = "telnet"', name="front")
    terminal = mediator.connect()
    assert terminal.ask(LOGIN.replace("sippassword", "wrong")) == "940"
    assert terminal.ask(LOGIN) == "941" and terminal.ask(ITEM).startswith("1803")
    assert library.is_alive()


def test_many_terminals_share_a_few_connections(run, server):
    library = server()
    mediator = in_front_of(run, library.url, backend="connections = 5", upstream='sessions = "shared"',
                           more="[profile.default]\n")
    terminals = [mediator.connect() for _ in range(50)]
    for round_ in range(3):
        for number, terminal in enumerate(terminals):
            terminal.send(f"63001{DATE}          AOexample|AA{number}-{round_}|AC|")
        for number, terminal in enumerate(terminals):
            assert f"AA{number}-{round_}|" in terminal.receive()
    assert library.connections <= 5


# --- servers that break each rule -------------------------------------------------------------------------------------

def at_each_byte(_server, connection, line):
    if line[:2] not in ("11", "63"):
        return None
    for byte in _server.usual(line).encode() + b"\r":
        connection.sendall(bytes([byte]))
    return False


def twice(server_, _connection, line):
    return (server_.usual(line).encode() + b"\r") * 2 if line[:2] in ("11", "63") else None


def about_another(server_, _connection, line):
    """The answer about somebody else comes first, as from a server that is one behind."""
    if line[:2] not in ("11", "63"):
        return None
    right = server_.usual(line)
    wrong = re.sub(r"AA[^|]*\|", "AAsomebody else|", re.sub(r"AB[^|]*\|", "ABsomething else|", right))
    return (wrong + "\r" + right + "\r").encode()


def none(_server, _connection, line):
    if line[:2] in ("11", "63"):
        _server.usual(line)
        return False
    return None


def wrong_code(server_, _connection, line):
    if line[:2] in ("11", "63"):
        server_.usual(line)
        return f"101YNN{DATE}AOexample|AB31000001|AQMAIN|\r".encode()
    return None


def wrong_checksum(server_, _connection, line):
    if line[:2] in ("11", "63", "97"):
        if line[:2] != "97":
            server_.usual(line)
        return f"121NNY{DATE}AOexample|AA21000001|AB31000001|AJEmma|AHx|AY0AZ0000\r".encode()
    return None


def other_charset(server_, _connection, line):
    return server_.usual(line).replace("Ada", "R\x82my").replace("Emma", "\x90mile").encode("latin-1") + b"\r" \
        if line[:2] in ("11", "63") else None


def hang_up_after(server_, connection, line):
    if line[:2] in ("11", "63"):
        server_.usual(line)
        connection.shutdown(socket.SHUT_RDWR)
        return False
    return None


def reset_after(server_, connection, line):
    if line[:2] in ("11", "63"):
        server_.usual(line)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        return False
    return None


def at_the_deadline(server_, connection, line):
    if line[:2] in ("11", "63"):
        answer = server_.usual(line).encode() + b"\r"
        threading.Timer(0.5, lambda: send_quietly(connection, answer)).start()
        return False
    return None


def send_quietly(connection, data):
    try:
        connection.sendall(data)
    except OSError:
        pass


def half_an_answer(server_, _connection, line):
    return server_.usual(line).encode()[:20] if line[:2] in ("11", "63") else None


def no_sip2(server_, _connection, line):
    if line[:2] in ("11", "63", "97"):
        if line[:2] != "97":
            server_.usual(line)
        return b"Problems handling the request: PreviousMessage is NULL\r"
    return None


def without_end(server_, _connection, line):
    if line[:2] in ("11", "63"):
        server_.usual(line)
        return b"12" + b"x" * 200000
    return None


@pytest.mark.parametrize("behave, is_answered", [
    (at_each_byte, True), (twice, True), (about_another, True), (other_charset, True),
    (none, False), (wrong_code, False), (wrong_checksum, False), (hang_up_after, False), (reset_after, False),
    (at_the_deadline, None), (half_an_answer, False), (no_sip2, False), (without_end, False)], ids=lambda x: getattr(x, "__name__", str(x)))
@pytest.mark.parametrize("sessions", ["own", "shared"])
def test_a_server_that_breaks_a_rule_reaches_no_terminal_and_doubles_no_checkout(run, server, behave, is_answered, sessions):
    library, spare = server(behave), server()
    mediator = in_front_of(run, library.url, upstream=f'error-detection = "off"\nsessions = "{sessions}"\ncharset = "cp850"',
                           backend="failures-to-open = 1000",
                           more='[profile.default]\nbackend-timeout = "500 ms"\nrepeat-window = "0 s"\n')
    if behave is wrong_checksum:
        mediator.write_config(mediator.config.read_text().replace('"off"', '"auto"'))
        until(lambda: "was read again" in mediator.log(), "the reload")
    for number in range(3):
        terminal = mediator.connect()
        assert terminal.ask(LOGIN) == "941"
        for item in ("1", "2"):
            line = terminal.ask(CHECKOUT.replace("31000001", f"{number}-{item}"))
            if is_answered is None:  # whoever wins: it is one of the two, and about this item
                assert line.startswith(("121NNY", REFUSED_CHECKOUT)) and f"AB{number}-{item}|" in line, line
            elif is_answered:
                assert line.startswith("121NNY") and f"AB{number}-{item}|" in line, line
            else:
                assert line.startswith(REFUSED_CHECKOUT) and f"AB{number}-{item}|" in line, line
                assert "let the staff check" in line or "before you try again" in line, line
        line = terminal.ask(PATRON.replace("21000001", f"card-{number}"))
        assert line.startswith("64") and f"AAcard-{number}|" in line, line
        if behave is other_charset:
            assert "AERémy|" in line.encode("latin-1").decode("utf-8")
        terminal.close()
    executed = [item for code, _, item in library.changes if code == "11"]
    assert len(executed) == len(set(executed)) == 6, executed
    if is_answered is False:
        assert mediator.whole_log().count("it may have been executed and is not sent again: check") == 6
    assert not spare.lines


def test_a_connection_that_broke_before_the_request_is_made_again(run, server):
    library = server()
    mediator = in_front_of(run, library.url)
    terminal = mediator.connect()
    assert terminal.ask(LOGIN) == "941"
    for _ in range(5):
        library.hang_up()
        assert terminal.ask(CHECKOUT.replace("31000001", str(_))).startswith(("121", REFUSED_CHECKOUT))
    items = [item for _, _, item in library.changes]
    assert len(items) == len(set(items))


# --- several servers --------------------------------------------------------------------------------------------------

def test_what_only_asks_goes_to_another_server_and_what_changes_does_not(run, server):
    broken, well = server(hang_up_after), server()
    mediator = in_front_of(run, broken.url, well.url, backend="failures-to-open = 1000")
    for _ in range(4):
        terminal = mediator.connect()
        assert terminal.ask(PATRON).startswith("64     ")
    assert broken.codes().count("63") >= 1
    for number in range(4):
        terminal = mediator.connect()
        terminal.ask(CHECKOUT.replace("31000001", str(number)))
    items = [item for _, _, item in broken.changes + well.changes]
    assert sorted(items) == ["0", "1", "2", "3"]


def test_sip2_and_http_stand_in_for_each_other(run, server, tmp_path):
    demo = run("--demo", name="demo")
    at = re.search(r"demonstration library at (http://\S+)", demo.log())[1]
    library = server()
    mediator = in_front_of(run, library.url, at, backend='failures-to-open = 1\nprobe-interval = "100 ms"',
                           more='[profile.default]\nlogin-again-on = "SIP2_SESSION_REQUIRED"\n', name="front")
    terminals = [mediator.connect() for _ in range(4)]
    assert [terminal.ask(LOGIN) for terminal in terminals] == ["941"] * 4
    assert library.lines
    library.stop()
    for terminal in terminals:
        until(lambda: terminal.ask(ITEM).startswith("1803"), "the other one to answer")  # pylint: disable=cell-var-from-loop


def test_one_of_two_servers_is_killed_under_a_hundred_terminals(run, tmp_path):
    libraries = [run("--demo", name=f"library{n}") for n in range(2)]
    mediator = in_front_of(run, *(f"sip2://127.0.0.1:{one.port}" for one in libraries),
                           backend='failures-to-open = 1\nprobe-interval = "100 ms"',
                           more='[profile.default]\nbackend-timeout = "5 s"\n', name="front")
    terminals = [mediator.connect() for _ in range(100)]
    for terminal in terminals:
        terminal.send(LOGIN)
    assert [terminal.receive() for terminal in terminals] == ["941"] * 100
    for terminal in terminals:
        terminal.send(ITEM)
    libraries[0].must_end_well = False
    libraries[0].child.send_signal(signal.SIGKILL)
    for terminal in terminals:  # what only asks is answered by the other one
        line = terminal.receive()
        assert line.startswith("1803"), line
    for terminal in terminals:
        assert terminal.ask(ITEM).startswith("1803")
    metrics = mediator.get("/metrics")[1]
    assert f'sip2_backend_up{{backend="sip2://127.0.0.1:{libraries[0].port}"}} 0' in metrics


def test_readiness_follows_the_99_of_a_server(run, server):
    library = server()
    mediator = in_front_of(run, library.url, upstream='login = "gate"\npassword = "x"',
                           backend='health-interval = "100 ms"\nprobe-interval = "100 ms"\nfailures-to-open = 1')
    until(lambda: library.codes().count("99") > 3, "probes")
    assert library.connections == 1
    library.status = "N"
    until(lambda: mediator.get("/ready")[0] == 503, "the mediator to be not ready")
    status = mediator.call("mediator.status")["result"]
    assert status["backends"][0]["up"] is False and "off-line" in status["backends"][0]["last_problem"]
    library.status = "Y"
    until(lambda: mediator.get("/ready")[0] == 200, "the mediator to be ready")


# --- TLS, reload, drain -----------------------------------------------------------------------------------------------

def test_tls_upstream_is_verified_and_shows_a_certificate(run, server, tmp_path):
    pem, mine = make_certificate(tmp_path), make_certificate(tmp_path, "gate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.load_verify_locations(mine)
    context.verify_mode = ssl.CERT_REQUIRED
    names = []
    context.sni_callback = lambda connection, name, _: names.append(name)
    library = server(tls=context)
    url = f"sip2s://localhost:{library.port}"
    keys = f'ca-file = "{pem}"\ncertificate-file = "{mine}"\n'
    good = in_front_of(run, url, backend=keys, name="good")
    assert good.connect().ask(LOGIN) == "941" and names[0] == "localhost"
    other = make_certificate(tmp_path, "other")
    bad = in_front_of(run, url, backend=f'ca-file = "{other}"\ncertificate-file = "{mine}"\n', name="bad",
                      folder=pathlib.Path(tmp_path))
    assert bad.connect().ask(LOGIN) == "940"
    until(lambda: "certificate" in bad.log(), "the reason in the log")


def test_a_reload_keeps_the_connections_of_terminals(run, server):
    library = server()
    mediator = in_front_of(run, library.url)
    terminal = mediator.connect()
    assert terminal.ask(LOGIN) == "941"
    mediator.write_config(mediator.config.read_text() + '[profile.default]\noffline-message = "no"\n')
    until(lambda: "was read again" in mediator.log(), "the reload")
    assert terminal.ask(PATRON).startswith("64     ") and library.connections == 1
    mediator.write_config("[upstream.default]\nlogin = \"gate\"\n" + mediator.config.read_text())
    until(lambda: "was not taken over" in mediator.log(), "the fault")
    assert terminal.ask(PATRON).startswith("64     ")


def slow_at_checkouts(server):
    """A server that answers a checkout once it is let, and what lets it."""
    go = threading.Event()

    def slow(_server, _connection, line):
        if line.startswith("11"):
            go.wait(10)

    return server(slow), go


def test_usr1_finishes_what_is_in_progress(run, server):
    library, go = slow_at_checkouts(server)
    mediator = in_front_of(run, library.url)
    terminal = mediator.connect()
    terminal.ask(LOGIN)
    terminal.send(CHECKOUT)
    until(lambda: "11" in library.codes(), "the checkout")
    mediator.child.send_signal(signal.SIGUSR1)
    until(lambda: "Shutdown requested" in mediator.log(), "the drain")
    go.set()
    assert terminal.receive().startswith("121")
    assert terminal.receive() == ""
    assert mediator.child.wait(20) == 0


# --- a terminal that says it again ------------------------------------------------------------------------------------

def test_a_checkout_that_a_terminal_repeats_without_ay_is_executed_once(run, server):
    library, go = slow_at_checkouts(server)
    mediator = in_front_of(run, library.url)
    terminal = mediator.connect()
    for _ in range(3):  # it is impatient
        terminal.send(CHECKOUT)
    until(lambda: "11" in library.codes(), "the checkout")
    go.set()
    answers = [terminal.receive() for _ in range(3)]
    assert answers[0].startswith("121") and len(set(answers)) == 1
    later = CHECKOUT.replace(DATE, "20261120    153459")
    assert terminal.ask(later) == answers[0]
    assert [code for code, _, _ in library.changes] == ["11"]
    assert terminal.ask(CHECKOUT.replace("31000001", "2")).startswith("121")
    assert [code for code, _, _ in library.changes] == ["11", "11"]


# --- what an administrator asks beforehand ----------------------------------------------------------------------------

def check(tmp_path, text):
    """sip2-mediator --check of a configuration; the finished process."""
    file = tmp_path / "checked.toml"
    file.write_text(text)
    return subprocess.run([BIN / "sip2-mediator", "--check", "--config", file], capture_output=True, text=True, timeout=60,
                          check=False)


def test_check_logs_in_upstream_and_tells_what_the_server_answers(server, tmp_path):
    def short_list(server_, _connection, line):
        return server_.usual(line).replace("BXYYYYYYYYYYYYYYYY", "BXYYN").encode() + b"\r" if line[:2] == "99" else None

    library = server(short_list)
    text = f'[backend]\nurl = "{library.url}"\n[upstream.default]\nlogin = "gate"\npassword = "PASSWORD"\n'
    done = check(tmp_path, text.replace("PASSWORD", "right"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "answers: patron status (23), checkout (11)" in done.stdout and "does not answer: checkin (09)" in done.stdout
    assert "leaves the standard: BX has 3 characters, not 16" in done.stdout
    assert not library.changes
    refused = check(tmp_path, text.replace("PASSWORD", "wrong"))
    assert refused.returncode == 2 and "the login is refused" in refused.stdout
    library.stop()
    gone = check(tmp_path, text.replace("PASSWORD", "right"))
    assert gone.returncode == 2 and "cannot be reached" in gone.stdout


def test_the_conformance_report_changes_nothing_unless_it_may(run, server):
    demo = run("--demo", name="demo")
    common = ["--conformance", f"127.0.0.1:{demo.port}", "--sip-username", "siplogin", "--sip-password", "sippassword",
              "--institution", "DEMO", "--patron-barcode", "21000001", "--patron-password", "1234", "--item-barcode", "31000001"]
    good = client(*common, "--allow-changes")
    assert good.returncode == 0, good.stdout
    for line in ("messages may end with CR LF", "a message may come a byte at a time", "checkout (11)", "checkin (09)",
                 "a wrong checksum is answered with 96", "an unknown field is ignored"):
        assert f"ok   {line}\n" in good.stdout, good.stdout
    report = json.loads(client(*common, "--json").stdout)
    assert report["version"] == "2.00" and len(report["supported"]) == 16
    assert not any(one["name"].startswith("checkout") for one in report["checks"])
    library = server(lambda server_, _connection, line: b"98Y\r" if line[:2] == "99" else None)
    bad = client("--conformance", f"127.0.0.1:{library.port}", "--timeout", "1", "--json")
    assert bad.returncode == 5 and not library.changes
    assert any(one["outcome"] == "bad" for one in json.loads(bad.stdout)["checks"])
    assert client("--conformance", "nowhere").returncode == 1


RECIPES = pathlib.Path(__file__).resolve().parents[2] / "docs/sip2.md"


def test_the_recipes_of_the_page_are_configurations(tmp_path):
    """Each one is whole, but for addresses: those become one where nobody listens."""
    recipes = re.findall(r"```toml recipe\n(.*?)```", RECIPES.read_text(), re.DOTALL)
    assert len(recipes) == 6
    for text in recipes:
        text = re.sub(r"(sip2s?://)[^\"]*", rf"\g<1>127.0.0.1:{free_ports(1)}", text)
        text = re.sub(r'(ca|certificate)-file = .*\n', "", text).replace("sip2s://", "sip2://")
        done = check(tmp_path, text)
        assert done.returncode in (0, 2) and "The configuration has no faults." in done.stdout, text + done.stderr
