// SPDX-License-Identifier: Apache-2.0
// One resource of one account, which shows what it is told to: logs in over BOSH, goes on with the
// session of another process, publishes, answers who asks, and comes back after whatever ends its
// session. A machine without I/O: it is told what happens and the moment, and take_effects() says
// what to do. One thread for each object.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/http/message.hpp>
#include <tandem/xmpp/back_off.hpp>
#include <tandem/xmpp/bosh_session.hpp>
#include <tandem/xmpp/jid.hpp>
#include <tandem/xmpp/presence.hpp>
#include <tandem/xmpp/sasl_login.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tandem::xmpp {

/// Shared by what belongs to one account. Immutable.
struct account {
  jid address = {}; ///< bare
  std::string resource = "SIP-phone";
  secret password = {};
  http::url url = {}; ///< of the server's BOSH
  bool allows_plain_without_tls = false;
  bosh_mode mode = bosh_mode::held;
  seconds wait{60};
  std::string route = {};
  bool wants_acks = false;
};

enum class client_state : std::uint8_t {
  offline,    ///< nothing is to be shown
  queued,     ///< wants to log in; begin_login() lets it
  logging_in, ///< up to the resource
  online,     ///< what it is told to show is shown, or on its way
  leaving,    ///< says goodbye
  waiting,    ///< for the next attempt
  stopped,    ///< the server refuses the account: nothing more until it is another one
};

[[nodiscard]] std::string_view to_string(client_state state) noexcept;

/// What is kept so that another process can go on. It holds the keys to the session.
struct client_snapshot {
  bosh_snapshot session = {};
  std::string resource = {}; ///< that was bound
  std::uint64_t presence_id = 0;
  presence shown = {};

  friend bool operator==(const client_snapshot&, const client_snapshot&) = default;
};

/// To be carried out in this order: gives_up, keeps or forgets, and only then the posts.
struct client_effects {
  bool gives_up = false; ///< every request that is on its way: its session is over
  bool keeps = false;    ///< snapshot() must be kept before a request is posted
  bool forgets = false;  ///< what was kept is of no use any more
  std::vector<bosh_post> posts = {};
  std::string url = {};                   ///< not empty: where to post from now on
  std::vector<xml_element> messages = {}; ///< <message/> stanzas that arrived
  std::vector<std::string> alarms = {};   ///< for an operator, without secrets
  /// From show() to the answer of the request that showed it.
  std::optional<duration> published = {};
};

class client {
 public:
  static constexpr instant never = instant::max();

  /// \param random any number that nobody can guess, each time it is called; it outlives this
  client(std::shared_ptr<const account> of, std::function<std::uint64_t()> random);

  /// Shows this from now on: it logs in for the first that is available, and out for the other.
  void show(const presence& what, instant now);

  /// Goes on where another process has stopped, before anything else happens. \param since when
  /// the snapshot was kept, as far as it is known; what is too old is not tried
  void restore(const client_snapshot& kept, duration since, instant now);

  /// It may log in now; of use in the state queued.
  void begin_login(instant now);

  /// Ends for a restart: the session stays with the server for as long as it allows.
  void suspend(instant now);

  void on_answer(std::uint64_t rid, unsigned status, std::string_view body, instant now);
  void on_failed(std::uint64_t rid, bool was_sent, instant now);
  /// All that take_effects() gave to post is lost, for want of memory; it is posted again then.
  void repeat_all(instant at) noexcept;
  void advance(instant now);
  [[nodiscard]] instant next_due() const noexcept;

  [[nodiscard]] client_effects take_effects() { return std::exchange(effects_, {}); }
  /// Of a client that is online.
  [[nodiscard]] client_snapshot snapshot() const;

  [[nodiscard]] client_state state() const noexcept { return state_; }
  /// The resource that is bound, or that it will ask for.
  [[nodiscard]] const std::string& resource() const noexcept {
    return bound_.empty() ? resource_ : bound_;
  }
  /// That request is a pause, the last one of suspend(): whoever ends the process waits for it to
  /// leave.
  [[nodiscard]] bool is_pausing(std::uint64_t rid) const noexcept {
    return session_ && session_->is_paused() && session_->last_rid() == rid;
  }
  /// Why the last session ended.
  [[nodiscard]] std::optional<session_end> last_end() const noexcept { return last_end_; }
  /// Sessions of other processes that it went on with, and whose server knew them.
  [[nodiscard]] std::uint32_t resumed() const noexcept { return resumed_; }

 private:
  enum class step : std::uint8_t { features, sasl, features_again, bind, session, bound };

  void start_session(instant now);
  void take(const xml_element& stanza, instant now);
  void take_features(const xml_element& features, instant now);
  void take_sasl(const xml_element& stanza, instant now);
  void take_iq(const xml_element& iq, instant now);
  void take_bind_result(const xml_element& iq, instant now);
  void continue_sasl(const xml_element& stanza, instant now);
  [[nodiscard]] bosh_options options() const;
  void recover(recovery then, const std::string& uri, instant now);
  void refuse_login(sasl_errc why, instant now);
  void come_online(instant now);
  void publish(instant now);
  void settle(instant now);
  void on_end(session_end why, instant now);
  void leave(instant now);
  void contend(instant now);
  [[nodiscard]] bool note_kick(instant now);
  void move(const std::string& uri, instant now);
  void refuse(recovery then, std::string why, instant now);
  void wait_for(duration delay, instant now);
  void alarm(std::string text);

  std::shared_ptr<const account> account_;
  std::function<std::uint64_t()> random_;
  client_state state_ = client_state::offline;
  step step_ = step::features;
  bool wants_session_iq_ = false;
  bool is_resuming_ = false;
  std::uint8_t moves_ = 0;
  std::uint8_t kicks_ = 0; ///< that somebody took our resource, within ten minutes
  instant first_kick_{};
  std::optional<bosh_session> session_;
  std::optional<sasl_login> login_;
  scram_cache cache_;
  back_off back_off_;
  std::optional<session_end> last_end_;
  std::optional<recovery> after_end_; ///< instead of what the table says
  std::string resource_;              ///< to be asked for
  std::string bound_;                 ///< as the server has it
  presence wanted_;
  std::optional<presence> sent_;
  std::uint64_t presence_id_ = 0;
  std::uint64_t sent_rid_ = 0;          ///< of the request that holds sent_
  std::optional<instant> wanted_since_; ///< until it is answered
  std::uint64_t kept_rid_ = 0;
  std::uint32_t resumed_ = 0;
  instant online_since_{};
  instant next_attempt_ = never;
  client_effects effects_;
};

} // namespace tandem::xmpp
