// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/json_text.hpp>
#include <tandem/sip2/protocol/redact.hpp>

#include <tandem/base/hash.hpp>
#include <tandem/sip2/protocol/json.hpp>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr field_id patron_identifier{"AA"};
constexpr field_id login_user{"CN"};
constexpr field_id login_password{"CO"};
constexpr std::string_view hidden = "***";

std::string mark_of(std::string_view value) {
  static const hash_key key = hash_key::random();
  return fmt::format("#{:08x}", static_cast<std::uint32_t>(keyed_hash(key, value)));
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_word(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}
constexpr bool is_punctuation(char c) noexcept { return c > ' ' && c < 0x7f && !is_word(c); }

/// The fixed fields look like what the table says: else the message lacks some, and what stands
/// there, or looks like a field, may be a piece of anything.
bool has_likely_fixed(const message& m) {
  const auto* spec = m.spec();
  if (!spec) return true;
  constexpr std::size_t zone = 11; // the one letter of a date: YYYYMMDD, blanks and Z, HHMMSS
  for (std::size_t i = 0; i < spec->fixed.size(); ++i) {
    const auto value = m.fixed_at(i);
    const auto is_likely = [&](char c) { return is_digit(c) || c == ' '; };
    switch (spec->fixed[i].kind) {
    case fixed_kind::date:
      for (std::size_t at = 0; at < value.size(); ++at)
        if (!is_likely(value[at]) && at != zone) return false;
      break;
    case fixed_kind::algorithm:
    case fixed_kind::language:
    case fixed_kind::limit:
      if (!std::ranges::all_of(value, is_likely)) return false;
      break;
    case fixed_kind::yes_no:
    case fixed_kind::yes_no_unknown:
      if (value.find_first_not_of("YNUynu01 ") != std::string_view::npos) return false;
      break;
    default: break;
    }
  }
  return true;
}

/// Where a secret field begins within a value, behind a delimiter that is not ours; npos: nowhere.
std::size_t find_embedded_secret(std::string_view value) noexcept {
  for (std::size_t i = 0; i + 2 < value.size(); ++i)
    if (is_punctuation(value[i]) &&
        privacy_of(field_id::of(value.substr(i + 1))) == privacy::secret)
      return i + 1;
  return std::string_view::npos;
}

/// Replaces a secret where it stands as a word, in one pass.
void hide(std::string& text, std::string_view secret) {
  std::string out;
  std::size_t done = 0; // behind the last one that was replaced
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    const auto end = at + secret.size();
    const bool is_whole =
        (at == done || !is_word(text[at - 1])) && (end == text.size() || !is_word(text[end]));
    if (!is_whole) {
      ++at;
      continue;
    }
    out.append(text, done, at - done).append(hidden);
    done = at = end;
  }
  if (done > 0) text = out.append(text, done);
}

bool hides_everything(std::span<const std::string> secrets) noexcept {
  return std::ranges::any_of(secrets, &std::string::empty);
}

/// A value without what is known to be secret.
std::string shown(std::string_view value, std::span<const std::string> secrets) {
  if (hides_everything(secrets)) return std::string{hidden};
  std::string out{value.substr(0, find_embedded_secret(value))};
  if (out.size() < value.size()) out += hidden;
  for (const auto& s : secrets) hide(out, s);
  return out;
}

// --- secrets in whatever text --------------------------------------------------------------------

/// One character of a text that may be escaped.
struct unit {
  std::uint32_t value = 0;
  bool is_code_point = false; ///< else a byte
  std::size_t size = 0;       ///< 0: the text has no such unit here
};

