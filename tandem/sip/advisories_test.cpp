// SPDX-License-Identifier: Apache-2.0
// Faults that other SIP servers and libraries shipped and that a message can cause: one test each,
// named after its advisory. What is common: every one is read, answered and written within bounds.
#include <tandem/sip/build.hpp>
#include <tandem/sip/framer.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/received.hpp>
#include <tandem/sip/validate.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

using namespace std::string_view_literals;

/// A request with what each needs, but for the lines that replace them.
std::string request(std::string_view method, std::string_view lines, std::string_view body = {}) {
  std::string text = std::string{method} + " sip:bob@example.org SIP/2.0\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    if (lines.find(std::string{name} + ":") == std::string_view::npos)
      text += std::string{name} + ": " + std::string{value} + "\r\n";
  };
  add("Via", "SIP/2.0/UDP a.example.net;branch=z9hG4bKq");
  add("From", "<sip:a@example.net>;tag=1");
  add("To", "<sip:bob@example.org>");
  add("Call-ID", "c@example.net");
  add("CSeq", "1 " + std::string{method});
  text += lines;
  add("Content-Length", std::to_string(body.size()));
  return text + "\r\n" + std::string{body};
}

/// Everything that is done with a message anywhere: nothing of it may fail but by its result.
/// \return what the user agent owes: -1 when it may be processed.
int use(std::string_view bytes) {
  auto msg = message::parse(bytes);
  if (!msg) return 0;
  (void)msg->key();
  const auto all = [&]<auto Header>() {
    for (const auto& value : msg->all<Header>())
      if (value) (void)text_size(*value);
  };
#define TANDEM_HEADER(id, name, compact, shape, value, source) all.template operator()<hdr::id>();
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
  const auto owed = validate(*msg, role::user_agent);
  if (const auto reply = make_response(*msg, owed ? 400 : 200, {}, "tag")) {
    const auto again = message::parse(reply->to_string());
    EXPECT_TRUE(again && !again->defect());
  }
  (void)make_cancel(*msg);
  message forwarded = msg->clone();
  (void)stamp_received(forwarded, {ip_address::v4(192, 0, 2, 1), 5060});
  (void)forwarded.edit().put_front(hdr::via, "SIP/2.0/UDP me;branch=z9hG4bKme");
  (void)decrement_max_forwards(forwarded);
  (void)forwarded.edit().pop_front(hdr::route);
  EXPECT_EQ(forwarded.to_string().size(), forwarded.wire_size());
  return owed ? owed->status : -1;
}

int use(const std::string& bytes) { return use(std::string_view{bytes}); }

// --- Kamailio

