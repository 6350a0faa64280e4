// SPDX-License-Identifier: Apache-2.0
// What happened to contacts, in the order in which it happened to each address of record. A table
// fills it under a mutex and tells it when the mutex is free (change_feed.hpp). One thread.
#pragma once

#include <tandem/sip/binding.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tandem::storage {

enum class change_kind : std::uint8_t {
  added,
  refreshed, ///< another REGISTER of the same contact, perhaps from elsewhere
  removed,   ///< a REGISTER took it away
  expired,
};

/// One change. The texts live until the set is cleared or added to.
struct binding_change {
  change_kind kind = change_kind::added;
  std::uint64_t sequence = 0; ///< grows with each change of an address of record; others differ
  std::string_view aor;
  sip::binding value; ///< as it is now, or was until now
};

/// Reused from update to update, and then without allocation.
class change_set {
 public:
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  /// Of what is in it.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return texts_.size() + entries_.size() * sizeof(entry);
  }

  /// Calls f(const binding_change&) for each, the oldest first.
  template <typename F>
  void for_each(F&& f) const {
    for (const entry& e : entries_) f(view(e));
  }

  /// Forgets all; keeps the memory unless it is much.
  void clear() noexcept;

  /// Makes room for one more change, so that add() cannot fail. May throw std::bad_alloc.
  void reserve_for(std::string_view aor, const sip::binding& value);
  /// Copies the texts. Room for all that is added was made since the last add().
  void add(change_kind kind, std::uint64_t sequence, std::string_view aor,
           const sip::binding& value) noexcept;

 private:
  static constexpr std::size_t texts = 6;

  struct entry {
    change_kind kind;
    std::uint64_t sequence;
    sip::binding_facts facts;
    std::size_t begin; ///< of its texts in texts_
    std::array<std::uint32_t, texts> sizes;
  };

  [[nodiscard]] binding_change view(const entry& e) const noexcept;

  std::vector<entry> entries_;
  std::vector<char> texts_;
  std::size_t entries_wanted_ = 0;
  std::size_t bytes_wanted_ = 0;
};

} // namespace tandem::storage
