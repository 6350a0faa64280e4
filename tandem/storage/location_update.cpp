// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/location_update.hpp>

#include <tandem/base/source_network.hpp>
#include <tandem/storage/location.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace tandem::storage {

namespace {

/// Of the texts of one allocation, whose sizes are kept in 16 bits.
constexpr std::size_t most_text = std::numeric_limits<std::uint16_t>::max();

bool share_texts(const sip::binding& a, const sip::binding& b) noexcept {
  return a.call_id == b.call_id && a.path == b.path && a.user_agent == b.user_agent;
}

} // namespace

location_update::location_update(contact_record& on, const shown_contacts& seen,
                                 const sip::binding_edits& edits)
    : of_{on} {
  for (const sip::binding_edit& e : edits)
    steps_.push_back({.put = e.put, .old = e.old ? seen.kept[*e.old] : nullptr});
}

location_update::~location_update() {
  if (is_applied_) return;
  of_.of.sources.give(source_, taken_);
  for (const step& s : steps_) destroy_with_text(s.made);
  for (shared_texts* const texts : made_texts_) destroy_with_text(texts);
}

/// The contact may be rewritten where it stands, as that of a refresh is.
bool location_update::fits(const step& s) noexcept {
  return s.old && stored_contact::size_of(*s.put) <= s.old->capacity;
}

/// The texts that the contact shares may be rewritten where they stand.
bool location_update::fits_shared(const step& s) noexcept {
  return s.old && s.old->shared->users == 1 &&
         shared_texts::size_of(*s.put) <= s.old->shared->capacity;
}

/// Adds up what a step needs. \param sharing those before whose texts it may share
/// \return false when its texts are too long for any table.
bool location_update::add_up(step& s, shared_list& sharing) noexcept {
  if (!s.put) {
    less_ += s.old->bytes() + (s.old->shared->users == 1 ? s.old->shared->bytes() : 0);
    return true;
  }
  const std::size_t own = stored_contact::size_of(*s.put);
  const std::size_t common = shared_texts::size_of(*s.put);
  if (own > most_text || common > most_text) return false;
  source_ = source_network(s.put->received.ip);
  if (!fits(s)) {
    more_ += sizeof(stored_contact) + own;
    taken_ += sizeof(stored_contact) + own;
    less_ += s.old ? s.old->bytes() : 0;
  } else if (s.old->source() != source_) {
    taken_ += s.old->bytes();
  }
  const bool keeps = s.old && s.old->shared->has_texts_of(*s.put);
  if (keeps || fits_shared(s)) {
    s.pays_for_shared = s.old->shared->users == 1 && s.old->shared->source != source_;
    if (s.pays_for_shared) taken_ += s.old->shared->bytes();
    return true;
  }
  less_ += s.old && s.old->shared->users == 1 ? s.old->shared->bytes() : 0;
  const auto is_made = [&](const sip::binding* b) { return share_texts(*b, *s.put); };
  if (std::any_of(sharing.begin(), sharing.end(), is_made)) return true;
  sharing.push_back(s.put);
  more_ += sizeof(shared_texts) + common;
  taken_ += sizeof(shared_texts) + common;
  return true;
}

result<void, location_errc> location_update::prepare(const location_table& table,
                                                     const location_limits& most,
                                                     change_set* changes) {
  std::size_t added = 0;
  std::size_t removed = 0;
  shared_list sharing;
  for (step& s : steps_) {
    added += s.put && !s.old ? 1 : 0;
    removed += s.put ? 0 : 1;
    if (!add_up(s, sharing)) return fail(location_errc::record_full);
  }
  const std::size_t wanted = std::exchange(taken_, 0);
  if (added > removed) {
    const std::size_t grown = added - removed;
    const std::size_t per_record =
        most.per_record > 0 ? std::min(most.per_record, sip::most_bindings) : sip::most_bindings;
    if (of_.size + grown > per_record) return fail(location_errc::too_many_contacts);
    if (most.bindings > 0 && table.bindings() + grown > most.bindings)
      return fail(location_errc::table_full);
  }
  if (more_ > less_) {
    const auto is_beyond = [&](std::size_t there, std::size_t limit) {
      return limit > 0 && there + more_ - less_ > limit;
    };
    if (is_beyond(of_.bytes, most.bytes_per_record)) return fail(location_errc::record_full);
    if (is_beyond(table.bytes(), most.bytes)) return fail(location_errc::table_full);
  }
  if (!of_.of.sources.take(source_, wanted)) return fail(location_errc::source_full);
  taken_ = wanted;
  if (!allocate(changes)) return fail(location_errc::no_memory);
  return {};
}

