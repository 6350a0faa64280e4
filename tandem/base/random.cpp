// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/random.hpp>

#include <array>
#include <cerrno>
#include <sys/random.h>
#include <system_error>
#include <utility>

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

/// Words of the kernel's, each wiped as it is taken. As many as getrandom(2) gives at once without
/// an interruption.
class pool {
 public:
  std::uint64_t take() {
    if (left_ == 0) {
      fill_random(words_.data(), sizeof words_);
      left_ = words_.size();
    }
    return std::exchange(words_[--left_], 0);
  }

 private:
  std::array<std::uint64_t, 32> words_{};
  std::size_t left_ = 0;
};

} // namespace

std::uint64_t random_bits() noexcept {
  thread_local pool mine;
  return mine.take();
}

} // namespace tandem
