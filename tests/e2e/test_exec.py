# SPDX-License-Identifier: Apache-2.0
"""exec: a script that waits for a program suspends and blocks nobody; what the program is told, and what its words do."""
import os
import pwd
import re
import signal
import stat

import pytest

from harness.endpoint import ack_of, cancel_of
from harness.message import is_response, token
from harness.server import is_running, open_ends, processes_now
from harness.waiting import Deadline, Overdue, until

pytestmark = pytest.mark.tandem_only

MODULES = "".join(f'loadmodule "{name}.so"\n' for name in ("sl", "tm", "rr", "maxfwd", "usrloc", "registrar", "textops", "exec"))
RELAY = "if (!t_relay()) { sl_reply_error(); }"
# The programs of these tests write into folders of whoever runs them; root's programs would be nobody.
SAME_USER = 'modparam("exec", "user", "root")\n' if os.geteuid() == 0 else ""


@pytest.fixture
def program(tmp_path):
    """program('name', 'shell text') writes an executable and returns its path; out('name') is a file it may write."""
    def write(name, text):
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path
    return write


class Patient:
    """A program that says when it has started and goes on when it is let. It waits for a line of a pipe, and so without work."""

    def __init__(self, program, folder):
        self.starts, self.ends, self.go = folder / "starts", folder / "ends", folder / "go"
        os.mkfifo(self.go)
        self.pipe = os.open(self.go, os.O_RDWR)
        self.path = program("patient", f"echo $$ >> {self.starts}\nread -r _ < {self.go}\necho $$ >> {self.ends}\n")

    def __str__(self):
        return str(self.path)

    def started(self):
        """How many of it have started."""
        return len(lines(self.starts))

    def ended(self):
        return len(lines(self.ends))

    def let_go(self):
        """Those that wait and those that come."""
        one_line = self.go.with_suffix(".file")
        one_line.write_text("\n")
        one_line.rename(self.go)
        os.write(self.pipe, b"\n" * 10_000)

    def close(self):
        os.close(self.pipe)


@pytest.fixture
def patient(program, tmp_path):
    one = Patient(program, tmp_path)
    yield one
    one.close()


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def start(serve, route, modparams="", user=SAME_USER, **more):
    return serve(f"{MODULES}{user}{modparams}\nroute {{\n{route}\n}}\n", **more)


# -- nobody waits for another's program

def test_a_program_delays_nobody_else_however_long_it_takes(serve, endpoint, patient):
    server = start(serve, f'if (uri=~"slow") {{ exec(["{patient}"]); }}\n sl_send_reply("200", "OK");')
    slow, quick = endpoint(server, "slow"), endpoint(server, "quick")
    waiting = slow.send(slow.request("OPTIONS", "sip:slow@example.test"))
    until(patient.started, "the program to start")
    # 300 others are answered while that one waits. Each has its own Call-ID, so every shard is asked many times.
    for _ in range(300):
        assert quick.exchange(quick.request("OPTIONS", "sip:quick@example.test")).status == 200
    assert slow.nothing(is_response(200, "OPTIONS", waiting.get("Call-ID")), probe={"uri": "sip:quick@example.test"})
    patient.let_go()
    assert slow.receive(is_response(200, "OPTIONS", waiting.get("Call-ID")), "the slow answer")


def test_calls_go_on_while_programs_run(serve, endpoint, sipp, patient):
    server = start(serve, f'if (uri=~"slow") {{ exec(["{patient}"]); sl_send_reply("200", "OK"); break; }}\n'
                          f'if (method=="REGISTER") {{ save("location"); break; }}\n record_route(); '
                          f'if (loose_route()) {{ t_relay(); break; }}\n'
                          f'if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); break; }}\n{RELAY}')
    slow = endpoint(server, "slow")
    callee = sipp(server, "callee").wait_listening()
    sipp(server, "register", calls=1, keys={"contact_port": callee.port}).wait_success()
    for _ in range(4):
        slow.send(slow.request("OPTIONS", "sip:slow@example.test"))
    until(lambda: patient.started() == 4, "the programs to start")
    sipp(server, "caller", calls=100, rate=100, arguments=("-d", "10")).wait_success()
    assert patient.ended() == 0
    patient.let_go()
    for _ in range(4):
        slow.receive_response(200, "OPTIONS")


