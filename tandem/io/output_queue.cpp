// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/output_queue.hpp>

#include <tandem/base/give_back.hpp>

#include <new>
#include <sys/uio.h>
#include <utility>

namespace tandem::io {

namespace {

constexpr std::size_t moved = 8;            ///< so many entries that have left are moved over
constexpr std::size_t spares_kept = 64;     ///< of a thread
constexpr std::size_t largest_spare = 4096; ///< entries; what a burst took is given back

} // namespace

std::vector<std::vector<output_queue::entry>>& output_queue::spares() {
  thread_local std::vector<std::vector<entry>> all;
  return all;
}

output_queue::~output_queue() {
  if (queue_.capacity() > 0) give_back();
}

void output_queue::push(block_ref block, std::uint32_t size, send_token token) {
  if (queue_.capacity() == 0) {
    if (auto& spare = spares(); !spare.empty()) {
      queue_ = std::move(spare.back());
      spare.pop_back();
    }
  } else if (first_ > moved && first_ > queue_.size() / 2) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  queue_.push_back({std::move(block), size, token});
  bytes_ += size;
}

std::size_t output_queue::front(std::span<iovec> pieces) const noexcept {
  std::size_t count = 0;
  std::size_t skip = offset_;
  for (std::size_t i = first_; i < queue_.size() && count < pieces.size(); ++i) {
    pieces[count++] = {queue_[i].block.data() + skip, queue_[i].size - skip};
    skip = 0;
  }
  return count;
}

void output_queue::pop(std::size_t bytes) noexcept {
  bytes_ -= bytes;
  while (first_ < queue_.size()) {
    const std::size_t rest = queue_[first_].size - offset_;
    if (bytes < rest) {
      offset_ += bytes;
      return;
    }
    bytes -= rest;
    offset_ = 0;
    queue_[first_++].block = {};
  }
  give_back();
}

void output_queue::give_back() noexcept {
  queue_.clear();
  first_ = offset_ = bytes_ = 0;
  auto& spare = spares();
  if (spare.size() < spares_kept && queue_.capacity() <= largest_spare) {
    try {
      if (spare.capacity() == 0) spare.reserve(spares_kept);
      spare.push_back(std::move(queue_));
    } catch (const std::bad_alloc&) { // then it is given back to the system
    }
  }
  tandem::give_back(queue_);
}

} // namespace tandem::io
