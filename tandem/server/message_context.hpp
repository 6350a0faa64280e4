// SPDX-License-Identifier: Apache-2.0
// What a script runs on: a message and its surroundings. Script functions get it by
// call.as<message_context>(). Reused from message to message by its core, and then without
// allocation. One thread (its shard's).
#pragma once

#include <tandem/script/context.hpp>
#include <tandem/script/registry.hpp>
#include <tandem/server/by_type.hpp>
#include <tandem/server/destination_set.hpp>
#include <tandem/server/loaded_script.hpp>
#include <tandem/server/routing_error.hpp>
#include <tandem/sip/header_lines.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/uri.hpp>
#include <tandem/sip/validate.hpp>
#include <tandem/stack/forwarding.hpp>
#include <tandem/stack/response_context.hpp>
#include <tandem/stack/target.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::server {

class core;

/// Names a run of the script. A stale one finds nothing.
using run_handle = handle<class script_run>;

class message_context final : public script::context {
 public:
  explicit message_context(server::core& owner) noexcept : core_{owner} {}

  // --- for modules

  [[nodiscard]] server::core& core() const noexcept { return core_; }
  [[nodiscard]] const loaded_script& script() const noexcept { return *script_; }
  [[nodiscard]] const std::shared_ptr<const loaded_script>& script_version() const noexcept {
    return script_;
  }
  /// Settings of the module whose function asks.
  template <typename Module>
  [[nodiscard]] const Module& settings_of() const {
    return script_->settings_of<Module>();
  }
  /// What a module keeps for this run: made when it is asked for first, kept from run to run for
  /// its memory, and emptied by its `clear()` at the end of each.
  template <typename State>
  [[nodiscard]] State& state() {
    held_state* found = states_.find(typeid(State));
    if (!found) found = &states_.add(typeid(State), std::make_unique<holder<State>>());
    return static_cast<holder<State>*>(found)->value;
  }
  /// The same for reading; null when nobody has asked for it yet.
  template <typename State>
  [[nodiscard]] const State* find_state() const noexcept {
    const held_state* const found = states_.find(typeid(State));
    return found ? &static_cast<const holder<State>*>(found)->value : nullptr;
  }

  /// Names the run, for the core.
  [[nodiscard]] run_handle self() const noexcept { return self_; }
  /// In which kind of block the script runs.
  [[nodiscard]] script::block_kind block() const noexcept { return block_; }

  /// The request, or in an onreply_route the reply. In a failure_route it is the request again,
  /// with the Request-URI as it was when it was relayed.
  [[nodiscard]] sip::message& message() noexcept { return message_; }
  [[nodiscard]] const sip::message& message() const noexcept { return message_; }
  [[nodiscard]] const stack::arrival& from() const noexcept { return from_; }
  /// The message as it came, whatever the script has edited since; in a failure_route the request.
  /// Its Via says where it came from (RFC 3261 18.2.1). For all that must match or repeat what the
  /// sender has written: replies (8.2.6.2), To-tags, the keys of transactions (17.2.3).
  [[nodiscard]] const sip::message& arrived() const noexcept { return arrived_; }
  /// Its bytes. Folded header lines are unfolded. Lives until the run ends.
  [[nodiscard]] std::string_view received() const noexcept { return arrived_.received_bytes(); }
  /// The Request-URI as it was received. Lives until the run ends.
  [[nodiscard]] std::string_view original_uri() const noexcept { return arrived_.request_uri(); }

  /// Where the request goes besides its Request-URI.
  [[nodiscard]] destination_set& branches() noexcept { return branches_; }
  [[nodiscard]] const destination_set& branches() const noexcept { return branches_; }
  /// How the Request-URI itself is reached.
  [[nodiscard]] reachability& reach() noexcept { return reach_; }
  [[nodiscard]] const reachability& reach() const noexcept { return reach_; }

  /// The Request-URI, parsed; nothing when it is no URI. Lives until the message is edited.
  [[nodiscard]] std::optional<sip::uri> parsed_uri() const;
  /// Sets the Request-URI; false, with error() bad_uri, when the text is no URI.
  bool rewrite_uri(std::string_view uri);
  /// The script has changed the Request-URI.
  [[nodiscard]] bool is_uri_rewritten() const noexcept {
    return message_.request_uri() != original_uri();
  }

  /// The transaction of the request, as the proxy keeps it; the empty handle when none was made.
  [[nodiscard]] stack::context_handle transaction() const noexcept { return transaction_; }
  void set_transaction(stack::context_handle made) noexcept { transaction_ = made; }

