// SPDX-License-Identifier: Apache-2.0
// Record-Route and Route (RFC 3261 16.4, 16.6), and what sl and maxfwd answer.
#include <tandem/modules/script_fixture_for_test.hpp>
#include <tandem/sip/single_values.hpp>

namespace tandem::modules::for_test {
namespace {

class rr : public script_fixture {
 protected:
  static request_parts in_dialog(std::string_view routes) {
    auto p = request("BYE");
    p.to += ";tag=bob-1";
    p.more = routes;
    return p;
  }
};

TEST_F(rr, record_route_adds_one_entry_of_ours_however_often_it_is_called) {
  load_route("record_route(); record_route(); t_relay();");
  receive(request("INVITE"));
  take("100");
  const auto m = take_parsed("INVITE");
  EXPECT_EQ(count_values(m, sip::header_id::record_route), 1U);
  const auto entry = m.first(sip::header_id::record_route).value_or("");
  EXPECT_TRUE(entry.starts_with("<sip:192.0.2.100;")) << entry;
  EXPECT_NE(entry.find(";ftag=alice-1"), std::string::npos) << entry;
  EXPECT_EQ(entry.find("flow="), std::string::npos) << entry;
  EXPECT_TRUE(entry.ends_with(";lr>")) << entry;
}

// Its edits need more room at some number, and what viewed them before is gone then.
TEST_F(rr, a_request_with_any_number_of_headers_leaves_for_the_uri_that_it_was_given) {
  load_route(R"(record_route(); seturi("sip:bob@192.0.2.7:5070"); t_relay();)");
  const std::string text = stack::for_test::request_text(request("OPTIONS"));
  const auto cseq = text.find("CSeq: ");
  std::string more;
  for (int lines = 0; lines < 60; ++lines) {
    std::string asked = text;
    asked.insert(cseq, more);
    const auto branch = asked.find("branch=z9hG4bK") + 14;
    asked.insert(branch, std::to_string(lines) + "n");
    receive_text(asked);
    EXPECT_TRUE(out.take().text.starts_with("OPTIONS sip:bob@192.0.2.7:5070 SIP/2.0"))
        << lines << " headers more";
    more += "X-Line: " + std::to_string(lines) + "\r\n";
  }
}

TEST_F(rr, parameters_shape_the_entry) {
  load_route("record_route(); t_relay();", R"(modparam("rr", "enable_full_lr", 1)
                                              modparam("rr", "append_fromtag", 0))");
  receive(request("MESSAGE"));
  const auto m = take_parsed("MESSAGE");
  const auto entry = m.first(sip::header_id::record_route).value_or("");
  EXPECT_TRUE(entry.ends_with(";lr=on>")) << entry;
  EXPECT_EQ(entry.find("ftag"), std::string::npos) << entry;
}

TEST_F(rr, two_entries_where_the_transport_changes) {
  load_route("record_route(); t_relay();");
  auto p = request("MESSAGE");
  p.uri = "sip:bob@192.0.2.2;transport=tcp";
  receive(p);
  const auto m = take_parsed("MESSAGE");
  EXPECT_EQ(count_values(m, sip::header_id::record_route), 2U);
  for_each_value(m, sip::header_id::record_route, [](std::string_view entry) {
    EXPECT_NE(entry.find(";r2=on"), std::string_view::npos) << entry;
  });
  EXPECT_NE(m.front(sip::header_id::record_route)->find("transport=tcp"), std::string_view::npos);
}

TEST_F(rr, one_entry_or_one_with_a_user_where_the_parameters_say_so) {
  load_route("record_route(); t_relay();", R"(modparam("rr", "enable_double_rr", 0)
                                              modparam("rr", "add_username", 1))");
  auto p = request("MESSAGE");
  p.uri = "sip:bob@192.0.2.2;transport=tcp";
  receive(p);
  const auto m = take_parsed("MESSAGE");
  EXPECT_EQ(count_values(m, sip::header_id::record_route), 1U);
  const auto entry = m.first(sip::header_id::record_route).value_or("");
  EXPECT_TRUE(entry.starts_with("<sip:bob@192.0.2.100;")) << entry;
  EXPECT_EQ(entry.find("r2="), std::string::npos) << entry;
}

TEST_F(rr, record_route_preset_says_what_the_script_says) {
  load_route(R"(record_route_preset("sip.example.com:5070"); t_relay();)");
  receive(request("MESSAGE"));
  EXPECT_TRUE(take_parsed("MESSAGE")
                  .first(sip::header_id::record_route)
                  .value_or("")
                  .starts_with("<sip:sip.example.com:5070;"));
}

TEST_F(rr, loose_route_takes_our_entry_and_goes_on_by_the_next) {
  load_route(R"(if (loose_route()) t_relay(); else sl_send_reply("404", "No");)");
  receive(in_dialog("Route: <sip:192.0.2.100;lr>, <sip:192.0.2.5:5070;lr>\r\n"));
  const auto sent = take("BYE");
  EXPECT_EQ(sent.to.address.to_string(), "192.0.2.5:5070");
  const auto m = parsed(sent.text);
  EXPECT_EQ(m.request_uri(), "sip:bob@192.0.2.2");
  EXPECT_EQ(m.first(sip::header_id::route), "<sip:192.0.2.5:5070;lr>");
}

TEST_F(rr, loose_route_takes_both_entries_of_a_pair) {
  load_route("if (loose_route()) t_relay();");
  receive(in_dialog("Route: <sip:192.0.2.100;transport=tcp;r2=on;lr>\r\n"
                    "Route: <sip:192.0.2.100;r2=on;lr>\r\n"
                    "Route: <sip:192.0.2.5;lr>\r\n"));
  const auto m = take_parsed("BYE");
  EXPECT_EQ(count_values(m, sip::header_id::route), 1U);
}

TEST_F(rr, with_our_entry_alone_loose_route_is_false_in_classic_mode_only) {
  for (const auto& [compat, says] :
       {std::pair{"compat=\"classic\"\n", "no"}, std::pair{"compat=\"rfc\"\n", "yes"}}) {
    load_route(R"cfg(if (loose_route()) sl_send_reply("200", "yes$hdr(Route)");
    else sl_send_reply("200", "no$hdr(Route)");)cfg",
               compat);
    EXPECT_EQ(said(in_dialog("Route: <sip:192.0.2.100;lr>\r\n")), says) << compat;
  }
}

TEST_F(rr, loose_route_is_false_without_route) {
  load_route(R"(if (loose_route()) sl_send_reply("200", "yes"); else sl_send_reply("200", "no");)");
  EXPECT_EQ(said(), "no");
}

TEST_F(rr, restores_the_request_uri_that_a_strict_router_replaced) {
  load_route("if (loose_route()) t_relay();");
  auto p = in_dialog("Route: <sip:192.0.2.5;lr>, <sip:bob@192.0.2.2>\r\n");
  p.uri = "sip:192.0.2.100;lr";
  receive(p);
  const auto m = take_parsed("BYE");
  EXPECT_EQ(m.request_uri(), "sip:bob@192.0.2.2");
  EXPECT_EQ(m.first(sip::header_id::route), "<sip:192.0.2.5;lr>");
}

TEST_F(rr, rewrites_the_request_for_a_strict_next_hop) {
  load_route("if (loose_route()) t_relay();");
  receive(in_dialog("Route: <sip:192.0.2.100;lr>, <sip:192.0.2.5>\r\n"));
  const auto m = take_parsed("BYE");
  EXPECT_EQ(m.request_uri(), "sip:192.0.2.5");
  EXPECT_EQ(m.back(sip::header_id::route), "<sip:bob@192.0.2.2>");
}

/// Says whether a request within the dialog is one.
constexpr std::string_view judges = R"(
    if (has_totag()) {
      loose_route();
      if (is_routed_before()) sl_send_reply("200", "yes"); else sl_send_reply("200", "no");
      break;
    }
    record_route(); t_relay();)";

