# SPDX-License-Identifier: Apache-2.0
"""tandemd as a service: in the background, with a pid file, as another user in another root and folder."""
import contextlib
import os
import pathlib
import pwd
import signal
import socket
import subprocess

import pytest

from harness.endpoint import Endpoint
from harness.ports import free_ports
from harness.server import Process, is_running, tandemd_path, tcp_pings, udp_is_bound
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

ROUTE = 'loadmodule "sl.so"\nloadmodule "exec.so"\nroute { sl_send_reply("200", "OK"); }\n'
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def status_of(pid):
    """The lines of /proc/PID/status."""
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def service(tmp_path):
    """service(script, options...) starts one in the background and returns its process id; it is ended with the test."""
    started = []

    def start(script, *options):
        port = free_ports(2)
        config, pid_file = tmp_path / "service.cfg", tmp_path / "service.pid"
        config.write_text(f"listen=127.0.0.1\nport={port}\n{script}")
        subprocess.run([tandemd_path(), "-f", config, "-P", pid_file, "--daemonize", *options], check=True, timeout=20)
        # The command came back: the sockets are open and the pid file is there.
        pid = int(pid_file.read_text())
        started.append(pid)
        assert udp_is_bound(port) and tcp_pings("127.0.0.1", port)
        return pid, port

    yield start
    for pid in started:
        if is_running(pid):
            os.kill(pid, signal.SIGTERM)
            until(lambda: not is_running(pid), "the service to end", seconds=20)  # pylint: disable=cell-var-from-loop


def assert_answers(port):
    with contextlib.closing(Endpoint("udp", ("127.0.0.1", port), "alice")) as alice:
        assert alice.exchange(alice.request("OPTIONS", "sip:example.test")).status == 200


@pytest.mark.parametrize("fork", ["", "fork=yes\n"])
def test_it_goes_into_the_background_when_its_sockets_are_open(service, tmp_path, fork):
    pid, port = service(fork + ROUTE)
    assert os.getsid(pid) != os.getsid(0)
    assert all(os.readlink(f"/proc/{pid}/fd/{n}") == "/dev/null" for n in range(3))
    assert_answers(port)
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_running(pid), "the service to end", seconds=20)
    left = tmp_path / "service.pid"  # the folder is root's, which the service has long ceased to be
    assert not left.exists() or not left.read_text()


def test_it_says_in_the_foreground_what_keeps_it_from_the_background(service, tmp_path):
    pid, port = service(ROUTE)
    again = subprocess.run([tandemd_path(), "-f", tmp_path / "service.cfg", "--daemonize"], capture_output=True, text=True, timeout=20, check=False)
    assert again.returncode == 1 and f"cannot bind to 127.0.0.1:{port}" in again.stderr
    again = subprocess.run([tandemd_path(), "-f", tmp_path / "service.cfg", "-D", "-P", tmp_path / "service.pid", "-p", "0", "-l", "127.0.0.1:0"],
                           capture_output=True, text=True, timeout=20, check=False)
    assert again.returncode == 1 and f"process {pid} holds it and is running" in again.stderr


@needs_root
def test_it_does_not_stay_root_unless_it_is_told_to(service):
    pid, port = service(ROUTE)
    assert_answers(port)
    try:
        wanted = pwd.getpwnam("tandem")
    except KeyError:
        wanted = pwd.getpwnam("nobody")
    assert status_of(pid)["Uid"].split() == [str(wanted.pw_uid)] * 4
    assert status_of(pid)["CapEff"].strip("0") == "", "no capability is left"


@needs_root
@pytest.mark.parametrize("by", ["options", "script"])
def test_it_becomes_another_user_in_another_root_and_folder_and_so_do_its_programs(service, tmp_path, by):
    root = tmp_path / "root"
    (root / "work").mkdir(parents=True)
    nobody = pwd.getpwnam("nobody")
    if by == "options":
        pid, port = service(ROUTE, "-u", "nobody", "-t", root, "-w", "/work")
    else:
        pid, port = service(f'user="nobody"\nchroot="{root}"\nworkdir="/work"\n' + ROUTE)
    assert_answers(port)
    family = [pid, *children_of(pid)]
    assert len(family) == 2  # it and the process that starts programs, which may take a moment to become who it shall be
    until(lambda: all(status_of(one)["Uid"].split()[0] != "0" for one in family), "both to be another user")
    for one in family:
        status = status_of(one)
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4 and status["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert status["CapEff"].strip("0") == "", "no capability is left"
        assert os.readlink(f"/proc/{one}/root") == str(root) and os.readlink(f"/proc/{one}/cwd") == str(root / "work")


@needs_root
@pytest.mark.parametrize("line,complaint", [('user="no-such-user"', "there is no user 'no-such-user'"), ('group="no-such-group"', "there is no group 'no-such-group'"),
                                            ('chroot="/no/such/root"', "/no/such/root"), ('workdir="/no/such/folder"', "/no/such/folder")])
def test_it_does_not_start_as_somebody_else_than_was_asked_for(tmp_path, line, complaint):
    config = tmp_path / "service.cfg"
    config.write_text(f"listen=127.0.0.1\nport={free_ports(2)}\n{line}\n{ROUTE}")
    result = subprocess.run([tandemd_path(), "-f", config, "-D", "-E"], capture_output=True, text=True, timeout=20, check=False)
    assert result.returncode == 1 and complaint in result.stderr


def test_one_source_cannot_keep_all_descriptors_and_the_soft_limit_is_no_bound(tmp_path):
    port = free_ports(2)
    config = tmp_path / "service.cfg"
    config.write_text(f"listen=127.0.0.1\nport={port}\n{ROUTE}")
    user = ("-u", "root") if os.geteuid() == 0 else ()
    server = Process("tandemd", ["prlimit", "--nofile=80:200", tandemd_path(), "-f", config, "-D", "-E", "-n", "1", *user], tmp_path)
    request = ("OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nMax-Forwards: 9\r\nFrom: <sip:a@b>;tag=1\r\n"
               "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").encode()

    def served(host):
        """Connections that bring a message, which makes them stay, as many as are let in."""
        made = []
        while len(made) < 300:
            one = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(host, 0))
            try:
                one.sendall(request)
                answer = one.recv(4096)
            except ConnectionError:
                answer = b""
            if not answer:
                one.close()
                break
            assert answer.startswith(b"SIP/2.0 200")
            made.append(one)
        return made

    try:
        until(lambda: tcp_pings("127.0.0.1", port), "the server to listen")
        with contextlib.ExitStack() as opened:
            first = [opened.enter_context(one) for one in served("127.0.0.2")]
            second = [opened.enter_context(one) for one in served("127.0.0.3")]
        assert len(first) == 150 and len(second) == 75, (len(first), len(second))
        assert server.stop() == 0
    finally:
        server.kill()
