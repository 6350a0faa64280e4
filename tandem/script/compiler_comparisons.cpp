// SPDX-License-Identifier: Apache-2.0
// Comparisons: what may be compared with what, and the instruction for each.
#include <tandem/script/compiler.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::script {

namespace {

template <typename T>
std::uint32_t index_of(std::vector<T>& table, T value) {
  table.push_back(std::move(value));
  return static_cast<std::uint32_t>(table.size() - 1);
}

} // namespace

void compiler::comparison(const comparison_syntax& c, span where, label yes, label no) {
  const bool negated = c.relation == token_kind::not_equal || c.relation == token_kind::not_match;
  const bool is_match = c.relation == token_kind::match || c.relation == token_kind::not_match;
  instruction i{.op = opcode::myself,
                .left = c.left,
                .on_true = negated ? no : yes,
                .on_false = negated ? yes : no};
  if (c.is_myself) {
    if (is_match)
      found_.error(c.relation_where, "myself is compared with '=='");
    else if (c.left != operand::uri && c.left != operand::source_ip &&
             c.left != operand::destination_ip)
      found_.error(where, fmt::format("{} cannot be myself; only uri, src_ip and dst_ip can",
                                      c.left_word.text));
  } else {
    switch (c.left) {
    case operand::method:
    case operand::uri:
    case operand::status:
    case operand::variable: text_comparison(c, i); break;
    case operand::source_ip:
    case operand::destination_ip: ip_comparison(c, i); break;
    case operand::source_port:
    case operand::destination_port:
    case operand::protocol:
    case operand::address_family: number_comparison(c, i); break;
    }
  }
  emit(i, where);
}

/// Methods are case-sensitive (RFC 3261 7.1): `cancel` is an extension of which we know nothing,
/// and no guard that names CANCEL may take it for one. Classic scripts compare as the original did.
letter_case compiler::case_of(const comparison_syntax& c, const instruction& to) const {
  const bool is_method =
      c.left == operand::method ||
      (c.left == operand::variable && code_.variables[to.variable].info->is_case_sensitive);
  return is_method && code_.parameters.compat() == compatibility::rfc ? letter_case::respected
                                                                      : letter_case::ignored;
}

void compiler::match(const comparison_syntax& c, opcode op, instruction& to) {
  to.op = op;
  auto compiled = pattern::compile(c.right.text, case_of(c, to));
  if (!compiled) {
    found_.error(c.right.where, fmt::format("bad regular expression: {}", compiled.error()));
    return;
  }
  to.index = index_of(code_.patterns, std::move(*compiled));
}

void compiler::text_comparison(const comparison_syntax& c, instruction& to) {
  if (c.left == operand::variable) {
    const std::size_t errors = found_.error_count();
    const auto pieces = split_text(c.left_word.text, {c.left_word.where, {}}, names_,
                                   unknown_variable::is_error, found_);
    if (found_.error_count() != errors) return;
    if (pieces.size() != 1 || !pieces[0].literal.empty() || pieces[0].variable.info == nullptr) {
      found_.error(c.left_word.where, "expected one variable");
      return;
    }
    to.variable = static_cast<std::uint16_t>(index_of(code_.variables, pieces[0].variable));
    if (code_.variables.size() > 0xffff) found_.error(c.left_word.where, "too many variables");
  }
  if (c.has_mask || c.right.kind == token_kind::address) {
    found_.error(c.right.where, fmt::format("{} is text; expected a string", c.left_word.text),
                 c.has_mask ? "only src_ip and dst_ip are compared with networks"
                            : fmt::format("write \"{}\"", c.right.text));
    return;
  }
  if (c.relation == token_kind::match || c.relation == token_kind::not_match)
    return match(c, opcode::text_matches, to);
  to.op = case_of(c, to) == letter_case::respected ? opcode::text_equals : opcode::text_is;
  to.index = index_of(code_.texts, c.right.text);
}

void compiler::ip_comparison(const comparison_syntax& c, instruction& to) {
  std::string text = c.right.text;
  if (c.has_mask) text += "/" + c.mask.text;
  const bool is_match = c.relation == token_kind::match || c.relation == token_kind::not_match;
  if (is_match && c.right.kind == token_kind::string && !c.has_mask)
    return match(c, opcode::ip_matches, to);
  if (is_match) {
    found_.error(c.relation_where, "expected '==' or '!=' before an address, a network or a name",
                 "what stands right of '=~' is a regular expression in quotes");
    return;
  }
  if (c.right.kind == token_kind::address || c.right.kind == token_kind::string || c.has_mask) {
    if (const auto prefix = ip_prefix::parse(text)) {
      to.op = opcode::ip_in;
      to.index = index_of(code_.prefixes, *prefix);
      return;
    }
    if (c.has_mask) {
      found_.error(join(c.right.where, c.mask.where), fmt::format("'{}' is not a network", text),
                   "write 192.0.2.0/24, 192.0.2.0/255.255.255.0 or 2001:db8::/32");
      return;
    }
  }
  if (c.right.kind == token_kind::number) {
    found_.error(c.right.where,
                 fmt::format("{} is an address, found {}", c.left_word.text, describe(c.right)));
    return;
  }
  to.op = opcode::ip_is_host;
  const auto known = std::find(code_.hosts.begin(), code_.hosts.end(), c.right.text);
  to.index = static_cast<std::uint32_t>(known - code_.hosts.begin());
  if (known == code_.hosts.end()) code_.hosts.push_back(c.right.text);
}

void compiler::number_comparison(const comparison_syntax& c, instruction& to) {
  to.op = opcode::number_is;
  if (c.relation == token_kind::match || c.relation == token_kind::not_match) {
    found_.error(c.relation_where, fmt::format("{} is a number; expected '=='", c.left_word.text));
    return;
  }
  std::int64_t value = c.right.number;
  if (c.right.kind == token_kind::name) {
    const std::int64_t* constant = find_constant(c.right.text);
    if (constant == nullptr) {
      found_.error(c.right.where,
                   fmt::format("{} is a number, found {}", c.left_word.text, describe(c.right)),
                   c.left == operand::protocol ? "the protocols are udp, tcp, tls, ws and wss"
                   : c.left == operand::address_family ? "the families are inet and inet6"
                                                       : "");
      return;
    }
    value = *constant;
  } else if (c.right.kind != token_kind::number || c.has_mask) {
    found_.error(c.right.where,
                 fmt::format("{} is a number, found {}", c.left_word.text, describe(c.right)));
    return;
  }
  to.index = static_cast<std::uint32_t>(value);
}

} // namespace tandem::script
