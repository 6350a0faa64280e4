# SPDX-License-Identifier: Apache-2.0
"""tandemctl: the commands of a running tandemd from a terminal, over the unix socket and over HTTP."""
import json
import os
import shutil
import signal
import subprocess

import pytest

from harness.server import TOKENS, tandemd_path
from harness.waiting import until

pytestmark = [pytest.mark.tandem_only,
              pytest.mark.skipif(not tandemd_path().with_name("tandemctl").exists(), reason="tandemctl is not built")]

REGISTRAR = """loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "usrloc.so"\nloadmodule "registrar.so"
route { if (method=="REGISTER") { save("location"); exit; } sl_send_reply("404", "Not Found"); }\n"""
PROGRAM = tandemd_path().with_name("tandemctl")


def run(*words, **environment):
    """Runs it with nothing of this environment that could lead it elsewhere."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")}
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, timeout=60, check=False, env={**clean, **environment})


@pytest.fixture
def ctl(serve):
    """ctl(script) starts a server and gives what asks it: ctl("ul", "list")."""
    def start(script=REGISTRAR, **more):
        server = serve(script, **more)
        return server, lambda *words, **environment: run("-s", server.control_socket, *words, **environment)
    return start


def test_it_asks_over_the_socket_and_prints_tables_or_json(ctl, endpoint):
    server, ask = ctl()
    for name in ("alice", "bob"):
        peer = endpoint(server, name)
        assert peer.exchange(peer.register()).status == 200
    table = ask("ul", "list").stdout.splitlines()
    assert table[0].split()[:2] == ["AOR", "CONTACT"] and {line.split()[0] for line in table[1:]} == {"alice", "bob"}
    records = json.loads(ask("ul", "list", "--json").stdout)["records"]
    assert {record["aor"] for record in records} == {"alice", "bob"} == {r["aor"] for r in json.loads(ask("--json", "ul.list").stdout)["records"]}
    assert len(json.loads(ask("ul", "list", "limit=1", "--json").stdout)["records"]) == 1
    assert ask("loglevel", "-1").stdout == "level  -1\n"
    assert ask("config", "reload").returncode == 0
    assert "tandem_script_requests_total" in ask("stats", "tandem_script").stdout
    assert ask("version", TANDEM_SOCKET="/nowhere").returncode == 0, "the command line wins over the environment"
    assert run("version", TANDEM_SOCKET=str(server.control_socket)).stdout.startswith("name     tandemd\n")


def test_every_command_of_the_server_has_a_page_and_is_completed(ctl):
    server, ask = ctl()
    names = json.loads(ask("--json", "help").stdout)
    listed = [line.split("  ")[0] for line in ask("help").stdout.splitlines()]
    assert listed == [name.replace(".", " ") for name in sorted(names)]
    for name in names:
        page = ask("help", *name.split(".")).stdout
        assert page.startswith(f"NAME\n    {name} - ") and f"tandemctl {name.replace('.', ' ')}" in page and "\nROLE\n" in page
    first = {name.split(".")[0] for name in names} | {"completion", "watch"}
    assert set(ask("complete", "--", "").stdout.split()) == first
    assert set(ask("complete", "--", "config", "").stdout.split()) == {"check", "reload"}
    assert {"aor=", "limit="} <= set(ask("complete", "--", "ul", "list", "").stdout.split())
    assert server.is_alive()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_completion_scripts_are_good(ctl, tmp_path, shell):
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell}")
    server, ask = ctl()
    script = tmp_path / "completion"
    script.write_text(ask("completion", shell).stdout)
    assert subprocess.run([shell, "-n", script], capture_output=True, check=False).returncode == 0
    if shell == "bash":
        probe = f'source {script}; COMP_WORDS=(tandemctl ul li); COMP_CWORD=2; _tandemctl; echo "${{COMPREPLY[@]}}"'
        result = subprocess.run(["bash", "-c", probe], capture_output=True, text=True, check=False,
                                env={**os.environ, "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "TANDEM_SOCKET": str(server.control_socket)})
        assert result.stdout == "list\n", result


def test_over_http_a_token_file_says_what_one_may(serve, tmp_path):
    server = serve(REGISTRAR, http=True)
    url = f"http://127.0.0.1:{server.http_port}"
    tokens = tmp_path / "token"
    tokens.write_text("# mine\n" + TOKENS["read"] + "\n")
    assert run("--url", url, "--token-file", tokens, "stats").returncode == 0
    refused = run("--url", url, "--token-file", tokens, "config", "reload")
    assert refused.returncode == 3 and "needs the role change, and the caller has read" in refused.stderr
    tokens.write_text(f"change {TOKENS['change']}\n")
    assert run("config", "reload", TANDEM_URL=url, TANDEM_TOKEN_FILE=str(tokens)).returncode == 0
    tokens.write_text("not-a-token-of-this-server\n")
    assert run("--url", url, "--token-file", tokens, "stats").returncode == 3
    assert run("--url", url, "stats").returncode == 3
    assert not any(token in server.log() for token in TOKENS.values())


def test_exit_codes_tell_a_script_what_happened(ctl, tmp_path):
    server, ask = ctl()
    assert ask("version").returncode == 0
    for wrong in (("ul", "lsit"), ("loglevel", "loud"), ("loglevel", "99"), ("ul", "list", "a", "1", "b", "c", "nothing=1"), ("watch",), ("completion", "fish")):
        result = ask(*wrong)
        assert result.returncode == 1 and result.stderr.startswith("tandemctl: ") and not result.stdout, wrong
    assert run().returncode == 1 and run("--no-such-option").returncode == 1 and run("--help").returncode == 0
    nobody = run("-s", tmp_path / "nobody", "version")
    assert nobody.returncode == 2 and "nobody listens there" in nobody.stderr
    assert run("--url", "http://127.0.0.1:1", "version").returncode == 2
    server.config.write_text(server.config.read_text() + "\nroute { no_such_function(); }\n")
    failed = ask("config", "check")
    assert failed.returncode == 5 and "no_such_function" in failed.stderr


def test_watch_goes_on_while_the_server_is_away(ctl):
    server, ask = ctl()
    assert ask("watch", "-n", "1", "-c", "2", "version").stdout.count("tandemd") == 2
    child = subprocess.Popen([PROGRAM, "-s", server.control_socket, "watch", "-n", "1", "uptime"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline().startswith("now")
        server.child.send_signal(signal.SIGTERM)
        assert server.child.wait(20) == 0
        server.finish = lambda: None
        assert "nobody listens there" in child.stderr.readline()
        assert child.poll() is None
    finally:
        child.terminate()
        child.wait(10)
        child.stdout.close()
        child.stderr.close()


def test_what_peers_wrote_does_not_steer_the_terminal(ctl, endpoint):
    server, ask = ctl()
    alice = endpoint(server, "alice")
    alice.send(bytes(alice.register()).replace(b"\r\n\r\n", b"\r\nUser-Agent: \x1b[2J\xc2\x9b31m\r\n\r\n", 1))
    alice.receive_response(200, "REGISTER")
    until(lambda: "alice" in ask("ul", "list").stdout, "the contact")
    for output in (ask("ul", "list").stdout, ask("ul", "list", "--json").stdout):
        assert "\x1b" not in output and "\x9b" not in output
