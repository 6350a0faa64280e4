// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/jid.hpp>

#include <tandem/base/text.hpp>
#include <tandem/base/utf8.hpp>

#include <cstddef>

namespace tandem::xmpp {

namespace {

constexpr std::size_t most_bytes = 1023; // RFC 7622 3.2, 3.3.1, 3.4.1

/// UTF-8 of a length that fits, without control characters (C0, DEL, C1) and those of `forbidden`.
bool is_part(std::string_view text, std::string_view forbidden) noexcept {
  if (text.empty() || text.size() > most_bytes ||
      text.find_first_of(forbidden) != std::string_view::npos)
    return false;
  while (!text.empty()) {
    const auto c = take_utf8(text);
    if (!c || *c < 0x20 || (*c >= 0x7f && *c < 0xa0) || *c == 0xfffe || *c == 0xffff) return false;
  }
  return true;
}

} // namespace

std::optional<jid> jid::parse(std::string_view text) {
  jid made;
  // RFC 7622 3.1: the first / ends the domain, then the first @ ends the local part.
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    if (!is_resource(text.substr(slash + 1))) return std::nullopt;
    made.resource_ = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    if (!is_part(text.substr(0, at), " \"&'/:<>@")) return std::nullopt; // RFC 7622 3.3.1
    made.local_ = to_lower_copy(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  if (text.ends_with('.')) text.remove_suffix(1); // RFC 7622 3.2: a final dot is stripped
  if (text.ends_with('.') || !is_part(text, " \"&'/<>@\\")) return std::nullopt;
  made.domain_ = to_lower_copy(text);
  return made;
}

std::string jid::bare() const { return local_.empty() ? domain_ : local_ + '@' + domain_; }

std::string jid::full() const { return resource_.empty() ? bare() : bare() + '/' + resource_; }

bool is_resource(std::string_view text) noexcept { return is_part(text, {}); }

} // namespace tandem::xmpp
