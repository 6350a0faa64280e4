// SPDX-License-Identifier: Apache-2.0
// A proxy core under test: a user that forwards to fixed targets and notes what it hears.
#pragma once

#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/proxy.hpp>
#include <tandem/stack/virtual_outbox.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tandem::stack::for_test {

class proxy_fixture : public request_user, public proxy_user {
 public:
  explicit proxy_fixture(const proxy_settings& settings = {}, const transaction_limits& limits = {})
      : layer{out, timer_settings{}, limits}, core{layer, settings} {
    layer.set_core(*this);
    out.on_send_error = [this](origin o, send_error why) { layer.on_send_error(o, why); };
  }

  /// A request from Alice, handed in as the transport would.
  void receive(const request_parts& p, std::string_view source = "192.0.2.1:5060") {
    receive_text(request_text(p), source);
  }
  void receive_text(const std::string& text, std::string_view source = "192.0.2.1:5060") {
    auto m = parsed(text);
    layer.receive_request(m, arrived_from(source));
    out.end_turn();
  }
  /// A response of a callee to what was sent to it.
  void answer(const sent_message& to, int status, std::string_view tag = "bob-1",
              std::string_view more = {}) {
    auto m = parsed(answer_text(to.text, status, tag, more));
    layer.receive_response(m, arrived_from(to.to.address.to_string()));
    out.end_turn();
  }

  /// Sends an INVITE on that is too large for a datagram, to a phone whose transport is open. It
  /// has gone by TCP (RFC 3261 18.1.1).
  sent_message send_large_invite() {
    ways[0].targets[0].choice = transport_choice::open;
    request_parts p;
    p.body = std::string(1'400, 'x');
    receive(p);
    take("100");
    sent_message by_tcp = take("INVITE");
    EXPECT_EQ(by_tcp.to.transport, transport_kind::tcp);
    return by_tcp;
  }
  /// TCP is refused there. \return the copy that goes by UDP
  sent_message refuse_tcp(const sent_message& by_tcp) {
    layer.on_send_error(by_tcp.on_behalf_of, send_error::refused);
    sent_message by_udp = take("INVITE");
    EXPECT_EQ(by_udp.to.transport, transport_kind::udp);
    return by_udp;
  }

  /// Takes the oldest sent message, which must be of this kind.
  sent_message take(std::string_view kind) {
    sent_message m = out.take();
    EXPECT_EQ(m.kind(), kind) << m.text;
    return m;
  }
  /// All that was sent since, as words, and forgotten.
  std::string sent() {
    out.end_turn();
    std::string all;
    while (!out.sent.empty()) all += (all.empty() ? "" : " ") + std::string{out.take().kind()};
    return all;
  }
  std::string heard() {
    out.end_turn();
    std::string all;
    for (; !events.empty(); events.pop_front()) all += (all.empty() ? "" : " ") + events.front();
    return all;
  }

  result<unsigned, forward_errc> relay(context_handle to, const sip::message& request) {
    std::vector<forward_to> all;
    for (const auto& w : ways)
      all.push_back({.uri = w.uri,
                     .targets = w.targets,
                     .recorded = recorded ? &*recorded : nullptr,
                     .named = named});
    return core.relay(to, request, all, {.may_be_silent = may_be_silent});
  }

  struct way {
    std::string uri;
    std::vector<target> targets;
  };

  virtual_outbox out;
  transaction_layer layer;
  proxy core;
  named_by named = named_by::stranger;
  bool may_be_silent = false;             ///< see relay_terms
  std::optional<recorded_entry> recorded; ///< what `edit` has put into Record-Route
  std::vector<way> ways{{"sip:bob@192.0.2.2", {target_at("192.0.2.2")}}};
  std::function<failure_verdict(context_handle, int)> on_failed;
  std::function<void(context_handle, sip::message&)> on_replied;
  std::function<void(context_handle, int)> on_answered;
  std::function<void(context_handle)> on_ended;
  bool holds_replies = false;
  std::deque<std::pair<branch_handle, sip::message>> held; ///< by holds_replies
  /// What a script makes of a request before it is routed.
  std::function<void(sip::message&)> edit;
  std::deque<std::string> events;
  context_handle context;
  result<unsigned, forward_errc> relayed = 0U;

 private:
  /// Nobody is told anything from inside a machine, nor from inside of what tells it.
  class telling {
   public:
    explicit telling(proxy_fixture& to) : to_{to} {
      EXPECT_TRUE(to_.out.to_tell().is_draining()) << "told by a machine that is running";
      EXPECT_FALSE(to_.is_told_) << "told while it was being told something";
      to_.is_told_ = true;
    }
    ~telling() { to_.is_told_ = false; }
    telling(const telling&) = delete;
    telling& operator=(const telling&) = delete;

   private:
    proxy_fixture& to_;
  };

  void on_request(sip::message& request, const arrival& from) override {
    const telling now{*this};
    const auto routing = routing_hash(request, layer.secret());
    if (edit) edit(request);
    if (request.method() == sip::method::ack) {
      static_cast<void>(
          core.forward_stateless(request, from, {ways[0].uri, ways[0].targets}, routing));
      return;
    }
    const auto made = core.create(request, from, routing, *this, {});
    if (!made) events.push_back("refused");
    if (!made) return;
    context = *made;
    relayed = relay(context, request);
    if (!relayed) {
      core.keep(context, request);
      core.reply(context, status_of(relayed.error()), {});
    }
  }
  void on_cancel(server_handle invite, sip::message& cancel, const arrival& from) override {
    const telling now{*this};
    if (edit) edit(cancel);
    EXPECT_EQ(layer.find_server(cancel, from), invite);
    EXPECT_TRUE(core.cancel(invite, cancel, from));
  }
  void on_stray_response(sip::message& response, const arrival&) override {
    const telling now{*this};
    events.push_back(core.forward_stray(response) ? "stray" : "dropped");
  }
  reply_verdict on_reply(context_handle c, user_tag, branch_handle branch, sip::message& response,
                         const arrival&) override {
    const telling now{*this};
    if (on_replied) on_replied(c, response);
    if (!holds_replies) return reply_verdict::pass;
    held.emplace_back(branch, std::move(response));
    return reply_verdict::later;
  }
  failure_verdict on_failure(context_handle c, user_tag, int status, const sip::message*) override {
    const telling now{*this};
    events.push_back("failure " + std::to_string(status));
    return on_failed ? on_failed(c, status) : failure_verdict::decided;
  }
  void on_final(context_handle c, user_tag, int status) override {
    const telling now{*this};
    if (on_answered) on_answered(c, status);
    events.push_back("final " + std::to_string(status));
  }
  void on_end(context_handle c, user_tag) override {
    const telling now{*this};
    if (on_ended) on_ended(c);
    events.push_back("end");
  }

  bool is_told_ = false;
};

} // namespace tandem::stack::for_test
