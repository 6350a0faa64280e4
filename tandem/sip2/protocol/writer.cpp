// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/writer.hpp>

#include <tandem/sip2/protocol/checksum.hpp>

#include <algorithm>

namespace tandem::sip2 {
namespace {

void append_fixed(std::string& out, const message& m, char delimiter) {
  const auto* spec = m.spec();
  const auto width = spec ? spec->fixed_width() : m.fixed.size();
  const auto is_plain = [delimiter](char c) { return c >= 0x20 && c < 0x7f && c != delimiter; };
  if (m.fixed.size() == width && std::ranges::all_of(m.fixed, is_plain)) {
    out += m.fixed;
    return;
  }
  for (std::size_t i = 0; i < width; ++i) {
    const char c = i < m.fixed.size() ? m.fixed[i] : ' ';
    const auto b = static_cast<unsigned char>(c);
    out += c == delimiter || b < 0x20 || b == 0x7f ? ' ' : b < 0x80 ? c : '?';
  }
}

/// Cuts at `most` bytes, in UTF-8 not within a character.
void cut(std::string& value, std::size_t most, charset set) {
  if (most == 0 || value.size() <= most) return;
  while (set == charset::utf8 && most > 0 &&
         (static_cast<unsigned char>(value[most]) & 0xc0) == 0x80)
    --most;
  value.resize(most);
}

void append_value(std::string& out, const std::string& text, const wire_format& format) {
  const auto is_plain = [&format](char c) {
    return c >= 0x20 && c < 0x7f && c != format.delimiter;
  };
  const bool fits = format.longest_value == 0 || text.size() <= format.longest_value;
  if (fits && std::ranges::all_of(text, is_plain)) { // the same in every character set
    out += text;
    return;
  }
  auto value = encode(text, format.text, format.replacement);
  std::erase(value, format.delimiter);
  cut(value, format.longest_value, format.text);
  out += value;
}

} // namespace

std::string write_message(const message& m, const wire_format& format,
                          std::optional<std::string_view> sequence) {
  std::string out{m.code.text()};
  out.reserve(256);
  append_fixed(out, m, format.delimiter);
  for (const auto& f : m.fields) {
    if (f.id == field_id{"AY"} || f.id == field_id{"AZ"}) continue; // the tail's own
    if (!f.id.is_printable() || f.id.text().find(format.delimiter) != std::string_view::npos)
      continue; // no reader could tell where it begins
    out += f.id.text();
    append_value(out, f.value, format);
    out += format.delimiter;
  }
  if (sequence) append_tail(out, *sequence);
  out += bytes_of(format.end);
  return out;
}

} // namespace tandem::sip2
