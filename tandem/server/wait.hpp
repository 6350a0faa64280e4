// SPDX-License-Identifier: Apache-2.0
// The one way in which a script function waits for something: core::wait() gives a token, whoever
// has the answer calls it, and the script goes on where it stood.
//
//   auto answer = m.core().wait<lookup_result>(
//       m, [](message_context& then, lookup_result&& r) { return outcome::of(r.is_found); });
//   database.look_up(name, answer);   // calls it once: answer(result)
//   return outcome::suspended();
#pragma once

#include <tandem/script/registry.hpp>
#include <tandem/server/message_context.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace tandem::io {
class shard;
}

namespace tandem::server {

class core;

/// Where answers for the runs of one core arrive. Outlives the core, which takes its pointer away.
struct answer_inbox {
  io::shard& shard;             ///< outlives every token
  server::core* core = nullptr; ///< used on the shard's thread only
};

/// What a run waits for: shared by the copies of a token. The last one to go says "no".
class awaited {
 public:
  awaited(std::shared_ptr<const answer_inbox> where, run_handle run, std::uint32_t number);
  awaited(const awaited&) = delete;
  awaited& operator=(const awaited&) = delete;
  virtual ~awaited();

  /// What the answer means to the script. On the shard, once.
  virtual script::outcome decide(message_context& m) = 0;

 protected:
  /// True for the first answer only.
  [[nodiscard]] bool claim() noexcept { return !is_answered_.exchange(true); }
  /// Hands itself to the core: at once on the shard's thread, else by post.
  static void deliver(std::shared_ptr<awaited> answered);

 private:
  struct arrival;

  std::unique_ptr<arrival> arrival_; ///< until it is on its way
  std::atomic<bool> is_answered_ = false;
};

/// A token for the answer of type T. Copies are one token: the first answer counts, later ones have
/// no effect. When the last copy is destroyed without an answer, the function that waits returns
/// "no". Any thread; the answer is looked at on the shard of the message, never from inside the
/// function that waits. An answer for a run that is gone has no effect.
template <typename T>
class pending {
 public:
  using decision = std::function<script::outcome(message_context&, T&&)>;

  pending(std::shared_ptr<const answer_inbox> where, run_handle run, std::uint32_t number,
          decision then)
      : state_{std::make_shared<state>(std::move(where), run, number, std::move(then))} {}

  void operator()(T answer) const {
    if (state_->take(std::move(answer))) state::hand_over(state_);
  }

 private:
  struct state final : awaited {
    state(std::shared_ptr<const answer_inbox> where, run_handle run, std::uint32_t number,
          decision then)
        : awaited{std::move(where), run, number}, then_{std::move(then)} {}

    bool take(T&& answer) {
      if (!claim()) return false;
      answer_.emplace(std::move(answer));
      return true;
    }
    script::outcome decide(message_context& m) override { return then_(m, std::move(*answer_)); }
    static void hand_over(std::shared_ptr<state> answered) { deliver(std::move(answered)); }

    decision then_;
    std::optional<T> answer_;
  };

  std::shared_ptr<state> state_;
};

} // namespace tandem::server
