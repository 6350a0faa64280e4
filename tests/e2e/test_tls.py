# SPDX-License-Identifier: Apache-2.0
"""SIP over TLS: phones connect, requests leave, and nothing that asks for TLS ever goes without."""
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

import pytest
from harness.authority import Authority
from harness.control import CommandError
from harness.endpoint import Dialog, relayed
from harness.server import DOMAIN, accepted_connections, tandemd_path
from harness.waiting import until

pytestmark = pytest.mark.tandem_only

REGISTRAR = """
    loadmodule "sl"
    loadmodule "tm"
    loadmodule "rr"
    loadmodule "usrloc"
    loadmodule "registrar"
    route {
        if (loose_route()) { t_relay(); break; }
        if (method=="REGISTER") { save("location"); break; }
        record_route();
        if (uri==myself) {
            if (!lookup("location")) { sl_send_reply("480", "Not so securely"); break; }
        }
        if (!t_relay()) sl_reply_error();
    }
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("certificates"))
    made.sign("server")
    return made


@pytest.fixture
def secure(serve, authority):
    """secure(script) starts a server that listens by TLS at the port after that of UDP and TCP."""
    def start(script=REGISTRAR, certificate=None, more="", **rest):
        def prologue(port):
            return (f'listen="tls:127.0.0.1:{port + 1}"\ntls_certificate="{certificate or authority / "server.pem"}"\n'
                    f'tls_ca_list="{authority.file}"\n{more}\n')
        return serve(script, prologue=prologue, **rest)
    return start


def test_a_phone_registers_by_tls_and_is_called_over_its_connection(secure, endpoint, authority):
    server = secure()
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob", "tls", trusts=authority.client())
    assert bob.exchange(bob.register()).status == 200
    invite = alice.send(alice.request("INVITE", f"sip:bob@{DOMAIN}"))
    arrived = bob.receive_request("INVITE")
    assert arrived.all("Via")[0].startswith(f"SIP/2.0/TLS 127.0.0.1:{server.port + 1};"), "it says where we listen by TLS"
    records = arrived.all("Record-Route")
    assert "transport=tls" in records[0] and "transport" not in records[1], "RFC 5658: one entry for each side"
    bob.answer(arrived)
    answer = alice.receive_response(200, "INVITE")
    calling, called = Dialog(alice, invite, answer), Dialog(bob, arrived, bob.response(arrived, 200, to_tag="b1"))
    alice.send(calling.request("ACK"))
    bob.receive_request("ACK")
    # Both parties can end the call: the phone is found by its connection, since it has no certificate.
    relayed(bob, alice, called.request("INFO"))
    relayed(alice, bob, calling.request("BYE"))


def test_a_caller_by_tls_is_reached_over_its_connection_within_the_call(secure, endpoint, authority):
    server = secure()
    alice, bob = endpoint(server, "alice", "tls", trusts=authority.client()), endpoint(server, "bob")
    invite = alice.send(alice.request("INVITE", bob.contact))
    arrived = bob.receive_request("INVITE")
    bob.answer(arrived)
    answer = alice.receive_response(200, "INVITE")
    alice.send(Dialog(alice, invite, answer).request("ACK"))
    bob.receive_request("ACK")
    relayed(bob, alice, Dialog(bob, arrived, bob.response(arrived, 200, to_tag="b1")).request("BYE"))


def test_what_is_called_by_sips_is_recorded_by_sips_and_reached_by_tls_alone_rfc_5630(secure, endpoint, authority):
    server = secure()
    alice, bob = (endpoint(server, name, "tls", trusts=authority.client()) for name in ("alice", "bob"))
    assert bob.exchange(bob.register()).status == 200
    assert alice.exchange(alice.request("MESSAGE", f"sips:bob@{DOMAIN}")).status == 480, "it has registered by sip:"
    bob.scheme = "sips"
    assert bob.exchange(bob.register(to=f"sip:bob@{DOMAIN}")).status == 200
    alice.scheme = "sips"
    invite = alice.send(alice.request("INVITE", f"sips:bob@{DOMAIN}"))
    arrived = bob.receive_request("INVITE")
    records = arrived.all("Record-Route")
    assert len(records) == 1 and records[0].startswith(f"<sips:127.0.0.1:{server.port + 1};"), records
    assert arrived.uri.startswith("sips:")
    bob.answer(arrived)
    answer = alice.receive_response(200, "INVITE")
    dialog = Dialog(alice, invite, answer)
    alice.send(dialog.request("ACK"))
    bob.receive_request("ACK")
    relayed(alice, bob, dialog.request("BYE"))


@pytest.fixture
def peer(endpoint, authority):
    """peer(server, certificate) is a SIP server by TLS."""
    def make(server, certificate):
        return endpoint(server, "peer", "tls", shows=authority.server(certificate))
    return make


@pytest.mark.parametrize("by", ["sips:peer@localhost:{}", "sip:peer@localhost:{};transport=tls"])
def test_a_request_leaves_by_tls_for_who_proves_the_name(secure, endpoint, peer, authority, by):
    server = secure()
    alice, other = endpoint(server), peer(server, authority / "server.pem")
    relayed(alice, other, alice.request("MESSAGE", by.format(other.port)))
    relayed(alice, other, alice.request("MESSAGE", by.format(other.port)))
    assert len(other._buffers) <= server.shards, "RFC 5923: each shard uses its connection again"


def names_of_other_peers(authority):
    yield "an address alone", authority.sign("address", "IP:127.0.0.1")
    yield "another name", authority.sign("other", "DNS:example.net")
    yield "a common name", authority.sign("localhost", "")
    yield "a wildcard", authority.sign("wildcard", "DNS:*.localhost,DNS:*")
    yield "a user", authority.sign("user", "URI:sip:peer@localhost")
    yield "a web site", authority.sign("web", "URI:https://localhost")
    yield "a stranger's authority", Authority(authority.folder / "strange", "stranger").sign("server")


def test_nothing_leaves_for_who_does_not_prove_the_name_rfc_5922(secure, endpoint, peer, authority):
    server = secure()
    alice = endpoint(server)
    for what, certificate in names_of_other_peers(authority):
        other = peer(server, certificate)
        answer = alice.send(alice.request("MESSAGE", f"sips:peer@localhost:{other.port}"))
        until(lambda: other._read(0.05) or alice._inbox.has(lambda m: True), "the connection to be tried")
        answer = alice.receive_final("MESSAGE")
        assert answer.status in (480, 503, 500), (what, answer)
        assert not other._buffers and not other._inbox.has(lambda m: True), what
        other.anything_may_come()
    assert "hostname mismatch, 'localhost' was asked for, it holds 127.0.0.1; use a name that the certificate holds" in server.log()


def test_a_domain_is_proved_by_a_uri_of_sip_rfc_5922(secure, endpoint, peer, authority):
    server = secure()
    alice, other = endpoint(server), peer(server, authority.sign("uri", "URI:sip:localhost,DNS:example.net"))
    relayed(alice, other, alice.request("MESSAGE", f"sips:peer@localhost:{other.port}"))


def test_without_tls_what_asks_for_it_goes_nowhere(serve, endpoint, authority):
    server = serve(REGISTRAR)
    alice = endpoint(server)
    for uri in ("sips:peer@localhost:5061", "sip:peer@localhost;transport=tls"):
        assert alice.exchange(alice.request("MESSAGE", uri)).status in (478, 480)


def shake_hands(server, *options):
    """What openssl s_client says of a connection."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port + 1}", *map(str, options)]
    return subprocess.run(command, input=b"", capture_output=True, timeout=20, check=False).stdout.decode(errors="replace")


