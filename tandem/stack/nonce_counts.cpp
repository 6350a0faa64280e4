// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/nonce_counts.hpp>

#include <algorithm>

namespace tandem::stack {

nonce_counts::nonce_counts(std::size_t most)
    : sets_(std::max<std::size_t>(1, (most + in_a_set - 1) / in_a_set)) {}

// Requests of one phone may overtake each other, so what is below the highest is told apart as far
// as the window reaches.
nonce_counts::use nonce_counts::note_count(entry& of, std::uint32_t count) noexcept {
  if (count > of.highest) {
    const std::uint32_t ahead = count - of.highest;
    of.seen = ahead < window ? of.seen << ahead | 1 : 1;
    of.highest = count;
    return use::first;
  }
  const std::uint32_t behind = of.highest - count;
  if (behind >= window || (of.seen >> behind & 1) != 0) return use::repeated;
  of.seen |= std::uint64_t{1} << behind;
  return use::first;
}

// Of an expired one, too: the clock of another shard may be a little behind.
void nonce_counts::forget(set& in, entry& one) noexcept {
  in.forgotten = std::max(in.forgotten, one.issued);
  one = {};
}

nonce_counts::use nonce_counts::note(std::uint64_t id, std::int64_t issued, std::int64_t expired,
                                     std::uint32_t count) noexcept {
  if (count == 0 || issued <= expired) return use::repeated;
  set& in = sets_[keyed_hash(key_, {}, {}, id) % sets_.size()];
  const std::lock_guard held{in.mutex};
  entry* place = nullptr; // a free one, or the one that was issued first
  for (entry& e : in.entries) {
    if (e.highest != 0 && e.issued <= expired) forget(in, e);
    if (e.highest != 0 && e.id == id) return note_count(e, count);
    const auto age = [](const entry& of) { return of.highest == 0 ? -1 : of.issued; };
    if (!place || age(e) < age(*place)) place = &e;
  }
  // Not there: it is new, or was forgotten with those that were issued no later.
  if (issued <= in.forgotten) return use::repeated;
  if (place->highest != 0) {
    dropped_.fetch_add(1, std::memory_order_relaxed); // this one or that one
    if (issued <= place->issued) return use::repeated;
    forget(in, *place);
  }
  *place = {.id = id, .issued = issued, .seen = 1, .highest = count};
  return use::first;
}

} // namespace tandem::stack
