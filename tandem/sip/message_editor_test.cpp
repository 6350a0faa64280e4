// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/headers.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/parsed_for_test.hpp>
#include <tandem/sip/single_values.hpp>

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace tandem::sip {
namespace {

using for_test::parsed;

const std::string edited = "INVITE sip:bob@biloxi.example SIP/2.0\r\n"
                           "Via: SIP/2.0/UDP host.example;branch=z9hG4bKa;rport\r\n"
                           "v: SIP/2.0/TCP b.example;branch=z9hG4bKb,SIP/2.0/TCP c\r\n"
                           "Route: <sip:p1.example;lr> , <sip:p2.example;lr>\r\n"
                           "Max-Forwards: 10\r\n"
                           "From: <sip:a@b>;tag=1\r\n"
                           "To: <sip:c@d>\r\n"
                           "Call-ID: x\r\n"
                           "CSeq: 1 INVITE\r\n"
                           "X-H : one\r\n"
                           "x-h\t: two\r\n"
                           "Content-Length: 4\r\n"
                           "\r\n"
                           "body";

/// The request with one piece of its text replaced.
std::string with(std::string_view from, std::string_view to) {
  std::string text = edited;
  text.replace(text.find(from), from.size(), to);
  return text;
}

TEST(edits, are_seen_by_every_later_reader_and_written_in_their_place) {
  message msg = parsed(edited);
  ASSERT_TRUE(msg.edit().set_request_uri("sip:bob@192.0.2.4:5070"));
  EXPECT_EQ(msg.request_uri(), "sip:bob@192.0.2.4:5070");
  EXPECT_EQ(msg.method_text(), "INVITE");
  EXPECT_EQ(msg.version(), "SIP/2.0");
  EXPECT_EQ(msg.to_string(), with("sip:bob@biloxi.example", "sip:bob@192.0.2.4:5070"));

  ASSERT_TRUE(msg.edit().put_front(hdr::via, "SIP/2.0/UDP me;branch=z9hG4bKme"));
  EXPECT_EQ(msg.key()->branch, "z9hG4bKme");
  EXPECT_EQ(msg.get<hdr::via>()->branch(), "z9hG4bKme");
  EXPECT_EQ(count_values(msg, hdr::via), 4u);
  ASSERT_TRUE(msg.edit().put(hdr::max_forwards, "9"));
  EXPECT_EQ(msg.get<hdr::max_forwards>()->value, 9u);
  ASSERT_TRUE(msg.edit().append("X-New", "n"));
  std::string expected = with("Max-Forwards: 10", "Max-Forwards: 9");
  expected.replace(expected.find("sip:bob@biloxi.example"), 22, "sip:bob@192.0.2.4:5070");
  expected.insert(expected.find("Via:"), "Via: SIP/2.0/UDP me;branch=z9hG4bKme\r\n");
  expected.insert(expected.find("\r\n\r\n") + 2, "X-New: n\r\n");
  EXPECT_EQ(msg.to_string(), expected);
}

TEST(edits, of_a_clone_are_its_own) {
  message original = parsed(edited);
  ASSERT_TRUE(original.edit().put_front(hdr::record_route, "<sip:me;lr>"));
  message first = original.clone();
  message second = original.clone();
  ASSERT_TRUE(first.edit().put_front(hdr::via, "SIP/2.0/UDP one"));
  ASSERT_TRUE(second.edit().put_front(hdr::via, "SIP/2.0/UDP two"));
  ASSERT_TRUE(second.edit().set_body("text/plain", "other"));
  ASSERT_TRUE(original.edit().put(hdr::record_route, "<sip:changed;lr>"));
  EXPECT_EQ(first.top_via(), "SIP/2.0/UDP one");
  EXPECT_EQ(second.top_via(), "SIP/2.0/UDP two");
  EXPECT_EQ(original.top_via(), "SIP/2.0/UDP host.example;branch=z9hG4bKa;rport");
  EXPECT_EQ(first.first(hdr::record_route), "<sip:me;lr>");
  EXPECT_EQ(original.first(hdr::record_route), "<sip:changed;lr>");
  EXPECT_EQ(first.body(), "body");
  EXPECT_EQ(second.body(), "other");
  // A clone outlives what it was cloned from.
  original = message{};
  first = message{};
  EXPECT_EQ(second.first(hdr::record_route), "<sip:me;lr>");
  EXPECT_EQ(second.call_id(), "x");
}

TEST(edits, pop_single_values_from_lines_of_one_and_of_several) {
  message msg = parsed(edited);
  EXPECT_EQ(msg.edit().pop_front(hdr::via), "SIP/2.0/UDP host.example;branch=z9hG4bKa;rport");
  EXPECT_EQ(msg.edit().pop_front(hdr::via), "SIP/2.0/TCP b.example;branch=z9hG4bKb");
  EXPECT_EQ(msg.header(0).name, "v");
  EXPECT_EQ(msg.header(0).value, "SIP/2.0/TCP c");
  EXPECT_EQ(msg.edit().pop_front(hdr::via), "SIP/2.0/TCP c");
  EXPECT_EQ(msg.edit().pop_front(hdr::via), std::nullopt);
  EXPECT_EQ(msg.edit().pop_back(hdr::route), "<sip:p2.example;lr>");
  EXPECT_EQ(msg.first(hdr::route), "<sip:p1.example;lr>");
  EXPECT_EQ(msg.edit().pop_back(hdr::route), "<sip:p1.example;lr>");
  EXPECT_FALSE(msg.has(hdr::route));
}

TEST(edits, update_single_values_where_they_stand) {
  message msg = parsed(edited);
  ASSERT_TRUE(msg.edit().update_front(hdr::route, [](std::string_view old) {
    return "<sip:new;lr>;was=" + std::to_string(old.size());
  }));
  EXPECT_EQ(msg.first(hdr::route), "<sip:new;lr>;was=19 , <sip:p2.example;lr>");
  ASSERT_TRUE(msg.edit().update_back(hdr::via, [](std::string_view) { return "SIP/2.0/UDP z"; }));
  EXPECT_EQ(msg.nth(hdr::via, 1), "SIP/2.0/TCP b.example;branch=z9hG4bKb,SIP/2.0/UDP z");
  EXPECT_EQ(msg.edit().update_front("X-None", [](std::string_view) { return "a"; }).error(),
            edit_errc::no_such_header);
  EXPECT_EQ(msg.edit().update_front(hdr::route, [](std::string_view) { return " "; }).error(),
            edit_errc::bad_value);
}

TEST(edits, overwrite_bytes_of_a_line_and_leave_a_clone_as_it_was) {
  message msg = parsed(edited);
  const std::size_t line = msg.find(hdr::route);
  ASSERT_TRUE(msg.edit().overwrite(line, 5, "P9"));
  EXPECT_EQ(msg.value(line), "<sip:P9.example;lr> , <sip:p2.example;lr>");
  // From here on the line is text of an edit, which is changed where it stands.
  ASSERT_TRUE(msg.edit().overwrite(line, 27, "Q8"));
  EXPECT_EQ(msg.value(line), "<sip:P9.example;lr> , <sip:Q8.example;lr>");
  const message clone = msg.clone();
  ASSERT_TRUE(msg.edit().overwrite(line, 5, "zz"));
  EXPECT_EQ(msg.value(line), "<sip:zz.example;lr> , <sip:Q8.example;lr>");
  EXPECT_EQ(clone.value(line), "<sip:P9.example;lr> , <sip:Q8.example;lr>");

  const std::size_t from = msg.find(hdr::from);
  EXPECT_EQ(msg.from_tag(), "1");
  ASSERT_TRUE(msg.edit().overwrite(from, msg.value(from).size() - 1, "2"));
  ASSERT_TRUE(msg.edit().overwrite(from, msg.value(from).size() - 1, "3"));
  EXPECT_EQ(msg.from_tag(), "3") << "what was read of the line is read again";
  ASSERT_TRUE(msg.edit().overwrite(from, 0, msg.value(from)));
  EXPECT_EQ(msg.from_tag(), "3");

  EXPECT_FALSE(msg.edit().overwrite(msg.header_count(), 0, "x"));
  EXPECT_FALSE(msg.edit().overwrite(line, 40, "xyz"));
  EXPECT_FALSE(msg.edit().overwrite(line, 42, ""));
  EXPECT_FALSE(msg.edit().overwrite(line, 5, "a\n"));
  EXPECT_FALSE(msg.edit().overwrite(line, 5, " x")) << "a value has no blanks around it";
}

TEST(edits, put_replaces_all_lines_of_a_name_by_one) {
  message msg = parsed(edited);
  ASSERT_TRUE(msg.edit().put("x-H", "three"));
  EXPECT_EQ(msg.count("X-H"), 1u);
  EXPECT_EQ(msg.header(msg.find("X-H")).name, "X-H");
  EXPECT_EQ(msg.first("X-H"), "three");
  ASSERT_TRUE(msg.edit().put_back(hdr::via, "SIP/2.0/UDP last"));
  EXPECT_EQ(msg.header(2).value, "SIP/2.0/UDP last");
}

TEST(edits, remove_a_header_however_its_name_is_written) {
  // CVE-2020-28361: blanks before the colon hid a header from its removal.
  message msg = parsed(edited);
  EXPECT_EQ(msg.edit().erase("X-H"), 2u);
  EXPECT_EQ(msg.to_string().find("one"), std::string::npos);
  EXPECT_EQ(msg.edit().erase({hdr::via, hdr::route, "Max-Forwards"}), 4u);
  EXPECT_EQ(msg.header(0).id, header_id::from);
  EXPECT_EQ(msg.edit().erase("X-H"), 0u);
}

TEST(edits, refuse_what_would_break_the_message) {
  using namespace std::string_view_literals;
  message msg = parsed(edited);
  const std::string before = msg.to_string();
  for (const auto bad : {"a\rb"sv, "a\nb"sv, "a\0b"sv, "a\r\nRoute: <sip:evil>"sv}) {
    EXPECT_EQ(msg.edit().put("X-H", bad).error(), edit_errc::unsafe_text);
    EXPECT_EQ(msg.edit().put_front("X-H", bad).error(), edit_errc::unsafe_text);
    EXPECT_EQ(msg.edit().put_back("X-H", bad).error(), edit_errc::unsafe_text);
    EXPECT_EQ(msg.edit().append("X-H", bad).error(), edit_errc::unsafe_text);
    EXPECT_EQ(msg.edit().replace_line(0, bad).error(), edit_errc::unsafe_text);
    EXPECT_EQ(msg.edit().update_front(hdr::via, [&](std::string_view) { return bad; }).error(),
              edit_errc::unsafe_text);
    EXPECT_EQ(msg.edit().set_body(bad, "x").error(), edit_errc::unsafe_text);
    EXPECT_FALSE(msg.edit().set_request_uri(bad));
    EXPECT_FALSE(msg.edit().append(bad, "x"));
    EXPECT_FALSE(msg.edit().put(hdr::subject, text_value{bad}));
  }
  for (const auto bad : {"", "X H", "X:H", "X\"H"})
    EXPECT_EQ(msg.edit().append(bad, "x").error(), edit_errc::bad_name);
  for (const auto bad : {"", "bob", ":bob", "sip:a b", "<sip:a>", "sip:a>", "sip:\"", "sip:a\tb"})
    EXPECT_EQ(msg.edit().set_request_uri(bad).error(), edit_errc::bad_value) << bad;
  EXPECT_EQ(msg.edit().set_status(200, "OK").error(), edit_errc::no_such_header);
  EXPECT_EQ(msg.edit().replace_line(99, "x").error(), edit_errc::no_such_header);
  EXPECT_EQ(msg.edit().insert_line(99, "X", "x").error(), edit_errc::no_such_header);
  EXPECT_EQ(msg.to_string(), before);
}

TEST(edits, have_a_bound) {
  message msg = parsed(edited);
  const std::string big(30'000, 'x');
  ASSERT_TRUE(msg.edit().append("X", big));
  ASSERT_TRUE(msg.edit().append("X", big));
  EXPECT_EQ(msg.edit().append("X", big).error(), edit_errc::too_large);
  EXPECT_EQ(msg.count("X"), 2u);
  message many = parsed(edited);
  std::size_t n = 0;
  while (n < 1000 && many.edit().append("X", "y")) ++n;
  EXPECT_EQ(many.header_count(), 400u);
}

TEST(edits, of_the_body_take_content_length_along_in_bytes) {
  message msg = parsed(edited);
  ASSERT_TRUE(msg.edit().set_body("text/plain", "gr\xc3\xbc\xc3\x9f\r\n"));
  EXPECT_EQ(msg.first(hdr::content_length), "8"); // P-6: bytes, not characters
  EXPECT_EQ(msg.first(hdr::content_type), "text/plain");
  EXPECT_TRUE(msg.to_string().ends_with("\r\n\r\ngr\xc3\xbc\xc3\x9f\r\n"));
  ASSERT_TRUE(msg.edit().set_body("text/plain", msg.body().substr(2)));
  EXPECT_EQ(msg.body(), "\xc3\xbc\xc3\x9f\r\n");
  ASSERT_TRUE(msg.edit().set_body("", ""));
  EXPECT_EQ(msg.first(hdr::content_length), "0");
  EXPECT_FALSE(msg.has(hdr::content_type));
  EXPECT_TRUE(msg.to_string().ends_with("\r\n\r\n"));
  // Views of the message itself are fine sources.
  ASSERT_TRUE(msg.edit().append("X-Body", "from an edit"));
  ASSERT_TRUE(msg.edit().set_body("text/plain", *msg.first("X-Body")));
  EXPECT_EQ(msg.body(), "from an edit");
}

TEST(edits, give_a_response_another_status) {
  message msg = parsed("SIP/2.0 603 Decline\r\nCall-ID: x\r\nl: 0\r\n\r\n");
  ASSERT_TRUE(msg.edit().set_status(480, ""));
  EXPECT_EQ(msg.status(), 480);
  EXPECT_EQ(msg.reason(), "Temporarily Unavailable");
  EXPECT_EQ(msg.version(), "SIP/2.0");
  EXPECT_EQ(msg.to_string(), "SIP/2.0 480 Temporarily Unavailable\r\nCall-ID: x\r\nl: 0\r\n\r\n");
  EXPECT_EQ(msg.edit().set_status(99, "x").error(), edit_errc::bad_value);
  EXPECT_EQ(msg.edit().set_status(200, "x\r\ny").error(), edit_errc::unsafe_text);
}

TEST(edits, take_typed_values) {
  message msg = parsed(edited);
  ASSERT_TRUE(msg.edit().put(hdr::expires, number{60}));
  EXPECT_EQ(msg.first("Expires"), "60");
  auto contact = *sip::contact::parse("\"A \\\" b\" <sip:a@b;x=y>;q=0.7");
  ASSERT_TRUE(msg.edit().put_back(hdr::contact, contact));
  ASSERT_TRUE(msg.edit().put_front(hdr::contact, *sip::contact::parse("<sip:first@b>")));
  std::vector<std::string> users;
  for (const auto& c : msg.all<hdr::contact>()) users.emplace_back(c->params.text());
  EXPECT_EQ(users, (std::vector<std::string>{"", "q=0.7"}));
}

TEST(edits, survive_sources_that_point_into_the_message) {
  message msg = parsed(edited);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(msg.edit().append("X-Copy", i == 0 ? msg.call_id() : *msg.back("X-Copy")));
    const std::string name{msg.header(msg.header_count() - 1).name};
    ASSERT_TRUE(msg.edit().put(msg.header(msg.header_count() - 1).name, *msg.back("X-Copy")));
    ASSERT_TRUE(msg.edit().append("X-Copy", *msg.first("X-Copy")));
  }
  EXPECT_EQ(msg.back("X-Copy"), "x");
}

TEST(edits, agree_with_a_list_of_strings_under_random_use) {
  // The model: names and values, in order.
  struct model_line {
    std::string name;
    std::string value;
  };
  std::mt19937 random{7};
  for (int round = 0; round < 200; ++round) {
    message msg = parsed(edited);
    std::vector<model_line> model;
    for (const auto& h : msg.headers())
      model.push_back({std::string{h.name}, std::string{h.value}});
    std::vector<message> clones;
    for (int step = 0; step < 60; ++step) {
      const std::size_t at = random() % (model.size() + 1);
      const std::string value(random() % 90, static_cast<char>('a' + step % 26));
      switch (random() % 5) {
      case 0:
        ASSERT_TRUE(msg.edit().insert_line(at, "X-I", value));
        model.insert(model.begin() + static_cast<std::ptrdiff_t>(at), {"X-I", value});
        break;
      case 1:
        if (at == model.size()) break;
        ASSERT_TRUE(msg.edit().replace_line(at, value));
        model[at].value = value;
        break;
      case 2:
        if (at == model.size()) break;
        msg.edit().erase_line(at);
        model.erase(model.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 3: clones.push_back(msg.clone()); break;
      case 4: msg = msg.clone(); break;
      }
      if (clones.size() > 3) clones.clear();
    }
    ASSERT_EQ(msg.header_count(), model.size());
    const message again = parsed(msg.to_string());
    for (std::size_t i = 0; i < model.size(); ++i) {
      EXPECT_EQ(msg.header(i).name, model[i].name);
      EXPECT_EQ(msg.header(i).value, model[i].value);
      EXPECT_EQ(again.header(i).value, model[i].value);
    }
    EXPECT_EQ(again.body(), "body");
  }
}

TEST(edits, are_written_between_the_received_bytes) {
  std::string text = "OPTIONS sip:a@b SIP/2.0\r\n";
  for (int i = 0; i < 60; ++i) text += "X-Line: " + std::to_string(i) + "\r\n";
  text += "\r\n";
  message msg = parsed(text);
  for (const std::size_t lines : {2u, 60u}) { // a few pieces, and more than one walk keeps
    for (std::size_t i = 0; i < lines; i += 2) ASSERT_TRUE(msg.edit().replace_line(i, "lines"));
    std::string expected = "OPTIONS sip:a@b SIP/2.0\r\n";
    for (const auto& h : msg.headers()) expected.append("X-Line: ").append(h.value).append("\r\n");
    expected += "\r\n";
    const auto [block, size] = msg.to_block();
    EXPECT_EQ((std::string_view{block.data(), size}), expected);
    EXPECT_EQ(msg.to_string(), expected);
    EXPECT_EQ(msg.wire_size(), expected.size());
    EXPECT_GE(msg.most_wire_size(), expected.size());
  }
}

} // namespace
} // namespace tandem::sip
