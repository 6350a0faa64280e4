// SPDX-License-Identifier: Apache-2.0
// A routing core under test: it runs a script text with every module of this build, in virtual
// time; a test hands requests in and looks at what was sent. One thread.
#pragma once

#include <tandem/io/shard.hpp>
#include <tandem/modules/all.hpp>
#include <tandem/names/resolver.hpp>
#include <tandem/process/spawner.hpp>
#include <tandem/server/core.hpp>
#include <tandem/sip/headers.hpp>
#include <tandem/stack/messages_for_test.hpp>
#include <tandem/stack/via_rules.hpp>
#include <tandem/stack/virtual_outbox.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::modules::for_test {

using stack::for_test::answer_text;
using stack::for_test::parsed;
using stack::for_test::request_parts;

/// \tparam Outbox a virtual_outbox, or what a test has made of one.
template <typename Outbox = stack::virtual_outbox>
class basic_script_fixture : public ::testing::Test {
 protected:
  basic_script_fixture() : layer{out, stack::timer_settings{}} {
    shared.names.add_listener(*socket_address::parse("192.0.2.100:5060"));
    EXPECT_TRUE(shared.names.add_alias("example.com"));
    // What goes on after a wait goes on in the loop.
    out.on_turn_needed = [this] { shard.post([this] { out.end_turn(); }); };
  }

  /// Checks and loads; from the next request on the script runs.
  void load(std::string_view text) {
    static const script_loader_of_all modules;
    auto compiled = script::compile(std::make_shared<script::source>("test.cfg", std::string{text}),
                                    modules.names);
    ASSERT_FALSE(compiled.found.has_errors()) << compiled.found.to_string();
    auto loaded = modules.loader.load(compiled.made, shared);
    if (core)
      core->load(std::move(loaded));
    else
      core.emplace(server::core_surroundings{shard, out, layer, shared, hosts, spawner()},
                   std::move(loaded));
  }
  /// The same with all modules of the text's usual company, and one main block.
  void load_route(std::string_view block, std::string_view more = {}) {
    std::string text;
    for (const char* name : {"sl", "tm", "rr", "maxfwd", "usrloc", "registrar", "textops", "xlog"})
      text.append("loadmodule \"").append(name).append("\"\n");
    load(text.append(more).append("\nroute {\n").append(block).append("\n}\n"));
  }

  static request_parts request(std::string method) {
    request_parts p;
    p.method = std::move(method);
    return p;
  }

  void receive(const request_parts& p, std::string_view from = "192.0.2.1:5060") {
    receive_text(stack::for_test::request_text(p), from);
  }
  void receive_text(std::string_view text, std::string_view from = "192.0.2.1:5060") {
    auto m = parsed(text);
    auto arrival = stack::for_test::arrived_from(from);
    arrival.at = out.now();
    stack::stamp_top_via(m, arrival.source);
    layer.receive_request(m, arrival);
    out.end_turn();
  }
  /// A response of whom `to` was sent to.
  void answer(const stack::sent_message& to, int status, std::string_view more = {},
              std::string_view tag = "bob-1") {
    auto m = parsed(answer_text(to.text, status, tag, more));
    auto arrival = stack::for_test::arrived_from(to.to.address.to_string());
    arrival.at = out.now();
    layer.receive_response(m, arrival);
    out.end_turn();
  }

  /// Takes the oldest sent message, which must be of this kind.
  stack::sent_message take(std::string_view kind) {
    stack::sent_message m = out.take();
    EXPECT_EQ(m.kind(), kind) << m.text;
    return m;
  }
  sip::message take_parsed(std::string_view kind) { return parsed(take(kind).text); }
  /// All that was sent since, as words, and forgotten.
  std::string sent() {
    std::string all;
    while (!out.sent.empty()) all += (all.empty() ? "" : " ") + std::string{out.take().kind()};
    return all;
  }
  /// What the script replies with as reason phrase.
  std::string said(const request_parts& p = request("OPTIONS")) {
    receive(p);
    return std::string{parsed(out.take().text).reason()};
  }

  Outbox out;
  stack::transaction_layer layer;
  server::services shared;
  io::shard shard;
  names::resolver hosts{shard};
  std::optional<server::core> core;

 private:
  struct script_loader_of_all {
    server::script_loader loader{all()};
    /// The loader's own, which lives as long as the tests.
    std::shared_ptr<const script::registry> names{std::shared_ptr<void>{}, &loader.names()};
  };

  static process::spawner& spawner() {
    static process::spawner one;
    return one;
  }
};

using script_fixture = basic_script_fixture<>;

} // namespace tandem::modules::for_test
