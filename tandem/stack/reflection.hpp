// SPDX-License-Identifier: Apache-2.0
// How much a stranger can make this element send to addresses that he named, in a Contact or a
// Request-URI: ten times what he has sent, until the address has answered (the rule of RFC 9000
// 8.1, for datagrams of SIP), and what is lent so that many contacts of a small request ring: on
// each shard 48 KiB for a source and for a target network, and 512 bytes a second. A connection
// needs no bound: it opens to who wants it. Values and tables; one thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/base/token_buckets.hpp>

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

  /// So much may be lent (reflection_loans), once, to an address that nothing else of the request
  /// goes to, when nothing is left.
  [[nodiscard]] bool may_lend(std::size_t copy) const noexcept { return copy <= lendable_; }

  [[nodiscard]] std::size_t left() const noexcept { return left_; }

 private:
  static constexpr std::size_t most_copies = 7;

  std::size_t left_ = 0;
  std::size_t lendable_ = 0;
};

/// What is lent beyond the budgets of requests, so that each of 30 phones rings that one REGISTER
/// has named: for each source and for each network of targets so much at a time and so much a
/// second, over all requests. The source of a datagram may be forged; the network of the targets
/// then bounds it. What was lent is not given back. Bounded (token_buckets).
class reflection_loans {
 public:
  static constexpr std::size_t at_a_time = std::size_t{48} << 10U; ///< bytes: 30 INVITEs
  static constexpr std::size_t a_second = 512;                     ///< bytes
  static constexpr std::size_t most = 65'536; ///< sources, and as many networks of targets

  /// Takes a copy out of what may be lent to `source` and to the network of `to`; false, and
  /// nothing was taken, when either has less left. Allocates for those that are new: throws
  /// std::bad_alloc, and nothing was taken. \param source as source_network() has it; none is a
  /// source of its own
  [[nodiscard]] bool take(std::size_t bytes, const ip_address& source, const ip_address& to,
                          instant now);

 private:
  token_buckets sources_{most};
  token_buckets targets_{most}; ///< by /24 for IPv4, by /64 for IPv6
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
