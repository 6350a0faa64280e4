// SPDX-License-Identifier: Apache-2.0
// Access to arguments in one call and in its check.
#include <tandem/script/argument.hpp>

#include <tandem/script/execution.hpp>

namespace tandem::script {

namespace {

/// How many texts an argument has: one, and an array one for each item.
std::size_t texts_of(const argument& a) {
  return a.kind == argument_kind::array ? a.items.size() : 1;
}

} // namespace

std::size_t call::first_text(std::size_t i) const noexcept {
  std::size_t first = 0;
  for (std::size_t k = 0; k < i; ++k) first += texts_of(arguments_[k]);
  return first;
}

std::string_view call::text(std::size_t i) const noexcept {
  if (!has(i) || kind(i) == argument_kind::array) return {};
  return texts_[first_text(i)];
}

std::int64_t call::number(std::size_t i) const noexcept {
  return has(i) ? arguments_[i].number : 0;
}

std::span<const std::string_view> call::items(std::size_t i) const noexcept {
  if (!has(i)) return {};
  return texts_.subspan(first_text(i), texts_of(arguments_[i]));
}

std::string_view check::text(std::size_t i) const noexcept {
  return is_constant(i) ? std::string_view(arguments_[i].text) : std::string_view();
}

bool check::is_constant(std::size_t i) const noexcept {
  return i < arguments_.size() && arguments_[i].pieces.empty() &&
         arguments_[i].kind != argument_kind::array;
}

span check::place(std::size_t i) const noexcept {
  return i < arguments_.size() ? arguments_[i].where : where_;
}

void check::error(std::size_t i, std::string text, std::string hint) {
  found_.error(place(i), std::move(text), std::move(hint));
}

void check::warning(std::size_t i, std::string text, std::string hint) {
  found_.warning(place(i), std::move(text), std::move(hint));
}

} // namespace tandem::script
