# SPDX-License-Identifier: Apache-2.0
"""What the command line of tandemd says, and how it starts, reloads and stops."""
import re
import signal
import socket
import subprocess

import pytest

from harness.endpoint import Dialog
from harness.ports import free_ports
from harness.server import ROOT, Process, tandemd_path, tcp_pings
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

BROKEN = """\
loadmodule "sl.so"
modparam("sl", "no_such_parameter", 1)
route {
    sl_send_replay("200", "OK");
    if (uri=~"(") {
        drop;
    }
    route(7
}
"""


def tandemd(*arguments, **more):
    return subprocess.run([tandemd_path(), *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False, **more)


def test_the_checker_shows_all_faults_at_once_each_with_its_place(tmp_path):
    script = tmp_path / "broken.cfg"
    script.write_text(BROKEN)
    result = tandemd("-c", "-f", script)
    said = result.stdout + result.stderr
    assert result.returncode == 1
    assert re.search(r"broken\.cfg:4:5\b", said) and "sl_send_reply" in said  # the nearest name
    assert re.search(r"broken\.cfg:(8|9):\d+", said)
    assert re.search(r"^\s*[|\d ]*\s*\^", said, re.MULTILINE), said


def test_the_checker_passes_a_good_script():
    assert tandemd("-c", "-f", ROOT / "tests/scripts/classic.cfg").returncode == 0


def test_functions_are_listed_with_their_help():
    said = tandemd("--list-functions").stdout
    for name in ("t_relay", "sl_send_reply", "loose_route", "exec_msg", "lookup", "save", "append_hf", "xlog"):
        assert re.search(rf"\b{name}\b", said), name


def test_help_teaches():
    result = tandemd("--help")
    assert result.returncode == 0 and "-f" in result.stdout and "xample" in result.stdout


def test_a_script_that_is_not_there_is_named():
    result = tandemd("-f", "/nonexistent/tandem.cfg", "-D", "-E", "-l", "127.0.0.1:0")
    assert result.returncode != 0 and "/nonexistent/tandem.cfg" in result.stdout + result.stderr


def test_a_port_that_is_taken_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        result = tandemd("-f", ROOT / "tests/scripts/classic.cfg", "-D", "-E", "-l", f"udp:127.0.0.1:{port}")
    assert result.returncode != 0 and str(port) in result.stdout + result.stderr


def test_a_host_name_to_listen_on_is_a_name_of_the_server(serve, endpoint):
    server = serve("""loadmodule "sl.so"
        route { if (uri==myself) { sl_send_reply("200", "mine"); } else { sl_send_reply("200", "other"); } }""", host="localhost")
    alice = endpoint(server, "alice")
    for uri, said in ((f"sip:localhost:{server.port}", "mine"), (f"sip:LOCALHOST:{server.port}", "mine"),
                      ("sip:localhost:1", "other"), ("sip:localhost", "other"), (f"sip:127.0.0.1:{server.port}", "mine")):
        assert alice.exchange(alice.request("OPTIONS", uri)).first_line == f"SIP/2.0 200 {said}", uri


def test_usr1_writes_the_statistics_to_the_file_that_the_script_names(serve, endpoint, tmp_path):
    path = tmp_path / "statistics"
    server = serve("""loadmodule "sl.so"\nroute { sl_send_reply("200", "OK"); }""", prologue=f'statistics="{path}"\n')
    alice = endpoint(server, "alice")
    for _ in range(5):
        alice.exchange(alice.request("OPTIONS", "sip:example.test"))
    for number in (1, 2):
        server.child.send_signal(signal.SIGUSR1)
        until(lambda: path.exists() and path.read_text().count("tandem_sip_requests_total: 5\n") == number, "the statistics")


def test_an_option_that_is_given_twice_takes_the_last_but_all_places_to_listen_at(serve, endpoint, tmp_path):
    script = tmp_path / "good.cfg"
    script.write_text("route { drop; }\n")
    assert tandemd("-c", "-f", tmp_path / "none.cfg", "-f", script, "-p", "1", "-p", "2").returncode == 0
    assert tandemd("-c", "-f", script, "-f", tmp_path / "none.cfg").returncode == 1
    other = free_ports(2)
    server = serve('loadmodule "sl.so"\nroute { sl_send_reply("200", "OK"); }\n', options=("-l", f"127.0.0.1:{other}", "-l", "127.0.0.1"))
    assert server.log().count("listening on") == 4, "UDP and TCP at both"
    alice = endpoint(server, "alice")
    alice.send(alice.request("OPTIONS", "sip:example.test"), to=("127.0.0.1", other))
    assert alice.receive(lambda m: True).status == 200


def test_the_log_says_whenever_strangers_can_reach_it(serve):
    script = 'loadmodule "sl.so"\nroute { sl_send_reply("200", "OK"); }\n'
    warning = "can be reached by others: unless the script asks for passwords"
    assert warning not in serve(script).log()
    reachable = serve(script, host="0.0.0.0").log()
    assert re.search(rf"WARNING 0\.0\.0\.0:\d+ {warning}", reachable), reachable


def test_an_unknown_option_is_refused():
    assert tandemd("--no-such-option").returncode != 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_stops_with_0_on_term_and_int(tmp_path, name):
    port = free_ports(2)
    server = Process("tandemd", [tandemd_path(), "-f", ROOT / "tests/scripts/classic.cfg", "-D", "-E", "-l", f"127.0.0.1:{port}"], tmp_path)
    try:
        until(lambda: tcp_pings("127.0.0.1", port) or not server.is_alive(), "tandemd to answer")
        assert server.is_alive(), server.log()
        server.child.send_signal(getattr(signal, name))
        assert server.child.wait(20) == 0, server.log()
    finally:
        server.kill()


def test_hup_reads_the_script_again_and_a_call_goes_on(classic, endpoint):
    alice, bob = endpoint(classic, "alice"), endpoint(classic, "bob")
    assert bob.exchange(bob.register()).status == 200
    invite = alice.send(alice.request("INVITE", "sip:bob@example.test"))
    arrived = bob.receive_request("INVITE")
    bob.send(bob.response(arrived, 180, "Ringing", to_tag="b1"))
    alice.receive_response(180, "INVITE")
    classic.config.write_text(classic.config.read_text().replace('"404", "Not Found"', '"410", "Gone"'))
    classic.child.send_signal(signal.SIGHUP)

    def answers_anew():
        return alice.exchange(alice.request("MESSAGE", "sip:nobody@example.test")).status == 410
    until(answers_anew, "the new script to answer")
    bob.send(bob.response(arrived, 200, "OK", to_tag="b1"))
    dialog = Dialog(alice, invite, alice.receive_response(200, "INVITE"))
    alice.send(dialog.request("ACK"))
    assert bob.receive_request("ACK")


def test_hup_with_a_broken_script_keeps_the_old_one(classic, endpoint):
    alice = endpoint(classic, "alice")
    classic.config.write_text("route { no_such_function(); }\n")
    classic.child.send_signal(signal.SIGHUP)
    until(lambda: "no_such_function" in classic.log(), "the fault in the log")
    assert alice.exchange(alice.request("MESSAGE", "sip:nobody@example.test")).status == 404


def test_a_database_that_is_not_offered_is_refused(tmp_path):
    script = tmp_path / "db.cfg"
    script.write_text('loadmodule "usrloc.so"\nmodparam("usrloc", "db_mode", 1)\nmodparam("usrloc", "db_url", "oracle://x/y")\nroute { drop; }\n')
    result = tandemd("-c", "-f", script)
    assert result.returncode == 1 and "must be sqlite:PATH" in result.stdout + result.stderr


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "failure_route[1] { drop; }\n", "route[1] { drop; }\n"])
def test_a_script_without_a_main_route_is_refused_by_a_check_a_start_and_a_reload(serve, endpoint, tmp_path, text):
    script = tmp_path / "routeless.cfg"
    script.write_text(text)
    for options in (("-c", "-f", script), ("-f", script, "-D", "-E", "-l", "127.0.0.1:0")):
        result = tandemd(*options)
        assert result.returncode == 1 and "there is no main route block" in result.stdout + result.stderr
    server = serve('loadmodule "sl.so"\nroute { sl_send_reply("200", "OK"); }\n')
    server.config.write_text(text)
    server.child.send_signal(signal.SIGHUP)
    until(lambda: "reload refused" in server.log(), "the refusal in the log")
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("OPTIONS", "sip:example.test")).status == 200