TEST_F(rr, is_routed_before_knows_what_goes_to_the_other_party_of_the_dialog) {
  load_route(judges);
  auto invite = request("INVITE");
  invite.more = "Contact: <sip:alice@192.0.2.1>\r\n";
  receive(invite);
  take("100");
  const auto sent = take("INVITE");
  const auto routes = [](const sip::message& m) {
    return "Route: " + std::string{m.first(sip::header_id::record_route).value_or("")} + "\r\n";
  };
  const std::string for_bob = routes(parsed(sent.text));
  answer(sent, 200, "Contact: <sip:bob@192.0.2.2>\r\n");
  const std::string for_alice = routes(take_parsed("200"));
  EXPECT_NE(for_alice, for_bob);

  EXPECT_EQ(said(in_dialog(for_alice)), "yes");
  EXPECT_EQ(said(in_dialog(for_bob)), "no") << "it leads to alice";
  auto bye = in_dialog(for_bob);
  std::swap(bye.from, bye.to);
  bye.uri = "sip:alice@192.0.2.1";
  EXPECT_EQ(said(bye), "yes");
  for (const char* const method : {"INVITE", "MESSAGE", "OPTIONS", "BYE"}) {
    auto other = in_dialog(for_alice);
    other.method = method;
    other.via += "x";
    other.uri = "sip:carol@192.0.2.3:80;transport=tcp";
    EXPECT_EQ(said(other), "no") << method;
  }
  EXPECT_EQ(said(in_dialog(for_alice + "Route: <sip:192.0.2.66;lr>\r\n")), "no");
  auto other = in_dialog(for_alice);
  other.call_id = "another-call";
  EXPECT_EQ(said(other), "no");
  EXPECT_EQ(said(in_dialog("Route: <sip:192.0.2.100;lr>\r\n")), "no");
}

