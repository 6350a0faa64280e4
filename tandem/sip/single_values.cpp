// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/single_values.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/value.hpp>

#include <utility>

namespace tandem::sip {

std::string_view next_value(header_id id, std::string_view& rest) noexcept {
  if (info(id).shape != header_shape::list) return trim(std::exchange(rest, {}));
  cursor at{rest};
  skip_list_commas(at);
  const std::size_t from = at.offset();
  skip_list_item(at);
  const auto value = trim(at.since(from));
  at.take(',');
  rest = at.rest();
  return value;
}

std::string_view front_and_rest(const message& of, header_id list) noexcept {
  for (std::size_t i = of.find(list); i != message::npos; i = of.find(list, i + 1)) {
    cursor at{of.value(i)};
    skip_list_commas(at);
    if (!at.at_end()) return at.rest();
  }
  return {};
}

std::size_t count_values(const message& of, header_name name) noexcept {
  std::size_t n = 0;
  for_each_value(of, name, [&n](std::string_view) { ++n; });
  return n;
}

} // namespace tandem::sip