  /// The script has answered the request or sent it on, with or without a transaction.
  [[nodiscard]] bool is_served() const noexcept { return is_served_; }
  void note_served() noexcept { is_served_ = true; }

  /// The bytes of the request, which bound what may go to addresses that it names
  /// (stack/reflection.hpp). Whoever takes them first, its transaction or the contacts that it
  /// registers, leaves none.
  [[nodiscard]] std::size_t take_credit() noexcept { return std::exchange(credit_, 0); }

  /// stack::routing_hash of the request as it came, for loop detection; made when asked for.
  [[nodiscard]] const stack::routing_id& routing() const;
  void set_routing(const stack::routing_id& id) noexcept { routing_ = id; }

  /// Whether the script has taken one from Max-Forwards; else forwarding does.
  [[nodiscard]] stack::hop_count hops() const noexcept { return hops_; }
  void set_hops(stack::hop_count counted) noexcept { hops_ = counted; }

  /// All 32 flags at once: what a transaction keeps of them.
  [[nodiscard]] std::uint32_t flags() const noexcept { return flags_; }
  void set_flags(std::uint32_t all) noexcept { flags_ = all; }

  /// What failed last; answered by sl_reply_error().
  [[nodiscard]] routing_error error() const noexcept { return error_; }
  void set_error(routing_error what) noexcept { error_ = what; }

  /// Header lines that every reply made here gets (append_to_reply).
  [[nodiscard]] sip::header_lines& reply_headers() noexcept { return reply_headers_; }
  [[nodiscard]] const sip::header_lines& reply_headers() const noexcept { return reply_headers_; }

  /// force_rport: writes received and rport into the top Via, so that the answer goes to the
  /// address and port the request came from, as if the sender had asked for it (RFC 3581 4).
  /// False when there is no Via, or no room.
  bool force_rport();

  // --- script::context

  [[nodiscard]] std::string_view method() const override;
  [[nodiscard]] std::string_view uri() const override;
  [[nodiscard]] std::string_view status() const override;
  [[nodiscard]] ip_address source_ip() const override { return from_.source.ip; }
  [[nodiscard]] ip_address destination_ip() const override { return from_.local.ip; }
  [[nodiscard]] std::uint16_t source_port() const override { return from_.source.port; }
  [[nodiscard]] std::uint16_t destination_port() const override { return from_.local.port; }
  [[nodiscard]] script::protocol transport() const override;
  [[nodiscard]] bool is_myself(script::subject what) const override;
  [[nodiscard]] bool is_host(std::string_view name, const ip_address& address) const override;
  [[nodiscard]] std::size_t message_length() const override { return received().size(); }
  [[nodiscard]] bool flag(unsigned number) const override { return (flags_ >> number & 1U) != 0; }
  void set_flag(unsigned number, bool value) override;

  // --- for the core

  /// Takes a message in, in place of what was there.
  void begin(run_handle self, std::shared_ptr<const loaded_script> version,
             script::block_kind block, sip::message&& message, const stack::arrival& from);
  /// What was read of the message before it came here: it is not parsed once more.
  void take_read(const sip::read_values& read) noexcept;
  /// Lets everything go but the memory.
  void end() noexcept;
  /// For a message that was not made of the bytes that came.
  void set_arrived(sip::message&& request) {
    arrived_ = std::move(request);
    original_parsed_.reset();
  }

 private:
  struct held_state {
    virtual ~held_state() = default;
    virtual void clear() noexcept = 0;
  };
  template <typename State>
  struct holder final : held_state {
    void clear() noexcept override { value.clear(); }
    State value;
  };

  server::core& core_;
  std::shared_ptr<const loaded_script> script_;
  run_handle self_;
  script::block_kind block_ = script::block_kind::request;
  routing_error error_ = routing_error::none;
  std::uint32_t flags_ = 0;
  sip::message message_;
  sip::message arrived_;
  stack::arrival from_;
  stack::context_handle transaction_;
  mutable std::optional<stack::routing_id> routing_;
  stack::hop_count hops_ = stack::hop_count::here;
  bool is_served_ = false;
  std::size_t credit_ = 0;
  destination_set branches_;
  reachability reach_;
  mutable std::optional<sip::uri> original_parsed_; ///< views arrived_, and ends where that changes
  sip::header_lines reply_headers_;
  mutable std::array<char, 4> status_text_{};
  by_type<held_state> states_;
};

} // namespace tandem::server
