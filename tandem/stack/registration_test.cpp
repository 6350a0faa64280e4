// SPDX-License-Identifier: Apache-2.0
// A registrar without a server: a REGISTER against a location that is a list (RFC 3261 10.3). What
// a program on libtandem does.
#include <tandem/stack/registration.hpp>

#include <tandem/sip/headers.hpp>
#include <tandem/sip/single_values.hpp>
#include <tandem/stack/messages_for_test.hpp>

#include <array>
#include <list>
#include <string>
#include <vector>

namespace tandem::stack {
namespace {

using for_test::parsed;
using for_test::request_parts;

/// The bindings of one address of record, with texts of their own.
class list_location {
 public:
  void apply(const sip::binding_edits& edits) {
    std::vector<const kept*> old;
    for (const kept& k : all_) old.push_back(&k);
    for (const sip::binding_edit& e : edits) {
      if (e.old) all_.remove_if([gone = old[*e.old]](const kept& k) { return &k == gone; });
      if (e.put) all_.emplace_back(*e.put);
    }
  }
  [[nodiscard]] std::vector<sip::binding> view() const {
    std::vector<sip::binding> shown;
    for (const kept& k : all_) shown.push_back(k.value);
    return shown;
  }

 private:
  struct kept {
    explicit kept(const sip::binding& of)
        : texts{std::string{of.contact}, std::string{of.parameters}, std::string{of.path},
                std::string{of.call_id}},
          value{of} {
      value.contact = texts[0];
      value.parameters = texts[1];
      value.path = texts[2];
      value.call_id = texts[3];
      value.user_agent = {};
    }
    kept(const kept&) = delete;
    kept& operator=(const kept&) = delete;
    std::array<std::string, 4> texts;
    sip::binding value;
  };
  std::list<kept> all_;
};

class registering : public ::testing::Test {
 protected:
  /// Handles a REGISTER as a registrar does; its answer.
  sip::message handle(std::string_view headers, unsigned cseq = 0,
                      std::string_view call_id = "reg-1") {
    request_parts p;
    p.method = "REGISTER";
    p.uri = "sip:example.com";
    p.to = "<sip:bob@example.com>";
    p.call_id = call_id;
    p.cseq = cseq != 0 ? cseq : ++cseq_;
    p.more = headers;
    const sip::message request = for_test::make_request(p);
    arrival from = for_test::arrived_from("192.0.2.1:5070");
    from.at = now;

    registration r{request, from, rules};
    auto refused = r.read(0, 0);
    const auto stored = location.view();
    sip::binding_edits edits;
    if (!refused) refused = r.decide(stored, edits);
    if (refused) {
      sip::response_writer answer{request, refused->status, refused->reason, "tag"};
      if (refused->header != sip::header_id::unknown) answer.add(refused->header, refused->value);
      return finished(answer);
    }
    sip::response_writer ok{request, 200, "OK", "tag"};
    r.list(ok, room);
    location.apply(edits);
    return finished(ok);
  }
  static sip::message finished(sip::response_writer& made) {
    const auto written = made.finish();
    EXPECT_TRUE(written);
    return written ? parsed({written->first.data(), written->second}) : sip::message{};
  }
  /// "200 sip:a;expires=60 | ...", in the order of the answer.
  static std::string text_of(const sip::message& answer) {
    std::string text = std::to_string(answer.status());
    for (const auto& c : answer.all<sip::hdr::contact>())
      if (c)
        text.append(" ")
            .append(c->address.text())
            .append("=")
            .append(std::to_string(c->expires().value_or(0)));
    return text;
  }

