// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/pretty.hpp>

#include <tandem/sip2/charset.hpp>

#include <fmt/format.h>

namespace tandem::sip2 {

std::string to_pretty(const message& m) {
  constexpr const char* line = "{:<34}{}\n";
  const auto* spec = m.spec();
  std::string out = fmt::format("[{}] {}\n", m.code.text(), spec ? spec->name : "unknown message");
  for (std::size_t i = 0; spec && i < spec->fixed.size(); ++i)
    out += fmt::format(fmt::runtime(line), spec->fixed[i].name, m.fixed_at(i));
  for (const auto& f : m.fields) {
    const auto* known = find_field(f.id);
    out += fmt::format(fmt::runtime(line),
                       fmt::format("[{}] {}", f.id.text(), known ? known->name : "unknown field"),
                       encode(f.value, charset::utf8));
  }
  return out;
}

} // namespace tandem::sip2
