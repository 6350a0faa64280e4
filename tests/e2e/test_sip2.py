# SPDX-License-Identifier: Apache-2.0
"""sip2-mediator and sip2-client as their users run them: the demonstration, the command lines, configuration that
changes while terminals stay, TLS, balancers, operators, and nginx in between."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
from harness.ports import free_ports
from harness.server import Process, open_ends, is_running
from harness.sip2 import (ANSWERS, BIN, DATE, ITEM, LOGIN, Library, Terminal, checked, client,
                          http_answer, make_certificate, mediators)
from harness.waiting import until

READY = '[[listener]]\nlisten = "127.0.0.1:PORT"\n'


@pytest.fixture
def run(tmp_path, request):
    """run(*arguments, ...): a mediator that must end with 0 at the end of the test."""
    with mediators(tmp_path, request.node) as start:
        yield start


@pytest.fixture
def library():
    made = Library()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def demo(run):
    return run("--demo")


def ask(mediator, *arguments, patron="21000001", item="31000001", **more):
    return client("--sip-port", mediator.port, "--sip-username", "siplogin", "--sip-password", "sippassword",
                  "--institution", "DEMO", "--patron-barcode", patron, "--item-barcode", item,
                  *arguments, **more)


def cannot_connect(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


# --- the demonstration and the client --------------------------------------------------------------------------------

def test_a_book_is_lent_renewed_and_taken_back(demo):
    done = ask(demo, "--message", "checkout", "--message", "renew", "--message", "checkin", "--patron-password", "1234",
               "--strict", "--json")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line)["received"] for line in done.stdout.splitlines()]
    assert [a["code"] for a in answers] == ["94", "12", "30", "10"]
    assert all(a["fixed_fields"][0] == "1" for a in answers)


@pytest.mark.parametrize("name", ["sc-status", "patron-status", "patron-information", "item-information", "checkout",
                                  "checkin", "renew", "renew-all", "hold", "cancel-hold", "change-hold", "end-session",
                                  "block-patron", "patron-enable", "item-status-update", "resend", "fee-payment"])
@pytest.mark.parametrize("detection", [[], ["--error-detection"]], ids=["plain", "checked"])
def test_every_message_of_the_client_is_answered(demo, name, detection):
    done = ask(demo, "--message", name, "--fee-amount", "1.00", "--pickup-location", "MAIN", "--raw", *detection)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4 and lines[3].startswith("< ")
    assert ("AZ" in lines[3]) == bool(detection)


def test_the_demonstration_says_its_ports_and_opens_none_unasked(run):
    mediator = run("--demo", admin=False)
    until(lambda: "Ctrl-C" in mediator.log(), "the banner")
    assert f"--sip-port {mediator.port} " in mediator.log() and "/metrics" not in mediator.log()
    assert cannot_connect(mediator.http_port) and "HTTP port at" not in mediator.log()


def test_the_command_of_the_banner_connects_wherever_the_demonstration_listens(run):
    mediator = run("--demo", "--sip-address", "127.0.0.9", admin=False)
    until(lambda: "Ctrl-C" in mediator.log(), "the banner")
    command = re.search(r"^ +(\S*sip2-client .*?)\n\n", mediator.log(), re.DOTALL | re.MULTILINE)[1]
    assert f"--sip-address 127.0.0.9 --sip-port {mediator.port} " in command
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "A Garden of Small Rules" in done.stdout, done.stderr


def test_the_demonstration_obeys_the_file(library, run, tmp_path):
    named = run("--demo", config=READY + f'[backend]\nurl = "http://127.0.0.1:{library.port}/sip2-mediator"\n',
                admin=False, name="named")
    assert named.connect().ask(LOGIN) == "941" and library.codes() == ["93"]
    port = free_ports(1)
    own = run("--demo", config=READY + f'[http]\nlisten = "127.0.0.1:{port}"\n', admin=False, folder=tmp_path,
              name="own")
    until(lambda: "Ctrl-C" in own.log(), "the banner")
    assert f"http://127.0.0.1:{port}/metrics" in own.log()
    assert own.connect().ask(LOGIN) == "941" and library.codes() == ["93"]


def test_a_token_does_not_stay_in_the_list_of_processes(run):
    mediator = run("--demo")  # its harness gives --admin-token token
    line = pathlib.Path(f"/proc/{mediator.pid}/cmdline").read_bytes().split(b"\0")
    assert line[line.index(b"--admin-token") + 1] == b"*****"
    assert mediator.call("mediator.status")["result"]["ready"] == "yes"


def test_an_option_given_twice_takes_the_last(run):
    mediator = run("--demo", "--max-clients", 7, "--sip-port", 1, "--max-clients", 1, "--syslog-level", "LOG_ERR",
                   "--syslog-level", "LOG_INFO")
    first = mediator.connect()
    assert first.ask(LOGIN) == "941"
    assert mediator.connect().receive() == ""
    assert ask(mediator, "--institution", "x", "--sip-port", "1", "--sip-port", mediator.port, "--help").returncode == 0
    done = client("admin", "--url", "http://127.0.0.1:1", "--token", "no", "--token", mediator.token,
                  "--url", f"http://127.0.0.1:{mediator.http_port}", "status")
    assert done.returncode == 0, done.stderr


def test_a_reload_names_what_is_fixed_at_start_up_and_closes_the_door(library, run):
    text = READY + f'''
[http]
listen = "127.0.0.1:9"
token = "token"
door = DOOR
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
'''
    mediator = run(config=text.replace("DOOR", "true"))
    assert mediator.post("/sip2-mediator", LOGIN, "text/plain")[1] == "941\r"
    changed = text.replace("DOOR", 'false\ndoor-path = "/other"') + '[log]\nfacility = "local5"\n'
    mediator.write_config(changed)
    until(lambda: "the configuration was read again" in mediator.log(), "the reload")
    for key in ("[log] facility", "[http] door-path"):
        assert f"{key} has changed; it is fixed at start-up" in mediator.log()
    assert "[http] listen has changed" not in mediator.log()  # the flag wins over it, as at the start
    assert mediator.post("/sip2-mediator", LOGIN, "text/plain")[0] == 404


def test_output_in_the_original_s_form(demo):
    done = ask(demo, "--message", "sc-status")
    assert "[SENDING]\n9300CNsiplogin|COsippassword|\n----------------\n" in done.stdout
    assert re.search(r"^\[RECEIVED, duration: \d+\.\d+", done.stdout, re.MULTILINE)
    assert re.search(r"^Run time: \d+\.\d+", done.stdout, re.MULTILINE)
    pretty = ask(demo, "--message", "sc-status", "--pretty-print").stdout
    assert "[93] Login Request\nUID algorithm" + " " * 21 + "0 (not encrypted)\n" in pretty
    item = ask(demo, "--message", "item-information", "--pretty-print").stdout
    assert "circulation status" + " " * 16 + "03 (available)\n" in item
    assert ask(demo, "--message", "sc-status", "--summarize").stdout.startswith("+-+-")
    assert ask(demo, "--message", "sc-status", "--silent").stdout == ""


@pytest.mark.parametrize("arguments, status, text", [
    ([], 1, "--sip-username required"),
    (["--bad-option"], 1, ""),
    (["--help"], 0, ""),
    (["--sip-username", "u", "--sip-password", "p", "--institution", "i", "--message", "checkuot"], 1,
     "did you mean checkout?"),
    (["--sip-username", "u", "--sip-password", "p", "--institution", "i", "--message", "checkout"], 1,
     "--item-barcode required"),
    (["--sip-username", "u", "--sip-password", "p", "--institution", "i", "--patron-summary", "Y"], 1, "10 characters"),
])
def test_usage_is_explained(arguments, status, text):
    done = client(*arguments)
    assert done.returncode == status
    assert text in done.stderr


def test_exit_statuses(demo):
    common = ["--sip-port", demo.port, "--institution", "DEMO", "--sip-password", "sippassword"]
    assert client("--sip-port", free_ports(1), "--sip-username", "u", "--sip-password", "p", "--institution",
                  "i").returncode == 2
    refused = client(*common, "--sip-username", "nobody")
    assert refused.returncode == 3 and "*SIP login failed*" in refused.stderr
    unanswered = client(*common, "--sip-username", "siplogin", "--message", "raw:7777", "--timeout", "0.2")
    assert unanswered.returncode == 4
    no = [*common, "--sip-username", "siplogin", "--item-barcode", "none", "--patron-barcode", "21000001", "--message",
          "checkout"]
    assert client(*no).returncode == 0
    assert client(*no, "--strict").returncode == 5


def test_terminals_in_parallel_with_percentiles(demo):
    done = ask(demo, "--message", "item-information", "--repeat", 20, "--parallel", 10, "--silent", "--latency",
               "--sleep", "0.001")
    assert done.returncode == 0, done.stderr
    assert "200 answers" in done.stdout and "p99" in done.stdout


def test_a_part_of_a_patron_s_list(demo):
    for item in ("31000001", "31000002", "31000003"):
        ask(demo, "--message", "checkout", item=item)
    listed = [ask(demo, "--message", "patron-information", "--patron-summary", "  Y       ", "--json", *window).stdout
              for window in ([], ["--start-item", "2", "--end-item", "2"])]
    fields = [[f["AU"] for f in json.loads(text.splitlines()[-1])["received"]["fields"] if "AU" in f] for text in listed]
    assert len(fields[0]) >= 3 and fields[1] == fields[0][1:2]


def test_a_recorded_conversation_is_held_again(demo, tmp_path):
    record = tmp_path / "record.txt"
    conversation = ["--message", "checkout", "--message", "item-information", "--message", "checkin"]
    record.write_text(ask(demo, "--raw", *conversation).stdout)
    same = ask(demo, "--replay", record, "--silent", "--strict")
    assert same.returncode == 0 and "3 messages asked again, 0 answered otherwise" in same.stderr, same.stderr
    assert ask(demo, "--message", "checkout", "--strict", patron="21000002").returncode == 0
    other = ask(demo, "--replay", record, "--raw", "--strict")
    assert other.returncode == 5
    assert "12 differs: ok: was '1', is '0'" in other.stderr
    (tmp_path / "log.txt").write_text(demo.whole_log())  # whole, with hidden passwords, of several terminals
    from_log = ask(demo, "--replay", tmp_path / "log.txt", "--silent")
    assert from_log.returncode == 0 and "10 messages asked again, 0 answered otherwise" in from_log.stderr, from_log.stderr
    (tmp_path / "none.txt").write_text("nothing")
    assert "record some with --raw" in ask(demo, "--replay", tmp_path / "none.txt").stderr


def test_the_self_test_finds_nothing_at_the_demonstration_and_something_at_a_bad_library(demo, library, run):
    good = ask(demo, "--self-test")
    assert good.returncode == 0, good.stdout
    assert good.stdout.count("ok   ") == 13 and good.stdout.endswith("13 tried, 0 bad\n"), good.stdout
    library.behave = lambda _library, _connection, _session, message: (
        {"code": "18", "fixed_fields": ["3x", "01", "01", DATE]} if message["code"] == "17" else ANSWERS.get(message["code"], b""))
    bad = ask(run("--http-port", library.port, name="bad"), "--self-test")
    assert bad.returncode == 5
    assert "BAD  item information (17): circulation status is '3x'; AB is missing; AJ is missing" in bad.stdout


def test_the_interactive_mode(demo):
    script = "help\nsc-status\nset item=31000003\nitem-information\nnonsense\nraw 9909992.00\nquit\n"
    done = ask(demo, "--interactive", "--raw", text=script)
    assert done.returncode == 0
    for part in ("change-hold", "AJBread, Salt, Water|", "There is no message 'nonsense'", "> 9909992.00"):
        assert part in done.stdout


@pytest.mark.skipif(not (BIN / "sip2_checkout").exists(), reason="the examples are not built in this configuration")
def test_the_example_of_the_library_checks_a_book_out(demo):
    source = pathlib.Path(__file__).resolve().parents[2] / "examples/sip2_checkout.cpp"
    assert len(source.read_text().splitlines()) < 30
    example = [BIN / "sip2_checkout", "127.0.0.1", "21000001", "31000001", str(demo.port)]
    done = subprocess.run(example, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0 and ": due " in done.stdout, done.stdout + done.stderr


def test_a_demonstration_database_lasts(run, tmp_path):
    database = tmp_path / "demo.db"
    first = run("--demo", "--demo-database", database)
    assert ask(first, "--message", "checkout", "--strict").returncode == 0
    assert first.drain() == 0
    second = run("--demo", "--demo-database", database, name="second")
    assert ask(second, "--message", "checkin", "--json").stdout.count('"AA":"21000001"') == 1


# --- the mediator's command line -------------------------------------------------------------------------------------

def test_the_flags_of_the_original(library, run):
    mediator = run("--sip-address", "127.0.0.1", "--http-host", "127.0.0.1", "--http-port", library.port, "--http-proto",
                   "http", "--http-path", "/other", "--max-clients", "0", "--syslog-facility", "LOCAL3", "--syslog-level",
                   "LOG_DEBUG", "--ascii")
    library.behave = lambda *_: dict(ANSWERS["17"], fields=[{"AJ": "T\u00eftle pip\u00e9 \u65e5"}])
    assert mediator.connect().ask(ITEM).endswith("AJTitle pipe ?|")
    assert library.requests[0][0].startswith("POST /other ")


def test_a_bad_option_ends_with_1():
    assert subprocess.run([BIN / "sip2-mediator", "--nonsense"], capture_output=True, check=False).returncode == 1
    assert subprocess.run([BIN / "sip2-mediator", "--help"], capture_output=True, check=False).returncode == 0


def end_daemon(pid_file):
    pid = int(pid_file.read_text())
    os.kill(pid, signal.SIGUSR1)
    try:
        until(lambda: not is_running(pid), "the daemon to end")
    finally:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def test_daemonize_returns_when_it_works(library, tmp_path):
    port = free_ports(1)
    pid_file = tmp_path / "pid"
    command = [BIN / "sip2-mediator", "--daemonize", "--sip-port", str(port), "--http-port", str(library.port),
               "--pid-file", pid_file]
    assert subprocess.run(command, timeout=20, check=False).returncode == 0
    try:
        with contextlib.closing(Terminal(port)) as terminal:
            assert terminal.ask(LOGIN) == "941"  # at once: the parent waited
        assert os.readlink(f"/proc/{int(pid_file.read_text())}/cwd") == "/"
    finally:
        end_daemon(pid_file)
    assert not pid_file.exists()


def test_a_daemon_finds_at_a_reload_what_it_found_at_its_start(library, tmp_path):
    """Paths of the command line and of the file that are not absolute; the daemon has left the folder by then."""
    port, http_port = free_ports(2), free_ports(1)
    make_certificate(tmp_path)
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "sip2.toml").write_text(f'''
[http]
listen = "127.0.0.1:{http_port}"
token = {{ file = "token" }}
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
[[listener]]
listen = "127.0.0.1:{port}"
certificate-file = "localhost.pem"
''')
    command = [BIN / "sip2-mediator", "--daemonize", "--config", "sip2.toml", "--pid-file", "pid"]
    assert subprocess.run(command, timeout=20, check=False, cwd=tmp_path).returncode == 0
    admin = ["admin", "--url", f"http://127.0.0.1:{http_port}", "--token"]
    try:
        assert client(*admin, "first", "reload").returncode == 0
        (tmp_path / "token").write_text("second\n")
        assert client(*admin, "first", "reload").returncode == 0
        assert client(*admin, "second", "reload").returncode == 0
        trusting = ssl.create_default_context(cafile=tmp_path / "localhost.pem")
        with contextlib.closing(Terminal(port, tls=trusting)) as terminal:
            assert terminal.ask(LOGIN) == "941"
    finally:
        end_daemon(tmp_path / "pid")


def test_a_pid_file_lets_no_second_one_start_and_is_never_written_through_a_link(library, run, tmp_path):
    pid_file = tmp_path / "pid"
    first = run("--http-port", library.port, "--pid-file", pid_file)
    assert int(pid_file.read_text()) == first.pid
    precious = tmp_path / "precious"
    precious.write_text("keep")
    (tmp_path / "link").symlink_to(precious)
    for file, told in ((pid_file, f"process {first.pid} holds it"), (tmp_path / "link", "symbolic link")):
        for more in ([], ["--daemonize"]):
            second = subprocess.run([BIN / "sip2-mediator", "--sip-port", str(free_ports(1)), "--pid-file", file, *more],
                                    capture_output=True, text=True, timeout=20, check=False)
            assert second.returncode == 1 and told in second.stderr, second.stderr
    assert int(pid_file.read_text()) == first.pid and precious.read_text() == "keep"
    assert first.drain() == 0 and not pid_file.exists()
    pid_file.write_text(f"{os.getpid()}\n")  # what one that was killed has left; its number has another program by now
    assert run("--http-port", library.port, "--pid-file", pid_file, name="next").drain() == 0


def test_a_wrong_configuration_tells_all_its_faults(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text('max-client = 1\n[[listener]]\nlisten = "nowhere"\n[profile.x]\ncharset = "klingon"\n')
    done = subprocess.run([BIN / "sip2-mediator", "--check", "--config", file], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1
    for part in ("bad.toml:1:", "max-client", "nowhere", "klingon"):
        assert part in done.stderr


@pytest.mark.parametrize("text, told", [
    ('[backend]\nurl = "https://localhost:1/"\nca-file = "/nowhere.pem"\n', ["bad.toml:3:", "cannot read /nowhere.pem"]),
    (READY + 'certificate-file = "KEYLESS"\n', ["bad.toml:3:", "private key"]),
    (READY + READY, ["bad.toml:4:", "two listeners at 127.0.0.1:6001"]),
    (READY + 'proxy-protocol = true\nallow = "192.0.2.0/24"\n', ["bad.toml:4:", "'proxies'"]),
    ('[log]\nfacility = "local9"\n', ["bad.toml:2:", "local0 to local7"]),
], ids=["ca", "key", "twice", "proxies", "facility"])
def test_faults_that_would_show_only_later_are_told_with_their_line(tmp_path, text, told):
    pem = make_certificate(tmp_path)
    (tmp_path / "keyless.pem").write_text(pem.read_text().split("-----BEGIN PRIVATE")[0])
    file = tmp_path / "bad.toml"
    file.write_text(text.replace("PORT", "6001").replace("KEYLESS", str(tmp_path / "keyless.pem")))
    done = subprocess.run([BIN / "sip2-mediator", "--check", "--config", file], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1
    for part in told:
        assert part in done.stderr


@pytest.mark.parametrize("arguments, status, told", [
    (["--http-host", "https://ils.example"], 1, "give the name alone"),
    (["--http-host", "ils.example:8080"], 1, "give the name alone"),
    (["--sip-address", "ils.example"], 1, "0.0.0.0"),
    (["--sip-port", "66000"], 1, "65535"),
    (["--syslog-facility", "LOCAL9"], 1, "LOCAL0 to LOCAL7"),
    (["--syslog-level", "LOUD"], 0, "LOG_INFO is used"),
    (["--http-proto", "ftp"], 0, "taken for https"),
    (["--http-host", "::1"], 0, ""),
])
def test_doubtful_flags_are_told(arguments, status, told):
    done = subprocess.run([BIN / "sip2-mediator", "--check", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert told in done.stderr


# --- configuration that changes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["hup", "file"])
def test_a_reload_drops_no_terminal(library, run, how):
    config = READY + f'[backend]\nurl = "http://127.0.0.1:{library.port}/sip2-mediator"\n'
    mediator = run(config=config)
    terminal = mediator.connect()
    assert terminal.ask(LOGIN) == "941"
    mediator.write_config(config + '[profile.default.institution]\nexample = "inner"\n')
    if how == "hup":
        mediator.child.send_signal(signal.SIGHUP)
    until(lambda: mediator.metric("sip2_reloads_total") >= 1, "the reload")
    terminal.ask(ITEM)
    assert {"AO": "inner"} in library.messages[-1][1]["fields"]

    mediator.write_config("this is no TOML")
    mediator.child.send_signal(signal.SIGHUP)
    until(lambda: mediator.metric("sip2_failed_reloads_total") >= 1, "the refused reload")
    assert terminal.ask(ITEM).startswith("18")


def test_a_listener_can_come_and_go(library, run):
    config = READY + f'[backend]\nurl = "http://127.0.0.1:{library.port}/sip2-mediator"\n'
    mediator = run(config=config)
    terminal = mediator.connect()
    extra = free_ports(1)
    mediator.write_config(config.replace("PORT", str(extra)))
    until(lambda: mediator.metric("sip2_reloads_total") >= 1, "the reload")
    assert mediator.connect(extra).ask(LOGIN) == "941"
    with pytest.raises(ConnectionRefusedError):
        mediator.connect()
    assert terminal.ask(LOGIN) == "941"


def test_tls_terminals_and_a_renewed_certificate(library, run, tmp_path):
    pem = make_certificate(tmp_path)
    mediator = run(config=READY + f'certificate-file = "{pem}"\n[backend]\n'
                                  f'url = "http://127.0.0.1:{library.port}/sip2-mediator"\n')
    old = mediator.connect(tls=ssl.create_default_context(cafile=pem))
    assert old.ask(LOGIN) == "941"
    before = old.socket.getpeercert(True)
    done = client("--sip-port", mediator.port, "--sip-username", "u", "--sip-password", "p", "--institution", "i", "--tls",
                  "--tls-ca", pem, "--message", "sc-status", "--strict")
    assert done.returncode == 0, done.stderr
    assert client("--sip-port", mediator.port, "--sip-username", "u", "--sip-password", "p", "--institution", "i",
                  "--tls").returncode == 2  # nobody vouches for it

    (tmp_path / "next").mkdir()
    make_certificate(tmp_path / "next").rename(pem)
    until(lambda: mediator.metric("sip2_reloads_total") >= 1, "the reload")
    new = mediator.connect(tls=ssl.create_default_context(cafile=pem))
    assert new.socket.getpeercert(True) != before
    assert new.ask(LOGIN) == "941"
    assert old.ask(ITEM).startswith("18")


def test_who_speaks_tls_with_who_does_not_is_told(library, run, tmp_path):
    pem = make_certificate(tmp_path)
    extra = free_ports(1)
    mediator = run(config=READY + f'certificate-file = "{pem}"\n[[listener]]\nlisten = "127.0.0.1:{extra}"\n[backend]\n'
                                  f'url = "http://127.0.0.1:{library.port}/sip2-mediator"\n')
    common = ["--sip-username", "u", "--sip-password", "p", "--institution", "i"]
    plain = client("--sip-port", mediator.port, *common)
    assert plain.returncode == 4 and "a port for TLS" in plain.stderr
    until(lambda: "the peer does not speak TLS" in mediator.log(), "the log")
    secure = client("--sip-port", extra, "--tls", *common)
    assert secure.returncode == 2 and "TLS" in secure.stderr
    until(lambda: "it speaks TLS, which this listener does not" in mediator.log(), "the log")
    stranger = client("--sip-port", mediator.port, "--tls", *common)
    assert stranger.returncode == 2 and "give the file of the authority" in stranger.stderr
    until(lambda: "the peer refuses our certificate" in mediator.log(), "the log")


def test_accounts_profiles_and_filters(library, run):
    mediator = run(config="only-known-accounts = true\n" + READY + f'''
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
[[account]]
login = "kiosk"
password = "right"
profile = "kiosk"
backend-login = "system"
backend-password = "inner"
[profile.kiosk]
error-detection = "required"
supported-messages = "YNY"
filter = [{{ action = "strip", field = "AJ" }}, {{ action = "add", field = "AF", value = "Hi" }}]
''')
    terminal = mediator.connect()
    assert terminal.ask("9300CNnobody|COx|") == "940"
    assert terminal.ask("9300CNkiosk|COwrong|") == "940"
    assert library.messages == []
    assert terminal.ask(checked("9300CNkiosk|COright|", 0)).startswith("941")
    assert library.messages[0][1]["fields"] == [{"CN": "system"}, {"CO": "inner"}]
    assert terminal.ask(ITEM) == "96AZFEF6"
    assert terminal.ask(checked(ITEM, 1)) == checked(f"18030101{DATE}AB31000001|AFHi|", 1)
    assert "BXYNYNYNYYNYYNNNYN|" in terminal.ask(checked("9909992.00", 2))


def test_a_balancer_and_a_telnet_terminal(library, run):
    extra = free_ports(1)
    mediator = run(config=READY + f'''proxy-protocol = true
proxies = "127.0.0.1"
allow = "192.0.2.0/24"
[[listener]]
listen = "127.0.0.1:{extra}"
mode = "telnet"
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
''')
    terminal = mediator.connect()
    terminal.send(b"PROXY TCP4 192.0.2.4 198.51.100.1 4711 6001\r\n" + LOGIN.encode())
    assert terminal.receive() == "941"
    assert library.requests[0][1]["x-sip2-client"] == "192.0.2.4:4711"
    foreign = mediator.connect()
    foreign.send(b"PROXY TCP4 203.0.113.4 198.51.100.1 4711 6001\r\n" + LOGIN.encode())
    assert foreign.receive() == ""

    telnet = mediator.connect(extra)
    telnet.send(b"\xff\xfb\x01siplogin")
    telnet.send("sippassword")
    received = b""
    while b"Initiating SIP" not in received:
        received += telnet.socket.recv(4096)
    assert received == b"login: password: Login OK.  Initiating SIP\r\n"[:len(received)]


# --- operators -------------------------------------------------------------------------------------------------------

def test_operators_list_trace_kick_and_drain(library, run):
    mediator = run("--http-port", library.port)
    admin = ["admin", "--url", f"http://127.0.0.1:{mediator.http_port}", "--token", "token"]
    terminal = mediator.connect()
    terminal.ask(LOGIN)
    listed = client(*admin, "list")
    assert listed.returncode == 0 and "siplogin" in listed.stdout
    identity = mediator.call("terminal.list")["result"]["terminals"][0]["id"]
    mediator.call("terminal.trace", id=identity)
    terminal.ask(f"23000{DATE}AOx|AAcard|AC|AD9753|")
    trace = mediator.call("terminal.trace", id=identity)["result"]
    assert len(trace["lines"]) == 2 and "AD***" in trace["lines"][0]
    assert client(*admin, "kick", identity).returncode == 0
    assert terminal.receive() == ""
    assert client(*admin, "kick", "none").returncode == 5
    assert client(*admin[:3], "--token", "wrong", "list").returncode == 3
    assert '"ready":"yes"' in client(*admin, "status", "--json").stdout
    table = client(*admin, "status").stdout
    assert re.search(r"^ready +yes$", table, re.M) and re.search(rf"^http://127.0.0.1:{library.port}\S* +yes +0 ", table, re.M)
    assert "terminal.kick" in client(*admin, "help").stdout
    assert '"required":["id"]' in client(*admin, "help", "terminal.trace").stdout
    terminal = mediator.connect()
    terminal.ask(LOGIN)
    identity = mediator.call("terminal.list")["result"]["terminals"][-1]["id"]
    traced = client(*admin, "terminal.trace", f"id={identity}", "from=5")
    assert traced.returncode == 0 and '"next":0' in traced.stdout, traced.stderr
    assert "must be an integer" in client(*admin, "terminal.trace", identity, "from=x").stderr
    assert client(*admin, "drain").returncode == 0
    assert mediator.child.wait(20) == 0


def test_health_readiness_and_metrics(library, run):
    mediator = run("--http-port", library.port)
    assert mediator.get("/health")[0] == 200
    assert mediator.get("/ready")[0] == 200
    terminal = mediator.connect()
    terminal.ask(LOGIN)
    assert mediator.metric("sip2_requests_total") == 1
    assert mediator.metric("sip2_terminals") == 1
    assert mediator.post("/rpc", "{}", token="wrong")[0] == 401


def test_the_direct_door(library, run):
    mediator = run(config=READY + f'''
[http]
listen = "127.0.0.1:9"
token = "token"
door = true
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
''')
    for code in (93, "93"):
        status, body, headers = mediator.post(
            "/sip2-mediator?session=abc", json.dumps({"code": code, "fixed_fields": ["0", "0"],
                                                      "fields": [{"CN": "u"}, {"CO": "p"}]}))
        assert (status, json.loads(body)["code"]) == (200, "94")
        assert headers["X-Session"] == "abc"
    assert library.messages[0][0] == "abc"
    status, body, _ = mediator.post("/sip2-mediator", ITEM, "text/plain")
    assert (status, body) == (200, f"18030101{DATE}AB31000001|AJEmma|\r")
    assert mediator.post("/sip2-mediator", "{}")[0] == 400
    assert mediator.post("/sip2-mediator", '{"code":"94"}')[0] == 400
    assert mediator.post("/sip2-mediator", "{}", token="wrong")[0] == 401
    library.behave = lambda *_: b"nonsense"
    status, body, _ = mediator.post("/sip2-mediator", ITEM, "text/plain")
    assert status == 502 and body.startswith("18010101")


def test_the_door_obeys_require_login(library, run):
    mediator = run(config=READY + f'''
[http]
listen = "127.0.0.1:9"
token = "token"
door = true
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
[profile.default]
require-login = true
''')
    status, body, _ = mediator.post("/sip2-mediator?session=s", ITEM, "text/plain")
    assert status == 403 and body.startswith("18010101")
    assert library.messages == []
    assert mediator.post("/sip2-mediator?session=s", LOGIN, "text/plain")[1] == "941\r"
    assert mediator.post("/sip2-mediator?session=s", ITEM, "text/plain")[0] == 200
    assert mediator.post("/sip2-mediator?session=other", ITEM, "text/plain")[0] == 403
    assert mediator.post("/sip2-mediator", ITEM, "text/plain")[0] == 403


def test_the_door_obeys_accounts_and_its_failures_are_counted(library, run):
    mediator = run(config="only-known-accounts = true\n" + READY + f'''
[http]
listen = "127.0.0.1:9"
token = "token"
door = true
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
[[account]]
login = "known"
password = "right"
backend-login = "there"
''')
    for login, password, answer in (("other", "x", "940\r"), ("known", "wrong", "940\r"), ("known", "right", "941\r")):
        assert mediator.post("/sip2-mediator?session=s", f"9300CN{login}|CO{password}|", "text/plain")[1] == answer
    assert [dict(f for field in m["fields"] for f in field.items())["CN"] for _, m in library.messages] == ["there"]
    library.behave = lambda *_: b"nonsense"
    assert mediator.post("/sip2-mediator", ITEM, "text/plain")[0] == 502
    assert mediator.metric("sip2_unusable_answers_total") == 1
    library.behave = lambda _, connection, *__: connection.sendall(http_answer(b"no", 500))
    assert mediator.post("/sip2-mediator", ITEM, "text/plain")[0] == 502
    assert mediator.metric("sip2_failure_answers_total") == 2
    assert mediator.metric("sip2_backend_failures_total") == 1


def test_the_http_port_with_tls(library, run, tmp_path):
    """The door, the metrics and sip2-client admin over HTTPS; a token that is changed holds at once."""
    pem = make_certificate(tmp_path)
    port = free_ports(1)
    config = READY + f'''
[http]
listen = "127.0.0.1:{port}"
token = "TOKEN"
certificate-file = "{pem}"
door = true
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
'''
    mediator = run(config=config, admin=False)

    def post(body, token):
        trusting = ssl.create_default_context(cafile=pem)
        with contextlib.closing(http.client.HTTPSConnection("localhost", port, timeout=10, context=trusting)) as connection:
            connection.request("POST", "/sip2-mediator", body, {"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    message = json.dumps({"code": 17, "fixed_fields": [DATE], "fields": [{"AB": "1"}]})
    assert post(message, "TOKEN")[0] == 200
    admin = ["admin", "--url", f"https://localhost:{port}", "--tls-ca", pem, "--token"]
    assert client(*admin, "TOKEN", "status").returncode == 0
    assert client(*admin[:3], "--token", "TOKEN", "status").returncode == 2  # nobody vouches for it
    mediator.write_config(config.replace("TOKEN", "other"))
    until(lambda: post(message, "other")[0] == 200, "the new token")
    assert post(message, "TOKEN")[0] == 401
    assert client(*admin, "other", "reload").returncode == 0


def test_terminals_that_show_a_certificate_and_terminals_over_ipv6(library, run, tmp_path):
    pem, mine, other = (make_certificate(tmp_path, name) for name in ("localhost", "kiosk", "stranger"))
    six = free_ports(1)
    mediator = run(config=READY + f'''certificate-file = "{pem}"
client-ca-file = "{mine}"
[[listener]]
listen = "[::1]:{six}"
allow = "::1"
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
''')
    common = ["--sip-username", "u", "--sip-password", "p", "--institution", "i"]
    tls = ["--sip-port", mediator.port, "--tls", "--tls-ca", pem, *common]
    assert client(*tls, "--tls-cert", mine).returncode == 0
    assert client(*tls).returncode in (2, 4)
    assert client(*tls, "--tls-cert", other).returncode in (2, 4)
    assert library.codes().count("93") == 1
    assert client("--sip-address", "::1", "--sip-port", six, *common).returncode == 0
    assert library.requests[-1][1]["x-sip2-client"].startswith("[::1]:")


# --- real neighbours -------------------------------------------------------------------------------------------------

NGINX = """
daemon off; pid nginx.pid; error_log stderr warn; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream ils {{ server 127.0.0.1:{library}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {pem}; ssl_certificate_key {pem};
    ssl_client_certificate {client}; ssl_verify_client on;
    keepalive_timeout 1s;
    location / {{ proxy_pass http://ils; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""


@pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="nginx is not installed")
def test_nginx_with_tls_and_client_certificates_in_front_of_the_library(library, run, tmp_path):
    pem, mine = make_certificate(tmp_path), make_certificate(tmp_path, "mediator")
    port = free_ports(1)
    (tmp_path / "nginx.conf").write_text(NGINX.format(library=library.port, port=port, pem=pem, client=mine))
    nginx = Process("nginx", ["/usr/sbin/nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", "stderr"], tmp_path)
    try:
        mediator = run(config=READY + f'[backend]\nurl = "https://localhost:{port}/sip2-mediator"\nca-file = "{pem}"\n'
                                      f'certificate-file = "{mine}"\nkey-file = "{mine}"\n')
        until(lambda: mediator.connect().ask(LOGIN) == "941", "nginx to be up", seconds=20)
        terminal = mediator.connect()
        for _ in range(20):
            assert terminal.ask(ITEM).startswith("18030101")
        count = len(library.codes())
        until(lambda: open_ends(port) == 0, "nginx to close what is idle, and the mediator to notice")
        assert terminal.ask(ITEM).startswith("18030101")
        assert library.codes()[count:].count("17") == 1
        assert mediator.drain() == 0
    finally:
        nginx.stop()
        nginx.kill()


def test_5000_connections_without_login_and_a_dripping_one_disturb_nobody(library, run):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(5000, hard - 500)
    mediator = run("--http-port", library.port, "--max-clients", 0)
    terminal = mediator.connect()
    assert terminal.ask(LOGIN) == "941"
    silent = []
    try:
        for n in range(count):
            silent.append(mediator.connect())
            if n % 100 == 0:
                silent[-1].send("93", end=b"")  # and no more
            if n % 50 == 0:
                assert terminal.ask(ITEM) == f"18030101{DATE}AB31000001|AJEmma|"
        until(lambda: mediator.metric("sip2_terminals") == count + 1, "all of them to be accepted")
        assert mediator.metric("sip2_connections_refused_total") == 0
        assert terminal.ask(ITEM) == f"18030101{DATE}AB31000001|AJEmma|"
    finally:
        for connection in silent:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    until(lambda: mediator.metric("sip2_terminals") == 1, "the silent ones to be gone")


def test_more_terminals_than_descriptors_leave_the_way_to_the_back_end_open(library, run):
    mediator = run("--http-port", library.port, "--max-clients", 5000, under=["prlimit", "--nofile=100:200"])  # it may have 200
    until(lambda: "max-clients is 5000, but 200 open files have room for 103 terminals" in mediator.log(), "the line in the log")
    crowd = [mediator.connect() for _ in range(300)]
    terminals = crowd[:40]
    assert [t.ask(LOGIN) for t in terminals] == ["941"] * 40  # at the same time: more than one connection is opened
    until(lambda: "max_clients=103" in mediator.log(), "one too many")


def test_the_documented_configuration_is_right(tmp_path):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/sip2.md").read_text()
    text = page.split("```toml\n")[1].split("```")[0]
    file = tmp_path / "documented.toml"
    file.write_text(text.replace('{ file = "/etc/tandem/sip2.token" }', '"x"').replace('"..."', '"secret"'))
    done = subprocess.run([BIN / "sip2-mediator", "--check", "--config", file], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def test_every_metric_is_on_the_page(demo):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/sip2.md").read_text()
    named = set(re.findall(r"`(\w+)(?:\{[\w,]+\})?`", page.split("## Numbers for monitoring")[1].split("\n## ")[0]))
    there = set(re.findall(r"^# TYPE (\w+)", demo.get("/metrics")[1], re.M))
    assert there - named == set(), "not on the page"
    assert {name for name in named if name.startswith(("sip2_", "process_", "tandem_"))} - there == set(), "not there"


def test_requests_and_the_demonstration_s_answers_are_as_the_documented_schema_says(demo):
    jsonschema = pytest.importorskip("jsonschema")
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs/sip2-backend.md").read_text()
    schema = json.loads([part.split("```")[0] for part in page.split("```json\n")[1:]][-1])
    judge = jsonschema.Draft202012Validator(schema)
    for bad in ({}, {"code": "9"}, {"code": "93", "fields": [{"toolong": "x"}]}, {"code": 93, "fixed_fields": [None]}):
        assert not judge.is_valid(bad)
    messages = ["sc-status", "patron-status", "patron-information", "item-information", "checkout", "renew", "renew-all",
                "checkin", "hold", "cancel-hold", "fee-payment", "end-session", "block-patron", "patron-enable",
                "item-status-update"]
    done = ask(demo, "--fee-amount", "1.00", "--pickup-location", "MAIN", "--json",
               *(part for name in messages for part in ("--message", name)))
    lines = done.stdout.splitlines()
    assert len(lines) == len(messages) + 1, done.stderr
    for line in lines:
        for message in (json.loads(line)["sent"], json.loads(line)["received"]):
            judge.validate(message)


def test_a_port_that_is_taken_is_told(library, run, tmp_path):
    mediator = run("--http-port", library.port)
    second = subprocess.run([BIN / "sip2-mediator", "--log", "stderr", "--sip-port", str(mediator.port), "--http-port",
                             str(library.port)], capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 1
    assert f"127.0.0.1:{mediator.port}" in second.stderr


def test_a_peer_over_tls_is_told_that_it_was_all_rfc_8446_6_1(run, tmp_path, library):
    pem = make_certificate(tmp_path)
    port = free_ports(1)
    mediator = run(admin=False, config=f'''
[[listener]]
listen = "127.0.0.1:PORT"
certificate-file = "localhost.pem"
[http]
listen = "127.0.0.1:{port}"
certificate-file = "localhost.pem"
[backend]
url = "http://127.0.0.1:{library.port}/sip2-mediator"
''')
    trusting = ssl.create_default_context(cafile=pem)
    trusting.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # Python's default takes an end without close_notify for a good one
    peers = []
    for at, asked in ((mediator.port, LOGIN + "\r"), (port, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")):
        plain = socket.create_connection(("127.0.0.1", at), timeout=10)
        peers.append(trusting.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False))
        peers[-1].sendall(asked.encode())
        assert peers[-1].recv(65536)
    assert mediator.drain() == 0
    for peer in peers:
        assert peer.recv(65536) == b"", "it was cut off"  # else ssl.SSLEOFError
        peer.close()
