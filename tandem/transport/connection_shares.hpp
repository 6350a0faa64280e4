// SPDX-License-Identifier: Apache-2.0
// Whose connection goes when all places are taken and another source wants one: of the source that
// has most of them the one that has been idle for longest. One that something still depends on goes
// last: a registration that was accepted over it, or a transaction that may be in progress. Sources
// are told apart as source_network() does. Sans-I/O, one thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>

#include <cstddef>
#include <unordered_map>
#include <vector>

namespace tandem::transport {

class connection_shares {
  struct source_tag;

 public:
  struct source;

  /// What a connection is in here. It leaves when it is destroyed; not before that is it moved.
  class place : list_hook<> {
   public:
    place() noexcept = default;
    place(const place&) = delete;
    place& operator=(const place&) = delete;
    ~place() {
      if (of_) of_->owner.leave(*this);
    }

   private:
    friend class connection_shares;
    friend class intrusive_list<place, void>;

    source* of_ = nullptr;
    instant used_{};
    instant bound_until_{};
  };

  /// What one source has.
  struct source : list_hook<source_tag> {
    source(connection_shares& shares, const ip_address& from) noexcept
        : owner{shares}, network{from} {}
    connection_shares& owner;
    ip_address network;
    std::size_t count = 0;
    intrusive_list<place> by_use; ///< the one that was used longest ago first
  };

  connection_shares() = default;
  connection_shares(const connection_shares&) = delete;
  connection_shares& operator=(const connection_shares&) = delete;

  /// A connection of that source, used now. Throws std::bad_alloc; nothing has changed then.
  void enter(place& at, const ip_address& from, instant now);
  /// A message came or went.
  void use(place& at, instant now) noexcept;
  /// A registration names it until then.
  void bind(place& at, instant until) noexcept;

  [[nodiscard]] std::size_t of(const ip_address& from) const noexcept;
  /// Sources that have any.
  [[nodiscard]] std::size_t sources() const noexcept { return sources_.size(); }

  /// The one that makes room for one more of that source; null when no other source would still
  /// have as many as that one then.
  /// \param hog a source with fewer keeps those that a registration names: many sources of a few
  /// connections each may not take an office its phones
  /// None that was used in this very moment: whoever reads from it may be the one that asks.
  /// O(connections of one source).
  [[nodiscard]] place* to_give_up(const ip_address& wanting, instant now, std::size_t hog) noexcept;

 private:
  /// RFC 3261 16.6 step 11: so long an INVITE may be without a word.
  static constexpr duration longest_silence = seconds{180};

  void leave(place& at) noexcept;

  std::unordered_map<ip_address, source> sources_;
  std::vector<intrusive_list<source, source_tag>> by_count_; ///< those with that many
  std::size_t most_ = 0;                                     ///< that any source has
};

} // namespace tandem::transport
