// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/exec/environment.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>

using namespace tandem;
using namespace tandem::modules;
using ::testing::ElementsAre;
using ::testing::MatchesRegex;

namespace {

constexpr hash_key secret{.k0 = 1, .k1 = 2};

const std::string usual = "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa\r\n"
                          "From: <sip:alice@example.com>;tag=f\r\n"
                          "To: <sip:bob@example.com>\r\n"
                          "Call-ID: c1\r\n"
                          "CSeq: 7 MESSAGE\r\n";

struct request_text {
  std::string uri = "sip:bob@example.com";
  std::string headers = usual;
};

/// The variables of an environment, each of which ends with NUL.
std::vector<std::string> split(std::string_view all) {
  std::vector<std::string> made;
  while (!all.empty()) {
    EXPECT_EQ(all.back(), '\0');
    made.emplace_back(all.substr(0, all.find('\0')));
    all.remove_prefix(made.back().size() + 1);
  }
  return made;
}

struct variables {
  explicit variables(const std::vector<std::string>& all) : count{all.size()} {
    for (const std::string& one : all) {
      const auto equals = one.find('=');
      values.emplace(one.substr(0, equals), one.substr(equals + 1));
    }
  }
  /// Nothing: there is no such variable.
  std::optional<std::string> operator[](const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional{found->second};
  }
  std::map<std::string, std::string> values;
  std::size_t count;
};

variables environment_of(const request_text& text, std::string_view current_uri = {},
                         ip_address source = ip_address::v4(192, 0, 2, 7)) {
  const auto request =
      sip::message::parse("MESSAGE " + text.uri + " SIP/2.0\r\n" + text.headers + "\r\n");
  EXPECT_TRUE(request);
  if (!request) return variables{{}};
  const std::string transaction = transaction_id(*request, secret);
  return variables{
      split(make_environment({.request = *request,
                              .current_uri = current_uri.empty() ? text.uri : current_uri,
                              .source = source,
                              .transaction = transaction}))};
}

variables with_header(const std::string& lines) {
  return environment_of({.headers = usual + lines});
}

} // namespace

TEST(environment, tells_both_uris_and_their_users) {
  const auto all =
      environment_of({.uri = "sip:bob:secret@example.com;x=1"}, "sips:carol@192.0.2.9:5071");
  EXPECT_EQ(all["SIP_RURI"], "sips:carol@192.0.2.9:5071");
  EXPECT_EQ(all["SIP_USER"], "carol");
  EXPECT_EQ(all["SIP_ORURI"], "sip:bob:secret@example.com;x=1");
  EXPECT_EQ(all["SIP_ORUI"], all["SIP_ORURI"]);
  EXPECT_EQ(all["SIP_OUSER"], "bob");
}

TEST(environment, has_an_empty_user_for_a_uri_without_one_and_none_for_a_text_that_is_no_uri) {
  struct row {
    const char* uri;
    std::optional<std::string> user;
  };
  for (const row& r : {row{"sip:example.com", ""}, row{"sip:a%20b@example.com", "a%20b"},
                       row{"tel:+1-201-555-0123", "+1-201-555-0123"},
                       row{"urn:service:sos", std::nullopt}, row{"no-uri", std::nullopt}}) {
    const auto all = environment_of({.uri = "sip:x"}, r.uri);
    EXPECT_EQ(all["SIP_USER"], r.user) << r.uri;
    EXPECT_EQ(all["SIP_RURI"], r.uri);
  }
}

TEST(environment, tells_the_source_as_a_plain_address) {
  EXPECT_EQ(environment_of({})["SIP_SRCIP"], "192.0.2.7");
  const auto six = ip_address::parse("2001:db8::1");
  ASSERT_TRUE(six);
  EXPECT_EQ(environment_of({}, {}, *six)["SIP_SRCIP"], "2001:db8::1");
}

TEST(environment, tells_the_to_tag_and_an_empty_one_outside_of_dialogs) {
  EXPECT_EQ(environment_of({})["SIP_DID"], "");
  std::string in_dialog = usual;
  in_dialog.replace(in_dialog.find("bob@example.com>") + 16, 0, ";tag=t1");
  EXPECT_EQ(environment_of({.headers = in_dialog})["SIP_DID"], "t1");
}

