// SPDX-License-Identifier: Apache-2.0
// The core of a stateful proxy (RFC 3261 16): forking, provisional and final responses, choice of
// the best failure, CANCEL, timer C, failover. Sans-I/O, one thread. The user (a routing script)
// says where requests go and is asked when all branches failed.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/stack/best_response.hpp>
#include <tandem/stack/branch.hpp>
#include <tandem/stack/failed_servers.hpp>
#include <tandem/stack/forwarding.hpp>
#include <tandem/stack/response_context.hpp>
#include <tandem/stack/transaction_layer.hpp>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tandem::stack {

/// What goes on after a failure was shown to the user.
enum class failure_verdict : std::uint8_t {
  decided, ///< new branches, a reply of its own, or neither: then the failure goes upstream
  later,   ///< its program is suspended: proxy::conclude says when it has decided
};

/// What goes on after a response was shown to the user.
enum class reply_verdict : std::uint8_t {
  pass,  ///< it goes on at once, as edited
  later, ///< the user has moved it away and thinks: proxy::pass brings it back
};

/// Who relays: the routing core. Called when no machine is running, and may call any; a handle is
/// valid or finds nothing.
class proxy_user {
 public:
  /// A response of a branch, 100 included, before anything is done with it (onreply_route). Edits
  /// go upstream with it; our Via is still on it.
  virtual reply_verdict on_reply(context_handle context, user_tag tag, branch_handle branch,
                                 sip::message& response, const arrival& from) = 0;

  /// Every branch has ended, and `status`, 300 or above, would go upstream now (failure_route); 408
  /// and 487 may be local. `response` is the one received, null for a local one, as it will go.
  virtual failure_verdict on_failure(context_handle context, user_tag tag, int status,
                                     const sip::message* response) = 0;

  /// A final response went upstream; 0 when none ever will (RFC 4320). The first time only.
  virtual void on_final(context_handle context, user_tag tag, int status) = 0;

  /// All is over: the handle is stale after this.
  virtual void on_end(context_handle context, user_tag tag) = 0;

 protected:
  ~proxy_user() = default;
};

struct proxy_settings {
  response_choice choice = response_choice::rfc_3261;
  bool cancels_on_6xx = true; ///< RFC 3261 16.7 step 5; SER does not
  bool asks_rport = false;    ///< puts rport into our Via (RFC 3581 3)
  unsigned max_branches = 32; ///< of one request, over its whole life
  unsigned max_breadth = 60;  ///< for a request that names none (RFC 5393 5.3.3)
};

/// How a request is relayed.
struct relay_terms {
  hop_count hops = hop_count::here;
  /// Responses of our own answer this one, the request as it arrived, where what is relayed has
  /// been edited since (RFC 3261 8.2.6.2); null: what is relayed, or what was named before.
  const sip::message* answers_to = nullptr;
  /// Timer C may forget the request without an answer when it has a single branch, which rings (SER
  /// with noisy_ctimer=0 and no failure_route).
  bool may_be_silent = false;
};

class proxy final : private client_user, private server_user {
 public:
  /// \param transactions outlives the proxy.
  proxy(transaction_layer& transactions, const proxy_settings& settings);
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  void set_settings(const proxy_settings& settings) noexcept { settings_ = settings; }
  [[nodiscard]] const proxy_settings& settings() const noexcept { return settings_; }
  /// The servers that have failed lately, which are tried last.
  [[nodiscard]] failed_servers& failed() noexcept { return failed_; }

  /// The response context and server transaction of a request other than ACK. Nothing is sent.
  /// \param routing routing_hash of the request as it came in.
  [[nodiscard]] result<context_handle, transaction_errc> create(const sip::message& request,
                                                                const arrival& from,
                                                                const routing_id& routing,
                                                                proxy_user& user, user_tag tag);

  /// Forwards in parallel; an INVITE is answered 100 first when nothing was answered yet. All ways
  /// are tried: succeeds when one of them is. Keeps `request`, its edits included, for failures.
  /// \param request without our own Via; routed already (take_own_route), not yet per branch.
  [[nodiscard]] result<unsigned, forward_errc> relay(context_handle context,
                                                     const sip::message& request,
                                                     std::span<const forward_to> ways,
                                                     const relay_terms& terms = {});

