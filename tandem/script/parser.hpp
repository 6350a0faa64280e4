// SPDX-License-Identifier: Apache-2.0
// The reading head over the words of a script, and the grammar of statements and expressions
// (parser_statements.cpp) and of the file (parser.cpp). Used by one thread for one parse.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/script/syntax.hpp>

namespace tandem::script {

class parser {
 public:
  parser(const source& from, const registry& names, diagnostics& found);

  script_syntax run();

 private:
  // The file
  void item();
  void assignment();
  void values(assignment_syntax& to);
  bool value(assignment_syntax& to);
  bool list_item(assignment_syntax& to);
  void load();
  void modparam();
  void block(block_kind kind);
  bool block_name(block_syntax& to);
  void unknown_item();
  void skip_item();
  [[nodiscard]] bool begins_item() const;

  // Statements
  std::vector<statement_syntax> braces();
  void statement(std::vector<statement_syntax>& to);
  void call_statement(std::vector<statement_syntax>& to);
  void branch(std::vector<statement_syntax>& to);
  std::vector<statement_syntax> body();
  void skip_statement();

  // Expressions
  expression_syntax any_of();
  expression_syntax all_of();
  expression_syntax negated();
  expression_syntax primary();
  expression_syntax comparison();
  bool right_side(comparison_syntax& to);
  call_syntax command();
  void arguments(call_syntax& to);
  bool argument(std::vector<argument_syntax>& to, bool in_array);
  bool array(argument_syntax& to);

  // The reading head
  [[nodiscard]] const token& peek(std::size_t ahead = 0) const;
  [[nodiscard]] bool is(token_kind kind, std::size_t ahead = 0) const;
  [[nodiscard]] bool is_word(std::string_view word, std::size_t ahead = 0) const;
  const token& next();
  bool take(token_kind kind);
  bool expect(token_kind kind, std::string_view after);
  void unexpected(std::string_view expected, std::string hint = {});
  [[nodiscard]] span since(span begin) const;
  [[nodiscard]] bool too_deep();

  const source& source_;
  const registry& names_;
  diagnostics& found_;
  std::vector<token> tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  bool reported_depth_ = false;
  bool reported_open_ = false; ///< in this block of the file
  script_syntax script_;

  friend class nesting;
};

/// Counts how deep the parser is; what is deeper than any sane script is refused.
class nesting {
 public:
  explicit nesting(parser& of) : of_(of) { ++of_.depth_; }
  ~nesting() { --of_.depth_; }
  nesting(const nesting&) = delete;
  nesting& operator=(const nesting&) = delete;

 private:
  parser& of_;
};

} // namespace tandem::script
