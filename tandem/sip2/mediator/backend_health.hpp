// SPDX-License-Identifier: Apache-2.0
// What is believed of one library system: a circuit breaker as a machine without I/O. Outcomes and
// time in, the moment of the next probe out. One thread.
//
// A system that cannot be reached counts as down after some failures in a row. Failures that a
// single request may be the cause of (an oversized or broken answer for one patron's card, a time
// limit, a gateway's 502) prove nothing about other requests: after as many of those the system is
// asked by a probe, and the probe decides.
#pragma once

#include <tandem/base/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

struct health_options {
  unsigned failures_to_open = 3;          ///< in a row
  duration probe_interval = seconds{2};   ///< while it is down
  duration health_interval = seconds{10}; ///< while it is up
  bool is_watched = false;                ///< probed while it is up as well: it has a path for that
};

class backend_health {
 public:
  enum class change : std::uint8_t { none, went_down, came_up };

  backend_health(const health_options& options, instant now);

  /// A request was answered, if only by a refusal.
  change on_success(instant now);
  /// The system could not be reached: nothing was sent.
  change on_unreachable(std::string_view why, instant now);
  /// A request failed, and perhaps no other one would have.
  void on_doubt(std::string_view why, instant now);
  /// The probe that next_probe() asked for has ended. \param problem empty: the system is well.
  change on_probe(std::string_view problem, instant now);
  /// It came to nothing here, and says nothing about the system.
  void forget_probe(instant now) { plan(now); }
  /// Other options, from now on; what is believed stays.
  void use(const health_options& options, instant now);

  /// When to send a probe; nothing: no probe is due, or one is on its way. A probe is begun by
  /// begin_probe() and ended by on_probe().
  [[nodiscard]] std::optional<instant> next_probe() const noexcept { return next_probe_; }
  void begin_probe() noexcept {
    next_probe_.reset();
    is_probing_ = true;
  }

  [[nodiscard]] bool is_up() const noexcept { return is_up_; }
  /// What went wrong last; empty: nothing did.
  [[nodiscard]] const std::string& last_problem() const noexcept { return last_problem_; }

 private:
  change open(instant now);
  void plan(instant now);

  health_options options_;
  bool is_up_ = true;
  // In a row, each kind for itself: a doubt says nothing about whether the system can be reached.
  unsigned unreachable_ = 0;
  unsigned doubts_ = 0;
  bool is_probing_ = false; ///< begun, and its outcome is still due
  std::string last_problem_;
  std::optional<instant> next_probe_;
};

} // namespace tandem::sip2
