// SPDX-License-Identifier: Apache-2.0
// Requests of our own (RFC 3261 8.1): each is sent, tried elsewhere where that is wanted, answered
// for where a password is asked for, acknowledged, and always has an answer in the end. A 2xx to
// INVITE is acknowledged for each copy (13.2.2.4); of several dialogs that a fork sets up the first
// is the caller's, the others are ended. What the peers of our dialogs send is answered here. It
// makes no dialogs: who asks for a request within one gives its headers.
//
// Sans-I/O, a user of the transaction layer. One thread. Callers are called when no machine runs,
// never from inside of a function that they call, and may call any.
#pragma once

#include <tandem/base/hash.hpp>
#include <tandem/base/lru_map.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/stack/branch.hpp>
#include <tandem/stack/digest_client.hpp>
#include <tandem/stack/transaction_layer.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::stack {

/// What became of a request.
struct own_answer {
  int status = 0;
  std::string_view reason; ///< in the response, or why we have answered
  /// Nothing when the answer is ours: nobody was there, or it was given up.
  std::optional<sip::message> response = {};
};

/// How a request is sent, and who hears of it.
struct request_terms {
  /// Where it is sent first; empty: to the Request-URI.
  std::string next_hop = {};
  /// Whether the next address of a name is tried when one does not answer (RFC 3263 4.3).
  bool fails_over = true;
  /// 3xx that are followed (8.1.3.4), so many at most; else the 3xx is the answer.
  unsigned redirects = 0;
  /// After so long there is an answer, whoever is silent. None: 10 minutes for INVITE, 2 for
  /// others.
  std::optional<duration> longest = {};
  std::function<void(const sip::message& response)> on_provisional = {}; ///< other than 100
  /// Called once.
  std::function<void(own_answer)> on_answer = {};
  /// What the peers of its dialog send later, until that is forgotten; it is answered already.
  std::function<void(const sip::message& request)> on_request = {};
};

/// A request of ours that is on its way.
class own_request;
using own_handle = handle<own_request>;

/// Why a request was not taken.
enum class own_errc : std::uint8_t {
  full,     ///< at the bound of their number or bytes
  draining, ///< nothing new is begun any more
};

class user_agent_client final : public request_user, public client_user {
 public:
  static constexpr std::size_t most_requests = 1'000;
  static constexpr std::size_t most_bytes = std::size_t{16} << 20U; ///< of the requests
  static constexpr std::size_t most_dialogs = 10'000; ///< remembered for what their peers send
  static constexpr std::size_t most_forks = 8;        ///< 2xx to one INVITE
  static constexpr std::size_t most_redirects = 8;    ///< URIs that are tried for one request

  using found_targets = std::function<void(std::span<const target>)>;
  /// Finds the targets of a SIP URI and calls back: once, now or later, with none where there is
  /// none. The text of the URI is gone when this returns.
  using target_finder = std::function<void(const std::string& uri, found_targets found)>;

  /// Puts itself in front of the users of the layer, which outlives this.
  user_agent_client(transaction_layer& layer, target_finder find);
  ~user_agent_client();
  user_agent_client(const user_agent_client&) = delete;
  user_agent_client& operator=(const user_agent_client&) = delete;

  /// Who we are for servers that ask for a password, from the next request on.
  void set_accounts(std::vector<client_account> accounts);

  /// Sends a request of make_own_request(), that is without Via. Throws std::bad_alloc; then
  /// nothing was begun. \return its name
  result<own_handle, own_errc> send(sip::message&& request, request_terms terms);

  /// Gives up an INVITE (9.1): its answer is a 487, or what was faster. Others cannot be given up.
  void cancel(own_handle request);

  /// Takes nothing new from now on, gives up every INVITE, and answers 487 for what has no answer
  /// at that moment.
  void drain(instant until);
  /// A caller waits for an answer.
  [[nodiscard]] bool has_unanswered() const noexcept { return unanswered_ != 0; }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  /// Bytes of requests that are kept.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  // --- request_user, client_user

  [[nodiscard]] bool takes(const sip::message& message) override;
  void on_request(sip::message& request, const arrival& from) override;
  void on_cancel(server_handle invite, sip::message& cancel, const arrival& from) override;
  void on_stray_response(sip::message& response, const arrival& from) override;
  void on_response(client_handle client, user_tag tag, sip::message& response,
                   const arrival& from) override;
  void on_failure(client_handle client, user_tag tag, client_failure reason) override;
  void on_timer_c(client_handle client, user_tag tag) override;

 private:
  struct entry;
  struct accepted_dialog;
  using entry_handle = handle<entry>;
  using request_listener = std::shared_ptr<const std::function<void(const sip::message&)>>;

  /// Ends what is left when the drain is over.
  struct drain_timer final : timer {
    explicit drain_timer(user_agent_client& of) noexcept : owner{of} {}
    void on_timer(instant) override { owner.end_all(); }
    user_agent_client& owner;
  };

  [[nodiscard]] entry* find(user_tag tag) noexcept;
  [[nodiscard]] std::uint64_t dialog_key(std::string_view call_id, std::string_view tag) const;
  void note_dialog(const sip::message& request, request_terms& terms);
  [[nodiscard]] branch_text new_branch() const noexcept;
  void search(entry& e, std::string uri);
  void take_targets(entry& e, std::span<const target> found);
  void try_next(entry& e);
  [[nodiscard]] int try_target(entry& e, const target& to);
  [[nodiscard]] bool may_try(const entry& e) const noexcept;
  [[nodiscard]] static bool has_more(const entry& e) noexcept;
  [[nodiscard]] bool go_on(entry& e, const sip::message& response);
  [[nodiscard]] bool answer_challenge(entry& e, const sip::message& response);
  [[nodiscard]] bool follow_redirect(entry& e, const sip::message& response);
  void accept(entry& e, sip::message& response);
  void find_way_of_ack(entry& e, accepted_dialog& dialog);
  void send_ack(entry& e, accepted_dialog& dialog, std::span<const target> found);
  void give_up(entry& e);
  void abandon(entry& e, own_answer answer);
  void on_time(entry& e);
  void answer_later(entry& e, int status, std::string_view reason);
  void tell(entry& e, own_answer answer);
  void finish(entry& e, own_answer answer);
  void end(entry& e);
  void end_all();

  transaction_layer& layer_;
  target_finder find_;
  digest_client digest_{{}};
  slot_map<entry> all_;
  std::size_t unanswered_ = 0;
  std::size_t bytes_ = 0;
  bool is_draining_ = false;
  drain_timer drain_{*this};
  lru_map<std::uint64_t, request_listener> dialogs_{most_dialogs};
  std::shared_ptr<user_agent_client*> self_; ///< null for targets that are found too late
};

} // namespace tandem::stack
