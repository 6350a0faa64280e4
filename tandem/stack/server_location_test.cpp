// SPDX-License-Identifier: Apache-2.0
// Location of servers (RFC 3263): what is asked, and where it leads, rule by rule.
#include <tandem/base/text.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/server_location.hpp>

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

namespace tandem::stack {
namespace {

using for_test::uri_of;
using enum transport_kind;

std::vector<ip_address> addresses(std::initializer_list<std::string_view> all) {
  std::vector<ip_address> made;
  for (const auto one : all) made.push_back(*ip_address::parse(one));
  return made;
}

std::uint64_t always_least() noexcept { return 0; }

/// Lines of "name A address", "name SRV priority weight port target", "name NAPTR order preference
/// flags service regexp replacement", "name SILENT", with "." for nothing.
struct zone {
  explicit zone(std::string_view text) {
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words{line};
      std::string name;
      std::string type;
      if (!(words >> name >> type)) continue;
      const auto text_of = [&] {
        std::string word;
        words >> word;
        return word == "." ? std::string{} : word;
      };
      dns_records& r = all[name];
      if (type == "A") {
        r.addresses.push_back(*ip_address::parse(text_of()));
      } else if (type == "SRV") {
        srv_record s;
        words >> s.priority >> s.weight >> s.port;
        s.target = text_of();
        r.servers.push_back(s);
      } else if (type == "NAPTR") {
        naptr_record n;
        words >> n.order >> n.preference;
        n.flags = text_of();
        n.services = text_of();
        n.has_regexp = !text_of().empty();
        n.replacement = text_of();
        r.services.push_back(n);
      } else {
        silent.push_back(name);
      }
    }
  }
  server_location::answer answer(const dns_question& q) const {
    if (std::count(silent.begin(), silent.end(), q.name)) return fail(dns_failure::unanswered);
    const auto found = all.find(std::string{q.name});
    if (found == all.end()) return fail(dns_failure::none);
    dns_records r;
    if (q.type == dns_type::address) r.addresses = found->second.addresses;
    if (q.type == dns_type::srv) r.servers = found->second.servers;
    if (q.type == dns_type::naptr) r.services = found->second.services;
    if (r.empty()) return fail(dns_failure::none);
    return r;
  }
  std::map<std::string, dns_records> all;
  std::vector<std::string> silent;
};

struct walk {
  std::string asked;   ///< "naptr example.com, srv _sip._udp.example.com, ..."
  std::string targets; ///< "udp 192.0.2.1:5060, ...", or the failure
};

walk follow(server_location& search, const zone& dns) {
  walk w;
  while (!search.questions().empty()) {
    const auto questions = search.questions();
    std::vector<server_location::answer> answers;
    for (const dns_question& q : questions) {
      constexpr std::array names{"naptr ", "srv ", ""};
      w.asked += (w.asked.empty() ? "" : ", ") + std::string{names[std::size_t(q.type)]} +
                 std::string{q.name};
      answers.push_back(dns.answer(q));
    }
    // In whatever order they come.
    for (std::size_t i = answers.size(); i > 0; --i) search.take(i - 1, std::move(answers[i - 1]));
  }
  for (const target& t : search.targets())
    w.targets += (w.targets.empty() ? "" : ", ") + std::string{name_of(t.transport)} + ' ' +
                 t.address.to_string();
  if (search.targets().empty()) w.targets = to_string(search.failure());
  return w;
}

constexpr std::string_view plain = R"(
example.com A 192.0.2.1
example.com A 192.0.2.2
edge.example.com A 192.0.2.9
)";

constexpr std::string_view with_srv = R"(
example.com A 192.0.2.99
_sip._udp.example.com SRV 20 0 5060 b.example.com
_sip._udp.example.com SRV 10 0 5070 a.example.com
_sip._tcp.example.com SRV 10 0 5080 a.example.com
_sips._tcp.example.com SRV 10 0 5071 a.example.com
_sip._ws.example.com SRV 10 0 8080 a.example.com
a.example.com A 192.0.2.1
b.example.com A 192.0.2.2
)";

constexpr std::string_view with_naptr = R"(
example.com A 192.0.2.99
example.com NAPTR 10 10 s SIPS+D2T . _sips._tcp.example.com
example.com NAPTR 20 10 S sip+d2t . _sip._tcp.example.com
example.com NAPTR 20 20 s SIP+D2U . _udp.other.com
_sips._tcp.example.com SRV 10 0 5071 a.example.com
_sip._tcp.example.com SRV 10 0 5080 a.example.com
_udp.other.com SRV 10 0 5090 b.example.com
a.example.com A 192.0.2.1
b.example.com A 192.0.2.2
)";

