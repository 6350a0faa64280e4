// SPDX-License-Identifier: Apache-2.0
// A password, PIN or key: a string that does not print and is wiped when it dies.
#pragma once

#include <string>
#include <string_view>

namespace tandem {

class secret {
 public:
  secret() = default;
  explicit secret(std::string_view value) : value_{value} {}
  secret(const secret&) = default;
  secret(secret&&) noexcept = default;
  secret& operator=(const secret&) = default;
  secret& operator=(secret&&) noexcept = default;
  ~secret() {
    volatile char* p = value_.data();
    for (std::size_t i = 0; i < value_.size(); ++i) p[i] = 0;
  }

  /// The value itself; the name says that whoever calls this lets it out.
  [[nodiscard]] std::string_view reveal() const noexcept { return value_; }
  [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

  /// Equal in a time that does not tell where the first difference is.
  [[nodiscard]] bool matches(std::string_view other) const noexcept {
    unsigned char difference = value_.size() == other.size() ? 0 : 1;
    for (std::size_t i = 0; i < other.size(); ++i)
      difference = static_cast<unsigned char>(
          difference |
          (static_cast<unsigned char>(other[i]) ^
           static_cast<unsigned char>(value_.empty() ? 0 : value_[i % value_.size()])));
    return difference == 0;
  }

 private:
  std::string value_;
};

} // namespace tandem
