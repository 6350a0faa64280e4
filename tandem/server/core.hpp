// SPDX-License-Identifier: Apache-2.0
// The routing core of one shard: takes requests that no transaction took, judges them, and runs the
// script on them; suspends and resumes runs; makes replies. One thread (its shard's).
#pragma once

#include <tandem/base/counter.hpp>
#include <tandem/base/hash.hpp>
#include <tandem/script/execution.hpp>
#include <tandem/server/by_type.hpp>
#include <tandem/server/loaded_script.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/server/run_user.hpp>
#include <tandem/server/services.hpp>
#include <tandem/server/wait.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/proxy.hpp>
#include <tandem/stack/server_location.hpp>
#include <tandem/stack/transaction_layer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::io {
class shard;
}
namespace tandem::names {
class resolver;
}
namespace tandem::process {
class spawner;
}

namespace tandem::server {

/// What the core of a shard stands on; all of it outlives the core.
struct core_surroundings {
  io::shard& shard;
  stack::outbox& out;
  stack::transaction_layer& transactions;
  services& shared;
  names::resolver& hosts;    ///< names of other hosts
  process::spawner& spawner; ///< starts the programs that scripts run
};

/// Counters of one shard; they only grow.
struct core_counters {
  counter requests; ///< that reached the script
  counter rejected; ///< refused before it (400, 483, 513 ...)
  counter stateless_replies;
  counter absorbed_acks; ///< ACKs for replies that the core made without a transaction
  counter suspensions;
};

class core final : public stack::request_user, public stack::server_user {
 public:
  core(const core_surroundings& on, std::shared_ptr<const loaded_script> script);
  ~core();
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  // --- for the server

  /// From the next request on this script is run.
  void load(std::shared_ptr<const loaded_script> script);
  /// Names in conditions have these addresses from now on.
  void set_hosts(std::shared_ptr<const host_addresses> found) noexcept {
    hosts_ = std::move(found);
  }
  /// From now on new calls and registrations are refused with 503; what goes on goes on.
  void drain() noexcept { is_draining_ = true; }
  /// A request waits for its final response, or a script for what it has started. O(transactions).
  [[nodiscard]] bool has_unanswered();

  // --- for modules

  [[nodiscard]] const core_surroundings& on() const noexcept { return on_; }
  [[nodiscard]] stack::transaction_layer& transactions() const noexcept { return on_.transactions; }
  [[nodiscard]] stack::proxy& proxy() noexcept { return proxy_; }
  [[nodiscard]] stack::outbox& out() const noexcept { return on_.out; }
  [[nodiscard]] services& shared() const noexcept { return on_.shared; }
  [[nodiscard]] const own_names& names() const noexcept { return script_->names(); }
  [[nodiscard]] const std::shared_ptr<const loaded_script>& script() const noexcept {
    return script_;
  }
  /// How servers are searched for requests and responses that leave from here.
  [[nodiscard]] stack::location_terms location_terms() const;
  /// The address is one of that name, which a condition of the script compares with.
  [[nodiscard]] bool is_host(const loaded_script& of, std::string_view name,
                             const ip_address& address) const;

  /// What a module keeps for this shard, made with `State(core&)` when it is asked for first. It
  /// outlives scripts and dies with the core.
  template <typename State>
  [[nodiscard]] State& state() {
    return states_.get<State>(*this);
  }

  /// A context for a failure_route or onreply_route. Fill in what it shall have besides the
  /// message, then start() it.
  /// \param version the script that the transaction began with
  [[nodiscard]] message_context& prepare(std::shared_ptr<const loaded_script> version,
                                         script::block_kind kind, sip::message&& message,
                                         const stack::arrival& from);
  /// Lets a context from prepare() go that shall not run after all, or whose run ended at once.
  void discard(message_context& prepared);
  /// Runs a block of its script on a context from prepare(). When the run ends at once the context
  /// is the caller's to read and to discard().
  /// \param user hears of the end of a run that was suspended; outlives the run
  [[nodiscard]] run_state start(message_context& prepared, script::block_id block, run_user& user);