# -- one transaction, one program

def statistic(server, name):
    """What the server has counted by now; once a test."""
    server.child.send_signal(signal.SIGUSR1)
    return int(until(lambda: re.search(rf"statistics: {re.escape(name)}: (\d+)\n", server.log()), f"'{name}' in the statistics")[1])


def test_five_retransmissions_start_one_program(serve, endpoint, patient):
    server = start(serve, f'exec(["{patient}"]); t_newtran(); t_reply("200", "OK");')
    alice = endpoint(server, "alice")
    request = alice.request("INFO", "sip:bob@example.test")
    for _ in range(5):
        alice.send(request)
    until(patient.started, "the program to start")
    alice.send(request)
    patient.let_go()
    assert alice.receive_response(200, "INFO")
    assert statistic(server, "tandem_exec_started_total") == 1


def test_a_cancel_during_exec_ends_the_call_with_487(serve, endpoint, patient):
    server = start(serve, f'if (method=="INVITE") {{ exec(["{patient}"]); }}\n{RELAY}')
    alice, bob = endpoint(server, "alice").anything_may_come(), endpoint(server, "bob")  # a 180 may be faster than the end
    invite = alice.send(alice.request("INVITE", bob.contact))
    until(patient.started, "the program to start")
    alice.send(cancel_of(invite))
    patient.let_go()
    assert alice.receive_response(200, "CANCEL")
    # The callee may see the INVITE and its CANCEL, or nothing at all; he never answers with 200.
    arrived = final = None
    deadline = Deadline(20)
    while final is None:
        assert deadline.left(), "the call does not end"
        final = in_a_moment(alice, is_response("4xx", "INVITE"))
        request = in_a_moment(bob, lambda m: m.is_request)
        if request and request.method == "INVITE":
            arrived = request
            bob.send(bob.response(request, 180, "Ringing", to_tag="b1"))
        elif request and request.method == "CANCEL":
            bob.answer(request)
            bob.answer(arrived, 487, "Request Terminated")
            assert bob.receive_request("ACK")
    assert final.status == 487
    alice.send(ack_of(invite, final))
    assert patient.started() == 1


def in_a_moment(peer, wanted):
    """A message that is wanted, if it comes within a moment."""
    try:
        return peer.receive(wanted, seconds=0.3)
    except Overdue:
        return None


def test_a_bye_waits_behind_a_suspended_info_of_its_call(serve, endpoint, patient):
    server = start(serve, f'if (method=="INFO") {{ exec(["{patient}"]); }}\n{RELAY}')
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    call_id, tag = token(16), token()
    alice.send(alice.request("INFO", bob.contact, call_id=call_id, from_tag=tag, to_tag="b1", cseq=2))
    until(patient.started, "the program to start")
    alice.send(alice.request("BYE", bob.contact, call_id=call_id, from_tag=tag, to_tag="b1", cseq=3))
    # A request of another call goes through at once, so the path to bob is open; the BYE is not before its INFO.
    alice.send(alice.request("MESSAGE", bob.contact))
    arrived = [bob.receive()]
    patient.let_go()
    arrived += [bob.receive(), bob.receive()]
    assert [request.method for request in arrived] == ["MESSAGE", "INFO", "BYE"]
    for request in arrived:
        bob.answer(request)
        assert alice.receive_response(200, request.method)


def test_replies_whose_route_waits_for_a_program_are_kept_in_their_order(serve, endpoint, patient):
    server = start(serve, f't_on_reply("1"); {RELAY}\n}}\nonreply_route[1] {{ exec(["{patient}"]); append_hf("X-Seen: $rs\\r\\n");')
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    invite = alice.send(alice.request("INVITE", bob.contact))
    assert alice.receive_response(100, "INVITE")
    request = bob.receive()
    for status, reason in ((180, "Ringing"), (183, "Progress"), (200, "OK")):
        bob.send(bob.response(request, status, reason, to_tag="b1"))
    until(patient.started, "the program to start")
    patient.let_go()
    for status in (180, 183, 200):
        reply = alice.receive_response(status, "INVITE")
        assert reply.get("X-Seen") == str(status)
    alice.send(ack_of(invite, reply))
    assert bob.receive_request("ACK")


