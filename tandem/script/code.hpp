// SPDX-License-Identifier: Apache-2.0
// What a program consists of: flat instructions, each with the two places to go on at, and the
// tables that they index. Made by the compiler, read by the interpreter; immutable then.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/base/ip_address.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/script/pattern.hpp>
#include <tandem/script/program.hpp>
#include <tandem/script/settings.hpp>
#include <tandem/script/syntax.hpp>

namespace tandem::script {

enum class opcode : std::uint8_t {
  // Of these the value decides: >0 goes to on_true, <0 to on_false, 0 leaves the block.
  call,  ///< index: call site
  route, ///< index: block
  last,  ///< the value of the last statement (a block as a condition)
  // Of these the truth decides; the value of the last statement stays.
  text_is,      ///< left, index: texts; letter case ignored
  text_equals,  ///< left, index: texts; byte for byte
  text_matches, ///< left, index: patterns
  ip_in,        ///< left, index: prefixes
  ip_is_host,   ///< left, index: hosts
  ip_matches,   ///< left, index: patterns
  number_is,    ///< left, index: the number
  myself,       ///< left (uri, source_ip, destination_ip)
  // Of these neither; all but jump and set end a frame.
  jump,  ///< to on_true
  set,   ///< the value of the last statement becomes 1; to on_true
  end,   ///< the block ends
  leave, ///< break, drop
  give,  ///< return: index is the value as two's complement
  quit,  ///< exit
};

struct instruction {
  opcode op;
  operand left = operand::method;
  std::uint16_t variable = 0; ///< index of variables when left is variable
  std::uint32_t index = 0;
  std::uint32_t on_true = 0;
  std::uint32_t on_false = 0;
};
static_assert(sizeof(instruction) == 16);

struct call_site {
  const function_info* function = nullptr;
  std::vector<argument> arguments;
  std::shared_ptr<const void> prepared;
  /// The texts that the callback sees, views of the arguments, where no variable makes them anew
  /// for each call.
  std::optional<std::vector<std::string_view>> texts;
};

struct code {
  std::vector<instruction> instructions;
  std::vector<span> places; ///< of each instruction
  std::vector<call_site> calls;
  std::vector<block_info> blocks;
  std::vector<std::uint32_t> entries; ///< of each block
  block_id main = 0;                  ///< what each request runs; a script without it has errors

  std::vector<std::string> texts;
  std::vector<pattern> patterns;
  std::vector<ip_prefix> prefixes;
  std::vector<std::string> hosts;
  std::vector<variable_use> variables;

  settings parameters;
  std::vector<const module_info*> modules;
};

} // namespace tandem::script