  /// A function of the message's script waits: it makes this token, gives it to whoever will have
  /// the answer, and returns outcome::suspended(). See wait.hpp.
  /// \param then what the answer means: what the function returns. It may wait in its turn.
  template <typename T>
  [[nodiscard]] pending<T> wait(message_context& m, typename pending<T>::decision then) {
    return {answers_, m.self(), next_wait(m.self()), std::move(then)};
  }
  /// For tokens: what a run waits for is there; null: nothing will come, which means "no".
  void answer(run_handle run, std::uint32_t number, std::shared_ptr<awaited> brought);

  /// Begins the reply to a request: what every reply has, with our To-tag for this request. The
  /// lines of module and script are added to it.
  [[nodiscard]] sip::response_writer begin_reply(const sip::message& request, int status,
                                                 std::string_view reason = {}) const;
  /// The same to the request as it arrived, whatever the script has edited, with the lines that the
  /// script wants in every reply (append_to_reply).
  [[nodiscard]] sip::response_writer begin_reply(const message_context& message, int status,
                                                 std::string_view reason = {}) const;

  /// RFC 3261 21.5.4: tells a client that is refused for now when to come again, as the parameter
  /// overload_retry_after has it.
  void add_retry_after(sip::response_writer& made) const;

  /// Ends a reply with Server and Warning where the script wants them, and sends it without a
  /// transaction. Nothing is sent for an ACK.
  /// \return false when the request could not be answered (no usable Via).
  bool reply(const sip::message& request, const stack::arrival& from, sip::response_writer&& made);

  /// The same within the transaction of the message, where it has one.
  bool answer(message_context& message, sip::response_writer&& made);
  /// An answer that has no more than every one has, and what the script wants in each.
  bool answer(message_context& message, int status, std::string_view reason = {}) {
    return answer(message, begin_reply(message, status, reason));
  }

  [[nodiscard]] const core_counters& counters() const noexcept { return counters_; }

  // --- stack::request_user, stack::server_user

  void on_request(sip::message& request, const stack::arrival& from) override;
  void on_cancel(stack::server_handle invite, sip::message& cancel,
                 const stack::arrival& from) override;
  void on_stray_response(sip::message& response, const stack::arrival& from) override;
  bool on_unreachable(stack::server_handle server, std::string_view via,
                      const stack::target& tried) override;
  void on_failure(stack::server_handle server, stack::user_tag tag,
                  stack::server_failure reason) override;
  void on_silence(stack::server_handle server, stack::user_tag tag) override;

 private:
  [[nodiscard]] bool is_ack_to_own_reply(const sip::message& request) const;
  [[nodiscard]] bool refuse(const sip::message& request, const stack::arrival& from,
                            sip::read_values& read);
  void refuse_for_now(const sip::message& request, const stack::arrival& from,
                      std::string_view reason);
  void refuse_for_memory(script_run& r);
  [[nodiscard]] stack::wire_message finish_reply(const sip::message& request,
                                                 const stack::arrival& from,
                                                 sip::response_writer& made) const;
  script_run& take();
  [[nodiscard]] script_run* find(run_handle which) noexcept;
  void drop_unanswered(stack::context_handle transaction);
  [[nodiscard]] std::uint32_t next_wait(run_handle run) noexcept;
  void go_on(script_run& r, script::outcome value);
  template <typename Step>
  void proceed(script_run& r, Step&& step);
  void take_early_answers(script_run& r);
  void hold(script_run& r);
  void finish(script_run& r);

  core_surroundings on_;
  std::shared_ptr<const loaded_script> script_;
  stack::proxy proxy_;
  std::shared_ptr<const host_addresses> hosts_; ///< null: as the scripts know them
  bool is_draining_ = false;
  core_counters counters_;
  std::shared_ptr<answer_inbox> answers_;
  std::vector<std::unique_ptr<script_run>> runs_;
  std::vector<std::uint32_t> free_;
  states<core> states_;
};

} // namespace tandem::server
