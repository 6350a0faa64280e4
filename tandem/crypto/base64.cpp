// SPDX-License-Identifier: Apache-2.0
#include <tandem/crypto/base64.hpp>

#include <algorithm>
#include <openssl/evp.h>

namespace tandem::crypto {

std::string encode_base64(std::string_view bytes) {
  // OpenSSL counts in int: pieces of whole groups of three need no padding between them.
  constexpr std::size_t piece = std::size_t{3} << 20;
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // it ends its text with a NUL
  std::size_t written = 0;
  while (!bytes.empty()) {
    const std::size_t taken = std::min(piece, bytes.size());
    written += static_cast<std::size_t>(EVP_EncodeBlock(
        reinterpret_cast<unsigned char*>(text.data() + written),
        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(taken)));
    bytes.remove_prefix(taken);
  }
  text.resize(written);
  return text;
}

} // namespace tandem::crypto
