// SPDX-License-Identifier: Apache-2.0
// State machines as tables: rows {state, event, actions, next, RFC section} expanded at compile
// time. A double row does not compile; a missing pair is "impossible". Values, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace tandem::stack {

/// A set of actions; the order in which they are done is that of their numbers.
template <typename Action>
class action_set {
 public:
  constexpr action_set() noexcept = default;
  constexpr action_set(Action one) noexcept // NOLINT(google-explicit-constructor): a set of one
      : bits_{std::uint32_t{1} << static_cast<unsigned>(one)} {}

  [[nodiscard]] constexpr bool has(Action one) const noexcept {
    return (bits_ >> static_cast<unsigned>(one) & 1U) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }

  friend constexpr action_set operator|(action_set a, action_set b) noexcept {
    a.bits_ |= b.bits_;
    return a;
  }
  friend constexpr bool operator==(action_set, action_set) noexcept = default;

 private:
  std::uint32_t bits_ = 0;
};

/// One row of a machine.
template <typename State, typename Event, typename Action>
struct transition {
  State state;
  Event event;
  action_set<Action> actions;
  State next;
  std::string_view source; ///< the RFC section that orders it
};

/// A machine: every pair of state and event names its row or is impossible. State and Event are
/// enumerations from 0 whose last enumerator is `count_`.
template <typename State, typename Event, typename Action>
class transition_table {
 public:
  using row = transition<State, Event, Action>;
  static constexpr std::size_t state_count = static_cast<std::size_t>(State::count_);
  static constexpr std::size_t event_count = static_cast<std::size_t>(Event::count_);
  static constexpr std::size_t most_rows = 64;

  consteval transition_table(std::initializer_list<row> rows) {
    for (const row& r : rows) {
      std::uint8_t& cell = cells_[index(r.state)][index(r.event)];
      if (cell != 0) throw "a pair of state and event has two rows";
      if (r.source.empty()) throw "a row names no RFC section";
      rows_[size_++] = r;
      cell = size_;
    }
  }

  /// The row of the pair, null when the pair is impossible.
  [[nodiscard]] constexpr const row* find(State state, Event event) const noexcept {
    const std::uint8_t cell = cells_[index(state)][index(event)];
    return cell == 0 ? nullptr : &rows_[cell - 1U];
  }

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr const row& operator[](std::size_t i) const noexcept { return rows_[i]; }

 private:
  template <typename Enum>
  static constexpr std::size_t index(Enum e) noexcept {
    return static_cast<std::size_t>(e);
  }

  std::array<row, most_rows> rows_{};
  std::array<std::array<std::uint8_t, event_count>, state_count> cells_{};
  std::uint8_t size_ = 0;
};

} // namespace tandem::stack
