// SPDX-License-Identifier: Apache-2.0
// RFC 4475 and RFC 5118, all 61 cases by name: messages of our own writing with the same quirk or
// defect, and the originals in tests/torture. What a running server answers to these is
// tests/e2e/test_torture.py's.
#include <tandem/sip/framer.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/sip/validate.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip {
namespace {

using namespace std::string_view_literals;
using lines = std::vector<std::string_view>;

/// A whole message: start line, the lines given, what else a message needs, Content-Length, body.
std::string write(std::string_view start, const lines& given, std::string_view body = {}) {
  std::string text = std::string{start} + "\r\n";
  const auto is_given = [&](std::string_view name) {
    for (const auto line : given)
      if (iequals(trim(line.substr(0, line.find(':'))), name)) return true;
    return false;
  };
  const auto add = [&](std::string_view line) { text += std::string{line} + "\r\n"; };
  const std::string method{start.substr(0, start.find(' '))};
  if (!is_given("Via")) add("Via: SIP/2.0/UDP ua.example.net;branch=z9hG4bKt0rtur3");
  for (const auto line : given)
    if (!line.empty()) add(line);
  if (!is_given("From")) add("From: \"Ann\" <sip:ann@example.net>;tag=4f2");
  if (!is_given("To")) add("To: <sip:ben@example.org>");
  if (!is_given("Call-ID")) add("Call-ID: t-1@ua.example.net");
  if (!is_given("CSeq")) add("CSeq: 17 " + method);
  if (!is_given("Max-Forwards")) add("Max-Forwards: 69");
  if (!is_given("Content-Length")) add("Content-Length: " + std::to_string(body.size()));
  return text + "\r\n" + std::string{body};
}

constexpr std::string_view options = "OPTIONS sip:ben@example.org SIP/2.0";
constexpr std::string_view invite_line = "INVITE sip:ben@example.org SIP/2.0";
constexpr std::string_view registration = "REGISTER sip:example.org SIP/2.0";
constexpr std::string_view sdp = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nt=0 0\r\n"
                                 "m=audio 4000 RTP/AVP 0\r\n";
constexpr std::string_view sdp_type = "Content-Type: application/sdp";

/// What the parser and the validator owe together.
enum outcome : int { accepted = -1, dropped = 0 /* else the status */ };

enum roles : int { all_roles, agent, proxy, registrar, authenticating_registrar };

struct torture {
  std::string_view file; ///< in the folder of the originals
  roles as;
  int owed;
  std::string own;
  /// Further demands on a message that is accepted.
  void (*check)(const message&) = nullptr;
};

void wsinv(const message& m) {
  EXPECT_EQ(count_values(m, hdr::via), 3u);
  EXPECT_EQ(m.get<hdr::max_forwards>()->value, 68u);
  EXPECT_EQ(m.key()->cseq, 9u);
  EXPECT_FALSE(m.to_tag().empty());
  EXPECT_FALSE(m.from_tag().empty());
  EXPECT_EQ(m.get<hdr::contact>()->q(), 330);
  EXPECT_EQ(m.first(hdr::subject), "");
  for (const auto& via : m.all<hdr::via>()) EXPECT_TRUE(via);
}

void intmeth(const message& m) {
  EXPECT_EQ(m.method(), method::unknown);
  EXPECT_EQ(m.key()->cseq_method_text, m.method_text());
  EXPECT_TRUE(m.get<hdr::to>());
  EXPECT_TRUE(m.get<hdr::via>());
}

void escapes(const message& m) {
  const auto target = uri::parse(m.request_uri());
  ASSERT_TRUE(target);
  EXPECT_EQ(target->user(), "sips%3Auser%40example.com");
  EXPECT_TRUE(m.get<hdr::contact>()->address.is_sip());
}

void method_is_not_unescaped(const message& m) {
  EXPECT_EQ(m.method(), method::unknown);
  EXPECT_EQ(count_values(m, hdr::contact), 2u);
}

void nul_stays_escaped(const message& m) {
  for (const auto& c : m.all<hdr::contact>())
    EXPECT_NE(c->address.user().find("%00"), std::string::npos);
}

void has_no_reason(const message& m) { EXPECT_EQ(m.reason(), ""); }
void has_a_reason(const message& m) { EXPECT_GT(m.reason().size(), 20u); }

void first_of_two(const message& m) {
  EXPECT_EQ(m.method(), method::register_);
  EXPECT_EQ(m.body(), "");
}

void semicolon_in_user(const message& m) {
  const auto target = uri::parse(m.request_uri());
  ASSERT_TRUE(target);
  EXPECT_EQ(target->user(), "user;par=u%40example.net"); // no parameter of the URI
}

void transports(const message& m) {
  std::vector<std::optional<transport_kind>> seen;
  for (const auto& via : m.all<hdr::via>()) seen.push_back(via->transport_id());
  using enum transport_kind;
  EXPECT_EQ(seen, (std::vector<std::optional<transport_kind>>{udp, {}, tls, {}, tcp}));
}

void is_rfc_2543(const message& m) {
  EXPECT_FALSE(has_magic_cookie(m.key()->branch));
  EXPECT_FALSE(has_magic_cookie(m.get<hdr::via>()->branch()));
}

void parameter_of_the_header(const message& m) {
  const auto c = m.get<hdr::contact>();
  EXPECT_TRUE(c->params.has("unknownparam"));
  EXPECT_EQ(c->address.text().find("unknownparam"), std::string_view::npos);
}

void parameter_of_the_uri(const message& m) {
  const auto c = m.get<hdr::contact>();
  EXPECT_FALSE(c->params.has("unknownparam"));
  EXPECT_NE(c->address.text().find("unknownparam"), std::string_view::npos);
}

void keeps_the_escaped_route(const message& m) {
  EXPECT_NE(m.get<hdr::contact>()->address.text().find("?Route=%3Csip:"), std::string_view::npos);
}

void binary_body(const message& m) {
  EXPECT_NE(m.body().find('\0'), std::string_view::npos);
  EXPECT_EQ(std::to_string(m.body().size()), m.first(hdr::content_length));
}

void writes_two_colons(const message& m) {
  const auto target = uri::parse(m.request_uri());
  ASSERT_TRUE(target);
  const auto text = to_text(*target);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find(":::"), std::string::npos);
  EXPECT_NE(text->find("::192.0.2.1]"), std::string::npos);
}

