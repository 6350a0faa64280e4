// SPDX-License-Identifier: Apache-2.0
// RFC 3261 10.3, as the function save() obeys it, and lookup().
#include <tandem/modules/script_fixture_for_test.hpp>

namespace tandem::modules::for_test {
namespace {

class registrar : public script_fixture {
 protected:
  void load_registrar(std::string_view more = {}) {
    load_route(R"(if (method=="REGISTER") save("location");
                  else if (lookup("location")) t_relay();
                  else sl_send_reply("404", "Not Found");)",
               std::string{"\ncompat=\"rfc\"\n"}.append(more));
  }
  /// Registers with these header lines. \return the status.
  int register_with(std::string_view headers, std::string_view to = "<sip:bob@example.com>",
                    std::string_view call_id = "reg-1", unsigned cseq = 0) {
    auto p = request("REGISTER");
    p.uri = "sip:example.com";
    p.to = to;
    p.from = p.to + ";tag=f1";
    p.call_id = call_id;
    p.cseq = cseq != 0 ? cseq : ++cseq_;
    p.via += std::to_string(++branch_);
    p.more = headers;
    asked_ = stack::for_test::request_text(p).size();
    receive(p);
    last_ = parsed(out.take().text);
    return last_.status();
  }
  /// The contacts of the last reply, in its order: "uri q expires|...".
  std::string contacts() {
    std::string all;
    for (const auto& c : last_.all<sip::hdr::contact>()) {
      if (!c) return "unreadable";
      if (!all.empty()) all += " | ";
      all.append(c->address.text()).append(" ").append(std::to_string(c->q().value_or(9999)));
      all.append(" ").append(std::to_string(c->expires().value_or(0)));
    }
    return all;
  }
  std::string registered(std::string_view to = "<sip:bob@example.com>") {
    EXPECT_EQ(register_with("", to), 200);
    return contacts();
  }
  /// Where a request to the user goes, in order of sending.
  std::string ways(std::string_view uri = "sip:bob@example.com") {
    auto p = request("MESSAGE");
    p.uri = uri;
    p.via += std::to_string(++branch_);
    p.call_id = "m" + std::to_string(branch_);
    receive(p);
    std::string all;
    while (!out.sent.empty()) {
      const auto m = parsed(out.take().text);
      if (!all.empty()) all += " ";
      all += m.is_request() ? std::string{m.request_uri()} : std::to_string(m.status());
    }
    return all;
  }

  sip::message last_;
  std::size_t asked_ = 0; ///< bytes of the last REGISTER
  unsigned cseq_ = 0;
  unsigned branch_ = 0;
};

TEST_F(registrar, expires_by_parameter_then_header_then_default) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=60\r\nExpires: 90\r\n"), 200);
  EXPECT_EQ(contacts(), "sip:b@192.0.2.2 0 60");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>\r\nExpires: 90\r\n"), 200);
  EXPECT_EQ(contacts(), "sip:b@192.0.2.2 0 90");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>\r\n"), 200);
  EXPECT_EQ(contacts(), "sip:b@192.0.2.2 0 3600");
  out.advance(seconds{600});
  EXPECT_EQ(registered(), "sip:b@192.0.2.2 0 3000");
  out.advance(seconds{3000});
  EXPECT_EQ(registered(), "");
  EXPECT_EQ(ways(), "404");
}

TEST_F(registrar, gives_a_to_tag_and_no_record_route) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>\r\n"), 200);
  EXPECT_FALSE(last_.to_tag().empty());
  EXPECT_FALSE(last_.has(sip::header_id::record_route));
}

TEST_F(registrar, a_star_with_expires_0_removes_all_and_is_refused_otherwise) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>, <sip:b@192.0.2.3>\r\n"), 200);
  for (const char* headers : {
           "Contact: *\r\n",
           "Contact: *\r\nExpires: 60\r\n",
           "Contact: *, <sip:b@192.0.2.4>\r\nExpires: 0\r\n",
           "Contact: <sip:b@192.0.2.4>\r\nContact: *\r\nExpires: 0\r\n",
           "Contact: *\r\nContact: *\r\nExpires: 0\r\n",
       }) {
    EXPECT_EQ(register_with(headers), 400) << headers;
    EXPECT_EQ(registered(), "sip:b@192.0.2.2 0 3600 | sip:b@192.0.2.3 0 3600") << headers;
  }
  EXPECT_EQ(register_with("Contact: *\r\nExpires: 0\r\n"), 200);
  EXPECT_EQ(contacts(), "");
}

