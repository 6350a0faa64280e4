// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/header_text.hpp>
#include <tandem/sip/values.hpp>

namespace tandem::sip {

namespace {

template <header_value T>
std::optional<parse_error> find_single_fault(std::string_view text) noexcept {
  const auto value = T::parse(text);
  return value ? std::nullopt : std::optional{value.error()};
}

template <header_value T>
std::optional<parse_error> find_list_fault(std::string_view text) noexcept {
  for (const auto& value : list<T>{text})
    if (!value) return value.error();
  return std::nullopt;
}

template <header_value T>
result<std::string, parse_error> rewrite_single(std::string_view text) {
  const auto value = T::parse(text);
  if (!value) return tl::unexpected<parse_error>(value.error());
  return to_text(*value);
}

template <header_value T>
result<std::string, parse_error> rewrite_list(std::string_view text) {
  std::string all;
  for (const auto& value : list<T>{text}) {
    if (!value) return tl::unexpected<parse_error>(value.error());
    auto one = to_text(*value);
    if (!one) return one;
    if (!all.empty()) all += ", ";
    all += *one;
  }
  return all;
}

// The columns "shape" and "value type" of headers.def choose among these.
#define TANDEM_FAULT_single(value) find_single_fault<value>
#define TANDEM_FAULT_lines(value) find_single_fault<value>
#define TANDEM_FAULT_list(value) find_list_fault<value>
#define TANDEM_REWRITE_single(value) rewrite_single<value>
#define TANDEM_REWRITE_lines(value) rewrite_single<value>
#define TANDEM_REWRITE_list(value) rewrite_list<value>

} // namespace

std::optional<parse_error> find_fault(header_id id, std::string_view text) noexcept {
  switch (id) {
  case header_id::unknown: break;
#define TANDEM_HEADER(id, name, compact, shape, value, source)                                     \
  case header_id::id:                                                                              \
    return TANDEM_FAULT_##shape(sip::value)(text);
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
  }
  return find_single_fault<text_value>(text);
}

result<std::string, parse_error> rewrite(header_id id, std::string_view text) {
  switch (id) {
  case header_id::unknown: break;
#define TANDEM_HEADER(id, name, compact, shape, value, source)                                     \
  case header_id::id:                                                                              \
    return TANDEM_REWRITE_##shape(sip::value)(text);
#include <tandem/sip/headers.def>
#undef TANDEM_HEADER
  }
  return rewrite_single<text_value>(text);
}

} // namespace tandem::sip
