// SPDX-License-Identifier: Apache-2.0
// Every header of headers.def, parsed by its type and written again.
#include <tandem/base/count_allocations_for_test.hpp>
#include <tandem/sip/header_text.hpp>

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip {
namespace {

struct good {
  header_id id;
  std::string_view text;
  std::string_view written; ///< the same as `text` when empty
};

// In a function, where the names of the headers hide nobody else's.
const std::vector<good> samples = [] {
  using enum header_id;
  return std::vector<good>{
      // RFC 3261 section 20
      {via, "SIP/2.0/UDP erlang.bell-telephone.com:5060;branch=z9hG4bK87asdks7", ""},
      {via,
       "SIP / 2.0 / TCP\tspindle.example.com ;\r\n branch = z9hG4bK9ikj8 , SIP/2.0/UDP "
       "[2001:db8::1]:5070;rport",
       "SIP/2.0/TCP spindle.example.com;branch = z9hG4bK9ikj8, SIP/2.0/UDP "
       "[2001:db8::1]:5070;rport"},
      {via, "SIP/2.0/TLS h : 5061;maddr=239.1.1.1;ttl=16;received=192.0.2.1;x=\"a,b;c\"",
       "SIP/2.0/TLS h:5061;maddr=239.1.1.1;ttl=16;received=192.0.2.1;x=\"a,b;c\""},
      {from, "\"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s",
       "\"A. G. Bell\" <sip:agb@bell-telephone.com>;tag=a48s"},
      {from, "sip:+12125551212@server.phone2net.com;tag=887s", ""},
      {from, "Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8", ""},
      {to, "The Operator <sip:operator@cs.columbia.edu>;tag=287447", ""},
      {to, "\"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8",
       "\"J Rosenberg \\\\\\\"\" <sip:jdrosen@example.com>;tag = 98asjd8"},
      {call_id, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com", ""},
      {call_id, "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", ""},
      {cseq, "4711 INVITE", ""},
      {cseq, "\r\n  0009\r\n  INVITE", "9 INVITE"},
      {contact,
       "\"Mr. Watson\" <sip:watson@worcester.bell-telephone.com> ;q=0.7; expires=3600,\r\n "
       "\"Mr. Watson\" <mailto:watson@bell-telephone.com> ;q=0.1",
       "\"Mr. Watson\" <sip:watson@worcester.bell-telephone.com>;q=0.7; expires=3600, "
       "\"Mr. Watson\" <mailto:watson@bell-telephone.com>;q=0.1"},
      {contact, "*", ""},
      {contact,
       "<sip:a@h>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1", ""},
      {contact, "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>", ""},
      {max_forwards, "0068", "68"},
      {route, "<sip:bigbox3.site3.atlanta.com;lr>, <sip:server10.biloxi.com;lr>", ""},
      {record_route, "<sip:server10.biloxi.com;lr>", ""},
      {content_length, "349", ""},
      {content_type, "text/html; charset=ISO-8859-4", "text/html;charset=ISO-8859-4"},
      {content_type, "multipart / mixed ;boundary=\"7a9cbec02ceef655\"",
       "multipart/mixed;boundary=\"7a9cbec02ceef655\""},
      {expires, "4294967295", ""},
      {accept, "application/sdp;level=1, application/x-private, text/html", ""},
      {accept, "", ""},
      {accept_encoding, "gzip;q=1.0, *;q=0", ""},
      {accept_language, "da, en-gb;q=0.8, en;q=0.7", ""},
      {alert_info, "<http://www.example.com/sounds/moo.wav>", ""},
      {allow, "INVITE, ACK,OPTIONS , CANCEL,\tBYE", "INVITE, ACK, OPTIONS, CANCEL, BYE"},
      {authentication_info, "nextnonce=\"47364c23432d2e131a5fb210812c\", qop=auth, nc=00000001",
       ""},
      {authorization,
       "Digest username=\"Alice\", realm=\"atlanta.com\",\r\n "
       "nonce=\"84a4cc6f3082121f32b42a2187831a9e\", "
       "response=\"7587245234b3434cc3412213e5f113a5432\"",
       "Digest username=\"Alice\", realm=\"atlanta.com\", "
       "nonce=\"84a4cc6f3082121f32b42a2187831a9e\", "
       "response=\"7587245234b3434cc3412213e5f113a5432\""},
      {authorization, "NoOneKnowsThisScheme opaque-data=here", ""},
      {authorization, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", ""},
      {call_info,
       "<http://wwww.example.com/alice/photo.jpg> ;purpose=icon, "
       "<http://www.example.com/alice/> ;purpose=info",
       "<http://wwww.example.com/alice/photo.jpg>;purpose=icon, "
       "<http://www.example.com/alice/>;purpose=info"},
      {content_disposition, "session;handling=optional", ""},
      {content_encoding, "gzip, tar", ""},
      {content_language, "fr", ""},
      {date, "Sat, 13 Nov 2010 23:29:00 GMT", ""},
      {error_info, "<sip:not-in-service-recording@atlanta.com>", ""},
      {in_reply_to, "70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com", ""},
      {min_expires, "60", ""},
      {mime_version, "1.0", ""},
      {organization, "Boxes by Bob", ""},
      {organization, "", ""},
      {priority, "emergency", ""},
      {proxy_authenticate,
       "Digest realm=\"atlanta.com\", domain=\"sip:ss1.carrier.com\", qop=\"auth\", "
       "nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\", stale=FALSE, algorithm=MD5",
       ""},
      {proxy_authorization, "Digest username=\"Alice\", realm=\"atlanta.com\"", ""},
      {proxy_require, "foo", ""},
      {reply_to, "Bob <sip:bob@biloxi.com>", ""},
      {require, "100rel", ""},
      {retry_after, "18000;duration=3600", ""},
      {retry_after, "120 (I'm in a (nested \\) ) meeting) ; duration=1",
       "120 (I'm in a (nested \\) ) meeting);duration=1"},
      {server, "HomeServer v2", ""},
      {subject, "Need more \"boxes, \xd1\x82\xd0\xb5\xd1\x81\xd1\x82\xd1\x8b", ""},
      {subject, "folded\r\n text", "folded text"},
      {supported, "100rel, , ,path", "100rel, path"},
      {timestamp, "54.21 .5", ""},
      {timestamp, "54", ""},
      {unsupported, "foo", ""},
      {user_agent, "Softphone Beta1.5", ""},
      {warning,
       "307 isi.edu \"Session parameter 'foo' not understood\", 301 [2001:db8::1]:5060 \"a, "
       "\\\"b\\\"\"",
       ""},
      {www_authenticate, "Digest realm=\"atlanta.com\", qop=\"auth\"", ""},

      // The two others that were typed first
      {p_asserted_identity, "\"Cullen Jennings\" <sip:fluffy@cisco.com>, tel:+14085264000",
       "\"Cullen Jennings\" <sip:fluffy@cisco.com>, tel:+14085264000"},
      {reason, "SIP;cause=200;text=\"Call completed elsewhere\", Q.850;cause=16", ""},

      // Extensions
      {accept_contact, "*;audio;require, *;methods=\"BYE\";q=0.5", ""},
      {accept_resource_priority, "dsn.flash-override, wps.3", ""},
      {allow_events, "presence, message-summary.winfo", ""},
      {answer_mode, "Auto;require", ""},
      {event, "dialog;id=7;include-session-description", ""},
      {feature_caps, "*;+sip.607", ""},
      {flow_timer, "120", ""},
      {geolocation,
       "<cid:target123@atlanta.example.com>, <sips:3sdefrhy2jj7@lis.atlanta.example.com>;x=y", ""},
      {geolocation_error, "100 ; code=\"Cannot Process Location\"",
       "100;code=\"Cannot Process Location\""},
      {geolocation_routing, "no", ""},
      {history_info,
       "<sip:UserA@ims.example.com?Reason=SIP%3Bcause%3D302>;index=1;foo=bar, "
       "<sip:UserC@example.com>;index=1.1;mp=1",
       ""},
      {identity,
       "eyJhbGciOiJFUzI1NiJ9.eyJkZXN0Ijp7fX0.S_-a+/Q==;info=<https://cert.example/p.cer>;alg=ES256",
       ""},
      {identity, "\"ZYNBbHC00VMZr2kZt6VmCvPonWJMGvQTBDqghoWeLxJfzB2a1pxAr3VgrB0SsSAa=\"", ""},
      {identity_info, "<https://atlanta.example.com/atlanta.cer>;alg=rsa-sha1", ""},
      {info_package, "foo;x=1", ""},
      {join, "12adf2f34456gs5;to-tag=12345;from-tag=54321", ""},
      {max_breadth, "60", ""},
      {min_se, "3600;lr", ""},
      {p_access_network_info, "IEEE-802.11a;i-wlan-node-id=ac16", ""},
      {p_access_network_info, "3GPP-UTRAN-TDD; utran-cell-id-3gpp=\"23456789ABCDE\"",
       "3GPP-UTRAN-TDD;utran-cell-id-3gpp=\"23456789ABCDE\""},
      {p_answer_state, "Unconfirmed", ""},
      {p_asserted_service, "urn:urn-7:3gpp-service.exampletelephony.version1", ""},
      {p_associated_uri, "<sip:a@h>, \"B\" <sip:b@h>;x", ""},
      {p_called_party_id, "<sip:user1-business@example.com>;x=y", ""},
      {p_charging_function_addresses, "ccf=192.1.1.1; ccf=192.1.1.2", ""},
      {p_charging_vector, "icid-value=1234bc9876e;icid-generated-at=192.0.6.8;orig-ioi=home1.net",
       ""},
      {p_dcs_trace_party_id, "<sip:a@h>;timestamp-param=5434", ""},
      {p_dcs_osps, "EI", ""},
      {p_dcs_billing_info, "4AD4/FF00@ms.example:5555;rksgroup=7B;charge=\"1 2\"", ""},
      {p_dcs_laes, "lea.example:1234;content=lea.example:1235;key=A0", ""},
      {p_dcs_redirect, "\"tel:+1-212\";redirector-uri=\"sip:a@b\";count=1", ""},
      {p_early_media, "sendrecv, gated", ""},
      {p_early_media, "", ""},
      {p_media_authorization, "0020000100100101706466322e76697369, 00A0", ""},
      {p_preferred_identity, "\"Cullen Jennings\" <sip:fluffy@cisco.com>", ""},
      {p_preferred_service, "urn:urn-7:3gpp-service.a, urn:urn-7:3gpp-service.b", ""},
      {p_profile_key, "<sip:chatroom-!.*!@example.com>", ""},
      {p_refused_uri_list, "<sip:a@h;cid=b>;members=<cid:an3bt8jf03@example.net>", ""},
      {p_served_user, "<sip:user@example.com>; sescase=orig; regstate=reg",
       "<sip:user@example.com>;sescase=orig; regstate=reg"},
      {p_user_database, "<aaa://host.example.com;transport=tcp>", ""},
      {p_visited_network_id, "other.net, \"Visited network number 1\";x", ""},
      {path, "<sip:P2.example.com;lr>,<sip:p1@h;lr;ob>",
       "<sip:P2.example.com;lr>, <sip:p1@h;lr;ob>"},
      {permission_missing, "sip:carol@example.com, <sip:d@h>", ""},
      {policy_contact, "<https://host.example.net/policies>;non-cacheable", ""},
      {policy_id, "<sip:p@h>;token=abc", ""},
      {priv_answer_mode, "Manual", ""},
      {privacy, "header; session;id , critical", ""},
      {rack, "776656 1 INVITE", ""},
      {recv_info, "P, R;x=y", ""},
      {recv_info, "", ""},
      {refer_sub, "false", ""},
      {refer_to, "<sips:a8342043f@h;gr?Replaces=12345601%40h%3Bfrom-tag%3D314159>", ""},
      {refer_to, "\"B\" <sip:b@h;method=SUBSCRIBE>;x", ""},
      {referred_by, "<sip:r@ref.example>;cid=\"20398823.2UWQFN309shb3@ref.example\"", ""},
      {reject_contact, "*;actor=\"msg-taker\";video", ""},
      {replaces, "98732@sip.example.com ;from-tag=r33th4x0r ;to-tag=ff87ff;early-only",
       "98732@sip.example.com;from-tag=r33th4x0r ;to-tag=ff87ff;early-only"},
      {request_disposition, "proxy, recurse, parallel", ""},
      {resource_priority, "wps.3, dsn.flash", ""},
      {rseq, "988789", ""},
      {security_client, "ipsec-ike;q=0.1, tls;q=0.2", ""},
      {security_server, "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1;port-c=2", ""},
      {security_verify, "tls;q=0.2", ""},
      {service_route, "<sip:P2.HOME.EXAMPLE.COM;lr>", ""},
      {session_expires, "4000;refresher=uac", ""},
      {sip_etag, "dx200xyz", ""},
      {sip_if_match, "dx200xyz", ""},
      {subscription_state, "terminated;reason=rejected;retry-after=3", ""},
      {suppress_if_match, "*", ""},
      {target_dialog, "fa77as7dad8-sd98ajzz@host.example.com ;local-tag=kkaz-;remote-tag=6544",
       "fa77as7dad8-sd98ajzz@host.example.com;local-tag=kkaz-;remote-tag=6544"},
      {trigger_consent, "sip:123@relay.example.com;target-uri=\"sip:friends@h\"", ""},
      {unknown, "whatever \"<,; there is", ""},
  };
}();

TEST(headers, every_one_is_typed_both_ways_rfc3261_20) {
  std::set<header_id> seen;
  for (const good& s : samples) {
    const std::string_view name = to_string(s.id);
    const auto once = rewrite(s.id, s.text);
    ASSERT_TRUE(once) << name << ": " << s.text << ": " << to_string(once.error());
    EXPECT_EQ(*once, s.written.empty() ? s.text : s.written) << name;
    EXPECT_EQ(find_fault(s.id, s.text), std::nullopt) << name;
    const auto twice = rewrite(s.id, *once);
    ASSERT_TRUE(twice) << name << ": " << *once;
    EXPECT_EQ(*twice, *once) << name;
    seen.insert(s.id);
  }
  for (std::size_t id = 0; id < header_count; ++id)
    EXPECT_TRUE(seen.contains(static_cast<header_id>(id)))
        << to_string(static_cast<header_id>(id)) << " has no sample";
}

#ifdef TANDEM_COUNTS_ALLOCATIONS
TEST(headers, are_read_and_measured_without_allocating) {
  std::size_t faults = 0, after = 0;
  const std::size_t before = tandem::for_test::allocations;
  for (const good& s : samples) faults += find_fault(s.id, s.text) ? 1 : 0;
  after = tandem::for_test::allocations;
  EXPECT_EQ(after, before);
  EXPECT_EQ(faults, 0U);
}
#endif

TEST(headers, survive_truncation_at_each_byte) {
  for (const good& s : samples)
    for (std::size_t n = 0; n <= s.text.size(); ++n) {
      const std::vector<char> exact(s.text.begin(),
                                    s.text.begin() + static_cast<std::ptrdiff_t>(n));
      const std::string_view cut{exact.data(), exact.size()};
      const auto fault = find_fault(s.id, cut);
      if (fault) {
        EXPECT_LE(fault->offset, n) << to_string(s.id) << ": " << cut;
        continue;
      }
      const auto once = rewrite(s.id, cut);
      ASSERT_TRUE(once) << to_string(s.id) << ": " << cut << ": " << to_string(once.error());
      EXPECT_EQ(rewrite(s.id, *once), once) << to_string(s.id) << ": " << cut;
    }
}

TEST(headers, refuse_malformed_values_and_say_where) {
  using enum header_id;
  struct bad {
    header_id id;
    std::string_view text;
    parse_errc code;
    std::uint32_t offset;
  };
  const std::vector<bad> rows = {
      // The defects of RFC 4475 that lie in a value
      {via, "SIP/2.0/UDP 192.0.2.15;;,;,,", parse_errc::bad_parameter, 23},              // badinv01
      {contact, "\"Joe\" <sip:joe@example.org>;;;;", parse_errc::bad_parameter, 28},     // badinv01
      {to, "\"Mr. J. User <sip:j.user@example.com>", parse_errc::unterminated_quote, 0}, // quotbal
      {to, "\"Watson, Thomas\" < sip:t.watson@example.org >", parse_errc::bad_scheme,
       18}, // badaspec
      {from, "Bell, Alexander <sip:a.g.bell@example.com>;tag=43", parse_errc::bad_display_name,
       4}, // baddn
      {contact, "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
       parse_errc::uri_needs_angles, 20},                                       // regbadct
      {cseq, "36893488147419103232 REGISTER", parse_errc::number_too_large, 0}, // scalar02
      {max_forwards, "300", parse_errc::number_too_large, 0},
      {expires, "10000000000", parse_errc::number_too_large, 0},
      {content_length, "-999", parse_errc::expected_number, 0},          // ncl
      {date, "Fri, 01 Jan 2010 16:00:00 EST", parse_errc::bad_date, 26}, // baddate
      {warning, "1812 overture \"In Progress\"", parse_errc::bad_warning, 4},
      // Each type's own
      {via, "SIP/2.0", parse_errc::bad_protocol, 7},
      {via, "SIP/2.0/UDP", parse_errc::expected_host, 11},
      {via, "SIP/2.0/UDP;branch=x", parse_errc::expected_host, 11},
      {via, "SIP/2.0/UDP ;branch=x", parse_errc::expected_host, 12},
      {via, "SIP/2.0/UDP h:port", parse_errc::bad_port, 14},
      {via, "SIP/2.0/UDP h:99999", parse_errc::bad_port, 14},
      {via, "SIP/2.0/UDP [::1", parse_errc::bad_ipv6, 12},
      {via, "SIP/2.0/UDP h;branch=", parse_errc::expected_value, 21},
      {via, "SIP/2.0/UDP h h2", parse_errc::trailing_text, 14},
      {from, "", parse_errc::expected_uri, 0},
      {from, "\"A\" sip:a@h", parse_errc::expected_uri, 4},
      {from, "\"A\"", parse_errc::expected_uri, 3},
      {from, "<sip:a@h", parse_errc::unterminated_angle, 0},
      {from, "<sip:a@h>x", parse_errc::trailing_text, 9},
      {from, "<sip:a@h>, <sip:b@h>", parse_errc::trailing_text, 9},
      {from, "<>", parse_errc::expected_uri, 1},
      {from, "A;tag=1", parse_errc::bad_display_name, 1},
      {from, "A B", parse_errc::bad_scheme, 3},
      {contact, "*;q=1", parse_errc::bad_display_name, 1},
      {route, "<sip:a@h>, <sip:b@", parse_errc::unterminated_angle, 11},
      {cseq, "1", parse_errc::bad_sequence, 1},
      {cseq, "1INVITE", parse_errc::bad_sequence, 1},
      {cseq, "INVITE 1", parse_errc::expected_number, 0},
      {cseq, "2147483648 INVITE", parse_errc::number_too_large, 0},
      {cseq, "1 INVITE x", parse_errc::trailing_text, 9},
      {content_length, "", parse_errc::expected_number, 0},
      {content_length, "1 2", parse_errc::trailing_text, 2},
      {content_length, "+1", parse_errc::expected_number, 0},
      {content_length, "4294967296", parse_errc::number_too_large, 0},
      {content_type, "text", parse_errc::bad_media_type, 4},
      {content_type, "text/", parse_errc::bad_media_type, 5},
      {call_id, "", parse_errc::expected_value, 0},
      {call_id, "a b", parse_errc::trailing_text, 2},
      {allow, "INVITE ACK", parse_errc::trailing_text, 7},
      {allow, "INVITE, \"ACK\"", parse_errc::expected_token, 8},
      {priority, "", parse_errc::expected_token, 0},
      {authorization, "", parse_errc::expected_token, 0},
      {authorization, "Digest username=\"A\" realm=\"b\"", parse_errc::trailing_text, 20},
      {authorization, "Digest username=\"A", parse_errc::unterminated_quote, 16},
      {authorization, "Digest, x", parse_errc::trailing_text, 6},
      {authentication_info, "", parse_errc::expected_token, 0},
      {date, "Sat, 31 Feb 2010 23:29:00 GMT", parse_errc::bad_date, 26},
      {date, "Sat, 13 Nov 2010 24:29:00 GMT", parse_errc::bad_date, 19},
      {date, "", parse_errc::bad_date, 0},
      {mime_version, "1", parse_errc::expected_separator, 1},
      {retry_after, "5 (a", parse_errc::unterminated_comment, 2},
      {timestamp, ".", parse_errc::expected_number, 0},
      {timestamp, "1 2 3", parse_errc::trailing_text, 4},
      {warning, "307 isi.edu text", parse_errc::bad_warning, 12},
      {rack, "1 2", parse_errc::bad_sequence, 3},
      {privacy, "id;;header", parse_errc::expected_token, 4},
      {replaces, ";to-tag=1", parse_errc::expected_value, 0},
      {session_expires, "x;refresher=uac", parse_errc::expected_number, 0},
      {subject, std::string_view{"a\0b", 3}, parse_errc::bad_character, 1},
      {subject, "a\r\nVia: b", parse_errc::bad_character, 1},
      {unknown, "a\rb", parse_errc::bad_character, 1},
  };
  for (const bad& r : rows) {
    const auto fault = find_fault(r.id, r.text);
    ASSERT_TRUE(fault) << to_string(r.id) << ": " << r.text;
    EXPECT_EQ(*fault, (parse_error{r.code, r.offset}))
        << to_string(r.id) << ": " << r.text << ": " << to_string(*fault);
  }
}

TEST(headers, are_not_ended_by_a_line_break_that_no_blank_follows) {
  for (const good& s : samples)
    for (const std::string_view tail : {"\r\nEvil: 1", "\nEvil: 1", "\rEvil: 1"}) {
      if (s.text.empty()) continue;
      std::string text{s.text};
      text += tail;
      EXPECT_TRUE(find_fault(s.id, text)) << to_string(s.id) << ": " << text;
    }
}

} // namespace
} // namespace tandem::sip
