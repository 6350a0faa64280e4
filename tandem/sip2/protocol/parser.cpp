// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/parser.hpp>

#include <tandem/base/utf8.hpp>
#include <tandem/sip2/protocol/date.hpp>

#include <algorithm>

namespace tandem::sip2 {
namespace {

constexpr std::size_t code_width = 2;

/// Fixed fields are ASCII; what is not becomes a question mark, so that widths hold.
void append_printable(std::string& out, std::string_view bytes) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (std::ranges::all_of(bytes, is_plain)) {
    out += bytes;
    return;
  }
  for (const char c : bytes) {
    const auto b = static_cast<unsigned char>(c);
    out += b < 0x20 || b == 0x7f ? ' ' : b < 0x80 ? c : '?';
  }
}

/// Takes the fixed fields off the front of `rest`. A delimiter among them shows that the sender
/// left out the last ones (often a blank summary or due date): those are blank then.
std::string take_fixed(std::string_view& rest, const message_spec& spec, char delimiter,
                       parse_notes& notes) {
  std::string fixed;
  fixed.reserve(spec.fixed_width());
  bool is_short = false;
  for (const auto& f : spec.fixed) {
    const auto part = rest.substr(0, f.width);
    if (is_short || part.size() < f.width || part.find(delimiter) != std::string_view::npos) {
      // A last field cut short by the end of the line is still what was sent of it.
      const bool is_rest = !is_short && part.size() < f.width && part.size() == rest.size() &&
                           part.find(delimiter) == std::string_view::npos;
      if (is_rest) {
        append_printable(fixed, part);
        rest = {};
      }
      is_short = notes.short_fixed = true;
      fixed.append(f.width - (is_rest ? part.size() : 0), ' ');
      continue;
    }
    append_printable(fixed, part);
    rest.remove_prefix(f.width);
  }
  return fixed;
}

/// A 93 without its two algorithms: 93CNuser|COpassword|.
bool begins_with_login_field(std::string_view body) noexcept {
  return body.starts_with("CN") || body.starts_with("CO") || body.starts_with("CP");
}

} // namespace

result<envelope, parse_errc> open_line(std::string_view line, const wire_format& format) noexcept {
  if (line.size() < code_width) return fail(parse_errc::too_short);
  envelope e;
  e.code = message_code::of(line);
  e.spec = e.code == code::end_session || e.code == code::end_session_done ? nullptr
                                                                           : find_message(e.code);
  const auto least = e.spec ? code_width + e.spec->fixed_width() : line.size();
  e.tail = find_tail(line, format.delimiter, least);
  e.body = line.substr(code_width, (e.tail ? e.tail->begin : line.size()) - code_width);
  e.is_intact = !e.tail || format.detection == error_detection::off || is_right(*e.tail, line);
  return e;
}

message read_message(const envelope& e, const wire_format& format, parse_notes* notes) {
  parse_notes ignored;
  parse_notes& seen = notes ? *notes : ignored;
  message m;
  m.code = e.code;
  if (!e.spec) return m;
  auto rest = e.body;

  constexpr std::size_t language = 3;
  if (format.has_language_in_17 && e.code == code::item_information &&
      !looks_like_date(rest.substr(0, 18)) && rest.size() > language &&
      looks_like_date(rest.substr(language, 18)))
    rest.remove_prefix(language);

  if (e.code == code::login && begins_with_login_field(rest)) {
    seen.short_fixed = true;
    m.fixed = "00"; // else the password would be read as the name of something
  } else {
    m.fixed = take_fixed(rest, *e.spec, format.delimiter, seen);
  }
  if (e.code == code::login) // some clients leave the algorithms blank: not encrypted
    for (char& algorithm : m.fixed)
      if (algorithm == ' ') algorithm = '0';

  constexpr std::size_t usual = 8; // fields of a request
  m.fields.reserve(usual);
  while (!rest.empty()) {
    const auto end = rest.find(format.delimiter);
    const auto part = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (part.empty()) continue;
    if (part.size() < 2 || !field_id::of(part).is_printable()) {
      seen.stray_part = true;
      continue;
    }
    const auto value = part.substr(2);
    if (format.text == charset::utf8 && !is_ascii(value) && !is_utf8(value))
      seen.not_in_charset = true;
    m.fields.push_back({field_id::of(part), decode(value, format.text, format.fallback)});
  }
  return m;
}

} // namespace tandem::sip2