// RFC 3261 12.2
TEST_F(rr, is_routed_before_follows_a_party_that_has_moved) {
  load_route(R"(
    if (has_totag()) {
      if (loose_route() && is_routed_before()) { record_route(); t_relay(); break; }
      sl_send_reply("403", "no"); break;
    }
    record_route(); t_relay();)");
  auto invite = request("INVITE");
  invite.more = "Contact: <sip:alice@192.0.2.1>\r\n";
  receive(invite);
  take("100");
  const auto sent = take("INVITE");
  answer(sent, 200, "Contact: <sip:bob@192.0.2.2>\r\n");
  const auto ok = take_parsed("200");
  auto update = in_dialog("Route: " + std::string{*ok.first(sip::header_id::record_route)} +
                          "\r\nContact: <sip:alice@192.0.2.1>\r\n");
  update.method = "UPDATE";
  receive(update);
  answer(take("UPDATE"), 200, "Contact: <sip:bob@192.0.2.55:5099>\r\n");
  take("200");
  auto bye = in_dialog("Route: " + std::string{*ok.first(sip::header_id::record_route)} + "\r\n");
  bye.cseq = 3;
  bye.via += "x";
  bye.uri = "sip:bob@192.0.2.55:5099";
  receive(bye);
  EXPECT_EQ(take("BYE").to.address.to_string(), "192.0.2.55:5099");
  bye.via += "x";
  bye.uri = "sip:bob@192.0.2.56:5099";
  receive(bye);
  EXPECT_EQ(this->sent(), "403");
}

