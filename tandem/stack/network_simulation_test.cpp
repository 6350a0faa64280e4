// SPDX-License-Identifier: Apache-2.0
// Calls through a forking proxy over a network that loses, repeats and reorders: every call ends
// with a defined result, nothing is left behind. The seed is printed; SEED= replays it.
#include <tandem/base/random.hpp>
#include <tandem/sip/build.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/name_addr.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/proxy.hpp>
#include <tandem/stack/simulated_network.hpp>
#include <tandem/stack/wire.hpp>

#include <cstdlib>
#include <memory>
#include <set>

namespace tandem::stack {
namespace {

using namespace for_test;

constexpr duration t1_64 = 64 * milliseconds{500};

std::uint64_t seed_of_this_run() {
  if (const char* text = std::getenv("SEED")) return std::strtoull(text, nullptr, 10);
  return 20'261'121;
}

/// A proxy that forks every INVITE to all callees, and routes the rest by Request-URI.
class proxy_element : public request_user, public proxy_user {
 public:
  proxy_element(simulated_network& network, std::vector<std::string> callees)
      : host{network, "192.0.2.100"}, layer{host, timer_settings{}}, core{layer, {}},
        callees_{std::move(callees)} {
    host.layer = &layer;
    layer.set_core(*this);
  }

  simulated_host host;
  transaction_layer layer;
  proxy core;

 private:
  void on_request(sip::message& request, const arrival& from) override {
    const auto routing = routing_hash(request, layer.secret());
    std::vector<std::vector<target>> targets;
    std::vector<std::string> uris;
    if (request.to_tag().empty() && request.method() == sip::method::invite) {
      for (const auto& callee : callees_) {
        uris.push_back("sip:bob@" + callee);
        targets.push_back({target_at(callee)});
      }
    } else {
      uris.emplace_back(request.request_uri());
      const auto uri = sip::uri::parse(uris[0]);
      ASSERT_TRUE(uri);
      targets.push_back({target_at(std::string{uri->host().text})});
    }
    if (request.method() == sip::method::ack) {
      static_cast<void>(core.forward_stateless(request, from, {uris[0], targets[0]}, routing));
      return;
    }
    if (request.method() == sip::method::cancel) {
      // Its INVITE is gone, or overtaken by it.
      if (const auto r = sip::make_response(request, 481, {}, "none")) {
        if (const auto s = layer.create_server(request, from, silent_, {}))
          layer.respond(*s, 481, to_wire(*r));
      }
      return;
    }
    const auto context = core.create(request, from, routing, *this, {});
    ASSERT_TRUE(context);
    std::vector<forward_to> ways;
    for (std::size_t i = 0; i < uris.size(); ++i) ways.push_back({uris[i], targets[i]});
    EXPECT_TRUE(core.relay(*context, request, ways));
  }
  void on_cancel(server_handle invite, sip::message& cancel, const arrival& from) override {
    EXPECT_TRUE(core.cancel(invite, cancel, from));
  }
  void on_stray_response(sip::message& response, const arrival&) override {
    core.forward_stray(response);
  }
  reply_verdict on_reply(context_handle, user_tag, branch_handle, sip::message&,
                         const arrival&) override {
    return reply_verdict::pass;
  }
  failure_verdict on_failure(context_handle, user_tag, int, const sip::message*) override {
    return failure_verdict::decided;
  }
  void on_final(context_handle, user_tag, int) override {}
  void on_end(context_handle, user_tag) override {}

  class silent_user : public server_user {
    void on_failure(server_handle, user_tag, server_failure) override {}
    void on_silence(server_handle, user_tag) override {}
  } silent_;
  std::vector<std::string> callees_;
};

/// What a callee does with a call.
enum class manner { answers, refuses, rings_for_ever, is_silent };

/// A user agent server: 180, then 200 until the ACK comes, or a refusal; CANCEL and BYE.
class callee_element : public request_user, public server_user {
 public:
  callee_element(simulated_network& network, const std::string& address)
      : host{network, address}, layer{host, timer_settings{}}, network_{network}, name_{address} {
    host.layer = &layer;
    layer.set_core(*this);
  }