// RFC 3261 10.3 step 7. Deviates: a copy is answered as its first one was, since save() has no
// transaction that would.
TEST_F(registrar, an_older_register_of_the_same_call_fails_and_a_copy_changes_nothing) {
  load_registrar();
  const std::string_view to = "<sip:bob@example.com>";
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>\r\n", to, "c1", 10), 200);
  for (const unsigned cseq : {10U, 9U}) {
    EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>\r\n", to, "c1", cseq),
              cseq == 10 ? 200 : 500);
    EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=5\r\n", to, "c1", cseq), 500);
    EXPECT_EQ(register_with("Contact: *\r\nExpires: 0\r\n", to, "c1", cseq), 500);
    EXPECT_EQ(registered(), "sip:b@192.0.2.2 0 3600") << cseq;
  }
  // Another call has no order with it; a later one of the same has.
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=50\r\n", to, "c2", 1), 200);
  EXPECT_EQ(contacts(), "sip:b@192.0.2.2 0 50");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=0\r\n", to, "c2", 2), 200);
  EXPECT_EQ(contacts(), "");
}

TEST_F(registrar, gives_the_parameters_of_a_contact_back) {
  load_registrar();
  EXPECT_EQ(
      register_with("Contact: <sip:b@192.0.2.2>;q=0.5;+sip.instance=\"<urn:uuid:1>\";expires=60;"
                    "reg-id=1\r\n"),
      200);
  EXPECT_EQ(last_.first(sip::header_id::contact),
            "<sip:b@192.0.2.2>;q=0.50;expires=60;+sip.instance=\"<urn:uuid:1>\";reg-id=1");
}

TEST_F(registrar, what_a_phone_asks_for_is_never_for_ever) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=4294967295\r\n"), 200);
  EXPECT_EQ(contacts(), "sip:b@192.0.2.2 0 7200");
  load_registrar(R"(modparam("registrar", "max_expires", 0))");
  EXPECT_EQ(
      register_with("Contact: <sip:b@192.0.2.3>;expires=4294967295\r\n", "<sip:carol@example.com>"),
      200);
  EXPECT_EQ(contacts(), "sip:b@192.0.2.3 0 1073741822");
}

