// SPDX-License-Identifier: Apache-2.0
// Arguments: what may be written where another thing is declared, and the complaints.
#include <tandem/script/convert_arguments.hpp>

#include <fmt/format.h>

#include <tandem/base/text.hpp>

namespace tandem::script {

namespace {

using form = argument_syntax::form;

std::string expected_kinds(argument_mask mask) {
  struct word {
    argument_kind kind;
    std::string_view text;
  };
  static constexpr word words[] = {
      {argument_kind::text, "a string"},
      {argument_kind::integer, "a number"},
      {argument_kind::flag, "a flag (0 to 31)"},
      {argument_kind::size, "a number or max_len"},
      {argument_kind::host, "a host name or address"},
      {argument_kind::uri_part, "uri:host or uri:port"},
      {argument_kind::route, "the number or name of a route"},
      {argument_kind::failure_route, "the number of a failure_route"},
      {argument_kind::onreply_route, "the number of an onreply_route"},
      {argument_kind::array, "an array [\"...\", ...]"},
  };
  std::string out;
  if (accepts(mask, argument_kind::string)) mask = mask | argument_kind::text;
  for (const word& w : words)
    if (accepts(mask, w.kind)) out += fmt::format("{}{}", out.empty() ? "" : " or ", w.text);
  return out;
}

std::string describe_form(const argument_syntax& a) {
  switch (a.what) {
  case form::uri_part: return a.number == 0 ? "uri:host" : "uri:port";
  case form::array: return "an array";
  case form::string: return fmt::format("the string \"{}\"", a.first.text);
  default: return describe(a.first);
  }
}

class converter {
 public:
  converter(const argument_surroundings& around, diagnostics& found)
      : around_(around), found_(found) {}

  /// What `written` is, of the kinds that are possible; false when it is none of them.
  bool convert(const argument_syntax& written, argument_mask kinds, argument& to) {
    to.where = written.where;
    switch (written.what) {
    case form::string: return from_string(written, kinds, to);
    case form::number: return from_number(written, kinds, to);
    case form::word: return from_word(written, kinds, to);
    case form::host:
    case form::address: return from_host(written, kinds, to);
    case form::variable: return from_variable(written, kinds, to);
    case form::uri_part:
      if (!accepts(kinds, argument_kind::uri_part)) return false;
      to.kind = argument_kind::uri_part;
      to.number = written.number;
      return true;
    case form::array: return from_array(written, kinds, to);
    }
    return false;
  }

 private:
  static bool set_number(argument_kind kind, std::int64_t value, argument& to) {
    to.kind = kind;
    to.number = value;
    to.text = std::to_string(value);
    return true;
  }

  bool number(std::int64_t value, argument_mask kinds, argument& to) {
    if (accepts(kinds, argument_kind::integer))
      return set_number(argument_kind::integer, value, to);
    if (accepts(kinds, argument_kind::size) && value >= 0)
      return set_number(argument_kind::size, value, to);
    if (accepts(kinds, argument_kind::flag)) {
      if (value < 0 || value > 31)
        found_.error(to.where, fmt::format("flags are numbered 0 to 31, found {}", value));
      return set_number(argument_kind::flag, value & 31, to);
    }
    return false;
  }

  bool block(std::string_view name, argument_mask kinds, argument& to) {
    struct candidate {
      argument_kind kind;
      block_kind block;
    };
    static constexpr candidate candidates[] = {
        {argument_kind::route, block_kind::request},
        {argument_kind::failure_route, block_kind::failure},
        {argument_kind::onreply_route, block_kind::onreply},
    };
    for (const candidate& c : candidates) {
      if (!accepts(kinds, c.kind)) continue;
      std::string wanted(name);
      if (const auto digits = parse_signed_number<std::int64_t>(name))
        wanted = std::to_string(*digits);
      to.kind = c.kind;
      to.text = wanted;
      to.number = no_block;
      if (wanted == "0" && c.kind != argument_kind::route) return true; // disarms
      if (const auto id = find_block(around_.blocks, c.block, wanted)) {
        to.number = *id;
        return true;
      }
      std::vector<std::string_view> all;
      for (const block_info& b : around_.blocks)
        if (b.kind == c.block) all.push_back(b.name);
      found_.error(to.where, fmt::format("there is no {}[{}]", to_string(c.block), wanted),
                   parse_signed_number<std::int64_t>(name) ? std::string()
                                                           : did_you_mean(nearest_name(name, all)));
      return true; // said what is wrong
    }
    return false;
  }

  void text(std::string_view content, const text_site& at, argument& to) {
    to.kind = argument_kind::text;
    to.pieces = split_text(content, at, around_.known, around_.policy, found_);
    if (to.pieces.size() != 1 || to.pieces[0].variable.info != nullptr) return;
    to.text = std::move(to.pieces[0].literal);
    to.pieces.clear();
  }

