# SPDX-License-Identifier: Apache-2.0
"""Location of servers (RFC 3263): the DNS says where a request goes, and it reaches who is there."""
import json
import os
import subprocess
import time

import pytest

from harness.dns import NameServer
from harness.endpoint import ack_of
from harness.ports import free_ports
from harness.server import tandemd_path

pytestmark = pytest.mark.tandem_only

RELAY = """loadmodule "tm.so"\nloadmodule "sl.so"\nroute { if (!t_relay()) sl_reply_error(); }\n"""


@pytest.fixture
def dns():
    server = NameServer()
    yield server
    server.close()


@pytest.fixture
def relay(serve, dns):
    """A server that asks our name server. relay("dns_srv=no\\n") has more parameters."""
    return lambda more="": serve(f'dns_servers="{dns.address}"\ndns_timeout=200\ndns_tries=2\n{more}' + RELAY)


def ask(server, *words):
    return subprocess.run([tandemd_path().with_name("tandemctl"), "-s", server.control_socket, *words], capture_output=True,
                          text=True, timeout=30, check=False,
                          env={name: value for name, value in os.environ.items() if not name.startswith("TANDEM_")})


def test_a_call_goes_where_naptr_and_srv_lead(relay, dns, endpoint):
    server = relay()
    alice, bob, carol = endpoint(server, "alice"), endpoint(server, "bob"), endpoint(server, "carol", "tcp")
    dns.add(f"""
        udp.test NAPTR 10 10 s SIP+D2U _sip._udp.udp.test
        _sip._udp.udp.test SRV 10 0 {bob.port} a.udp.test
        a.udp.test A 127.0.0.1
        tcp.test NAPTR 10 10 s SIPS+D2T _sips._tcp.tcp.test
        tcp.test NAPTR 20 10 s SIP+D2T _x.tcp.test
        tcp.test NAPTR 30 10 s SIP+D2U _sip._udp.udp.test
        _x.tcp.test SRV 10 0 {carol.port} a.udp.test
    """)
    invite = alice.send(alice.request("INVITE", "sip:bob@udp.test"))
    arrived = bob.receive_request("INVITE")
    assert arrived.uri == "sip:bob@udp.test"
    bob.answer(arrived, 486, "Busy Here")
    bob.receive_request("ACK")
    alice.send(ack_of(invite, alice.receive_response(486, "INVITE")))
    info = alice.send(alice.request("INFO", "sip:carol@tcp.test"))
    arrived = carol.receive_request("INFO")
    assert arrived.all("Via")[0].startswith("SIP/2.0/TCP")
    carol.answer(arrived)
    assert alice.receive_final("INFO").status == 200 and info


def test_a_server_that_is_gone_or_refuses_is_passed_over_with_a_new_branch(relay, dns, endpoint):
    server = relay()
    alice, bob, carol = (endpoint(server, user) for user in ("alice", "bob", "carol"))
    dns.add(f"""
        _sip._udp.example.test SRV 10 0 {free_ports()} host.test
        _sip._udp.example.test SRV 20 0 {bob.port} host.test
        _sip._udp.example.test SRV 30 0 {carol.port} host.test
        host.test A 127.0.0.1
    """)
    alice.send(alice.request("INFO", "sip:bob@example.test"))
    first = bob.receive_request("INFO")
    bob.answer(first, 503, "Service Unavailable")
    second = carol.receive_request("INFO")
    assert second.branch != first.branch and len(second.all("Via")) == 2
    carol.answer(second)
    assert alice.receive_final("INFO").status == 200
    # The same call, so the same shard: who has failed comes last now, and nobody is asked in vain.
    again = alice.request("INFO", "sip:bob@example.test", call_id=first.get("Call-ID"), cseq=2)
    alice.send(again)
    carol.answer(carol.receive_request("INFO"))
    assert alice.receive_final("INFO").status == 200
    assert json.loads(ask(server, "stats", "tandem_failed_servers", "--json").stdout)["tandem_failed_servers"] == 2


def test_a_frozen_name_server_changes_nothing_for_others(relay, dns, endpoint):
    server = relay()
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    dns.silent.add("frozen.test")
    for i in range(20):
        alice.send(alice.request("INFO", f"sip:x{i}@frozen.test"))
    begun = time.monotonic()
    alice.send(alice.request("MESSAGE", bob.contact))
    bob.answer(bob.receive_request("MESSAGE"))
    assert alice.receive_final("MESSAGE").status == 200
    assert time.monotonic() - begun < 0.5
    alice.anything_may_come()
    for _ in range(20):
        assert alice.receive_final("INFO").status == 478
    assert dns.asked.count(("frozen.test", "NAPTR")) == 2 * server.shards, "one question, twice, for each shard"


