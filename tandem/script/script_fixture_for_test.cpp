// SPDX-License-Identifier: Apache-2.0
// The shared means of this room's tests.
#include <tandem/script/script_fixture_for_test.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tandem::script::test {

namespace {

outcome give(call& c, int value) {
  auto& on = c.as<plain_context>();
  on.note(c.text(0));
  if (!on.suspend_all) return outcome(value);
  on.later = value;
  return outcome::suspended();
}

function_info valued(std::string name, int value) {
  return {.name = std::move(name),
          .arguments = {{"word", argument_kind::string}},
          .blocks = anywhere,
          .may_suspend = true,
          .help = "notes the word",
          .run = [value](call& c) { return give(c, value); }};
}

module_info core() {
  module_info m{.name = "core", .help = "for tests"};
  m.functions = {valued("yes", 1), valued("no", -1), valued("stop", 0), valued("two", 2)};
  m.functions.push_back(
      {.name = "say",
       .arguments = {{"text", argument_kind::text}, {"more", argument_kind::text}},
       .required = 1,
       .blocks = anywhere,
       .help = "notes a text with variables",
       .run = [](call& c) {
         auto& on = c.as<plain_context>();
         on.note(c.text(0));
         if (c.has(1)) on.note(c.text(1));
         return outcome::yes();
       }});
  m.functions.push_back({.name = "run",
                         .arguments = {{"argv", argument_kind::array | argument_kind::string}},
                         .help = "notes each item",
                         .run = [](call& c) {
                           if (c.kind(0) != argument_kind::array)
                             c.as<plain_context>().note(c.text(0));
                           else
                             for (const std::string_view item : c.items(0))
                               c.as<plain_context>().note(item);
                           return outcome::yes();
                         }});
  m.functions.push_back({.name = "forward",
                         .arguments = {{"host", argument_kind::host | argument_kind::uri_part |
                                                    argument_kind::string},
                                       {"port", argument_kind::integer | argument_kind::uri_part}},
                         .required = 1,
                         .help = "notes where to",
                         .run = [](call& c) {
                           auto& on = c.as<plain_context>();
                           on.note(c.kind(0) == argument_kind::uri_part ? "uri-part" : c.text(0));
                           if (c.has(1)) on.note(std::to_string(c.number(1)));
                           return outcome::yes();
                         }});
  m.functions.push_back({.name = "arm",
                         .arguments = {{"block", argument_kind::failure_route}},
                         .blocks = anywhere,
                         .help = "notes the block",
                         .run = [](call& c) {
                           c.as<plain_context>().note(c.number(0) == no_block ? "none" : "armed");
                           return outcome::yes();
                         }});
  m.functions.push_back({.name = "search",
                         .arguments = {{"pattern", argument_kind::string}},
                         .blocks = anywhere,
                         .help = "prepared once",
                         .run =
                             [](call& c) {
                               c.as<plain_context>().note(*c.prepared<std::string>());
                               return outcome::yes();
                             },
                         .prepare = [](check& c) -> std::shared_ptr<const void> {
                           if (c.text(0) == "bad")
                             c.error(0, "this pattern is bad", "write another");
                           return std::make_shared<const std::string>(
                               fmt::format("<{}>", c.text(0)));
                         }});
  m.functions.push_back({.name = "request_only",
                         .help = "only in route",
                         .run =
                             [](call& c) {
                               c.as<plain_context>().note("request_only");
                               return outcome::yes();
                             },
                         .synonyms = {"only_request"}});
  m.variables = {
      {.name = "m",
       .help = "the method",
       .read =
           [](variable_read& r) {
             r.append(r.as<plain_context>().method_text);
             return true;
           },
       .is_case_sensitive = true},
      {.name = "hdr",
       .takes = variable_info::argument::required,
       .help = "a header",
       .read =
           [](variable_read& r) {
             r.append("hdr:");
             r.append(r.argument());
             if (r.has_index()) r.append(fmt::format("#{}", r.index()));
             return r.argument() != "None";
           }},
  };
  m.parameters = {
      {.name = "debug", .default_value = "2", .help = "level", .min = -3, .max = 9},
      {.name = "fork", .kind = parameter_kind::boolean, .default_value = "1", .help = "y"},
      {.name = "children", .default_value = "8", .help = "n", .min = 1, .max = 1024},
      {.name = "user", .kind = parameter_kind::string, .help = "u", .synonyms = {"uid"}},
      {.name = "listen", .kind = parameter_kind::list, .help = "where"},
      {.name = "alias", .kind = parameter_kind::list, .help = "names"},
      {.name = "port", .default_value = "5060", .help = "p", .min = 0, .max = 65'535},
      {.name = "udp_mtu", .default_value = "1300", .help = "m", .min = 0, .max = 65'535},
      {.name = "overload_retry_after",
       .default_value = "5",
       .help = "w",
       .min = 0,
       .max = 86'400,
       .unit = "s"},
      {.name = "fifo", .kind = parameter_kind::string, .default_value = "/var/f", .help = "f"},
      {.name = "fifo_mode", .default_value = "438", .help = "f", .min = 0, .max = 4095},
  };
  for (const char* gone : {"dns", "loop_checks", "log_stderror", "check_via"})
    m.parameters.push_back({.name = gone,
                            .kind = parameter_kind::boolean,
                            .default_value = "0",
                            .without_effect = "always so"});
  return m;
}

module_info demo() {
  module_info m{.name = "demo", .help = "for tests"};
  m.functions = {valued("demo_yes", 1)};
  m.parameters = {
      {.name = "timer", .default_value = "30", .help = "seconds", .min = 1, .max = 100},
      {.name = "table", .kind = parameter_kind::string, .default_value = "users", .help = "a name"},
      {.name = "old",
       .default_value = "0",
       .help = "was used once",
       .without_effect = "not needed"},
  };
  m.aliases = {{"demo_old", "demo_yes"}};
  m.other_names = {"demo_module"};
  return m;
}

} // namespace

std::shared_ptr<const registry> test_registry() {
  static const auto shared = [] {
    auto r = std::make_shared<registry>();
    r->add_core(core());
    r->add(demo());
    module_info other{.name = "other", .help = "for tests"};
    other.parameters = {{.name = "timer", .default_value = "5", .help = "seconds"}};
    r->add(std::move(other));
    r->add({.name = "snmp", .help = "gone", .stub = "there is no SNMP agent"});
    return std::shared_ptr<const registry>(std::move(r));
  }();
  return shared;
}

compilation compile_text(std::string text) {
  return compile(std::make_shared<const source>("t.cfg", std::move(text)), test_registry());
}

std::string complaints(std::string text) { return compile_text(std::move(text)).found.to_string(); }

std::string run(std::string text, plain_context& on) {
  const compilation c = compile_text(std::move(text));
  if (!c.made) return c.found.to_string();
  execution e;
  e.start(*c.made, c.made->main_block(), on);
  while (e.is_suspended()) {
    EXPECT_TRUE(on.later.has_value());
    e.resume(*std::exchange(on.later, std::nullopt));
  }
  return fmt::format("{}{}={}", on.trace, on.trace.empty() ? "" : " ", e.value());
}

std::string run(std::string text) {
  plain_context on;
  return run(std::move(text), on);
}

} // namespace tandem::script::test
