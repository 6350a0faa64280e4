# SPDX-License-Identifier: Apache-2.0
"""The faults that the original SIP2Mediator was known for, each provoked at the running mediator."""
import json
import socket
import ssl
import threading
import time

import pytest
from harness.ports import free_ports
from harness.server import open_ends
from harness.sip2 import (ANSWERS, CHECKOUT, DATE, ITEM, LOGIN, Library, http_answer, make_certificate,
                          mediators)
from harness.waiting import until

ITEM_ANSWER = f"18030101{DATE}AB31000001|AJEmma|"
ITEM_REFUSED = f"18010101{DATE[:4]}"


@pytest.fixture
def library():
    """library(behave, ...): a library system, which ends with the test."""
    made = []

    def make(behave=None, **more):
        made.append(Library(behave, **more))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.stop()


@pytest.fixture
def mediate(tmp_path, request, library):  # its mediators end before the libraries do  # pylint: disable=unused-argument
    """mediate(*arguments): a mediator, which must end with 0 at the end of the test."""
    with mediators(tmp_path, request.node) as start:
        yield start


@pytest.fixture
def world(library, mediate):
    """world(behave, *arguments): a mediator in front of a library."""
    def make(behave=None, *arguments, **more):
        behind = library(behave)
        return mediate("--http-port", behind.port, *arguments, **more), behind

    return make


def fields_of(message):
    return [next(iter(f.items())) for f in message["fields"]]


# --- what terminals send ---------------------------------------------------------------------------------------------

def test_a_pin_that_ends_in_punctuation_arrives_whole(world):
    mediator, library = world()
    mediator.connect().ask("9300CNuser|COs3cret!")
    assert ("CO", "s3cret!") in fields_of(library.messages[0][1])


def test_latin_1_barcodes_are_not_destroyed(world):
    mediator, library = world()
    mediator.connect().ask(b"17" + DATE.encode() + b"AOexample|ABcaf\xe9|")
    assert ("AB", "caf\u00e9") in fields_of(library.messages[0][1])


def test_blanks_of_a_summary_are_not_lost(world):
    mediator, library = world()
    mediator.connect().send(f"63000{DATE}          ")
    until(lambda: library.messages, "the message")
    assert library.messages[0][1]["fixed_fields"] == ["000", DATE, " " * 10]


def test_an_empty_part_loses_nothing_behind_it(world):
    mediator, library = world()
    terminal = mediator.connect()
    terminal.ask("9300|CNuser|COpass|")
    terminal.ask(f"17{DATE}AOx||AB1|")
    assert fields_of(library.messages[0][1]) == [("CN", "user"), ("CO", "pass")]
    assert fields_of(library.messages[1][1]) == [("AO", "x"), ("AB", "1")]


def test_unknown_codes_do_not_end_the_session(world):
    mediator, _ = world()
    terminal = mediator.connect()
    terminal.send("77nonsense|")
    assert terminal.ask(LOGIN) == "941"


def test_19_and_25_are_messages(world):
    mediator, library = world(lambda *_: {"code": "20", "fixed_fields": ["1", DATE], "fields": [{"AB": "1"}]})
    assert mediator.connect().ask(f"19{DATE}AOx|AB1|CHy|") == f"201{DATE}AB1|"
    assert library.codes()[0] == "19"


def test_a_97_is_answered_here(world):
    mediator, library = world()
    terminal = mediator.connect()
    assert terminal.ask("97") == "96"
    answer = terminal.ask(ITEM)
    assert terminal.ask("97") == answer
    assert library.codes() == ["17"]


def test_ay_and_az_are_verified_echoed_and_no_field(world):
    mediator, library = world()
    terminal = mediator.connect()
    assert terminal.ask("9300CNsiplogin|COsippassword|AY0AZF390") == "941AY0AZFDFD"
    assert terminal.ask("9300CNsiplogin|COsippassword|AY0AZF391") == "96AZFEF6"
    assert [name for name, _ in fields_of(library.messages[0][1])] == ["CN", "CO"]


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\n\r\n"], ids=["cr", "lf", "crlf", "twice"])
def test_every_line_end_is_understood(world, end):
    mediator, library = world()
    terminal = mediator.connect()
    for _ in range(3):
        terminal.send(ITEM, end)
        assert terminal.receive() == ITEM_ANSWER
    terminal.close()
    until(lambda: "XS" in library.codes(), "the end of the session")
    assert mediator.drain() == 0


