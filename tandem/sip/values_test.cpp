// SPDX-License-Identifier: Apache-2.0
// What the types of header values know of their parts.
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/values.hpp>

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace tandem::sip {
namespace {

template <typename T>
T parsed(std::string_view text) {
  const auto value = T::parse(text);
  EXPECT_TRUE(value) << text << ": " << to_string(value.error());
  return value.value_or(T{});
}

TEST(via, has_its_parts_and_typed_parameters_rfc3261_20_42) {
  const via v = parsed<via>("SIP/2.0/UDP h:5070;branch=z9hG4bKx;rport=1234;received=192.0.2.9;"
                            "maddr=239.1.2.3;ttl=7;x-own=1");
  EXPECT_EQ(v.protocol, "SIP");
  EXPECT_EQ(v.version, "2.0");
  EXPECT_EQ(v.transport_id(), transport_kind::udp);
  EXPECT_EQ(v.sent_by.host.text, "h");
  EXPECT_EQ(v.sent_by.port, 5070);
  EXPECT_EQ(v.branch(), "z9hG4bKx");
  EXPECT_TRUE(has_magic_cookie(v.branch()));
  EXPECT_EQ(v.rport(), 1234);
  EXPECT_EQ(v.received()->text, "192.0.2.9");
  EXPECT_EQ(v.maddr()->text, "239.1.2.3");
  EXPECT_EQ(v.ttl(), 7);
  EXPECT_EQ(v.params.value("X-Own"), "1");
}

TEST(via, does_not_fill_in_a_port_and_keeps_brackets) {
  const std::string_view text = "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111";
  const via v = parsed<via>(text);
  EXPECT_EQ(v.sent_by.port, std::nullopt);
  EXPECT_EQ(to_text(v), text);
}

TEST(via, tells_an_asked_rport_from_a_noted_one_rfc3581_4) {
  EXPECT_FALSE(parsed<via>("SIP/2.0/UDP h").has_rport());
  EXPECT_TRUE(parsed<via>("SIP/2.0/UDP h;rport").has_rport());
  EXPECT_EQ(parsed<via>("SIP/2.0/UDP h;rport").rport(), std::nullopt);
  EXPECT_EQ(parsed<via>("SIP/2.0/UDP h;rport=\"\"").rport(), std::nullopt);
  EXPECT_EQ(parsed<via>("SIP/2.0/UDP h;rport=99999").rport(), std::nullopt);
}

TEST(via, takes_any_transport_and_a_branch_without_cookie) {
  const via v = parsed<via>("SIP/2.0/UNKNOWN h;branch=390skdjuw");
  EXPECT_EQ(v.transport_id(), std::nullopt);
  EXPECT_FALSE(has_magic_cookie(v.branch()));
  EXPECT_TRUE(has_magic_cookie(parsed<via>("SIP/2.0/UDP h;branch=Z9HG4BKx").branch()));
}

TEST(name_addr, has_display_name_uri_and_tag_rfc3261_20_10) {
  const name_addr a = parsed<name_addr>("\"A \\\"B\\\"\" <sip:c@h;x=1>;tag=t;y");
  EXPECT_EQ(a.display_name(), "A \"B\"");
  EXPECT_EQ(a.address.text(), "sip:c@h;x=1");
  EXPECT_EQ(a.address.params().value("x"), "1");
  EXPECT_EQ(a.tag(), "t");
  EXPECT_TRUE(a.params.has("y"));
}

TEST(name_addr, gives_parameters_of_a_bare_uri_to_the_header_rfc3261_20) {
  const name_addr a = parsed<name_addr>("sip:c@h;tag=t");
  EXPECT_EQ(a.address.text(), "sip:c@h");
  EXPECT_TRUE(a.address.params().empty());
  EXPECT_EQ(a.tag(), "t");
  EXPECT_EQ(to_text(a), "sip:c@h;tag=t");
}

TEST(name_addr, gets_brackets_when_it_needs_them) {
  name_addr a = parsed<name_addr>("sip:c@h");
  a.address = *uri::parse("sip:c@h;lr?x=y");
  EXPECT_EQ(to_text(a), "<sip:c@h;lr?x=y>");
  a.address = *uri::parse("sip:c,d@h");
  EXPECT_EQ(to_text(a), "<sip:c,d@h>");
  a.address = *uri::parse("sip:c@h");
  a.display = "C D";
  EXPECT_EQ(to_text(a), "\"C D\" <sip:c@h>");
}

TEST(name_addr, keeps_the_form_of_a_display_name) {
  for (const std::string_view text :
       {"Bob <sip:b@h>", "Bob B. Builder <sip:b@h>", "\"Bob\" <sip:b@h>", "<sip:b@h>", "sip:b@h",
        "\xd0\x91\xd0\xbe\xd0\xb1 <sip:b@h>", "b@h/x(y) <sip:b@h>"})
    EXPECT_EQ(to_text(parsed<name_addr>(text)), text);
  EXPECT_EQ(parsed<name_addr>("Bob   <sip:b@h>").display, "Bob");
  EXPECT_EQ(parsed<name_addr>("\xd0\x91 <sip:b@h>").display, "\xd0\x91");
}

TEST(name_addr, separates_list_values_only_at_commas_outside_the_uri) {
  int count = 0;
  for (const auto& a : list<name_addr>{"<sip:a,b@h>, \"c, d\" <sip:c@h>;x=\",\""}) {
    EXPECT_TRUE(a);
    ++count;
  }
  EXPECT_EQ(count, 2);
}

TEST(lifetime, beyond_the_largest_number_is_a_long_time_rfc3261_20_19) {
  constexpr std::uint32_t longest = 4'294'967'295;
  for (const auto& [text, seconds] : std::initializer_list<std::pair<const char*, std::uint32_t>>{
           {"0", 0},
           {"0060", 60},
           {"4294967295", longest},
           {"4294967296", longest},
           {"99999999999999999999999", longest}})
    EXPECT_EQ(parse_lifetime(text), seconds) << text;
  for (const char* none : {"", "-1", "+1", " 1", "1 ", "1.5", "x"})
    EXPECT_EQ(parse_lifetime(none), std::nullopt) << none;
}

TEST(contact, may_be_a_star) {
  EXPECT_TRUE(parsed<contact>(" * ").is_star);
  EXPECT_FALSE(parsed<contact>("* <sip:a@h>").is_star); // a star is a display name too
  EXPECT_FALSE(contact::parse("*;expires=0"));
}

TEST(contact, has_q_and_expires) {
  const contact c = parsed<contact>("<sip:a@h>;q=0.25;expires=3600");
  EXPECT_EQ(c.q(), 250);
  EXPECT_EQ(c.expires(), 3600u);
  EXPECT_EQ(parsed<contact>("<sip:a@h>;expires=soon").expires(), std::nullopt);
  EXPECT_EQ(parsed<contact>("<sip:a@h>;expires=99999999999").expires(), 0xffff'ffffu);
  EXPECT_EQ(parsed<contact>("<sip:a@h>").q(), std::nullopt);
}

TEST(cseq, has_a_number_below_2_31_and_a_method_in_its_case_rfc3261_8_1_1_5) {
  const cseq c = parsed<cseq>("2147483647 NOTIFY");
  EXPECT_EQ(c.number, 2147483647u);
  EXPECT_EQ(c.method_id(), method::notify);
  EXPECT_EQ(parsed<cseq>("1 notify").method_id(), method::unknown);
  EXPECT_EQ(parsed<cseq>("1 notify").method, "notify");
}

TEST(rack, has_three_parts_rfc3262_7_2) {
  const rack r = parsed<rack>("776656 1 INVITE");
  EXPECT_EQ(r.response, 776656u);
  EXPECT_EQ(r.request.number, 1u);
  EXPECT_EQ(r.request.method_id(), method::invite);
}

TEST(media_type, matches_ranges_rfc3261_20_1) {
  const media_type sdp = parsed<media_type>("Application/SDP;charset=utf-8");
  EXPECT_TRUE(sdp.is("application", "sdp"));
  EXPECT_TRUE(parsed<media_type>("*/*").accepts(sdp));
  EXPECT_TRUE(parsed<media_type>("application/*;q=0.5").accepts(sdp));
  EXPECT_EQ(parsed<media_type>("application/*;q=0.5").q(), 500);
  EXPECT_FALSE(parsed<media_type>("application/isup").accepts(sdp));
  EXPECT_EQ(parsed<media_type>("multipart/mixed; boundary=\"b x\"").boundary(), "b x");
}

TEST(challenge, has_the_parameters_of_digest_rfc7616_3_3) {
  const challenge c = parsed<challenge>(
      "Digest realm=\"a, b\", nonce=\"n\", opaque=\"\", stale=TRUE, algorithm=SHA-256,"
      " qop=\"auth, auth-int\", domain=\"sip:h\"");
  EXPECT_TRUE(c.is_digest());
  EXPECT_EQ(c.realm(), "a, b");
  EXPECT_EQ(c.nonce(), "n");
  EXPECT_EQ(c.opaque(), "");
  EXPECT_TRUE(c.params.has("opaque"));
  EXPECT_TRUE(c.is_stale());
  EXPECT_EQ(c.algorithm(), "SHA-256");
  EXPECT_EQ(c.domain(), "sip:h");
}

TEST(challenge, offers_each_qop_without_the_blanks_around_it) {
  const challenge c = parsed<challenge>("Digest realm=\"r\", qop=\"auth, auth-int\"");
  EXPECT_TRUE(c.offers_qop("auth"));
  EXPECT_TRUE(c.offers_qop("AUTH-INT"));
  EXPECT_FALSE(c.offers_qop("au"));
}

TEST(challenge, may_share_a_line_with_others) {
  std::string schemes;
  for (const auto& c : list<challenge>{
           "Digest realm=\"r\", nonce=\"n\", Basic realm=\"s\", Negotiate abc==, NTLM"}) {
    ASSERT_TRUE(c) << to_string(c.error());
    (schemes += c->scheme) += ' ';
    EXPECT_EQ(c->nonce(), c->scheme == "Digest" ? "n" : "");
    EXPECT_EQ(c->realm(), c->scheme == "Digest" ? "r" : c->scheme == "Basic" ? "s" : "");
    EXPECT_EQ(c->token68, c->scheme == "Negotiate" ? "abc==" : "");
  }
  EXPECT_EQ(schemes, "Digest Basic Negotiate NTLM ");
}

TEST(credentials, have_the_parameters_of_digest_rfc7616_3_4) {
  const credentials c = parsed<credentials>(
      "Digest username=\"Mufasa\", realm=\"r\", nonce=\"n\", uri=\"sip:h;x=\\\"\", qop=auth,"
      " nc=0000000a, cnonce=\"c\", response=\"6629fae49393a05397450978507c4ef1\", userhash=true");
  EXPECT_EQ(c.username(), "Mufasa");
  EXPECT_EQ(c.digest_uri(), "sip:h;x=\\\"");
  EXPECT_EQ(c.qop(), "auth");
  EXPECT_EQ(c.nc(), 10u);
  EXPECT_EQ(c.cnonce(), "c");
  EXPECT_TRUE(c.has_userhash());
  ASSERT_TRUE(c.response_bytes());
  EXPECT_EQ(c.response_bytes()->size, 16u);
  EXPECT_EQ(c.response_bytes()->bytes[0], 0x66);
}

TEST(credentials, take_a_nonce_count_of_eight_digits_only) {
  const auto nc = [](std::string_view text) {
    return parsed<credentials>("Digest nc=" + std::string{text}).nc();
  };
  EXPECT_EQ(nc("00000001"), 1u);
  EXPECT_EQ(nc("FFFFFFFF"), 0xffff'ffffu);
  EXPECT_EQ(nc("1"), std::nullopt);
  EXPECT_EQ(nc("000000001"), std::nullopt);
  EXPECT_EQ(nc("0000000g"), std::nullopt);
  EXPECT_EQ(parsed<credentials>("Digest response=\"abc\"").response_bytes(), std::nullopt);
}

TEST(authentication_info, is_a_map_rfc3261_20_6) {
  const auto info =
      parsed<authentication_info>("nextnonce=\"n\", rspauth=\"00ff\", qop=auth, nc=00000002");
  EXPECT_EQ(info.next_nonce(), "n");
  EXPECT_EQ(info.rspauth(), "00ff");
  EXPECT_EQ(info.qop(), "auth");
  EXPECT_EQ(info.nc(), 2u);
}

TEST(date, is_a_moment_in_gmt_rfc3261_20_17) {
  using namespace std::chrono;
  EXPECT_EQ(parsed<date>("Sat, 13 Nov 2010 23:29:00 GMT").time.time_since_epoch().count(),
            1289690940);
  EXPECT_EQ(to_text(date{sys_seconds{seconds{0}}}), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(to_text(date{sys_seconds{seconds{4102444799}}}), "Thu, 31 Dec 2099 23:59:59 GMT");
  EXPECT_EQ(parsed<date>("thu, 29 feb 2024 00:00:60 gmt").time,
            sys_days{2024y / 3 / 1} - hours{23} - minutes{59});
}

TEST(timestamp, keeps_its_texts_rfc3261_8_2_6_1) {
  using namespace std::chrono_literals;
  const timestamp t = parsed<timestamp>("54.2199999 0.5");
  EXPECT_EQ(t.time, "54.2199999");
  EXPECT_EQ(t.time_span(), 54'219'999us);
  EXPECT_EQ(t.delay_span(), 500'000us);
  EXPECT_EQ(parsed<timestamp>("7").delay_span(), std::nullopt);
  EXPECT_EQ(parsed<timestamp>("18446744073709551615").time_span(), std::nullopt);
  EXPECT_EQ(parsed<timestamp>("99999999999999999999").time_span(), std::nullopt);
}

TEST(retry_after, has_comment_and_parameters_rfc3261_20_33) {
  const retry_after r = parsed<retry_after>("18000 (in a (long) meeting);duration=3600;x");
  EXPECT_EQ(r.seconds, 18000u);
  EXPECT_EQ(r.comment, "in a (long) meeting");
  EXPECT_EQ(r.duration(), 3600u);
}

TEST(warning, has_code_agent_and_text_rfc3261_20_43) {
  const warning w = parsed<warning>("370 devnull \"Choose a \\\"bigger\\\" pipe\"");
  EXPECT_EQ(w.code, 370);
  EXPECT_EQ(w.agent, "devnull");
  EXPECT_EQ(unquote(w.text), "Choose a \"bigger\" pipe");
}

TEST(subscription_state, has_its_parameters_rfc6665_8_2_3) {
  const auto s = parsed<subscription_state>("Terminated;reason=probation;retry-after=5;expires=9");
  EXPECT_TRUE(s.is_terminated());
  EXPECT_FALSE(s.is_active());
  EXPECT_EQ(s.reason(), "probation");
  EXPECT_EQ(s.retry_after(), 5u);
  EXPECT_EQ(s.expires(), 9u);
}

TEST(privacy, is_a_set_of_kinds_rfc3323_4_2) {
  const privacy p = parsed<privacy>("header; Session , critical");
  EXPECT_TRUE(p.has("session"));
  EXPECT_TRUE(p.has("critical"));
  EXPECT_FALSE(p.has("id"));
}

TEST(replaces, names_a_dialog_rfc3891_6_1) {
  const auto r = parsed<call_id_params>("a@b;to-tag=1;from-tag=2;early-only");
  EXPECT_EQ(r.call_id, "a@b");
  EXPECT_EQ(r.to_tag(), "1");
  EXPECT_EQ(r.from_tag(), "2");
  EXPECT_TRUE(r.is_early_only());
  const auto t = parsed<call_id_params>("a@b;local-tag=1;remote-tag=2");
  EXPECT_EQ(t.local_tag(), "1");
  EXPECT_EQ(t.remote_tag(), "2");
}

TEST(session_expires, has_a_refresher_rfc4028_4) {
  const auto s = parsed<number_params>("4000;refresher=uac");
  EXPECT_EQ(s.value, 4000u);
  EXPECT_EQ(s.refresher(), "uac");
}

} // namespace
} // namespace tandem::sip
