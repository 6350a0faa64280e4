// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/uri.hpp>

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip {
namespace {

uri uri_of(std::string_view text) {
  const auto value = uri::parse(text);
  EXPECT_TRUE(value) << text << ": " << to_string(value.error());
  return value.value_or(uri{});
}

std::string written(const uri& value) {
  sink measure;
  value.write(measure);
  std::string text(measure.size(), '\0');
  sink out{text};
  value.write(out);
  return text;
}

/// URIs that parse, of every kind: used for round trips and truncation.
const std::vector<std::string_view> good_uris = {
    // RFC 3261 19.1.3
    "sip:alice@atlanta.com",
    "sip:alice:secretword@atlanta.com;transport=tcp",
    "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
    "sip:+1-212-555-1212:1234@gateway.com;user=phone",
    "sips:1212@gateway.com",
    "sip:alice@192.0.2.4",
    "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
    "sip:alice;day=tuesday@atlanta.com",
    // Hosts and ports
    "sip:example.com",
    "SIP:Example.COM.:5060",
    "sip:[2001:db8::10]",
    "sip:user@[2001:db8::192.0.2.1]:5070;maddr=[::1];lr",
    "sip:user@a_b-c.example:65535",
    "sip:3f2a1b",
    // Users
    "sip:user:@example.com",
    "sip:sip%3Auser%40example.com@company.com;other-param=summit",
    ("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too."
     "(doesn't-it)@example.com"),
    "sip:null-%00-null@example.com",
    "sip:*98#@example.com",
    // Parameters and headers
    "sip:h;a;b=c;%6c%72;x=[::]/:&+$",
    "sip:h;gr=urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6;ob",
    "sip:h;token=YWJj==",
    "sip:h?a=&b=c[d]/e?f:g+h$",
    // Others
    "tel:+1-201-555-0123",
    "tel:7042;phone-context=example.com",
    "tel:863-1234;phone-context=+1-914-555",
    "tel:*31#;ext=12(3)",
    "TEL:+358-555-1234567;isub=abc;postd=pp22",
    "urn:service:sos",
    "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "http://www.example.com/a?b=c#d",
    "mailto:nobody@invalid",
    "soap.beep://192.0.2.103:3002",
    "isbn:2983792873",
    "aaa://host.example.com;transport=tcp",
    "nobodyKnowsThisScheme:totallyopaquecontent",
};

TEST(uri, finds_every_part_of_a_sip_uri) {
  const uri u = uri_of("sips:alice:secret@[2001:DB8::9]:5061;transport=TLS;lr;ttl=7?a=b&c=");
  EXPECT_EQ(u.scheme(), uri_scheme::sips);
  EXPECT_EQ(u.scheme_text(), "sips");
  EXPECT_TRUE(u.is_sip());
  EXPECT_EQ(u.user(), "alice");
  EXPECT_EQ(u.password(), "secret");
  EXPECT_EQ(u.host().text, "2001:DB8::9");
  EXPECT_EQ(u.host().kind, host_kind::ipv6);
  EXPECT_EQ(u.port(), 5061);
  EXPECT_EQ(u.params_text(), "transport=TLS;lr;ttl=7");
  EXPECT_EQ(u.headers_text(), "a=b&c=");
  EXPECT_EQ(u.transport(), "TLS");
  EXPECT_EQ(u.ttl(), 7);
  EXPECT_TRUE(u.is_loose_router());
  EXPECT_EQ(u.maddr(), std::nullopt);
}

TEST(uri, tells_a_missing_part_from_an_empty_one) {
  const uri bare = uri_of("sip:example.com");
  EXPECT_EQ(bare.user(), "");
  EXPECT_EQ(bare.password(), std::nullopt);
  EXPECT_EQ(bare.port(), std::nullopt); // the default is not filled in
  EXPECT_TRUE(bare.params().empty());
  EXPECT_TRUE(bare.headers().empty());
  EXPECT_EQ(uri_of("sip:u:@h").password(), "");
  EXPECT_EQ(uri_of("sip:u:p@[::1]").password(), "p");
}

TEST(uri, finds_the_number_of_a_tel_uri_rfc3966) {
  const uri u = uri_of("tel:+1-201-555-0123;ext=12;phone-context=example.com");
  EXPECT_EQ(u.number(), "+1-201-555-0123");
  EXPECT_TRUE(u.is_global_number());
  EXPECT_EQ(u.params().value("ext"), "12");
  EXPECT_FALSE(uri_of("tel:7042;phone-context=example.com").is_global_number());
  EXPECT_EQ(uri_of("sip:7042@example.com").number(), "");
}

TEST(uri, keeps_parameters_and_headers_in_order_rfc3261_19_1_1) {
  std::string seen;
  const uri u = uri_of("sip:h;b=1;a;b=2?x=1&y=2&x=3"); // all headers, not only the first two
  const auto note = [&seen](const uri_param& one) {
    seen += one.name;
    if (one.has_value) (seen += '=') += one.value;
    seen += ' ';
  };
  for (const uri_param& each : u.params()) note(each);
  for (const uri_param& each : u.headers()) note(each);
  EXPECT_EQ(seen, "b=1 a b=2 x=1 y=2 x=3 ");
  EXPECT_EQ(u.params().value("B"), "1");
  EXPECT_EQ(u.params().value("%62"), "1");
}

TEST(uri, finds_the_parameters_of_19_1_1_by_any_spelling_and_takes_the_first) {
  const uri u = uri_of("sip:h;Tran%73port=tcp;x=1;%6Cr;maddr=192.0.2.1;USER=phone;method;ttl=3=4");
  EXPECT_EQ(u.transport(), "tcp");
  EXPECT_TRUE(u.has_transport());
  EXPECT_TRUE(u.is_loose_router());
  EXPECT_EQ(u.maddr_text(), "192.0.2.1");
  EXPECT_TRUE(u.has_maddr());
  EXPECT_EQ(u.user_type(), "phone");
  EXPECT_EQ(u.method(), "") << "there, and without a value";
  EXPECT_EQ(u.ttl(), std::nullopt) << "3=4 is no number";
  EXPECT_FALSE(u.has_repeated()) << "x is none of them";

  const uri twice = uri_of("sip:h;transport=tcp;trans%70ort=udp");
  EXPECT_EQ(twice.transport(), "tcp");
  EXPECT_TRUE(twice.has_repeated());
  for (const std::string_view name : {"lr", "ttl", "user", "maddr", "method", "transport"}) {
    const std::string once = "sip:h;" + std::string{name};
    EXPECT_FALSE(uri_of(once).has_repeated()) << name;
    const std::string again = once + "=1;" + std::string{name};
    EXPECT_TRUE(uri_of(again).has_repeated()) << name;
  }
  EXPECT_FALSE(uri_of("sip:h;x=1;x=2").has_repeated());

  const uri bare = uri_of("sip:h;transport;maddr=");
  EXPECT_TRUE(bare.has_transport());
  EXPECT_EQ(bare.transport(), "");
  EXPECT_TRUE(bare.has_maddr());
  EXPECT_EQ(bare.maddr(), std::nullopt);
  EXPECT_FALSE(uri_of("sip:transport@h").has_transport());
}

TEST(uri, that_is_assigned_keeps_nothing_of_what_was_there) {
  uri u = uri_of("sips:a:b@[::1]:5061;lr;transport=tcp?h=1");
  ASSERT_EQ(u.assign("sip:x"), std::nullopt);
  EXPECT_EQ(u.text(), "sip:x");
  EXPECT_EQ(u.user(), "");
  EXPECT_EQ(u.password(), std::nullopt);
  EXPECT_EQ(u.port(), std::nullopt);
  EXPECT_FALSE(u.has_transport() || u.is_loose_router());
  EXPECT_EQ(u.headers_text(), "");
  EXPECT_TRUE(u.assign("sip:"));
}

TEST(uri, is_written_as_it_stood) {
  for (const std::string_view text : good_uris) EXPECT_EQ(written(uri_of(text)), text);
}

TEST(uri, writes_two_colons_where_three_stood_rfc5118_4_10) {
  const uri u = uri_of("sip:user:p@[2001:db8:::192.0.2.1]:5060;lr");
  EXPECT_EQ(written(u), "sip:user:p@[2001:db8::192.0.2.1]:5060;lr");
  EXPECT_TRUE(equivalent(u, uri_of("sip:user:p@[2001:db8::192.0.2.1]:5060;lr")));
}

TEST(uri, refuses_what_is_none_and_says_where) {
  struct row {
    std::string_view text;
    parse_errc code;
    std::uint32_t offset;
  };
  const std::vector<row> rows = {
      {"", parse_errc::expected_uri, 0},
      {"sip", parse_errc::bad_scheme, 0},
      {":a@b", parse_errc::bad_scheme, 0},
      {"1sip:a@b", parse_errc::bad_scheme, 0},
      {"s p:a@b", parse_errc::bad_scheme, 0},
      {"<sip:a@b>", parse_errc::bad_scheme, 0},
      {" sip:a@b", parse_errc::bad_scheme, 0},
      {"sip:", parse_errc::expected_host, 4},
      {"sip:@example.com", parse_errc::bad_user, 4},
      {"sip:user@", parse_errc::expected_host, 9},
      {"sip:us er@example.com", parse_errc::bad_user, 6},
      {"sip:us%4xer@example.com", parse_errc::bad_escape, 6},
      {"sip:user:pa/ss@example.com", parse_errc::bad_user, 11},
      {"sip:user@ex ample.com", parse_errc::bad_character, 11},
      {"sip:user@example.com; lr", parse_errc::bad_parameter, 21},
      {"sip:user@example.com ;lr", parse_errc::bad_character, 20},
      {"sip:user@example.com:", parse_errc::bad_port, 21},
      {"sip:user@example.com:65536", parse_errc::bad_port, 21},
      {"sip:user@example.com:50 60", parse_errc::bad_character, 23},
      {"sip:user@2001:db8::10", parse_errc::bad_host, 9}, // ipv6-bad of RFC 5118 4.2
      {"sip:user@[2001:db8::10", parse_errc::bad_ipv6, 9},
      {"sip:user@[2001:db8::1g]", parse_errc::bad_ipv6, 9},
      {"sip:user@[2001:db8::10]x", parse_errc::bad_character, 23},
      {"sip:user@1.2.3.256", parse_errc::bad_host, 9},
      {"sip:user@1.2.3", parse_errc::bad_host, 9},
      {"sip:user@a..b", parse_errc::bad_host, 9},
      {"sip:user@.a", parse_errc::bad_host, 9},
      {"sip:h;", parse_errc::bad_parameter, 6},
      {"sip:h;;a", parse_errc::bad_parameter, 6},
      {"sip:h;=a", parse_errc::bad_parameter, 6},
      {"sip:h;a=\"b\"", parse_errc::bad_parameter, 8},
      {"sip:h;a=%", parse_errc::bad_escape, 8},
      {"sip:h?", parse_errc::bad_uri_header, 6},
      {"sip:h?a", parse_errc::bad_uri_header, 7},
      {"sip:h?a=b&", parse_errc::bad_uri_header, 10},
      {"sip:h?a=b;c", parse_errc::bad_uri_header, 9},
      {"tel:", parse_errc::bad_phone_number, 4},
      {"tel:+", parse_errc::bad_phone_number, 5},
      {"tel:+-.", parse_errc::bad_phone_number, 7},
      {"tel:+1a", parse_errc::bad_phone_number, 7},
      {"tel:+1;", parse_errc::bad_parameter, 7},
      {"tel:+1?a=b", parse_errc::bad_character, 6},
      {"urn:", parse_errc::expected_value, 4},
      {"http://a b", parse_errc::bad_character, 8},
      {"http://a%2", parse_errc::bad_escape, 8},
      {"sip:a\r\n@b", parse_errc::bad_user, 5},
      {std::string_view{"sip:a\0@b", 8}, parse_errc::bad_user, 5},
  };
  for (const row& r : rows) {
    const auto value = uri::parse(r.text);
    ASSERT_FALSE(value) << r.text;
    EXPECT_EQ(value.error(), (parse_error{r.code, r.offset}))
        << r.text << ": " << to_string(value.error());
  }
}

TEST(uri, has_bounds) {
  EXPECT_FALSE(uri::parse("sip:" + std::string(70'000, 'a') + "@b"));
  std::string many = "sip:h";
  for (int i = 0; i < 129; ++i) many += ";a";
  EXPECT_EQ(uri::parse(many).error().code, parse_errc::too_many_parameters);
  EXPECT_TRUE(uri::parse(many.substr(0, many.size() - 2)));
}

TEST(uri, survives_truncation_at_each_byte) {
  for (const std::string_view text : good_uris)
    for (std::size_t n = 0; n < text.size(); ++n) {
      const std::vector<char> exact(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
      const std::string_view cut{exact.data(), exact.size()};
      const auto value = uri::parse(cut);
      if (value)
        EXPECT_EQ(written(*value), cut);
      else
        EXPECT_LE(value.error().offset, n);
    }
}

TEST(uri, reads_transport_tls_and_ws_and_a_maddr_that_is_a_name) {
  // A transport or a maddr of any kind is only text here; nothing fails on one that is unexpected.
  EXPECT_EQ(uri_of("sip:h;transport=tls").transport(), "tls");
  EXPECT_EQ(uri_of("sip:h;transport=ws").transport(), "ws");
  EXPECT_EQ(uri_of("sip:h;maddr=239.1.2.3").maddr()->kind, host_kind::ipv4);
  EXPECT_EQ(uri_of("sip:h;maddr=multicast.example").maddr()->kind, host_kind::name);
  EXPECT_EQ(uri_of("sip:h;maddr=[ff02::1]").maddr()->kind, host_kind::ipv6);
  EXPECT_EQ(uri_of("sip:h;maddr=1.2.3.4.5").maddr(), std::nullopt);
}

struct pair {
  std::string_view a, b;
  bool same;
};

void compare(const std::vector<pair>& pairs) {
  for (const pair& p : pairs) {
    EXPECT_EQ(equivalent(uri_of(p.a), uri_of(p.b)), p.same) << p.a << " " << p.b;
    EXPECT_EQ(equivalent(uri_of(p.b), uri_of(p.a)), p.same) << p.b << " " << p.a;
    EXPECT_TRUE(equivalent(uri_of(p.a), uri_of(p.a))) << p.a;
    if (p.same) {
      EXPECT_EQ(likeness(uri_of(p.a)), likeness(uri_of(p.b))) << p.a << " " << p.b;
    }
  }
}

TEST(uri, compares_as_rfc3261_19_1_4_lists) {
  compare({
      {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true},
      {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
      {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
      {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
      {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
       "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
      {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
       "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
      {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
      {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
      {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
      // "Note that equality is not transitive"
      {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
  });
}

TEST(uri, compares_by_each_rule_of_rfc3261_19_1_4) {
  compare({
      {"sip:a@h", "sips:a@h", false},
      {"sip:a@h", "sip:h", false},
      {"sip:a:b@h", "sip:a@h", false},
      {"sip:a:@h", "sip:a@h", false},
      {"sip:a:B@h", "sip:a:b@h", false},
      {"sip:a%3b@h", "sip:a;@h", false}, // reserved: its escape is another character
      {"sip:a%3b@h", "sip:a%3B@h", true},
      {"sip:a%2Db@h", "sip:a-b@h", true},
      {"sip:a@h;user=ip", "sip:a@h", false}, // even the default value
      {"sip:a@h;ttl=1", "sip:a@h", false},
      {"sip:a@h;method=INVITE", "sip:a@h", false},
      {"sip:a@h;maddr=1.2.3.4", "sip:a@h", false},
      {"sip:a@h;lr", "sip:a@h", true},
      {"sip:a@h;x=A", "sip:a@h;X=a", true},
      {"sip:a@h;x=%41", "sip:a@h;x=a", true},
      {"sip:a@h;x", "sip:a@h;x=1", false},
      {"sip:a@h?x=1&x=2", "sip:a@h?x=2&x=1", true},
      {"sip:a@h?x=1&x=1", "sip:a@h?x=1&x=2", false},
      {"sip:a@h?x=A", "sip:a@h?x=a", false},
      {"sip:a@h?X=a", "sip:a@h?x=a", true},
      {"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0:0::1]", true},
      {"sip:a@[2001:db8::1]", "sip:a@[2001:db8::2]", false},
      {"sip:a@[::ffff:192.0.2.1]", "sip:a@[::FFFF:C000:201]", true},
      {"sip:a@h:0", "sip:a@h", false},
  });
}

TEST(uri, compares_tel_uris_as_rfc3966_4_says) {
  compare({
      {"tel:+1-201-555-0123", "tel:+12015550123", true},
      {"TEL:+1(201)555.0123", "tel:+12015550123", true},
      {"tel:+12015550123", "tel:+12015550124", false},
      {"tel:12015550123", "tel:+12015550123", false}, // local and global
      {"tel:7042;phone-context=example.com", "tel:7042;phone-context=EXAMPLE.com", true},
      {"tel:7042;phone-context=example.com", "tel:7042;phone-context=example.org", false},
      {"tel:7042;phone-context=+1-914-555", "tel:7042;phone-context=+1914555", true},
      {"tel:7042;phone-context=+1914", "tel:7042", false},
      {"tel:+1;a=1;b=2", "tel:+1;b=2;a=1", true},
      {"tel:+1;a=1", "tel:+1", false}, // a parameter in one only
      {"tel:+1;ext=1-2", "tel:+1;ext=12", true},
      {"tel:+1;ext=12", "tel:+1;ext=13", false},
      {"tel:abc*", "tel:ABC*", true},
      {"tel:+1", "sip:+1@h", false},
  });
}

// Found by fuzzing: each REGISTER of such a contact would have added another binding.
TEST(uri, that_repeats_a_parameter_is_the_same_as_itself_and_the_first_counts) {
  compare({
      {"tel:+1;ext=12;ext=13", "tel:+1;ext=12;ext=13", true},
      {"tel:+1;ext=12;ext=13", "tel:+1;ext=12", true},
      {"tel:+1;ext=12;ext=13", "tel:+1;ext=13", false},
      {"sip:a@h;x=1;x=2", "sip:a@h;x=1;x=2", true},
      {"sip:a@h;x=1;X=2", "sip:a@h;x=1", true},
      {"sip:a@h;maddr=192.0.2.1;maddr=192.0.2.2", "sip:a@h;maddr=192.0.2.2", false},
  });
}

TEST(uri, compares_urns_and_opaque_uris) {
  compare({
      {"urn:service:sos", "URN:SERVICE:sos", true},
      {"urn:service:sos", "urn:service:SOS", false},
      {"urn:example:a%2cb", "urn:example:a%2Cb", true},
      {"urn:example:a?+x", "urn:example:a?=y#z", true}, // RFC 8141 3.1: only what is assigned
      {"http://a/b", "HTTP://a/b", true},
      {"http://a/b", "http://a/B", false},
      {"http://a/b", "mailto:a/b", false},
  });
}

} // namespace
} // namespace tandem::sip
