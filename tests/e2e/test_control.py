# SPDX-License-Identifier: Apache-2.0
"""The HTTP port of tandemd: commands and who may use them, metrics, health."""
import json
import pathlib
import re
import signal
import socket
import subprocess

import pytest

from harness.control import CommandError
from harness.endpoint import ack_of
from harness.server import ROOT, TOKENS, tandemd_path
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

OK = 'loadmodule "sl.so"\nroute { sl_send_reply("200", "OK"); }\n'
REGISTRAR = """loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "usrloc.so"\nloadmodule "registrar.so"
route { if (method=="REGISTER") { save("location"); exit; }
        if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; } t_relay(); }\n"""
NEEDS = {"help": "user", "version": "user", "print": "user", "which": "user", "stats": "read", "ul.list": "read", "ul.show": "read", "ul.dump": "read",
         "ul.stats": "read", "sl.stats": "read", "tm.list": "read", "config.check": "read", "uptime": "read", "pwd": "read", "arg": "read", "ps": "read", "locate": "read", "tls.reload": "change",
         "loglevel": "change", "config.reload": "change", "ul.add": "change", "ul.rm": "change", "ul.rm_contact": "change", "ul.flush": "change", "kill": "admin", "drain": "admin"}


def test_each_command_tells_its_role_and_obeys_it(serve):
    server = serve(OK, http=True)
    assert set(server.ask("help")) == set(NEEDS)
    ranks = list(TOKENS)
    for command, needs in NEEDS.items():
        told = server.ask("help", command)
        assert told["role"] == needs and told["parameters"]["type"] == "object" and told["reply"]["type"] == "object", command
        for role, token in TOKENS.items():
            if command in ("kill", "drain") and role == "admin":
                continue  # it would be done
            answer = server.call(command, token=token)
            is_allowed = ranks.index(role) >= ranks.index(needs)
            assert (answer.get("error", {}).get("code") != -32002) == is_allowed, (command, role, answer)
    for wrong in ("x", TOKENS["admin"] + "x", TOKENS["admin"][:-1], ""):
        assert server.post("/rpc", "{}", token=wrong)[0] == 401


def test_no_token_stands_in_the_log_or_the_process_list(serve):
    server = serve(OK, http=True, options=("-d", "-d"))
    server.post("/rpc", "{}", token="wrong-token-of-a-stranger")
    server.config.write_text(server.config.read_text() + "\nroute { no_such_function(); }\n")
    for token in TOKENS.values():
        server.call("config.check", token=token)
        server.call("config.reload", token=token)
    told = server.log() + pathlib.Path(f"/proc/{server.pid}/cmdline").read_text()
    assert not any(token in told for token in (*TOKENS.values(), "wrong-token-of-a-stranger"))
    assert "config.reload by json-rpc 127.0.0.1:" in told


def test_there_is_no_http_port_unless_the_script_asks_for_one_and_a_port_alone_is_of_the_loopback(serve):
    server = serve(OK)
    assert "HTTP port" not in server.log()
    other = serve(OK, prologue="http_listen=0\n")
    assert re.search(r"HTTP port at 127\.0\.0\.1:\d+\n", other.log())
    other.http_port = int(re.search(r"HTTP port at 127\.0\.0\.1:(\d+)", other.log())[1])
    assert other.get("/health")[0] == 200
    assert other.post("/rpc", "{}")[0] == 401, "without tokens nobody may"


@pytest.mark.parametrize("line,complaint", [('http_listen="nowhere"', "neither an address with a port nor a port"), ('http_listen="127.0.0.1:99999"', "neither an address with a port nor a port"),
                                            ('http_tokens="/no/such/file"', "No such file"), ('http_tokens="{}"', "line 1: expected user, read, change or admin")])
def test_a_check_refuses_an_http_port_that_cannot_be(tmp_path, line, complaint):
    tokens = tmp_path / "tokens"
    tokens.write_text("root 0123456789abcdef\n")
    tokens.chmod(0o600)
    script = tmp_path / "http.cfg"
    script.write_text(f"{line.format(tokens)}\n{OK}")
    for options in (("-c", "-f", script), ("-f", script, "-D", "-E", "-p", "0", "-l", "127.0.0.1:0")):
        if "http_tokens" in line and "-c" not in options:
            continue  # without an HTTP port a start has no use for them
        result = subprocess.run([tandemd_path(), *options], capture_output=True, text=True, timeout=20, check=False)
        assert result.returncode == 1 and complaint in result.stdout + result.stderr, (options, result)


