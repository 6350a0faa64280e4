# SPDX-License-Identifier: Apache-2.0
"""What a reload follows: the log level, a file that is being written, another user, another root."""
import os
import signal
import threading

import pytest

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
