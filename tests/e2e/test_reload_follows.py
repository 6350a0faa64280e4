# SPDX-License-Identifier: Apache-2.0
"""What a reload follows: the log level, a file that is being written, another user, another root."""
import os
import pathlib
import re
import resource
import shutil
import signal
import threading

import pytest

from harness.control import CommandError
from harness.server import TOKENS
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

OK = 'loadmodule "sl.so"\nroute { sl_send_reply("200", "OK"); }\n'
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def answer(peer):
    return peer.exchange(peer.request("OPTIONS", "sip:example.test")).first_line


def test_the_log_level_follows_the_script(serve, endpoint):
    server = serve('loadmodule "sl.so"\nroute { log(3, "a caller\\n"); sl_send_reply("200", "OK"); }\n')
    alice = endpoint(server, "alice")
    answer(alice)
    assert "a caller" not in server.log()
    server.config.write_text(server.config.read_text() + "\ndebug=3\n")
    server.child.send_signal(signal.SIGHUP)
    until(lambda: answer(alice) and "a caller" in server.log(), "the line in the log")


def test_a_file_that_is_being_written_is_taken_over_whole_and_once_it_rests(serve, endpoint):
    server = serve(OK, http=True)
    whole = server.config.read_text().replace('"OK"', '"Whole"')
    # Every beginning of it that ends with this block would be a script without a fault.
    half = server.config.read_text().replace('"OK"', '"Half"')
    stop = threading.Event()

    def write():
        with open(server.config, "w", encoding="ascii") as file:
            file.write(half)
            file.flush()
            while not stop.wait(0.03):  # each write is within the time that a file must rest
                file.write("# more\n")
                file.flush()
            file.seek(0)
            file.truncate()
            file.write(whole)

    writer = threading.Thread(target=write)
    writer.start()
    server.child.send_signal(signal.SIGHUP)
    alice = endpoint(server, "alice")
    for _ in range(20):
        assert answer(alice) == "SIP/2.0 200 OK"
    stop.set()
    writer.join()
    until(lambda: answer(alice) == "SIP/2.0 200 Whole", "the whole script")
    assert "reload refused" not in server.log()


@needs_root
def test_a_reload_works_for_a_server_whose_programs_have_a_user(serve, endpoint, tmp_path):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    script = 'loadmodule "sl.so"\nloadmodule "exec.so"\nmodparam("exec", "user", "nobody")\n' \
             'route { exec(["/bin/true"]); sl_send_reply("200", "OK"); }\n'
    server = serve(script, options=("-u", "nobody"))
    alice = endpoint(server, "alice")
    assert answer(alice) == "SIP/2.0 200 OK"
    server.config.write_text(server.config.read_text().replace('"OK"', '"Again"'))
    server.child.send_signal(signal.SIGHUP)
    until(lambda: answer(alice) == "SIP/2.0 200 Again", "the new script")
    server.config.write_text(server.config.read_text().replace('"user", "nobody"', '"user", "root"'))
    server.child.send_signal(signal.SIGHUP)
    until(lambda: "user of exec in the script is not what the server was started with" in server.log(), "the log to name it")
    assert answer(alice) == "SIP/2.0 200 Again"


@needs_root
def test_a_reload_works_in_another_root_when_the_script_lies_inside(serve, endpoint, tmp_path):
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    server = serve(OK, options=("-u", "nobody", "-t", tmp_path))
    alice = endpoint(server, "alice")
    assert answer(alice) == "SIP/2.0 200 OK"
    server.config.write_text(server.config.read_text().replace('"OK"', '"Inside"'))
    server.child.send_signal(signal.SIGHUP)
    until(lambda: answer(alice) == "SIP/2.0 200 Inside", "the new script")


@needs_root
def test_a_reload_says_when_the_script_lies_outside_of_the_root(serve, endpoint, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    server = serve(OK, options=("-t", root))
    server.child.send_signal(signal.SIGHUP)
    until(lambda: "the script lies outside of the server's root" in server.log(), "the log to say so")
    assert answer(endpoint(server, "alice")) == "SIP/2.0 200 OK"


def open_to_all(folder):
    """The server, which is somebody else, may come here."""
    for one in (folder, *folder.parents):
        if one.stat().st_uid == os.geteuid() and one.is_relative_to("/tmp"):
            one.chmod(one.stat().st_mode | 0o055)


@needs_root
@pytest.mark.parametrize("root", (False, True), ids=("in another folder", "in another root"))
def test_a_reload_finds_the_tokens_where_the_start_found_them(serve, endpoint, tmp_path, root):
    folder = tmp_path / "server0"
    script = 'http_listen="127.0.0.1:0"\nhttp_tokens="own.tokens"\n' + OK
    open_to_all(tmp_path)
    tokens = "".join(f"{role} {token}\n" for role, token in TOKENS.items())
    (tmp_path / "server0.tokens").write_text(tokens)
    (tmp_path / "server0.tokens").chmod(0o600)
    script = script.replace("own.tokens", "../server0.tokens")  # it is started in a folder of its own
    server = serve(script, options=("-u", "root", *(("-t", tmp_path) if root else ("-w", "/"))))
    server.http_port = int(re.search(r"HTTP port at 127\.0\.0\.1:(\d+)", server.log())[1])
    assert server.ask("version")["name"] == "tandemd"
    new = "another-token-of-the-operator"
    (tmp_path / "server0.tokens").write_text(f"admin {new}\n")
    assert server.ask("config.reload")["complaints"] == ""
    assert folder.exists() and "the tokens stay" not in server.log()
    server.token = new
    assert server.ask("version")["name"] == "tandemd"


def limit_threads(server, most):
    """The soft limit of its processes and threads; the hard one stays."""
    hard = resource.prlimit(server.pid, resource.RLIMIT_NPROC)[1]
    resource.prlimit(server.pid, resource.RLIMIT_NPROC, (hard if most == resource.RLIM_INFINITY else most, hard))


def as_the_server(server, do):
    """Runs it in a process of the server's user, which alone may do it where root is not all-powerful."""
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    user, group = (int(re.search(rf"^{name}:\t(\d+)", status, re.MULTILINE)[1]) for name in ("Uid", "Gid"))
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            do()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@needs_root
def test_a_reload_without_a_thread_is_refused_and_the_next_one_works(serve, endpoint, tmp_path):
    open_to_all(tmp_path)
    server = serve(OK, http=True, options=("-u", "nobody"))
    shutil.chown(server.config.with_name("tokens"), "nobody")  # as who has the server read it again would
    alice = endpoint(server, "alice")
    assert answer(alice) == "SIP/2.0 200 OK"
    as_the_server(server, lambda: limit_threads(server, 1))
    why = "the system has no thread to read the script with"
    with pytest.raises(CommandError, match=why):
        server.ask("config.check")
    with pytest.raises(CommandError, match=why):
        server.ask("config.reload")
    server.child.send_signal(signal.SIGHUP)
    until(lambda: server.log().count("reload refused") == 2, "the log to say so")
    assert answer(alice) == "SIP/2.0 200 OK"
    as_the_server(server, lambda: limit_threads(server, resource.RLIM_INFINITY))
    server.config.write_text(server.config.read_text().replace('"OK"', '"Again"'))
    assert server.ask("config.check")["complaints"] == ""
    server.ask("config.reload")
    assert answer(alice) == "SIP/2.0 200 Again"
