// SPDX-License-Identifier: Apache-2.0
// The text of a script and where things stand in it.
#include <tandem/script/source.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace tandem::script {

source::source(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i)
    if (text_[i] == '\n') line_starts_.push_back(static_cast<std::uint32_t>(i + 1));
}

std::string_view source::text(span where) const noexcept {
  const std::size_t begin = std::min<std::size_t>(where.offset, text_.size());
  return std::string_view(text_).substr(begin, where.length);
}

position source::at(std::uint32_t offset) const noexcept {
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<std::uint32_t>(after - line_starts_.begin());
  return {line, offset - line_starts_[line - 1] + 1};
}

std::string_view source::line(std::uint32_t number) const noexcept {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::size_t begin = line_starts_[number - 1];
  const std::size_t end = number < line_starts_.size() ? line_starts_[number] : text_.size();
  std::string_view found = std::string_view(text_).substr(begin, end - begin);
  while (!found.empty() && (found.back() == '\n' || found.back() == '\r')) found.remove_suffix(1);
  return found;
}

std::string source::place(span where) const {
  const position p = at(where.offset);
  return fmt::format("{}:{}:{}", name_, p.line, p.column);
}

} // namespace tandem::script