def test_a_partial_line_stops_nobody(world):
    mediator, _ = world()
    slow, quick = mediator.connect(), mediator.connect()
    slow.send("9300CN", end=b"")
    assert quick.ask(LOGIN) == "941"
    slow.send("u|COp|")
    assert slow.receive() == "941"


def test_two_messages_in_one_segment_are_both_answered_in_order(world):
    mediator, _ = world()
    terminal = mediator.connect()
    terminal.send(f"{LOGIN}\r{ITEM}\r9909992.00")
    assert [terminal.receive()[:2] for _ in range(3)] == ["94", "18", "98"]


def test_an_answer_comes_in_one_segment(world):
    big = dict(ANSWERS["17"], fields=[{"AB": "1"}, {"AJ": "x" * 1200}])
    mediator, _ = world(lambda *_: big)
    terminal = mediator.connect()
    terminal.send(ITEM)
    assert terminal.socket.recv(4096).endswith(b"|\r")


def test_a_half_closed_terminal_gets_its_answer(world):
    mediator, _ = world()
    terminal = mediator.connect()
    terminal.send(ITEM)
    terminal.socket.shutdown(socket.SHUT_WR)
    assert terminal.receive() == ITEM_ANSWER
    assert terminal.receive() == ""


def test_more_clients_than_allowed_are_closed_at_once(world):
    mediator, _ = world(None, "--max-clients", 2)
    terminals = [mediator.connect(), mediator.connect()]
    assert [t.ask(LOGIN) for t in terminals] == ["941", "941"]
    assert mediator.connect().receive() == ""
    until(lambda: "max_clients=2" in mediator.log(), "the bound in the log")
    assert terminals[0].ask(ITEM) == ITEM_ANSWER


def test_no_password_reaches_the_log(world):
    mediator, _ = world(None, "--syslog-level", "LOG_DEBUG")
    terminal = mediator.connect()
    terminal.ask("9300CNuser|COtop-secret|")
    terminal.ask(f"23000{DATE}AOx|AAcard|ACterminal-pw|AD9753|")
    log = mediator.whole_log()
    assert "9300CNuser|CO***|" in log
    for word in ("top-secret", "terminal-pw", "9753"):
        assert word not in log


# --- what back-ends do -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"code":"77"}', b"{nonsense", b"[]", b'"x"',
                                  b'{"code":"94","fixed_fields":["1"]}', b"\xff\xfe", b"[" * 5000])
def test_nonsense_gets_a_well_formed_refusal_and_kills_nothing(world, body):
    mediator, _ = world(lambda library, connection, session, message: ANSWERS["XS"] if message["code"] == "XS" else body)
    terminal = mediator.connect()
    for _ in range(2):
        assert terminal.ask(ITEM).startswith(ITEM_REFUSED)
    assert mediator.is_alive()


def test_an_http_error_gets_a_refusal_and_keeps_the_terminal(world):
    def behave(library, connection, session, message):
        connection.sendall(http_answer(b"sorry", 500))

    mediator, _ = world(behave)
    terminal = mediator.connect()
    assert terminal.ask(CHECKOUT).startswith("120NUN")
    assert terminal.ask(LOGIN) == "940"


def test_line_ends_in_values_do_not_split_the_stream(world):
    answer = dict(ANSWERS["17"], fields=[{"\r\n": "x", "AJ": "line1\rline2\nline3|x"}])
    mediator, _ = world(lambda *_: answer)
    assert mediator.connect().ask(ITEM).endswith("AJline1 line2 line3x|")


