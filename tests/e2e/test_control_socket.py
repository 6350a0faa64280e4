# SPDX-License-Identifier: Apache-2.0
"""The unix socket of tandemd: commands without tokens, for whom the kernel names."""
import json
import os
import pathlib
import pwd
import signal
import socket
import stat
import subprocess
import sys
import tempfile

import pytest

from harness.control import CommandError, ControlSocket
from harness.server import ROOT, tandemd_path
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

OK = 'loadmodule "sl.so"\nroute { sl_send_reply("200", "OK"); }\n'
REGISTRAR = """loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "usrloc.so"\nloadmodule "registrar.so"
route { if (method=="REGISTER") { save("location"); exit; } sl_send_reply("404", "Not Found"); }\n"""
PROXY = REGISTRAR.replace('sl_send_reply', 'if (lookup("location")) { t_relay(); exit; } sl_send_reply')
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def open_folder():
    """A folder that other users can reach, as the folders of pytest are not."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


def test_the_servers_own_user_may_do_everything(serve):
    server = serve(OK)
    mode = server.control_socket.lstat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    with ControlSocket(server.control_socket) as door:
        assert door.ask("version")["name"] == "tandemd"
        assert door.ask("loglevel", level=4) == {"level": 4}
        assert door.ask("config.reload") == {"complaints": "", "needs_restart": []}
        with pytest.raises(CommandError, match="there is no command"):
            door.ask("no.such.command")
    assert f"config.reload by socket user {os.geteuid()} (process {os.getpid()})" in server.log()


def test_the_file_is_gone_with_the_server_and_a_left_one_is_replaced(serve, monkeypatch):
    server = serve(OK)
    path = server.control_socket
    server.child.send_signal(signal.SIGTERM)
    assert server.child.wait(20) == 0
    server.finish = lambda: None
    assert not path.exists()
    left = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(path.parent)  # its path may be too long for an address
    left.bind(path.name)
    left.close()
    other = serve(OK, prologue=f'control_socket="{path}"\n')
    with ControlSocket(path) as door:
        assert door.ask("version")["name"] == "tandemd"
    assert other.is_alive()


def start(tmp_path, line, *options):
    script = tmp_path / "one.cfg"
    script.write_text(f"{line}\n{OK}")
    return subprocess.run([tandemd_path(), "-f", script, "-D", "-E", "-l", "127.0.0.1:0", *options], capture_output=True, text=True, timeout=20, check=False)


def test_a_second_server_does_not_take_the_socket_of_the_first(serve, tmp_path):
    server = serve(OK)
    result = start(tmp_path, f'control_socket="{server.control_socket}"')
    assert result.returncode == 1 and "another program listens there" in result.stderr, result
    with ControlSocket(server.control_socket) as door:
        assert door.ask("version")


def test_no_link_and_no_other_file_is_touched(tmp_path):
    (tmp_path / "plain").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name, complaint in (("plain", "not a socket"), ("link", "symbolic link"), ("no/such/folder", "No such file")):
        result = start(tmp_path, f'control_socket="{tmp_path / name}"', "-u", "root") if IS_ROOT else start(tmp_path, f'control_socket="{tmp_path / name}"')
        assert result.returncode == 1 and complaint in result.stderr, (name, result)
    assert (tmp_path / "plain").read_text() == "kept" and not (tmp_path / "target").exists()


def test_a_check_knows_the_group_and_a_reload_names_what_needs_a_restart(serve, tmp_path):
    script = tmp_path / "group.cfg"
    script.write_text(f'control_group="no-such-group"\n{OK}')
    result = subprocess.run([tandemd_path(), "-c", "-f", script], capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1 and "no-such-group" in result.stdout + result.stderr
    server = serve(OK)
    server.config.write_text(server.config.read_text() + '\ncontrol_socket=""\n')
    with ControlSocket(server.control_socket) as door:
        assert door.ask("config.reload")["needs_restart"] == ["control_socket"]
        assert door.ask("version")


def ask_as(user, path, *methods, groups=()):
    """What another user is answered."""
    program = f"""
import os, sys
os.setgroups({list(groups)})
os.setgid({user.pw_gid})
os.setuid({user.pw_uid})
sys.path.insert(0, {str(ROOT / "tests")!r})
from harness.control import ControlSocket
import json
with ControlSocket({str(path)!r}) as door:
    print(json.dumps([door.call(method) for method in {list(methods)}]))
