// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/value.hpp>

namespace tandem::sip {

void skip_list_item(cursor& at) noexcept {
  while (!at.at_end()) {
    switch (at.peek()) {
    case ',': return;
    case '"':
      if (!at.take_quoted()) return at.move_to_end();
      break;
    case '<': {
      const std::size_t closing = at.rest().find('>');
      if (closing == std::string_view::npos) return at.move_to_end();
      at.skip(closing + 1);
      break;
    }
    default: at.skip(1);
    }
  }
}

void skip_list_commas(cursor& at) noexcept {
  at.skip_lws();
  while (at.take(',')) at.skip_lws();
}

result<raw_item, parse_error> raw_item::read(cursor& at) noexcept {
  const std::size_t from = at.offset();
  skip_list_item(at);
  const std::string_view item = trim(at.since(from));
  if (item.empty()) return parse_failure(parse_errc::expected_value, from);
  return raw_item{item};
}

result<raw_item, parse_error> raw_item::parse(std::string_view text) noexcept {
  return parse_whole<raw_item>(text);
}

} // namespace tandem::sip
