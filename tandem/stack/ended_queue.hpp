// SPDX-License-Identifier: Apache-2.0
// A queue of records, each with as many bytes as it brings: packed one behind the other in blocks,
// so that a record costs no more than it says. A record is found by its name as long as it is
// there. One thread.
#pragma once

#include <tandem/base/block.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tandem::stack {

class ended_queue {
 public:
  /// Names a record; a name is given once in 4 TB. The default names none.
  struct name {
    std::uint32_t chunk = 0; ///< below 2^chunk_bits
    std::uint32_t place = 0; ///< 0: none

    friend bool operator==(name, name) noexcept = default;
  };
  static constexpr unsigned chunk_bits = 28;

  /// What stands before the bytes of each record.
  struct record {
    std::uint32_t key;   ///< the user's
    std::uint32_t until; ///< the user's
    std::uint32_t size;  ///< of the bytes
  };

  /// Puts a record at the end. \param bytes are copied, 65,535 at most.
  name push(std::uint32_t key, std::uint32_t until, std::string_view bytes);

  [[nodiscard]] bool is_empty() const noexcept { return chunks_in_use_ == 0; }

  /// The oldest record, of a queue that is not empty.
  [[nodiscard]] const record& front() const noexcept { return at(front_name()); }
  [[nodiscard]] name front_name() const noexcept { return {first_chunk_, first_place_}; }

  /// Forgets the oldest record.
  void pop() noexcept;

  /// The bytes of a record; none when it is gone. They stay where they are until then.
  [[nodiscard]] std::string_view bytes_of(name of) const noexcept;
  /// Puts others in their place, as many as there are; nothing when the record is gone.
  void set_bytes_of(name of, std::string_view bytes) noexcept;

 private:
  static constexpr std::uint32_t unit = alignof(record); ///< places count in these

  struct chunk {
    block_ref block;
    std::uint32_t used = 0; ///< bytes
  };

  [[nodiscard]] std::size_t slot_of(std::uint32_t number) const noexcept {
    return number & (chunks_.size() - 1);
  }
  [[nodiscard]] chunk& last() noexcept {
    return chunks_[slot_of(first_chunk_ + chunks_in_use_ - 1)];
  }
  [[nodiscard]] const record& at(name of) const noexcept;
  chunk& chunk_with_room(std::uint32_t size);

  std::vector<chunk> chunks_; ///< a ring; its size is a power of two, or 0
  std::uint32_t first_chunk_ = 0;
  std::uint32_t chunks_in_use_ = 0;
  std::uint32_t first_place_ = 1;
};

} // namespace tandem::stack