using transports = std::vector<transport_kind>;

struct rule {
  const char* name;
  std::string_view dns;
  std::string_view uri;
  transports has;
  std::string_view asked;
  std::string_view targets;
};

const std::vector<rule> rules{
    // 4.1, 4.2: numeric hosts
    {"numeric", with_naptr, "sip:192.0.2.7", {udp, tcp}, "", "udp 192.0.2.7:5060"},
    {"numeric_port", with_naptr, "sip:192.0.2.7:5070", {udp, tcp}, "", "udp 192.0.2.7:5070"},
    {"numeric_v6", "", "sip:[2001:db8::1]", {udp, tcp}, "", "udp [2001:db8::1]:5060"},
    {"numeric_transport", "", "sip:192.0.2.7;transport=tcp", {udp, tcp}, "", "tcp 192.0.2.7:5060"},
    {"numeric_sips", "", "sips:192.0.2.7", {udp, tcp, tls}, "", "tls 192.0.2.7:5061"},
    {"numeric_maddr", "", "sip:example.com;maddr=192.0.2.8", {udp, tcp}, "", "udp 192.0.2.8:5060"},
    // 4.1, 4.2: a port is written, so neither NAPTR nor SRV
    {"port", with_naptr, "sip:example.com:5062", {udp, tcp}, "example.com", "udp 192.0.2.99:5062"},
    {"port_that_is_usual",
     with_naptr,
     "sip:example.com:5060",
     {udp},
     "example.com",
     "udp 192.0.2.99:5060"},
    {"port_sips",
     with_naptr,
     "sips:example.com:5062",
     {udp, tls},
     "example.com",
     "tls 192.0.2.99:5062"},
    {"port_and_transport",
     with_naptr,
     "sip:example.com:5062;transport=tcp",
     {udp, tcp},
     "example.com",
     "tcp 192.0.2.99:5062"},
    {"maddr_with_port",
     plain,
     "sip:example.com:5062;maddr=edge.example.com",
     {udp},
     "edge.example.com",
     "udp 192.0.2.9:5062"},
    // 4.2: the transport is named, so no NAPTR, but SRV
    {"transport",
     with_srv,
     "sip:example.com;transport=tcp",
     {udp, tcp},
     "srv _sip._tcp.example.com, a.example.com",
     "tcp 192.0.2.1:5080"},
    {"transport_udp",
     with_srv,
     "sip:example.com;transport=udp",
     {udp, tcp},
     "srv _sip._udp.example.com, a.example.com, b.example.com",
     "udp 192.0.2.1:5070, udp 192.0.2.2:5060"},
    {"transport_tls",
     with_srv,
     "sip:example.com;transport=tls",
     {udp, tls},
     "srv _sips._tcp.example.com, a.example.com",
     "tls 192.0.2.1:5071"},
    {"transport_ws",
     with_srv,
     "sip:example.com;transport=ws",
     {udp, ws},
     "srv _sip._ws.example.com, a.example.com",
     "ws 192.0.2.1:8080"},
    {"transport_sips_tcp",
     with_srv,
     "sips:example.com;transport=tcp",
     {udp, tcp, tls},
     "srv _sips._tcp.example.com, a.example.com",
     "tls 192.0.2.1:5071"},
    {"transport_without_srv",
     plain,
     "sip:example.com;transport=tcp",
     {udp, tcp},
     "srv _sip._tcp.example.com, example.com",
     "tcp 192.0.2.1:5060, tcp 192.0.2.2:5060"},
    {"transport_that_is_not_there",
     with_srv,
     "sip:example.com;transport=tls",
     {udp},
     "srv _sips._tcp.example.com, a.example.com",
     "tls 192.0.2.1:5071"},
    // 4.1: NAPTR
    {"naptr_best",
     with_naptr,
     "sip:example.com",
     {udp, tcp, tls},
     "naptr example.com, srv _sips._tcp.example.com, a.example.com",
     "tls 192.0.2.1:5071"},
    {"naptr_without_tls",
     with_naptr,
     "sip:example.com",
     {udp, tcp},
     "naptr example.com, srv _sip._tcp.example.com, srv _udp.other.com, a.example.com",
     "tcp 192.0.2.1:5080"},
    {"naptr_udp_alone",
     with_naptr,
     "sip:example.com",
     {udp},
     "naptr example.com, srv _udp.other.com, b.example.com",
     "udp 192.0.2.2:5090"},
    {"naptr_sips",
     with_naptr,
     "sips:example.com",
     {udp, tcp, tls},
     "naptr example.com, srv _sips._tcp.example.com, a.example.com",
     "tls 192.0.2.1:5071"},
    {"naptr_without_srv",
     R"(
example.com A 192.0.2.1
example.com NAPTR 10 10 s SIP+D2T . _sip._tcp.example.com
)",
     "sip:example.com",
     {udp, tcp},
     "naptr example.com, srv _sip._tcp.example.com, example.com",
     "tcp 192.0.2.1:5060"},
    {"naptr_of_no_transport_of_ours",
     R"(
example.com A 192.0.2.1
example.com NAPTR 10 10 s SIPS+D2T . _sips._tcp.example.com
_sip._udp.example.com SRV 1 1 5060 example.com
)",
     "sip:example.com",
     {udp, tcp},
     "naptr example.com",
     "the domain has no transport that this server has"},
    {"naptr_of_other_services",
     R"(
example.com A 192.0.2.1
example.com NAPTR 10 10 u E2U+sip !x! .
)",
     "sip:example.com",
     {udp},
     "naptr example.com, srv _sip._udp.example.com, example.com",
     "udp 192.0.2.1:5060"},
    {"naptr_that_rewrites",
     R"(
example.com A 192.0.2.1
example.com NAPTR 10 10 s SIP+D2U !x! _sip._udp.example.com
example.com NAPTR 10 20 a SIP+D2T . example.com
)",
     "sip:example.com",
     {udp, tcp},
     "naptr example.com",
     "the domain has no transport that this server has"},
    {"naptr_second_when_the_first_has_no_server",
     R"(
example.com NAPTR 10 10 s SIP+D2T . _sip._tcp.example.com
example.com NAPTR 10 20 s SIP+D2U . _sip._udp.example.com
_sip._tcp.example.com SRV 1 1 5060 nowhere.example.com
_sip._udp.example.com SRV 1 1 5060 a.example.com
a.example.com A 192.0.2.1
)",
     "sip:example.com",
     {udp, tcp},
     "naptr example.com, srv _sip._tcp.example.com, srv _sip._udp.example.com, "
     "nowhere.example.com, a.example.com",
     "udp 192.0.2.1:5060"},
    // 4.1: no NAPTR, so SRV for each transport that is there, the one liked best first
    {"srv_liked_best",
     with_srv,
     "sip:example.com",
     {udp, tcp},
     "naptr example.com, srv _sip._udp.example.com, srv _sip._tcp.example.com, a.example.com, "
     "b.example.com",
     "udp 192.0.2.1:5070, udp 192.0.2.2:5060"},
    {"srv_tcp_first",
     with_srv,
     "sip:example.com",
     {tcp, udp},
     "naptr example.com, srv _sip._tcp.example.com, srv _sip._udp.example.com, a.example.com",
     "tcp 192.0.2.1:5080"},
    {"srv_sips",
     with_srv,
     "sips:example.com",
     {udp, tcp, tls, ws, wss},
     "naptr example.com, srv _sips._tcp.example.com, a.example.com",
     "tls 192.0.2.1:5071"},
    {"srv_not_of_websocket",
     plain,
     "sip:example.com",
     {ws, udp},
     "naptr example.com, srv _sip._udp.example.com, example.com",
     "udp 192.0.2.1:5060, udp 192.0.2.2:5060"},
    {"srv_maddr",
     R"(
_sip._udp.edge.example.com SRV 1 1 5070 a.example.com
a.example.com A 192.0.2.1
)",
     "sip:example.com;maddr=edge.example.com",
     {udp},
     "naptr edge.example.com, srv _sip._udp.edge.example.com, a.example.com",
     "udp 192.0.2.1:5070"},
    {"srv_says_no",
     R"(
example.com A 192.0.2.1
_sip._udp.example.com SRV 0 0 0 .
)",
     "sip:example.com",
     {udp},
     "naptr example.com, srv _sip._udp.example.com",
     "the domain says that it has no such service"},
    {"srv_says_no_to_one_transport",
     R"(
_sip._udp.example.com SRV 0 0 0 .
_sip._tcp.example.com SRV 0 0 5060 a.example.com
a.example.com A 192.0.2.1
)",
     "sip:example.com",
     {udp, tcp},
     "naptr example.com, srv _sip._udp.example.com, srv _sip._tcp.example.com, a.example.com",
     "tcp 192.0.2.1:5060"},
    {"srv_without_addresses",
     R"(
example.com A 192.0.2.1
_sip._udp.example.com SRV 0 0 5060 nowhere.example.com
)",
     "sip:example.com",
     {udp},
     "naptr example.com, srv _sip._udp.example.com, nowhere.example.com",
     "the host has no address"},
    {"srv_one_of_two_without_addresses",
     R"(
_sip._udp.example.com SRV 1 0 5060 nowhere.example.com
_sip._udp.example.com SRV 2 0 5070 a.example.com
a.example.com A 192.0.2.1
)",
     "sip:example.com",
     {udp},
     "naptr example.com, srv _sip._udp.example.com, nowhere.example.com, a.example.com",
     "udp 192.0.2.1:5070"},
    // 4.2: nothing but addresses
    {"addresses",
     plain,
     "sip:example.com",
     {udp, tcp},
     "naptr example.com, srv _sip._udp.example.com, srv _sip._tcp.example.com, example.com",
     "udp 192.0.2.1:5060, udp 192.0.2.2:5060"},
    {"addresses_sips",
     plain,
     "sips:example.com",
     {udp, tls},
     "naptr example.com, srv _sips._tcp.example.com, example.com",
     "tls 192.0.2.1:5061, tls 192.0.2.2:5061"},
    {"sips_without_tls",
     plain,
     "sips:example.com",
     {udp, tcp},
     "naptr example.com, example.com",
     "tls 192.0.2.1:5061, tls 192.0.2.2:5061"}, // no listener takes them: never downgraded
    {"nothing",
     "",
     "sip:example.com",
     {udp},
     "naptr example.com, srv _sip._udp.example.com, example.com",
     "the host has no address"},
    // RFC 7984 4.1, RFC 6724: all addresses of a server, IPv6 before IPv4, before the next server
    {"dual_stack",
     R"(
_sip._udp.example.com SRV 1 0 5060 a.example.com
_sip._udp.example.com SRV 2 0 5060 b.example.com
a.example.com A 192.0.2.1
a.example.com A 2001:db8::1
b.example.com A 192.0.2.2
b.example.com A 2001:db8::2
)",
     "sip:example.com;transport=udp",
     {udp},
     "srv _sip._udp.example.com, a.example.com, b.example.com",
     "udp [2001:db8::1]:5060, udp 192.0.2.1:5060, udp [2001:db8::2]:5060, udp 192.0.2.2:5060"},
    // Silence
    {"naptr_unanswered",
     "example.com SILENT",
     "sip:example.com",
     {udp},
     "naptr example.com",
     "no name server answers"},
    {"srv_unanswered",
     "_sip._udp.example.com SILENT",
     "sip:example.com",
     {udp},
     "naptr example.com, srv _sip._udp.example.com",
     "no name server answers"},
    {"address_unanswered",
     "example.com SILENT",
     "sip:example.com:5060",
     {udp},
     "example.com",
     "no name server answers"},
    {"one_server_unanswered",
     R"(
_sip._udp.example.com SRV 1 0 5060 a.example.com
_sip._udp.example.com SRV 2 0 5060 b.example.com
a.example.com SILENT
b.example.com A 192.0.2.2
)",
     "sip:example.com;transport=udp",
     {udp},
     "srv _sip._udp.example.com, a.example.com, b.example.com",
     "udp 192.0.2.2:5060"},
};

