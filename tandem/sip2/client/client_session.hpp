// SPDX-License-Identifier: Apache-2.0
// The terminal's side of one question and its answer, sans I/O: retransmission, sequence numbers
// and checksums as the standard has them for the SC. One thread.
#pragma once

#include <tandem/sip2/protocol/framer.hpp>
#include <tandem/sip2/protocol/message.hpp>
#include <tandem/sip2/protocol/wire_format.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// What the session wants now.
struct client_step {
  std::string send;              ///< bytes to send; may be empty
  std::optional<message> answer; ///< the question is answered
  bool has_failed = false;       ///< given up: no usable answer after all retries
};

class client_session {
 public:
  /// \param format how messages are written; its detection is ignored.
  /// \param detects write AY and AZ, and want answers that are right.
  /// \param retries how often a question is sent again.
  client_session(wire_format format, bool detects, unsigned retries) noexcept
      : format_{format}, detects_{detects}, retries_{retries} {}

  /// Asks; there must be no question open. What is still buffered of old answers is forgotten.
  [[nodiscard]] client_step ask(const message& question);
  /// Sends a line as it is (without terminator), whatever it is, and takes the next line as answer.
  [[nodiscard]] client_step ask_raw(std::string_view line);
  [[nodiscard]] client_step on_bytes(std::string_view bytes);
  /// No answer came in time.
  [[nodiscard]] client_step on_timeout();

  [[nodiscard]] bool is_open() const noexcept { return is_open_; }
  /// The last lines that went and came, without terminator.
  [[nodiscard]] const std::string& sent() const noexcept { return sent_; }
  [[nodiscard]] const std::string& received() const noexcept { return received_; }

 private:
  [[nodiscard]] client_step take_line(std::string_view line);
  [[nodiscard]] client_step send_again();
  [[nodiscard]] client_step give_up();

  wire_format format_;
  bool detects_;
  unsigned retries_;
  line_framer framer_;
  unsigned sequence_ = 0;
  unsigned tries_ = 0;
  bool is_open_ = false;
  bool is_raw_ = false;
  bool has_asked_for_resend_ = false; ///< the last thing sent was a 97
  message_code expected_;
  std::string sent_;
  std::string received_;
};

} // namespace tandem::sip2
