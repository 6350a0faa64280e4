// SPDX-License-Identifier: Apache-2.0
// What suspended programs hold up: the later requests of their Call-IDs, in the order of their
// arrival. It knows no transactions. Internal to transaction_layer. One thread.
#pragma once

#include <tandem/sip/message.hpp>
#include <tandem/stack/kept_bytes.hpp>
#include <tandem/stack/target.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>

namespace tandem::stack {

/// A request that is kept for later, in bytes of its own size.
struct held_request {
  /// Throws std::bad_alloc; the request is whole then.
  held_request(sip::message& request, const arrival& from);

  sip::message request;
  arrival from; ///< with its keys
  kept_charge charge;
};

/// Hangs on the server transaction whose program is suspended.
struct suspension {
  std::uint64_t call = 0;
  std::optional<held_request> cancel; ///< of its INVITE; copies are absorbed
  bool is_forgotten = false;          ///< once ended: it has left no transaction
  kept_charge charge;                 ///< for the request that its program has
};

/// What became of a request of a call.
enum class hold_verdict : std::uint8_t {
  free,         ///< nothing holds the call: it goes on
  waits,        ///< it was moved away and waits
  copy,         ///< one like it waits already
  too_many,     ///< so many wait that it is to be refused
  out_of_bytes, ///< what is kept for its source or in all has no room for it: the same
};

class held_calls {
 public:
  /// \param most requests that wait for one call
  explicit held_calls(std::size_t most) noexcept : most_{most} {}

  /// A program of this call is suspended. Throws std::bad_alloc; nothing has changed then.
  void hold(std::uint64_t call);
  /// One has ended.
  void let_go(std::uint64_t call) noexcept;

  [[nodiscard]] bool is_empty() const noexcept { return calls_.empty(); }
  /// \param from with its keys
  /// \param kept outlives this
  [[nodiscard]] hold_verdict wait(std::uint64_t call, sip::message& request, const arrival& from,
                                  kept_bytes& kept);

  /// Takes the oldest request of a call that no program holds any more. None: the call is
  /// forgotten, or held again.
  [[nodiscard]] std::optional<held_request> next(std::uint64_t call);

 private:
  struct held_call {
    std::size_t programs = 0; ///< that are suspended
    std::deque<held_request> requests;
  };

  std::size_t most_;
  std::unordered_map<std::uint64_t, std::unique_ptr<held_call>> calls_;
};

} // namespace tandem::stack
