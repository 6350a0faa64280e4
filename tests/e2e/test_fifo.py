# SPDX-License-Identifier: Apache-2.0
"""The application FIFO of tandemd: what old scripts write and read, byte by byte, and what harms nobody."""
import os
import platform
import pwd
import re
import signal
import stat
import subprocess
import tempfile
import threading
import pathlib

import pytest

from harness.control import ControlSocket, Fifo, read_reply
from harness.server import tandemd_path
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

REGISTRAR = """loadmodule "sl.so"\nloadmodule "tm.so"\nloadmodule "usrloc.so"\nloadmodule "registrar.so"
route { if (method=="REGISTER") { save("location"); exit; }
        if (lookup("aliases")) { t_relay(); exit; }
        if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; } t_relay(); }\n"""
FOREVER = "1073741823"
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def with_fifo(serve, tmp_path):
    """with_fifo() starts a server that has a FIFO; both."""
    def start(script=REGISTRAR, **more):
        replies = tmp_path / "replies"
        replies.mkdir(exist_ok=True)
        path = tmp_path / "fifo"
        server = serve(script, prologue=f'fifo="{path}"\nfifo_reply_dir="{replies}"\n' + more.pop("prologue", ""), **more)
        return server, Fifo(path, replies)
    return start


def test_the_commands_about_the_process_answer_as_they_always_did(with_fifo):
    server, fifo = with_fifo()
    assert stat.S_IMODE(fifo.path.lstat().st_mode) == 0o660
    assert fifo.ask("print", "hello world") == b"200 ok\nhello world\n"
    date = rb"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}"
    assert re.fullmatch(rb"200 ok\nNow: " + date + rb"\nUp Since: " + date + rb"\nUp time: \d+ \[sec\]\n", fifo.ask("uptime"))
    assert re.fullmatch(rb"200 ok\nServer: Tandem \(\S+ \(" + platform.machine().encode() + rb"/linux\)\)\r\n", fifo.ask("version"))
    assert fifo.ask("pwd") == f"200 ok\n{os.readlink(f'/proc/{server.pid}/cwd')}\n".encode()
    words = pathlib.Path(f"/proc/{server.pid}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    assert fifo.ask("arg") == b"200 ok\n" + b"".join(word + b"\n" for word in words)
    names = fifo.ask("which").decode().splitlines()
    assert names[0] == "200 ok" and names[-8:] == ["kill", "ps", "which", "arg", "pwd", "version", "uptime", "print"]
    assert {"ul_add", "ul_rm", "ul_rm_contact", "ul_show_contact", "ul_dump", "ul_flush", "ul_stats"} <= set(names)
    rows = [line.split("\t") for line in fifo.ask("ps").decode().splitlines()[1:]]
    assert [row[0] for row in rows] == [str(n) for n in range(server.shards + 1)]
    assert rows[0][1] == str(server.pid) and rows[0][2].startswith("attendant, receiver child=0 sock=0 @ 127.0.0.1:")
    assert rows[-1][2] == "fifo server"
    assert fifo.ask("no_such_thing") == b"500 command 'no_such_thing' not available\n"


def test_contacts_are_added_found_and_removed(with_fifo, endpoint):
    server, fifo = with_fifo()
    bob, alice = endpoint(server, "bob"), endpoint(server, "alice")
    assert bob.exchange(bob.register()).status == 200
    shown = fifo.ask("ul_show_contact", "location", "bob").decode()
    assert re.fullmatch(rf"200 OK\n<sip:bob@127\.0\.0\.1:{bob.port}[^>]*>;q=\d\.\d\d;expires=\d+\n", shown)
    contact = f"sip:bob@127.0.0.1:{bob.port}"
    # Five parameters, six and seven are the forms of three generations.
    for more in ((), ("0",), ("0", "0")):
        assert fifo.ask("ul_add", "aliases", "office@example.test", contact, FOREVER, "1.00", *more) == \
            f"200 Added to table\n('office','{contact}') to 'aliases'\n".encode()
    alice.send(alice.request("MESSAGE", "sip:office@example.test"))
    bob.send(bob.response(bob.receive_request("MESSAGE"), 200, "OK", to_tag="b1"))
    alice.receive_response(200, "MESSAGE")
    dump = fifo.ask("ul_dump").decode()
    assert dump.startswith("200 ok\n===Domain list===\n---Domain---\n") and dump.endswith("---/Domain---\n===/Domain list===\n")
    # What serctl makes of it for `online`: the third word of the lines with aor.
    assert {line.split()[2] for line in dump.splitlines() if line.startswith("aor ")} == {"'bob'", "'office'"}
    assert fifo.ask("ul_stats") == b"200 ok\nDomain Registered Expired\n'aliases' 1 0\n'location' 1 0\n"
    assert fifo.ask("ul_rm_contact", "aliases", "office", "sip:nobody@127.0.0.1") == b"404 Contact sip:nobody@127.0.0.1 in table aliases not found\n"
    assert fifo.ask("ul_rm", "aliases", "office") == b"200 user (aliases, office) deleted\n"
    assert fifo.ask("ul_show_contact", "aliases", "office") == b"404 Username office in table aliases not found\n"
    assert alice.exchange(alice.request("MESSAGE", "sip:office@example.test")).status == 404
    assert fifo.ask("ul_flush") == b"200 ul_flush completed"


def test_stateless_replies_are_counted_by_status(with_fifo, endpoint):
    server, fifo = with_fifo('''loadmodule "sl.so"
route { if (method=="OPTIONS") { sl_send_reply("200", "OK"); exit; }
        if (method=="INFO") { sl_send_reply("488", "Not Here"); exit; } sl_send_reply("404", "Not Found"); }\n''')
    alice = endpoint(server, "alice")
    for method in ("OPTIONS", "OPTIONS", "OPTIONS", "INFO", "MESSAGE", "MESSAGE"):
        alice.exchange(alice.request(method, "sip:example.test"))
    assert fifo.ask("sl_stats").decode() == (
        "200 ok\n200: 3 202: 0 2xx: 0      \n300: 0 301: 0 302: 0 3xx: 0      \n"
        "400: 0 401: 0 403: 0 404: 2 407: 0 408: 0 483: 0 4xx: 1      \n500: 0 5xx: 0      \n6xx: 0      \nxxx: 0      \nfailures: 0      \n")


def test_a_script_of_the_original_talks_to_it(with_fifo, tmp_path):
    """What the old control script does, in its steps: a pipe, a reader in the background, the request by cat."""
    _, fifo = with_fifo()
    script = tmp_path / "talk.sh"
    script.write_text("""fifo=$1; folder=$2; shift 2
name=ser_receiver_$$
mkfifo $folder/$name; chmod a+w $folder/$name
cat < $folder/$name | { read line; case $line in "200 ok"*|"200 OK"*) ;; *) echo "$line" ;; esac; cat; } &
{ echo ":$1:$name"; shift; for word in "$@"; do echo "$word"; done; echo; } | dd of=$fifo bs=4096 iflag=fullblock conv=notrunc 2>/dev/null
wait $!
rm $folder/$name
""")

    def talk(*words):
        return subprocess.run(["sh", script, fifo.path, fifo.replies, *words], capture_output=True, text=True, timeout=20, check=True).stdout
    assert talk("ul_add", "aliases", "info", "sip:info@127.0.0.1:5099", FOREVER, "1.00", "0") == "200 Added to table\n('info','sip:info@127.0.0.1:5099') to 'aliases'\n"
    assert talk("ul_show_contact", "aliases", "info") == "<sip:info@127.0.0.1:5099>;q=1.00;expires=1073741823\n"
    assert talk("print", "a  b") == "a  b\n"
    assert talk("ul_rm", "aliases") == "400 ul_rm: user name expected\n"


def test_a_request_without_its_empty_line_costs_the_next_one_nothing(with_fifo):
    _, fifo = with_fifo()
    for _ in range(3):
        assert fifo.ask("print", "one", end="") == b"200 ok\none\n"
        assert fifo.ask("uptime", end="").startswith(b"200 ok\nNow: ")
        assert fifo.ask("ul_add", "aliases", "x", "sip:x@127.0.0.1", "60", "1", end="") == b"200 Added to table\n('x','sip:x@127.0.0.1') to 'aliases'\n"
    assert fifo.ask("print", "two\r", end="\r\n") == b"200 ok\ntwo\n"


def test_what_is_no_request_is_dropped_and_4096_bytes_are_whole(with_fifo):
    server, fifo = with_fifo()
    for junk in (b"junk\n", b"\0\xff\n\n", b":\n", b"::\n", b"::x\n", b"no colon\nmore\n\n", b":print:../../etc/x\nhello\n\n", b":print:a/b\nx\n\n", b"\n\n\n"):
        fifo.write(junk)
        assert fifo.ask("print", "still here") == b"200 ok\nstill here\n", junk
    text = "x" * 4_000
    assert fifo.ask("print", text) == f"200 ok\n{text}\n".encode()
    os.mkfifo(fifo.replies / "half")  # another one stops in the middle
    half = os.open(fifo.replies / "half", os.O_RDONLY | os.O_NONBLOCK)
    fifo.write(b":ul_rm:half\nlocation\n")
    assert read_reply(half) == b"400 ul_rm: user name expected\n"
    assert fifo.ask("print", "after half a request") == b"200 ok\nafter half a request\n"
    assert "belongs to no request" in server.log()


def test_replies_go_to_pipes_and_files_of_the_reply_folder_alone(with_fifo, tmp_path):
    server, fifo = with_fifo()
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (fifo.replies / "link").symlink_to(victim)
    os.link(victim, fifo.replies / "hard")
    for name in ("link", "hard", "not_there"):
        fifo.write(f":print:{name}\nevil\n\n".encode())
    until(lambda: ControlSocketOnce(server).ask("stats", "tandem_fifo_lost_total") == {"tandem_fifo_lost_total": 3}, "the replies to be given up")
    assert victim.read_text() == "kept" and not (fifo.replies / "not_there").exists()
    (fifo.replies / "file").write_text("")
    fifo.write(b":print:file\nhello\n\n")
    until(lambda: (fifo.replies / "file").read_text() == "200 ok\nhello\n", "the reply in the file")


class ControlSocketOnce:
    """The control socket for one question."""

    def __init__(self, server):
        self.path = server.control_socket

    def ask(self, *words):
        with ControlSocket(self.path) as door:
            return door.ask(*words)


def test_a_reply_that_nobody_reads_holds_nobody_up(with_fifo, endpoint):
    server, fifo = with_fifo()
    for n in range(300):
        fifo.write(f":ul_add:\nlocation\nuser{n}\nsip:user{n}@192.0.2.1:5060;parameter={'x' * 60}\n600\n1\n\n".encode())
    stuck = []
    for n in range(10):
        os.mkfifo(fifo.replies / f"stuck{n}")
        stuck.append(os.open(fifo.replies / f"stuck{n}", os.O_RDONLY | os.O_NONBLOCK))
        fifo.write(f":ul_dump:stuck{n}\n\n".encode())
    alice = endpoint(server, "alice")
    for _ in range(20):
        assert fifo.ask("print", "still here") == b"200 ok\nstill here\n"
        assert alice.exchange(alice.request("OPTIONS", "sip:example.test")).status == 404
    whole = read_reply(stuck.pop())
    assert whole.count(b"aor   : ") == 300 and whole.endswith(b"===/Domain list===\n")
    for one in stuck:
        os.close(one)


def test_a_thousand_clients_at_once_all_get_their_answer(with_fifo):
    _, fifo = with_fifo()
    wrong = []

    def ask(first):
        for n in range(first, first + 20):
            if fifo.ask("print", f"client {n}") != f"200 ok\nclient {n}\n".encode():
                wrong.append(n)
    clients = [threading.Thread(target=ask, args=(first,)) for first in range(0, 1000, 20)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert not wrong


def test_the_role_bounds_what_the_fifo_may(with_fifo):
    server, fifo = with_fifo()
    assert fifo.ask("kill") == b"403 kill needs the role admin, and the caller has change\n"
    assert fifo.ask("loglevel", "3") == b'200 ok\n{"level":3}\n'
    assert server.is_alive()


@pytest.mark.skipif(not IS_ROOT, reason="only root gives files to any group")
def test_the_file_belongs_to_the_control_group_and_a_greater_role_is_told(with_fifo):
    server, fifo = with_fifo(prologue='control_group="54321"\n')
    assert fifo.path.lstat().st_gid == 54321 and "more than over the control socket" in server.log()
    assert fifo.ask("print", "x") == b"200 ok\nx\n"


def test_what_others_wrote_gives_no_command_and_no_line(with_fifo, endpoint):
    server, fifo = with_fifo(prologue='fifo_role="admin"\n')
    for line in (":kill:", ":kill:x", ":ul_flush:"):
        assert fifo.ask("print", line) == f"200 ok\n{line}\n".encode()
    assert fifo.ask("ul_add", "location", ":kill:", "sip:x@127.0.0.1", "60", "1") == b"200 Added to table\n(':kill:','sip:x@127.0.0.1') to 'location'\n"
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("REGISTER", "sip:example.test", contact="<sip:a@127.0.0.1>",
                                        to="sip:a%0Aaor%20%20%20%3A%20'root'%1b@example.test")).status == 200
    dump = fifo.ask("ul_dump").decode()
    assert "aor   : 'a?aor   : 'root'?'" in dump and "\naor   : 'root" not in dump
    assert server.is_alive()


def test_kill_says_so_and_ends_the_server_and_its_fifo(with_fifo):
    server, fifo = with_fifo(prologue='fifo_role="admin"\nfifo_mode=438\n')
    assert stat.S_IMODE(fifo.path.lstat().st_mode) == 0o666 and "every user of this machine" in server.log()
    assert fifo.ask("kill") == b"200 killing now...\n"
    assert server.child.wait(20) == 0
    server.finish = lambda: None
    assert not fifo.path.exists()


def test_what_is_no_pipe_is_refused_at_the_start_and_one_of_before_is_used(with_fifo, tmp_path):
    script = tmp_path / "one.cfg"
    (tmp_path / "plain").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    for name, complaint in (("plain", "it is not a pipe"), ("link", "it is not a pipe"), ("no/such/folder", "No such file")):
        script.write_text(f'fifo="{tmp_path / name}"\ncontrol_socket=""\n{REGISTRAR}')
        result = subprocess.run([tandemd_path(), "-f", script, "-D", "-E", "-l", "127.0.0.1:0", *(["-u", "root"] if IS_ROOT else [])],
                                capture_output=True, text=True, timeout=20, check=False)
        assert result.returncode == 1 and complaint in result.stderr, (name, result)
    assert (tmp_path / "plain").read_text() == "kept"
    os.mkfifo(tmp_path / "fifo", 0o600)
    server, fifo = with_fifo()
    assert fifo.ask("print", "x") == b"200 ok\nx\n" and stat.S_IMODE(fifo.path.lstat().st_mode) == 0o660
    server.child.send_signal(signal.SIGTERM)
    assert server.child.wait(20) == 0
    server.finish = lambda: None
    assert fifo.path.exists(), "who made it removes it"


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
def test_with_another_user_and_root_it_works_too(serve):
    user = pwd.getpwnam("games")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        root = pathlib.Path(name)
        root.chmod(0o755)
        for folder in ("run", "tmp"):
            (root / folder).mkdir()
            os.chown(root / folder, user.pw_uid, user.pw_gid)
        server = serve(REGISTRAR, prologue=f'fifo="{root}/run/fifo"\nfifo_reply_dir="{root}/tmp"\n', options=["-u", "games", "-t", str(root)])
        fifo = Fifo(root / "run/fifo", root / "tmp")
        assert fifo.path.lstat().st_uid == user.pw_uid
        os.umask(0)
        try:
            assert fifo.ask("pwd") == b"200 ok\n/\n"
        finally:
            os.umask(0o022)
        server.child.send_signal(signal.SIGTERM)
        assert server.child.wait(20) == 0
        server.finish = lambda: None
        assert not fifo.path.exists()
