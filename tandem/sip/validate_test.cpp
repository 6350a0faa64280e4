// SPDX-License-Identifier: Apache-2.0
// What is owed, and that it says what is wrong (RFC 3261 16.3, 21.4.1). The messages of RFC 4475
// are torture_test.cpp's.
#include <tandem/sip/validate.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace tandem::sip {
namespace {

constexpr std::string_view good = "OPTIONS sip:ben@example.org SIP/2.0\r\n"
                                  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
                                  "Max-Forwards: 70\r\n"
                                  "From: <sip:ann@example.net>;tag=1\r\n"
                                  "To: <sip:ben@example.org>\r\n"
                                  "Call-ID: v@example.net\r\n"
                                  "CSeq: 1 OPTIONS\r\n"
                                  "Content-Length: 0\r\n\r\n";

/// Status and reason owed by a proxy to the good request with `from` replaced by `to`.
std::string owed(std::string_view from, std::string_view to, const supported_sets& supported = {}) {
  std::string text{good};
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  const auto msg = message::parse(text);
  if (!msg) return "no message";
  const auto found = validate(*msg, role::proxy, supported);
  return found ? std::to_string(found->status) + " " + found->reason : "nothing";
}

TEST(validate, refuses_what_cannot_be_read_in_from_wherever_it_stands_20_20) {
  for (const std::string_view from :
       {"<sip:ann example.net>;tag=1", "<sip:%zz@example.net>;tag=1", "<ann>;tag=1", "<>;tag=1",
        "\"Ann <sip:ann@example.net>;tag=1", "\"Ann\" Lee <sip:ann@example.net>;tag=1",
        "Ann <sip:ann@>;tag=1", "<sip:ann@example.net> lee;tag=1", "<sip:ann@example.net>;tag=1;",
        "<sip:ann@example.net>;=1"})
    EXPECT_EQ(owed("<sip:ann@example.net>;tag=1", from).substr(0, 12), "400 Bad From") << from;
  for (const std::string_view from :
       {"\"Ann\" <sip:ann@example.net>;tag=1", "Ann Lee <sip:ann@example.net>;tag=1",
        "<sip:ann@example.net>", "sip:ann@example.net;tag=1",
        "<sip:ann@example.net> ; x=y ; tag=1"})
    EXPECT_EQ(owed("<sip:ann@example.net>;tag=1", from), "nothing") << from;
}

TEST(validate, hands_on_the_request_uri_that_it_has_read) {
  const auto msg = message::parse(good);
  ASSERT_TRUE(msg);
  read_values read;
  EXPECT_FALSE(validate(*msg, role::proxy, {}, &read));
  ASSERT_TRUE(read.target);
  EXPECT_EQ(read.target->text().data(), msg->request_uri().data());
  EXPECT_EQ(read.target->host().text, "example.org");

  std::string broken{good};
  broken.replace(broken.find("sip:ben"), 4, "sip;");
  const auto other = message::parse(broken);
  ASSERT_TRUE(other);
  EXPECT_TRUE(validate(*other, role::proxy, {}, &read));
  EXPECT_FALSE(read.target) << "one that cannot be read";
}

TEST(validate, says_in_a_400_which_field_is_wrong_and_how_21_4_1) {
  EXPECT_EQ(owed("Content-Length: 0\r\n\r\n", "Content-Length: 0\r\n"),
            "400 the empty line behind the headers is missing");
  EXPECT_EQ(owed("Call-ID: v", "Call-ID v"), "400 header line without a colon");
  EXPECT_EQ(owed("<sip:ben@example.org>", "< sip:ben@example.org>"),
            "400 Bad To: malformed URI scheme");
  EXPECT_EQ(owed("<sip:ann@example.net>", "<sip:ann@example.net"), "400 Bad From: missing '>'");
  EXPECT_EQ(owed("SIP/2.0/UDP 192.0.2.1", "SIP/2.0/UDP 192.0.02.1"), "400 Bad Via: malformed host");
  EXPECT_EQ(owed("SIP/2.0/UDP 192", "SIP/2.0 192"), "400 Bad Via: malformed Via protocol");
  EXPECT_EQ(owed("CSeq: 1 O", "CSeq: x O"), "400 Bad CSeq: expected a number");
  EXPECT_EQ(owed("CSeq: 1 O", "CSeq: 4294967296 O"), "400 Bad CSeq: number out of range");
  EXPECT_EQ(owed("CSeq: 1 OPTIONS", "CSeq: 1 options"), "400 CSeq of Another Method");
  EXPECT_EQ(owed("Max-Forwards: 70", "Max-Forwards: 256"),
            "400 Bad Max-Forwards: number out of range");
  EXPECT_EQ(owed("sip:ben@example.org SIP", "sip:ben@ex..ample.org SIP"),
            "400 Bad Request-URI: malformed host");
  EXPECT_EQ(owed("Content-Length: 0", "Content-Length: 5"), "400 body shorter than Content-Length");
  EXPECT_EQ(owed("From: <sip:ann@example.net>;tag=1\r\n", ""), "400 Missing From");
}

TEST(validate, refuses_a_parameter_that_parsers_read_differently_7_3_1) {
  EXPECT_EQ(owed(";tag=1", ";tag=1;tag=2"), "400 Repeated Parameter in From");
  EXPECT_EQ(owed(";tag=1", ";tag=1;x;TAG=1"), "400 Repeated Parameter in From");
  EXPECT_EQ(owed("<sip:ben@example.org>\r\n", "<sip:ben@example.org>;tag=a;tag=b\r\n"),
            "400 Repeated Parameter in To");
  EXPECT_EQ(owed(";branch=z9hG4bKa", ";branch=z9hG4bKa;branch=z9hG4bKb"),
            "400 Repeated Parameter in Via");
  EXPECT_EQ(owed("sip:ben@example.org SIP", "sip:ben@example.org;maddr=a;lr;maddr=b SIP"),
            "400 Repeated Parameter in Request-URI");
  EXPECT_EQ(owed("sip:ben@example.org SIP", "sip:ben@example.org;lr;%6Cr SIP"),
            "400 Repeated Parameter in Request-URI");
  EXPECT_EQ(owed(";tag=1", ";a=1;tag=1;b=\";tag=2\""), "nothing");
  EXPECT_EQ(owed("<sip:ann@example.net>;tag=1", "<sip:ann@example.net;tag=0>;tag=1"), "nothing");
}

TEST(validate, hides_nothing_behind_max_forwards_0_16_3) {
  EXPECT_EQ(owed("Max-Forwards: 70", "Max-Forwards: 0"), "483 Too Many Hops");
  EXPECT_EQ(owed("Max-Forwards: 70", "Max-Forwards: 00"), "483 Too Many Hops");
  EXPECT_EQ(owed("Max-Forwards: 70", "Max-Forwards: 0\r\nProxy-Require: x"), "420 Bad Extension");
  constexpr std::string_view digest[]{"Digest"};
  EXPECT_EQ(owed("Max-Forwards: 70", "Max-Forwards: 0", {.auth_schemes = digest}),
            "407 Proxy Authentication Required");
}

TEST(validate, takes_version_2_0_in_any_case_and_no_other_7_1) {
  EXPECT_EQ(owed("org SIP/2.0", "org sip/2.0"), "nothing");
  for (const std::string_view other :
       {"org SIP/2.1", "org SIP/02.0", "org SIP/2.00", "org sip/3.0"})
    EXPECT_EQ(owed("org SIP/2.0", other), "505 Version Not Supported") << other;
}

TEST(validate, tells_methods_apart_by_case_7_1) {
  EXPECT_EQ(owed("OPTIONS sip", "options sip"), "400 CSeq of Another Method");
}

} // namespace
} // namespace tandem::sip
