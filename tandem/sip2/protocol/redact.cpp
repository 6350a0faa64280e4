// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/protocol/redact.hpp>

#include <tandem/base/hash.hpp>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr field_id patron_identifier{"AA"};

std::string mark_of(std::string_view value) {
  static const hash_key key = hash_key::random();
  return fmt::format("#{:08x}", static_cast<std::uint32_t>(keyed_hash(key, value)));
}

} // namespace

std::optional<log_privacy> find_log_privacy(std::string_view name) noexcept {
  if (name == "unsafe") return log_privacy::unsafe;
  if (name == "secrets") return log_privacy::secrets;
  if (name == "patron") return log_privacy::patron;
  return std::nullopt;
}

std::string to_log_line(const message& m, log_privacy level) {
  std::string out{m.code.text()};
  out += m.fixed;
  for (const auto& f : m.fields) {
    out += f.id.text();
    const auto who = privacy_of(f.id);
    if (f.value.empty() || level == log_privacy::unsafe || who == privacy::open ||
        (who == privacy::person && level == log_privacy::secrets))
      out += f.value;
    else if (f.id == patron_identifier)
      out += mark_of(f.value);
    else
      out += "***";
    out += '|';
  }
  return out;
}

} // namespace tandem::sip2
