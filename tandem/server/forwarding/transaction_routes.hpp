// SPDX-License-Identifier: Apache-2.0
// The transactions that scripts have made, on one shard: which blocks each has armed, and the
// failure_route and onreply_route runs when the proxy has something to show. One thread.
#pragma once

#include <tandem/base/slot_map.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/forwarding/recorded_route.hpp>
#include <tandem/server/run_user.hpp>
#include <tandem/stack/proxy.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace tandem::server {

/// What a run has of its transaction: message_context::state<transaction_run>().
struct transaction_run {
  std::int64_t on_failure = script::no_block; ///< armed by t_on_failure
  std::int64_t on_reply = script::no_block;   ///< armed by t_on_reply
  int failure_status = 0;                     ///< in a failure_route, what would go upstream
  stack::branch_handle reply_branch;          ///< in an onreply_route, whose response it is

  void clear() noexcept { *this = {}; }
};

class transaction_routes final : public stack::proxy_user, public run_user {
 public:
  explicit transaction_routes(core& owner) noexcept : core_{owner} {}
  transaction_routes(const transaction_routes&) = delete;
  transaction_routes& operator=(const transaction_routes&) = delete;

  /// Makes the transaction of the request, matched by what arrived. False, with the context's
  /// error, when there can be none.
  bool make_transaction(message_context& m);

  /// What the context has armed, and its flags, count for its transaction from now on. No effect
  /// without a transaction.
  void arm(message_context& m);

  /// The request as it arrived, where the script has edited what responses repeat of it (RFC 3261
  /// 8.2.6.2): those that the proxy makes answer that one. Null where they would look the same.
  [[nodiscard]] static const sip::message* answered_apart(const message_context& m);

  /// How the request of the context is relayed. Views the context.
  [[nodiscard]] stack::relay_terms terms_of(message_context& m) const;

  /// The caller hears 408 when a single ringing branch was given up and no failure_route is armed.
  void set_noisy(bool is_noisy) noexcept { is_noisy_ = is_noisy; }

  // stack::proxy_user
  stack::reply_verdict on_reply(stack::context_handle context, stack::user_tag tag,
                                stack::branch_handle branch, sip::message& response,
                                const stack::arrival& from) override;
  stack::failure_verdict on_failure(stack::context_handle context, stack::user_tag tag, int status,
                                    const sip::message* response) override;
  void on_final(stack::context_handle context, stack::user_tag tag, int status) override;
  void on_end(stack::context_handle context, stack::user_tag tag) override;

  // run_user
  void on_run_end(message_context& m) override;

 private:
  /// The request as it came, with what the server noted in its Via.
  struct origin {
    stack::arrival from;
    std::string bytes;
    stack::kept_charge charge; ///< for those
  };

  /// What a script's transaction has beside the proxy's response context.
  struct entry {
    std::shared_ptr<const loaded_script> script;
    std::int64_t on_failure = script::no_block;
    std::int64_t on_reply = script::no_block;
    std::uint32_t flags = 0;
    recorded_route recorded;            ///< for branches that a failure_route adds
    std::unique_ptr<const origin> came; ///< only where a failure_route may want it
  };
  using entry_key = handle<entry>;

  /// RFC 3261 12.2.1.2: whoever answers within a dialog says where he is from now on.
  void note_where_answerer_is(const entry& e, const sip::message& response);
  /// What a block that has ended leaves to its transaction: what it armed, its flags.
  void take_over(message_context& m);
  [[nodiscard]] entry* entry_of(stack::context_handle context) noexcept;
  /// A context for a block of the transaction.
  message_context& prepare(const entry& of, stack::context_handle context, script::block_kind kind,
                           sip::message&& message, const stack::arrival& from);

  core& core_;
  slot_map<entry> entries_;
  bool is_noisy_ = true;
};

} // namespace tandem::server