  simulated_host host;
  transaction_layer layer;
  manner does = manner::answers;
  duration after = seconds{2};
  std::set<std::string> up;             ///< Call-IDs of dialogs that were acknowledged
  std::set<std::string> over;           ///< and ended by BYE
  std::map<std::string, instant> acted; ///< when it last did something with a call
  unsigned invites = 0;

 private:
  struct call {
    server_handle server;
    std::string request;
    bool has_final = false;
    bool has_ack = false;
    duration interval = milliseconds{500};
    instant first_200;
  };

  bool respond(call& c, int status) {
    const sip::message request = parsed(c.request);
    auto m = sip::make_response(request, status, {}, "tag-" + name_);
    if (!m || !m->edit().append(sip::header_id::contact, "<sip:bob@" + name_ + ">")) return false;
    return layer.respond(c.server, status, to_wire(*m));
  }

  void on_request(sip::message& request, const arrival& from) override {
    const std::string id{request.call_id()};
    if (request.method() == sip::method::ack) {
      calls_[id].has_ack = true;
      up.insert(id);
      return;
    }
    if (request.method() == sip::method::invite) {
      ++invites;
      if (does == manner::is_silent) return;
      call& c = calls_[id];
      EXPECT_FALSE(c.server) << "an INVITE reached the user twice";
      const auto made = layer.create_server(request, from, *this, {});
      ASSERT_TRUE(made);
      c.server = *made;
      c.request = request.to_string();
      respond(c, 180);
      acted[id] = network_.now();
      // Whoever rings gives up at last: a proxy that heard no provisional response never cancels.
      network_.after(does == manner::rings_for_ever ? seconds{400} : after,
                     [this, id] { finish(id); });
      return;
    }
    const auto made = layer.create_server(request, from, *this, {});
    ASSERT_TRUE(made);
    call c;
    c.server = *made;
    c.request = request.to_string();
    const bool known = request.method() == sip::method::bye && up.contains(id);
    respond(c, known ? 200 : 481);
    if (known) over.insert(id);
  }

  void finish(const std::string& id) {
    call& c = calls_[id];
    if (c.has_final) return;
    c.has_final = true;
    acted[id] = network_.now();
    if (does != manner::answers) {
      respond(c, does == manner::refuses ? 486 : 480);
      return;
    }
    c.first_200 = network_.now();
    repeat_200(id);
  }

  // RFC 3261 13.3.1.4
  void repeat_200(const std::string& id) {
    call& c = calls_[id];
    if (c.has_ack || network_.now() - c.first_200 > t1_64) return;
    respond(c, 200);
    const duration wait = c.interval;
    c.interval = std::min<duration>(2 * c.interval, seconds{4});
    network_.after(wait, [this, id] { repeat_200(id); });
  }

  void on_cancel(server_handle, sip::message& cancel, const arrival& from) override {
    const std::string id{cancel.call_id()};
    const auto made = layer.create_server(cancel, from, *this, {});
    ASSERT_TRUE(made);
    call of_cancel;
    of_cancel.server = *made;
    of_cancel.request = cancel.to_string();
    respond(of_cancel, 200);
    call& c = calls_[id];
    if (c.has_final) return;
    c.has_final = true;
    acted[id] = network_.now();
    respond(c, 487);
  }
  void on_stray_response(sip::message&, const arrival&) override {}
  void on_failure(server_handle, user_tag, server_failure) override {}
  void on_silence(server_handle, user_tag) override {}

  simulated_network& network_;
  std::string name_;
  std::map<std::string, call> calls_;
};

/// A user agent client: INVITE, ACK for each 2xx, BYE for each dialog a second later, CANCEL when
/// it is told to.
class caller_element : public request_user, public client_user {
 public:
  explicit caller_element(simulated_network& network)
      : host{network, "192.0.2.1"}, layer{host, timer_settings{}}, network_{network} {
    host.layer = &layer;
    layer.set_core(*this);
  }

  struct call {
    client_handle client;
    std::string id;
    int status = 0; ///< the final one; 0 while there is none
    instant ended;
    instant cancelled;
    std::set<std::string> dialogs; ///< To tags of 2xx
    std::map<std::string, int> byes;
  };

