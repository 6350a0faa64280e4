// SPDX-License-Identifier: Apache-2.0
// The module of docs/modules.md, which scripts/write-docs copies from here, and that it works.
#include <tandem/server/core_fixture_for_test.hpp>
#include <tandem/server/parameters.hpp>

namespace tandem::modules {
namespace {

// ---- the module

using script::outcome;
using server::message_context;

/// The parameters of one script. Immutable: every shard reads them.
struct visits_settings final : server::module {
  std::uint64_t most = 100;
};

/// Each row binds a name to a field, whose type and value are those of the parameter.
const server::parameter_table<visits_settings>& parameters() {
  static const auto made = server::parameter_table<visits_settings>{}.add(
      "most", &visits_settings::most, {.min = 1, .max = 1'000'000}, "visits of each shard");
  return made;
}

/// What each shard keeps, beyond reloads.
struct visits {
  explicit visits(server::core& owner)
      : seen{owner.shared().metrics.make_counter("tandem_visits_total", "Visits that counted.")} {}
  counter& seen;
};

/// What one run of the script keeps.
struct this_visit {
  bool is_counted = false;
  void clear() noexcept { is_counted = false; }
};

/// count_visit(): counts the message once; false when there were too many.
outcome count_visit(script::call& c) {
  auto& m = c.as<message_context>();
  auto& all = m.core().state<visits>();
  if (!std::exchange(m.state<this_visit>().is_counted, true)) ++all.seen;
  return outcome::of(all.seen <= m.settings_of<visits_settings>().most);
}

/// let_others_go_first(): goes on in the next turn of the shard. Others wait for a database.
outcome let_others_go_first(script::call& c) {
  auto& m = c.as<message_context>();
  const auto answer = m.core().wait<bool>(
      m, [](message_context&, bool&& is_our_turn) { return outcome::of(is_our_turn); });
  m.core().on().shard.post([answer] { answer(true); }); // from any thread, once
  return outcome::suspended();
}

script::module_info declare() {
  script::module_info info{.name = "visits", .help = "bounds the visits"};
  info.functions = {
      {.name = "count_visit",
       .arguments = {},
       .help = "counts the message once; false when there were too many",
       .run = count_visit},
      {.name = "let_others_go_first",
       .arguments = {},
       .blocks = script::anywhere,
       .may_suspend = true,
       .help = "goes on in the next turn",
       .run = let_others_go_first},
  };
  info.parameters = parameters().declared();
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto made = std::make_unique<visits_settings>();
  parameters().read(setup, *made);
  return made;
}

server::module_entry visits_module() { return {.declare = declare, .load = load}; }

// ---- that it works

class module_guide : public server::for_test::routing_core {
 protected:
  void load_visits(std::string_view most) {
    static const std::array<server::module_entry, 1> modules{visits_module()};
    static const server::script_loader loader{modules};
    load_text(loader, "loadmodule \"visits\"\nmodparam(\"visits\", \"most\", " + std::string{most} +
                          ")\nroute { if (!let_others_go_first()) exit; count_visit();\n"
                          "if (count_visit()) setflag(1); }");
  }
  void visit() {
    shard.post([this] { receive(request("OPTIONS")); });
    settle();
    settle();
  }
};

TEST_F(module_guide,
       has_a_module_that_counts_each_message_once_and_keeps_its_count_beyond_reloads) {
  load_visits("2");
  visit();
  EXPECT_EQ(core_->state<visits>().seen, 1U);
  load_visits("3");
  visit();
  EXPECT_EQ(core_->state<visits>().seen, 2U);
  EXPECT_FALSE(core_->has_unanswered());
  EXPECT_EQ(shared.metrics.value("tandem_visits_total"), 2);
}

} // namespace
} // namespace tandem::modules