struct each_rule : ::testing::TestWithParam<rule> {};

TEST_P(each_rule, asks_and_leads_as_rfc_3263_4_says) {
  const rule& r = GetParam();
  const sip::uri uri = uri_of(r.uri);
  location_terms terms;
  terms.transports.assign(r.has.begin(), r.has.end());
  terms.random = always_least;
  auto search = server_location::of(uri, terms);
  ASSERT_TRUE(search);
  const walk w = follow(*search, zone{r.dns});
  EXPECT_EQ(w.asked, r.asked);
  EXPECT_EQ(w.targets, r.targets);
  EXPECT_EQ(server_location::find_at_once(uri)->has_value(), r.asked.empty());
}

INSTANTIATE_TEST_SUITE_P(rfc3263_4, each_rule, ::testing::ValuesIn(rules),
                         [](const auto& row) { return row.param.name; });

TEST(server_location, asks_for_less_where_it_is_told_to) {
  const sip::uri uri = uri_of("sip:example.com");
  location_terms terms;
  terms.asks_naptr = false;
  auto by_srv = server_location::of(uri, terms);
  EXPECT_EQ(follow(*by_srv, zone{with_naptr}).asked,
            "srv _sip._udp.example.com, srv _sip._tcp.example.com, a.example.com");
  terms.asks_srv = false;
  auto by_address = server_location::of(uri, terms);
  EXPECT_EQ(follow(*by_address, zone{with_naptr}).asked, "example.com");
}

