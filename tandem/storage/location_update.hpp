// SPDX-License-Identifier: Apache-2.0
// A decision about the contacts of one address of record, carried out in two steps: first
// everything that can fail (bounds, memory), then everything that cannot. Internal to the location
// table; under the mutex of the stripe.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/storage/stored_contacts.hpp>

#include <boost/container/static_vector.hpp>
#include <cstddef>
#include <cstdint>

namespace tandem::storage {

/// Why an update changed nothing.
enum class location_errc : std::uint8_t {
  too_many_contacts, ///< of the address of record
  record_full,       ///< bytes of the address of record
  source_full,       ///< bytes of the source that the REGISTER came from
  table_full,        ///< contacts or bytes of the table
  no_memory,
};

/// Bytes are those of the heap, what the allocator adds left out; 0: no bound of that kind.
struct location_limits {
  std::size_t bindings = 10'000'000;                     ///< in the whole table
  std::size_t per_record = sip::most_bindings;           ///< contacts of one address of record
  std::size_t bytes = std::size_t{1} << 30U;             ///< in the whole table
  std::size_t bytes_per_record = std::size_t{16} * 1024; ///< contacts and what they share
  std::size_t bytes_per_source = std::size_t{16} << 20U; ///< some 25,000 phones behind one NAT

  friend bool operator==(const location_limits&, const location_limits&) noexcept = default;
};

class location_table;

class location_update {
 public:
  /// \param seen what was decided about; outlives this, as do the bindings of the edits
  location_update(contact_record& on, const shown_contacts& seen, const sip::binding_edits& edits);
  location_update(const location_update&) = delete;
  location_update& operator=(const location_update&) = delete;
  /// Gives back what was prepared and not applied.
  ~location_update();

  /// \param changes gets room for what will be done; null: nobody wants to know
  result<void, location_errc> prepare(const location_table& table, const location_limits& most,
                                      change_set* changes);
  void apply(change_set* changes) noexcept;

 private:
  /// One edit, prepared.
  struct step {
    const sip::binding* put = nullptr;
    stored_contact* old = nullptr;
    stored_contact* made = nullptr; ///< null: the old one is rewritten in its place, or removed
    shared_texts* shared = nullptr; ///< to be used; null: those of the old one
    bool pays_for_shared = false; ///< those of the old one are counted for this source from now on
  };

  /// Those whose texts are to be made, each once.
  using shared_list = boost::container::static_vector<const sip::binding*, sip::most_contacts>;

  [[nodiscard]] static bool fits(const step& s) noexcept;
  [[nodiscard]] static bool fits_shared(const step& s) noexcept;
  bool add_up(step& s, shared_list& sharing) noexcept;
  [[nodiscard]] bool allocate(change_set* changes) noexcept;
  [[nodiscard]] bool allocate(step& s) noexcept;
  void put(step& s) noexcept;

  contact_record& of_;
  boost::container::static_vector<step, sip::binding_edits::static_capacity> steps_;
  boost::container::static_vector<shared_texts*, sip::most_contacts> made_texts_;
  ip_address source_;     ///< that all new contacts come from
  std::size_t taken_ = 0; ///< bytes that the source has taken for this
  std::size_t more_ = 0;  ///< bytes that are allocated
  std::size_t less_ = 0;  ///< bytes that are surely released
  bool is_applied_ = false;
};

} // namespace tandem::storage