def test_a_tcp_peer_that_closes_while_its_request_is_suspended_harms_nobody(serve, endpoint, patient):
    server = start(serve, f'if (uri=~"slow") {{ exec(["{patient}"]); }}\nsl_send_reply("200", "OK");')
    gone, there = endpoint(server, "gone", "tcp"), endpoint(server, "there")
    gone.send(gone.request("OPTIONS", "sip:slow@example.test"))
    until(patient.started, "the program to start")
    gone.close()
    until(lambda: open_ends(server.port) == 0, "the server to close the connection too")
    assert there.exchange(there.request("OPTIONS", "sip:quick@example.test")).status == 200
    patient.let_go()
    until(patient.ended, "the program to end")
    assert there.exchange(there.request("OPTIONS", "sip:quick@example.test")).status == 200


@pytest.mark.parametrize("answer", ['sl_send_reply("200", "OK");', 't_newtran(); t_reply("200", "OK");'])
def test_the_answer_to_a_peer_that_hung_up_comes_over_a_new_connection(serve, endpoint, patient, answer):
    server = start(serve, f'exec(["{patient}"]);\n{answer}')
    alice = endpoint(server, "alice", "tcp")
    alice.send(alice.request("MESSAGE", "sip:bob@example.test"))
    until(patient.started, "the program to start")
    alice.hang_up()
    until(lambda: open_ends(server.port) == 0, "the server to close the connection too")
    patient.let_go()
    assert alice.receive_response(200, "MESSAGE")  # RFC 3261 18.2.2: to the port of its Via


# -- what a program is told

def test_exec_msg_gets_the_message_as_it_came_and_its_headers_as_variables(serve, endpoint, program, tmp_path):
    stdin, variables = tmp_path / "stdin", tmp_path / "variables"
    script = program("save", f"cat > {stdin}.part\nenv > {variables}\nmv {stdin}.part {stdin}\n")
    server = start(serve, f'seturi("sip:carol@example.test"); if (exec_msg("{script}")) {{ sl_send_reply("200", "OK"); }}')
    alice = endpoint(server, "alice")
    request = alice.request("MESSAGE", "sip:bob@example.test", to_tag="t1", headers=[
        ("X-Twice", "one"), ("X-Twice", "two"), ("s", "hello"), ("X-Guard", "() { :; }; echo pwned")], body="text\r\n")
    assert alice.exchange(request).status == 200
    assert stdin.read_bytes() == bytes(request)
    found = dict(line.split("=", 1) for line in lines(variables) if "=" in line)
    assert found["SIP_RURI"] == "sip:carol@example.test" and found["SIP_USER"] == "carol"
    assert found["SIP_ORURI"] == found["SIP_ORUI"] == "sip:bob@example.test" and found["SIP_OUSER"] == "bob"
    assert found["SIP_SRCIP"] == "127.0.0.1" and found["SIP_DID"] == "t1"
    assert len(found["SIP_TID"]) == 32 and int(found["SIP_TID"], 16) >= 0
    assert found["SIP_HF_FROM"] == request.get("From") and found["SIP_HF_CALLID"] == request.get("Call-ID")
    assert found["SIP_HF_X_TWICE"] == "one,two" and found["SIP_HF_SUBJECT"] == "hello"
    assert not found["SIP_HF_X_GUARD"].startswith("() {")
    assert "PATH" in found


