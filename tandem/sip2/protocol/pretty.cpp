// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/pretty.hpp>

#include <tandem/sip2/protocol/charset.hpp>
#include <tandem/sip2/protocol/labels.hpp>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

/// The name in its column, the value, and what it means where that is not the same.
void append_line(std::string& out, std::string_view name, std::string_view value,
                 std::string_view label) {
  out += fmt::format("{:<34}{}", name, value);
  if (!label.empty()) out += fmt::format(" ({})", label);
  out += '\n';
}

} // namespace

std::string to_pretty(const message& m) {
  const auto* spec = m.spec();
  std::string out = fmt::format("[{}] {}\n", m.code.text(), spec ? spec->name : "unknown message");
  for (std::size_t i = 0; spec && i < spec->fixed.size(); ++i)
    append_line(out, spec->fixed[i].name, m.fixed_at(i),
                label_of(spec->fixed[i].kind, m.fixed_at(i)));
  for (const auto& f : m.fields) {
    const auto* known = find_field(f.id);
    append_line(out, fmt::format("[{}] {}", f.id.text(), known ? known->name : "unknown field"),
                encode(f.value, charset::utf8), label_of(f.id, f.value));
  }
  return out;
}

} // namespace tandem::sip2
