// SPDX-License-Identifier: Apache-2.0
// Counted blocks of bytes, in a few sizes, kept ready by each thread: what a datagram is received
// into and what a message owns. A block belongs to one thread at a time; handing it to another
// means to hand over every reference to it (a mailbox does), since the count is not atomic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace tandem {

/// A counted reference to a block, or to none. Copying counts up; the last one gives the block back
/// to the store of the thread it dies on.
class block_ref {
 public:
  block_ref() noexcept = default;
  block_ref(const block_ref& other) noexcept : head_{other.head_} {
    if (head_) ++head_->references;
  }
  block_ref(block_ref&& other) noexcept : head_{std::exchange(other.head_, nullptr)} {}
  block_ref& operator=(block_ref other) noexcept {
    std::swap(head_, other.head_);
    return *this;
  }
  ~block_ref() {
    if (head_ && --head_->references == 0) release(head_);
  }

  /// A block of at least `capacity` bytes, not initialised; a size the store keeps costs no
  /// allocation once the store is warm.
  [[nodiscard]] static block_ref make(std::size_t capacity);

  /// A block that fits `bytes` and holds them.
  [[nodiscard]] static block_ref copy_of(std::string_view bytes);

  [[nodiscard]] explicit operator bool() const noexcept { return head_ != nullptr; }

  /// First byte; valid as long as any reference lives. Aligned for every type.
  [[nodiscard]] char* data() const noexcept { return reinterpret_cast<char*>(head_ + 1); }
  [[nodiscard]] std::size_t capacity() const noexcept { return head_ ? head_->capacity : 0; }

  /// This is the only reference.
  [[nodiscard]] bool is_unique() const noexcept { return head_ && head_->references == 1; }

 private:
  struct alignas(std::max_align_t) header {
    std::uint32_t references;
    std::uint32_t capacity;
    header* next; ///< in the store
  };

  static void release(header* head) noexcept;
  friend class block_store;

  header* head_ = nullptr;
};

} // namespace tandem