void received_is_an_address(const message& m) {
  const auto received = m.get<hdr::via>()->received();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->text, "2001:db8::9:255");
}

void port_is_part_of_the_address(const message& m) {
  EXPECT_FALSE(uri::parse(m.request_uri())->port());
}

void port_is_5070(const message& m) { EXPECT_EQ(uri::parse(m.request_uri())->port(), 5070); }

void has_three_hops(const message& m) { EXPECT_EQ(count_values(m, hdr::via), 3u); }

const std::vector<torture>& cases() {
  static const std::string odd = "!odd-Method01_*+`.%'~";
  static const std::string long_word(700, 'l');
  static const std::vector<torture> table{
      // RFC 4475 3.1.1: valid
      {"rfc4475/wsinv.dat", all_roles, accepted,
       write(
           "INVITE sip:ben@example.org;x SIP/2.0",
           {"tO :\r\n sip:ben@example.org ;   tag    = 77aa",
            "v\t:  SIP /\t2.0\r\n /UDP ua.example.net;branch=zz",
            "fRom : \"A \\\\\\\"\"  <sip:ann@example.net>\r\n ;\r\n tag = 98a", "New: a\r\n b",
            "MAX-FORWARDS: 0068", "cseq: 0009\r\n INVITE", "s :", "Odd: ;;,,;;,;", sdp_type,
            "Route:\r\n <sip:s.example.org;lr;a=b;c>", "content-LENGTH   : 3",
            ("VIA: SIP / 2.0 / TCP  b.example.net  ;\r\n branch =  z9hG4bKq1 ,\r\n SIP / 2.0 / UDP"
             " c.example.net ; branch=\r\n z9hG4bKq2"),
            "m:\"Q \\\"\\\"\" <sip:ann@example.net> ; p =\r\n v ;\r\n s ; q = 0.33",
            "call-id: w@x"},
           "v=0"),
       wsinv},
      {"rfc4475/intmeth.dat", all_roles, accepted,
       write(
           odd + " sip:1_odd.U~(a!b)&c't+d$/e?,/;;*:&f+g=1,h!*i$j~k.(l'm)@example.org SIP/2.0",
           {"Via: SIP/2.0/TCP h1.example.net;branch=z9hG4bK-.!%66*_+`'~",
            "To: \"BEL:\\\a NUL:\\\0 DEL:\\\x7f\" <sip:1_odd.U~(a!b)&c't+d$/e?,/;;*@example.org>"sv,
            ("From: tok1~` tok2'+_ tok3*%!.- "
             "<sip:ann@example.net>;p''~+*_!.-%=\"\xd1\x80\";tag=_t~1'+`*%!-."),
            "Call-ID: m.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", "odd-!.%*+_`'~:\xe5\xa4\xa7"}),
       intmeth},
      {"rfc4475/esc01.dat", all_roles, accepted,
       write("INVITE sip:sips%3Auser%40example.com@example.org SIP/2.0",
             {"To: sip:%62en@example.org", "From: <sip:a%20n%20n@example.net>;tag=1",
              "C: application/sdp",
              "Contact:\r\n  <sip:%61nn@ua.example.net;%6C%72;n%61me=v%61lue%25%34%31>"},
             sdp),
       escapes},
      {"rfc4475/escnull.dat", all_roles, accepted,
       write(registration, {"To: sip:nul-%00-nul@example.org", "Contact: <sip:%00@ua.example.net>",
                            "Contact: <sip:a%00%00@ua.example.net>"}),
       nul_stays_escaped},
      {"rfc4475/esc02.dat", all_roles, accepted,
       write("RE%47IST%45R sip:example.org SIP/2.0",
             {"To: \"%Q%45\" <sip:ben@example.org>", "From: \"%Q%45\" <sip:ben@example.org>;tag=f2",
              "Contact: <sip:one@ua.example.net>", "C%6Fntact: <sip:two@ua.example.net>",
              "Contact: <sip:three@ua.example.net>"}),
       method_is_not_unescaped},
      {"rfc4475/lwsdisp.dat", all_roles, accepted,
       write(options, {"From: ann<sip:ann@example.net>;tag=323"})},
      {"rfc4475/longreq.dat", all_roles, accepted,
       write(invite_line,
             {"To: \"" + long_word + "\"<sip:ben@example.org;p=" + long_word + ">",
              "Unknown-" + std::string(90, 'L') + ": " + long_word, "Call-ID: " + long_word,
              "Via: SIP/2.0/TCP a.example.net", "v  : SIP/2.0/TCP b.example.net",
              "viA : SIP/2.0/TCP c.example.net;branch=" + long_word, sdp_type},
             sdp)},
      {"rfc4475/dblreq.dat", all_roles, accepted,
       write(registration, {"Contact: sip:ben@ua.example.net"}) + "\r\n" + write(invite_line, {}),
       first_of_two},
      {"rfc4475/semiuri.dat", all_roles, accepted,
       write("OPTIONS sip:user;par=u%40example.net@example.org SIP/2.0",
             {"Accept: application/sdp, application/pkcs7-mime,\r\n  multipart/mixed"}),
       semicolon_in_user},
      {"rfc4475/transports.dat", all_roles, accepted,
       write(options, {"Via: SIP/2.0/UDP a.example.net;branch=z9hG4bKa",
                       "Via: SIP/2.0/SCTP b.example.net;branch=z9hG4bKb",
                       "Via: SIP/2.0/TLS c.example.net;branch=z9hG4bKc",
                       "Via: SIP/2.0/OTHER d.example.net;branch=z9hG4bKd",
                       "Via: SIP/2.0/TCP e.example.net;branch=z9hG4bKe"}),
       transports},
      {"rfc4475/mpart01.dat", all_roles, accepted,
       write("MESSAGE sip:ben@example.org SIP/2.0", {"Content-Type: multipart/mixed;boundary=7a"},
             "--7a\r\nContent-Type: application/octet-stream\r\n\r\n\0\1\r\n\xff\r\n--7a--\r\n"sv),
       binary_body},
      {"rfc4475/unreason.dat", all_roles, accepted,
       write("SIP/2.0 200 = 7**2 - 1 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe \xd0\xb4\xd0\xb5",
             {"CSeq: 35 INVITE", "Contact: <sip:ben@ua.example.org>"}),
       has_a_reason},
      {"rfc4475/noreason.dat", all_roles, accepted, write("SIP/2.0 100 ", {"CSeq: 35 INVITE"}),
       has_no_reason},

      // RFC 4475 3.1.2: invalid
      {"rfc4475/badinv01.dat", all_roles, 400,
       write(invite_line,
             {"Via: SIP/2.0/UDP 192.0.2.9;;,;,,", "Contact: \"J\" <sip:j@example.net>;;;;"})},
      {"rfc4475/clerr.dat", all_roles, 400,
       write(invite_line, {sdp_type, "Content-Length: 9999"}, sdp)},
      {"rfc4475/ncl.dat", all_roles, 400,
       write(invite_line, {sdp_type, "Content-Length: -999"}, sdp)},
      {"rfc4475/scalar02.dat", all_roles, 400,
       write(registration, {"CSeq: 36893488147419103233 REGISTER", "Max-Forwards: 300",
                            "Expires: 10000000000000000000000000000"})},
      {"rfc4475/scalarlg.dat", all_roles, dropped,
       write("SIP/2.0 503 Busy",
             {"CSeq: 9292394834772304023313 OPTIONS", "Retry-After: 949302838503028349304023988"})},
      {"rfc4475/quotbal.dat", all_roles, 400,
       write(invite_line, {"To: \"Mr. B. User <sip:ben@example.org>", sdp_type}, sdp)},
      {"rfc4475/ltgtruri.dat", all_roles, 400,
       write("INVITE <sip:ben@example.org> SIP/2.0", {sdp_type}, sdp)},
      {"rfc4475/lwsruri.dat", all_roles, 400,
       write("INVITE sip:ben@example.org; lr SIP/2.0", {sdp_type}, sdp)},
      {"rfc4475/lwsstart.dat", all_roles, 400,
       write("INVITE  sip:ben@example.org  SIP/2.0", {"CSeq: 1 INVITE", sdp_type}, sdp)},
      {"rfc4475/trws.dat", all_roles, 400, write("OPTIONS sip:ben@example.org SIP/2.0  ", {})},
      {"rfc4475/escruri.dat", all_roles, 400,
       write("INVITE sip:ben@example.org?Route=%3Csip:example.org%3E SIP/2.0", {sdp_type}, sdp)},
      {"rfc4475/baddate.dat", all_roles, accepted,
       write(invite_line, {"Date: Fri, 01 Jan 2010 16:00:00 EST", sdp_type}, sdp)},
      {"rfc4475/regbadct.dat", registrar, 400,
       write(registration, {"Contact: sip:ben@example.org?Route=%3Csip:sip.example.org%3E"})},
      {"rfc4475/badaspec.dat", all_roles, 400,
       write(options, {"To: \"Ben, B\" < sip:ben@example.org >"})},
      {"rfc4475/baddn.dat", all_roles, 400,
       write(options,
             {"From: Ann, B <sip:ann@example.net>;tag=43", "To: Ben, C <sip:ben@example.org>"})},
      {"rfc4475/badvers.dat", all_roles, 505,
       write("OPTIONS sip:ben@example.org SIP/7.0",
             {"Via: SIP/7.0/UDP c.example.net;branch=z9hG4bKk"})},
      {"rfc4475/mismatch01.dat", all_roles, 400, write(options, {"CSeq: 8 INVITE"})},
      {"rfc4475/mismatch02.dat", all_roles, 400,
       write("NEWONE sip:ben@example.org SIP/2.0", {"CSeq: 8 INVITE"})},
      {"rfc4475/bigcode.dat", all_roles, dropped,
       write("SIP/2.0 4294967302 do not break", {"CSeq: 1 INVITE"})},

      // RFC 4475 3.2: the transaction
      {"rfc4475/badbranch.dat", all_roles, accepted,
       write(options, {"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK"}), is_rfc_2543},

      // RFC 4475 3.3: the application
      {"rfc4475/insuf.dat", all_roles, 400,
       "INVITE sip:ben@example.org SIP/2.0\r\nCSeq: 1 INVITE\r\nVia: SIP/2.0/UDP "
       "192.0.2.9;branch=z9hG4bKi\r\nl: 0\r\n\r\n"},
      {"rfc4475/unkscm.dat", agent, 416, write("OPTIONS nobodyknows:opaque SIP/2.0", {})},
      {"rfc4475/novelsc.dat", agent, 416, write("OPTIONS soap.beep2://192.0.2.9:3002 SIP/2.0", {})},
      {"rfc4475/unksm2.dat", registrar, accepted,
       write(registration, {"To: isbn:2983792874", "From: <http://www.example.org>;tag=3",
                            "Contact: <name:Ben_Other>"})},
      {"rfc4475/bext01.dat", agent, 420,
       write(options, {"Require: nobodyHasThis, norThis", "Proxy-Require: noProxyHasThis"})},
      {"rfc4475/bext01.dat", proxy, 420,
       write(options, {"Require: nobodyHasThis, norThis", "Proxy-Require: noProxyHasThis"})},
      {"rfc4475/invut.dat", agent, 415,
       write(invite_line, {"Content-Type: application/neverheardof"}, "<audio/>")},
      {"rfc4475/regaut01.dat", authenticating_registrar, 401,
       write(registration, {"Authorization: NobodyHasThisScheme data=here"})},
      {"rfc4475/multi01.dat", all_roles, 400,
       write(invite_line, {"CSeq: 5 INVITE", "Call-ID: a@x", "CSeq: 59 INVITE", "Call-ID: b@x",
                           "From: <sip:a@x>;tag=1", "From: <sip:b@x>;tag=2", "Max-Forwards: 70",
                           "Max-Forwards: 5"})},
      {"rfc4475/mcl01.dat", all_roles, 400,
       write(options, {"Content-Length: 13", "Content-Type: text/plain", "Content-Length: 5"},
             "How many octets are these?")},
      {"rfc4475/bcast.dat", all_roles, dropped,
       write("SIP/2.0 200 OK", {"CSeq: 1 INVITE", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKb",
                                "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKc"})},
      {"rfc4475/zeromf.dat", proxy, 483, write(options, {"Max-Forwards: 0"})},
      {"rfc4475/zeromf.dat", agent, accepted, write(options, {"Max-Forwards: 0"})},
      {"rfc4475/cparam01.dat", registrar, accepted,
       write(registration, {"Contact: sip:+15550100@gw.example.net;unknownparam"}),
       parameter_of_the_header},
      {"rfc4475/cparam02.dat", registrar, accepted,
       write(registration, {"Contact: <sip:+15550100@gw.example.net;unknownparam>"}),
       parameter_of_the_uri},
      {"rfc4475/regescrt.dat", registrar, accepted,
       write(registration, {"M: <sip:ben@example.org?Route=%3Csip:sip.example.org%3E>"}),
       keeps_the_escaped_route},
      {"rfc4475/sdp01.dat", agent, 406,
       write(invite_line, {"Accept: text/nobodyHasThis", sdp_type}, sdp)},
      {"rfc4475/inv2543.dat", all_roles, accepted,
       "INVITE sip:ben@example.org SIP/2.0\r\nVia: SIP/2.0/UDP gw.example.net\r\n"
       "From: <sip:+15550100@gw.example.net;user=phone>\r\n"
       "Record-Route: <sip:ben@example.org;maddr=p.example.org>\r\n"
       "To: sip:+15550101@example.org;user=phone\r\nCall-ID: o@gw.example.net\r\n"
       "CSeq: 56 INVITE\r\nContent-Type: application/sdp\r\n\r\n" +
           std::string{sdp},
       is_rfc_2543},

      // RFC 5118
      {"rfc5118/ipv6-good", all_roles, accepted,
       write("REGISTER sip:[2001:db8::77] SIP/2.0", {"Contact: \"A\" <sip:ann@[2001:db8::1]>"})},
      {"rfc5118/ipv6-bad", all_roles, 400, write("REGISTER sip:2001:db8::77 SIP/2.0", {})},
      {"rfc5118/port-ambiguous", all_roles, accepted,
       write("REGISTER sip:[2001:db8::77:5070] SIP/2.0", {}), port_is_part_of_the_address},
      {"rfc5118/port-unambiguous", all_roles, accepted,
       write("REGISTER sip:[2001:db8::77]:5070 SIP/2.0", {}), port_is_5070},
      {"rfc5118/via-received-param-with-delim", all_roles, accepted,
       write("BYE sip:[2001:db8::77] SIP/2.0",
             {"Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKa"}),
       received_is_an_address},
      {"rfc5118/via-received-param-no-delim", all_roles, accepted,
       write("OPTIONS sip:[2001:db8::77] SIP/2.0",
             {"Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKa"}),
       received_is_an_address},
      {"rfc5118/ipv6-in-sdp", all_roles, accepted,
       write("INVITE sip:ben@[2001:db8::77] SIP/2.0", {sdp_type},
             "v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\n")},
      {"rfc5118/mult-ip-in-header", all_roles, accepted,
       write("BYE sip:ben@example.org SIP/2.0",
             {"Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKa",
              "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKb",
              "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bKc;received=192.0.2.200"}),
       has_three_hops},
      {"rfc5118/mult-ip-in-sdp", all_roles, accepted,
       write("INVITE sip:ben@[2001:db8::77] SIP/2.0", {sdp_type},
             "v=0\r\no=- 1 1 IN IP4 h.example.net\r\ns=\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
             "c=IN IP4 192.0.2.9\r\nm=video 6000 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\n")},
      {"rfc5118/ipv4-mapped-ipv6", all_roles, accepted,
       write(invite_line,
             {"Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKa",
              "Contact: \"T. phone\" <sip:ann@[::ffff:192.0.2.2]>", sdp_type},
             sdp)},
      {"rfc5118/ipv6-bug-abnf-3-colons", all_roles, accepted,
       write("OPTIONS sip:ben@[2001:db8:::192.0.2.1] SIP/2.0",
             {"To: sip:ben@[2001:db8:::192.0.2.1]"}),
       writes_two_colons},
      {"rfc5118/ipv6-correct-abnf-2-colons", all_roles, accepted,
       write("OPTIONS sip:ben@[2001:db8::192.0.2.1] SIP/2.0",
             {"To: sip:ben@[2001:db8::192.0.2.1]"}),
       writes_two_colons},
  };
  return table;
}