def test_a_file_of_tokens_that_others_may_read_is_refused(tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("admin 0123456789abcdef\n")
    tokens.chmod(0o644)
    script = tmp_path / "http.cfg"
    script.write_text(f'http_tokens="{tokens}"\n{OK}')
    result = subprocess.run([tandemd_path(), "-c", "-f", script], capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1 and "others may read it" in result.stdout + result.stderr


def test_ul_list_pages_through_all_who_are_registered(serve, endpoint):
    server = serve(REGISTRAR, http=True)
    assert server.ask("ul.list")["records"] == []
    users = {f"user{n}" for n in range(40)}
    for name in users:
        peer = endpoint(server, name)
        assert peer.exchange(peer.register()).status == 200
    found, start, pages = [], None, 0
    while pages == 0 or start:
        page = server.ask("ul.list", limit=7, **({"from": start} if start else {}))
        assert len(page["records"]) <= 7
        found += page["records"]
        start, pages = page.get("next"), pages + 1
    assert sorted(r["aor"] for r in found) == sorted(users)
    one = server.ask("ul.list", aor="user7")["records"]
    assert len(one) == 1 and one[0]["aor"] == "user7"
    contact = one[0]["contacts"][0]
    assert contact["contact"].startswith("sip:user7@127.0.0.1:") and 0 < contact["expires"] <= 3600
    assert server.metric("tandem_registrations") == 40
    for bad in ("x", "1", "1.zz", "99999999999.0"):
        assert server.call("ul.list", **{"from": bad})["error"]["code"] == -32602
    assert server.call("ul.list", table="none")["error"]["code"] == -32001


def test_what_phones_write_is_valid_json_in_an_answer(serve, endpoint):
    server = serve(REGISTRAR, http=True)
    alice = endpoint(server, "alice")
    request = bytes(alice.register()).replace(b"\r\n\r\n", b'\r\nUser-Agent: a"b\\c\xff\xc3\xa9\r\n\r\n', 1)
    alice.send(request)
    alice.receive_response(200, "REGISTER")
    assert server.ask("ul.list")["records"][0]["contacts"][0]["user_agent"].startswith('a"b\\c')


def test_tm_list_shows_a_call_that_rings(serve, endpoint):
    server = serve(REGISTRAR, http=True)
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    assert bob.exchange(bob.register()).status == 200
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 180, "Ringing", to_tag="b1"))
    alice.receive_response(180, "INVITE")
    rows = server.ask("tm.list", limit=1000)["transactions"]
    mine = {row["side"]: row for row in rows if row.get("method") == "INVITE"}
    assert mine["client"]["state"] == mine["server"]["state"] == "proceeding", rows
    assert mine["client"]["peer"] == f"127.0.0.1:{bob.port}"
    assert mine["client"]["call_id"] == mine["server"]["call_id"] and mine["client"]["call_id"] in str(invite)
    bob.send(bob.response(arrived, 486, "Busy Here", to_tag="b1"))
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))
    assert bob.receive_request("ACK")


def test_metrics_add_up_over_all_shards_and_every_way_to_read_them_says_the_same(serve, endpoint):
    server = serve(OK, http=True)
    alice = endpoint(server, "alice")
    for _ in range(30):  # each has a Call-ID of its own, so that every shard gets some
        assert alice.exchange(alice.request("OPTIONS", "sip:example.test")).status == 200
    assert server.metric("tandem_script_requests_total") == 30
    assert server.ask("stats", "tandem_script_requests_total") == {"tandem_script_requests_total": 30}
    assert server.ask("stats")['tandem_messages_total{transport="udp",dir="in"}'] == 30
    lost = {name: count for name, count in server.ask("stats").items() if name.startswith("tandem_out_of_memory_total")}
    assert lost == {f'tandem_out_of_memory_total{{what="{what}"}}': 0 for what in ("message", "event", "timer")}
    server.child.send_signal(signal.SIGUSR1)
    until(lambda: "statistics: tandem_script_requests_total: 30\n" in server.log(), "the statistics")


