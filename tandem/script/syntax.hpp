// SPDX-License-Identifier: Apache-2.0
// The shape of a script as it was written, before names are looked up. Plain values; their depth is
// bounded by the parser.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tandem/script/argument.hpp>
#include <tandem/script/context.hpp>
#include <tandem/script/registry.hpp>
#include <tandem/script/token.hpp>

namespace tandem::script {

struct argument_syntax {
  enum class form : std::uint8_t { string, number, word, host, address, uri_part, variable, array };

  form what = form::string;
  token first; ///< the word itself; of uri_part the word after the colon
  span where;
  std::int64_t number = 0;
  std::vector<argument_syntax> items;
};

struct call_syntax {
  token name;
  span where; ///< with its arguments
  std::vector<argument_syntax> arguments;
};

/// What a condition looks at.
enum class operand : std::uint8_t {
  method,
  uri,
  status,
  source_ip,
  destination_ip,
  source_port,
  destination_port,
  protocol,
  address_family,
  variable,
};

struct comparison_syntax {
  operand left = operand::method;
  token left_word;
  token_kind relation = token_kind::equal; ///< equal, match, not_equal, not_match
  span relation_where;
  token right;
  bool is_myself = false; ///< right is `myself`
  bool has_mask = false;  ///< right is address/mask
  token mask;             ///< a number or an address
};

struct statement_syntax;

struct expression_syntax {
  enum class form : std::uint8_t { any, all, negation, call, block, number, comparison, invalid };

  form what = form::invalid;
  span where;
  std::vector<expression_syntax> parts; ///< of any, all, negation
  std::int64_t number = 0;
  call_syntax call;
  std::vector<statement_syntax> block;
  comparison_syntax comparison;
};

struct clause_syntax {
  expression_syntax condition;
  std::vector<statement_syntax> body;
};

/// A call; an if with its else-ifs; or a block.
struct statement_syntax {
  enum class form : std::uint8_t { call, branch, block };

  form what = form::call;
  span where;
  call_syntax call;
  std::vector<clause_syntax> clauses;
  std::vector<statement_syntax> body; ///< of a block; of a branch what follows its last else
};

struct block_syntax {
  block_kind kind = block_kind::request;
  std::string name{"0"};
  span where; ///< the keyword and the name
  std::vector<statement_syntax> body;
};

struct value_syntax {
  token first; ///< a string, number or word; of an item of a list the whole "udp:host:port"
  std::string text;
  span where;
};

struct assignment_syntax {
  token name;
  std::vector<value_syntax> values;
};

struct load_syntax {
  token path;
};

struct modparam_syntax {
  token module;
  token name;
  token value; ///< a string, a number, or a word such as yes
  bool is_negative = false;
};

struct script_syntax {
  std::vector<assignment_syntax> assignments;
  std::vector<load_syntax> loads;
  std::vector<modparam_syntax> modparams;
  std::vector<block_syntax> blocks;
  bool begins_with_ser = false; ///< first line is #!SER
};

/// Reads a script; complains about all that does not fit, and goes on at the next statement.
/// \param names which parameters of the core take lists
[[nodiscard]] script_syntax parse(const source& text, const registry& names, diagnostics& found);

/// Constants of the language: yes, no, udp, inet ...; nothing for any other word.
[[nodiscard]] const std::int64_t* find_constant(std::string_view word) noexcept;

} // namespace tandem::script
