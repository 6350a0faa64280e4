// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/warning.hpp>

namespace tandem::sip {

// warn-code = 3DIGIT, warn-agent = hostport / pseudonym, warn-text = quoted-string
result<warning, parse_error> warning::read(cursor& at) noexcept {
  warning value;
  const std::string_view digits = at.take_while(char_class::digit);
  const auto code = parse_number<std::uint16_t>(digits);
  if (digits.size() != 3 || !code) return at.failure(parse_errc::bad_warning);
  value.code = *code;
  at.skip_lws();
  value.agent = at.take_while(char_class::param_value); // a host and port, or a token
  if (value.agent.empty() || value.agent.data() == digits.data() + digits.size())
    return at.failure(parse_errc::bad_warning);
  at.skip_lws();
  if (at.peek() != '"') return at.failure(parse_errc::bad_warning);
  const auto quoted = at.take_quoted();
  if (!quoted) return tl::unexpected<parse_error>(quoted.error());
  value.text = *quoted;
  return value;
}

result<warning, parse_error> warning::parse(std::string_view text) noexcept {
  return parse_whole<warning>(text);
}

void warning::write(sink& out) const noexcept {
  out.put_number(code, 3);
  out.put(' ');
  out.put(agent);
  out.put(" \"");
  out.put(text);
  out.put('"');
}

} // namespace tandem::sip
