// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/token.hpp>

namespace tandem::sip {

result<token, parse_error> token::read(cursor& at) noexcept {
  const std::string_view word = at.take_token();
  if (word.empty()) return at.failure(parse_errc::expected_token);
  return token{word};
}

result<token, parse_error> token::parse(std::string_view text) noexcept {
  return parse_whole<token>(text);
}

result<token_params, parse_error> token_params::read(cursor& at) noexcept {
  const std::string_view word = at.take_token();
  if (word.empty()) return at.failure(parse_errc::expected_token);
  const auto parameters = sip::params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  return token_params{word, *parameters};
}

result<token_params, parse_error> token_params::parse(std::string_view text) noexcept {
  return parse_whole<token_params>(text);
}

void token_params::write(sink& out) const noexcept {
  out.put(name);
  params.write(out);
}

result<subscription_state, parse_error> subscription_state::read(cursor& at) noexcept {
  const auto value = token_params::read(at);
  if (!value) return tl::unexpected<parse_error>(value.error());
  return subscription_state{*value};
}

result<subscription_state, parse_error> subscription_state::parse(std::string_view text) noexcept {
  return parse_whole<subscription_state>(text);
}

result<word_params, parse_error> word_params::read(cursor& at) noexcept {
  word_params value;
  value.is_quoted = at.peek() == '"';
  if (value.is_quoted) {
    const auto quoted = at.take_quoted();
    if (!quoted) return tl::unexpected<parse_error>(quoted.error());
    value.word = *quoted;
  } else {
    value.word = at.take_while(char_class::param_value);
    if (value.word.empty()) return at.failure(parse_errc::expected_value);
  }
  const auto parameters = sip::params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  value.params = *parameters;
  return value;
}

result<word_params, parse_error> word_params::parse(std::string_view text) noexcept {
  return parse_whole<word_params>(text);
}

void word_params::write(sink& out) const noexcept {
  if (is_quoted) out.put('"');
  out.put(word);
  if (is_quoted) out.put('"');
  params.write(out);
}

result<param_value, parse_error> param_value::read(cursor& at) noexcept {
  const auto parameters = sip::params::read_bare(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  return param_value{*parameters};
}

result<param_value, parse_error> param_value::parse(std::string_view text) noexcept {
  return parse_whole<param_value>(text);
}

namespace {

/// Takes the next privacy kind off the cursor; empty at the end.
std::string_view next_kind(cursor& at) noexcept {
  const std::string_view kind = at.take_token();
  if (!at.take_separator(';')) at.take_separator(',');
  return kind;
}

} // namespace

result<privacy, parse_error> privacy::parse(std::string_view text) noexcept {
  const std::string_view all = trim(text);
  const auto before = static_cast<std::size_t>(all.data() - text.data());
  cursor at{all};
  do {
    if (next_kind(at).empty())
      return parse_failure(parse_errc::expected_token, before + at.offset());
  } while (!at.at_end());
  return privacy{all};
}

bool privacy::has(std::string_view kind) const noexcept {
  cursor at{text};
  while (!at.at_end()) {
    const std::string_view one = next_kind(at);
    if (iequals(one, kind)) return true;
    if (one.empty()) return false;
  }
  return false;
}

// callid = word [ "@" word ], word = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" /
//          "'" / "~" / "(" / ")" / "<" / ">" / ":" / "\" / DQUOTE / "/" / "[" / "]" / "?" / "{" /
//          "}")
result<call_id, parse_error> call_id::read(cursor& at) noexcept {
  const std::string_view text = at.take_word<char_class::call_id>();
  if (text.empty()) return at.failure(parse_errc::expected_value);
  return call_id{text};
}

result<call_id, parse_error> call_id::parse(std::string_view text) noexcept {
  return parse_whole<sip::call_id>(text);
}

result<call_id_params, parse_error> call_id_params::read(cursor& at) noexcept {
  const std::string_view text = at.take_word<char_class::call_id>();
  if (text.empty()) return at.failure(parse_errc::expected_value);
  const auto parameters = sip::params::read(at);
  if (!parameters) return tl::unexpected<parse_error>(parameters.error());
  return call_id_params{text, *parameters};
}

result<call_id_params, parse_error> call_id_params::parse(std::string_view text) noexcept {
  return parse_whole<call_id_params>(text);
}

void call_id_params::write(sink& out) const noexcept {
  out.put(call_id);
  params.write(out);
}

// TEXT-UTF8-TRIM; folds stay in the view and are written as blanks
result<text_value, parse_error> text_value::parse(std::string_view text) noexcept {
  const std::string_view all = trim(text);
  cursor at{all};
  for (;;) {
    at.take_while(char_class::text);
    if (at.at_end()) break;
    const std::size_t before = at.offset();
    at.skip_lws();
    if (at.offset() == before)
      return parse_failure(parse_errc::bad_character,
                           static_cast<std::size_t>(all.data() - text.data()) + before);
  }
  return text_value{all};
}

} // namespace tandem::sip
