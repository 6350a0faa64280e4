// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace tandem::storage {

using sip::binding;
using sip::binding_edits;

namespace {

constexpr std::size_t stripe_count = 64;

} // namespace

location_table::location_table(std::string_view name, const limits& bounds, instant now)
    : name_{name}, limits_{bounds}, key_{hash_key::random()}, sources_{bounds.bytes_per_source} {
  for (std::size_t i = 0; i < stripe_count; ++i)
    stripes_.push_back(std::make_unique<location_stripe>(sources_, now));
}

location_table::~location_table() = default;

location_stripe& location_table::stripe_of(std::uint64_t hash) const noexcept {
  // The ends of the hash choose the place within the stripe's own table.
  return *stripes_[hash >> 24 & (stripe_count - 1)];
}

result<void, location_errc> location_table::update_with(std::string_view aor, instant now,
                                                        decision_ref decide, change_set* changes) {
  const location_stripe::wanted wanted{aor, keyed_hash(key_, aor)};
  location_stripe& in = stripe_of(wanted.hash);
  const std::lock_guard lock{in.mutex};
  contact_record* of = in.find(wanted);
  const shown_contacts seen{of, now};
  binding_edits edits;
  if (!decide(seen.all, edits) || edits.empty()) return {};
  if (!of) of = in.add(wanted);
  if (!of) return fail(location_errc::no_memory);
  const auto done = [&]() -> result<void, location_errc> {
    location_update all{*of, seen, edits};
    auto prepared = all.prepare(*this, limits_, changes);
    if (prepared) all.apply(changes);
    return prepared;
  }();
  if (of->size == 0) in.erase(*of);
  return done;
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

void location_table::for_each(
    instant now, const std::function<void(std::string_view, std::span<const binding>)>& f) const {
  for (const auto& s : stripes_) {
    const std::lock_guard lock{s->mutex};
    for (const auto& one : s->records) {
      const shown_contacts seen{one.get(), now};
      if (!seen.all.empty()) f(one->aor, seen.all);
    }
  }
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

std::size_t location_table::expire(instant now, change_set* changes) {
  std::size_t dropped = 0;
  for (const auto& s : stripes_) {
    const std::lock_guard lock{s->mutex};
    const std::size_t before = s->bindings.load(std::memory_order_relaxed);
    s->expired = changes;
    s->wheel.advance(now);
    s->expired = nullptr;
    dropped += before - s->bindings.load(std::memory_order_relaxed);
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
