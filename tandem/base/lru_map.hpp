// SPDX-License-Identifier: Apache-2.0
// A map of bounded size: at the bound it forgets the entry that was not used for the longest time.
// For what peers make us remember and can do without. One thread.
#pragma once

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace tandem {

template <typename Key, typename Value>
class lru_map {
 public:
  /// \param most entries, at least one.
  explicit lru_map(std::size_t most) : most_{most} {}

  /// The value of a key, which counts as used; null when there is none. Valid until the next call
  /// that changes the map.
  [[nodiscard]] Value* find(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  /// Adds the key or replaces its value; it counts as used.
  void set(const Key& key, Value value) {
    if (Value* const old = find(key)) {
      *old = std::move(value);
      return;
    }
    if (entries_.size() >= most_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, std::move(value));
    places_.emplace(key, entries_.begin());
  }

  void erase(const Key& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    entries_.erase(found->second);
    places_.erase(found);
  }

  /// Erases every entry whose value is such that `is_meant(value)`.
  template <typename Predicate>
  void erase_if(Predicate is_meant) {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
      if (!is_meant(std::as_const(entry->second))) {
        ++entry;
        continue;
      }
      places_.erase(entry->first);
      entry = entries_.erase(entry);
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  using entry_list = std::list<std::pair<Key, Value>>;

  std::size_t most_;
  entry_list entries_; ///< the one used last is the first
  std::unordered_map<Key, typename entry_list::iterator> places_;
};

} // namespace tandem