def test_exec_dset_makes_the_destinations(serve, endpoint, program):
    script = program("where", 'printf "%s\\r\\n\\n" "$(cat "$(dirname "$0")/first")"; cat "$(dirname "$0")/second"\n')
    server = start(serve, f'if (exec_dset("{script} ignored")) {{ t_relay(); }} else {{ sl_send_reply("404", "None"); }}')
    alice, bob, carol = (endpoint(server, name) for name in ("alice", "bob", "carol"))
    script.with_name("first").write_text(bob.contact)
    script.with_name("second").write_text(carol.contact + "\n")
    invite = alice.send(alice.request("INVITE", "sip:anyone@example.test"))
    for one in (bob, carol):
        arrived = one.receive_request("INVITE")
        assert arrived.uri == one.contact
        one.answer(arrived, 486, "Busy Here")
        one.receive_request("ACK")
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))


def test_exec_dset_without_a_word_is_false(serve, endpoint, program):
    script = program("nothing", "exit 0\n")
    server = start(serve, f'if (exec_dset("{script}")) {{ sl_send_reply("200", "OK"); }} else {{ sl_send_reply("404", "None"); }}')
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("OPTIONS", "sip:bob@example.test")).status == 404


@pytest.mark.parametrize("uri", ["sip:x;touch$IFS{file}@example.test", "sip:$(touch${{IFS}}{file})@example.test",
                                 "sip:`touch$IFS{file}`@example.test", "sip:x'&touch$IFS{file}&'@example.test"])
def test_a_uri_never_becomes_a_command(serve, endpoint, program, tmp_path, uri):
    forbidden, words = tmp_path / "forbidden", tmp_path / "words"
    script = program("words", f'printf "%s\\n" "$@" > {words}\necho sip:ok@127.0.0.1:9\n')
    server = start(serve, f'exec_dset("{script}"); sl_send_reply("200", "OK");')
    alice = endpoint(server, "alice")
    wanted = uri.format(file=str(forbidden))
    answer = alice.exchange(alice.request("OPTIONS", wanted, to="sip:bob@example.test"))
    assert answer.status in (200, 400)
    assert not forbidden.exists()
    if answer.status == 200:
        assert lines(words)[-1] == wanted


# -- how it ends

@pytest.mark.parametrize("text, status", [("exit 0", 200), ("exit 3", 500), ("kill -9 $$", 500)])
def test_the_exit_status_decides(serve, endpoint, program, text, status):
    script = program("end", text + "\n")
    server = start(serve, f'if (exec(["{script}"])) {{ sl_send_reply("200", "OK"); }} else {{ sl_send_reply("500", "Failed"); }}')
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("OPTIONS", "sip:bob@example.test")).status == status


def test_a_program_that_is_not_there_is_an_error_of_the_script_only(serve, endpoint):
    server = start(serve, 'if (!exec(["/nonexistent/program"])) { sl_reply_error(); }')
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("OPTIONS", "sip:bob@example.test")).status == 500


def test_a_program_inherits_no_descriptor_of_the_server(serve, endpoint, program, tmp_path):
    seen = tmp_path / "seen"
    script = program("descriptors", f"ls -l /proc/$$/fd > {seen}.part; mv {seen}.part {seen}\n")
    server = start(serve, f'exec(["{script}"]); sl_send_reply("200", "OK");')
    alice = endpoint(server, "alice", "tcp")
    assert alice.exchange(alice.request("OPTIONS", "sip:bob@example.test")).status == 200
    beyond = [line for line in lines(seen) if "->" in line and line.split(" -> ")[0].split()[-1] not in ("0", "1", "2")]
    # What is left is the shell's own: its script and what it writes. The server has sockets and event queues.
    assert lines(seen) and not any("socket:" in line or "anon_inode:" in line for line in beyond), beyond


def test_what_a_program_says_on_stderr_goes_to_the_log(serve, endpoint, program):
    word = "complaint-" + token()
    script = program("complain", f"echo {word} >&2\n")
    server = start(serve, f'exec(["{script}"]); sl_send_reply("200", "OK");')
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("OPTIONS", "sip:bob@example.test")).status == 200
    until(lambda: word in server.log(), "the program's complaint in the log")