def test_only_tls_1_2_and_1_3_are_spoken(secure):
    server = secure()
    assert "Protocol  : TLSv1.2" in shake_hands(server, "-tls1_2")
    assert "New, TLSv1.3" in shake_hands(server, "-tls1_3")
    for old in ("-tls1", "-tls1_1"):
        assert "Cipher is (NONE)" in shake_hands(server, old, "-cipher", "ALL:@SECLEVEL=0")
    other = secure(more='tls_method="TLSv1.3"')
    assert "Cipher is (NONE)" in shake_hands(other, "-tls1_2")
    assert "New, TLSv1.3" in shake_hands(other)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_session_is_resumed(secure, endpoint, authority, tmp_path, version):
    server = secure()
    kept = tmp_path / "session"
    # The ticket of TLS 1.3 comes after the handshake: the answer to a keep-alive comes behind it.
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.port + 1}", version, "-quiet", "-no_ign_eof", "-sess_out", str(kept)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        client.stdin.write(b"\r\n\r\n")
        client.stdin.flush()
        assert client.stdout.read(2) == b"\r\n"
        client.stdin.close()
        client.wait(10)
    assert "Reused, TLS" in shake_hands(server, version, "-sess_in", kept)


def shown_to(server, authority, name):
    """The names in the certificate that a client is shown which asks for that name."""
    context = authority.client()
    context.check_hostname = False
    with socket.create_connection((server.host, server.port + 1), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname=name) as connection:
            return {value for _, value in connection.getpeercert()["subjectAltName"]}