@pytest.mark.parametrize("line", ["port=99999", "children=-5", "fork=tls", 'alias="a b"', 'user="no-such-user"', 'chroot="/no/such"',
                                  'workdir="/no/such"', 'chroot="/etc/passwd"'])
def test_a_check_refuses_what_a_start_refuses(tmp_path, line):
    script = tmp_path / "faulty.cfg"
    script.write_text(f"{line}\nroute {{ drop; }}\n")
    for options in (("-c", "-f", script), ("-f", script, "-D", "-E", "-p", "0")):
        assert tandemd(*options).returncode == 1, options


@pytest.mark.parametrize("kind", ["ws", "wss"])
def test_a_transport_without_a_listener_is_refused_by_a_check_and_a_start_with_the_same_words(tmp_path, kind):
    script = tmp_path / "later.cfg"
    script.write_text(f"listen={kind}:127.0.0.1\nroute {{ drop; }}\n")
    said = []
    for options in (("-c", "-f", script), ("-f", script, "-D", "-E", "-p", "0")):
        result = tandemd(*options)
        assert result.returncode == 1, options
        said.append(next(line for line in (result.stdout + result.stderr).splitlines() if "transport" in line))
    assert f"'{kind}:127.0.0.1': transport {kind} is not there yet, only udp, tcp and tls" in said[0]
    assert said[0][said[0].index("later.cfg"):] == said[1][said[1].index("later.cfg"):]


def test_a_directory_is_no_script(tmp_path):
    result = tandemd("-c", "-f", tmp_path)
    assert result.returncode == 1 and "Is a directory" in result.stderr


def test_hup_follows_aliases_and_bounds_and_names_what_needs_a_restart(serve, endpoint):
    server = serve("""loadmodule "sl.so"
        route { if (uri==myself) { sl_send_reply("200", "mine"); } else { sl_send_reply("404", "other"); } }""")
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("OPTIONS", "sip:new.example")).status == 404
    server.config.write_text(server.config.read_text() + '\nalias="new.example"\nchildren=3\n')
    server.child.send_signal(signal.SIGHUP)
    until(lambda: alice.exchange(alice.request("OPTIONS", "sip:new.example")).status == 200, "the new alias to count")
    until(lambda: "children in the script is not what the server was started with" in server.log(), "the log to name it")
