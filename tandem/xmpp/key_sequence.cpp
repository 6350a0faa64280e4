// SPDX-License-Identifier: Apache-2.0
#include <tandem/xmpp/key_sequence.hpp>

#include <tandem/crypto/hash.hpp>

#include <new>

namespace tandem::xmpp {

namespace {

std::string hex_sha1(std::initializer_list<std::string_view> parts) {
  const auto made = crypto::hash(crypto::hash_function::sha1, parts);
  if (!made) throw std::bad_alloc{};
  return std::string{crypto::hex_digest{*made}.view()};
}

} // namespace

/// XEP-0124 15.3: K(1) = hex(SHA-1(seed)), K(i+1) = hex(SHA-1(K(i))).
std::string key_sequence::key(std::uint32_t index) const {
  std::string made = hex_sha1({seed_});
  for (std::uint32_t i = 1; i < index; ++i) made = hex_sha1({made});
  return made;
}

request_keys key_sequence::next() {
  if (!is_used()) return {};
  if (left_ == length) { // XEP-0124 15.4: the chain begins with its last key
    request_keys first{.key = {}, .newkey = key(length)};
    --left_;
    return first;
  }
  request_keys made{.key = key(left_), .newkey = {}};
  if (left_ > 1) {
    --left_;
    return made;
  }
  // XEP-0124 15.6: the last key of this chain goes with the first of another. Who has seen all keys
  // has not seen the seed, and so cannot make the next one.
  seed_ = hex_sha1({"next:", seed_});
  left_ = length;
  made.newkey = next().newkey;
  return made;
}

} // namespace tandem::xmpp
