// SPDX-License-Identifier: Apache-2.0
// The mediator as a terminal of another SIP2 server, on one connection: login, then one question at
// a time, sequence numbers and checksums as the standard has them for the SC, and what keeps the
// answer to one question from being taken for the answer to another. Sans-I/O, one thread; limits
// of time are its user's. Nothing that the server sends makes it throw anything but std::bad_alloc.
//
// What it never does is to say a request again of its own accord: it repeats the same bytes when
// the server says that it has not understood them (96), and asks for an answer again (97).
#pragma once

#include <tandem/sip2/mediator/upstream_profile.hpp>
#include <tandem/sip2/protocol/framer.hpp>
#include <tandem/sip2/protocol/message.hpp>
#include <tandem/sip2/protocol/parser.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What an input led to: bytes to send, and at most one piece of news.
struct upstream_step {
  enum class news : std::uint8_t {
    none,
    ready,    ///< logged in; ask() may be called
    answered, ///< `answer` is that to the question
    refused,  ///< the login was; the connection is of no use
    broken,   ///< the server does not keep to the protocol: `text` says how. Close
  };
  news what = news::none;
  std::string send = {};
  message answer = {};
  std::string text = {};
};

class upstream_session {
 public:
  /// A damaged answer is asked for again, a request that was not understood is repeated this often.
  static constexpr unsigned most_repeats = 3;

  /// \param login a 93 to begin with; none: the connection is ready at once.
  upstream_session(std::shared_ptr<const upstream_profile> profile, std::optional<message> login);

  /// The connection is up.
  [[nodiscard]] upstream_step begin();
  /// Asks; the session must be idle.
  [[nodiscard]] upstream_step ask(const message& question);
  [[nodiscard]] upstream_step on_bytes(std::string_view bytes);

  /// Ready, and no question is open.
  [[nodiscard]] bool is_idle() const noexcept { return state_ == state::idle; }
  /// Nothing is left to come for what was asked. After an answer, false means: use it no more.
  [[nodiscard]] bool is_sound() const noexcept { return is_sound_; }
  /// The 98 that followed the login; none: not asked.
  [[nodiscard]] const std::optional<message>& status() const noexcept { return status_; }

 private:
  enum class state : std::uint8_t {
    fresh,
    telnet_name,     ///< the prompt for the name is awaited
    telnet_password, ///< the prompt for the password
    telnet_verdict,
    login,        ///< the 94
    first_status, ///< the 98 to our own 99
    idle,
    asking,
    confirming, ///< an answer is there, and a 99 finds out whether it is the right one
    broken,
  };

  [[nodiscard]] upstream_step after_login();
  [[nodiscard]] upstream_step become_ready();
  [[nodiscard]] upstream_step put(const message& question, state next);
  [[nodiscard]] upstream_step take_line(std::string_view line);
  [[nodiscard]] upstream_step take_answer(const envelope& e);
  [[nodiscard]] upstream_step take_confirmation(const envelope& e);
  [[nodiscard]] upstream_step ask_again(std::string_view why);
  [[nodiscard]] upstream_step say_again();
  [[nodiscard]] upstream_step accept(message answer);
  [[nodiscard]] upstream_step take_telnet(std::string_view bytes);
  [[nodiscard]] upstream_step take_verdict();
  [[nodiscard]] upstream_step fail_with(std::string text);
  [[nodiscard]] bool echoes(const message& answer) const;
  [[nodiscard]] bool is_detecting() const noexcept {
    return profile_->wire.detection != error_detection::off;
  }

  std::shared_ptr<const upstream_profile> profile_;
  std::optional<message> login_;
  line_framer framer_;
  state state_ = state::fresh;
  std::string words_; ///< of the telnet dialogue
  message question_;
  message candidate_; ///< an answer that is still doubted
  std::string sent_;  ///< the last line with its end, but for 97
  std::string sequence_;
  unsigned next_sequence_ = 0;
  unsigned repeats_ = 0;
  unsigned owed_ = 0;            ///< answers that are still to come for what was sent
  bool has_asked_again_ = false; ///< the last thing sent was a 97
  bool is_sound_ = true;
  std::optional<message> status_;
};

} // namespace tandem::sip2