def test_a_back_end_that_is_down_harms_nobody_and_comes_back(mediate, library):
    port = free_ports(1)
    mediator = mediate("--http-port", port)
    terminal = mediator.connect()
    assert terminal.ask(LOGIN) == "940"
    for _ in range(5):
        assert terminal.ask("9909992.00").startswith("98N")
    assert mediator.get("/ready")[0] == 503
    assert mediator.get("/health")[0] == 200
    library(port=port)
    until(lambda: mediator.get("/ready")[0] == 200, "the back-end to be found", seconds=20)
    assert terminal.ask(LOGIN) == "941"


def test_a_certificate_that_nobody_vouches_for_is_told_not_fatal(mediate, library, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path))
    mediator = mediate("--http-port", library(tls=context).port, "--http-proto", "https")
    assert mediator.connect().ask(LOGIN) == "940"
    until(lambda: "certificate" in mediator.log(), "the complaint in the log")


def test_a_request_is_never_sent_twice_after_an_idle_close(world):
    """The back-end closes its keep-alive connections; the next message goes over a new one, once."""
    def behave(library, connection, session, message):
        connection.sendall(http_answer(b'{"code":"12","fixed_fields":[1,"N","N","Y","%s"]}' % DATE.encode()))
        connection.close()

    mediator, library = world(behave)
    terminal = mediator.connect()
    for n in range(1, 4):
        assert terminal.ask(CHECKOUT.replace("AB3", f"AB{n}")).startswith("121NNY")  # another item each time
        until(lambda: open_ends(library.port) == 0, "the mediator to notice the close")
        assert library.codes().count("11") == n


def test_a_connection_lost_after_sending_is_no_reason_to_send_a_checkout_again(world):
    def behave(library, connection, session, message):
        connection.close()

    mediator, library = world(behave)
    terminal = mediator.connect()
    assert terminal.ask(CHECKOUT).startswith("120NUN")
    assert library.codes().count("11") == 1
    keys = {headers["idempotency-key"] for _, headers, _ in library.requests}
    assert len(keys) == len(library.requests)


def test_an_answer_in_many_pieces_is_put_together(world):
    def behave(library, connection, session, message):
        for byte in http_answer(b'{"code":"18","fixed_fields":["03","01","01","%s"],"fields":[]}' % DATE.encode()):
            connection.sendall(bytes([byte]))

    mediator, _ = world(behave)
    assert mediator.connect().ask(ITEM) == f"18030101{DATE}"


