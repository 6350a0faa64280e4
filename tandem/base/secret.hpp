// SPDX-License-Identifier: Apache-2.0
// A password, PIN or key: a text that does not print, and that is wiped wherever it stood: when it
// dies, when another takes its place, and when it moves.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace tandem {

class secret {
 public:
  secret() noexcept = default;
  explicit secret(std::string_view value) : size_{value.size()} {
    if (size_ == 0) return;
    // Not a std::string: one that is short keeps its letters where it was moved from.
    value_ = std::make_unique<char[]>(size_);
    std::memcpy(value_.get(), value.data(), size_);
  }
  secret(const secret& other) : secret{other.reveal()} {}
  secret(secret&& other) noexcept
      : value_{std::move(other.value_)}, size_{std::exchange(other.size_, 0)} {}
  secret& operator=(secret other) noexcept {
    value_.swap(other.value_);
    std::swap(size_, other.size_);
    return *this; // what was here dies with `other`
  }
  ~secret() {
    if (value_) explicit_bzero(value_.get(), size_);
  }

  /// The value itself; the name says that whoever calls this lets it out.
  [[nodiscard]] std::string_view reveal() const noexcept { return {value_.get(), size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Equal in a time that does not tell where the first difference is.
  [[nodiscard]] bool matches(std::string_view other) const noexcept {
    unsigned char difference = size_ == other.size() ? 0 : 1;
    for (std::size_t i = 0; i < other.size(); ++i)
      difference = static_cast<unsigned char>(
          difference | (static_cast<unsigned char>(other[i]) ^
                        static_cast<unsigned char>(size_ == 0 ? 0 : value_[i % size_])));
    return difference == 0;
  }

 private:
  std::unique_ptr<char[]> value_; ///< exactly size_ bytes, none when empty
  std::size_t size_ = 0;
};

} // namespace tandem
