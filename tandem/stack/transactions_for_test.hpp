// SPDX-License-Identifier: Apache-2.0
// One transaction of any machine under test: what its user hears and what it sends, in words.
#pragma once

#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/transaction_layer.hpp>
#include <tandem/stack/virtual_outbox.hpp>

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace tandem::stack::for_test {

/// A layer in virtual time, and a user that notes what it hears.
class transaction_fixture : public request_user, public client_user, public server_user {
 public:
  explicit transaction_fixture(const transaction_limits& limits = {})
      : layer{out, timer_settings{}, limits} {
    layer.set_core(*this);
    out.on_send_error = [this](origin o, send_error why) { layer.on_send_error(o, why); };
  }

  /// Starts a transaction of the machine; over UDP or TCP.
  void start(transaction_kind kind, transport_kind transport) {
    kind_ = kind;
    transport_ = transport;
    const std::string token{via_token(transport)};
    parts.method = is_invite(kind) ? "INVITE" : "OPTIONS";
    parts.via = "SIP/2.0/" + token + " 192.0.2.1;branch=z9hG4bKaaa1";
    if (is_client(kind)) {
      const auto made = layer.create_client(parts.method, "z9hG4bKaaa1",
                                            wire_message::copy_of(request_text(parts)),
                                            target_at("192.0.2.2", transport), *this, {});
      ASSERT_TRUE(made);
      client = *made;
    } else {
      const auto made = layer.create_server(make_request(parts), from_peer(), *this, {});
      ASSERT_TRUE(made);
      server = *made;
    }
  }

  [[nodiscard]] arrival from_peer() const {
    return arrived_from("192.0.2.1:5060", transport_,
                        is_reliable(transport_) ? flow_handle{1, 1, 0} : flow_handle{});
  }

  [[nodiscard]] transaction_state state() {
    if (is_client(kind_)) {
      const auto* c = layer.find(client);
      return c ? c->state() : transaction_state::terminated;
    }
    const auto* s = layer.find(server);
    return s ? s->state() : transaction_state::terminated;
  }

  void receive_response(int status) {
    auto m = parsed(answer_text(request_text(parts), status));
    layer.receive_response(m, from_peer());
    out.end_turn();
  }
  void receive_request(const std::string& method = {}) {
    request_parts p = parts;
    if (!method.empty()) p.method = method;
    auto m = make_request(p);
    layer.receive_request(m, from_peer());
    out.end_turn();
  }
  bool respond(int status) {
    const bool is_done = layer.respond(
        server, status, wire_message::copy_of(answer_text(request_text(parts), status)));
    out.end_turn();
    return is_done;
  }
  void fail_to_send() {
    if (is_client(kind_))
      layer.on_send_error({client.slot, client.generation, origin::kind::client},
                          send_error::refused);
    else
      layer.on_send_error({server.slot, server.generation, origin::kind::server},
                          send_error::refused);
    out.end_turn();
  }

  /// Where the core knows the sender to be otherwise; asked for once.
  std::deque<target> other_ways;

  virtual_outbox out;
  transaction_layer layer;
  request_parts parts;
  client_handle client;
  server_handle server;

  /// What users and the core have heard, this turn included.
  std::deque<std::string>& heard() {
    out.end_turn();
    return heard_;
  }

 protected:
  void note(std::string what) { heard_.push_back(std::move(what)); }

 private:
  void on_request(sip::message& request, const arrival&) override {
    heard_.push_back(std::string{request.method_text()});
  }
  void on_cancel(server_handle, sip::message&, const arrival&) override {
    heard_.push_back("cancelled");
  }
  void on_stray_response(sip::message& response, const arrival&) override {
    heard_.push_back("stray " + std::to_string(response.status()));
  }
  bool on_unreachable(server_handle of, std::string_view via, const target&) override {
    if (other_ways.empty()) return false;
    heard_.push_back("unreachable " + std::string{via});
    layer.send_by(of, std::vector<target>{other_ways.begin(), other_ways.end()});
    return true;
  }
  void on_response(client_handle, user_tag, sip::message& response, const arrival&) override {
    heard_.push_back(std::to_string(response.status()));
  }
  void on_failure(client_handle, user_tag, client_failure reason) override {
    heard_.push_back(reason == client_failure::timeout           ? "timeout"
                     : reason == client_failure::transport_error ? "transport_error"
                                                                 : "cancel_timeout");
  }
  void on_timer_c(client_handle, user_tag) override { heard_.push_back("timer_c"); }
  void on_failure(server_handle, user_tag, server_failure reason) override {
    heard_.push_back(reason == server_failure::no_ack ? "no_ack" : "transport_error");
  }
  void on_silence(server_handle, user_tag) override { heard_.push_back("silence"); }

  std::deque<std::string> heard_;
  transaction_kind kind_ = transaction_kind::client_invite;
  transport_kind transport_ = transport_kind::udp;
};

} // namespace tandem::stack::for_test