std::optional<std::uint32_t> read_hex(std::string_view text, std::size_t digits) noexcept {
  if (text.size() < digits || digits == 0) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, digits)) {
    const char lower = static_cast<char>(c | 0x20);
    if (!is_digit(c) && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = value * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

/// %41 of forms, \u0041 and \x41 and \" of JSON and dumps, &#65; and &quot; of HTML.
unit read_escape(std::string_view text) noexcept {
  if (text.size() < 2) return {};
  if (text[0] == '%')
    if (const auto b = read_hex(text.substr(1), 2)) return {*b, false, 3};
  if (text[0] == '\\' && text[1] == 'u')
    if (const auto high = read_hex(text.substr(2), 4)) {
      const bool is_pair = (*high & 0xfc00) == 0xd800 && text.substr(6).starts_with("\\u");
      const auto low = is_pair ? read_hex(text.substr(8), 4) : std::nullopt;
      if (low) return {0x10000 + ((*high & 0x3ff) << 10) + (*low & 0x3ff), true, 12};
      return {*high, true, 6};
    }
  if (text[0] == '\\' && text[1] == 'x')
    if (const auto b = read_hex(text.substr(2), 2)) return {*b, false, 4};
  if (text[0] == '\\') {
    const auto end = text.find_first_not_of('\\');
    if (end != std::string_view::npos)
      return {static_cast<unsigned char>(text[end]), false, end + 1};
  }
  if (text.starts_with("&#")) {
    const bool is_hex = text.size() > 2 && (text[2] == 'x' || text[2] == 'X');
    std::uint32_t value = 0;
    std::size_t at = is_hex ? 3 : 2;
    for (; at < text.size() && at < 10 && text[at] != ';'; ++at) {
      const auto digit = read_hex(text.substr(at), 1);
      if (!digit || (!is_hex && *digit > 9)) return {};
      value = value * (is_hex ? 16 : 10) + *digit;
    }
    if (at < text.size() && text[at] == ';') return {value, true, at + 1};
  }
  constexpr std::pair<std::string_view, char> entities[] = {
      {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
  for (const auto& [name, c] : entities)
    if (text.starts_with(name)) return {static_cast<unsigned char>(c), false, name.size()};
  return {};
}

struct code_point {
  std::uint32_t value = 0;
  std::size_t size = 1;
};

/// The character at the front of UTF-8; of a broken one its first byte.
code_point read_code_point(std::string_view text) noexcept {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t size = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size == 1 || text.size() < size) return {first, 1};
  std::uint32_t value = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i)
    value = (value << 6) | (static_cast<unsigned char>(text[i]) & 0x3fU);
  return {value, size};
}

/// How many bytes of the secret a unit of the text stands for; 0: it is another character.
std::size_t covers(const unit& u, std::string_view secret) noexcept {
  if (u.size == 0) return 0;
  const auto c = read_code_point(secret);
  if (u.value == c.value) return c.size; // Latin-1 as well, one byte a character
  return !u.is_code_point && u.value == static_cast<unsigned char>(secret[0]) ? 1 : 0;
}

/// Whether a character that may be itself or begin an escape is read as the one or the other first.
enum class reading : std::uint8_t { plain_first, escapes_first };

/// Bytes of the text's front that are the secret, or its beginning when the text ends in it; 0:
/// it is not there.
std::size_t match(std::string_view text, std::string_view secret, reading how) noexcept {
  std::size_t at = 0;
  while (!secret.empty() && at < text.size()) {
    const auto rest = text.substr(at);
    const unit plain{static_cast<unsigned char>(rest[0]), false, 1};
    const bool is_doubled = secret[0] == '\\' && rest.starts_with("\\\\");
    const auto escape = is_doubled ? unit{'\\', false, 2} : read_escape(rest);
    const auto as_plain = rest[0] == '+' && secret[0] == ' ' ? 1 : covers(plain, secret);
    const auto as_escape = covers(escape, secret);
    const bool is_escape = as_escape > 0 && (as_plain == 0 || how == reading::escapes_first);
    if (as_plain == 0 && as_escape == 0) {
      // An escape that the end of the text has cut may be of the secret.
      const bool is_cut = rest.size() < 6 && (rest[0] == '%' || rest[0] == '\\' || rest[0] == '&');
      return at > 0 && is_cut && escape.size == 0 ? text.size() : 0;
    }
    secret.remove_prefix(is_escape ? as_escape : as_plain);
    at += is_escape ? escape.size : 1;
  }
  return at;
}

/// The secrets, and each as JSON writes it: a form or a text that repeats JSON escapes it once
/// more.
std::vector<std::string> with_json_forms(std::span<const std::string> secrets) {
  std::vector<std::string> all{secrets.begin(), secrets.end()};
  for (const auto& s : secrets) {
    std::string quoted;
    append_json(quoted, s);
    std::string in_utf8; // as JSON may be written, too: only what must be is escaped
    for (const char c : s) {
      if (c == '"' || c == '\\') in_utf8 += '\\';
      in_utf8 += c;
    }
    for (const auto& form : {quoted.substr(1, quoted.size() - 2), in_utf8})
      if (form != s) all.push_back(form);
  }
  return all;
}

} // namespace

std::vector<std::string> secrets_of(const message& m) {
  std::vector<std::string> all;
  bool is_bounded = true;
  const auto note = [&](std::string_view value) {
    if (value.empty() || std::ranges::find(all, value) != all.end()) return;
    is_bounded = value.size() <= longest_secret && all.size() < most_secrets;
    if (is_bounded) all.emplace_back(value);
  };
  const bool is_open = m.code != code::login || !login_name_of(m).empty();
  for (const auto& f : m.fields) {
    if (!is_open || privacy_of(f.id) == privacy::secret) note(f.value);
    const auto at = find_embedded_secret(f.value);
    if (is_bounded && at != std::string::npos) note(std::string_view{f.value}.substr(at + 2));
    if (!is_bounded) return {std::string{}};
  }
  // The longer one first: it may begin with the other.
  std::ranges::sort(all, std::ranges::greater{}, &std::string::size);
  return all;
}

std::string hide_secrets(std::string_view text, std::span<const std::string> secrets) {
  if (hides_everything(secrets)) return std::string{hidden};
  const auto forms = with_json_forms(secrets);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    for (const auto& s : forms)
      for (const auto how : {reading::plain_first, reading::escapes_first})
        length = std::max(length, match(text.substr(at), s, how));
    if (length == 0) {
      out += text[at++];
      continue;
    }
    out += hidden;
    at += length;
  }
  return out;
}

