// SPDX-License-Identifier: Apache-2.0
// How a location table keeps its contacts: each with its own texts behind it, and once what the
// contacts of one REGISTER have in common. Internal to the table; under the mutex of the stripe.
#pragma once

#include <tandem/base/timer_wheel.hpp>
#include <tandem/sip/binding.hpp>
#include <tandem/storage/change_set.hpp>
#include <tandem/storage/source_bytes.hpp>

#include <atomic>
#include <boost/container/static_vector.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <string_view>

namespace tandem::storage {

struct contact_record;
struct location_stripe;

/// Room for a T with so many bytes of text behind it; null when there is no memory.
template <typename T>
[[nodiscard]] T* make_with_text(std::size_t text) noexcept {
  void* const memory = ::operator new(sizeof(T) + text, std::nothrow);
  return memory ? new (memory) T : nullptr;
}
template <typename T>
void destroy_with_text(T* made) noexcept {
  if (!made) return;
  made->~T();
  ::operator delete(made);
}

/// What the contacts of one REGISTER have in common: Path, Call-ID, User-Agent.
struct shared_texts {
  std::uint32_t users = 0;
  std::uint16_t path_size = 0;
  std::uint16_t call_id_size = 0;
  std::uint16_t user_agent_size = 0;
  std::uint16_t capacity = 0;
  ip_address source; ///< that these bytes are counted for

  [[nodiscard]] static std::size_t size_of(const sip::binding& b) noexcept {
    return b.path.size() + b.call_id.size() + b.user_agent.size();
  }
  [[nodiscard]] std::string_view path() const noexcept { return {text(), path_size}; }
  [[nodiscard]] std::string_view call_id() const noexcept {
    return {text() + path_size, call_id_size};
  }
  [[nodiscard]] std::string_view user_agent() const noexcept {
    return {text() + path_size + call_id_size, user_agent_size};
  }
  [[nodiscard]] bool has_texts_of(const sip::binding& b) const noexcept {
    return call_id() == b.call_id && path() == b.path && user_agent() == b.user_agent;
  }
  /// They fit into the capacity.
  void assign(const sip::binding& b) noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + capacity; }

 private:
  [[nodiscard]] const char* text() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }
};

/// A contact in its record's list.
struct stored_contact final : timer {
  contact_record* of = nullptr;
  stored_contact* next = nullptr;
  shared_texts* shared = nullptr;
  sip::binding_facts facts;
  std::uint16_t contact_size = 0;
  std::uint16_t parameters_size = 0;
  std::uint16_t capacity = 0;

  [[nodiscard]] static std::size_t size_of(const sip::binding& b) noexcept {
    return b.contact.size() + b.parameters.size();
  }
  [[nodiscard]] sip::binding view() const noexcept;
  /// That these bytes are counted for.
  [[nodiscard]] ip_address source() const noexcept;
  /// They fit into the capacity.
  void assign(const sip::binding& b) noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + capacity; }

  void on_timer(instant now) override;
};

/// The contacts of one address of record, in the order in which they were first registered.
struct contact_record {
  contact_record(location_stripe& in, std::string_view name, std::uint64_t hash_of_name)
      : of{in}, hash{hash_of_name}, aor{name} {}
  contact_record(const contact_record&) = delete;
  contact_record& operator=(const contact_record&) = delete;
  ~contact_record();

  [[nodiscard]] std::size_t own_bytes() const noexcept { return sizeof *this + aor.size(); }

  void append(stored_contact& made) noexcept;
  void replace(stored_contact& old, stored_contact& made) noexcept;
  void remove(stored_contact& which) noexcept;
  /// One user less; without any the texts go.
  void leave(shared_texts& shared) noexcept;
  /// Bytes that are there more, or less.
  void count(std::size_t more, std::size_t less) noexcept;

  location_stripe& of;
  std::uint64_t hash; ///< of aor, under the key of the table
  std::string aor;
  stored_contact* first = nullptr;
  std::size_t size = 0;
  std::size_t bytes = 0; ///< of the contacts and what they share

 private:
  /// Gives back what the contact uses; nothing in the list leads to it any more.
  void release(stored_contact& gone) noexcept;
};

/// The contacts of a record that live, as whoever looks sees them.
struct shown_contacts {
  shown_contacts(const contact_record* of, instant now);
  boost::container::static_vector<sip::binding, sip::most_bindings> all;
  boost::container::static_vector<stored_contact*, sip::most_bindings> kept; ///< where those are
};

/// What changed in a stripe and was not told yet. All but `told` under the mutex of the stripe.
struct location_news {
  /// Of changes that wait because a consumer is slow.
  static constexpr std::size_t most_bytes = std::size_t{256} * 1024;

  /// Where another change may be put; null when too much waits.
  [[nodiscard]] change_set* room() noexcept {
    return waiting.bytes() < most_bytes ? &waiting : nullptr;
  }

  change_set waiting;
  change_set told; ///< by the thread that has set is_being_told, which alone touches it
  std::uint64_t lost = 0;
  bool is_being_told = false;
};

/// A share of the table: the records whose address hashes here, and the timers of their contacts.
struct location_stripe {
  using record_owner = std::unique_ptr<contact_record>;

  /// An address that is looked for; its hash was taken once, to find the stripe.
  struct wanted {
    std::string_view aor;
    std::uint64_t hash;
  };
  struct hasher {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const record_owner& r) const noexcept { return r->hash; }
    std::size_t operator()(const wanted& w) const noexcept { return w.hash; }
  };
  struct equal {
    using is_transparent = void;
    bool operator()(const record_owner& a, const record_owner& b) const noexcept { return a == b; }
    bool operator()(const wanted& w, const record_owner& r) const noexcept {
      return w.hash == r->hash && w.aor == r->aor;
    }
    bool operator()(const record_owner& r, const wanted& w) const noexcept { return (*this)(w, r); }
  };

  location_stripe(source_bytes& counted, instant now) : sources{counted}, wheel{now} {}

  [[nodiscard]] contact_record* find(const wanted& w) const noexcept;
  /// Null when there is no memory.
  [[nodiscard]] contact_record* add(const wanted& w) noexcept;
  void erase(const contact_record& empty) noexcept;

  source_bytes& sources;
  std::mutex mutex;
  location_news news;
  bool is_expiry_told = false; ///< somebody wants to hear what the wheel drops
  std::uint64_t changes = 0;   ///< made so far
  std::atomic<std::size_t> bindings{0};
  std::atomic<std::size_t> bytes{0};
  timer_wheel wheel; ///< outlives the records, whose contacts stand in it
  boost::unordered_flat_set<record_owner, hasher, equal> records;
};

} // namespace tandem::storage
