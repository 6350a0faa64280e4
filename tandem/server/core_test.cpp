// SPDX-License-Identifier: Apache-2.0
// The core with a script and a module of this test's own, in virtual time.
#include <tandem/server/core_fixture_for_test.hpp>

namespace tandem::server {
namespace {

using namespace for_test;

// ---- requests and replies

TEST_F(routing_core, runs_the_script_on_a_request_and_replies_as_it_says) {
  load(R"(answer(404, "No $rU here");)");
  receive(request("MESSAGE"));
  const sip::message reply = take("404");
  EXPECT_EQ(reply.reason(), "No bob here");
  EXPECT_EQ(reply.first(sip::header_id::via), "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKaaa1");
  EXPECT_EQ(reply.first(sip::header_id::cseq), "1 MESSAGE");
  EXPECT_FALSE(reply.to_tag().empty());
  EXPECT_EQ(reply.first(sip::header_id::server), "Tandem/" TANDEM_VERSION);
  EXPECT_EQ(reply.count(sip::header_id::warning), 0U);
  EXPECT_EQ(core_->counters().requests, 1U);
  EXPECT_EQ(core_->counters().stateless_replies, 1U);
}

TEST_F(routing_core, says_nothing_where_the_script_says_nothing) {
  load(R"(note("$rm");)");
  receive(request("OPTIONS"));
  EXPECT_EQ(notes(), std::vector<std::string>{"OPTIONS"});
  EXPECT_TRUE(out.sent.empty());
  EXPECT_FALSE(core_->has_unanswered());
}

TEST_F(routing_core, signs_and_warns_as_the_parameters_say) {
  load(R"(answer(404, "No");)", "server_signature=no\nsip_warning=yes");
  receive(request("OPTIONS"));
  const sip::message reply = take("404");
  EXPECT_EQ(reply.count(sip::header_id::server), 0U);
  // RFC 3261 20.43: code, agent, quoted text.
  EXPECT_EQ(reply.first(sip::header_id::warning),
            R"(392 192.0.2.100:5060 "req_src_ip=192.0.2.1 req_src_port=5060 )"
            R"(in_uri=sip:bob@192.0.2.2 via_cnt=1")");
}

TEST_F(routing_core, keeps_a_quote_of_the_request_uri_out_of_the_warning) {
  load(R"(answer(404, "No");)", "sip_warning=yes");
  auto p = request("OPTIONS");
  p.uri = "urn:x:a\"b";
  receive(p);
  const stack::sent_message m = out.take();
  if (m.text.starts_with("SIP/2.0 404"))
    EXPECT_NE(m.text.find("in_uri=- "), std::string::npos) << m.text;
  else
    EXPECT_TRUE(m.text.starts_with("SIP/2.0 400")) << m.text; // a URI with a quote is none
}

TEST_F(routing_core, gives_each_copy_of_a_request_the_same_tag_and_each_request_its_own) {
  load(R"(answer(404, "No");)");
  const auto tag_of = [&](const request_parts& p) {
    receive(p);
    return std::string{take("404").to_tag()};
  };
  const auto first = request("OPTIONS");
  const std::string tag = tag_of(first);
  EXPECT_EQ(tag_of(first), tag) << "RFC 3261 8.2.7";
  auto other = first;
  other.call_id = "another@192.0.2.1";
  EXPECT_NE(tag_of(other), tag);
  other = first;
  other.cseq = 2;
  EXPECT_NE(tag_of(other), tag);
}

TEST_F(routing_core, keeps_the_tag_that_a_request_within_a_dialog_has) {
  load(R"(answer(481, "No");)");
  auto p = request("BYE");
  p.to += ";tag=theirs";
  receive(p);
  EXPECT_EQ(take("481").to_tag(), "theirs");
}

TEST_F(routing_core, refuses_what_is_not_valid_before_the_script) {
  load(R"(note("ran"); answer(200, "OK");)");
  std::string text = request_text(request("OPTIONS"));
  text.replace(text.find("CSeq: 1 OPTIONS"), 15, "CSeq: 1 INVITE");
  receive_text(text);
  const sip::message reply = take("400");
  EXPECT_EQ(reply.count(sip::header_id::warning), 1U) << "it says what is wrong";
  EXPECT_TRUE(notes().empty());
  EXPECT_EQ(core_->counters().rejected, 1U);
  EXPECT_EQ(core_->counters().requests, 0U);
}

TEST_F(routing_core, hands_on_a_request_uri_only_while_its_bytes_are_there) {
  load(R"(answer(200, "OK");)");
  const std::string text = request_text(request("OPTIONS"));
  const auto read_of = [](const sip::message& m) {
    const auto uri = sip::uri::parse(m.request_uri());
    EXPECT_TRUE(uri);
    return sip::read_values{.target = uri ? std::optional{*uri} : std::nullopt};
  };
  const auto view = [](const message_context& m) {
    const auto uri = m.parsed_uri();
    return uri ? uri->text() : std::string_view{};
  };
  message_context m{*core_};
  {
    const sip::message copy = parsed(text);
    m.begin({}, nullptr, script::block_kind::request, parsed(text), {});
    m.take_read(read_of(copy)); // the same text, elsewhere
  }
  EXPECT_EQ(view(m).data(), m.original_uri().data());
  m.take_read(read_of(m.message()));
  EXPECT_EQ(view(m).data(), m.original_uri().data());
  ASSERT_TRUE(m.force_rport());
  EXPECT_EQ(view(m).data(), m.original_uri().data());
  ASSERT_TRUE(m.rewrite_uri("sip:x@192.0.2.9"));
  EXPECT_EQ(view(m), "sip:x@192.0.2.9");
  EXPECT_EQ(view(m).data(), m.message().request_uri().data());
  ASSERT_TRUE(m.rewrite_uri("sip:another@192.0.2.9"));
  EXPECT_EQ(view(m), "sip:another@192.0.2.9");
}

TEST_F(routing_core, lets_the_script_see_a_request_that_has_no_hops_left) {
  load(R"(answer(200, "mine");)"); // RFC 3261 16.3 step 3: it may be for us
  std::string text = request_text(request("OPTIONS"));
  text.replace(text.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
  receive_text(text);
  take("200");
}

TEST_F(routing_core, answers_no_ack) {
  load(R"(answer(500, "Never");)");
  auto p = request("ACK");
  p.to += ";tag=theirs";
  receive(p);
  EXPECT_TRUE(out.sent.empty());
}

TEST_F(routing_core, takes_the_ack_of_its_own_reply_and_leaves_the_others_to_the_script) {
  load(R"(if (method=="ACK") note("an ACK"); else answer(486, "Busy");)");
  receive(request("INVITE"));
  const std::string tag{take("486").to_tag()};
  auto ack = request("ACK");
  ack.to += ";tag=" + tag;
  receive(ack);
  EXPECT_EQ(core_->counters().absorbed_acks, 1U);
  EXPECT_TRUE(notes().empty());
  ack.to = "<sip:bob@example.com>;tag=another";
  receive(ack);
  EXPECT_EQ(core_->counters().absorbed_acks, 1U);
  EXPECT_EQ(notes().size(), 1U);
}

TEST_F(routing_core, leaves_out_a_header_line_that_would_not_be_one) {
  load(R"(answer(200, "OK");)");
  const auto m = parsed(request_text(request("OPTIONS")));
  const auto from = stack::for_test::arrived_from("192.0.2.1:5060");
  auto made = core_->begin_reply(m, 200);
  EXPECT_TRUE(made.add("X-Good", "1"));
  EXPECT_FALSE(made.add("bad name", "2"));
  EXPECT_FALSE(made.add("X-Nul", std::string_view{"a\0b", 3}));
  EXPECT_FALSE(made.add("X-Line", "a\r\nb"));
  ASSERT_TRUE(core_->reply(m, from, std::move(made)));
  const sip::message reply = take("200");
  EXPECT_EQ(reply.count("X-Good"), 1U);
  EXPECT_EQ(reply.count("X-Nul"), 0U);
  EXPECT_EQ(reply.count("X-Line"), 0U);
  EXPECT_EQ(reply.to_string().find("bad name"), std::string::npos);
}

// ---- responses without a transaction

TEST_F(routing_core, drops_a_response_to_nothing_that_it_has_sent) {
  load("answer(200, \"OK\");");
  auto m = parsed("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.100;branch=z9hG4bKforged\r\n"
                  "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKtheirs\r\n"
                  "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>;tag=2\r\n"
                  "Call-ID: stray\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
  layer.receive_response(m, stack::for_test::arrived_from("192.0.2.2:5060"));
  out.end_turn();
  EXPECT_TRUE(out.sent.empty()) << "else anybody could have us send what he likes to whom he likes";
}

// ---- drain, reload

TEST_F(routing_core, refuses_what_begins_something_while_it_drains) {
  load(R"(answer(200, "$rm");)");
  core_->drain();
  for (const char* method : {"INVITE", "REGISTER", "OPTIONS", "MESSAGE"}) {
    auto p = request(method);
    p.call_id = method;
    receive(p);
    EXPECT_EQ(take("503").first(sip::header_id::retry_after), "5") << method;
  }
  EXPECT_EQ(core_->counters().rejected, 4U);
  auto bye = request("BYE");
  bye.to += ";tag=theirs";
  receive(bye);
  EXPECT_EQ(take("200").reason(), "BYE");
  receive(request("CANCEL"));
  EXPECT_EQ(take("200").reason(), "CANCEL");
}

TEST_F(routing_core, runs_another_script_from_the_next_request_on) {
  load(R"(wait(); answer(200, "first");)");
  receive(request("OPTIONS"));
  const auto held = waiting().back();
  load(R"(answer(200, "second");)");
  auto p = request("OPTIONS");
  p.call_id = "another@192.0.2.1";
  p.via += "b";
  receive(p);
  EXPECT_EQ(take("200").reason(), "second");
  bring(held, 1);
  EXPECT_EQ(take("200").reason(), "first") << "what had begun ends as it began";
}

TEST_F(routing_core, counts_the_references_to_its_script_for_itself) {
  load(R"(answer(200, "OK");)");
  const auto given = core_->script();
  core_->load(given);
  EXPECT_EQ(core_->script(), given);
  EXPECT_TRUE(given.owner_before(core_->script()) || core_->script().owner_before(given));
}

// ---- suspension

TEST_F(routing_core, goes_on_where_a_function_suspended_it_with_the_value_that_was_brought) {
  load(R"(note("before"); if (wait()) answer(200, "yes"); else answer(500, "no");)");
  receive(request("OPTIONS"));
  EXPECT_TRUE(out.sent.empty());
  EXPECT_TRUE(core_->has_unanswered());
  EXPECT_EQ(core_->counters().suspensions, 1U);
  bring(-1);
  EXPECT_EQ(take("500").reason(), "no");
  EXPECT_EQ(notes().size(), 1U);
  EXPECT_FALSE(core_->has_unanswered());
}

TEST_F(routing_core, has_no_use_for_what_comes_for_a_run_that_is_gone) {
  load(R"(wait(); answer(200, "OK");)");
  receive(request("OPTIONS"));
  const auto held = waiting().back();
  bring(held, 1);
  take("200");
  bring(held, 1);
  EXPECT_TRUE(out.sent.empty());
}

TEST_F(routing_core, absorbs_copies_of_a_suspended_request_and_lets_the_rest_of_its_call_wait) {
  load(R"(note("$rm"); if (method=="INFO") wait(); answer(200, "$rm");)");
  auto info = request("INFO");
  info.to += ";tag=theirs";
  receive(info);
  receive(info);
  receive(info);
  auto bye = request("BYE");
  bye.to = info.to;
  bye.cseq = 2;
  bye.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKaaa2";
  receive(bye);
  EXPECT_EQ(notes(), std::vector<std::string>{"INFO"});
  bring(1);
  EXPECT_EQ(take("200").reason(), "INFO");
  EXPECT_EQ(take("200").reason(), "BYE");
  EXPECT_EQ(notes(), (std::vector<std::string>{"INFO", "BYE"}));
}

TEST_F(routing_core, tells_a_caller_that_it_is_trying_when_a_script_waits_for_long) {
  load(R"(wait(); answer(200, "OK");)");
  receive(request("INVITE"));
  out.advance(milliseconds{150});
  EXPECT_TRUE(out.sent.empty());
  out.advance(milliseconds{100}); // RFC 3261 17.2.1: after 200 ms
  EXPECT_TRUE(take("100").to_tag().empty()) << "RFC 3261 8.2.6.1";
  bring(1);
  take("200");
}

class crowded_core : public routing_core {
 protected:
  crowded_core() : routing_core{stack::transaction_limits{.waiting_per_call = 2, .suspended = 1}} {}
};

// One setting says when whoever is refused for now may come again (RFC 3261 21.5.4).
TEST_F(crowded_core, refuses_to_wait_beyond_its_bound) {
  load(R"(wait(); answer(200, "OK");)", "overload_retry_after=7");
  receive(request("OPTIONS"));
  auto p = request("OPTIONS");
  p.call_id = "another@192.0.2.1";
  p.via += "b";
  receive(p);
  EXPECT_EQ(take("503").first(sip::header_id::retry_after), "7");
  bring(1); // of the one that was refused: nobody is there
  EXPECT_TRUE(out.sent.empty());
  bring(waiting().front(), 1);
  take("200");
  EXPECT_FALSE(core_->has_unanswered());
}

TEST_F(crowded_core, tells_the_end_of_a_block_that_may_not_wait_before_its_start_returns) {
  load(R"(wait();)");
  receive(request("OPTIONS"));
  auto p = request("OPTIONS");
  p.call_id = "another@192.0.2.1";
  p.via += "b";
  listener of_end;
  message_context& m =
      core_->prepare(core_->script(), script::block_kind::request, parsed(request_text(p)),
                     stack::for_test::arrived_from("192.0.2.1:5060"));
  EXPECT_EQ(core_->start(m, core_->script()->program()->main_block(), of_end),
            run_state::suspended);
  EXPECT_EQ(of_end.heard, "0 later");
  take("503");
}

TEST_F(crowded_core, refuses_more_requests_of_a_waiting_call_than_its_queue_holds) {
  load(R"(if (method=="INFO") wait(); answer(200, "$rm");)");
  receive(request("INFO"));
  for (unsigned i = 2; i <= 4; ++i) {
    auto p = request("MESSAGE");
    p.cseq = i;
    p.via += std::to_string(i);
    receive(p);
  }
  EXPECT_EQ(take("503").first(sip::header_id::cseq), "4 MESSAGE");
  EXPECT_TRUE(out.sent.empty());
  bring(1);
  EXPECT_EQ(out.sent.size(), 3U);
}

// ---- what a run carries

TEST_F(routing_core, leaves_a_block_that_has_ended_at_once_to_whoever_started_it) {
  load(R"(answer(200, "OK");)");
  receive(request("OPTIONS"));
  take("200");
  const auto version = core_->script();
  const auto main = version->program()->main_block();
  listener of_end;
  message_context& m =
      core_->prepare(version, script::block_kind::failure, parsed(request_text(request("INVITE"))),
                     stack::for_test::arrived_from("192.0.2.1:5060"));
  m.set_flags(486);
  EXPECT_EQ(core_->start(m, main, of_end), run_state::ended);
  EXPECT_EQ(of_end.heard, "") << "nobody is called back from inside";
  EXPECT_EQ(m.flags(), 486U);
  core_->discard(m);
}

TEST_F(routing_core, tells_the_end_of_a_block_that_has_waited_later) {
  load(R"(wait();)");
  receive(request("OPTIONS"));
  bring(1);
  listener of_end;
  message_context& m = core_->prepare(core_->script(), script::block_kind::onreply,
                                      parsed(answer_text(request_text(request("INVITE")), 180)),
                                      stack::for_test::arrived_from("192.0.2.2:5060"));
  EXPECT_EQ(core_->start(m, core_->script()->program()->main_block(), of_end),
            run_state::suspended);
  EXPECT_EQ(of_end.heard, "");
  bring(1);
  EXPECT_EQ(of_end.heard, "0 later");
}

TEST_F(routing_core, begins_each_run_with_nothing_of_the_one_before) {
  load(R"(if (isflagset(3)) note("flag"); setflag(3);
          if (uri=~"changed") note("uri"); rewriteuser("changed");)");
  receive(request("OPTIONS"));
  receive(request("OPTIONS"));
  EXPECT_TRUE(notes().empty());
}

TEST_F(routing_core, knows_which_addresses_a_name_of_a_condition_stands_for) {
  shared.condition_hosts["gateway.example"] = {*ip_address::parse("192.0.2.7"),
                                               *ip_address::parse("2001:db8::7")};
  load(R"(answer(200, "OK");)");
  EXPECT_TRUE(
      core_->is_host(*core_->script(), "gateway.example", *ip_address::parse("2001:db8::7")));
  EXPECT_FALSE(
      core_->is_host(*core_->script(), "gateway.example", *ip_address::parse("192.0.2.8")));
  EXPECT_FALSE(core_->is_host(*core_->script(), "other.example", *ip_address::parse("192.0.2.7")));
}

TEST_F(routing_core, follows_a_name_of_a_condition_to_its_new_addresses) {
  const auto before = *ip_address::parse("192.0.2.7");
  const auto after = *ip_address::parse("192.0.2.8");
  shared.condition_hosts["gateway.example"] = {before};
  load(R"(answer(200, "OK");)");
  core_->set_hosts(
      std::make_shared<const host_addresses>(host_addresses{{"gateway.example", {after}}}));
  EXPECT_FALSE(core_->is_host(*core_->script(), "gateway.example", before));
  EXPECT_TRUE(core_->is_host(*core_->script(), "gateway.example", after));
}

} // namespace
} // namespace tandem::server