TEST(advisories, cve_2016_2385_message_longer_than_an_encoder_expects) {
  EXPECT_EQ(use(request("INVITE", "X-Long: " + std::string(60'000, 'x') + "\r\n")), -1);
}

TEST(advisories, cve_2018_8828_from_tag_and_branch_of_every_length) {
  for (std::size_t size = 0; size < 600; size += 13) {
    const std::string long_text(size, 't');
    std::string lines = "Via: SIP/2.0/UDP a;branch=";
    lines.append(long_text).append("\r\nFrom: <sip:a@b>;tag=").append(long_text).append("\r\n");
    const std::string text = request("INVITE", lines);
    use(text);
    if (size == 0) continue;
    const auto msg = message::parse(text);
    EXPECT_EQ(msg->key()->branch, long_text);
    EXPECT_EQ(msg->key()->from_tag, long_text);
  }
}

TEST(advisories, cve_2018_14767_double_to_and_empty_tag) {
  for (const auto to :
       {"To: <sip:b@c>;tag\r\nTo: <sip:b@c>;tag=2\r\n"sv, "To: <sip:b@c>;tag=\r\n"sv,
        "To: <sip:b@c>;tag\r\n"sv, "To:\r\n"sv, "To: ;tag=\r\nTo:\r\n"sv}) {
    const std::string text = request("INVITE", to);
    use(text);
    const auto reply = make_response(*message::parse(text), 404, {}, "own");
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->count(hdr::to), 1u);
  }
  EXPECT_EQ(use(request("INVITE", "To: <sip:b@c>;tag\r\nTo: <sip:b@c>;tag=2\r\n")), 400);
}

TEST(advisories, cve_2018_16657_via_that_cannot_be_read) {
  for (const auto via :
       {"Via: \r\n"sv, "Via: x\r\n"sv, "Via: SIP/2.0/UDP\r\n"sv, "Via: SIP/2.0/UDP ;branch=a\r\n"sv,
        "Via: ,,,\r\n"sv, "Via: SIP/2.0/UDP a:999999\r\n"sv, "Via: SIP/2.0/UDP [::1\r\n"sv})
    EXPECT_EQ(use(request("INVITE", via)), 400) << via;
}

TEST(advisories, cve_2020_27507_repeated_headers_and_a_long_tag) {
  const std::string tag(5000, 't');
  std::string lines;
  for (int i = 0; i < 20; ++i) lines += "From: <sip:a@b>;tag=" + tag.substr(0, 500) + "\r\n";
  EXPECT_EQ(use(request("INVITE", lines)), 400);
  EXPECT_EQ(use(request("INVITE", "From: <sip:a@b>;tag=" + tag + "\r\n")), -1);
}

TEST(advisories, cve_2020_28361_blanks_before_the_colon_hide_a_header_from_its_removal) {
  for (const auto line : {"X-H : 1\r\n"sv, "X-H\t: 1\r\n"sv, "x-h \t : 1\r\n"sv, "X-H:1\r\n"sv,
                          "X-H \t:\r\n 1\r\n"sv}) {
    auto msg = message::parse(request("INVITE", line));
    ASSERT_TRUE(msg);
    EXPECT_EQ(msg->edit().erase("X-H"), 1u) << line;
    EXPECT_EQ(msg->to_string().find("X-"), std::string::npos);
    EXPECT_EQ(msg->to_string().find("x-"), std::string::npos);
  }
  // Names that are not the same stay, and are none when no token.
  EXPECT_EQ(use(request("INVITE", "X H: 1\r\n")), 400);
}

TEST(advisories, kamailio_2044_one_malformed_invite_ends_no_server) {
  const std::string whole = request("INVITE", "Contact: <sip:a@b>\r\nRoute: <sip:p;lr>\r\n");
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char byte : {'\0', '\r', '\n', ',', '"', '<', ';', ':', '\xff', ' '}) {
      std::string text = whole;
      text[at] = byte;
      // What a sanitizer sees beside this, only a sanitizer shows.
      const int owed = use(text);
      EXPECT_TRUE(owed == -1 || owed == 0 || (owed >= 400 && owed < 600)) << owed << ": " << text;
    }
}

TEST(advisories, kamailio_4920_call_id_longer_than_a_buffer) {
  const std::string id(20'000, 'c');
  const std::string text = request("INVITE", "Call-ID: " + id + "\r\n");
  EXPECT_EQ(use(text), -1);
  EXPECT_EQ(make_response(*message::parse(text), 200)->call_id(), id);
}

TEST(advisories, cve_2026_106803_port_out_of_range) {
  for (const auto contact :
       {"Contact: <sip:a@b:123456>\r\n"sv, "Contact: <sip:a@b:99999999999999999999>\r\n"sv,
        "Contact: <sip:a@b:-1>\r\n"sv, "Contact: <sip:a@b:>\r\n"sv})
    EXPECT_EQ(use(request("REGISTER", contact)), 400) << contact;
}

// --- OpenSIPS

TEST(advisories, ghsa_wxfg_via_parts_that_are_not_there) {
  const auto msg = message::parse(request("INVITE", "Via: SIP/2.0/UDP a\r\n"));
  const auto key = msg->key();
  ASSERT_TRUE(key);
  EXPECT_EQ(key->branch, "");
  EXPECT_FALSE(has_magic_cookie(key->branch));
  EXPECT_EQ(msg->get<hdr::via>()->branch(), "");
}

TEST(advisories, ghsa_358f_request_uri_longer_than_a_buffer) {
  auto msg = message::parse(request("INVITE", ""));
  const std::string uri = "sip:" + std::string(40'000, 'u') + "@example.org";
  ASSERT_TRUE(msg->edit().set_request_uri(uri));
  EXPECT_EQ(msg->request_uri(), uri);
  EXPECT_EQ(msg->edit().set_request_uri("sip:" + std::string(70'000, 'u')).error(),
            edit_errc::too_large);
  EXPECT_EQ(msg->request_uri(), uri);
}

TEST(advisories, cve_2023_27600_body_without_a_line_end) {
  EXPECT_EQ(
      use(request("INVITE", "Content-Type: application/sdp\r\n", "v=0\r\nm=audio 1 RTP/AVP 0")),
      -1);
  EXPECT_EQ(use(request("INVITE", "Content-Type: application/sdp\r\n", "b")), -1);
}

TEST(advisories, cve_2023_28098_authorization_that_ends_early) {
  for (const auto value :
       {""sv, "Digest"sv, "Digest "sv, "Digest username"sv, "Digest username="sv,
        "Digest username=\""sv, "Digest username=\"a"sv, "Digest username=\"a\\"sv,
        "Digest username=\"a\","sv, "Digest ,,,"sv, "Digest ="sv, "\""sv}) {
    const std::string text = request("REGISTER", "Authorization: " + std::string{value} + "\r\n");
    EXPECT_EQ(use(text), -1) << value; // whether it admits anybody is asked elsewhere
    const auto credentials = message::parse(text)->get<hdr::authorization>();
    EXPECT_TRUE(!credentials || to_text(*credentials)) << value;
  }
}

TEST(advisories, cve_2013_3722_contacts_that_could_loop) {
  EXPECT_EQ(use(request("REGISTER", "Contact: ,,,,<sip:a@b>,,,\r\n")), -1);
  EXPECT_EQ(use(request("REGISTER", "Contact: <\r\nContact: >\r\nContact: \"\r\n")), 400);
}

TEST(advisories, cve_2026_45103_content_length_beyond_an_integer) {
  for (const auto length :
       {"4294967296"sv, "4294967301"sv, "18446744073709551616"sv, "99999999999999999999999"sv,
        "-1"sv, "+5"sv, "0x5"sv, "5 5"sv, "5;"sv, "5,5"sv}) {
    const std::string smuggled = "5_____REGISTER sip:x SIP/2.0\r\n\r\n";
    const std::string text =
        request("INVITE", "Content-Length: " + std::string{length} + "\r\n", smuggled);
    EXPECT_EQ(use(text), 400) << length;
    framer in;
    in.feed(text);
    EXPECT_EQ(in.next().kind, frame_kind::failed) << length;
  }
}

TEST(advisories, cve_2026_45537_uri_parts_longer_than_a_buffer) {
  const std::string part(9000, 'p');
  EXPECT_EQ(use(request("INVITE", "Contact: <sip:" + part + ":" + part + "@example.org;" + part +
                                      "=" + part + "?" + part + "=" + part + ">\r\n")),
            -1);
}

TEST(advisories, cve_2026_46334_sdp_line_without_colon) {
  EXPECT_EQ(use(request("INVITE", "Content-Type: application/sdp\r\n",
                        "v=0\r\nb=\r\nb\r\nb=AS\r\n=\r\n\r\n")),
            -1);
}

// --- PJSIP and Asterisk

TEST(advisories, cve_2017_9372_cseq_longer_than_a_buffer) {
  for (const std::string& cseq :
       {std::string(300, '9') + " INVITE", "1 " + std::string(30'000, 'M'), std::string{"1"},
        std::string{" INVITE"}, std::string{"1INVITE"}, std::string{"2147483648 INVITE"}})
    EXPECT_EQ(use(request("INVITE", "CSeq: " + cseq + "\r\n")), 400) << cseq.substr(0, 40);
}

TEST(advisories, pjsip_2017_multipart_out_of_bounds) {
  for (const auto type :
       {"multipart/mixed"sv, "multipart/mixed;boundary="sv, "multipart/mixed;boundary=\"\""sv,
        "multipart/mixed;boundary=\"a"sv, "/"sv, "multipart"sv, "multipart/"sv})
    EXPECT_EQ(use(request("MESSAGE", "Content-Type: " + std::string{type} + "\r\n",
                          "--\r\n----a--\r\n--a")),
              -1)
        << type;
}

TEST(advisories, cve_2018_7284_many_accept_headers) {
  std::string lines;
  for (int i = 0; i < 180; ++i) lines += "Accept: application/x" + std::to_string(i) + "\r\n";
  EXPECT_EQ(use(request("SUBSCRIBE", lines)), -1);
  std::string values = "Accept: a/b";
  for (int i = 0; i < 8000; ++i) values += ", a/b";
  EXPECT_EQ(use(request("SUBSCRIBE", values + "\r\n")), -1);
}

TEST(advisories, cve_2022_24754_digest_response_longer_than_a_buffer) {
  const std::string response(8000, 'f');
  EXPECT_EQ(
      use(request("REGISTER",
                  "Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:d\", "
                  "response=\"" +
                      response + "\"\r\n")),
      -1);
}

TEST(advisories, ghsa_64qc_authorization_without_its_parts) {
  for (const auto value :
       {"Digest realm=\"x\""sv, "Digest algorithm=MD5"sv, "Basic"sv, "Digest nonce"sv}) {
    const auto msg =
        message::parse(request("REGISTER", "Authorization: " + std::string{value} + "\r\n"));
    const auto credentials = msg->get<hdr::authorization>();
    EXPECT_TRUE(!credentials || to_text(*credentials)) << value;
  }
}

TEST(advisories, cve_2019_12827_message_with_a_content_type_alone) {
  EXPECT_EQ(use(request("MESSAGE", "Content-Type: text/plain\r\n")), -1);
  EXPECT_EQ(use(request("MESSAGE", "Content-Type:\r\n", "x")), -1);
}

// --- The classes behind them

TEST(advisories, smuggling_every_reading_of_a_line_break_is_refused) {
  for (const auto line :
       {"X: a\rRoute: <sip:evil>\r\n"sv, "X: a\nRoute: <sip:evil>\r\n"sv, "X: a\r\r\n"sv,
        "X: a\0b\r\n"sv, "X: a\n\rRoute: <sip:evil>\r\n"sv, "\0X: a\r\n"sv, "X\0: a\r\n"sv}) {
    const std::string text = request("INVITE", line);
    EXPECT_EQ(use(text), 400) << line;
    framer in;
    in.feed(text);
    EXPECT_EQ(in.next().kind, frame_kind::failed) << line;
  }
}

TEST(advisories, smuggling_what_is_forwarded_has_no_folds) {
  const auto msg = message::parse(request("INVITE", "Subject: a\r\n Route: <sip:not>\r\n\tb\r\n"));
  ASSERT_TRUE(msg && !msg->defect());
  const std::string text = msg->to_string();
  EXPECT_EQ(text.find("\r\n "), std::string::npos);
  EXPECT_EQ(text.find("\r\n\t"), std::string::npos);
  EXPECT_FALSE(msg->has(hdr::route));
}

TEST(advisories, smuggling_two_content_lengths_are_refused_even_when_one_is_compact) {
  EXPECT_EQ(use(request("INVITE", "Content-Length: 0\r\nl: 3\r\n", "abc")), 400);
  EXPECT_EQ(use(request("INVITE", "l: 3\r\nContent-Length : 3\r\n", "abc")), 400);
}

TEST(advisories, empty_headers_of_every_name_are_read) {
  for (std::size_t i = 1; i < header_count; ++i) {
    const std::string name{to_string(static_cast<header_id>(i))};
    const std::string twice = ": \t \r\n" + name + ":,";
    for (const std::string& rest :
         {std::string{":"}, twice, std::string{": \""}, std::string{": <>;;=;"},
          ": " + std::string(3000, ';'), ": " + std::string(3000, '(')}) {
      std::string lines = name;
      lines.append(rest).append("\r\n");
      const int owed = use(request("INVITE", lines));
      EXPECT_TRUE(owed == -1 || owed == 400 || owed == 420) << owed << ": " << lines;
    }
  }
}

} // namespace
} // namespace tandem::sip