def test_what_is_too_long_for_a_datagram_is_asked_by_tcp(relay, dns, endpoint):
    server = relay()
    alice, bob = endpoint(server, "alice"), endpoint(server, "bob")
    dns.add("host.test A 127.0.0.1\n" + f"_sip._udp.many.test SRV 5 0 {bob.port} host.test\n" +
            "".join(f"_sip._udp.many.test SRV 10 0 {20000 + i} host.test\n" for i in range(1000)))
    alice.send(alice.request("INFO", "sip:bob@many.test"))
    bob.answer(bob.receive_request("INFO"))
    assert alice.receive_final("INFO").status == 200
    assert dns.asked_by_stream > 0


def test_the_way_is_shown_step_by_step(relay, dns):
    server = relay()
    dns.add("""
        example.test NAPTR 10 10 s SIP+D2T _sip._tcp.example.test
        _sip._tcp.example.test SRV 10 0 5080 a.example.test
        a.example.test A 192.0.2.1
        a.example.test AAAA 2001:db8::1
    """)
    told = json.loads(ask(server, "locate", "sip:bob@example.test", "--json").stdout)
    assert told["steps"].splitlines() == ["NAPTR of example.test: 10 10 SIP+D2T _sip._tcp.example.test",
                                          "SRV of _sip._tcp.example.test: 10 0 5080 a.example.test",
                                          "addresses of a.example.test: 192.0.2.1; 2001:db8::1"]
    assert [(t["transport"], t["address"]) for t in told["targets"]] == [("tcp", "[2001:db8::1]:5080"), ("tcp", "192.0.2.1:5080")]
    assert "SRV of _sip._tcp.example.test" in ask(server, "locate", "sip:bob@example.test;transport=tcp").stdout
    nowhere = json.loads(ask(server, "locate", "sip:bob@nowhere.test", "--json").stdout)
    assert nowhere["targets"] == [] and nowhere["failure"] == "the host has no address"
    assert ask(server, "locate", "tel:+1").returncode == 5
    example = tandemd_path().with_name("locate")
    if example.exists():
        printed = subprocess.run([example, "sip:bob@example.test", dns.address], capture_output=True, text=True, timeout=30, check=True).stdout
        assert printed.splitlines()[:3] == told["steps"].splitlines()
        assert printed.splitlines()[3:] == ["-> tcp [2001:db8::1]:5080", "-> tcp 192.0.2.1:5080"]


def test_naptr_and_srv_need_not_be_asked(relay, dns, endpoint):
    server = relay("dns_naptr=no\ndns_srv=no\n")
    dns.add("example.test NAPTR 10 10 s SIP+D2T _sip._tcp.example.test\n"
            "example.test A 192.0.2.1\n_sip._udp.example.test SRV 1 1 5080 example.test")
    told = json.loads(ask(server, "locate", "sip:bob@example.test", "--json").stdout)
    assert [t["address"] for t in told["targets"]] == ["192.0.2.1:5060"]
    assert {kind for _, kind in dns.asked} == {"A", "AAAA"}


def test_the_metrics_count_what_the_name_servers_say(relay, dns):
    server = relay()
    dns.add("example.test A 192.0.2.1")
    ask(server, "locate", "sip:bob@example.test")
    ask(server, "locate", "sip:bob@example.test")
    all_of_them = json.loads(ask(server, "stats", "tandem_dns_", "--json").stdout)
    assert all_of_them["tandem_dns_questions_total"] == 5  # NAPTR, two SRV, A, AAAA
    assert all_of_them['tandem_dns_failures_total{reason="not_found"}'] == 4
    assert all_of_them["tandem_dns_cached_answers"] == 5


def test_what_is_no_name_server_is_refused_with_its_line(tmp_path):
    script = tmp_path / "bad.cfg"
    script.write_text('dns_servers="127.0.0.1:5353, dns.example.test"\nroute { break; }\n')
    ended = subprocess.run([tandemd_path(), "-E", "-f", script, "-l", "udp:127.0.0.1:0"], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode != 0
    assert "dns_servers: 'dns.example.test' is not the address of a name server" in ended.stderr