// RFC 3261 12.2: what the other party hears of counts, and not what the script has replaced.
TEST_F(rr, is_routed_before_follows_a_party_to_the_contact_that_the_script_gave_it) {
  load_route(R"(
    t_on_reply("1");
    if (has_totag()) {
      if (loose_route() && is_routed_before()) {
        if (method=="UPDATE") {
          remove_hf("Contact"); append_hf("Contact: <sip:alice@198.51.100.7>\r\n");
        }
        t_relay(); break;
      }
      sl_send_reply("403", "no"); break;
    }
    record_route(); t_relay();)",
             R"(onreply_route[1] {
      if (method=="UPDATE") {
        remove_hf("Contact"); append_hf("Contact: <sip:bob@198.51.100.8>\r\n");
      }
    })");
  auto invite = request("INVITE");
  invite.more = "Contact: <sip:alice@192.0.2.1>\r\n";
  receive(invite);
  take("100");
  const auto sent = take("INVITE");
  answer(sent, 200, "Contact: <sip:bob@192.0.2.2>\r\n");
  const auto route = [](const sip::message& m) {
    return "Route: " + std::string{m.first(sip::header_id::record_route).value_or("")} + "\r\n";
  };
  const std::string for_bob = route(parsed(sent.text));
  const std::string for_alice = route(take_parsed("200"));
  auto update = in_dialog(for_alice + "Contact: <sip:alice@10.0.0.7>\r\n");
  update.method = "UPDATE";
  receive(update);
  answer(take("UPDATE"), 200, "Contact: <sip:bob@10.0.0.8>\r\n");
  take("200");
  auto from_bob = in_dialog(for_bob);
  std::swap(from_bob.from, from_bob.to);
  auto from_alice = in_dialog(for_alice);
  unsigned n = 0;
  for (auto [p, uri, status] : {std::tuple{from_bob, "sip:alice@198.51.100.7", "INFO"},
                                std::tuple{from_bob, "sip:alice@10.0.0.7", "403"},
                                std::tuple{from_alice, "sip:bob@198.51.100.8", "INFO"},
                                std::tuple{from_alice, "sip:bob@10.0.0.8", "403"}}) {
    p.method = "INFO";
    p.uri = uri;
    p.via += "n" + std::to_string(++n);
    p.cseq = 10 + n;
    receive(p);
    EXPECT_EQ(this->sent(), status) << uri;
  }
}

// What edits the Contact after record_route() counts, too.
TEST_F(rr, the_mark_is_of_the_request_as_it_leaves) {
  load_route(R"(if (has_totag()) { loose_route();
      if (is_routed_before()) sl_send_reply("200", "yes"); else sl_send_reply("200", "no"); break; }
    record_route(); remove_hf("Contact"); append_hf("Contact: <sip:alice@198.51.100.7>\r\n");
    t_relay();)");
  auto invite = request("INVITE");
  invite.more = "Contact: <sip:alice@192.0.2.1>\r\n";
  receive(invite);
  take("100");
  const auto sent = take_parsed("INVITE");
  auto bye = in_dialog("Route: " + std::string{*sent.first(sip::header_id::record_route)} + "\r\n");
  std::swap(bye.from, bye.to);
  bye.uri = "sip:alice@198.51.100.7";
  EXPECT_EQ(said(bye), "yes");
  bye.uri = "sip:alice@192.0.2.1";
  EXPECT_EQ(said(bye), "no");
}

// The caller is behind a NAT: what the callee sends follows the way of the INVITE.
TEST_F(rr, requests_to_a_caller_behind_a_nat_go_the_way_his_came) {
  load_route(R"(
    if (has_totag()) { loose_route(); t_relay(); break; }
    setflag(4); record_route(); t_relay();)");
  auto invite = request("INVITE");
  invite.more = "Contact: <sip:alice@10.0.0.7>\r\n";
  receive(invite, "203.0.113.7:31000");
  take("100");
  const auto sent = take_parsed("INVITE");
  auto bye = in_dialog("Route: " + std::string{*sent.first(sip::header_id::record_route)} + "\r\n");
  std::swap(bye.from, bye.to);
  bye.uri = "sip:alice@10.0.0.7";
  receive(bye, "192.0.2.2:5060");
  const auto to_alice = take("BYE");
  EXPECT_EQ(to_alice.to.address.to_string(), "203.0.113.7:31000");
  EXPECT_EQ(parsed(to_alice.text).request_uri(), "sip:alice@10.0.0.7");
}