def test_programs_beyond_the_cap_queue_and_beyond_the_queue_are_refused(serve, endpoint, patient):
    server = start(serve, f'if (exec(["{patient}"])) {{ sl_send_reply("200", "OK"); }} else {{ sl_reply_error(); }}',
                   prologue="overload_per_source=0\n")  # so that nothing but the queue refuses
    alice = endpoint(server, "alice").anything_may_come()  # one answer to each of thousands
    count = 2000
    for _ in range(count):
        alice.send(alice.request("OPTIONS", "sip:bob@example.test"))
    refused = alice.receive(is_response(503), "a refusal beyond the queue", seconds=20)
    assert refused.get("Retry-After")
    # Nobody has been let go, so all that have started are running.
    until(lambda: patient.started() >= 32 * server.shards, "as many programs as may run", seconds=20)
    assert patient.started() == 32 * server.shards
    assert statistic(server, "tandem_exec_refused_total") > 0
    patient.let_go()
    assert alice.receive(is_response(200), "an answer after the queue", seconds=20)
    until(lambda: patient.started() > 32 * server.shards, "a queued program to start", seconds=20)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("named", ["", "nobody", "root"])
def test_programs_of_root_are_nobody_unless_root_is_named(serve, endpoint, named):
    user = f'modparam("exec", "user", "{named}")\n' if named else ""
    # It opens its outputs again by their names, which must be its own.
    server = start(serve, """exec_dset('echo "sip:$(id -u)@127.0.0.1" >/dev/stdout; echo word >/dev/stderr; echo>/dev/null');
        sl_send_reply("200", "$rU");""", user=user)
    alice = endpoint(server, "alice")
    answer = alice.exchange(alice.request("OPTIONS", "sip:bob@example.test"))
    wanted = pwd.getpwnam(named or "nobody").pw_uid
    assert answer.first_line == f"SIP/2.0 200 {wanted}"
    until(lambda: ": word" in server.log(), "the program's complaint in the log")


@pytest.mark.parametrize("parameter, further", [("", 10), ('modparam("exec", "nice", 0)\n', 0), ('modparam("exec", "nice", 19)\n', 19)])
def test_programs_stand_back_behind_the_server(serve, endpoint, parameter, further):
    server = start(serve, """exec_dset('echo "sip:$(nice)@127.0.0.1"; echo>/dev/null'); sl_send_reply("200", "$rU");""", parameter)
    alice = endpoint(server, "alice")
    answer = alice.exchange(alice.request("OPTIONS", "sip:bob@example.test"))
    wanted = min(os.getpriority(os.PRIO_PROCESS, server.child.pid) + further, 19)
    assert answer.first_line == f"SIP/2.0 200 {wanted}"


@pytest.mark.parametrize("let_through", ["", "TOKEN_*", "*"])
def test_programs_inherit_only_what_the_script_lets_through(serve, endpoint, let_through):
    more = f'modparam("exec", "environment", "PATH,{let_through}")\n' if let_through else ""
    server = start(serve, """exec_dset('echo "sip:${TOKEN_OF_A_DATABASE:-none}@127.0.0.1"; echo>/dev/null');
        sl_send_reply("200", "$rU");""", more, environment={"TOKEN_OF_A_DATABASE": "secret"})
    alice = endpoint(server, "alice")
    answer = alice.exchange(alice.request("OPTIONS", "sip:bob@example.test"))
    assert answer.first_line == f"SIP/2.0 200 {'secret' if let_through else 'none'}"


def test_programs_are_counted(serve, endpoint):
    server = start(serve, """exec_msg('exit $(expr "$SIP_USER" = bad)'); exec(["/no/such/program"]); sl_send_reply("200", "OK");""")
    alice = endpoint(server, "alice")
    for user in ("good", "good", "bad"):
        alice.exchange(alice.request("OPTIONS", f"sip:{user}@example.test"))
    server.child.send_signal(signal.SIGUSR1)
    for line in ("tandem_exec_started_total: 6", 'tandem_exec_ended_total{how="exit_0"}: 2', 'tandem_exec_ended_total{how="failed"}: 1',
                 'tandem_exec_ended_total{how="not_started"}: 3', "tandem_exec_running: 0"):
        until(lambda: f"statistics: {line}" in server.log(), f"'{line}' in the statistics")