  bool from_string(const argument_syntax& written, argument_mask kinds, argument& to) {
    const std::string& content = written.first.text;
    if (block(content, kinds, to)) return true;
    if (accepts(kinds, argument_kind::text)) {
      text(content, {written.first.where, around_.text.text(written.first.where)}, to);
      return true;
    }
    if (accepts(kinds, argument_kind::string) || accepts(kinds, argument_kind::host)) {
      to.kind = accepts(kinds, argument_kind::string) ? argument_kind::string : argument_kind::host;
      to.text = content;
      return true;
    }
    const auto value = content == "max_len" ? std::optional<std::int64_t>(65535)
                                            : parse_signed_number<std::int64_t>(content);
    return value && number(*value, kinds, to);
  }

  bool from_number(const argument_syntax& written, argument_mask kinds, argument& to) {
    if (number(written.number, kinds, to)) return true;
    const std::string digits = written.first.kind == token_kind::number
                                   ? std::string(written.first.text)
                                   : std::to_string(written.number);
    if (block(digits, kinds, to)) return true;
    if (accepts(kinds, argument_kind::string) || accepts(kinds, argument_kind::text)) {
      to.kind = accepts(kinds, argument_kind::text) ? argument_kind::text : argument_kind::string;
      to.text = digits;
      return true;
    }
    return false;
  }

  bool from_word(const argument_syntax& written, argument_mask kinds, argument& to) {
    const std::string& word = written.first.text;
    if (word == "max_len" && accepts(kinds, argument_kind::size))
      return set_number(argument_kind::size, 65535, to);
    if (block(word, kinds, to)) return true;
    if (accepts(kinds, argument_kind::integer))
      if (const std::int64_t* constant = find_constant(word))
        return set_number(argument_kind::integer, *constant, to);
    return from_host(written, kinds, to);
  }

  static bool from_host(const argument_syntax& written, argument_mask kinds, argument& to) {
    if (!accepts(kinds, argument_kind::host)) return false;
    to.kind = argument_kind::host;
    to.text = written.first.text;
    return true;
  }

  bool from_variable(const argument_syntax& written, argument_mask kinds, argument& to) {
    if (!accepts(kinds, argument_kind::text)) return false;
    text(written.first.text, {written.first.where, {}}, to);
    return true;
  }

  bool from_array(const argument_syntax& written, argument_mask kinds, argument& to) {
    if (!accepts(kinds, argument_kind::array)) return false;
    to.kind = argument_kind::array;
    if (written.items.empty()) found_.error(written.where, "this array is empty");
    for (const argument_syntax& item : written.items) {
      argument made;
      if (!convert(item, static_cast<argument_mask>(argument_kind::text), made))
        found_.error(item.where, fmt::format("expected a string, found {}", describe_form(item)));
      to.items.push_back(std::move(made));
    }
    return true;
  }

  const argument_surroundings& around_;
  diagnostics& found_;
};

/// What to write instead, when that is plain.
std::string remedy(const argument_syntax& written, argument_mask kinds) {
  const bool wants_text =
      accepts(kinds, argument_kind::string) || accepts(kinds, argument_kind::text);
  if (wants_text &&
      (written.what == form::word || written.what == form::host || written.what == form::address))
    return fmt::format("write \"{}\"", written.first.text);
  if (wants_text && written.what == form::array) return "this function takes no array";
  if (written.what == form::variable && accepts(kinds, argument_kind::string))
    return "variables are not evaluated here";
  return {};
}

} // namespace

std::optional<block_id> find_block(const std::vector<block_info>& blocks, block_kind kind,
                                   std::string_view name) noexcept {
  for (std::size_t i = 0; i < blocks.size(); ++i)
    if (blocks[i].kind == kind && blocks[i].name == name) return static_cast<block_id>(i);
  return std::nullopt;
}

std::vector<argument> convert_arguments(const call_syntax& written, const function_info& function,
                                        const argument_surroundings& around, diagnostics& found) {
  std::vector<argument> made;
  converter to_declared(around, found);
  for (std::size_t i = 0; i < written.arguments.size(); ++i) {
    const argument_syntax& a = written.arguments[i];
    const argument_info& declared = function.arguments[i];
    argument to;
    if (!to_declared.convert(a, declared.kinds, to))
      found.error(a.where,
                  fmt::format("argument {} ({}) of {} is {}, found {}", i + 1, declared.name,
                              function.name, expected_kinds(declared.kinds), describe_form(a)),
                  remedy(a, declared.kinds));
    made.push_back(std::move(to));
  }
  return made;
}

} // namespace tandem::script