def test_each_name_has_its_certificate(secure, authority):
    one, other = authority.sign("one", "DNS:one.example"), authority.sign("two", "DNS:two.example,DNS:*.two.example")
    server = secure(more=f'tls_certificate="{one}"\ntls_certificate="{other}"')
    assert shown_to(server, authority, "one.example") == {"one.example"}
    assert "two.example" in shown_to(server, authority, "two.example")
    assert "two.example" in shown_to(server, authority, "a.two.example")
    assert "localhost" in shown_to(server, authority, "three.example")
    assert "localhost" in shown_to(server, authority, None)


@pytest.mark.parametrize("is_required", [False, True])
def test_clients_show_certificates(secure, endpoint, authority, is_required):
    server = secure(more="tls_verify=yes\n" + "tls_require_certificate=yes" * is_required)
    known = endpoint(server, "known", "tls", trusts=authority.client(authority.sign("client", "DNS:client.example")))
    assert known.exchange(known.register()).status == 200
    stranger = Authority(authority.folder / "clients", "stranger").sign("client", "DNS:client.example")
    for certificate in (None, stranger):
        client = endpoint(server, "other", "tls", trusts=authority.client(certificate))
        if certificate is None and not is_required:
            assert client.exchange(client.register()).status == 200
            continue
        with pytest.raises((OSError, AssertionError)):
            client.exchange(client.register(), seconds=3)
        until(lambda: "connected and was refused" in server.log(), "the refusal in the log")


def test_hup_reads_the_certificates_again_and_a_broken_file_changes_nothing(secure, endpoint, authority):
    certificate = authority / "renewed.pem"
    shutil.copy(authority / "server.pem", certificate)
    server = secure(certificate=certificate)
    alice = endpoint(server, "alice", "tls", trusts=authority.client())
    assert alice.exchange(alice.register()).status == 200
    assert "new.example" not in shown_to(server, authority, None)
    certificate.write_text("-----BEGIN CERTIFICATE-----\nbroken")
    server.child.send_signal(signal.SIGHUP)
    until(lambda: "the certificates stay what they were" in server.log(), "the file to be refused")
    assert re.search(r"renewed\.pem is not a certificate in PEM form", server.log())
    assert "localhost" in shown_to(server, authority, None)
    shutil.copy(authority.sign("fresh", "DNS:new.example"), certificate)
    server.child.send_signal(signal.SIGHUP)
    until(lambda: shown_to(server, authority, None) == {"new.example"}, "the new certificate to be shown")
    assert alice.exchange(alice.register()).status == 200, "the open connection keeps what it began with"


