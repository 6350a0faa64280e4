// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/keyed_text_hash.hpp>

namespace tandem {

const hash_key& process_hash_key() {
  static const hash_key key = hash_key::random();
  return key;
}

} // namespace tandem
