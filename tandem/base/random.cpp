// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/random.hpp>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <sys/random.h>
#include <system_error>

namespace tandem {

void fill_random(void* memory, std::size_t size) {
  auto* p = static_cast<char*>(memory);
  while (size > 0) {
    const ssize_t got = ::getrandom(p, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::system_error{errno, std::generic_category(), "getrandom"};
    }
    p += got;
    size -= static_cast<std::size_t>(got);
  }
}

namespace {

/// ChaCha20 (RFC 8439) as a fast-key-erasure generator: the first 32 bytes of each block are the
/// next key, so that what was handed out cannot be computed from what is in memory.
class generator {
 public:
  generator() { fill_random(key_.data(), sizeof key_); }

  std::uint64_t next() noexcept {
    if (left_ == 0) refill();
    return pool_[--left_];
  }

 private:
  static constexpr std::size_t words = 16;

  static void quarter(std::uint32_t& a, std::uint32_t& b, std::uint32_t& c,
                      std::uint32_t& d) noexcept {
    a += b, d = std::rotl(d ^ a, 16);
    c += d, b = std::rotl(b ^ c, 12);
    a += b, d = std::rotl(d ^ a, 8);
    c += d, b = std::rotl(b ^ c, 7);
  }

  void block(std::uint32_t counter, std::array<std::uint32_t, words>& out) const noexcept {
    const std::array<std::uint32_t, words> in{
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key_[0], key_[1], key_[2], key_[3],
        key_[4],    key_[5],    key_[6],    key_[7],    counter, 0,       0,       0};
    out = in;
    for (int i = 0; i < 10; ++i) {
      quarter(out[0], out[4], out[8], out[12]);
      quarter(out[1], out[5], out[9], out[13]);
      quarter(out[2], out[6], out[10], out[14]);
      quarter(out[3], out[7], out[11], out[15]);
      quarter(out[0], out[5], out[10], out[15]);
      quarter(out[1], out[6], out[11], out[12]);
      quarter(out[2], out[7], out[8], out[13]);
      quarter(out[3], out[4], out[9], out[14]);
    }
    for (std::size_t i = 0; i < words; ++i) out[i] += in[i];
  }

  void refill() noexcept {
    constexpr std::size_t per_block = words / 2;
    std::array<std::uint32_t, words> out;
    for (std::size_t b = 0; b < pool_.size() / per_block; ++b) {
      block(static_cast<std::uint32_t>(b + 1), out);
      std::memcpy(&pool_[b * per_block], out.data(), sizeof out);
    }
    block(0, out);
    std::memcpy(key_.data(), out.data(), sizeof key_);
    left_ = pool_.size();
  }

  std::array<std::uint32_t, 8> key_{};
  std::array<std::uint64_t, 32> pool_{};
  std::size_t left_ = 0;
};

} // namespace

std::uint64_t random_bits() noexcept {
  thread_local generator stream;
  return stream.next();
}

void write_random_token(char* out, std::size_t size) noexcept {
  static constexpr char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz"; // without i l o u
  constexpr unsigned per_word = 12;                                      // 12 * 5 of 64 bits
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; ++i) {
    if (i % per_word == 0) bits = random_bits();
    out[i] = alphabet[bits & 31];
    bits >>= 5;
  }
}

std::string random_token(std::size_t size) {
  std::string token(size, '\0');
  write_random_token(token.data(), size);
  return token;
}

} // namespace tandem