// --- what is done with them

constexpr std::array schemes{"sip"sv, "sips"sv, "tel"sv};
constexpr std::array types{"application/sdp"sv, "text/plain"sv, "multipart/mixed"sv};
constexpr std::array digest{"Digest"sv};

/// What is owed to these bytes as one datagram.
int judge(std::string_view bytes, role as, bool authenticates) {
  const auto msg = message::parse(bytes);
  if (!msg) return dropped;
  supported_sets supported{.uri_schemes = schemes, .content_types = types};
  if (authenticates) supported.auth_schemes = digest;
  const auto owed = validate(*msg, as, supported);
  return owed ? owed->status : accepted;
}

std::vector<role> judges(const torture& t) {
  switch (t.as) {
  case all_roles: return {role::user_agent, role::proxy, role::registrar};
  case agent: return {role::user_agent};
  case proxy: return {role::proxy};
  default: return {role::registrar};
  }
}

/// Every split of a stream into two reads gives the same message, and no truncation one.
void cut_everywhere(std::string_view name, const std::string& bytes) {
  const auto whole = message::parse(bytes);
  ASSERT_TRUE(whole) << name;
  const std::size_t body = bytes.find("\r\n\r\n") + 4;
  const bool has_length = whole->has(hdr::content_length);
  for (std::size_t n = 0; n < (has_length ? body + whole->body().size() : body); ++n) {
    const auto prefix = message::parse(std::string_view{bytes}.substr(0, n));
    EXPECT_TRUE(!prefix || prefix->defect()) << name << " truncated at " << n;
  }
  if (!has_length) return; // cannot be framed (RFC 3261 18.3)
  const std::string expected = whole->to_string();
  for (std::size_t n = 1; n < bytes.size(); ++n) {
    framer in;
    in.feed(std::string_view{bytes}.substr(0, n));
    frame f = in.next();
    if (f.kind == frame_kind::need_more) {
      in.feed(std::string_view{bytes}.substr(n));
      f = in.next();
    }
    ASSERT_EQ(f.kind, frame_kind::message) << name << " split at " << n;
    const auto msg = message::parse(f.block, f.size);
    ASSERT_TRUE(msg) << name;
    ASSERT_EQ(msg->to_string(), expected) << name << " split at " << n;
  }
}

