// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/escape.hpp>
#include <tandem/sip/params.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <limits>

namespace tandem::sip {

namespace {

/// Takes the first of the list away, with the separator behind it.
template <char Separator>
std::string_view take_first(std::string_view& list) noexcept {
  const std::string_view first = list.substr(0, list.find(Separator));
  list.remove_prefix(std::min(first.size() + 1, list.size()));
  return first;
}

uri_param to_param(std::string_view text) noexcept {
  uri_param one;
  const std::size_t equal = text.find('=');
  one.has_value = equal != std::string_view::npos;
  one.name = text.substr(0, equal);
  if (one.has_value) one.value = text.substr(equal + 1);
  return one;
}

} // namespace

template <char Separator>
void uri_part_list<Separator>::steps::step() noexcept {
  done_ = rest_.empty();
  text_ = done_ ? std::string_view{} : take_first<Separator>(rest_);
  now_ = to_param(text_);
}

template <char Separator>
std::optional<uri_param> uri_part_list<Separator>::find(std::string_view name) const noexcept {
  // Without an escape, a name that ends elsewhere is another one.
  const auto is_escaped = [](std::string_view text) {
    return text.find('%') != std::string_view::npos;
  };
  const bool has_escapes = is_escaped(text_) || is_escaped(name);
  for (std::string_view rest = text_; !rest.empty();) {
    const std::string_view whole = take_first<Separator>(rest);
    const bool may_be = has_escapes || whole.size() == name.size() ||
                        (whole.size() > name.size() && whole[name.size()] == '=');
    if (!may_be) continue;
    if (const uri_param one = to_param(whole); one.is(name)) return one;
  }
  return std::nullopt;
}

template <char Separator>
std::string_view uri_part_list<Separator>::value(std::string_view name) const noexcept {
  const auto found = find(name);
  return found ? found->value : std::string_view{};
}

template class uri_part_list<';'>;
template class uri_part_list<'&'>;

namespace {

/// Steps over characters of the class and escapes. `bad_escape` when a % is none.
template <char_class Of>
bool skip_escaped(cursor& at) noexcept {
  for (;;) {
    at.take_word<Of>();
    if (at.peek() != '%') return true;
    const std::string_view rest = at.rest();
    if (rest.size() < 3 || hex_value(rest[1]) < 0 || hex_value(rest[2]) < 0) return false;
    at.skip(3);
  }
}

/// Nothing may follow the parts of a URI.
std::optional<parse_error> fault_of_rest(const cursor& at) noexcept {
  if (at.at_end()) return std::nullopt;
  return at.fault(parse_errc::bad_character);
}

uri_scheme to_scheme(std::string_view text) noexcept {
  switch (text.size()) {
  case 3:
    if (iequals(text, "sip")) return uri_scheme::sip;
    if (iequals(text, "tel")) return uri_scheme::tel;
    return iequals(text, "urn") ? uri_scheme::urn : uri_scheme::other;
  case 4: return iequals(text, "sips") ? uri_scheme::sips : uri_scheme::other;
  default: return uri_scheme::other;
  }
}

constexpr std::uint16_t place(const cursor& at) noexcept {
  return static_cast<std::uint16_t>(at.offset());
}

} // namespace

result<uri, parse_error> uri::parse(std::string_view text) noexcept {
  result<uri, parse_error> parsed{tl::in_place};
  if (const auto fault = parsed->assign(text)) parsed = tl::unexpected<parse_error>(*fault);
  return parsed;
}

// SIP-URI = "sip:" [ userinfo ] hostport uri-parameters [ headers ]
// scheme  = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
std::optional<parse_error> uri::assign(std::string_view text) noexcept {
  *this = {};
  if (text.empty()) return parse_error{parse_errc::expected_uri, 0};
  if (text.size() > std::numeric_limits<std::uint16_t>::max())
    return parse_error{parse_errc::too_large, 0};
  text_ = text;
  cursor at{text};
  if (at.take_exactly("sip:")) { // as it mostly is
    scheme_end_ = 3;
    return read_sip(at);
  }
  const std::string_view scheme = at.take_while(char_class::scheme);
  if (scheme.empty() || !is_alpha(scheme.front()) || !at.take(':'))
    return parse_error{parse_errc::bad_scheme, 0};
  scheme_end_ = static_cast<std::uint16_t>(scheme.size());
  scheme_ = to_scheme(scheme);

  if (is_sip()) return read_sip(at);
  if (scheme_ == uri_scheme::tel) {
    if (const auto fault = read_tel(at)) return fault;
  } else {
    if (at.at_end()) return at.fault(parse_errc::expected_value);
    if (!skip_escaped<char_class::uri>(at)) return at.fault(parse_errc::bad_escape);
  }
  return fault_of_rest(at);
}

std::optional<parse_error> uri::read_sip(cursor& at) noexcept {
  const std::size_t from = at.offset();
  if (!at.take_while(char_class::user).empty() && at.peek() == '@') { // as it mostly is
    user_ = static_cast<std::uint16_t>(from);
    user_end_ = place(at);
    at.skip(1);
  } else {
    at.move_to(from);
    // The host and what follows it hold no bare "@", so the first one ends the user.
    if (at.rest().find('@') != std::string_view::npos)
      if (const auto fault = read_user(at)) return fault;
  }
  host_ = place(at);
  const bool has_brackets = at.peek() == '[';
  const auto host = host_view::read(at);
  if (!host) return host.error();
  host_kind_ = host->kind;
  host_end_ = static_cast<std::uint16_t>(at.offset() - (has_brackets ? 1 : 0));
  if (has_brackets) ++host_;
  if (at.take(':')) {
    const auto port = read_port(at);
    if (!port) return port.error();
    port_ = *port;
    has_port_ = true;
  }
  if (at.at_end()) return std::nullopt;
  if (const auto fault = read_params(at)) return fault;
  if (const auto fault = read_headers(at)) return fault;
  return fault_of_rest(at);
}

// userinfo = ( user / telephone-subscriber ) [ ":" password ] "@"
std::optional<parse_error> uri::read_user(cursor& at) noexcept {
  user_ = place(at);
  if (!skip_escaped<char_class::user>(at)) return at.fault(parse_errc::bad_escape);
  user_end_ = place(at);
  if (user_ == user_end_) return at.fault(parse_errc::bad_user);
  if (at.take(':')) {
    password_ = place(at);
    if (!skip_escaped<char_class::password>(at)) return at.fault(parse_errc::bad_escape);
  }
  if (!at.take('@')) return at.fault(parse_errc::bad_user);
  return std::nullopt;
}

// telephone-subscriber = global-number / local-number, each with *par
// Deviates: a local number without phone-context is let through (RFC 3966 5.1.5 asks for one),
// since emergency and short numbers are sent so.
std::optional<parse_error> uri::read_tel(cursor& at) noexcept {
  const bool is_global = at.take('+');
  const std::string_view digits = at.take_while(char_class::phone);
  bool has_digit = false;
  for (const char c : digits) {
    const bool is_dialled = is_global ? is_digit(c) : hex_value(c) >= 0 || c == '*' || c == '#';
    const bool is_visual = c == '-' || c == '.' || c == '(' || c == ')';
    if (!is_dialled && !is_visual) return at.fault(parse_errc::bad_phone_number);
    has_digit = has_digit || is_dialled;
  }
  if (!has_digit) return at.fault(parse_errc::bad_phone_number);
  return read_params(at);
}

// uri-parameters = *( ";" uri-parameter ), uri-parameter = 1*paramchar [ "=" 1*paramchar ]
std::optional<parse_error> uri::read_params(cursor& at) noexcept {
  if (!at.take(';')) return std::nullopt;
  params_ = place(at);
  std::size_t count = 0;
  do {
    const std::size_t from = at.offset();
    if (!skip_escaped<char_class::uri_param>(at)) return at.fault(parse_errc::bad_escape);
    const std::string_view name = at.since(from);
    if (name.empty()) return at.fault(parse_errc::bad_parameter);
    const bool has_value = at.peek() == '=';
    const std::size_t value = at.offset() + (has_value ? 1 : 0);
    // Deviates: an "=" inside a value (base64) and an empty value are let through.
    while (at.take('='))
      if (!skip_escaped<char_class::uri_param>(at)) return at.fault(parse_errc::bad_escape);
    if (text_place* const mark = find_mark(name)) {
      if (is_there(*mark))
        marks_.has_repeated = true;
      else
        *mark = {value, at.offset()};
    }
    if (++count > max_parameters) return at.fault(parse_errc::too_many_parameters);
  } while (at.take(';'));
  params_end_ = place(at);
  if (!at.at_end() && at.peek() != '?') return at.fault(parse_errc::bad_parameter);
  return std::nullopt;
}

/// The mark of the parameter called `name`; null for one that 19.1.1 does not have.
text_place* uri::find_mark(std::string_view name) noexcept {
  const auto only_if = [name](text_place& candidate, std::string_view its_name) {
    return iequals(name, its_name) ? &candidate : nullptr;
  };
  if (name.find('%') == std::string_view::npos) { // length leaves one candidate
    switch (name.size()) {
    case 2: return only_if(marks_.lr, "lr");
    case 3: return only_if(marks_.ttl, "ttl");
    case 4: return only_if(marks_.user, "user");
    case 5: return only_if(marks_.maddr, "maddr");
    case 6: return only_if(marks_.method, "method");
    case 9: return only_if(marks_.transport, "transport");
    default: return nullptr;
    }
  }
  const auto means = [name](std::string_view its_name) {
    return means_same_escaped(name, its_name, letter_case::ignored);
  };
  if (means("lr")) return &marks_.lr;
  if (means("ttl")) return &marks_.ttl;
  if (means("user")) return &marks_.user;
  if (means("maddr")) return &marks_.maddr;
  if (means("method")) return &marks_.method;
  return means("transport") ? &marks_.transport : nullptr;
}

// headers = "?" header *( "&" header ), header = hname "=" hvalue
std::optional<parse_error> uri::read_headers(cursor& at) noexcept {
  if (!at.take('?')) return std::nullopt;
  headers_ = place(at);
  std::size_t count = 0;
  do {
    const std::size_t from = at.offset();
    if (!skip_escaped<char_class::uri_header>(at)) return at.fault(parse_errc::bad_escape);
    if (at.offset() == from || !at.take('=')) return at.fault(parse_errc::bad_uri_header);
    if (!skip_escaped<char_class::uri_header>(at)) return at.fault(parse_errc::bad_escape);
    if (++count > max_parameters) return at.fault(parse_errc::too_many_parameters);
  } while (at.take('&'));
  return at.at_end() ? std::nullopt : std::optional{at.fault(parse_errc::bad_uri_header)};
}

std::string_view uri::opaque() const noexcept {
  return text_.empty() ? text_ : text_.substr(scheme_end_ + std::size_t{1});
}

std::optional<std::string_view> uri::password() const noexcept {
  if (password_ == 0) return std::nullopt;
  const std::size_t end = host_kind_ == host_kind::ipv6 ? host_ - std::size_t{1} : host_;
  return part(password_, end - 1); // the "@" stands between
}

std::string_view uri::number() const noexcept {
  if (scheme_ != uri_scheme::tel) return {};
  const std::string_view all = opaque();
  return all.substr(0, all.find(';'));
}

void uri::write(sink& out) const noexcept {
  if (host_kind_ != host_kind::ipv6) return out.put(text_);
  out.put(text_.substr(0, host_ - std::size_t{1}));
  host().write(out);
  out.put(text_.substr(host_end_ + std::size_t{1}));
}

} // namespace tandem::sip
