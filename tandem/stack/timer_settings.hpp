// SPDX-License-Identifier: Apache-2.0
// The times of RFC 3261 17 and table 4, by the RFC's names and by those of SER's tm module.
// A value, passed down; never global.
#pragma once

#include <tandem/base/clock.hpp>

#include <string_view>

namespace tandem::stack {

struct timer_settings {
  duration t1 = milliseconds{500};           ///< round-trip time estimate, first retransmission
  duration t2 = seconds{4};                  ///< longest interval between retransmissions
  duration t4 = seconds{5};                  ///< longest life of a message in the network
  duration timer_b = 64 * milliseconds{500}; ///< client INVITE without any response
  duration timer_c = seconds{185};           ///< INVITE that rings; above 3 minutes (16.6 step 11)
  duration timer_d = seconds{32};            ///< absorb failures to an INVITE, unreliable
  duration timer_f = 64 * milliseconds{500}; ///< client other than INVITE
  duration timer_h = 64 * milliseconds{500}; ///< wait for the ACK
  duration timer_j = 64 * milliseconds{500}; ///< absorb copies of a request, unreliable
  duration timer_l = 64 * milliseconds{500}; ///< accepted INVITE, server (RFC 6026)
  duration timer_m = 64 * milliseconds{500}; ///< accepted INVITE, client (RFC 6026)
  duration timer_cancelled = 64 * milliseconds{500}; ///< silence after CANCEL (9.1)
  duration trying_invite = milliseconds{200};        ///< 100 when the user is silent (17.2.1)
  duration trying_other = 7 * milliseconds{500};     ///< when timer E reaches T2 (RFC 4320 4.1)

  /// The settings that follow from T1, T2 and T4 by the RFC's table 4.
  [[nodiscard]] static timer_settings of(duration t1, duration t2, duration t4) noexcept;

  /// Sets what a parameter of SER's tm module names: fr_timer (B and F), fr_inv_timer (C), wt_timer
  /// (how long an ended transaction is remembered: D, J, L, M), retr_timer1p1 (T1; 1p2 and 1p3
  /// follow from it and are accepted without effect), retr_timer2 (T2), delete_timer (no effect:
  /// nothing is deleted late here). False for any other name.
  bool set(std::string_view name, duration value) noexcept;
};

} // namespace tandem::stack