def test_exec_leaves_no_zombie(serve, endpoint):
    server = start(serve, 'exec(["/bin/true"]); sl_send_reply("200", "OK");')
    alice = endpoint(server, "alice")
    for _ in range(20):
        assert alice.exchange(alice.request("OPTIONS", "sip:bob@example.test")).status == 200

    def zombies():
        # Programs are children of the process that starts them, which is a child of the server.
        processes = processes_now()
        family = {server.pid} | {pid for pid, p in processes.items() if p.parent == server.pid}
        return [pid for pid, p in processes.items() if p.state == "Z" and p.parent in family]
    until(lambda: not zombies(), "the ended programs to be waited for")
    assert server.is_alive()


def test_programs_end_with_the_server(serve, endpoint):
    # Nothing of it is logged, so the server has no descriptor of it that the harness would wait for.
    server = start(serve, 'exec(["/bin/sleep", "600"]); sl_send_reply("200", "OK");', 'modparam("exec", "max_log", 0)\n')
    alice = endpoint(server, "alice")
    before = server.members()
    alice.send(alice.request("OPTIONS", "sip:bob@example.test"))
    until(lambda: len(server.members()) > len(before), "the program to start")
    server.child.send_signal(signal.SIGTERM)
    until(lambda: "stopping (signal" in server.log(), "the server to take notice")
    # The harness sends another one, which ends the server at once, and finds what is left.


def test_exec_in_a_failure_route_gets_the_request_as_it_came(serve, endpoint, program, tmp_path):
    stdin, variables = tmp_path / "stdin", tmp_path / "variables"
    script = program("save", f"cat > {stdin}.part\nenv > {variables}\nmv {stdin}.part {stdin}\n")
    server = serve(f'''{MODULES}{SAME_USER}
route {{
    t_on_failure("1");
    rewriteuser("agent");
    {RELAY}
}}
failure_route[1] {{
    exec_msg("{script}");
}}''')
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    wanted = bob.contact.replace("bob@", "queue@")
    invite = alice.send(alice.request("INVITE", wanted))
    arrived = bob.receive_request("INVITE")
    assert arrived.uri != wanted
    bob.answer(arrived, 486, "Busy Here")
    assert bob.receive_request("ACK")
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))
    until(stdin.exists, "the program to have run")
    assert stdin.read_bytes() == bytes(invite)
    found = dict(line.split("=", 1) for line in lines(variables) if "=" in line)
    assert found["SIP_ORURI"] == wanted and found["SIP_OUSER"] == "queue"
    assert found["SIP_USER"] == "agent"


def test_the_first_branch_of_the_original_examples_still_works(serve, endpoint):
    server = start(serve, "if (exec_dset('echo sip:one@127.0.0.1;echo sip:two@127.0.0.1;echo>/dev/null')) "
                          '{ sl_send_reply("300", "Redirect"); } else { sl_reply_error(); }')
    alice = endpoint(server, "alice")
    answer = alice.exchange(alice.request("MESSAGE", "sip:bob@example.test"))
    assert answer.status == 300
    assert answer.all("Contact") == ["sip:one@127.0.0.1", "sip:two@127.0.0.1"]


@pytest.mark.parametrize("output", ["seq -f sip:x%g@127.0.0.1 32", "echo no uri", "head -c 2000 /dev/zero | tr \"\\0\" x",
                                    "yes sip:x@127.0.0.1"], ids=["too many", "no uri", "too long", "endless"])
def test_output_that_is_no_list_of_destinations_changes_nothing(serve, endpoint, output):
    server = start(serve, f"""if (exec_dset('echo sip:first@127.0.0.1;{output};echo>/dev/null')) {{ sl_send_reply("300", "Redirect"); }}
                              else if (uri=~"sip:bob@") {{ sl_reply_error(); }}""")
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("MESSAGE", "sip:bob@example.test"), seconds=20).status == 500


