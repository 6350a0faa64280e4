// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/hash.hpp>

#include <tandem/base/random.hpp>

#include <bit>
#include <cstring>

namespace tandem {

namespace {

class sip_hash {
 public:
  explicit sip_hash(const hash_key& key) noexcept
      : v0_{key.k0 ^ 0x736f6d6570736575ULL}, v1_{key.k1 ^ 0x646f72616e646f6dULL},
        v2_{key.k0 ^ 0x6c7967656e657261ULL}, v3_{key.k1 ^ 0x7465646279746573ULL} {}

  void add(std::string_view bytes) noexcept {
    const char* p = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      absorb(word);
    }
    std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
    std::uint64_t tail = 0;
    if (left != 0) std::memcpy(&tail, p, left);
    absorb(last | tail); // the length ends each part, so parts cannot run into each other
  }

  void add(std::uint64_t word) noexcept { absorb(word); }

  [[nodiscard]] std::uint64_t finish() noexcept {
    v2_ ^= 0xff;
    round();
    round();
    round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

 private:
  void absorb(std::uint64_t word) noexcept {
    v3_ ^= word;
    round();
    v0_ ^= word;
  }

  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

} // namespace

hash_key hash_key::random() {
  hash_key key;
  fill_random(&key, sizeof key);
  return key;
}

std::uint64_t keyed_hash(const hash_key& key, std::string_view bytes) noexcept {
  sip_hash state{key};
  state.add(bytes);
  return state.finish();
}

std::uint64_t keyed_hash(const hash_key& key, std::string_view a, std::string_view b,
                         std::uint64_t c) noexcept {
  sip_hash state{key};
  state.add(a);
  state.add(b);
  state.add(c);
  return state.finish();
}

} // namespace tandem
