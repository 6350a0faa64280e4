// SPDX-License-Identifier: Apache-2.0
// What a session must be able to say again (3M SIP 2.00, "Error Detection"): a 97 gets what was
// written last, and a request that comes twice gets the answer to the first without being executed
// again. A sans-I/O machine of one thread.
#pragma once

#include <tandem/sip2/protocol/parser.hpp>

#include <cstdint>
#include <string>

namespace tandem::sip2 {

class repetition {
 public:
  /// An intact request other than a 97 has come.
  /// \return the answer to write again: AY and AZ are those of the request before, so the terminal
  /// missed it. Null: a new request. Valid until the next call.
  [[nodiscard]] const std::string* on_request(const envelope& e, error_detection detection);

  /// The answer to the request was written.
  void on_answer(std::string bytes);
  /// A 96 was written. The answer to the last request stays: its repetition, intact this time, is
  /// not executed again.
  void on_resend_request(std::string bytes) { resend_request_ = std::move(bytes); }

  /// What a 97 gets, a 96 too; null when nothing was written yet. Valid until the next call.
  [[nodiscard]] const std::string* last_written() const noexcept;

 private:
  // Of the last request; without a sequence nothing is a repetition.
  std::string sequence_;
  std::uint32_t checksum_ = 0;
  std::string answer_;         ///< to that request; empty: it has none yet
  std::string resend_request_; ///< the 96 that was written since; empty: none
};

} // namespace tandem::sip2
