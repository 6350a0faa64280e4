// SPDX-License-Identifier: Apache-2.0
// Checks statements and conditions and turns them into instructions. Used once for one script;
// recursion is as deep as the script, which the parser bounds.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <tandem/script/code.hpp>
#include <tandem/script/convert_arguments.hpp>
#include <tandem/script/names.hpp>
#include <tandem/script/syntax.hpp>

namespace tandem::script {

class compiler {
 public:
  compiler(const source& text, const names& known, code& to, diagnostics& found);

  void run(const script_syntax& script);

 private:
  /// A place in the instructions that is not known yet: those that go there are patched later.
  using label = std::uint32_t;

  void declare_blocks(const script_syntax& script);
  void statements(const std::vector<statement_syntax>& all);
  void statement(const statement_syntax& s);
  void branch(const statement_syntax& s);
  void call_statement(const call_syntax& c);
  /// Goes to `yes` or `no`; either is a label that place() puts somewhere.
  void condition(const expression_syntax& e, label yes, label no);
  void comparison(const comparison_syntax& c, span where, label yes, label no);
  void text_comparison(const comparison_syntax& c, instruction& to);
  void ip_comparison(const comparison_syntax& c, instruction& to);
  void number_comparison(const comparison_syntax& c, instruction& to);
  [[nodiscard]] letter_case case_of(const comparison_syntax& c, const instruction& to) const;
  void match(const comparison_syntax& c, opcode op, instruction& to);
  [[nodiscard]] static std::optional<std::vector<std::string_view>>
  constant_texts(std::span<const argument> arguments);
  /// A function, route or a word of the language; goes to the labels.
  void call(const call_syntax& c, label yes, label no);
  bool language_call(const call_syntax& c, label yes, label no);
  void check_blocks(); ///< which function stands where it must not

  std::uint32_t emit(instruction what, span where);
  [[nodiscard]] label new_label();
  void place(label here);
  void resolve_labels();
  [[nodiscard]] static bool ends_block(const statement_syntax& s);

  struct call_note {
    block_id in;
    const function_info* function;
    span where;
  };
  struct route_note {
    block_id from;
    block_id to;
  };

  const source& source_;
  const names& names_;
  code& code_;
  diagnostics& found_;
  argument_surroundings around_;
  std::vector<std::uint32_t> labels_;
  std::vector<call_note> call_notes_;
  std::vector<route_note> route_notes_;
  block_id current_ = 0;
};

} // namespace tandem::script