TEST(server_location, of_a_response_is_that_of_the_sent_by_rfc3263_5) {
  const auto of = [](std::string_view sent_by, transport_kind kind) {
    const auto parsed = sip::host_port::parse(sent_by);
    auto search = server_location::of_response(*parsed, kind);
    return follow(search, zone{with_srv}).targets;
  };
  EXPECT_EQ(of("192.0.2.5", udp), "udp 192.0.2.5:5060");
  EXPECT_EQ(of("192.0.2.5", tls), "tls 192.0.2.5:5061");
  EXPECT_EQ(of("example.com:5066", udp), "udp 192.0.2.99:5066") << "a port: no SRV";
  EXPECT_EQ(of("example.com", udp), "udp 192.0.2.1:5070, udp 192.0.2.2:5060");
  EXPECT_EQ(of("example.com", tls), "tls 192.0.2.1:5071");
  EXPECT_EQ(of("b.example.com", tcp), "tcp 192.0.2.2:5060");
}

TEST(server_location, leaves_the_transport_open_where_nobody_has_named_it) {
  const sip::uri open = uri_of("sip:example.com");
  auto search = server_location::of(open);
  (void)follow(*search, zone{with_srv});
  EXPECT_EQ(search->targets()[0].choice, transport_choice::open);
  const sip::uri named = uri_of("sip:example.com;transport=udp");
  auto by_name = server_location::of(named);
  (void)follow(*by_name, zone{with_srv});
  EXPECT_EQ(by_name->targets()[0].choice, transport_choice::fixed);
}