  /// Keeps the request for responses of our own and for failures, as relay does.
  /// \param answers_to see relay_terms
  void keep(context_handle context, const sip::message& request,
            const sip::message* answers_to = nullptr);

  /// The bytes of the request count for somebody else, who brings them back as forward_to::paid:
  /// none of them goes to addresses that have not answered.
  void forgo_credit(context_handle context) noexcept;

  /// The request as it was kept, parsed anew; no message when it was not.
  [[nodiscard]] sip::message request_of(context_handle context);

  /// Sends a response of our own (t_reply). A final one cancels what is pending.
  /// False when the state takes none: nothing was sent.
  bool respond(context_handle context, int status, const wire_message& response);

  /// The same with a response that is made of the request which was kept.
  bool reply(context_handle context, int status, std::string_view reason);

  /// The CANCEL of an INVITE (request_user::on_cancel): answers it 200 and cancels the pending
  /// branches. False when the INVITE has no context here: nothing was done.
  bool cancel(server_handle invite, const sip::message& cancel, const arrival& from);

  /// Cancels all pending branches (RFC 3261 16.10). \param reasons values of Reason headers.
  void cancel_branches(context_handle context, std::span<const std::string_view> reasons = {});

  /// After reply_verdict::later: the response goes on, and then those of its branch that came
  /// meanwhile, in their order. The context does not end before. No effect when nothing is held.
  void pass(branch_handle branch, sip::message&& response);

  /// After failure_verdict::later: the user has decided.
  void conclude(context_handle context);

  /// Forgets the request without an answer (SER t_release without a reply): its copies are
  /// absorbed.
  void drop(context_handle context);

  /// Forwards outside of any transaction (RFC 3261 16.11; ACK for a 2xx).
  /// \param from where it came from: the response leaves by the same socket or connection
  [[nodiscard]] result<void, forward_errc>
  forward_stateless(const sip::message& request, const arrival& from, const forward_to& way,
                    const routing_id& routing, hop_count hops = hop_count::here);

  /// A response without a client transaction (request_user::on_stray_response): forwarded when it
  /// answers what forward_stateless sent, by the way that the request came (RFC 3261 18.2.2). False
  /// when it was dropped.
  bool forward_stray(sip::message& response);

  /// Sends a copy in a transaction of its own, whose responses go nowhere (t_replicate).
  /// \param routing of the request as it came: a replica that returns is seen as a loop
  [[nodiscard]] result<void, forward_errc> replicate(const sip::message& request,
                                                     const forward_to& way,
                                                     const routing_id& routing,
                                                     hop_count hops = hop_count::here);

