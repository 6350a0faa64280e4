// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/params.hpp>

namespace tandem::sip {

void param::write(sink& out) const noexcept {
  out.put(name);
  if (!has_value) return;
  out.put(is_quoted ? "=\"" : "=");
  out.put(value);
  if (is_quoted) out.put('"');
}

namespace {

constexpr bool is_in_brackets(char c) noexcept {
  return c > ' ' && c < '\x7f' && c != '<' && c != '>' && c != '"';
}

/// A URI in angle brackets as a value (RFC 8224 `info`, RFC 5318 `members`); the brackets stay.
std::string_view take_bracketed(cursor& at) noexcept {
  const std::string_view rest = at.rest();
  std::size_t length = 1;
  while (length < rest.size() && is_in_brackets(rest[length])) ++length;
  if (length == rest.size() || rest[length] != '>') return {};
  at.skip(length + 1);
  return rest.substr(0, length + 1);
}

} // namespace

// generic-param = token [ EQUAL gen-value ]; auth-param = token EQUAL ( token / quoted-string )
result<param, parse_error> read_param(cursor& at) noexcept {
  param read;
  read.name = at.take_token();
  if (read.name.empty()) return at.failure(parse_errc::bad_parameter);
  if (!at.take_separator('=')) return read;
  read.has_value = true;
  if (at.peek() == '"') {
    const auto quoted = at.take_quoted();
    if (!quoted) return tl::unexpected<parse_error>(quoted.error());
    read.value = *quoted;
    read.is_quoted = true;
    return read;
  }
  read.value = at.peek() == '<' ? take_bracketed(at) : at.take_param_value();
  if (read.value.empty()) return at.failure(parse_errc::expected_value);
  return read;
}

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
std::optional<std::uint16_t> parse_qvalue(std::string_view text) noexcept {
  // Deviates: ".5" and more than three decimals are read too; what is beyond thousandths is cut.
  unsigned value = 0;
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '0' || text[at] == '1'))
    value = static_cast<unsigned>(text[at++] - '0') * 1000;
  if (at == text.size())
    return at == 0 ? std::nullopt : std::optional{static_cast<std::uint16_t>(value)};
  if (text[at++] != '.' || text.size() == 1) return std::nullopt;
  for (unsigned unit = 100; at < text.size(); ++at, unit /= 10) {
    if (!is_digit(text[at])) return std::nullopt;
    value += static_cast<unsigned>(text[at] - '0') * unit;
  }
  if (value > 1000) return std::nullopt;
  return static_cast<std::uint16_t>(value);
}

void write_qvalue(sink& out, std::uint16_t thousandths) noexcept {
  if (thousandths >= 1000) return out.put('1');
  out.put('0');
  if (thousandths == 0) return;
  out.put('.');
  for (unsigned unit = 100, rest = thousandths; rest != 0; rest %= unit, unit /= 10)
    out.put(static_cast<char>('0' + rest / unit));
}

template <char Separator>
void basic_params<Separator>::steps::step() noexcept {
  at_.take_separator(Separator);
  at_.skip_lws();
  const std::size_t from = at_.offset();
  const auto next =
      at_.at_end() ? result<param, parse_error>{at_.failure(parse_errc::empty)} : read_param(at_);
  done_ = !next;
  now_ = next ? *next : param{};
  text_ = next ? at_.since(from) : std::string_view{};
}

template <char Separator>
result<basic_params<Separator>, parse_error>
basic_params<Separator>::read_bare(cursor& at) noexcept {
  return read_each(at, [](const param&) {});
}

template <char Separator>
result<basic_params<Separator>, parse_error> basic_params<Separator>::read(cursor& at) noexcept {
  if (Separator == ';' && !at.take_separator(Separator)) return basic_params{};
  return read_bare(at);
}

template <char Separator>
result<basic_params<Separator>, parse_error>
basic_params<Separator>::parse(std::string_view text) noexcept {
  cursor at{text};
  at.skip_lws();
  if (at.at_end()) return basic_params{};
  const auto all = Separator == ';' && at.peek() == ';' ? read(at) : read_bare(at);
  if (!all) return all;
  return at.finish(*all);
}

template <char Separator>
std::optional<param> basic_params<Separator>::find(std::string_view name) const noexcept {
  for (const param& each : *this)
    if (iequals(each.name, name)) return each;
  return std::nullopt;
}

template <char Separator>
std::string_view basic_params<Separator>::value(std::string_view name) const noexcept {
  const auto found = find(name);
  return found ? found->value : std::string_view{};
}

template <char Separator>
void basic_params<Separator>::write(sink& out) const noexcept {
  if (text_.empty()) return;
  if (Separator == ';') out.put(';');
  out.put(text_);
}

template class basic_params<';'>;
template class basic_params<','>;

namespace {

void append(std::string& to, std::string_view separator, std::string_view text) {
  if (!to.empty()) to += separator;
  to += text;
}

std::string text_of(const param& one) {
  sink measure;
  one.write(measure);
  std::string text(measure.size(), '\0');
  sink out{text};
  one.write(out);
  return text;
}

template <char Separator>
constexpr std::string_view joint = Separator == ',' ? ", " : ";";

template <char Separator>
result<std::string, parse_error> replace(basic_params<Separator> from, const param& with) {
  if (!is_token(with.name)) return parse_failure(parse_errc::bad_parameter, 0);
  sink measure;
  with.write(measure);
  if (!measure.is_safe()) return parse_failure(parse_errc::unsafe_text, 0);
  std::string out;
  bool is_set = false;
  for (auto it = from.begin(); it != from.end(); ++it) {
    if (!iequals(it->name, with.name)) {
      append(out, joint<Separator>, it.text());
    } else if (!is_set) {
      append(out, joint<Separator>, text_of(with));
      is_set = true;
    }
  }
  if (!is_set) append(out, joint<Separator>, text_of(with));
  return out;
}

} // namespace

template <char Separator>
result<std::string, parse_error> with_param(basic_params<Separator> from, std::string_view name,
                                            std::string_view value) {
  if (is_all(char_class::param_value, value)) return replace(from, param{name, value, true, false});
  const std::string escaped = escape_quoted(value);
  return replace(from, param{name, escaped, true, true});
}

template <char Separator>
result<std::string, parse_error> with_flag(basic_params<Separator> from, std::string_view name) {
  return replace(from, param{name, {}, false, false});
}

template <char Separator>
std::string without_param(basic_params<Separator> from, std::string_view name) {
  std::string out;
  for (auto it = from.begin(); it != from.end(); ++it)
    if (!iequals(it->name, name)) append(out, joint<Separator>, it.text());
  return out;
}

template result<std::string, parse_error> with_param(params, std::string_view, std::string_view);
template result<std::string, parse_error> with_param(auth_params, std::string_view,
                                                     std::string_view);
template result<std::string, parse_error> with_flag(params, std::string_view);
template result<std::string, parse_error> with_flag(auth_params, std::string_view);
template std::string without_param(params, std::string_view);
template std::string without_param(auth_params, std::string_view);

} // namespace tandem::sip
