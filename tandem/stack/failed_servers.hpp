// SPDX-License-Identifier: Apache-2.0
// Servers that have failed a moment ago: of several that lead to the same place those are tried
// last (RFC 3263 4.3 has each request begin with the first of the list, which may be down for
// hours). Nobody is refused for standing here, so that whoever makes one fail gains nothing. One
// thread.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/ip_address.hpp>
#include <tandem/stack/target.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <unordered_map>

namespace tandem::stack {

class failed_servers {
 public:
  static constexpr std::size_t most = 4'096;
  static constexpr duration usual_lifetime = seconds{60};
  /// However long a Retry-After is.
  static constexpr duration longest_lifetime = seconds{3'600};

  explicit failed_servers(std::size_t bound = most) noexcept : bound_{bound} {}

  /// For how long a failure is remembered; 0: not at all, and what is known is forgotten.
  void set_lifetime(duration lifetime) noexcept;

  /// It has failed: silence, an error of the transport, or 503 (RFC 3263 4.3). At the bound the one
  /// that failed longest ago is forgotten. A flow is no server, and is not noted. Allocates.
  /// \param retry_after what the server asked for (RFC 3261 21.5.4), 0 for nothing
  void note(const target& to, instant now, duration retry_after = {});
  /// It has answered.
  void forget(const target& to) noexcept;

  [[nodiscard]] bool contains(const target& to, instant now) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct entry : list_hook<> {
    socket_address address;
    transport_kind transport{};
    instant until;
  };
  using table = std::unordered_map<socket_address, entry>;

  [[nodiscard]] table& of(transport_kind kind) noexcept {
    return all_[static_cast<std::size_t>(kind)];
  }

  std::size_t bound_;
  std::size_t size_ = 0;
  duration lifetime_ = usual_lifetime;
  std::array<table, transport_rows.size()> all_; ///< of each transport
  intrusive_list<entry> by_age_;                 ///< the oldest first
};

} // namespace tandem::stack