def test_a_program_has_a_deadline_and_so_has_all_that_it_started(serve, endpoint, program, tmp_path):
    started = tmp_path / "started"
    script = program("hang", f"trap '' TERM\nsleep 600 &\necho $$ $! > {started}.part\nmv {started}.part {started}\nwait\n")
    server = start(serve, f'if (exec(["{script}"])) {{ sl_send_reply("200", "OK"); }} else {{ sl_reply_error(); }}',
                   modparams='modparam("exec", "time_to_kill", 2)\n')
    alice = endpoint(server, "alice")
    request = alice.send(alice.request("MESSAGE", "sip:bob@example.test"))
    until(started.exists, "the program to start")
    family = [int(pid) for pid in started.read_text().split()]
    assert alice.receive(lambda m: m.status >= 200 and m.get("Call-ID") == request.get("Call-ID"), "an answer", seconds=20).status == 500
    until(lambda: "deadline" in server.log(), "its end in the log")
    until(lambda: not any(is_running(pid) for pid in family), "everything to be gone")


def test_variables_can_be_left_out(serve, endpoint, program, tmp_path):
    variables = tmp_path / "variables"
    script = program("save", f"env > {variables}\n")
    server = start(serve, f'exec_msg("{script}"); sl_send_reply("200", "OK");', modparams='modparam("exec", "setvars", 0)\n')
    alice = endpoint(server, "alice")
    assert alice.exchange(alice.request("MESSAGE", "sip:bob@example.test")).status == 200
    assert not [line for line in lines(variables) if line.startswith("SIP_")]


def test_what_waited_behind_a_program_is_handed_on_as_it_came(serve, endpoint, program, patient, tmp_path):
    second = tmp_path / "second"
    save = program("save", f"cat > {second}.part\nmv {second}.part {second}\n")
    server = start(serve, f'if (method=="INFO") {{ exec(["{patient}"]); }}\n'
                          f'if (method=="BYE") {{ exec(["{save}"]); }}\nsl_send_reply("200", "OK");')
    alice = endpoint(server, "alice")
    call_id, tag = token(16), token()
    alice.send(alice.request("INFO", "sip:bob@example.test", call_id=call_id, from_tag=tag, to_tag="b1", cseq=2))
    until(patient.started, "the program to start")
    bye = alice.send(alice.request("BYE", "sip:bob@example.test", call_id=call_id, from_tag=tag, to_tag="b1", cseq=3))
    for _ in range(8):  # answered behind it on the same path, whichever shard is the home of its call
        alice.exchange(alice.request("OPTIONS", "sip:bob@example.test"))
    assert not second.exists()
    patient.let_go()
    until(second.exists, "the second program to have run")
    assert second.read_bytes() == bytes(bye)
    assert alice.receive_response(200, "INFO") and alice.receive_response(200, "BYE")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have programs of another user")
def test_programs_of_another_user_than_the_servers_cannot_end_or_stop_exec(serve, endpoint, tmp_path):
    for one in (tmp_path, *tmp_path.parents):
        if one.stat().st_uid == os.geteuid() and one.is_relative_to("/tmp"):
            one.chmod(one.stat().st_mode | 0o055)
    server = serve(MODULES + 'modparam("exec", "user", "nobody")\n'
                   'route { if (exec(["/bin/sh", "-c", "$rU"])) sl_send_reply("200", "Yes"); else sl_send_reply("500", "No"); }\n'
                   .replace('"$rU"', '"kill -$$1 $$PPID; exit 0", "sh", "$rU"'), options=("-u", "daemon"))
    alice = endpoint(server, "alice")

    def ask(signal_name):
        return alice.exchange(alice.request("OPTIONS", f"sip:{signal_name}@example.test")).status
    assert ask("0") == 200
    assert ask("STOP") == 200
    assert ask("0") == 200
    ask("KILL")  # it may be lost with its parent
    until(lambda: ask("0") == 200, "another parent of programs")
    ask("STOP")  # and so it ends