TEST_F(registrar, texts_that_every_binding_would_keep_are_bounded) {
  load_registrar();
  const std::string contact = "Contact: <sip:b@192.0.2.2>\r\n";
  EXPECT_EQ(
      register_with("Path: <sip:192.0.2.50;x=" + std::string(2048, 'x') + ";lr>\r\n" + contact),
      513);
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2;x=" + std::string(1024, 'x') + ">\r\n"), 513);
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;x=" + std::string(1024, 'x') + "\r\n"), 513);
  EXPECT_EQ(register_with(contact, "<sip:bob@example.com>", std::string(513, 'c')), 513);
  EXPECT_EQ(registered(), "");
  // Cut, since nobody needs the rest of it.
  EXPECT_EQ(register_with("User-Agent: " + std::string(60'000, 'u') + "\r\n" + contact), 200);
  EXPECT_EQ(registered(), "sip:b@192.0.2.2 0 3600");
}

TEST_F(registrar, a_hundred_registers_of_60_kb_keep_less_than_a_megabyte) {
  load_registrar();
  std::string contacts = "Contact: ";
  for (int i = 0; i < 30; ++i)
    contacts += (i > 0 ? ", <sip:b@192.0.2." : "<sip:b@192.0.2.") + std::to_string(i + 1) + ">";
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(register_with("User-Agent: " + std::string(60'000, 'u') + "\r\n" + contacts + "\r\n",
                            "<sip:user" + std::to_string(i) + "@example.com>"),
              200);
  EXPECT_EQ(shared.locations->table("location").bindings(), 3'000U);
  EXPECT_LT(shared.locations->table("location").bytes(), 1'000'000U);
}

TEST_F(registrar, the_bytes_of_one_source_are_bounded_and_others_go_on) {
  load_registrar("modparam(\"usrloc\", \"max_kilobytes_per_source\", 8)\n");
  int accepted = 0;
  while (accepted < 200 &&
         register_with("Contact: <sip:x@192.0.2.2>\r\n",
                       "<sip:u" + std::to_string(accepted) + "@example.com>") == 200)
    ++accepted;
  EXPECT_GT(accepted, 10);
  EXPECT_LT(accepted, 80);
  EXPECT_EQ(last_.status(), 503);
  EXPECT_EQ(last_.reason(), "Too Many Contacts From This Address");
  EXPECT_EQ(last_.first(sip::header_id::retry_after), "60");
  // A phone that is there goes on, and so does one from elsewhere.
  EXPECT_EQ(register_with("Contact: <sip:x@192.0.2.2>\r\n", "<sip:u0@example.com>"), 200);
  auto p = request("REGISTER");
  p.uri = "sip:example.com";
  p.to = "<sip:elsewhere@example.com>";
  p.more = "Contact: <sip:x@198.51.100.2>\r\n";
  receive(p, "198.51.100.2:5060");
  take("200");
}

TEST_F(registrar, the_bytes_of_one_user_are_bounded) {
  load_registrar();
  int accepted = 0;
  for (int i = 0; i < 32; ++i)
    if (register_with("Contact: <sip:" + std::to_string(i) +
                          "@192.0.2.2;x=" + std::string(900, 'x') + ">\r\n",
                      "<sip:bob@example.com>", "c" + std::to_string(i)) == 200)
      ++accepted;
  EXPECT_GE(accepted, 10);
  EXPECT_LE(accepted * 900, 16 * 1024);
}

TEST_F(registrar, an_answer_to_a_datagram_is_at_most_ten_times_its_request_or_1300_bytes) {
  load_registrar();
  for (int i = 0; i < 15; ++i)
    EXPECT_EQ(register_with("Contact: <sip:" + std::to_string(i) +
                                "@192.0.2.2;x=" + std::string(800, 'x') + ">\r\n",
                            "<sip:bob@example.com>", "c" + std::to_string(i)),
              200);
  EXPECT_EQ(register_with(""), 200);
  const std::size_t asked = asked_;
  EXPECT_LE(last_.received_bytes().size(), std::max<std::size_t>(1300, 10 * asked));
  EXPECT_NE(last_.first(sip::header_id::warning).value_or("").find("left out"),
            std::string_view::npos);
}

TEST_F(registrar, sips_is_never_looked_up_to_a_sip_contact) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>\r\n"), 200);
  auto p = request("MESSAGE");
  p.uri = "sips:bob@example.com";
  receive(p);
  EXPECT_EQ(sent(), "404");
}

TEST_F(registrar, every_contact_that_was_accepted_is_tried) {
  load_registrar();
  std::string all;
  for (int i = 0; i < 32; ++i)
    all += (i == 0 ? "Contact: " : ", ") + ("<sip:" + std::to_string(i) + "@192.0.2.2>");
  EXPECT_EQ(register_with(all + "\r\n"), 200);
  const std::string tried = ways();
  EXPECT_EQ(std::count(tried.begin(), tried.end(), '@'), 32) << tried;
  EXPECT_EQ(
      register_with("Contact: <sip:one-more@192.0.2.2>\r\n", "<sip:bob@example.com>", "other"),
      503);
}

TEST_F(registrar, the_same_contact_is_the_same_by_the_comparison_of_uris) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:b@HOST.example;x=1>\r\n"), 200);
  EXPECT_EQ(register_with("Contact: <sip:%62@host.example;X=1>;expires=77\r\n"), 200);
  EXPECT_EQ(contacts(), "sip:%62@host.example;X=1 0 77");
  // RFC 3261 19.1.4: without a port is not with 5060.
  EXPECT_EQ(register_with("Contact: <sip:b@host.example:5060;x=1>;expires=88\r\n"), 200);
  EXPECT_EQ(contacts().find(" | ") != std::string::npos, true);
}

TEST_F(registrar, lists_and_tries_contacts_by_q_then_the_newest) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:a@192.0.2.2>;q=0.2, <sip:b@192.0.2.3>;q=1\r\n"), 200);
  out.advance(seconds{1});
  EXPECT_EQ(register_with("Contact: <sip:c@192.0.2.4>;q=0.2;expires=3599\r\n"), 200);
  EXPECT_EQ(contacts(),
            "sip:b@192.0.2.3 1000 3599 | sip:c@192.0.2.4 200 3599 | sip:a@192.0.2.2 200 3599");
  EXPECT_EQ(ways(), "sip:b@192.0.2.3 sip:c@192.0.2.4 sip:a@192.0.2.2");
}

TEST_F(registrar, refuses_too_brief_intervals_with_423_and_cuts_long_ones) {
  load_registrar(R"(modparam("registrar", "min_expires", 60)
                    modparam("registrar", "max_expires", 120))");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=59\r\n"), 423);
  EXPECT_EQ(last_.first(sip::header_id::min_expires), "60");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=4000\r\n"), 200);
  EXPECT_EQ(contacts(), "sip:b@192.0.2.2 0 120");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>;expires=0\r\n"), 200);
  EXPECT_EQ(contacts(), "");
}

