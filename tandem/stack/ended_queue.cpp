// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/ended_queue.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace tandem::stack {

namespace {

/// A size that the stores of blocks keep ready.
constexpr std::uint32_t usual_chunk = 16'368;

constexpr std::uint32_t round_up(std::size_t bytes, std::uint32_t unit) noexcept {
  return (static_cast<std::uint32_t>(bytes) + unit - 1) / unit * unit;
}

} // namespace

ended_queue::name ended_queue::push(std::uint32_t key, std::uint32_t until,
                                    std::string_view bytes) {
  const std::uint32_t size = round_up(sizeof(record) + bytes.size(), unit);
  chunk& to = chunk_with_room(size);
  char* const head = to.block.data() + to.used;
  ::new (static_cast<void*>(head)) record{key, until, static_cast<std::uint32_t>(bytes.size())};
  if (!bytes.empty()) std::memcpy(head + sizeof(record), bytes.data(), bytes.size());
  const std::uint32_t place = to.used / unit + 1;
  to.used += size;
  return {(first_chunk_ + chunks_in_use_ - 1) & ((1U << chunk_bits) - 1), place};
}

ended_queue::chunk& ended_queue::chunk_with_room(std::uint32_t size) {
  if (!is_empty() && last().block.capacity() - last().used >= size) return last();
  if (chunks_in_use_ == chunks_.size()) {
    std::vector<chunk> old(std::max<std::size_t>(8, chunks_.size() * 2));
    old.swap(chunks_);
    for (std::uint32_t n = first_chunk_; n != first_chunk_ + chunks_in_use_; ++n)
      chunks_[slot_of(n)] = std::move(old[n & (old.size() - 1)]);
  }
  block_ref block = block_ref::make(std::max(size, usual_chunk)); // first: it may throw
  ++chunks_in_use_;
  return last() = {std::move(block), 0};
}

const ended_queue::record& ended_queue::at(name of) const noexcept {
  const char* const head =
      chunks_[slot_of(of.chunk)].block.data() + static_cast<std::size_t>(of.place - 1) * unit;
  return *std::launder(reinterpret_cast<const record*>(head));
}

void ended_queue::pop() noexcept {
  first_place_ += round_up(sizeof(record) + front().size, unit) / unit;
  chunk& first = chunks_[slot_of(first_chunk_)];
  if ((first_place_ - 1) * unit < first.used) return;
  first = {};
  first_place_ = 1;
  first_chunk_ = (first_chunk_ + 1) & ((1U << chunk_bits) - 1);
  --chunks_in_use_;
}

std::string_view ended_queue::bytes_of(name of) const noexcept {
  const std::uint32_t age = (of.chunk - first_chunk_) & ((1U << chunk_bits) - 1);
  if (of.place == 0 || age >= chunks_in_use_ || (age == 0 && of.place < first_place_)) return {};
  const record& found = at(of);
  return {reinterpret_cast<const char*>(&found + 1), found.size};
}

void ended_queue::set_bytes_of(name of, std::string_view bytes) noexcept {
  if (const std::string_view there = bytes_of(of); there.size() == bytes.size() && !there.empty())
    std::memcpy(const_cast<char*>(there.data()), bytes.data(), bytes.size());
}

} // namespace tandem::stack
