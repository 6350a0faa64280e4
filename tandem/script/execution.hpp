// SPDX-License-Identifier: Apache-2.0
// One run of a block of a program. An explicit machine, so that a function can suspend it at any
// depth and resume() goes on right there; reusable, and then without allocation. One thread (its
// shard's); program and context must outlive the run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/script/argument.hpp>
#include <tandem/script/program.hpp>

namespace tandem::script {

/// Sees what a run does: for dry runs, traces and tests. Called synchronously.
class observer {
 public:
  virtual ~observer() = default;
  virtual void entered(const block_info&) {}
  virtual void called(const function_info&, span, const outcome&) {}
  virtual void resumed(const function_info&, span, int /*value*/) {}
  virtual void compared(span, bool /*result*/) {}
};

struct instruction;

class execution {
 public:
  /// Routes may call routes so deep; the call beyond it is an error and counts as -1.
  static constexpr std::size_t max_depth = 100;
  /// A run calls so many routes at most, then it ends with -1: nesting could call 2^100 otherwise.
  static constexpr std::uint32_t max_route_calls = 10'000;

  enum class state : std::uint8_t { idle, running, suspended, finished };

  /// Runs a block from its beginning, until it ends or a function suspends it. What a function
  /// throws (std::bad_alloc) ends the run and is passed on; the same holds for resume().
  /// @param what    must outlive the run
  /// @param block   of that program; its kind says which functions may be called
  /// @param message must outlive the run
  /// @param watch   may be null; must outlive the run
  state start(const program& what, block_id block, context& message, observer* watch = nullptr);

  /// Goes on where the run was suspended, with the value of the function that did it. Without
  /// effect unless suspended.
  state resume(int value);

  /// Ends a suspended run without going on; its functions are not called again.
  void abandon() noexcept;

  [[nodiscard]] state now() const noexcept { return state_; }
  [[nodiscard]] bool is_suspended() const noexcept { return state_ == state::suspended; }
  /// Of a finished run: the value of its last statement, 0 when it left by break, drop or exit.
  [[nodiscard]] int value() const noexcept { return last_; }
  /// The function that suspended the run, and where; null unless suspended.
  [[nodiscard]] const function_info* waiting_for() const noexcept;
  [[nodiscard]] span where() const noexcept;

 private:
  state go_on();
  state run();
  void settle(int value);
  void leave(int value);
  bool enter(std::uint32_t block);
  void finish() noexcept;
  outcome call_function(std::uint32_t site);
  void fill_in(std::span<const argument> arguments);
  void append_text(const argument& from);
  void append_variable(const variable_use& use);
  [[nodiscard]] std::string_view text_of(const instruction& of);
  [[nodiscard]] bool evaluate(const instruction& what);

  const program* program_ = nullptr; ///< null when idle or ended
  context* context_ = nullptr;
  observer* observer_ = nullptr;
  std::array<std::uint32_t, max_depth> frames_; ///< the route() instructions to go back to
  std::uint32_t depth_ = 0;
  std::uint32_t pc_ = 0;
  std::uint32_t route_calls_ = 0;
  int last_ = 1;
  bool complained_ = false;
  state state_ = state::idle;
  block_kind kind_ = block_kind::request;
  std::string scratch_;
  std::vector<std::string_view> texts_;
  std::vector<std::size_t> ends_;
};

} // namespace tandem::script