  void place_call(std::uint32_t n) {
    call& c = calls[n];
    c.id = "call-" + std::to_string(n);
    request_parts p = parts(n, "INVITE");
    const auto made = layer.create_client("INVITE", "z9hG4bKinvite" + std::to_string(n),
                                          wire_message::copy_of(request_text(p)),
                                          target_at("192.0.2.100"), *this, {n, 0, 0});
    ASSERT_TRUE(made);
    c.client = *made;
  }
  void cancel_call(std::uint32_t n) {
    call& c = calls[n];
    if (c.status != 0) return;
    c.cancelled = network_.now();
    layer.cancel(c.client);
  }

  simulated_host host;
  transaction_layer layer;
  std::map<std::uint32_t, call> calls;

 private:
  static request_parts parts(std::uint32_t n, const std::string& method) {
    request_parts p;
    p.method = method;
    p.call_id = "call-" + std::to_string(n);
    p.uri = "sip:bob@example.com";
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKinvite" + std::to_string(n);
    return p;
  }

  void on_response(client_handle, user_tag tag, sip::message& response, const arrival&) override {
    call& c = calls[tag.slot];
    const int status = response.status();
    if (tag.index == 1) { // of a BYE
      if (status >= 200) c.byes[std::to_string(tag.generation)] = status;
      return;
    }
    if (status < 200) return;
    if (c.status == 0) {
      c.status = status;
      c.ended = network_.now();
    }
    if (status >= 300) return;
    const std::string to{response.to_tag()};
    const auto contact = sip::name_addr::parse(*response.first(sip::header_id::contact));
    ASSERT_TRUE(contact);
    request_parts ack = parts(tag.slot, "ACK");
    ack.uri = std::string{contact->address.text()};
    ack.to += ";tag=" + to;
    ack.via += "ack" + to;
    host.send(target_at("192.0.2.100"), wire_message::copy_of(request_text(ack)), {});
    if (!c.dialogs.insert(to).second) return;
    const auto number = static_cast<std::uint32_t>(c.dialogs.size());
    network_.after(seconds{1}, [this, n = tag.slot, uri = ack.uri, to, number] {
      request_parts bye = parts(n, "BYE");
      bye.uri = uri;
      bye.to += ";tag=" + to;
      bye.cseq = 2;
      const std::string branch = "z9hG4bKbye" + std::to_string(n) + "-" + std::to_string(number);
      bye.via = "SIP/2.0/UDP 192.0.2.1;branch=" + branch;
      EXPECT_TRUE(layer.create_client("BYE", branch, wire_message::copy_of(request_text(bye)),
                                      target_at("192.0.2.100"), *this, {n, number, 1}));
    });
  }
  void on_failure(client_handle, user_tag tag, client_failure reason) override {
    call& c = calls[tag.slot];
    if (tag.index == 1) {
      c.byes[std::to_string(tag.generation)] = 408;
    } else if (c.status == 0) {
      c.status = reason == client_failure::cancel_timeout ? 487 : 408;
      c.ended = network_.now();
    }
  }
  void on_timer_c(client_handle client, user_tag) override { layer.cancel(client); }
  void on_request(sip::message&, const arrival&) override {}
  void on_cancel(server_handle, sip::message&, const arrival&) override {}
  void on_stray_response(sip::message&, const arrival&) override {}

  simulated_network& network_;
};

struct world {
  world(std::uint64_t seed, const network_faults& faults) : network{seed, faults} {}

  void expect_nothing_left() {
    network.run(std::chrono::hours{1});
    EXPECT_EQ(caller.layer.size(), 0U);
    EXPECT_EQ(proxy.layer.size(), 0U);
    EXPECT_EQ(proxy.core.size(), 0U);
    EXPECT_EQ(bob.layer.size() + carol.layer.size(), 0U);
    for (const auto* layer : {&caller.layer, &proxy.layer, &bob.layer, &carol.layer})
      EXPECT_EQ(layer->counters().impossible, 0U);
  }

