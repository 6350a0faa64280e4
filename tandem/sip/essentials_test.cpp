// SPDX-License-Identifier: Apache-2.0
// What is kept of a message stays true through every kind of edit: each answer is held against that
// of the written message, read anew.
#include <tandem/sip/headers.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/parsed_for_test.hpp>
#include <tandem/sip/received.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace tandem::sip {
namespace {

using for_test::parsed;

const std::string sample =
    "INVITE sip:bob@biloxi.example SIP/2.0\r\n"
    "Via: SIP/2.0/UDP [2001:db8::9]:5070 ;rport;branch=z9hG4bKa;received=192.0.2.1;maddr=a;ttl=3,"
    "SIP/2.0/TCP b.example;branch=z9hG4bKb\r\n"
    "v: SIP/2.0/TCP c.example;branch=z9hG4bKc\r\n"
    "Max-Forwards: 10\r\n"
    "From: \"A; tag=no\" <sip:a@b;tag=no>;x=y;tag=one\r\n"
    "To: <sip:c@d>;tag=two\r\n"
    "Call-ID: call@host\r\n"
    "CSeq: 17 INVITE\r\n"
    "Content-Length: 4\r\n"
    "\r\n"
    "body";

/// Everything that is kept, in one text.
std::string answers(const message& msg) {
  std::string all = "via " + std::string{msg.top_via()} + " call " + std::string{msg.call_id()} +
                    " from " + std::string{msg.from_tag()} + " to " + std::string{msg.to_tag()} +
                    " of " + std::string{msg.plain_address(header_id::from)} + " and " +
                    std::string{msg.plain_address(header_id::to)} + " names ";
  for (std::size_t i = 1; i < header_count; ++i) {
    const auto id = static_cast<header_id>(i);
    all += msg.has(id) ? '1' : '0';
    EXPECT_TRUE(msg.count(id) < 2 || msg.may_repeat({id})) << to_string(id);
  }
  all += msg.has("X-First") ? '1' : '0';
  if (const auto via = msg.get<hdr::via>()) {
    const auto text = [](const std::optional<host_view>& h) {
      return h ? std::string{h->text} : std::string{"-"};
    };
    all += " transport " + std::string{via->transport} + " host " +
           std::string{via->sent_by.host.text} + " kind " +
           std::to_string(static_cast<int>(via->sent_by.host.kind)) + " port " +
           std::to_string(via->sent_by.port.value_or(0)) + " params " +
           std::string{via->params.text()} + " branch " + std::string{via->branch()} +
           " received " + text(via->received()) + " maddr " + text(via->maddr()) + " rport " +
           std::to_string(via->has_rport()) + std::to_string(via->rport().value_or(0)) + " ttl " +
           std::to_string(via->ttl().value_or(0));
  }
  const auto key = msg.key();
  if (!key) return all + " no key for " + std::string{to_string(key.error())};
  return all + " key " + std::string{key->branch} + " " + std::string{key->sent_by_host} + ":" +
         std::to_string(key->sent_by_port) + " " + std::string{key->call_id} + " " +
         std::string{key->from_tag} + " " + std::string{key->to_tag} + " " +
         std::to_string(key->cseq) + " " + std::string{key->cseq_method_text} +
         std::to_string(static_cast<int>(key->cseq_method));
}

struct edit {
  const char* name;
  std::function<bool(message&)> make;
};

const std::vector<edit>& edits() {
  static const std::vector<edit> all{
      {"push a Via",
       [](message& m) {
         return m.edit().put_front(hdr::via, "SIP/2.0/UDP me.example;branch=z9hG4bKme").has_value();
       }},
      {"push a typed Via",
       [](message& m) {
         return m.edit().put_front(hdr::via, *via::parse("SIP/2.0/TLS me")).has_value();
       }},
      {"pop a Via of several", [](message& m) { return m.edit().pop_front(hdr::via).has_value(); }},
      {"stamp",
       [](message& m) {
         return stamp_received(m, {ip_address::v4(198, 51, 100, 200), 65'000}).has_value();
       }},
      {"rewrite the top Via",
       [](message& m) {
         return m.edit()
             .update_front(hdr::via, [](std::string_view v) { return std::string{v} + ";new"; })
             .has_value();
       }},
      {"break the top Via",
       [](message& m) { return m.edit().put_front(hdr::via, "SIP/2.0/UDP").has_value(); }},
      {"put Via", [](message& m) { return m.edit().put(hdr::via, "SIP/2.0/SCTP x").has_value(); }},
      {"remove Via", [](message& m) { return m.edit().erase(hdr::via) != 0; }},
      {"replace To",
       [](message& m) { return m.edit().put(hdr::to, "<sip:e@f>;tag=three").has_value(); }},
      {"take the tag from To",
       [](message& m) { return m.edit().put(hdr::to, "<sip:e@f>").has_value(); }},
      {"append a second To",
       [](message& m) { return m.edit().append(hdr::to, "<sip:e@f>;tag=last").has_value(); }},
      {"put a To before the first",
       [](message& m) { return m.edit().put_front(hdr::to, "<sip:e@f>;tag=first").has_value(); }},
      {"remove To", [](message& m) { return m.edit().erase(hdr::to) == 1; }},
      {"replace From by its compact name",
       [](message& m) { return m.edit().put("f", "sip:e@f;tag=four").has_value(); }},
      {"set From",
       [](message& m) {
         return m.edit().put(hdr::from, *name_addr::parse("<sip:g@h>;tag=five")).has_value();
       }},
      {"remove From", [](message& m) { return m.edit().erase("From") == 1; }},
      {"replace Call-ID",
       [](message& m) { return m.edit().put(hdr::call_id, "other").has_value(); }},
      {"empty Call-ID", [](message& m) { return m.edit().put(hdr::call_id, "").has_value(); }},
      {"replace CSeq", [](message& m) { return m.edit().put(hdr::cseq, "18 PRACK").has_value(); }},
      {"break CSeq", [](message& m) { return m.edit().put(hdr::cseq, "many").has_value(); }},
      {"erase the line of CSeq",
       [](message& m) {
         m.edit().erase_line(m.find(hdr::cseq));
         return true;
       }},
      {"replace a line",
       [](message& m) {
         return m.edit().replace_line(m.find(hdr::to), "<sip:i@j>;tag=six").has_value();
       }},
      {"insert a line that is none of them",
       [](message& m) { return m.edit().insert_line(0, "X-First", "1").has_value(); }},
      {"decrement Max-Forwards", [](message& m) { return decrement_max_forwards(m).has_value(); }},
      {"replace the Request-URI",
       [](message& m) {
         return m.edit().set_request_uri("sip:other@example.net:5090").has_value();
       }},
      {"replace the body",
       [](message& m) { return m.edit().set_body("text/plain", "another body").has_value(); }},
      {"many edits, which move their text to another block",
       [](message& m) {
         for (int i = 0; i < 60; ++i)
           if (!m.edit().put_back("X-Many", std::string(40, 'x'))) return false;
         return true;
       }},
      {"drop",
       [](message& m) {
         return m.edit().erase({hdr::max_forwards, hdr::to}) == 2;
       }},
  };
  return all;
}

TEST(essentials, are_true_after_every_kind_of_edit) {
  for (const edit& one : edits()) {
    message msg = parsed(sample);
    (void)answers(msg);
    ASSERT_TRUE(one.make(msg)) << one.name;
    EXPECT_EQ(answers(msg), answers(parsed(msg.to_string()))) << one.name;
  }
}

TEST(essentials, are_true_after_any_two_edits_with_and_without_a_look_between_them) {
  for (const edit& first : edits())
    for (const edit& second : edits())
      for (const bool looks : {true, false}) {
        message msg = parsed(sample);
        (void)answers(msg);
        (void)first.make(msg);
        if (looks) (void)answers(msg);
        (void)second.make(msg); // fails where the first took away what it needs
        EXPECT_EQ(answers(msg), answers(parsed(msg.to_string())))
            << first.name << ", " << second.name;
      }
}

TEST(essentials, of_a_clone_are_its_own) {
  for (const bool knows_before : {true, false})
    for (const edit& one : edits()) {
      message original = parsed(sample);
      ASSERT_TRUE(original.edit().put_front(hdr::record_route, "<sip:me;lr>"));
      const std::string before = answers(parsed(original.to_string()));
      if (knows_before) (void)answers(original);
      message copy = original.clone();
      ASSERT_TRUE(one.make(copy)) << one.name;
      EXPECT_EQ(answers(copy), answers(parsed(copy.to_string()))) << one.name;
      EXPECT_EQ(answers(original), before) << one.name;
      ASSERT_TRUE(one.make(original)) << one.name; // its clone must not see it
      EXPECT_EQ(answers(original), answers(copy)) << one.name;
    }
}

TEST(essentials, move_with_their_message) {
  message msg = parsed(sample);
  ASSERT_TRUE(stamp_received(msg, {ip_address::v4(192, 0, 2, 200), 6000}));
  const std::string before = answers(msg);
  message moved{std::move(msg)};
  EXPECT_EQ(answers(moved), before);
  message assigned = parsed("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP z\r\n\r\n");
  (void)answers(assigned);
  assigned = std::move(moved);
  EXPECT_EQ(answers(assigned), before);
  EXPECT_EQ(answers(message{}), answers(moved)); // NOLINT(bugprone-use-after-move): it says so
}

TEST(essentials, give_the_uri_of_a_from_that_is_plain_and_of_no_other_20_20) {
  struct plain_case {
    std::string_view from, uri;
  };
  for (const auto& [from, uri] :
       std::initializer_list<plain_case>{{"<sip:a@b>;tag=x", "sip:a@b"},
                                         {"<sip:a@b;tag=no>", "sip:a@b;tag=no"},
                                         {"\"A <sip:no@no>\" <sip:a@b>;tag=x", "sip:a@b"},
                                         {"\"A\"<sip:a@b>", "sip:a@b"},
                                         {"A <sip:a@b>;tag=x", ""},
                                         {"\"A\" B <sip:a@b>;tag=x", ""},
                                         {"\"A\" \"B\" <sip:a@b>;tag=x", ""},
                                         {"<sip:a@b>;x=y;tag=x", ""},
                                         {"<sip:a@b>;tag=x;y", ""},
                                         {"<sip:a@b>;tag=x;tag=y", ""},
                                         {"<sip:a@b>;tag=", ""},
                                         {"<sip:a@b> c", ""},
                                         {"<sip:a@b", ""},
                                         {"sip:a@b;tag=x", ""},
                                         {"<>;tag=x", ""}}) {
    message msg = parsed(sample);
    ASSERT_TRUE(msg.edit().put(hdr::from, from));
    EXPECT_EQ(msg.plain_address(header_id::from), uri) << from;
  }
}

TEST(essentials, are_of_the_first_value_and_give_every_part_of_a_via) {
  const message msg = parsed(sample);
  const auto top = msg.get<hdr::via>();
  ASSERT_TRUE(top);
  EXPECT_EQ(msg.top_via(), "SIP/2.0/UDP [2001:db8::9]:5070 "
                           ";rport;branch=z9hG4bKa;received=192.0.2.1;maddr=a;ttl=3");
  EXPECT_EQ(top->protocol, "SIP");
  EXPECT_EQ(top->version, "2.0");
  EXPECT_EQ(top->transport, "UDP");
  EXPECT_EQ(top->sent_by.host.text, "2001:db8::9");
  EXPECT_EQ(top->sent_by.host.kind, host_kind::ipv6);
  EXPECT_EQ(top->sent_by.port, 5070);
  EXPECT_TRUE(top->has_rport());
  EXPECT_FALSE(top->rport());
  EXPECT_EQ(top->branch(), "z9hG4bKa");
  EXPECT_EQ(top->received()->text, "192.0.2.1");
  EXPECT_EQ(top->maddr()->text, "a");
  EXPECT_EQ(top->ttl(), 3);
  EXPECT_EQ(top->params.value("branch"), "z9hG4bKa");
  EXPECT_EQ(msg.key()->sent_by_host, "[2001:db8::9]");
  EXPECT_EQ(msg.from_tag(), "one");
  EXPECT_EQ(msg.to_tag(), "two");
}

TEST(essentials, take_the_first_of_a_parameter_that_stands_twice) {
  const auto twice = via::parse("SIP/2.0/UDP a;rport;RPORT=2;branch=x;Branch=y;ttl=\"1\";ttl=2");
  ASSERT_TRUE(twice);
  EXPECT_TRUE(twice->has_rport());
  EXPECT_FALSE(twice->rport());
  EXPECT_EQ(twice->branch(), "x");
  EXPECT_EQ(twice->ttl(), 1);
  EXPECT_FALSE(twice->has_received());
  EXPECT_FALSE(twice->maddr());
}

TEST(essentials, that_cannot_be_read_hide_no_other) {
  const message msg = parsed("OPTIONS sip:a SIP/2.0\r\n"
                             "Via: nonsense\r\n"
                             "From: <sip:a@b>;tag=f\r\n"
                             "To: <sip:a@b>;tag=t\r\n"
                             "Call-ID: c\r\n"
                             "CSeq: nonsense\r\n\r\n");
  EXPECT_EQ(msg.key().error(), header_id::via);
  EXPECT_EQ(msg.top_via(), "nonsense");
  EXPECT_EQ(msg.get<hdr::via>().error().code, parse_errc::bad_protocol);
  EXPECT_EQ(msg.from_tag(), "f");
  EXPECT_EQ(msg.to_tag(), "t");
  EXPECT_EQ(msg.call_id(), "c");
}

TEST(essentials, have_a_blank_between_number_and_method_of_cseq_20_16) {
  for (const std::string_view value : {"1OPTIONS", "1", "1 ", "OPTIONS"}) {
    std::string text = sample;
    const auto at = text.find("CSeq: ") + 6;
    text.replace(at, text.find("\r\n", at) - at, value);
    EXPECT_EQ(parsed(text).key().error(), header_id::cseq) << value;
  }
}

// RFC 3261 7.3.1: one parser takes the first, another the last.
TEST(essentials, of_a_message_with_two_tags_in_one_header_are_not_there) {
  for (const auto& [tag, id] : {std::pair{"tag=one", header_id::from}, {"tag=two", header_id::to}})
    for (const std::string more : {";tag=three", ";x=y;tag=three", ";x;TAG=\"three\""}) {
      std::string text = sample;
      text.insert(text.find(tag) + std::string_view{tag}.size(), more);
      const message msg = parsed(text);
      ASSERT_FALSE(msg.key()) << text;
      EXPECT_EQ(msg.key().error(), id) << text;
    }
  EXPECT_TRUE(parsed(sample).key());
}

} // namespace
} // namespace tandem::sip
