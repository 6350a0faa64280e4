// SPDX-License-Identifier: Apache-2.0
// A header's name as an argument: an id of headers.def or the text of any other. A view: the text
// must outlive it. Any thread.
#pragma once

#include <tandem/sip/header_id.hpp>

#include <string>
#include <string_view>

namespace tandem::sip {

/// Made without a word from header_id::via, hdr::via, "Via", "v" or "X-Custom".
class header_name {
 public:
  constexpr header_name(header_id id) noexcept : id_{id} {}
  header_name(std::string_view text) noexcept : id_{find_header(text)}, text_{text} {}
  header_name(const char* text) noexcept : header_name{std::string_view{text}} {}
  header_name(const std::string& text) noexcept : header_name{std::string_view{text}} {}

  [[nodiscard]] header_id id() const noexcept { return id_; }
  /// As it was given; for an id the name of the RFC.
  [[nodiscard]] std::string_view text() const noexcept {
    return text_.empty() ? to_string(id_) : text_;
  }

 private:
  header_id id_;
  std::string_view text_;
};

} // namespace tandem::sip
