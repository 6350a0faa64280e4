// SPDX-License-Identifier: Apache-2.0
// How much a stranger can make this element send to addresses that he named, in a Contact or a
// Request-URI: at most ten times what he has sent, until the address has answered (the rule of RFC
// 9000 8.1, for datagrams of SIP). A connection needs no bound: it opens to who wants it. Values
// and a table; one thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

namespace tandem::stack {

inline constexpr std::size_t most_reflected = 10; ///< bytes sent for one byte that was received

/// The bytes that a request may bring to addresses which have not answered: all its targets, all
/// copies, over its whole life.
class reflection_budget {
 public:
  reflection_budget() noexcept = default;
  /// \param received bytes of the request as it came
  explicit reflection_budget(std::size_t received) noexcept
      : left_{received * most_reflected}, lendable_{left_} {}

  /// What was received besides, for the sake of a target: the REGISTER that named it.
  void add(std::size_t received) noexcept { left_ += received * most_reflected; }

  /// What a target has not used, since it has answered.
  void give_back(std::size_t bytes) noexcept { left_ += bytes; }

  /// Takes the share of one target while so many `ways`, this one among them, are still to come:
  /// enough for one copy, then as much for each, and no more than an INVITE has copies (RFC 3261
  /// 17.1.1.2: 7 before timer B).
  /// \param copy bytes of the request as it leaves
  /// \return bytes that may be sent there; 0 when not even one copy may
  [[nodiscard]] std::uint32_t take(std::size_t copy, std::size_t ways) noexcept {
    if (copy > left_ || ways == 0) return 0;
    const std::size_t share = std::clamp(left_ / ways, copy, most_copies * copy);
    left_ -= share;
    return static_cast<std::uint32_t>(share);
  }

  /// So much may go, once, to an address that nothing else of the request goes to, when nothing is
  /// left: every contact rings, and no address gets more than its share.
  [[nodiscard]] bool may_lend(std::size_t copy) const noexcept { return copy <= lendable_; }

  [[nodiscard]] std::size_t left() const noexcept { return left_; }

 private:
  static constexpr std::size_t most_copies = 7;

  std::size_t left_ = 0;
  std::size_t lendable_ = 0;
};

/// Addresses that have answered a request of ours: whoever is there takes part. Bounded; the one
/// that was noted longest ago makes room. Allocates for an address that is new.
class answered_addresses {
 public:
  static constexpr std::size_t most = 65'536;
  static constexpr duration lifetime = seconds{3'600};

  /// \param bound addresses that are remembered, at least one
  explicit answered_addresses(std::size_t bound = most) noexcept : bound_{bound} {}

  /// A response came from there to what was sent there.
  void note(const socket_address& from, instant now);
  /// One came, and not longer ago than the lifetime.
  [[nodiscard]] bool contains(const socket_address& address, instant now) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

 private:
  struct entry : list_hook<> {
    socket_address address;
    instant until;
  };

  std::size_t bound_;
  std::unordered_map<socket_address, entry> all_;
  intrusive_list<entry> by_age_; ///< the oldest first
};

} // namespace tandem::stack
