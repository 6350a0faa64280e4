// SPDX-License-Identifier: Apache-2.0
// One terminal's session as a sans-I/O machine: bytes and replies of the back-end in, answers and
// requests out, time handed in. One thread. Nothing a peer sends makes it throw or answer anything
// that is not SIP2 (but for the prompts of a telnet login). A message that memory runs out for is
// refused; where that cannot be done either, the connection ends.
#pragma once

#include <tandem/sip2/mediator/backend.hpp>
#include <tandem/sip2/mediator/profile.hpp>
#include <tandem/sip2/mediator/relogin.hpp>
#include <tandem/sip2/mediator/repetition.hpp>
#include <tandem/sip2/mediator/session_log.hpp>
#include <tandem/sip2/mediator/telnet_login.hpp>
#include <tandem/sip2/mediator/terminal_counters.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/framer.hpp>
#include <tandem/sip2/protocol/parser.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What a terminal does to the world. None of these may call back into the terminal.
class terminal_host {
 public:
  virtual ~terminal_host() = default;
  /// Sends one whole answer, in one segment where it fits.
  virtual void write(std::string bytes) = 0;
  /// Closes the connection once what was written has left.
  virtual void close() = 0;
  /// Asks the back-end; terminal::on_reply must follow, exactly once.
  virtual void send(backend_request&& request) = 0;
  /// A line that came or went, with what is private taken out; for traces.
  virtual void on_line(direction way, std::string_view line) = 0;
  [[nodiscard]] virtual bool is_traced() const noexcept = 0;
  [[nodiscard]] virtual wall_time wall_now() const = 0;
};

struct terminal_options {
  std::string peer;    ///< address and port, for the log and the back-end
  std::string session; ///< 32 hexadecimal digits
  line_discipline discipline = line_discipline::raw;
  std::string profile = "default"; ///< until a login names another
  log_privacy privacy = log_privacy::secrets;
  std::shared_ptr<const terminal_rules> rules; ///< never null
  terminal_counters* counters = nullptr;       ///< outlives the terminal; never null
};

class terminal {
 public:
  /// \param host outlives the terminal.
  terminal(terminal_options options, terminal_host& host, instant now);

  /// What came from the terminal.
  void on_bytes(std::string_view bytes, instant now);
  /// The terminal has sent all it will: what is in progress is still answered.
  void on_end(instant now);
  /// The connection is gone: nothing can be written any more.
  void on_lost(instant now);
  /// The back-end's answer to what was sent last.
  void on_reply(const backend_reply& reply, instant now);
  /// A moment of next_due() has come.
  void on_time(instant now);

  /// Finishes what is in progress, answers it, then closes.
  void drain(instant now);
  /// Refuses what is in progress, then closes; the back-end's answer is no longer waited for.
  /// \param reason goes to the log.
  void give_up(std::string_view reason, instant now);
  /// Closes at once; `reason` goes to the log.
  void close(std::string_view reason, instant now);
  /// A new version of the configuration, from the next message on.
  void use_rules(std::shared_ptr<const terminal_rules> rules);

  /// When on_time wants to be called; nothing: no limit runs.
  [[nodiscard]] std::optional<instant> next_due() const noexcept;
  /// Reading should pause: more waits than is polite.
  [[nodiscard]] bool is_crowded() const noexcept;
  /// The connection is closed and the back-end has been told: the object can go.
  [[nodiscard]] bool is_finished() const noexcept { return state_ == state::finished; }
  /// The connection is open as far as the terminal cares.
  [[nodiscard]] bool is_connected() const noexcept { return way_in_ != way_in::gone; }

  // For the list of terminals.
  [[nodiscard]] const std::string& peer() const noexcept { return options_.peer; }
  [[nodiscard]] const std::string& session() const noexcept { return options_.session; }
  [[nodiscard]] const std::string& account_name() const noexcept { return account_; }
  [[nodiscard]] const std::string& profile_name() const noexcept { return profile_->name; }
  [[nodiscard]] instant connected_at() const noexcept { return connected_at_; }
  [[nodiscard]] instant last_active() const noexcept { return last_active_; }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  /// The back-end, or an account of ours, has accepted a login of it or a message other than a 99.
  [[nodiscard]] bool is_proven() const noexcept { return standing_ != standing::stranger; }
  /// The back-end, or an account of ours, has accepted a login.
  [[nodiscard]] bool is_logged_in() const noexcept { return standing_ == standing::logged_in; }
  [[nodiscard]] bool is_waiting() const noexcept { return state_ == state::waiting; }

 private:
  enum class state : std::uint8_t {
    ready,   ///< a line is awaited
    waiting, ///< the back-end is asked
    leaving, ///< the back-end is told that the terminal has gone
    finished,
  };
  enum class way_in : std::uint8_t {
    open,
    ended, ///< the terminal sends nothing more, and can still be answered
    gone,
  };
  enum class standing : std::uint8_t {
    stranger,
    proven,    ///< the back-end has accepted a message of it other than a 99
    logged_in, ///< the back-end, or an account of ours, has accepted a login
  };

  template <typename Input>
  void guard(instant now, Input&& input);
  void pump_on(instant now);
  void refuse_for_memory() noexcept;
  void hang_up() noexcept;
  void pump(instant now);
  void take_line(std::string_view line, instant now);
  void take_prompted(std::string_view line);
  void take_intact(const envelope& e, std::string_view line);
  void take_message(message m);
  void take_login(message& m);
  void relay(message m);
  void log_in_again();
  void ask(message m, duration deadline);
  void resend_last(const envelope& e);
  void go_on(const backend_reply& reply, instant now);
  void take_reply(const backend_answer& said);
  void take_failure(const backend_error& error);
  void take_login_again(const backend_reply& reply);
  void accept_login();
  void refuse(std::string_view text);
  void answer(const message& m);
  void answer_telnet(const message& m);
  void request_resend(bool has_tail);
  void put(std::string bytes);
  void leave();
  void note(direction way, const message& m, std::string_view tail);
  void note_written(std::string_view line);

  terminal_options options_;
  terminal_host& host_;
  std::shared_ptr<const profile> profile_;
  session_log log_;
  line_framer framer_;
  std::optional<telnet_login> telnet_; ///< until it is over
  repetition repetition_;
  relogin relogin_;
  state state_ = state::ready;
  way_in way_in_ = way_in::open;
  standing standing_ = standing::stranger;
  bool is_relayed_ = false;  ///< the back-end knows this session
  bool owes_answer_ = false; ///< to a message that was taken
  std::uint64_t messages_ = 0;
  instant connected_at_;
  instant last_active_;

  message request_;                     ///< in progress, as the terminal sent it
  bool has_proved_login_ = false;       ///< a login in progress whose password was found right here
  std::optional<std::string> sequence_; ///< how it is to be answered
  std::string account_;                 ///< login name, once accepted
  std::string_view closing_;            ///< why to close after the answer in progress; empty: go on
};

} // namespace tandem::sip2