"""
    result = subprocess.run([sys.executable, "-B", "-c", program], capture_output=True, text=True, timeout=20, check=False)
    return json.loads(result.stdout) if result.returncode == 0 else result.stderr


@pytest.mark.skipif(not IS_ROOT, reason="only root can be several users")
def test_a_group_gets_its_role_and_strangers_do_not_get_in(serve, open_folder):
    other = pwd.getpwnam("games")
    group = 54321
    path = open_folder / "control.sock"
    server = serve(OK, prologue=f'control_socket="{path}"\ncontrol_group="{group}"\ncontrol_group_role="change"\n')
    found = path.lstat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, group, 0o660)
    version, level, reload = ask_as(other, path, "version", "loglevel", "config.reload", groups=[group])
    assert "result" in version and "result" in level and "result" in reload
    assert "Permission denied" in ask_as(other, path, "version")
    path.chmod(0o666)
    version, stats = ask_as(other, path, "version", "stats")
    assert "result" in version and stats["error"]["code"] == -32002
    assert server.is_alive()


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_with_another_user_and_root_the_socket_belongs_to_that_user_and_is_removed(serve, open_folder):
    user = pwd.getpwnam("games")
    run = open_folder / "run"
    run.mkdir()
    os.chown(run, user.pw_uid, user.pw_gid)
    path = run / "control.sock"
    server = serve(OK, prologue=f'control_socket="{path}"\n', options=["-u", "games", "-t", str(open_folder)])
    assert path.lstat().st_uid == user.pw_uid
    with ControlSocket(path) as door:
        assert door.ask("loglevel", 3) == {"level": 3}
    server.child.send_signal(signal.SIGTERM)
    assert server.child.wait(20) == 0
    server.finish = lambda: None
    assert not path.exists()


def test_drain_waits_for_what_is_in_progress_and_then_stops(serve, endpoint):
    server = serve(PROXY)
    bob, alice = endpoint(server, "bob"), endpoint(server, "alice")
    assert bob.exchange(bob.register()).status == 200
    alice.send(alice.request("MESSAGE", f"sip:bob@{bob.domain}"))
    message = bob.receive_request("MESSAGE")
    with ControlSocket(server.control_socket) as door:
        with pytest.raises(CommandError, match="from 0 to 86400"):
            door.ask("drain", seconds=-1)
        assert door.ask("drain", seconds=600) == {"seconds": 600}
        with pytest.raises(CommandError, match="stopping already"):
            door.ask("drain")
        assert alice.exchange(alice.request("OPTIONS", f"sip:{alice.domain}")).status == 503
        assert door.ask("version"), "commands go on meanwhile"
        bob.send(bob.response(message, 200, "OK", to_tag="b"))
        assert alice.receive_response(200, "MESSAGE")
    assert server.child.wait(20) == 0
    server.finish = lambda: None
    assert "stopping (drain by socket user" in server.log()


def test_lists_of_all_shards_come_over_the_socket(serve, endpoint):
    server = serve(REGISTRAR)
    users = {f"user{n}" for n in range(120)}  # more than one piece of a list
    for name in users:
        peer = endpoint(server, name)
        assert peer.exchange(peer.register()).status == 200
    with ControlSocket(server.control_socket) as door:
        assert {record["aor"] for record in door.ask("ul.list")["records"]} == users
        assert door.ask("tm.list", limit=1)["count"] >= 0


def test_a_stuck_reader_and_junk_harm_nobody(serve, endpoint):
    server = serve(OK)
    stuck = [ControlSocket(server.control_socket) for _ in range(20)]
    for one in stuck:
        one.socket.setblocking(False)
        try:
            for _ in range(200):
                one.socket.send(b'{"jsonrpc":"2.0","id":1,"method":"stats"}\n')
        except BlockingIOError:
            pass  # the server reads no further request before its answer was taken
    junk = ControlSocket(server.control_socket)
    junk.send(b"\0\xff\x01" * 100 + b"\n" + b"{" * 10_000 + b"\n")
    assert junk.receive()["error"]["code"] == -32700 == junk.receive()["error"]["code"]
    half = ControlSocket(server.control_socket)
    half.send(b'{"jsonrpc":"2.0",')
    alice = endpoint(server, "alice")
    with ControlSocket(server.control_socket) as door:
        for _ in range(20):
            assert door.ask("version")["name"] == "tandemd"
            assert alice.exchange(alice.request("OPTIONS", "sip:example.test")).status == 200
    for one in (*stuck, junk, half):
        one.close()


def test_a_thousand_clients_one_after_the_other_and_side_by_side_leave_nothing(serve):
    server = serve(OK)
    for _ in range(20):
        doors = [ControlSocket(server.control_socket) for _ in range(50)]
        for door in doors:
            assert door.ask("version")
        for door in doors:
            door.close()
    until(lambda: server.open_files() <= server.files_at_start, "the server to close its ends")
