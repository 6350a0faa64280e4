// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

namespace tandem::storage {

using sip::binding;
using sip::binding_edits;

namespace {

constexpr std::size_t stripe_count = 64;

} // namespace

location_table::location_table(std::string_view name, const limits& bounds, instant now,
                               const change_feed* told)
    : name_{name}, limits_{bounds}, key_{hash_key::random()}, sources_{bounds.bytes_per_source},
      told_{told} {
  for (std::size_t i = 0; i < stripe_count; ++i)
    stripes_.push_back(std::make_unique<location_stripe>(sources_, now));
}

location_table::~location_table() = default;

location_stripe& location_table::stripe_of(std::uint64_t hash) const noexcept {
  // The ends of the hash choose the place within the stripe's own table.
  return *stripes_[hash >> 24 & (stripe_count - 1)];
}

result<void, location_errc> location_table::update_with(std::string_view aor, instant now,
                                                        decision_ref decide) {
  const std::uint64_t hash = keyed_hash(key_, aor);
  location_stripe& in = stripe_of(hash);
  const auto [done, is_news] = change(in, aor, hash, now, decide);
  if (is_news) tell(in, now);
  return done;
}

location_table::changed location_table::change(location_stripe& in, std::string_view aor,
                                               std::uint64_t hash, instant now,
                                               decision_ref decide) {
  const location_stripe::wanted wanted{aor, hash};
  const std::lock_guard lock{in.mutex};
  contact_record* of = in.find(wanted);
  const shown_contacts seen{of, now};
  binding_edits edits;
  if (!decide(seen.all, edits) || edits.empty()) return {{}, false};
  if (!of) of = in.add(wanted);
  if (!of) return {fail(location_errc::no_memory), false};
  const bool is_news = is_told();
  change_set* const changes = is_news ? in.news.room() : nullptr;
  const auto done = [&]() -> result<void, location_errc> {
    location_update all{*of, seen, edits};
    auto prepared = all.prepare(*this, limits_, changes);
    if (prepared) all.apply(changes);
    return prepared;
  }();
  if (done && is_news && !changes) in.news.lost += edits.size();
  if (of->size == 0) in.erase(*of);
  return {done, is_news && done};
}

/// Whoever finds nobody telling tells until nothing is left, so that the changes of a stripe leave
/// one after the other; those that come meanwhile are found by that thread.
void location_table::tell(location_stripe& in, instant now) const noexcept {
  std::unique_lock lock{in.mutex};
  location_news& news = in.news;
  if (news.is_being_told) return;
  news.is_being_told = true;
  while (!news.waiting.empty() || news.lost > 0) {
    std::swap(news.waiting, news.told);
    const std::uint64_t lost = std::exchange(news.lost, 0);
    lock.unlock();
    told_->tell(name_, news.told, lost, now);
    news.told.clear();
    lock.lock();
  }
  news.is_being_told = false;
}

bool location_table::lookup_with(std::string_view aor, instant now, look_ref f,
                                 paid_bytes paid) const {
  const location_stripe::wanted wanted{aor, keyed_hash(key_, aor)};
  location_stripe& in = stripe_of(wanted.hash);
  const std::lock_guard lock{in.mutex};
  const shown_contacts seen{in.find(wanted), now};
  if (seen.all.empty()) return false;
  f(seen.all);
  if (paid == paid_bytes::spent)
    for (stored_contact* const one : seen.kept) one->facts.paid = 0;
  return true;
}

std::optional<location_table::position> location_table::for_page(
    position from, std::size_t most, instant now,
    const std::function<void(std::string_view, std::span<const binding>)>& f) const {
  std::size_t left = std::max<std::size_t>(most, 1);
  std::vector<const contact_record*> found;
  for (; from.stripe < stripes_.size(); from = {from.stripe + 1, 0}) {
    const std::lock_guard lock{stripes_[from.stripe]->mutex};
    found.clear();
    for (const auto& one : stripes_[from.stripe]->records)
      if (one->hash >= from.hash) found.push_back(&*one);
    std::ranges::sort(found, {}, &contact_record::hash);
    for (const contact_record* one : found) {
      // Those of one hash stay together, so that none of them is left between two pages.
      if (left == 0 && one->hash != from.hash) return position{from.stripe, one->hash};
      from.hash = one->hash;
      const shown_contacts seen{one, now};
      if (seen.all.empty()) continue;
      f(one->aor, seen.all);
      if (left > 0) --left;
    }
    if (left == 0) {
      if (from.stripe + 1 == stripes_.size()) return std::nullopt;
      return position{from.stripe + 1, 0};
    }
  }
  return std::nullopt;
}

std::size_t location_table::expire(instant now) {
  std::size_t dropped = 0;
  for (const auto& s : stripes_) {
    {
      const std::lock_guard lock{s->mutex};
      const std::size_t before = s->bindings.load(std::memory_order_relaxed);
      s->is_expiry_told = is_told();
      s->wheel.advance(now);
      dropped += before - s->bindings.load(std::memory_order_relaxed);
    }
    if (told_) tell(*s, now);
  }
  return dropped;
}

std::size_t location_table::bindings() const noexcept {
  std::size_t sum = 0;
  for (const auto& s : stripes_) sum += s->bindings.load(std::memory_order_relaxed);
  return sum;
}

std::size_t location_table::records() const noexcept {
  std::size_t sum = 0;
  for (const auto& s : stripes_) {
    const std::lock_guard lock{s->mutex};
    sum += s->records.size();
  }
  return sum;
}

std::size_t location_table::bytes() const noexcept {
  std::size_t sum = 0;
  for (const auto& s : stripes_) sum += s->bytes.load(std::memory_order_relaxed);
  return sum;
}

} // namespace tandem::storage