void examine(const torture& t, const std::string& bytes, const char* whose) {
  for (const role as : judges(t)) {
    EXPECT_EQ(judge(bytes, as, t.as == authenticating_registrar), t.owed)
        << t.file << " (" << whose << ") as role " << static_cast<int>(as);
  }
  if (t.owed != accepted) return;
  const auto msg = message::parse(bytes);
  ASSERT_TRUE(msg) << t.file;
  EXPECT_TRUE(msg->key()) << t.file;
  if (t.check) {
    SCOPED_TRACE(std::string{t.file} + " (" + whose + ")");
    t.check(*msg);
  }
  cut_everywhere(t.file, bytes);
}

TEST(torture, lists_the_49_cases_of_rfc_4475_and_the_12_of_rfc_5118) {
  std::vector<std::string_view> names;
  for (const auto& t : cases()) names.push_back(t.file);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto of = [&](std::string_view folder) {
    return std::count_if(names.begin(), names.end(),
                         [&](std::string_view name) { return name.starts_with(folder); });
  };
  EXPECT_EQ(of("rfc4475/"), 49);
  EXPECT_EQ(of("rfc5118/"), 12);
}

TEST(torture, messages_of_our_own_get_the_answer_owed) {
  for (const auto& t : cases()) examine(t, t.own, "own");
}