TEST_F(registrar, takes_all_contacts_or_none) {
  load_registrar(R"(modparam("registrar", "max_contacts", 2))");
  EXPECT_EQ(register_with("Contact: <sip:a@192.0.2.2>\r\n"), 200);
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.3>, <sip:c@192.0.2.4>\r\n"), 503);
  EXPECT_EQ(registered(), "sip:a@192.0.2.2 0 3600");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.3>, <sip\r\n"), 400);
  EXPECT_EQ(registered(), "sip:a@192.0.2.2 0 3600");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.3>, <sip:a@192.0.2.2>\r\n"), 200);
}

TEST_F(registrar, refuses_an_address_of_record_without_user) {
  load_registrar();
  EXPECT_EQ(register_with("Contact: <sip:a@192.0.2.2>\r\n", "<sip:example.com>"), 400);
}

TEST_F(registrar, tells_users_apart_by_case_and_domain_as_the_parameters_say) {
  struct row {
    std::string_view more, stored, asked, goes;
  };
  const row table[] = {
      {"", "<sip:bob@example.com>", "sip:bob@192.0.2.100", "sip:x@192.0.2.2"},
      {"", "<sip:bob@example.com>", "sip:Bob@example.com", "404"},
      {"", "<sip:b%6fb@example.com>", "sip:bob@example.com", "sip:x@192.0.2.2"},
      {R"(modparam("registrar", "case_sensitive", 0))", "<sip:Bob2@example.com>",
       "sip:bOB2@example.com", "sip:x@192.0.2.2"},
      {R"(modparam("registrar", "use_domain", 1))", "<sip:bob3@example.com>",
       "sip:bob3@192.0.2.100", "404"},
      {R"(modparam("usrloc", "use_domain", 1))", "<sip:bob5@example.com>", "sip:bob5@192.0.2.100",
       "404"},
      {R"(modparam("registrar", "use_domain", 1))", "<sip:bob3@Example.com>",
       "sip:bob3@eXample.com", "sip:x@192.0.2.2"},
  };
  for (const row& r : table) {
    load_registrar(r.more);
    EXPECT_EQ(register_with("Contact: <sip:x@192.0.2.2>\r\n", r.stored), 200);
    EXPECT_EQ(ways(r.asked), r.goes) << r.asked;
  }
}

TEST_F(registrar, append_branches_0_takes_the_best_contact_alone) {
  load_registrar(R"(modparam("registrar", "append_branches", 0))");
  EXPECT_EQ(register_with("Contact: <sip:a@192.0.2.2>;q=0.2, <sip:b@192.0.2.3>;q=1\r\n"), 200);
  EXPECT_EQ(ways(), "sip:b@192.0.2.3");
}

TEST_F(registrar, keeps_the_path_and_puts_it_into_the_route) {
  load_registrar();
  EXPECT_EQ(register_with("Path: <sip:192.0.2.50;lr>\r\nContact: <sip:a@192.0.2.2>\r\n"), 200);
  EXPECT_EQ(last_.first(sip::header_id::path), "<sip:192.0.2.50;lr>");
  auto p = request("MESSAGE");
  p.uri = "sip:bob@example.com";
  receive(p);
  const auto m = take("MESSAGE");
  EXPECT_EQ(parsed(m.text).first(sip::header_id::route), "<sip:192.0.2.50;lr>");
  EXPECT_EQ(m.to.address.to_string(), "192.0.2.50:5060") << "RFC 3327 5.3: that is the next hop";
}