def test_a_back_end_that_writes_head_and_body_apart_costs_no_delayed_acknowledgement(world):
    """Python's http.server and others do: their body waits for our acknowledgement, usually 40 ms."""
    def behave(library, connection, session, message):
        head, body = http_answer(json.dumps(ANSWERS[message["code"]]).encode()).split(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        connection.sendall(body)

    mediator, _ = world(behave)
    terminal = mediator.connect()
    times = []
    for _ in range(60):
        begin = time.monotonic()
        assert terminal.ask(ITEM) == ITEM_ANSWER
        times.append(time.monotonic() - begin)
    # Linux acknowledges the first segments of a connection at once; after them every answer would be late. A machine that
    # is busy with other things makes some late too, never all.
    assert min(times[30:]) < 0.035, times


def test_the_log_names_a_request_as_the_back_end_hears_it(world):
    mediator, library = world()
    terminal = mediator.connect()
    terminal.ask(LOGIN)
    terminal.ask(ITEM)
    identity = library.requests[1][1]["x-request-id"]
    assert library.requests[1][1]["idempotency-key"] == identity
    lines = [line for line in mediator.whole_log().splitlines() if identity in line]
    assert [line.split("] ")[1].split(" ")[0] for line in lines] == ["INPUT", "OUTPUT"]
    assert all("siplogin" in line for line in lines)


def test_a_slow_answer_holds_up_only_its_terminal_and_not_for_ever(world):
    config = """
        [[listener]]
        listen = "127.0.0.1:PORT"
        [profile.default]
        backend-timeout = "2 s"
        """
    release = threading.Event()

    def behave(library, connection, session, message):
        if message["code"] == "11":
            release.wait(20)
        return ANSWERS[message["code"]]

    mediator, _ = world(behave, config=config)
    slow, quick = mediator.connect(), mediator.connect()
    slow.send(CHECKOUT)
    for _ in range(20):
        assert quick.ask(ITEM) == ITEM_ANSWER
    assert slow.receive().startswith("120NUN")
    release.set()


def test_a_back_end_of_one_byte_a_second_is_noticed_by_its_terminal_alone(world):
    """Each byte is activity, yet the deadline is for the whole answer; the drip holds one connection and no more."""
    config = """
        [[listener]]
        listen = "127.0.0.1:PORT"
        [profile.default]
        backend-timeout = "2 s"
        """
    over = threading.Event()
    whole, dripped = http_answer(json.dumps(ANSWERS["11"]).encode()), [0]

    def behave(library, connection, session, message):
        if message["code"] != "11":
            return ANSWERS[message["code"]]
        for byte in whole:
            connection.sendall(bytes([byte]))
            dripped[0] += 1
            if over.wait(1):
                break

    mediator, library = world(behave, config=config)
    slow, quick = mediator.connect(), mediator.connect()
    slow.send(CHECKOUT)
    until(lambda: "11" in library.codes(), "the checkout")
    for _ in range(100):
        assert quick.ask(ITEM) == ITEM_ANSWER
    assert slow.receive().startswith("120NUN")
    assert dripped[0] < len(whole)
    assert slow.ask(ITEM) == ITEM_ANSWER
    over.set()


def test_the_session_key_form_and_json_are_those_of_the_contract(world):
    mediator, library = world()
    terminal = mediator.connect()
    terminal.ask(LOGIN)
    head, headers, body = library.requests[0]
    assert head.startswith("POST /sip2-mediator HTTP/1.1\r\n")
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert body.startswith("session=") and len(body.split("&")[0]) == len("session=") + 32
    assert library.messages[0][1] == {"code": "93", "fixed_fields": ["0", "0"],
                                      "fields": [{"CN": "siplogin"}, {"CO": "sippassword"}]}
    assert "%7B%22code%22%3A%2293%22" in body
    terminal.close()
    until(lambda: "XS" in library.codes(), "the end of the session")
    assert library.messages[-1] == (library.messages[0][0], {"code": "XS", "fixed_fields": [], "fields": []})
    assert headers["x-sip2-client"].startswith("127.0.0.1:")


# --- the end ---------------------------------------------------------------------------------------------------------

def test_usr1_finishes_what_is_in_progress_and_ends_with_0(world):
    release = threading.Event()

    def behave(library, connection, session, message):
        if message["code"] == "11":
            release.wait(20)
        return ANSWERS[message["code"]]

    mediator, library = world(behave)
    idle, busy = mediator.connect(), mediator.connect()
    assert idle.ask(LOGIN) == "941"
    idle.send("\r\n\r\n", end=b"")  # empty lines used to be counted as work in progress
    busy.send(CHECKOUT)
    until(lambda: "11" in library.codes(), "the checkout")
    mediator.child.send_signal(10)
    assert idle.receive() == ""
    assert mediator.is_alive()
    release.set()
    assert busy.receive().startswith("121NNY")
    assert mediator.child.wait(20) == 0
    assert library.codes().count("XS") == 2


# --- secrets ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["json", "form", "dump", "escaped"])
@pytest.mark.parametrize("level", ["LOG_INFO", "LOG_DEBUG"])
def test_an_error_body_that_repeats_the_request_puts_no_password_into_the_log(world, form, level):
    def behave(library, connection, session, message):
        body = {"json": json.dumps(message), "form": library.requests[-1][2], "dump": repr(message),
                "escaped": json.dumps(json.dumps(message))}[form]
        connection.sendall(http_answer(f"cannot do {body}".encode(), 500))

    mediator, _ = world(behave, "--syslog-level", level)
    terminal = mediator.connect()
    assert terminal.ask('9300CNsiplogin|COs\u00e9cret "& word|') == "940"
    assert terminal.ask(f"23001{DATE}AOx|AAcard|ACtermpw|AD97531|")[:2] == "24"
    log = mediator.whole_log()
    assert "HTTP 500" in log and ("cannot do" in log) == (level == "LOG_DEBUG"), log
    for secret in ("cret", "word|", "termpw", "97531"):
        assert secret not in log.replace("password", ""), log


@pytest.mark.parametrize("login", ["9300CNu^COtopsecret^", "93COtopsecret|CNu", "93CNu|COtopsecret|",
                                   "9300CNu;COtopsecret;CPhere;"])
def test_a_password_in_a_login_of_another_form_is_never_the_account(world, login):
    mediator, library = world(None, "--syslog-level", "LOG_DEBUG")
    terminal = mediator.connect()
    assert terminal.ask(login) == "941"
    assert terminal.ask(ITEM) == ITEM_ANSWER
    log = mediator.whole_log()
    assert "topsecret" not in log, log
    assert all("topsecret" not in head for head, _, _ in library.requests)


# --- who may come in, and the end ------------------------------------------------------------------------------------

def test_one_host_that_sends_one_99_on_120_connections_keeps_nobody_out(world):
    mediator, _ = world()
    crowd = [mediator.connect() for _ in range(120)]
    for terminal in crowd:
        assert terminal.ask("9909992.00")[:2] == "98"
    with socket.create_connection(("127.0.0.1", mediator.port), 10, source_address=("127.0.0.77", 0)) as elsewhere:
        elsewhere.sendall(f"{LOGIN}\r".encode())
        assert elsewhere.recv(100) == b"941\r"


def test_one_host_whose_messages_are_answered_without_a_login_keeps_nobody_out(world):
    mediator, _ = world()
    crowd = [mediator.connect() for _ in range(120)]
    for terminal in crowd:
        assert terminal.ask(ITEM) == ITEM_ANSWER
    for i in range(2):
        source = (f"127.0.0.{77 + i}", 0)
        with socket.create_connection(("127.0.0.1", mediator.port), 10, source_address=source) as elsewhere:
            elsewhere.sendall(f"{LOGIN}\r".encode())
            assert elsewhere.recv(100) == b"941\r"


def test_three_broken_answers_for_one_card_leave_the_others_alone(world):
    def behave(library, connection, session, message):
        if message["code"] != "63":
            return ANSWERS.get(message["code"])
        return connection.sendall(http_answer(b"x" * (2 << 20)))

    mediator, _ = world(behave)
    terminal, other = mediator.connect(), mediator.connect()
    for _ in range(4):
        assert terminal.ask(f"63001{DATE}          AOx|AAcard|AC|")[:6] == "64YYYY"
    assert other.ask(ITEM) == ITEM_ANSWER
    assert mediator.metric("sip2_backend_up") == 1


def test_TERM_with_a_request_in_flight_refuses_it_before_the_connection_closes(world):
    mediator, library = world(lambda *_: None)
    terminal = mediator.connect()
    terminal.send(CHECKOUT)
    until(lambda: library.messages, "the request")
    mediator.child.terminate()
    assert terminal.receive().startswith("120NUN")
    assert terminal.receive() == ""
    assert mediator.child.wait(20) == 0


def test_TERM_with_a_request_in_flight_at_the_door_refuses_it_with_503(mediate, library):
    behind = library(lambda *_: None)
    mediator = mediate(config=f'''
[http]
listen = "127.0.0.1:9"
token = "token"
door = true
[backend]
url = "http://127.0.0.1:{behind.port}/sip2-mediator"
[[listener]]
listen = "127.0.0.1:PORT"
''')
    answers = []
    asking = threading.Thread(target=lambda: answers.append(mediator.post("/sip2-mediator", CHECKOUT, "text/plain")))
    asking.start()
    until(lambda: behind.messages, "the request")
    mediator.child.terminate()
    asking.join(30)
    assert answers and answers[0][0] == 503 and answers[0][1].startswith("120NUN")
    assert mediator.child.wait(20) == 0
