// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/timer_wheel.hpp>

#include <tandem/base/log.hpp>

#include <algorithm>
#include <bit>
#include <exception>
#include <new>

namespace tandem {

namespace {

std::uint64_t ticks_since_epoch(instant when) noexcept {
  const auto count = when.time_since_epoch() / timer_wheel::tick;
  return count < 0 ? 0 : static_cast<std::uint64_t>(count);
}

instant moment_of(std::uint64_t tick) noexcept {
  return instant{timer_wheel::tick * static_cast<std::int64_t>(tick)};
}

} // namespace

instant timer::due() const noexcept { return moment_of(tick_); }

timer_wheel::timer_wheel(instant start) noexcept : current_{ticks_since_epoch(start)} {}

void timer_wheel::arm(timer& t, instant when) noexcept {
  constexpr std::uint64_t century = std::uint64_t{315'576'000'000};
  const std::uint64_t wanted = ticks_since_epoch(when + tick - duration{1});
  t.tick_ = std::clamp(wanted, current_ + 1, current_ + century);
  place(t);
}

void timer_wheel::place(timer& t) noexcept {
  // The level is that of the highest digit in which the tick differs from the present, so that the
  // slot is opened exactly when the present reaches that digit.
  unsigned at = 0;
  for (std::uint64_t differing = (t.tick_ ^ current_) >> slot_bits;
       differing != 0 && at < levels - 1; differing >>= slot_bits)
    ++at;
  const auto digit = static_cast<unsigned>(t.tick_ >> (at * slot_bits)) & (slots - 1);
  levels_[at].lists[digit].push_back(t);
  levels_[at].occupied[digit / 64] |= std::uint64_t{1} << (digit % 64);
}

void timer_wheel::open_slots() noexcept {
  // From the top, since what a slot holds may belong into a slot below that opens at the same tick.
  for (unsigned at = levels - 1; at > 0; --at) {
    const unsigned shift = at * slot_bits;
    if ((current_ & ((std::uint64_t{1} << shift) - 1)) != 0) continue;
    intrusive_list<timer, timer> opened;
    opened.splice_back(levels_[at].lists[(current_ >> shift) & (slots - 1)]);
    while (timer* t = opened.pop_front()) place(*t);
  }
}

void timer_wheel::advance(instant now) {
  const std::uint64_t target = ticks_since_epoch(now);
  if (target <= current_) return; // what is left lies after the present tick
  while (const auto next = next_tick()) {
    if (*next > target) break;
    current_ = *next;
    open_slots();
    intrusive_list<timer, timer> due;
    due.splice_back(levels_[0].lists[current_ & (slots - 1)]);
    while (timer* t = due.pop_front()) {
      try {
        t->on_timer(now);
      } catch (const std::exception& error) {
        ++lost_;
        if (!dynamic_cast<const std::bad_alloc*>(&error))
          log_error("a fault of this program: {}; a timer is lost", error.what());
        // The others of this tick are not lost with it. Whoever needs its timer whatever happens
        // allocates nothing there, or arms it first.
      }
    }
  }
  // Nothing opens before the target, so no timer changes its level by this step.
  current_ = std::max(current_, target);
}

std::optional<std::uint64_t> timer_wheel::next_tick() noexcept {
  for (unsigned at = 0; at < levels; ++at) {
    const unsigned shift = at * slot_bits;
    const std::uint64_t base = current_ >> shift >> slot_bits << slot_bits;
    // What stands on this level differs from the present in this digit, hence lies after it.
    for (unsigned digit = static_cast<unsigned>(current_ >> shift & (slots - 1)) + 1;
         digit < slots;) {
      std::uint64_t& word = levels_[at].occupied[digit / 64];
      const std::uint64_t rest = word >> (digit % 64);
      if (rest == 0) {
        digit = (digit / 64 + 1) * 64;
        continue;
      }
      digit += static_cast<unsigned>(std::countr_zero(rest));
      if (!levels_[at].lists[digit].empty()) return (base | digit) << shift;
      word &= ~(std::uint64_t{1} << (digit % 64));
      ++digit;
    }
  }
  return std::nullopt;
}

std::optional<instant> timer_wheel::next_due() noexcept {
  const auto next = next_tick();
  if (!next) return std::nullopt;
  return moment_of(*next);
}

} // namespace tandem