  simulated_network network;
  caller_element caller{network};
  callee_element bob{network, "192.0.2.2"};
  callee_element carol{network, "192.0.2.3"};
  proxy_element proxy{network, {"192.0.2.2", "192.0.2.3"}};
};

TEST(network_simulation, a_call_on_a_perfect_network_takes_no_retransmission) {
  world w{1, {}};
  w.carol.does = manner::refuses;
  w.caller.place_call(1);
  w.network.run(seconds{60});
  EXPECT_EQ(w.caller.calls[1].status, 200);
  EXPECT_EQ(w.caller.calls[1].byes["1"], 200);
  EXPECT_TRUE(w.bob.over.contains("call-1"));
  EXPECT_EQ(w.proxy.layer.counters().retransmitted, 0U);
  w.expect_nothing_left();
}

TEST(network_simulation, two_phones_that_answer_at_once_both_get_their_ack_and_bye) {
  world w{1, {}};
  w.caller.place_call(1);
  w.network.run(seconds{60});
  EXPECT_EQ(w.caller.calls[1].dialogs.size(), 2U);
  EXPECT_TRUE(w.bob.over.contains("call-1"));
  EXPECT_TRUE(w.carol.over.contains("call-1"));
  w.expect_nothing_left();
}

TEST(network_simulation, a_cancel_at_every_moment_of_a_call_ends_in_200_or_487) {
  // The phones answer after 200 ms; a hop takes 10 to 20 ms, so these moments cross the 200 too.
  for (int at = 0; at <= 400; at += 5) {
    SCOPED_TRACE(at);
    world w{static_cast<std::uint64_t>(at) + 1,
            {.least_delay = milliseconds{10}, .most_delay = milliseconds{20}}};
    w.bob.after = w.carol.after = milliseconds{200};
    w.caller.place_call(1);
    w.network.after(milliseconds{at}, [&] { w.caller.cancel_call(1); });
    w.network.run(seconds{90});
    const auto& c = w.caller.calls[1];
    EXPECT_TRUE(c.status == 200 || c.status == 487) << c.status;
    EXPECT_EQ(c.dialogs.size(), c.byes.size());
    for (const auto& [dialog, status] : c.byes) EXPECT_EQ(status, 200);
    w.expect_nothing_left();
  }
}

TEST(network_simulation, every_call_ends_on_a_network_that_loses_repeats_and_reorders) {
  const std::uint64_t seed = seed_of_this_run();
  RecordProperty("seed", std::to_string(seed));
  std::cout << "SEED=" << seed << '\n';
  constexpr std::uint32_t rounds = 25;
  constexpr std::uint32_t calls = 20;
  std::map<int, unsigned> results;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    world w{seed + round,
            {.loss = 0.15,
             .duplication = 0.1,
             .least_delay = milliseconds{1},
             .most_delay = milliseconds{400}}};
    const auto any_manner = [&] { return static_cast<manner>(w.network.random() % 4); };
    w.bob.does = any_manner();
    w.carol.does = any_manner();
    w.bob.after = w.network.any_time(seconds{5});
    w.carol.after = w.network.any_time(seconds{5});
    for (std::uint32_t n = 1; n <= calls; ++n) {
      w.network.after(w.network.any_time(seconds{10}), [&, n] { w.caller.place_call(n); });
      if (w.network.chance(0.4))
        w.network.after(seconds{10} + w.network.any_time(seconds{6}),
                        [&, n] { w.caller.cancel_call(n); });
    }
    w.network.run(seconds{600});
    for (auto& [n, c] : w.caller.calls) {
      SCOPED_TRACE("seed " + std::to_string(seed + round) + ", call " + std::to_string(n));
      ++results[c.status];
      EXPECT_NE(c.status, 0) << "a call without a result";
      EXPECT_EQ(c.byes.size(), c.dialogs.size());
      // Within 64*T1, and the way there, of the last thing that anybody did with it.
      instant last = c.cancelled;
      for (const auto* phone : {&w.bob, &w.carol})
        if (const auto acted = phone->acted.find(c.id); acted != phone->acted.end())
          last = std::max(last, acted->second);
      const bool rings =
          w.bob.does == manner::rings_for_ever || w.carol.does == manner::rings_for_ever;
      if (last != instant{} && !rings) {
        EXPECT_LE(c.ended - last, t1_64 + seconds{5});
      }
    }
    w.expect_nothing_left();
  }
  for (const int expected : {200, 486, 487, 408})
    EXPECT_GT(results[expected], 0U) << expected << " never happened: the test proves too little";
}

} // namespace
} // namespace tandem::stack
