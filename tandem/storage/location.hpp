// SPDX-License-Identifier: Apache-2.0
// The location service of RFC 3261 10: which contacts an address of record has, in memory.
// Any thread: the table is striped by hash of the address of record, with one short mutex a stripe.
// The functions handed in run under that mutex: they look, copy and decide, and never call out.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/flow_handle.hpp>
#include <tandem/base/hash.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/timer_wheel.hpp>
#include <tandem/base/transport_kind.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::storage {

struct stripe;
class record;

/// What a REGISTER says of one contact. The views need to live only as long as the call.
struct binding_data {
  std::string_view contact{}; ///< the URI as it was registered, without angle brackets
  std::string_view path{};    ///< value of the Path headers (RFC 3327), empty when there was none
  std::string_view call_id{}; ///< of the REGISTER, for the order of RFC 3261 10.3 step 7
  std::string_view user_agent{}; ///< for those who look at the table
  std::string_view
      params{}; ///< of the contact, without q and expires, each with its semicolon before it
  std::uint32_t cseq = 0;
  std::uint16_t q = 0;        ///< preference in thousandths
  std::uint16_t flags = 0;    ///< the script's own
  transport_kind transport{}; ///< by which it came from `received`
  instant expires{};          ///< instant::max(): permanent
  instant modified{};         ///< when it was last written
  socket_address received{};  ///< where the REGISTER came from, as the server saw it
  flow_handle flow{};         ///< the connection it came over, if it was one
};

/// One stored contact. Reached only through a record, under its stripe's mutex.
class binding final : public timer {
 public:
  [[nodiscard]] std::string_view contact() const noexcept { return part(0); }
  [[nodiscard]] std::string_view path() const noexcept { return part(1); }
  [[nodiscard]] std::string_view call_id() const noexcept { return part(2); }
  [[nodiscard]] std::string_view user_agent() const noexcept { return part(3); }
  [[nodiscard]] std::string_view params() const noexcept { return part(4); }
  /// What it takes: itself and its texts.
  [[nodiscard]] std::size_t bytes() const noexcept;
  [[nodiscard]] std::uint32_t cseq() const noexcept { return cseq_; }
  [[nodiscard]] std::uint16_t q() const noexcept { return q_; }
  [[nodiscard]] std::uint16_t flags() const noexcept { return flags_; }
  [[nodiscard]] transport_kind transport() const noexcept { return transport_; }
  [[nodiscard]] instant expires() const noexcept { return expires_; }
  [[nodiscard]] instant modified() const noexcept { return modified_; }
  [[nodiscard]] const socket_address& received() const noexcept { return received_; }
  [[nodiscard]] flow_handle flow() const noexcept { return flow_; }
  [[nodiscard]] bool is_live(instant now) const noexcept { return expires_ > now; }

 private:
  friend class location_table;
  friend class record;

  static constexpr std::size_t parts = 5;

  struct deleter {
    void operator()(binding* b) const noexcept { destroy(b); }
  };
  using owner = std::unique_ptr<binding, deleter>;

  binding() = default;
  static owner make(const binding_data& data, record& of);
  static void destroy(binding* b) noexcept;
  void assign(const binding_data& data) noexcept;
  [[nodiscard]] std::string_view part(std::size_t index) const noexcept;
  void on_timer(instant now) override;

  record* record_ = nullptr;
  owner next_;
  instant expires_{};
  instant modified_{};
  socket_address received_{};
  flow_handle flow_{};
  std::uint32_t cseq_ = 0;
  std::uint16_t q_ = 0;
  std::uint16_t flags_ = 0;
  transport_kind transport_{};
  std::uint16_t ends_[parts] = {}; ///< of the texts that stand behind the object
};

