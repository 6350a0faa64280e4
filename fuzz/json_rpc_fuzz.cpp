// SPDX-License-Identifier: Apache-2.0
// JSON-RPC texts: each gets one answer or none, and never ends the program.
#include <tandem/control/json_rpc.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

using namespace tandem::control;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static command_registry* const commands = [] {
    auto* made = new command_registry; // lives as long as the program
    made->add({.name = "add",
               .help = "Adds.",
               .parameters = {{.name = "a", .type = value_type::integer},
                              {.name = "b", .is_required = false},
                              {.name = "c", .type = value_type::flag, .is_required = false}},
               .reply = {{"a", value_type::integer}},
               .run = [](command_call call) {
                 call.answer({{"a", call.integer("a").value()}});
               }});
    return made;
  }();
  int answers = 0;
  answer_json_rpc(*commands, {reinterpret_cast<const char*>(data), size},
                  {.name = "fuzz", .may = role::admin}, {[&](std::optional<std::string> text) {
                    ++answers;
                    if (text) static_cast<void>(read_json_rpc_response(*text));
                  }});
  if (answers != 1) std::abort();
  return 0;
}
