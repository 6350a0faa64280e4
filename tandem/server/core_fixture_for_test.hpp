// SPDX-License-Identifier: Apache-2.0
// A routing core under test, with a script and a module of the test's own, in virtual time. One
// thread.
#pragma once

#include <tandem/io/shard.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/process/spawner.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/virtual_outbox.hpp>

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::server::for_test {

using stack::for_test::answer_text;
using stack::for_test::parsed;
using stack::for_test::request_parts;
using stack::for_test::request_text;

/// What the functions of the module leave behind on their shard.
struct probe {
  explicit probe(core&) {}
  std::vector<std::string> notes;
  std::vector<pending<int>> waiting;
};

inline script::module_info declare_probe() {
  using script::argument_kind;
  using script::outcome;
  script::module_info info{.name = "probe", .help = "for tests"};
  info.functions = {
      {.name = "answer",
       .arguments = {{"code", argument_kind::integer}, {"reason", argument_kind::text}},
       .blocks = script::anywhere,
       .help = "answers",
       .run =
           [](script::call& c) {
             auto& m = c.as<message_context>();
             return outcome::of(m.core().answer(m, static_cast<int>(c.number(0)), c.text(1)));
           }},
      {.name = "note",
       .arguments = {{"text", argument_kind::text}},
       .blocks = script::anywhere,
       .help = "remembers a text",
       .run =
           [](script::call& c) {
             auto& m = c.as<message_context>();
             m.core().state<probe>().notes.emplace_back(c.text(0));
             return outcome::yes();
           }},
      {.name = "wait",
       .arguments = {},
       .blocks = script::anywhere,
       .may_suspend = true,
       .help = "suspends the script",
       .run =
           [](script::call& c) {
             auto& m = c.as<message_context>();
             m.core().state<probe>().waiting.push_back(m.core().wait<int>(
                 m, [](message_context&, int&& brought) { return outcome{brought}; }));
             return outcome::suspended();
           }},
      {.name = "wait_answered",
       .arguments = {},
       .may_suspend = true,
       .help = "waits for what is there already",
       .run =
           [](script::call& c) {
             auto& m = c.as<message_context>();
             const auto is_inside = std::make_shared<bool>(true);
             const auto token = m.core().wait<int>(m, [is_inside](message_context& then, int&&) {
               then.core().state<probe>().notes.emplace_back(
                   *is_inside ? "decided inside" : "decided after the function");
               return outcome::yes();
             });
             token(1);
             *is_inside = false;
             return outcome::suspended();
           }},
      {.name = "wait_twice",
       .arguments = {},
       .may_suspend = true,
       .help = "waits for two things, one after the other",
       .run =
           [](script::call& c) {
             auto& m = c.as<message_context>();
             auto& tokens = m.core().state<probe>().waiting;
             tokens.push_back(m.core().wait<int>(m, [](message_context& then, int&&) {
               then.core().state<probe>().waiting.push_back(then.core().wait<int>(
                   then, [](message_context&, int&& brought) { return outcome{brought}; }));
               return outcome::suspended();
             }));
             return outcome::suspended();
           }},
      {.name = "wait_for_nothing",
       .arguments = {},
       .may_suspend = true,
       .help = "a fault",
       .run = [](script::call&) { return outcome::suspended(); }},
      {.name = "ask_and_leave",
       .arguments = {},
       .may_suspend = true,
       .help = "makes a token and does not wait",
       .run =
           [](script::call& c) {
             auto& m = c.as<message_context>();
             static_cast<void>(
                 m.core().wait<int>(m, [](message_context&, int&&) { return outcome::yes(); }));
             return outcome::no();
           }},
  };
  return info;
}

/// Hears when other blocks that were suspended have ended.
struct listener final : run_user {
  void on_run_end(message_context& m) override { heard = std::to_string(m.flags()) + " later"; }
  std::string heard;
};

inline constexpr std::array<module_entry, 1> probe_module{{{.declare = declare_probe}}};

class routing_core : public ::testing::Test {
 protected:
  explicit routing_core(const stack::transaction_limits& limits = {})
      : layer{out, stack::timer_settings{}, limits} {
    shared.names.add_listener(*socket_address::parse("192.0.2.100:5060"));
    // What goes on after a wait goes on in the loop.
    out.on_turn_needed = [this] { shard.post([this] { out.end_turn(); }); };
  }

  void load(std::string_view block, std::string_view parameters = {}) {
    static const script_loader loader{probe_module};
    std::string text{parameters};
    text.append("\nloadmodule \"probe\"\nroute {\n").append(block).append("\n}\n");
    load_text(loader, std::move(text));
  }
  /// \param loader lives as long as the tests
  void load_text(const script_loader& loader, std::string text) {
    const std::shared_ptr<const script::registry> names{std::shared_ptr<void>{}, &loader.names()};
    auto compiled =
        script::compile(std::make_shared<script::source>("test.cfg", std::move(text)), names);
    ASSERT_FALSE(compiled.found.has_errors()) << compiled.found.to_string();
    auto loaded = loader.load(compiled.made, shared);
    if (core_)
      core_->load(std::move(loaded));
    else
      core_.emplace(core_surroundings{shard, out, layer, shared, hosts, spawner()},
                    std::move(loaded));
  }

  static request_parts request(std::string method) {
    request_parts p;
    p.method = std::move(method);
    return p;
  }
  void receive_text(std::string_view text) {
    auto m = parsed(text);
    auto arrival = stack::for_test::arrived_from("192.0.2.1:5060");
    arrival.at = out.now();
    stack::stamp_top_via(m, arrival.source);
    layer.receive_request(m, arrival);
    out.end_turn();
  }
  void receive(const request_parts& p) { receive_text(request_text(p)); }

  /// The oldest message that was sent, which must be of this kind.
  sip::message take(std::string_view kind) {
    const stack::sent_message m = out.take();
    EXPECT_EQ(m.kind(), kind) << m.text;
    return parsed(m.text.empty() ? "OPTIONS sip:nothing SIP/2.0\r\n\r\n" : m.text);
  }
  std::vector<std::string>& notes() { return core_->state<probe>().notes; }
  std::vector<pending<int>>& waiting() { return core_->state<probe>().waiting; }
  /// What the last function that waits has waited for.
  void bring(int value) { bring(waiting().back(), value); }
  void bring(const pending<int>& token, int value) {
    token(value);
    settle();
  }
  /// What was posted to the shard happens.
  void settle() {
    bool is_over = false;
    shard.post([&] { is_over = true; });
    ASSERT_TRUE(shard.run_until([&] { return is_over; }));
  }

  stack::virtual_outbox out;
  stack::transaction_layer layer;
  services shared;
  io::shard shard;
  names::resolver hosts{shard};
  std::optional<core> core_;

 private:
  static process::spawner& spawner() {
    static process::spawner one;
    return one;
  }
};

} // namespace tandem::server::for_test