TEST(torture, originals_get_the_answer_owed) {
  const std::string here = __FILE__;
  const std::string folder = here.substr(0, here.rfind("/tandem/")) + "/tests/torture/";
  for (const auto& t : cases()) {
    std::ifstream in{folder + std::string{t.file}, std::ios::binary};
    ASSERT_TRUE(in) << t.file;
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    examine(t, bytes, "original");
  }
}

TEST(torture, rejections_carry_the_header_that_goes_with_them) {
  const auto reject = [](std::string_view bytes, role as) {
    auto msg = message::parse(bytes);
    const auto owed = validate(*msg, as, {.uri_schemes = schemes, .content_types = types});
    return owed ? *owed : rejection{};
  };
  const std::string required = write(options, {"Require: a,  b", "Proxy-Require: c", "Require: d"});
  const auto agents = reject(required, role::user_agent);
  EXPECT_EQ(agents.header, header_id::unsupported);
  EXPECT_EQ(agents.value, "a, b, d");
  EXPECT_EQ(reject(required, role::proxy).value, "c");
  const auto media =
      reject(write(invite_line, {"Content-Type: application/x"}, "<audio/>"), role::user_agent);
  EXPECT_EQ(media.header, header_id::accept);
  EXPECT_EQ(media.value, "application/sdp, text/plain, multipart/mixed");
}

} // namespace
} // namespace tandem::sip
