// SPDX-License-Identifier: Apache-2.0
#include <tandem/crypto/hmac.hpp>

#include <tandem/base/random.hpp>
#include <tandem/crypto/owned.hpp>

#include <algorithm>
#include <cstring>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <utility>

namespace tandem::crypto {

namespace {

using mac_context = owned<EVP_MAC_CTX, EVP_MAC_CTX_free>;

/// What this thread signs with; null when there is no memory.
EVP_MAC_CTX* mac_of_thread() noexcept {
  thread_local mac_context ready;
  if (ready) return ready.get();
  const owned<EVP_MAC, EVP_MAC_free> hmac{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  mac_context made{hmac ? EVP_MAC_CTX_new(hmac.get()) : nullptr};
  char function[] = "SHA2-256";
  const std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, function, sizeof function - 1),
      OSSL_PARAM_construct_end()};
  if (made && EVP_MAC_CTX_set_params(made.get(), parameters.data()) == 1) ready = std::move(made);
  return ready.get();
}

} // namespace

hmac_key::hmac_key(std::span<const std::uint8_t> bytes) noexcept {
  std::ranges::copy(bytes.first(std::min(bytes.size(), bytes_.size())), bytes_.begin());
}

hmac_key::~hmac_key() { explicit_bzero(bytes_.data(), bytes_.size()); }

hmac_key::hmac_key() { fill_random(bytes_.data(), bytes_.size()); }

std::optional<message_digest> hmac_sha256(const hmac_key& key,
                                          std::initializer_list<std::string_view> parts) noexcept {
  EVP_MAC_CTX* const work = mac_of_thread();
  const auto secret = key.reveal();
  if (!work || EVP_MAC_init(work, secret.data(), secret.size(), nullptr) != 1) return failed();
  for (const std::string_view part : parts)
    if (EVP_MAC_update(work, reinterpret_cast<const unsigned char*>(part.data()), part.size()) != 1)
      return failed();
  message_digest made;
  if (EVP_MAC_final(work, made.bytes.data(), &made.size, made.bytes.size()) != 1) return failed();
  return made;
}

} // namespace tandem::crypto