def test_certificates_are_read_again_when_their_file_changes_and_on_command(secure, authority):
    certificate = authority / "watched.pem"
    shutil.copy(authority / "server.pem", certificate)
    server = secure(certificate=certificate, http=True)
    for name in ("first.example", "second.example"):  # the file is replaced, and watched again
        authority.sign("watched", f"DNS:{name}")
        until(lambda wanted=name: shown_to(server, authority, None) == {wanted}, f"the certificate of {name} to be shown")
    assert server.ask("tls.reload")["days"] == 1
    certificate.write_text("broken")
    until(lambda: "those that are used stay" in server.log(), "the broken file to be told")
    with pytest.raises(CommandError, match="is not a certificate in PEM form"):
        server.ask("tls.reload")
    assert shown_to(server, authority, None) == {"second.example"}


def test_it_is_told_how_long_the_certificate_lasts(secure, serve, authority):
    server = secure(http=True)
    assert 1.9 < server.metric("tandem_tls_certificate_days") <= 2
    assert server.get("/ready") == (200, "ready; the certificate expires in 1 days\n")
    assert "our certificate expires in 1 days: renew it" in server.log()


def test_a_thousand_stuck_handshakes_change_nothing_for_calls(secure, endpoint, authority):
    server = secure()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    stuck = []
    try:
        for number in range(1000):
            one = socket.create_connection((server.host, server.port + 1), timeout=5, source_address=("127.0.0.2", 0))
            if number % 2:
                one.sendall(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
            stuck.append(one)
        alice, bob = endpoint(server, "alice"), endpoint(server, "bob", "tls", trusts=authority.client())
        assert bob.exchange(bob.register(), seconds=2).status == 200
        began = time.monotonic()
        for _ in range(20):
            relayed(alice, bob, alice.request("MESSAGE", f"sip:bob@{DOMAIN}"))
        assert time.monotonic() - began < 2
        until(lambda: not accepted_connections(server.pid)[1:], "the stuck ones to be given up", seconds=20)
    finally:
        for one in stuck:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def check(tmp_path, text):
    script = tmp_path / "check.cfg"
    script.write_text(text + "\nroute { break; }\n")
    done = subprocess.run([tandemd_path(), "-c", "-f", script], capture_output=True, text=True, timeout=20, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_check_refuses_what_a_start_would(tmp_path, authority):
    listen, certificate = 'listen="tls:127.0.0.1"\n', f'tls_certificate="{authority / "server.pem"}"\n'
    assert check(tmp_path, listen + certificate) == (0, check(tmp_path, "")[1])
    for text, complaint in (
            (listen, "needs a certificate"),
            (listen + 'tls_certificate="/nowhere.pem"\n', "cannot read /nowhere.pem: No such file"),
            (listen + f'tls_certificate="{authority.file}"\n', "is not a private key in PEM form"),
            (listen + certificate + f'tls_private_key="{authority / "authority.key"}"\n', "does not belong to the certificate"),
            (listen + certificate + 'tls_certificate="/x"\ntls_private_key="/y"\n', "one for each tls_certificate"),
            (listen + certificate + "tls_verify=yes\n", "tls_ca_list: name its file"),
            (listen + certificate + 'tls_ca_list="/nowhere.pem"\n', "cannot read /nowhere.pem"),
            (listen + certificate + 'tls_method="SSLv3"\n', "expected TLSv1.2+ or TLSv1.2 or TLSv1.3")):
        code, said = check(tmp_path, text)
        assert code != 0 and complaint in said, (text, said)
    assert check(tmp_path, 'listen=127.0.0.1\ndisable_tls=yes\n' + listen)[0] == 0, "what is left out needs none"