// RFC 5922 7.3: what the peer must prove is the domain that was asked for, which no DNS can change.
TEST(server_location, has_the_domain_proved_and_not_the_server_that_srv_names) {
  const sip::uri uri = uri_of("sips:Example.com");
  location_terms terms;
  terms.transports = {tls};
  auto search = server_location::of(uri, terms);
  zone dns{with_srv};
  dns.all["_sips._tcp.Example.com"] = dns.all["_sips._tcp.example.com"];
  (void)follow(*search, dns);
  ASSERT_EQ(search->targets().size(), 1U);
  EXPECT_EQ(search->targets()[0].server_name.text(), "example.com");
}

TEST(server_location, is_bounded_in_servers_and_in_targets) {
  zone dns{""};
  for (unsigned i = 0; i < 32; ++i) {
    const std::string name = "s" + std::to_string(i) + ".example.com";
    dns.all["_sip._udp.example.com"].servers.push_back({1, 1, 5060, name});
    for (unsigned k = 0; k < 32; ++k)
      dns.all[name].addresses.push_back(
          ip_address::v4(10, 0, static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(k)));
  }
  const sip::uri uri = uri_of("sip:example.com;transport=udp");
  auto search = server_location::of(uri);
  const walk w = follow(*search, dns);
  EXPECT_EQ(std::count(w.asked.begin(), w.asked.end(), ','), 8);
  EXPECT_EQ(search->targets().size(), server_location::most_targets);
  const auto networks = [&] {
    std::vector<std::string> all;
    for (const target& t : search->targets()) {
      const std::string text = t.address.ip.to_string();
      all.push_back(text.substr(0, text.rfind('.')));
    }
    return std::set<std::string>(all.begin(), all.end()).size();
  }();
  EXPECT_EQ(networks, 8U) << "each server has its share";
  const sip::uri alone = uri_of("sip:s0.example.com:5060");
  auto one = server_location::of(alone);
  (void)follow(*one, dns);
  EXPECT_EQ(one->targets().size(), server_location::most_targets);
}

TEST(server_location, takes_each_answer_once) {
  const sip::uri uri = uri_of("sip:bob@example.com:5060");
  auto location = server_location::of(uri);
  location->take(7, fail(dns_failure::none));
  EXPECT_EQ(location->questions().size(), 1U);
  location->take(0,
                 dns_records{.addresses = addresses({"192.0.2.1"}), .servers = {}, .services = {}});
  location->take(0,
                 dns_records{.addresses = addresses({"192.0.2.2"}), .servers = {}, .services = {}});
  EXPECT_EQ(location->targets().size(), 1U);
}

TEST(server_location, of_what_is_no_sip_uri_fails) {
  const sip::uri uri = uri_of("tel:+4930123456");
  const auto location = server_location::of(uri);
  ASSERT_FALSE(location);
  EXPECT_EQ(location.error(), hop_errc::bad_scheme);
  EXPECT_FALSE(server_location::find_at_once(uri));
}

} // namespace
} // namespace tandem::stack