def test_a_broken_script_is_told_by_a_check_and_refused_by_a_reload(serve, endpoint):
    server = serve(OK, http=True)
    good = server.config.read_text()
    assert server.ask("config.check") == {"complaints": "", "needs_restart": []}
    server.config.write_text(good + "\nroute[1] { no_such_function(); }\n")
    for command in ("config.check", "config.reload"):
        with pytest.raises(CommandError, match="no_such_function"):
            server.ask(command)
    server.config.write_text(good.replace('"OK"', '"Fine"') + "\nchildren=3\n")
    assert server.ask("config.check")["needs_restart"] == ["children"]
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("OPTIONS", "sip:example.test")).first_line == "SIP/2.0 200 OK"
    assert server.ask("config.reload")["needs_restart"] == ["children"]
    assert alice.exchange(alice.request("OPTIONS", "sip:example.test")).first_line == "SIP/2.0 200 Fine"


def test_loglevel_counts_until_the_next_reload(serve, endpoint):
    server = serve(OK, http=True)
    assert server.ask("loglevel") == {"level": 2}
    assert server.ask("loglevel", 4) == {"level": 4} == server.ask("loglevel", level=4)
    assert server.call("loglevel", 9)["error"]["code"] == -32602
    server.config.write_text(server.config.read_text() + "\ndebug=3\n")
    server.ask("config.reload")
    assert server.ask("loglevel") == {"level": 3}


def test_tokens_follow_a_reload_and_stay_when_their_file_cannot_be_read(serve):
    server = serve(OK, http=True)
    tokens = server.config.with_name("tokens")
    tokens.write_text("admin another-token-0123456789\n")
    server.ask("config.reload")
    assert server.post("/rpc", "{}")[0] == 401
    server.token = "another-token-0123456789"
    tokens.unlink()
    assert "the tokens stay what they were" in server.ask("config.reload")["complaints"]
    assert server.ask("version")["name"] == "tandemd"


def test_it_is_ready_until_it_drains(serve, endpoint):
    server = serve(REGISTRAR, http=True)
    assert server.get("/health") == (200, "ok\n") and server.get("/ready") == (200, "ready\n")
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    assert bob.exchange(bob.register()).status == 200
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    server.child.send_signal(signal.SIGTERM)
    until(lambda: server.get("/ready") == (503, "draining\n"), "it to say that it drains")
    assert server.get("/health")[0] == 200
    bob.send(bob.response(arrived, 486, "Busy Here", to_tag="b1"))
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))
    assert bob.receive_request("ACK")
    alice.close()
    bob.close()
    assert server.child.wait(20) == 0
    server.finish = lambda: None  # it has ended


def test_who_asks_and_never_reads_harms_nobody(serve, endpoint):
    server = serve(REGISTRAR, http=True)
    peers = [endpoint(server, f"user{n}") for n in range(20)]
    for peer in peers:
        assert peer.exchange(peer.register()).status == 200
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ul.list", "params": {"limit": 1000}})
    request = (f"POST /rpc HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKENS['read']}\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()
    stuck = []
    for _ in range(10):
        one = socket.create_connection(("127.0.0.1", server.http_port))
        one.setblocking(False)
        stuck.append(one)
        sent = 0
        try:
            while sent < 1 << 20:  # until nobody takes more, or as much as any queue should hold
                sent += one.send(request * 50)
        except BlockingIOError:
            pass
    before = server.resident_kilobytes()
    for number in range(100):
        peer = peers[number % len(peers)]
        assert peer.exchange(peer.request("OPTIONS", "sip:nobody@example.test")).status == 404
        assert server.get("/health")[0] == 200
    assert server.resident_kilobytes() - before < 64 * 1024
    for one in stuck:
        one.close()


def test_the_commands_of_the_page_run(serve, endpoint, tmp_path):
    """Every block of docs/control.md that is marked sh, with the port and the token of this server."""
    server = serve(REGISTRAR, http=True)
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.register()).status == 200
    page = (ROOT / "docs/control.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```\n(?:```json\n(.*?)```)?", page, re.S)
    assert len(blocks) >= 5
    for commands, answer in blocks:
        text = commands.replace("127.0.0.1:8060", f"127.0.0.1:{server.http_port}").replace("/etc/tandem/tokens", str(server.config.with_name("tokens")))
        result = subprocess.run(["/bin/sh", "-ec", text], capture_output=True, text=True, timeout=30, check=False, cwd=tmp_path)
        assert result.returncode == 0, (commands, result.stdout, result.stderr)
        if answer:
            shape = json.loads(result.stdout)
            wanted = json.loads(answer)
            assert shape.keys() == wanted.keys() and shape.get("result", {}).keys() >= wanted.get("result", {}).keys(), (commands, result.stdout)