  registration_rules rules;
  list_location location;
  instant now{seconds{1'000}};
  std::size_t room = 10'000;
  unsigned cseq_ = 0;
};

TEST_F(registering, adds_refreshes_removes_and_lists) {
  EXPECT_EQ(text_of(handle("")), "200");
  EXPECT_EQ(text_of(handle("Contact: <sip:b@192.0.2.2>;expires=60\r\n")), "200 sip:b@192.0.2.2=60");
  now += seconds{10};
  EXPECT_EQ(text_of(handle("Contact: <sip:c@192.0.2.3>\r\nExpires: 90\r\n")),
            "200 sip:c@192.0.2.3=90 sip:b@192.0.2.2=50");
  EXPECT_EQ(text_of(handle("Contact: <sip:%62@192.0.2.2>;expires=70;q=0.5\r\n")),
            "200 sip:%62@192.0.2.2=70 sip:c@192.0.2.3=90")
      << "the same by the comparison of URIs (19.1.4)";
  EXPECT_EQ(text_of(handle("Contact: <sip:c@192.0.2.3>;expires=0\r\n")),
            "200 sip:%62@192.0.2.2=70");
  EXPECT_EQ(text_of(handle("Contact: *\r\nExpires: 0\r\n")), "200");
}

// Each naming keeps a text of its own where parameters stand apart: their number is bounded, too.
TEST_F(registering, counts_a_contact_as_often_as_it_is_named) {
  std::string contacts = "Contact: <sip:b@192.0.2.2>;x;q=1;y";
  for (std::size_t i = 1; i < sip::most_contacts; ++i) contacts += ", <sip:a@192.0.2.2>;x;q=1;y";
  const sip::message most = handle(contacts + "\r\n");
  EXPECT_EQ(most.status(), 200);
  for (const auto& c : most.all<sip::hdr::contact>()) {
    ASSERT_TRUE(c);
    EXPECT_TRUE(c->params.has("x") && c->params.has("y")) << c->params.text();
  }
  EXPECT_EQ(handle(contacts + ", <sip:a@192.0.2.2>;x;q=1;y\r\n").status(), 400);
}

// RFC 3261 10.3 step 8 lists all, RFC 3327 5.3 repeats the Path: the answer holds as much as it
// may.
TEST_F(registering, leaves_room_for_the_path_and_the_warning) {
  std::string contacts;
  for (int i = 0; i < 20; ++i)
    contacts += "Contact: <sip:" + std::string(100, 'c') + std::to_string(i) + "@192.0.2.2>\r\n";
  const std::string path = "Path: <sip:" + std::string(500, 'p') + ";lr>\r\n";
  const auto bare = handle("").to_string().size();
  room = 1'000;
  const sip::message answer = handle(contacts + path);
  EXPECT_TRUE(answer.has(sip::header_id::warning));
  EXPECT_LE(answer.to_string().size(), bare + room);
}

TEST_F(registering, answers_a_copy_as_the_first_and_refuses_what_was_overtaken) {
  EXPECT_EQ(text_of(handle("Contact: <sip:b@192.0.2.2>;expires=60\r\n", 7)),
            "200 sip:b@192.0.2.2=60");
  now += seconds{1};
  EXPECT_EQ(text_of(handle("Contact: <sip:b@192.0.2.2>;expires=60\r\n", 7)),
            "200 sip:b@192.0.2.2=59");
  for (const char* const headers :
       {"Contact: <sip:b@192.0.2.2>;expires=0\r\n", "Contact: *\r\nExpires: 0\r\n",
        "Contact: <sip:new@192.0.2.2>, <sip:b@192.0.2.2>\r\n"}) {
    EXPECT_EQ(text_of(handle(headers, 6)), "500") << headers;
    EXPECT_EQ(text_of(handle("", 8)), "200 sip:b@192.0.2.2=59") << headers;
  }
  EXPECT_EQ(text_of(handle("Contact: <sip:b@192.0.2.2>;expires=80\r\n", 1, "other call")),
            "200 sip:b@192.0.2.2=80");
}

// RFC 3261 10.3 step 7: a CSeq of a call is used once.
TEST_F(registering, refuses_what_says_something_else_with_the_cseq_of_an_earlier_one) {
  const char* const first = "Contact: <sip:b@192.0.2.2>;expires=60, <sip:c@192.0.2.3>;q=0.5\r\n";
  const auto stored = text_of(handle(first, 7));
  EXPECT_EQ(stored, "200 sip:c@192.0.2.3=3600 sip:b@192.0.2.2=60");
  EXPECT_EQ(text_of(handle(first, 7)), stored) << "a copy";
  for (const char* const headers :
       {"Contact: <sip:b@192.0.2.2>;expires=60, <sip:new@192.0.2.2>\r\n",
        "Contact: <sip:b@192.0.2.2>;expires=61\r\n", "Contact: <sip:b@192.0.2.2>;expires=0\r\n",
        "Contact: <sip:b@192.0.2.2>;expires=60;q=1\r\n",
        "Contact: <sip:b@192.0.2.2>;expires=60;audio\r\n",
        "Path: <sip:p;lr>\r\nContact: <sip:b@192.0.2.2>;expires=60\r\n",
        "Contact: *\r\nExpires: 0\r\n"}) {
    EXPECT_EQ(text_of(handle(headers, 7)), "500") << headers;
    EXPECT_EQ(text_of(handle("", 8)), stored) << headers;
  }
}

TEST_F(registering, takes_all_contacts_or_none_and_says_why) {
  rules.max_contacts = 2;
  rules.min_expires = 30;
  EXPECT_EQ(text_of(handle("Contact: <sip:a@192.0.2.2>\r\n")), "200 sip:a@192.0.2.2=3600");
  struct row {
    std::string headers;
    int status;
    std::string_view reason;
  };
  const row table[] = {
      {"Contact: <sip:b@192.0.2.2>, <sip:c@192.0.2.2>\r\n", 503, "Too Many Contacts"},
      {"Contact: <sip:b@192.0.2.2>;expires=29\r\n", 423, "Interval Too Brief"},
      {"Contact: <sip:b@192.0.2.2>;expires=60;expires=70\r\n", 400,
       "Repeated Parameter in Contact"},
      {"Contact: <sip:b@192.0.2.2>;q=1;Q=0.5\r\n", 400, "Repeated Parameter in Contact"},
      {"Contact: <sip:b@192.0.2.2;transport=udp;transport=tcp>\r\n", 400,
       "Repeated Parameter in Contact"},
      {"Contact: *\r\n", 400, "Contact * Without Expires 0"},
      {"Contact: *, <sip:b@192.0.2.2>\r\nExpires: 0\r\n", 400, "Contact * Beside Another Contact"},
      {"Contact: <sip:" + std::string(1'024, 'b') + "@192.0.2.2>\r\n", 513, "Contact Too Long"},
      {"Path: <sip:" + std::string(2'048, 'b') + ";lr>\r\n", 513, "Path Too Long"},
  };
  for (const row& r : table) {
    const auto answer = handle(r.headers);
    EXPECT_EQ(answer.status(), r.status) << r.headers;
    EXPECT_EQ(answer.reason(), r.reason) << r.headers;
    EXPECT_EQ(text_of(handle("")), "200 sip:a@192.0.2.2=3600") << r.headers;
  }
  EXPECT_EQ(handle("", 0, std::string(513, 'c')).reason(), "Call-ID Too Long");
  const auto unreadable = handle("Contact: <sip:b@192.0.2.2>, <sip\r\n");
  EXPECT_EQ(unreadable.status(), 400);
  EXPECT_TRUE(unreadable.reason().starts_with("Bad Contact: ")) << unreadable.reason();
}

TEST_F(registering, gives_parameters_and_path_back) {
  const auto answer =
      handle("Path: <sip:p1;lr>,<sip:p2;lr>\r\n"
             "Contact: <sip:b@192.0.2.2>;audio;expires=60;video;q=0.25;methods=\"INVITE,BYE\"\r\n");
  EXPECT_EQ(answer.first(sip::header_id::contact),
            "<sip:b@192.0.2.2>;q=0.25;expires=60;audio;video;methods=\"INVITE,BYE\"");
  EXPECT_EQ(count_values(answer, sip::header_id::path), 2U);
  const auto shown = location.view();
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].path, "<sip:p1;lr>, <sip:p2;lr>");
  EXPECT_EQ(shown[0].received.to_string(), "192.0.2.1:5070");
  EXPECT_EQ(shown[0].q, 250);
}

TEST_F(registering, tells_a_phone_of_its_own_contacts_where_not_all_fit) {
  const std::string host = std::string(50, 'h') + ".example";
  EXPECT_EQ(handle("Contact: <sip:a@" + host + ">;q=1, <sip:b@" + host + ">;q=1\r\n").status(),
            200);
  room = 220; // for one of them and the warning
  const auto answer = handle("Contact: <sip:c@" + host + ">\r\n");
  EXPECT_EQ(text_of(answer), "200 sip:c@" + host + "=3600");
  EXPECT_NE(answer.first(sip::header_id::warning).value_or("").find("2 contacts are left out"),
            std::string_view::npos);
}

TEST_F(registering, takes_what_is_said_last_of_a_contact_that_is_named_twice) {
  EXPECT_EQ(
      text_of(handle("Contact: <sip:a@192.0.2.2>;expires=60, <sip:a@192.0.2.2>;expires=70\r\n")),
      "200 sip:a@192.0.2.2=70");
  EXPECT_EQ(text_of(handle("Contact: <sip:a@192.0.2.2>, <sip:a@192.0.2.2>;expires=0\r\n")), "200");
}

TEST_F(registering, never_binds_for_ever_what_a_phone_asks_for) {
  EXPECT_EQ(text_of(handle("Contact: <sip:a@192.0.2.2>;expires=4294967295\r\n")),
            "200 sip:a@192.0.2.2=7200");
  rules.max_expires = 0;
  EXPECT_EQ(text_of(handle("Contact: <sip:a@192.0.2.2>;expires=4294967295\r\n")),
            "200 sip:a@192.0.2.2=1073741822");
}

} // namespace
} // namespace tandem::stack
