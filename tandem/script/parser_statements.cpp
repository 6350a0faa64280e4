// SPDX-License-Identifier: Apache-2.0
// The grammar of statements and expressions.
#include <tandem/script/parser.hpp>

#include <array>
#include <fmt/format.h>
#include <utility>

#include <tandem/base/text.hpp>

namespace tandem::script {

namespace {

struct operand_word {
  std::string_view word;
  operand what;
};

constexpr operand_word operand_words[] = {
    {"method", operand::method},
    {"uri", operand::uri},
    {"status", operand::status},
    {"src_ip", operand::source_ip},
    {"dst_ip", operand::destination_ip},
    {"src_port", operand::source_port},
    {"dst_port", operand::destination_port},
    {"proto", operand::protocol},
    {"af", operand::address_family},
};

const operand_word* find_operand(const token& t) {
  if (t.kind != token_kind::name) return nullptr;
  for (const operand_word& o : operand_words)
    if (o.word == t.text) return &o;
  return nullptr;
}

bool is_relation(token_kind kind) {
  return kind == token_kind::equal || kind == token_kind::match || kind == token_kind::not_equal ||
         kind == token_kind::not_match || kind == token_kind::assign;
}

} // namespace

/// block := '{' { stm } '}'
std::vector<statement_syntax> parser::braces() {
  const nesting here(*this);
  const span open = next().where;
  std::vector<statement_syntax> all;
  if (too_deep()) {
    at_ = tokens_.size() - 1;
    return all;
  }
  while (!is(token_kind::right_brace)) {
    if (is(token_kind::end) ||
        (is(token_kind::name) && begins_item() && !is(token_kind::assign, 1))) {
      // The next route block begins: the brace is missing before it.
      // One complaint, for the innermost: all others are open for the same reason.
      if (!std::exchange(reported_open_, true))
        unexpected("'}'",
                   fmt::format("the '{{' of line {} is still open", source_.at(open.offset).line));
      return all;
    }
    const std::size_t before = at_;
    statement(all);
    if (at_ == before) next();
  }
  next();
  return all;
}

/// stm := cmd ';' | ifstm [';'] | block [';'] | ';'
void parser::statement(std::vector<statement_syntax>& to) {
  if (take(token_kind::semicolon)) return;
  if (is(token_kind::left_brace)) {
    statement_syntax s;
    s.what = statement_syntax::form::block;
    const span begin = peek().where;
    s.body = braces();
    s.where = since(begin);
    to.push_back(std::move(s));
    return;
  }
  if (is_word("if")) return branch(to);
  if (is_word("else")) {
    found_.error(next().where, "this else belongs to no if");
    return;
  }
  call_statement(to);
}

void parser::call_statement(std::vector<statement_syntax>& to) {
  if (!is(token_kind::name)) {
    unexpected("a statement");
    return skip_statement();
  }
  if (is(token_kind::assign, 1)) {
    found_.error(peek().where, fmt::format("'{}' cannot be assigned in a block", peek().text),
                 "parameters stand outside of the route blocks");
    return skip_statement();
  }
  statement_syntax s;
  s.call = command();
  s.where = s.call.where;
  const std::string name = s.call.name.text;
  to.push_back(std::move(s));
  if (take(token_kind::semicolon)) return;
  unexpected(fmt::format("';' after {}", name));
  // When the next word stands on a line of its own only the semicolon is missing.
  const bool new_line =
      source_.at(tokens_[at_ - 1].where.offset).line != source_.at(peek().where.offset).line;
  if (!new_line && !is(token_kind::right_brace)) skip_statement();
}

/// To the end of this statement: past its ';', or before what closes the block or begins an if.
void parser::skip_statement() {
  std::size_t depth = 0;
  while (!is(token_kind::end)) {
    if (depth == 0 && (is(token_kind::right_brace) || is_word("if"))) return;
    if (is(token_kind::left_brace)) ++depth;
    if (is(token_kind::right_brace) && --depth == 0) {
      next();
      return;
    }
    if (depth == 0 && take(token_kind::semicolon)) return;
    next();
  }
}

/// ifstm := 'if' or_expr body [ 'else' body ]; the semicolon before else may be there or not.
void parser::branch(std::vector<statement_syntax>& to) {
  const nesting here(*this);
  statement_syntax s;
  s.what = statement_syntax::form::branch;
  s.where = peek().where;
  if (too_deep()) {
    at_ = tokens_.size() - 1;
    return;
  }
  while (true) { // else if: a loop, so that long chains are not deep
    next();      // if
    clause_syntax c;
    c.condition = any_of();
    c.body = body();
    s.clauses.push_back(std::move(c));
    if (is(token_kind::semicolon) && is_word("else", 1)) next();
    if (!is_word("else")) break;
    next();
    if (is_word("if")) continue;
    s.body = body();
    break;
  }
  to.push_back(std::move(s));
}

/// body := cmd | cmd ';' | ifstm | block
std::vector<statement_syntax> parser::body() {
  std::vector<statement_syntax> all;
  if (is(token_kind::left_brace)) return braces();
  if (is(token_kind::semicolon)) {
    found_.warning(peek().where, "this ';' ends the if, which then does nothing",
                   "write {} when that is meant");
    next();
    return all;
  }
  if (is_word("if")) {
    branch(all);
    return all;
  }
  if (!is(token_kind::name) || is_word("else") || is(token_kind::assign, 1)) {
    unexpected("a statement or '{'");
    skip_statement();
    return all;
  }
  statement_syntax s;
  s.call = command();
  s.where = s.call.where;
  all.push_back(std::move(s));
  static_cast<void>(take(token_kind::semicolon));
  return all;
}

/// or_expr := and_expr { OR and_expr }
expression_syntax parser::any_of() {
  const nesting here(*this);
  const span begin = peek().where;
  expression_syntax first = too_deep() ? expression_syntax{} : all_of();
  if (!is(token_kind::logical_or)) return first;
  expression_syntax e;
  e.what = expression_syntax::form::any;
  e.parts.push_back(std::move(first));
  while (take(token_kind::logical_or)) e.parts.push_back(all_of());
  e.where = since(begin);
  return e;
}

/// and_expr := not_expr { AND not_expr }
expression_syntax parser::all_of() {
  const span begin = peek().where;
  expression_syntax first = negated();
  if (!is(token_kind::logical_and)) return first;
  expression_syntax e;
  e.what = expression_syntax::form::all;
  e.parts.push_back(std::move(first));
  while (take(token_kind::logical_and)) e.parts.push_back(negated());
  e.where = since(begin);
  return e;
}

/// not_expr := [NOT] not_expr | prim; NOT takes the whole comparison that follows.
expression_syntax parser::negated() {
  const span begin = peek().where;
  bool negate = false;
  while (take(token_kind::logical_not)) negate = !negate;
  expression_syntax inner = primary();
  if (!negate) return inner;
  expression_syntax e;
  e.what = expression_syntax::form::negation;
  e.parts.push_back(std::move(inner));
  e.where = since(begin);
  return e;
}

/// prim := '(' or_expr ')' | '{' stms '}' | NUM | cmd | cond
expression_syntax parser::primary() {
  const token& t = peek();
  expression_syntax e;
  e.where = t.where;
  if (take(token_kind::left_parenthesis)) {
    expression_syntax inner = any_of();
    if (!is(token_kind::right_parenthesis)) {
      unexpected("')', && or ||",
                 fmt::format("the '(' of line {} is still open", source_.at(t.where.offset).line));
      while (!is(token_kind::end) && !is(token_kind::right_parenthesis) &&
             !is(token_kind::left_brace) && !is(token_kind::right_brace) &&
             !is(token_kind::semicolon))
        next();
    }
    take(token_kind::right_parenthesis);
    return inner;
  }
  if (is(token_kind::left_brace)) {
    e.what = expression_syntax::form::block;
    e.block = braces();
    e.where = since(t.where);
    return e;
  }
  if (is(token_kind::number)) {
    e.what = expression_syntax::form::number;
    e.number = next().number;
    return e;
  }
  if (find_operand(t) != nullptr || is_word("myself") || is(token_kind::variable))
    return comparison();
  if (is(token_kind::name)) {
    if (is_relation(peek(1).kind)) {
      std::vector<std::string_view> names{"myself"};
      for (const operand_word& o : operand_words) names.push_back(o.word);
      found_.error(
          t.where,
          fmt::format("'{}' cannot be compared; expected method, uri, status, src_ip, dst_ip, "
                      "src_port, dst_port, proto, af or a $variable",
                      t.text),
          did_you_mean(nearest_name(t.text, names)));
      next();
      next();
      if (!is(token_kind::right_parenthesis)) next();
      return e;
    }
    e.what = expression_syntax::form::call;
    e.call = command();
    e.where = e.call.where;
    return e;
  }
  unexpected("a condition");
  return e;
}

expression_syntax parser::comparison() {
  expression_syntax e;
  e.what = expression_syntax::form::comparison;
  comparison_syntax& c = e.comparison;
  c.left_word = next();
  e.where = c.left_word.where;
  const bool myself_first = c.left_word.text == "myself";
  if (const operand_word* o = find_operand(c.left_word)) c.left = o->what;
  if (c.left_word.kind == token_kind::variable) c.left = operand::variable;

  if (!is_relation(peek().kind)) {
    unexpected(fmt::format("'==' or '=~' after {}", c.left_word.text));
    e.what = expression_syntax::form::invalid;
    return e;
  }
  c.relation_where = peek().where;
  c.relation = next().kind;
  if (c.relation == token_kind::assign) {
    found_.warning(c.relation_where, "'=' compares here", "write '=='");
    c.relation = token_kind::equal;
  }
  if (!right_side(c)) {
    e.what = expression_syntax::form::invalid;
    return e;
  }
  if (myself_first) {
    // myself == uri: the same with sides changed.
    const operand_word* o = find_operand(c.right);
    if (o == nullptr || (o->what != operand::uri && o->what != operand::source_ip &&
                         o->what != operand::destination_ip)) {
      found_.error(c.right.where,
                   fmt::format("expected uri, src_ip or dst_ip to compare with myself, "
                               "found {}",
                               describe(c.right)));
      e.what = expression_syntax::form::invalid;
      return e;
    }
    c.left = o->what;
    c.is_myself = true;
  } else {
    c.is_myself = c.right.kind == token_kind::name && c.right.text == "myself";
  }
  e.where = since(e.where);
  return e;
}

bool parser::right_side(comparison_syntax& to) {
  const bool bracket = take(token_kind::left_bracket);
  switch (peek().kind) {
  case token_kind::string:
  case token_kind::name:
  case token_kind::host:
  case token_kind::number:
  case token_kind::address: break;
  default: unexpected(fmt::format("what {} is compared with", to.left_word.text)); return false;
  }
  to.right = next();
  if (bracket && !expect(token_kind::right_bracket, "after the address")) return false;
  if (!take(token_kind::slash)) return true;
  to.has_mask = true;
  if (!is(token_kind::number) && !is(token_kind::address)) {
    unexpected("a number of bits or a mask after '/'");
    return false;
  }
  to.mask = next();
  return true;
}

/// cmd := name [ '(' [arg {',' arg}] ')' ]; return may have its value without parentheses.
call_syntax parser::command() {
  call_syntax c;
  c.name = next();
  if (is(token_kind::left_parenthesis)) {
    arguments(c);
  } else if (c.name.text == "return" && (is(token_kind::number) || is(token_kind::minus))) {
    argument(c.arguments, false);
  }
  c.where = since(c.name.where);
  return c;
}

void parser::arguments(call_syntax& to) {
  const span open = next().where;
  if (take(token_kind::right_parenthesis)) return;
  while (true) {
    if (!argument(to.arguments, false)) break;
    if (take(token_kind::comma)) continue;
    if (take(token_kind::right_parenthesis)) return;
    unexpected("',' or ')'",
               is(token_kind::string)
                   ? "a '\"' ends a string even after a backslash; strings side by side "
                     "are not joined"
                   : fmt::format("the '(' of line {} is still open", source_.at(open.offset).line));
    break;
  }
  // Go on after the parenthesis, or where a statement ends.
  while (!is(token_kind::end) && !is(token_kind::semicolon) && !is(token_kind::left_brace) &&
         !is(token_kind::right_brace))
    if (next().kind == token_kind::right_parenthesis) return;
}

/// arg := STR | NUM | ID | ip | host | 'uri' ':' ('host'|'port') | $variable | '[' STR {',' STR}
/// ']'
bool parser::argument(std::vector<argument_syntax>& to, bool in_array) {
  using form = argument_syntax::form;
  argument_syntax a;
  a.first = peek();
  switch (a.first.kind) {
  case token_kind::string: a.what = form::string; break;
  case token_kind::number: a.what = form::number; break;
  case token_kind::host: a.what = form::host; break;
  case token_kind::address: a.what = form::address; break;
  case token_kind::variable: a.what = form::variable; break;
  case token_kind::name:
    a.what = form::word;
    if (a.first.text == "uri" && is(token_kind::colon, 1)) {
      next();
      next();
      if (!is_word("host") && !is_word("port"))
        return unexpected("host or port after 'uri:'"), false;
      a.what = form::uri_part;
      a.number = static_cast<std::int64_t>(is_word("host") ? uri_part::host : uri_part::port);
    }
    break;
  case token_kind::minus:
    next();
    if (!is(token_kind::number)) return unexpected("a number after '-'"), false;
    a.what = form::number;
    a.number = -peek().number;
    next();
    a.where = since(a.first.where);
    to.push_back(std::move(a));
    return true;
  case token_kind::left_bracket:
    if (in_array) return unexpected("a string"), false;
    if (!array(a)) return false;
    to.push_back(std::move(a));
    return true;
  default: unexpected("an argument"); return false;
  }
  if (a.what == form::number) a.number = a.first.number;
  next();
  a.where = since(a.first.where);
  to.push_back(std::move(a));
  return true;
}

bool parser::array(argument_syntax& to) {
  next();
  if (is(token_kind::address) && is(token_kind::right_bracket, 1)) { // [2001:db8::1]
    to.what = argument_syntax::form::address;
    to.first = next();
    next();
    to.where = since(to.first.where);
    return true;
  }
  to.what = argument_syntax::form::array;
  if (!take(token_kind::right_bracket)) {
    while (true) {
      if (!argument(to.items, true)) return false;
      if (take(token_kind::comma)) continue;
      if (!expect(token_kind::right_bracket, "at the end of the array")) return false;
      break;
    }
  }
  to.where = since(to.first.where);
  return true;
}

} // namespace tandem::script
