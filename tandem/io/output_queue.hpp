// SPDX-License-Identifier: Apache-2.0
// Output that waits to leave by a connection: blocks in order, with a token each. An empty queue
// keeps no memory, and one that fills anew takes that of another one of its thread. One thread.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/io/send_token.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

struct iovec;

namespace tandem::io {

class output_queue {
 public:
  output_queue() noexcept = default;
  output_queue(const output_queue&) = delete;
  output_queue& operator=(const output_queue&) = delete;
  output_queue(output_queue&&) noexcept = default;
  output_queue& operator=(output_queue&&) noexcept = default;
  ~output_queue();

  /// Appends `size` bytes of the block.
  void push(block_ref block, std::uint32_t size, send_token token);

  /// Fills `pieces` from the front. \return how many were filled; nothing else changes. They are
  /// valid until the queue changes.
  [[nodiscard]] std::size_t front(std::span<iovec> pieces) const noexcept;

  /// That many bytes have left.
  void pop(std::size_t bytes) noexcept;

  [[nodiscard]] bool is_empty() const noexcept { return first_ == queue_.size(); }
  /// Bytes that wait.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// What they take of memory: the bytes, and what is kept for each block beside them.
  [[nodiscard]] std::size_t cost() const noexcept {
    return bytes_ + (queue_.size() - first_) * sizeof(entry);
  }

  /// Tells the token of each block that has not left whole, in order.
  template <typename Function>
  void for_each_token(Function&& tell) const {
    for (std::size_t i = first_; i < queue_.size(); ++i) tell(queue_[i].token);
  }

 private:
  struct entry {
    block_ref block;
    std::uint32_t size = 0;
    send_token token;
  };

  static std::vector<std::vector<entry>>& spares();
  void give_back() noexcept;

  std::vector<entry> queue_;
  std::size_t first_ = 0;  ///< of queue_ that has not left
  std::size_t offset_ = 0; ///< bytes of it that have
  std::size_t bytes_ = 0;
};

} // namespace tandem::io
