// SPDX-License-Identifier: Apache-2.0
// The location service of RFC 3261 10: which contacts an address of record has, in memory, bounded
// in number and in bytes. Any thread: the table is striped by hash of the address of record, with
// one short mutex a stripe. The functions handed in run under that mutex: they look, copy and
// decide, and never call out. What changed is told to the consumers of a change_feed afterwards.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/flow_handle.hpp>
#include <tandem/base/hash.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/binding.hpp>
#include <tandem/storage/change_feed.hpp>
#include <tandem/storage/location_update.hpp>
#include <tandem/storage/source_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tandem::storage {

/// What becomes of the bytes that were paid for contacts (sip::binding_facts::paid) when somebody
/// has looked at them.
enum class paid_bytes : std::uint8_t {
  kept,
  spent, ///< whoever looks sends there; who looks next finds none
};

/// A table of one name ("location", "aliases").
class location_table {
 public:
  using limits = location_limits;

  /// \param told hears of changes; outlives the table. Null: nobody does
  location_table(std::string_view name, const limits& bounds, instant now,
                 const change_feed* told = nullptr);
  ~location_table();
  location_table(const location_table&) = delete;
  location_table& operator=(const location_table&) = delete;

  [[nodiscard]] std::string_view name() const noexcept { return name_; }

  /// Shows the contacts that live and does what is decided about them: all of it, or nothing.
  /// \param decide  bool(std::span<const sip::binding>, sip::binding_edits&): fills in the edits,
  ///                whose bindings live until the update returns and came from one source; false:
  ///                nothing is to be done. What it is shown lives as long as its call.
  /// \return why nothing was done although something was decided
  template <typename F>
  result<void, location_errc> update(std::string_view aor, instant now, F&& decide) {
    return update_with(aor, now, decision_ref{decide});
  }

  /// Runs f(std::span<const sip::binding>) with the contacts that live, in the order in which they
  /// were first registered; false when there are none. What it is shown lives as long as its call.
  template <typename F>
  bool lookup(std::string_view aor, instant now, F&& f, paid_bytes paid = paid_bytes::kept) const {
    return lookup_with(aor, now, look_ref{f}, paid);
  }

  /// Where a page of the table begins, for readers who cannot take it at once.
  struct position {
    std::uint32_t stripe = 0;
    std::uint64_t hash = 0;
    friend bool operator==(const position&, const position&) = default;
  };
  /// Runs f(aor, contacts) for about `most` addresses of record from a position on, each under the
  /// mutex of its stripe. The order stays, whatever comes and goes between pages: what is there all
  /// the time is met once. O(records of the stripes that are looked at).
  /// \return where the next page begins; nothing at the end
  [[nodiscard]] std::optional<position>
  for_page(position from, std::size_t most, instant now,
           const std::function<void(std::string_view, std::span<const sip::binding>)>& f) const;

  /// Drops what has expired; call it about once a second from one thread. What cannot be told for
  /// want of memory stays for another second. Returns how many were dropped.
  std::size_t expire(instant now);

  /// Number of stored contacts, of addresses of record, and of bytes for both.
  [[nodiscard]] std::size_t bindings() const noexcept;
  [[nodiscard]] std::size_t records() const noexcept;
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  /// A function for as long as a call lasts, without a copy of it.
  template <typename R, typename... A>
  class function_ref {
   public:
    template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref>) explicit function_ref(
        F& f) noexcept
        : of_{const_cast<void*>(static_cast<const void*>(&f))}, call_{[](void* of, A... a) -> R {
            return (*static_cast<F*>(of))(static_cast<A>(a)...);
          }} {}
    R operator()(A... a) const { return call_(of_, static_cast<A>(a)...); }

   private:
    void* of_;
    R (*call_)(void*, A...);
  };
  using decision_ref = function_ref<bool, std::span<const sip::binding>, sip::binding_edits&>;
  using look_ref = function_ref<void, std::span<const sip::binding>>;

  result<void, location_errc> update_with(std::string_view aor, instant now, decision_ref decide);
  struct changed {
    result<void, location_errc> done;
    bool is_news; ///< somebody is to be told
  };
  changed change(location_stripe& in, std::string_view aor, std::uint64_t hash, instant now,
                 decision_ref decide);
  [[nodiscard]] bool is_told() const noexcept { return told_ && told_->is_wanted(); }
  void tell(location_stripe& in, instant now) const noexcept;
  bool lookup_with(std::string_view aor, instant now, look_ref f, paid_bytes paid) const;
  [[nodiscard]] location_stripe& stripe_of(std::uint64_t hash) const noexcept;

  std::string name_;
  limits limits_;
  hash_key key_;
  source_bytes sources_;
  const change_feed* told_;
  std::vector<std::unique_ptr<location_stripe>> stripes_;
};

} // namespace tandem::storage
