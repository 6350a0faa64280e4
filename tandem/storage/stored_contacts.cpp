// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/stored_contacts.hpp>

#include <tandem/base/source_network.hpp>
#include <tandem/sip/line_writer.hpp>

namespace tandem::storage {

// ---- texts

void shared_texts::assign(const sip::binding& b) noexcept {
  using sip::put_bytes;
  char* to = reinterpret_cast<char*>(this + 1);
  to = put_bytes(put_bytes(to, b.path), b.call_id);
  put_bytes(to, b.user_agent);
  path_size = static_cast<std::uint16_t>(b.path.size());
  call_id_size = static_cast<std::uint16_t>(b.call_id.size());
  user_agent_size = static_cast<std::uint16_t>(b.user_agent.size());
}

sip::binding stored_contact::view() const noexcept {
  const char* const text = reinterpret_cast<const char*>(this + 1);
  return {facts,          {text, contact_size}, {text + contact_size, parameters_size},
          shared->path(), shared->call_id(),    shared->user_agent()};
}

ip_address stored_contact::source() const noexcept { return source_network(facts.received.ip); }

void stored_contact::assign(const sip::binding& b) noexcept {
  sip::put_bytes(sip::put_bytes(reinterpret_cast<char*>(this + 1), b.contact), b.parameters);
  contact_size = static_cast<std::uint16_t>(b.contact.size());
  parameters_size = static_cast<std::uint16_t>(b.parameters.size());
  facts = b.facts();
}

void stored_contact::on_timer(instant now) {
  contact_record& from = *of;
  location_stripe& in = from.of;
  if (change_set* const news = in.is_expiry_told ? in.news.room() : nullptr) {
    try {
      news->reserve_for(from.aor, view());
    } catch (const std::bad_alloc&) {
      in.wheel.arm(*this, now + seconds{1});
      return;
    }
    news->add(change_kind::expired, ++in.changes, from.aor, view());
  } else if (in.is_expiry_told) {
    ++in.news.lost;
  }
  from.remove(*this); // destroys this
  if (from.size == 0) in.erase(from);
}

// ---- a record

contact_record::~contact_record() {
  while (first) remove(*first);
}

void contact_record::count(std::size_t more, std::size_t less) noexcept {
  bytes += more - less; // modulo, as that of the stripe
  of.bytes.fetch_add(more - less, std::memory_order_relaxed);
}

void contact_record::append(stored_contact& made) noexcept {
  stored_contact** link = &first;
  while (*link) link = &(*link)->next;
  *link = &made;
  ++size;
  of.bindings.fetch_add(1, std::memory_order_relaxed);
}

void contact_record::replace(stored_contact& old, stored_contact& made) noexcept {
  stored_contact** link = &first;
  while (*link != &old) link = &(*link)->next;
  made.next = old.next;
  *link = &made;
  release(old);
}

void contact_record::remove(stored_contact& which) noexcept {
  stored_contact** link = &first;
  while (*link != &which) link = &(*link)->next;
  *link = which.next;
  --size;
  of.bindings.fetch_sub(1, std::memory_order_relaxed);
  release(which);
}

void contact_record::release(stored_contact& gone) noexcept {
  leave(*gone.shared);
  count(0, gone.bytes());
  of.sources.give(gone.source(), gone.bytes());
  destroy_with_text(&gone);
}

void contact_record::leave(shared_texts& shared) noexcept {
  if (--shared.users > 0) return;
  count(0, shared.bytes());
  of.sources.give(shared.source, shared.bytes());
  destroy_with_text(&shared);
}

// ---- looking

shown_contacts::shown_contacts(const contact_record* of, instant now) {
  for (stored_contact* s = of ? of->first : nullptr; s; s = s->next) {
    if (!s->facts.is_live(now) || all.size() == all.capacity()) continue;
    all.push_back(s->view());
    kept.push_back(s);
  }
}

// ---- a stripe

contact_record* location_stripe::find(const wanted& w) const noexcept {
  const auto it = records.find(w);
  return it == records.end() ? nullptr : it->get();
}

contact_record* location_stripe::add(const wanted& w) noexcept {
  try {
    contact_record* const made =
        records.insert(std::make_unique<contact_record>(*this, w.aor, w.hash)).first->get();
    bytes.fetch_add(made->own_bytes(), std::memory_order_relaxed);
    return made;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void location_stripe::erase(const contact_record& empty) noexcept {
  bytes.fetch_sub(empty.own_bytes(), std::memory_order_relaxed);
  records.erase(records.find(wanted{empty.aor, empty.hash}));
}

} // namespace tandem::storage