/// The contacts of one address of record, in the order in which they were first registered.
class record {
 public:
  [[nodiscard]] std::string_view aor() const noexcept { return aor_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// What its contacts take.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// Calls f(const binding&) for each contact that lives.
  template <typename F>
  void for_each(instant now, F&& f) const {
    for (const binding* b = first_.get(); b; b = b->next_.get())
      if (b->is_live(now)) f(*b);
  }

  /// The first living contact for which pred(const binding&) holds, null when there is none.
  template <typename Predicate>
  [[nodiscard]] const binding* find(instant now, Predicate&& pred) const {
    for (const binding* b = first_.get(); b; b = b->next_.get())
      if (b->is_live(now) && pred(*b)) return b;
    return nullptr;
  }

  /// Adds a contact, or with `old` replaces that one in its place: without an allocation where the
  /// new texts fit into the room of the old ones, as those of a refresh do.
  void put(const binding_data& data, const binding* old = nullptr);

  /// Removes a contact of this record.
  void remove(const binding& which) noexcept;

  void clear() noexcept;

 private:
  friend class location_table;
  friend class binding;

  friend struct stripe;

  record(stripe& of, std::string_view aor, std::uint64_t hash)
      : stripe_{of}, hash_{hash}, aor_{aor} {}

  stripe& stripe_;
  std::uint64_t hash_; ///< of aor_, under the key of the table
  std::string aor_;
  binding::owner first_;
  std::uint32_t size_ = 0;
  std::uint32_t bytes_ = 0;
};

/// A table of one name ("location", "aliases"). Bounded in number and in bytes: whoever adds
/// contacts asks has_room() first.
class location_table {
 public:
  struct limits {
    std::size_t bindings = 10'000'000;        ///< in the whole table
    std::size_t bytes = std::size_t{1} << 30; ///< of all contacts
    std::size_t per_record =
        32; ///< contacts of one address of record: as many as a request forks to
    std::size_t bytes_per_record = std::size_t{16} * 1024; ///< of all contacts of one
  };

  location_table(std::string_view name, limits bounds, instant now);
  ~location_table();
  location_table(const location_table&) = delete;
  location_table& operator=(const location_table&) = delete;

  [[nodiscard]] std::string_view name() const noexcept { return name_; }

  /// Runs f(record&) for the address of record, which is made when it is new and goes away when it
  /// ends without a contact. Everything that f does is seen by others at once. The result of f is
  /// handed on.
  template <typename F>
  auto update(std::string_view aor, F&& f) {
    struct hold {
      location_table& table;
      locked_record of;
      ~hold() { table.close(of); }
    } held{*this, open(aor)};
    return f(*held.of.found);
  }

  /// Runs f(const record&) when the address of record has contacts; false when it has none.
  template <typename F>
  bool lookup(std::string_view aor, F&& f) const {
    const auto held = open_existing(aor);
    if (held.found) f(static_cast<const record&>(*held.found));
    return held.found != nullptr;
  }

  /// Runs f(const record&) for every record, stripe by stripe, each under its mutex.
  void for_each(const std::function<void(const record&)>& f) const;

  /// Where a page of the table begins, for readers who cannot take it at once.
  struct position {
    std::uint32_t stripe = 0;
    std::uint64_t hash = 0;
    friend bool operator==(const position&, const position&) = default;
  };
  /// Runs f(const record&) for about `most` records from a position on, each under the mutex of its
  /// stripe. The order stays, whatever comes and goes between pages: what is there all the time is
  /// met once. O(records of the stripes that are looked at).
  /// \return where the next page begins; nothing at the end
  [[nodiscard]] std::optional<position> for_page(position from, std::size_t most,
                                                 const std::function<void(const record&)>& f) const;

  /// True when `more` contacts with so many further bytes would still fit (bytes_of).
  [[nodiscard]] bool has_room(const record& of, std::size_t more,
                              std::size_t more_bytes) const noexcept;
  /// What a contact would take.
  [[nodiscard]] static std::size_t bytes_of(const binding_data& data) noexcept;

  /// Drops what has expired; call it about once a second from one shard. Returns how many were
  /// dropped.
  std::size_t expire(instant now);

  /// Number of stored contacts, and of addresses of record.
  [[nodiscard]] std::size_t bindings() const noexcept;
  [[nodiscard]] std::size_t records() const noexcept;
  /// What the contacts take.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  friend class record;
  friend class binding;

  struct locked_record {
    stripe* in = nullptr;
    record* found = nullptr;
    std::unique_lock<std::mutex> lock;
  };

  [[nodiscard]] stripe& stripe_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] locked_record open(std::string_view aor);
  [[nodiscard]] locked_record open_existing(std::string_view aor) const;
  void close(locked_record& held) noexcept;

  std::string name_;
  limits limits_;
  hash_key key_;
  std::vector<std::unique_ptr<stripe>> stripes_;
};

} // namespace tandem::storage
