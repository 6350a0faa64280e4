// SPDX-License-Identifier: Apache-2.0
// Objects of OpenSSL in our ownership, and the queue of its errors. For this room alone.
#pragma once

#include <memory>
#include <openssl/err.h>
#include <optional>

namespace tandem::crypto {

template <auto Free>
struct free_with {
  template <typename T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
template <typename T, auto Free>
using owned = std::unique_ptr<T, free_with<Free>>;

/// What a call that failed returns.
inline std::nullopt_t failed() noexcept {
  ERR_clear_error(); // or the next reader of a TLS connection takes it for its own
  return std::nullopt;
}

} // namespace tandem::crypto
