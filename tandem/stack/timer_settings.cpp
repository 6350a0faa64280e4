// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/timer_settings.hpp>

#include <algorithm>

namespace tandem::stack {

timer_settings timer_settings::of(duration t1, duration t2, duration t4) noexcept {
  timer_settings s;
  s.t1 = t1;
  s.t2 = t2;
  s.t4 = t4;
  s.timer_b = s.timer_f = s.timer_h = s.timer_j = s.timer_l = s.timer_m = s.timer_cancelled =
      64 * t1;
  // RFC 3261 17.1.1.2: at least 32 s over an unreliable transport.
  s.timer_d = std::max<duration>(seconds{32}, 64 * t1);
  s.trying_other = 7 * t1;
  return s;
}

bool timer_settings::set(std::string_view name, duration value) noexcept {
  if (name == "fr_timer") {
    timer_b = timer_f = value;
  } else if (name == "fr_inv_timer") {
    timer_c = value;
  } else if (name == "wt_timer") {
    timer_d = timer_j = timer_l = timer_m = value;
  } else if (name == "retr_timer1p1") {
    t1 = value;
    trying_other = 7 * t1;
  } else if (name == "retr_timer2") {
    t2 = value;
  } else {
    return name == "retr_timer1p2" || name == "retr_timer1p3" || name == "delete_timer";
  }
  return true;
}

} // namespace tandem::stack