  /// The context, null when it is over. Not to be kept.
  [[nodiscard]] const response_context* find(context_handle context) noexcept;
  /// The context of a server transaction that create() made.
  [[nodiscard]] context_handle context_of(server_handle server) noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return contexts_.size(); }
  /// A request still waits for its final response. O(size()).
  [[nodiscard]] bool has_unanswered();

  // For the effects of this proxy.

  /// Shows a response to the user, or has it wait behind one of its branch that the user holds.
  void show(branch_handle branch, sip::message& response, const arrival& from);
  /// Asks the user what to do now that every branch has failed.
  void show_failure(context_handle context);

 private:
  void on_response(client_handle client, user_tag tag, sip::message& response,
                   const arrival& from) override;
  void on_failure(client_handle client, user_tag tag, client_failure reason) override;
  void on_timer_c(client_handle client, user_tag tag) override;
  void on_failure(server_handle server, user_tag tag, server_failure reason) override;
  void on_silence(server_handle server, user_tag tag) override;

  [[nodiscard]] sip::message answered_request(context_handle context);
  result<void, forward_errc> add_branch(context_handle context, const sip::message& request,
                                        const forward_to& way, unsigned share,
                                        std::size_t ways_left);
  /// A client transaction, with what it has sent.
  struct sent_copy {
    client_handle client;
    leaving_request request;
  };
  [[nodiscard]] leaving_marks marks_of(const branch_text& branch,
                                       const recorded_entry* recorded) const;
  [[nodiscard]] branch_text new_branch(const routing_id& routing, unsigned index) const;
  /// Of the bytes that may go to who has not answered, a copy gets the share of one of `ways`.
  struct reflection_share {
    reflection_budget& of;
    std::size_t ways;
    named_by named;
    context_handle context{};   ///< none for a replica
    std::uint32_t reserved = 0; ///< bytes that were set aside for it before
  };
  [[nodiscard]] std::uint32_t allow(const reflection_share& share, const target& to,
                                    std::size_t copy);
  /// No branch of the context has gone to the network of that address.
  [[nodiscard]] bool is_first_there(context_handle context, const ip_address& ip);
  /// Takes a copy out of what may be lent to the source of a context that is there.
  [[nodiscard]] bool lend(context_handle context, const ip_address& to, std::size_t copy);
  result<sent_copy, forward_errc> send(sip::message& copy, const target& to,
                                       const leaving_marks& marks, user_tag tag,
                                       const reflection_share& share);
  void note_answer(client_handle client, response_context* of);
  [[nodiscard]] bool is_unproven(const target& to, named_by named) const noexcept;
  result<unsigned, forward_errc> relay_all(context_handle context, const sip::message& request,
                                           std::span<const forward_to> ways, hop_count hops,
                                           unsigned share);
  static std::unique_ptr<branch_detour> detour_of(std::span<const target> targets,
                                                  const recorded_entry* recorded,
                                                  leaving_request&& sent, kept_source* account);
  /// Those of a way that there is a listener for, in the order to try them: who has failed a moment
  /// ago comes last.
  /// \param sorted keeps them where that is another order than theirs
  [[nodiscard]] std::span<const target> in_trying_order(std::span<const target> targets,
                                                        std::vector<target>& sorted);
  /// The server of a branch did not serve it (RFC 3263 4.3).
  void note_failed_server(const proxy_branch& branch, duration retry_after = {});
  /// Sends to the next address of a branch; false when there is none that takes it.
  bool try_next_target(branch_handle branch);
  bool send_to_next_target(branch_handle branch);
  void put_up(branch_handle branch, sip::message&& response, const arrival& from);
  void hold(branch_handle branch, sip::message& response, const arrival& from);
  void take(branch_handle branch, sip::message& response);
  void go_on(branch_handle branch, sip::message& response);
  void lose(branch_handle branch, int status);
  void let_go(context_handle context);
  void forward_copy_of_2xx(server_handle server, sip::message& response);
  void forward_success(branch_handle branch, sip::message& response);
  void note_failure(branch_handle branch, int status, const sip::message* response);
  static int status_without_way(const proxy_branch& branch, const response_context& of) noexcept;
  void gather_challenges(response_context& context, branch_handle branch,
                         const sip::message& response);
  void settle(proxy_branch& branch, int status);
  /// What an event of a response context brings along.
  struct response_input {
    branch_handle branch{};
    int status = 0;
    const wire_message* message = nullptr;       ///< null or none: a failure is local
    std::span<const std::string_view> reasons{}; ///< of the CANCELs
  };
  /// Runs a response context. False, and nothing changed, when its state has no row for the event.
  bool step(context_handle context, response_event event, const response_input& input);
  bool step(context_handle context, response_event event) { return step(context, event, {}); }
  void keep_failure(response_context& context, const response_input& input);
  void send_more(server_handle server, const response_input& success);
  void pass_best(context_handle context);
  [[nodiscard]] wire_message best_response(context_handle context, int status);
  void send_final(context_handle context, int status, const wire_message& response);
  void finish(context_handle context);
  void finish_if_over(context_handle context);
  void answer(server_handle server, const sip::message& response, int status);
  template <typename F>
  void for_each_branch(context_handle context, F&& f);

  transaction_layer& transactions_;
  proxy_settings settings_;
  slot_map<response_context> contexts_;
  slot_map<proxy_branch> branches_;
  answered_addresses answered_;
  failed_servers failed_;
  reflection_loans loans_;
};

} // namespace tandem::stack