std::string_view login_name_of(const message& login) noexcept {
  const auto name = login.value(login_user);
  if (!login.has(login_password) || !has_likely_fixed(login)) return {};
  // An empty password beside a name that seems to have one: another delimiter. user_ADMIN is a
  // name.
  const bool is_doubtful =
      login.value(login_password).empty() && find_embedded_secret(name) != std::string_view::npos;
  return is_doubtful ? std::string_view{} : name;
}

std::string to_log_line(const message& m, log_privacy level, std::span<const std::string> secrets,
                        char delimiter) {
  const bool hides = level != log_privacy::unsafe;
  const bool is_login = m.code == code::login;
  const bool is_lost = hides && is_login && login_name_of(m).empty();
  const bool is_likely = !hides || has_likely_fixed(m);
  std::string out{m.code.text()};
  if (is_likely)
    out += m.fixed;
  else
    out += hidden;
  for (const auto& f : m.fields) {
    const auto who = privacy_of(f.id);
    // What is no field of the protocol may be a piece of a password that went before.
    const bool is_stray = hides && (is_login || !is_likely) && !find_field(f.id);
    if (!is_stray) out += f.id.text();
    const bool is_known = !is_stray && !is_lost;
    if (is_known && (f.value.empty() || !hides || (is_login && who == privacy::open)))
      out += f.value;
    else if (is_known &&
             (who == privacy::open || (who == privacy::person && level == log_privacy::secrets)))
      out += shown(f.value, secrets);
    else if (is_known && f.id == patron_identifier)
      out += mark_of(f.value);
    else
      out += hidden;
    out += delimiter;
  }
  return out;
}

} // namespace tandem::sip2