TEST(environment, has_32_hex_digits_that_are_the_same_for_each_copy_and_different_for_each_other) {
  const auto id = environment_of({})["SIP_TID"];
  ASSERT_TRUE(id);
  EXPECT_THAT(*id, MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(environment_of({})["SIP_TID"], id);
  EXPECT_EQ(environment_of({.uri = "sip:bob@example.com"}, "sip:rewritten@example.com")["SIP_TID"],
            id);
  for (const auto& [was, is] : std::map<std::string, std::string>{{"z9hG4bKa", "z9hG4bKb"},
                                                                  {"tag=f", "tag=g"},
                                                                  {"sip:bob", "sip:rob"},
                                                                  {"c1", "c2"},
                                                                  {"7 M", "8 M"}}) {
    std::string other = usual;
    other.replace(other.find(was), was.size(), is);
    EXPECT_NE(environment_of({.headers = other})["SIP_TID"], id) << is;
  }
}

TEST(environment, names_headers_in_upper_case_and_compact_ones_by_their_long_names) {
  struct row {
    const char* line;
    const char* variable;
  };
  for (const row& r : {
           row{"Subject: v", "SUBJECT"},
           row{"subject: v", "SUBJECT"},
           row{"s: v", "SUBJECT"},
           row{"c: v", "CONTENT_TYPE"},
           row{"k: v", "SUPPORTED"},
           row{"m: v", "CONTACT"},
           row{"o: v", "EVENT"},
           row{"e: v", "CONTENT_ENCODING"},
           row{"r: v", "REFER_TO"},
           row{"b: v", "REFERRED_BY"},
           row{"x: v", "SESSION_EXPIRES"},
           row{"u: v", "ALLOW_EVENTS"},
           row{"y: v", "IDENTITY"},
           row{"User-Agent: v", "USER_AGENT"},
           row{"X-My.own!Header: v", "X_MY_OWN_HEADER"},
           row{"X~a*b'c%d+e`f: v", "X_A_B_C_D_E_F"},
           row{"P-Asserted-Identity: v", "P_ASSERTED_IDENTITY"},
       }) {
    EXPECT_EQ(with_header(std::string{r.line} + "\r\n")[std::string{"SIP_HF_"} + r.variable], "v")
        << r.line;
  }
  const auto compact =
      environment_of({.headers = "v: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa\r\n"
                                 "f: <sip:a@b>;tag=f\r\nt: <sip:c@d>\r\ni: c1\r\nl: 0\r\n"
                                 "CSeq: 7 MESSAGE\r\n"});
  EXPECT_EQ(compact["SIP_HF_VIA"], "SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKa");
  EXPECT_EQ(compact["SIP_HF_FROM"], "<sip:a@b>;tag=f");
  EXPECT_EQ(compact["SIP_HF_TO"], "<sip:c@d>");
  EXPECT_EQ(compact["SIP_HF_CALLID"], "c1");
  EXPECT_EQ(compact["SIP_HF_CONTENT_LENGTH"], "0");
  EXPECT_EQ(compact["SIP_HF_CSEQ"], "7 MESSAGE");
}

TEST(environment, joins_lines_of_one_name_by_commas_in_their_order) {
  const auto all =
      with_header("X-A: 1\r\nSubject: one\r\nx-a: 2, 3\r\ns: two\r\nX_A: 4\r\nX-A:\r\n");
  EXPECT_EQ(all["SIP_HF_X_A"], "1,2, 3,4,");
  EXPECT_EQ(all["SIP_HF_SUBJECT"], "one,two");
  EXPECT_EQ(all.values.size(), all.count) << "no name twice";
}

TEST(environment, keeps_names_apart_that_begin_alike) {
  const auto all = with_header("X-AB: 1\r\nX-A: 2\r\nX-ABC: 3\r\n");
  EXPECT_EQ(all["SIP_HF_X_A"], "2");
  EXPECT_EQ(all["SIP_HF_X_AB"], "1");
  EXPECT_EQ(all["SIP_HF_X_ABC"], "3");
}

TEST(environment, is_empty_for_an_empty_header_and_silent_about_a_missing_one) {
  EXPECT_EQ(with_header("Subject:\r\n")["SIP_HF_SUBJECT"], "");
  EXPECT_EQ(environment_of({})["SIP_HF_SUBJECT"], std::nullopt);
}

TEST(environment, takes_values_as_they_are_without_the_blanks_around_them) {
  EXPECT_EQ(with_header("Subject: \t a  \"b\" $(c) `d` ;e \t\r\n")["SIP_HF_SUBJECT"],
            "a  \"b\" $(c) `d` ;e");
  EXPECT_EQ(with_header("Subject: \xc3\xa9\xff=x\r\n")["SIP_HF_SUBJECT"], "\xc3\xa9\xff=x");
}

TEST(environment, unfolds_values_to_one_blank) {
  EXPECT_EQ(with_header("Subject: one\r\n two \r\n\t three\r\n")["SIP_HF_SUBJECT"],
            "one two three");
}

TEST(environment, writes_a_blank_for_a_nul) {
  const std::string line{"Subject: \"a\\\0b\"\r\n", 16};
  const auto all = with_header(line);
  for (const auto& [name, value] : all.values)
    EXPECT_EQ(value.find('\0'), std::string::npos) << name;
}

TEST(environment, takes_the_parentheses_from_what_a_shell_may_read_as_a_function) {
  struct row {
    const char* value;
    const char* seen;
  };
  for (const row& r : {row{"() { :; }; echo x", " { :; }; echo x"}, row{"() {", " {"},
                       row{"(){ :; }", "(){ :; }"}, row{"x () {", "x () {"}})
    EXPECT_EQ(with_header(std::string{"X-Guard: "} + r.value + "\r\n")["SIP_HF_X_GUARD"], r.seen);
  EXPECT_EQ(environment_of({}, "() { :; }")["SIP_RURI"], " { :; }");
}

TEST(environment, begins_with_what_the_script_knows) {
  const auto request = sip::message::parse("MESSAGE sip:a@b SIP/2.0\r\n" + usual + "\r\n");
  ASSERT_TRUE(request);
  std::vector<std::string> names;
  for (const std::string& one : split(make_environment({.request = *request,
                                .current_uri = "sip:a@b",
                                .source = ip_address::v4(127, 0, 0, 1),
                                .transaction = "t"})))
    names.push_back(one.substr(0, one.find('=')));
  EXPECT_THAT(names, ElementsAre("SIP_SRCIP", "SIP_RURI", "SIP_USER", "SIP_ORURI", "SIP_ORUI",
                                 "SIP_OUSER", "SIP_TID", "SIP_DID", "SIP_HF_VIA", "SIP_HF_FROM",
                                 "SIP_HF_TO", "SIP_HF_CALLID", "SIP_HF_CSEQ"));
}