class sl : public script_fixture {};

TEST_F(sl, replies_with_a_to_tag_and_nothing_to_an_ack) {
  load_route(R"(sl_send_reply("404", "Not Found");)");
  receive(request("INVITE"));
  const auto reply = take_parsed("404");
  EXPECT_FALSE(reply.to_tag().empty());
  EXPECT_EQ(layer.size(), 0U);
  // The ACK for our own reply carries our To-tag and never reaches the script.
  auto ack = request("ACK");
  ack.to += ";tag=" + std::string{reply.to_tag()};
  receive(ack);
  EXPECT_EQ(core->counters().absorbed_acks, 1U);
  ack.to = "<sip:bob@example.com>;tag=other";
  receive(ack);
  EXPECT_EQ(core->counters().requests, 2U);
  EXPECT_EQ(sent(), "");
}

TEST_F(sl, a_redirection_names_the_rewritten_uri_and_the_branches) {
  load_route(R"(rewriteuri("sip:a@192.0.2.9"); append_branch("sip:b@192.0.2.8;transport=tcp");
                sl_send_reply("302", "Moved");)");
  receive(request("INVITE"));
  EXPECT_EQ(take_parsed("302").first(sip::header_id::contact),
            "sip:a@192.0.2.9, <sip:b@192.0.2.8;transport=tcp>");
  load_route(R"(sl_send_reply("302", "Moved");)");
  receive(request("OPTIONS"));
  EXPECT_FALSE(take_parsed("302").has(sip::header_id::contact));
}

class maxfwd : public script_fixture {};

TEST_F(maxfwd, the_steps_of_older_scripts_ask_add_and_count) {
  load_route(R"cfg(if (mf_is_maxfwd_present()) {
      if (mf_decrement_maxfwd_header()) sl_send_reply("200", "$hdr(Max-Forwards)");
      else sl_send_reply("483", "no");
    } else {
      if (mf_decrement_maxfwd_header()) log("there is none");
      mf_add_maxfwd_header("16"); sl_send_reply("200", "$hdr(Max-Forwards)");
    })cfg");
  const std::string text = stack::for_test::request_text(request("OPTIONS"));
  for (const auto& [line, says] : {std::pair{"Max-Forwards: 70\r\n", "69"},
                                   std::pair{"Max-Forwards: 0\r\n", "no"}, std::pair{"", "16"}}) {
    std::string changed = text;
    changed.replace(changed.find("Max-Forwards: 70\r\n"), 18, line);
    receive_text(changed);
    EXPECT_EQ(parsed(out.take().text).reason(), says) << line;
  }
}

TEST_F(maxfwd, counts_down_adds_what_is_missing_and_is_false_at_the_end) {
  load_route(R"cfg(if (mf_process_maxfwd_header("10")) sl_send_reply("200", "$hdr(Max-Forwards)");
  else sl_send_reply("483", "no");)cfg");
  const std::string text = stack::for_test::request_text(request("OPTIONS"));
  struct row {
    std::string_view line;
    int status;
    std::string_view reason;
  };
  const row table[] = {
      {"Max-Forwards: 70\r\n", 200, "69"},
      {"Max-Forwards: 1\r\n", 200, "0"},
      {"Max-Forwards: 0\r\n", 483, "no"},
      {"", 200, "10"},
  };
  for (const row& r : table) {
    std::string changed = text;
    changed.replace(changed.find("Max-Forwards: 70\r\n"), 18, r.line);
    receive_text(changed);
    const auto m = parsed(out.take().text);
    EXPECT_EQ(m.status(), r.status) << r.line;
    EXPECT_EQ(m.reason(), r.reason) << r.line;
  }
}

} // namespace
} // namespace tandem::modules::for_test