bool location_update::allocate(change_set* changes) noexcept {
  for (step& s : steps_)
    if (s.put && !allocate(s)) return false;
  if (!changes) return true;
  try {
    for (const step& s : steps_) changes->reserve_for(of_.aor, s.put ? *s.put : s.old->view());
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool location_update::allocate(step& s) noexcept {
  if (!fits(s)) {
    const std::size_t size = stored_contact::size_of(*s.put);
    s.made = make_with_text<stored_contact>(size);
    if (!s.made) return false;
    s.made->capacity = static_cast<std::uint16_t>(size);
  }
  if ((s.old && s.old->shared->has_texts_of(*s.put)) || fits_shared(s)) return true;
  const auto it = std::find_if(made_texts_.begin(), made_texts_.end(),
                               [&](const shared_texts* t) { return t->has_texts_of(*s.put); });
  if (it != made_texts_.end()) {
    s.shared = *it;
    return true;
  }
  const std::size_t size = shared_texts::size_of(*s.put);
  s.shared = make_with_text<shared_texts>(size);
  if (!s.shared) return false;
  s.shared->capacity = static_cast<std::uint16_t>(size);
  s.shared->assign(*s.put);
  s.shared->source = source_;
  made_texts_.push_back(s.shared);
  return true;
}

void location_update::apply(change_set* changes) noexcept {
  is_applied_ = true;
  for (const shared_texts* const texts : made_texts_) of_.count(texts->bytes(), 0);
  for (step& s : steps_) {
    if (changes) {
      const auto kind = !s.put  ? change_kind::removed
                        : s.old ? change_kind::refreshed
                                : change_kind::added;
      changes->add(kind, ++of_.of.changes, of_.aor, s.put ? *s.put : s.old->view());
    }
    if (s.put)
      put(s);
    else
      of_.remove(*s.old);
  }
}

/// What the source has taken for this pays for all that changes hands.
// A step that puts has an old contact, or a new one with shared texts of its own or made ones.
// NOLINTBEGIN(clang-analyzer-core.NullDereference): that is what prepare() has seen to
void location_update::put(step& s) noexcept {
  source_bytes& sources = of_.of.sources;
  stored_contact& target = s.made ? *s.made : *s.old;
  if (s.shared) {
    ++s.shared->users;
    if (!s.made) of_.leave(*s.old->shared);
    target.shared = s.shared;
  } else { // those of the old one
    shared_texts& kept = *s.old->shared;
    if (s.pays_for_shared) {
      sources.give(kept.source, kept.bytes());
      kept.source = source_;
    }
    if (!kept.has_texts_of(*s.put)) kept.assign(*s.put);
    if (s.made) {
      ++kept.users;
      s.made->shared = &kept;
    }
  }
  if (!s.made && target.source() != source_) sources.give(target.source(), target.bytes());
  target.of = &of_;
  target.assign(*s.put);
  if (s.made) {
    of_.count(target.bytes(), 0);
    if (s.old)
      of_.replace(*s.old, target);
    else
      of_.append(target);
  }
  if (target.facts.expires == instant::max())
    target.cancel();
  else
    of_.of.wheel.arm(target, target.facts.expires);
}
// NOLINTEND(clang-analyzer-core.NullDereference)

} // namespace tandem::storage
