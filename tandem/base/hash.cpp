// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/hash.hpp>

#include <tandem/base/random.hpp>

namespace tandem {

hash_key hash_key::random() {
  hash_key key;
  fill_random(&key, sizeof key);
  return key;
}

std::uint64_t keyed_hash(const hash_key& key, std::string_view bytes) noexcept {
  return keyed_hasher{key}.add(bytes).finish();
}

std::uint64_t keyed_hash(const hash_key& key, std::string_view a, std::string_view b,
                         std::uint64_t c) noexcept {
  return keyed_hasher{key}.add(a).add(b).add(c).finish();
}

} // namespace tandem
