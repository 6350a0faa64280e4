// SPDX-License-Identifier: Apache-2.0
// What a session must be able to say again (3M SIP 2.00, "Error Detection"): a 97 gets what was
// written last, and a request that comes twice gets the answer to the first without being executed
// again. A sans-I/O machine of one thread.
//
// A terminal without error detection says a request again, too, when its answer takes long. So what
// changes something in the library and comes again within a window is the same request: to the
// byte, or, once it was done, but for its dates, which some terminals write anew. A payment (37)
// counts with its dates: two of the same amount may be meant.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/sip2/protocol/parser.hpp>

#include <cstdint>
#include <string>

namespace tandem::sip2 {

class repetition {
 public:
  /// An intact request other than a 97 has come.
  /// \param window after an answer, in which a request without AY is taken for the one before; 0:
  /// never.
  /// \return the answer to write again: the terminal missed it. Null: a new request. Valid until
  /// the next call.
  [[nodiscard]] const std::string* on_request(const envelope& e, error_detection detection,
                                              duration window, instant now);

  /// The answer to the request was written.
  /// \param is_done it says that what was asked for was done.
  void on_answer(std::string bytes, bool is_done, instant now);
  /// A 96 was written. The answer to the last request stays: its repetition, intact this time, is
  /// not executed again.
  void on_resend_request(std::string bytes) { resend_request_ = std::move(bytes); }

  /// What a 97 gets, a 96 too; null when nothing was written yet. Valid until the next call.
  [[nodiscard]] const std::string* last_written() const noexcept;

 private:
  [[nodiscard]] bool is_same_change(const envelope& e) const;

  // Of the last request; without a sequence nothing is a repetition.
  std::string sequence_;
  std::uint32_t checksum_ = 0;
  message_code code_;
  std::string body_; ///< of a request that changes something, else empty
  bool is_done_ = false;
  instant answered_at_{};
  std::string answer_;         ///< to that request; empty: it has none yet
  std::string resend_request_; ///< the 96 that was written since; empty: none
};

} // namespace tandem::sip2
