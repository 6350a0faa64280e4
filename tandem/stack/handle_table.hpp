// SPDX-License-Identifier: Apache-2.0
// From a 64-bit keyed hash to a handle: open addressing, linear probes, no tombstones. The hash is
// the identity: under a secret key two live keys of one shard do not meet. One thread.
#pragma once

#include <tandem/base/slot_map.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::stack {

/// Table of handles to T, each of which is stored once. Grows to twice its size at 70 percent and
/// keeps its size, so that a steady load allocates nothing; 2^32 entries at most.
template <typename T>
class handle_table {
 public:
  using key = handle<T>;

  handle_table() : entries_(least_size) {}

  /// The handle stored under `hash`; the empty one when there is none.
  [[nodiscard]] key find(std::uint64_t hash) const noexcept {
    for (std::size_t i = home_of(hash);; i = next(i)) {
      const entry& e = entries_[i];
      if (!e.value) return {};
      if (e.hash == hash) return e.value;
    }
  }

  /// Stores a handle under `hash`; false, and nothing changed, when there is one.
  bool insert(std::uint64_t hash, key value) {
    if ((size_ + 1) * 10 > entries_.size() * 7) grow();
    std::size_t i = home_of(hash);
    for (; entries_[i].value; i = next(i))
      if (entries_[i].hash == hash) return false;
    entries_[i] = {hash, value};
    ++size_;
    return true;
  }

  /// Stores another handle in place of `old`, if it is that which is stored under `hash`.
  void replace(std::uint64_t hash, key old, key value) noexcept {
    for (std::size_t i = home_of(hash); entries_[i].value; i = next(i)) {
      if (entries_[i].hash != hash) continue;
      if (entries_[i].value == old) entries_[i].value = value;
      return;
    }
  }

  /// Takes `value` out, if it is there. Of its hash the low 32 bits are enough.
  void erase(std::uint64_t hash, key value) noexcept {
    std::size_t i = home_of(hash);
    for (;; i = next(i)) {
      if (!entries_[i].value) return;
      if (entries_[i].value == value) break;
    }
    --size_;
    // Close the gap: what stands behind it and does not belong there moves up.
    for (std::size_t hole = i;;) {
      entries_[hole] = {};
      std::size_t j = hole;
      for (;;) {
        j = next(j);
        if (!entries_[j].value) return;
        if (distance(home_of(entries_[j].hash), j) >= distance(hole, j)) break;
      }
      entries_[hole] = entries_[j];
      hole = j;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t least_size = 64;

  struct entry {
    std::uint64_t hash = 0;
    key value;
  };

  [[nodiscard]] std::size_t mask() const noexcept { return entries_.size() - 1; }
  [[nodiscard]] std::size_t home_of(std::uint64_t hash) const noexcept { return hash & mask(); }
  [[nodiscard]] std::size_t next(std::size_t i) const noexcept { return (i + 1) & mask(); }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return (to - from) & mask();
  }

  void grow() {
    std::vector<entry> old(entries_.size() * 2);
    old.swap(entries_);
    for (const entry& e : old) {
      if (!e.value) continue;
      std::size_t i = home_of(e.hash);
      while (entries_[i].value) i = next(i);
      entries_[i] = e;
    }
  }

  std::vector<entry> entries_;
  std::size_t size_ = 0;
};

} // namespace tandem::stack
