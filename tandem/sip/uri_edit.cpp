// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/escape.hpp>
#include <tandem/sip/uri_edit.hpp>

namespace tandem::sip {

uri_parts::uri_parts(const uri& from) noexcept
    : scheme{from.scheme_text()}, user{from.user()}, password{from.password()},
      host{from.host().text}, port{from.port()}, params{from.params_text()},
      headers{from.headers_text()} {
  if (from.scheme() == uri_scheme::tel)
    user = from.number();
  else if (!from.is_sip())
    user = from.opaque();
}

namespace {

void append_host(std::string& to, std::string_view host) {
  const auto parsed = host_view::from_text(host);
  if (!parsed) {
    to += host; // parsing the whole tells what is wrong with it, and where
    return;
  }
  std::string text(text_size(*parsed), '\0');
  sink out{text};
  parsed->write(out);
  to += text;
}

/// The text says what the parts say: nothing in a part was taken for the beginning of another.
bool has_parts(const uri& made, const uri_parts& parts) noexcept {
  const uri_parts read{made};
  const auto host = host_view::from_text(parts.host);
  return read.user == parts.user && read.password == parts.password && read.port == parts.port &&
         read.params == parts.params && read.headers == parts.headers &&
         (host ? equivalent(*host, made.host()) : parts.host.empty());
}

} // namespace

result<std::string, parse_error> make_uri(const uri_parts& parts) {
  std::string text{parts.scheme};
  text += ':';
  text += parts.user;
  if (!parts.host.empty()) {
    if (parts.password) (text += ':') += *parts.password;
    if (!parts.user.empty() || parts.password) text += '@';
    append_host(text, parts.host);
    if (parts.port) (text += ':') += std::to_string(*parts.port);
  }
  if (!parts.params.empty()) (text += ';') += parts.params;
  if (!parts.headers.empty()) (text += '?') += parts.headers;

  for (std::size_t at = 0; at < text.size(); ++at)
    if (text[at] == '\r' || text[at] == '\n' || text[at] == '\0')
      return parse_failure(parse_errc::unsafe_text, at);
  const auto made = uri::parse(text);
  if (!made) return tl::unexpected<parse_error>(made.error());
  if (!has_parts(*made, parts)) return parse_failure(parse_errc::bad_character, 0);
  return text;
}

namespace {

void append_param(std::string& to, const uri_param& one) {
  if (!to.empty()) to += ';';
  to += one.name;
  if (one.has_value) (to += '=') += one.value;
}

} // namespace

std::string with_uri_param(uri_parameters from, std::string_view name,
                           std::optional<std::string_view> value) {
  const std::string escaped_name = escape_uri(uri_part::param, name);
  const std::string escaped_value = escape_uri(uri_part::param, value.value_or(""));
  const uri_param with{escaped_name, escaped_value, value.has_value()};
  std::string out;
  bool is_set = false;
  for (const uri_param& each : from) {
    if (!means_same_escaped(each.name, escaped_name, letter_case::ignored)) {
      append_param(out, each);
    } else if (!is_set) {
      append_param(out, with);
      is_set = true;
    }
  }
  if (!is_set) append_param(out, with);
  return out;
}

std::string without_uri_param(uri_parameters from, std::string_view name) {
  std::string out;
  for (const uri_param& each : from)
    if (!means_same_escaped(each.name, name, letter_case::ignored)) append_param(out, each);
  return out;
}

result<std::string, parse_error> to_sip_uri(const uri& tel, std::string_view host) {
  if (tel.scheme() != uri_scheme::tel) return parse_failure(parse_errc::bad_scheme, 0);
  // 19.1.6: the whole subscriber, parameters included, becomes the user, so that those of the host
  // stay apart; its case and visual separators are kept.
  std::string user;
  for (const char& c : tel.opaque())
    user += c == '%' ? std::string{c} : escape_uri(uri_part::user, {&c, 1}); // escaped already
  uri_parts parts;
  parts.user = user;
  parts.host = host;
  parts.params = "user=phone";
  return make_uri(parts);
}

} // namespace tandem::sip
