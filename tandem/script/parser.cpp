// SPDX-License-Identifier: Apache-2.0
// The grammar of a file: parameters, modules, route blocks; and the reading head.
#include <tandem/script/parser.hpp>

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <utility>

#include <tandem/base/text.hpp>

namespace tandem::script {

namespace {

constexpr std::size_t max_depth = 100;

constexpr std::array<std::string_view, 6> item_words{
    "loadmodule", "modparam", "route", "failure_route", "onreply_route", "reply_route"};

} // namespace

const std::int64_t* find_constant(std::string_view word) noexcept {
  static constexpr std::pair<std::string_view, std::int64_t> constants[] =
      {
          {"yes", 1},    {"true", 1},  {"on", 1},          {"enable", 1},
          {"no", 0},     {"false", 0}, {"off", 0},         {"disable", 0},
          {"udp", 1},    {"tcp", 2},   {"tls", 3},         {"sctp", 4},
          {"ws", 5},     {"wss", 6},   {"inet", 2}, // the numbers of Linux, which old scripts use
          {"inet6", 10}, {"INET", 2},  {"INET6", 10},      {"UDP", 1},
          {"TCP", 2},    {"TLS", 3},   {"max_len", 65535},
      };
  for (const auto& [name, value] : constants)
    if (name == word) return &value;
  return nullptr;
}

script_syntax parse(const source& text, const registry& names, diagnostics& found) {
  return parser(text, names, found).run();
}

parser::parser(const source& from, const registry& names, diagnostics& found)
    : source_(from), names_(names), found_(found), tokens_(read_tokens(from, found)) {}

// --- the reading head

const token& parser::peek(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

bool parser::is(token_kind kind, std::size_t ahead) const { return peek(ahead).kind == kind; }

bool parser::is_word(std::string_view word, std::size_t ahead) const {
  return is(token_kind::name, ahead) && peek(ahead).text == word;
}

const token& parser::next() {
  const token& t = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return t;
}

bool parser::take(token_kind kind) {
  if (!is(kind)) return false;
  next();
  return true;
}

bool parser::expect(token_kind kind, std::string_view after) {
  if (take(kind)) return true;
  unexpected(fmt::format("{} {}", describe(kind), after));
  return false;
}

void parser::unexpected(std::string_view expected, std::string hint) {
  // What lacks its end is best shown where it should have ended.
  const token& t = peek();
  span where = t.where;
  if (at_ > 0 && (is(token_kind::end) || source_.at(tokens_[at_ - 1].where.offset).line !=
                                             source_.at(where.offset).line)) {
    const span last = tokens_[at_ - 1].where;
    where = {last.offset + last.length, 0};
  }
  found_.error(where, fmt::format("expected {}, found {}", expected, describe(t)), std::move(hint));
}

span parser::since(span begin) const {
  return at_ == 0 ? begin : join(begin, tokens_[at_ - 1].where);
}

bool parser::too_deep() {
  if (depth_ <= max_depth) return false;
  if (!std::exchange(reported_depth_, true))
    found_.error(peek().where, fmt::format("nested deeper than {} levels", max_depth));
  return true;
}

// --- the file

script_syntax parser::run() {
  script_.begins_with_ser = source_.text().starts_with("#!SER");
  while (!is(token_kind::end)) {
    const std::size_t before = at_;
    item();
    if (at_ == before) next(); // whatever it was, never twice
  }
  return std::move(script_);
}

bool parser::begins_item() const {
  if (!is(token_kind::name)) return false;
  const std::string& word = peek().text;
  if (is(token_kind::assign, 1)) return true;
  if (word == "loadmodule") return is(token_kind::string, 1);
  if (word == "modparam") return is(token_kind::left_parenthesis, 1);
  return std::find(item_words.begin(), item_words.end(), word) != item_words.end() &&
         (is(token_kind::left_brace, 1) || is(token_kind::left_bracket, 1));
}

/// item := param '=' value | loadmodule STR | modparam '(' STR ',' STR ',' value ')'
///       | route ['[' n ']'] block | (failure_route | reply_route | onreply_route) '[' n ']' block
///       | ';'
void parser::item() {
  if (take(token_kind::semicolon)) return;
  if (take(token_kind::right_brace)) {
    found_.error(tokens_[at_ - 1].where, "this '}' closes nothing");
    return;
  }
  if (!is(token_kind::name)) {
    unexpected("a parameter, loadmodule, modparam or a route block");
    return skip_item();
  }
  if (is_word("loadmodule")) return load();
  if (is_word("modparam")) return modparam();
  if (is_word("route")) return block(block_kind::request);
  if (is_word("failure_route")) return block(block_kind::failure);
  if (is_word("onreply_route")) return block(block_kind::onreply);
  if (is_word("reply_route")) {
    found_.warning(peek().where, "reply_route is the old name", "write failure_route");
    return block(block_kind::failure);
  }
  if (is(token_kind::assign, 1)) return assignment();
  unknown_item();
}

void parser::unknown_item() {
  const token& t = peek();
  if (is(token_kind::left_bracket, 1) || is(token_kind::left_brace, 1)) {
    found_.error(t.where,
                 fmt::format("unknown kind of block '{}'; expected route, failure_route or "
                             "onreply_route",
                             t.text),
                 did_you_mean(nearest_name(t.text, item_words)));
  } else if (is(token_kind::left_parenthesis, 1)) {
    found_.error(t.where, fmt::format("'{}' is called outside of any block", t.text),
                 did_you_mean(nearest_name(t.text, std::array<std::string_view, 1>{"modparam"})));
  } else {
    std::vector<std::string_view> names(item_words.begin(), item_words.end());
    for (const parameter_info& p : names_.core().parameters) names.push_back(p.name);
    const std::string_view near = nearest_name(t.text, names);
    if (near == t.text) {
      next();
      return unexpected("'=' after the parameter's name");
    }
    found_.error(
        t.where,
        fmt::format("expected a parameter, loadmodule, modparam or a route block, found '{}'",
                    t.text),
        did_you_mean(near));
  }
  skip_item();
}

/// To the next item, past a block in braces if one comes first.
void parser::skip_item() {
  std::size_t depth = 0;
  bool first = true;
  while (!is(token_kind::end)) {
    if (depth == 0 && !first && begins_item()) return;
    first = false;
    if (is(token_kind::left_brace)) ++depth;
    if (is(token_kind::right_brace)) {
      next();
      if (depth <= 1) return;
      --depth;
      continue;
    }
    if (depth == 0 && take(token_kind::semicolon)) return;
    next();
  }
}

void parser::assignment() {
  assignment_syntax a;
  a.name = next();
  next(); // '='
  const bool is_list = [&] {
    const parameter_info* p = names_.find_parameter(a.name.text);
    return p != nullptr && p->kind == parameter_kind::list;
  }();
  if (is_list) {
    if (!list_item(a)) return skip_item();
    // id_lst: items stand side by side; commas between them do no harm.
    while (true) {
      take(token_kind::comma);
      if (is(token_kind::end) || is(token_kind::semicolon) || begins_item()) break;
      if (!(is(token_kind::name) || is(token_kind::host) || is(token_kind::address) ||
            is(token_kind::string) || is(token_kind::left_bracket)))
        break;
      if (!list_item(a)) return skip_item();
    }
  } else if (!value(a)) {
    return skip_item();
  }
  script_.assignments.push_back(std::move(a));
}

bool parser::value(assignment_syntax& to) {
  value_syntax v;
  const span begin = peek().where;
  const bool negative = take(token_kind::minus);
  if (!is(token_kind::number) && (negative || !(is(token_kind::string) || is(token_kind::name) ||
                                                is(token_kind::host) || is(token_kind::address)))) {
    unexpected(fmt::format("a value for '{}'", to.name.text));
    return false;
  }
  v.first = next();
  if (negative) v.first.number = -v.first.number;
  v.text = v.first.text;
  v.where = since(begin);
  to.values.push_back(std::move(v));
  return true;
}

/// [proto ':'] host [':' port], host := name | address | '[' address ']', or the same as a string.
bool parser::list_item(assignment_syntax& to) {
  value_syntax v;
  v.first = peek();
  if (take(token_kind::string)) {
    v.text = v.first.text;
    v.where = v.first.where;
    to.values.push_back(std::move(v));
    return true;
  }
  if (is(token_kind::name) && is(token_kind::colon, 1) &&
      (is(token_kind::name, 2) || is(token_kind::host, 2) || is(token_kind::address, 2) ||
       is(token_kind::left_bracket, 2))) {
    v.text = fmt::format("{}:", next().text);
    next();
  }
  if (take(token_kind::left_bracket)) {
    if (!is(token_kind::address)) return unexpected("an IPv6 address after '['"), false;
    v.text += fmt::format("[{}]", next().text);
    if (!expect(token_kind::right_bracket, "after the address")) return false;
  } else if (is(token_kind::name) || is(token_kind::host) || is(token_kind::address)) {
    v.text += next().text;
  } else {
    unexpected(fmt::format("an address, a name or an interface for '{}'", to.name.text));
    return false;
  }
  if (is(token_kind::colon) && is(token_kind::number, 1)) {
    next();
    v.text += fmt::format(":{}", next().text);
  }
  v.where = since(v.first.where);
  to.values.push_back(std::move(v));
  return true;
}

void parser::load() {
  next();
  if (!is(token_kind::string)) {
    unexpected("the module in quotes after loadmodule");
    return skip_item();
  }
  script_.loads.push_back({next()});
}

void parser::modparam() {
  next();
  modparam_syntax m;
  const auto string_then_comma = [&](token& to, std::string_view what) {
    if (!is(token_kind::string)) {
      unexpected(what);
      return false;
    }
    to = next();
    return expect(token_kind::comma, "in modparam(module, name, value)");
  };
  if (!expect(token_kind::left_parenthesis, "after modparam") ||
      !string_then_comma(m.module, "the module's name in quotes") ||
      !string_then_comma(m.name, "the parameter's name in quotes"))
    return skip_item();
  m.is_negative = take(token_kind::minus);
  if (!is(token_kind::number) &&
      (m.is_negative || !(is(token_kind::string) || is(token_kind::name)))) {
    unexpected("a string or a number as the parameter's value");
    return skip_item();
  }
  m.value = next();
  if (!expect(token_kind::right_parenthesis, "after modparam's value")) return skip_item();
  script_.modparams.push_back(std::move(m));
}

void parser::block(block_kind kind) {
  block_syntax b;
  b.kind = kind;
  b.where = next().where;
  if (!block_name(b)) return skip_item();
  b.where = since(b.where);
  if (!is(token_kind::left_brace)) {
    unexpected(fmt::format("'{{' of {}[{}]", to_string(kind), b.name));
    return skip_item();
  }
  reported_open_ = false;
  b.body = braces();
  script_.blocks.push_back(std::move(b));
}

bool parser::block_name(block_syntax& to) {
  if (!take(token_kind::left_bracket)) {
    if (to.kind != block_kind::request) {
      unexpected(fmt::format("'[' and a number after {}", to_string(to.kind)));
      return false;
    }
    return true; // route is route[0]
  }
  if (is(token_kind::number)) {
    to.name = std::to_string(next().number); // 01 and 1 are one block
  } else if (is(token_kind::name) || is(token_kind::string)) {
    to.name = next().text;
  } else {
    unexpected(fmt::format("the number or name of the {} block", to_string(to.kind)));
    return false;
  }
  if (to.kind != block_kind::request && to.name == "0")
    found_.error(tokens_[at_ - 1].where,
                 fmt::format("{}[0] cannot be armed: 0 means none", to_string(to.kind)),
                 "number it from 1");
  return expect(token_kind::right_bracket, "after the block's name");
}

} // namespace tandem::script