TEST_F(registrar, reaches_a_contact_with_the_nat_flag_where_its_register_came_from) {
  const auto sent_to = [&](std::string_view more, std::string_view statements) {
    load_route("if (method==\"REGISTER\") { setflag(4); save(\"location\"); }\n"
               "else { lookup(\"location\"); " +
                   std::string{statements} + " t_relay(); }",
               more);
    EXPECT_EQ(register_with("Contact: <sip:b@10.0.0.7:5070>\r\n"), 200);
    auto p = request("MESSAGE");
    p.uri = "sip:bob@example.com";
    p.via += std::to_string(++branch_);
    p.call_id = "m" + std::to_string(branch_);
    receive(p);
    return take("MESSAGE").to.address.to_string();
  };
  EXPECT_EQ(sent_to("", ""), "192.0.2.1:5060");
  EXPECT_EQ(sent_to("modparam(\"registrar\", \"nat_flag\", 5)\n", ""), "10.0.0.7:5070");
  EXPECT_EQ(sent_to("modparam(\"registrar\", \"nat_flag\", -1)\n", ""), "10.0.0.7:5070");
  // Another user is behind the same door, another host is not.
  EXPECT_EQ(sent_to("", R"(rewriteuser("c");)"), "192.0.2.1:5060");
  EXPECT_EQ(sent_to("", R"(rewriteuri("sip:voicemail@192.0.2.30");)"), "192.0.2.30:5060");
  EXPECT_EQ(sent_to("", R"(rewritehostport("192.0.2.30:5080");)"), "192.0.2.30:5080");
  EXPECT_EQ(sent_to("", R"(subst_uri("/10.0.0.7/192.0.2.31/");)"), "192.0.2.31:5070");
}

// Whoever registers somebody else's addresses and calls them makes us send there what he has sent
// ten times over, and no more (the rule of RFC 9000 8.1).
TEST_F(registrar, two_registers_and_an_invite_bring_ten_times_their_bytes_to_a_victim) {
  load_registrar();
  std::size_t paid = 0;
  std::size_t at_victim = 0;
  const auto all_sent = [&] {
    out.advance(seconds{300});
    while (!out.sent.empty())
      if (const auto m = out.take(); !m.text.starts_with("SIP/2.0")) at_victim += m.text.size();
  };
  for (unsigned port = 5000; port < 5032; port += 16) {
    std::string list;
    for (unsigned i = port; i < port + 16; ++i)
      list += (list.empty() ? "Contact: <sip:x@203.0.113.9:" : ", <sip:x@203.0.113.9:") +
              std::to_string(i) + ">";
    EXPECT_EQ(register_with(list + "\r\n"), 200);
    paid += asked_;
  }
  for (unsigned calls = 0; calls < 3; ++calls) {
    auto p = request("INVITE");
    p.uri = "sip:bob@example.com";
    p.call_id = "call-" + std::to_string(calls);
    p.via += "c" + std::to_string(calls);
    p.body = std::string(500, 'v');
    paid += stack::for_test::request_text(p).size();
    receive(p);
    all_sent();
    EXPECT_LE(at_victim, 10 * paid) << "after call " << calls;
    EXPECT_GT(at_victim, 5'000U);
  }
}

// A call to the twenty phones of an office, of which none has been called before.
TEST_F(registrar, every_phone_of_a_group_rings_at_the_first_call) {
  load_registrar();
  for (unsigned i = 0; i < 30; ++i)
    EXPECT_EQ(register_with("Contact: <sip:b@203.0.113.9:" + std::to_string(6'000 + i) + ">\r\n"),
              200);
  auto p = request("INVITE");
  p.uri = "sip:bob@example.com";
  p.body = std::string(900, 'v');
  receive(p);
  take("100");
  EXPECT_EQ(out.sent.size(), 30U);
}

TEST_F(registrar, save_noreply_answers_only_when_it_refuses) {
  load_route(R"(if (method=="REGISTER") { save_noreply("location"); sl_send_reply("202", "Mine"); }
                else if (lookup("location")) t_relay();)");
  EXPECT_EQ(register_with("Contact: <sip:b@192.0.2.2>\r\n"), 202);
  EXPECT_EQ(ways(), "sip:b@192.0.2.2");
  EXPECT_EQ(register_with("Contact: *\r\n"), 400);
  EXPECT_EQ(sent(), "") << "the script has ended";
}

TEST_F(registrar, is_from_registered_wants_the_address_of_the_registration) {
  load_route(R"(if (method=="REGISTER") save("location");
                else if (is_from_registered("location")) sl_send_reply("200", "yes");
                else sl_send_reply("200", "no");)");
  EXPECT_EQ(register_with("Contact: <sip:alice@192.0.2.1>\r\n", "<sip:alice@example.com>"), 200);
  auto p = request("OPTIONS");
  EXPECT_EQ(said(p), "yes");
  p.from = "<sip:alice@elsewhere.example>;tag=1";
  EXPECT_EQ(said(p), "no");
  p.from = "<sip:carol@example.com>;tag=1";
  EXPECT_EQ(said(p), "no");
  p = request("OPTIONS");
  receive(p, "192.0.2.66:5060");
  EXPECT_EQ(take_parsed("200").reason(), "no");
}

} // namespace
} // namespace tandem::modules::for_test
