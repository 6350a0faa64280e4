// SPDX-License-Identifier: Apache-2.0
#include <tandem/crypto/hash.hpp>

#include <tandem/base/hex.hpp>
#include <tandem/base/text.hpp>
#include <tandem/crypto/owned.hpp>

#include <algorithm>
#include <cstring>
#include <openssl/evp.h>
#include <utility>

namespace tandem::crypto {

namespace {

/// What this thread hashes with. Looking a function up takes longer than a short hash.
struct hashing_tools {
  std::array<owned<EVP_MD, EVP_MD_free>, hash_function_count> functions;
  owned<EVP_MD_CTX, EVP_MD_CTX_free> work;

  EVP_MD* find(hash_function function) noexcept {
    constexpr std::array<const char*, hash_function_count> names{"MD5", "SHA2-256", "SHA2-512/256",
                                                                 "SHA1"};
    const auto i = static_cast<std::size_t>(function);
    if (!functions[i]) functions[i].reset(EVP_MD_fetch(nullptr, names[i], nullptr));
    return functions[i].get();
  }
  EVP_MD_CTX* context() noexcept {
    if (!work) work.reset(EVP_MD_CTX_new());
    return work.get();
  }
};

hashing_tools& mine() noexcept {
  thread_local hashing_tools of_thread;
  return of_thread;
}

} // namespace

hex_digest::hex_digest(const message_digest& of) noexcept : size_{2 * of.size} {
  write_hex(text_.data(), of.view());
}

bool hex_digest::assign(std::string_view digits) noexcept {
  size_ = 0;
  if ((digits.size() != 32 && digits.size() != 64) ||
      !std::ranges::all_of(digits, [](char c) { return hex_value(c) >= 0; }))
    return false;
  std::ranges::transform(digits, text_.begin(), to_lower);
  size_ = digits.size();
  return true;
}

secret_digest::~secret_digest() { explicit_bzero(&hex_, sizeof hex_); }

std::optional<secret_digest> secret_digest::parse(std::string_view hex) noexcept {
  std::optional<secret_digest> read{std::in_place};
  if (!read->hex_.assign(hex)) return std::nullopt;
  return read;
}

std::optional<message_digest> hash(hash_function function,
                                   std::initializer_list<std::string_view> parts) noexcept {
  EVP_MD* const with = mine().find(function);
  EVP_MD_CTX* const work = mine().context();
  if (!with || !work || EVP_DigestInit_ex2(work, with, nullptr) != 1) return failed();
  for (const std::string_view part : parts)
    if (EVP_DigestUpdate(work, part.data(), part.size()) != 1) return failed();
  message_digest made;
  unsigned size = 0;
  if (EVP_DigestFinal_ex(work, made.bytes.data(), &size) != 1) return failed();
  made.size = size;
  return made;
}

std::optional<secret_digest> hash_secret(hash_function function,
                                         std::initializer_list<std::string_view> parts) noexcept {
  auto made = hash(function, parts);
  if (!made) return std::nullopt;
  std::optional<secret_digest> kept{*made};
  explicit_bzero(made->bytes.data(), made->bytes.size());
  return kept;
}

} // namespace tandem::crypto
