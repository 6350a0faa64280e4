// SPDX-License-Identifier: Apache-2.0
// What a terminal session asks of a library system: one message in, one message out, whatever the
// system speaks. The pool implements it, tests do too. One thread: that of the shard which owns the
// session.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip2/protocol/json.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace tandem::sip2 {

/// One message for the back-end.
struct backend_request {
  message content;           ///< its code decides what may be sent twice: see may_repeat
  std::string session;       ///< key of the terminal's session, 32 hexadecimal digits
  std::string request_id;    ///< correlation id; also the idempotency key of this request
  std::string client;        ///< address and port of the terminal, for X-Sip2-Client
  std::string account;       ///< login name once known, else empty
  bool is_transient = false; ///< the session need not outlive its back-end: fail over freely. Else
                             ///< it sticks to one as long as that is alive
  bool keeps_connection = true;  ///< the session is one connection, and may have one upstream, too
  bool has_proved_login = false; ///< of a login: its password was found right here
  null_rule nulls = null_rule::drop;     ///< how an answer in JSON is read
  field_order order = field_order::kept; ///< of the answer's fields
  duration deadline = seconds{30};       ///< from send() to the answer, everything included
};

/// Why there is no answer.
enum class backend_failure : std::uint8_t {
  unreachable,  ///< refused, not resolved, or TLS verification failed: nothing was sent
  timed_out,    ///< no whole answer within the deadline: it may have been executed
  lost,         ///< the connection broke after something was sent: it may have been executed
  status,       ///< an HTTP status that is not 200
  bad_answer,   ///< not HTTP, or an answer over the limits
  overloaded,   ///< our own bound on requests in flight and queued: nothing was sent
  circuit_open, ///< every back-end is known to be down: nothing was sent
  cancelled,    ///< shutting down
  unusable,     ///< an answer that is no message of SIP2: it may have been executed
};

/// The name of a failure, for logs and metrics.
[[nodiscard]] constexpr std::string_view to_text(backend_failure f) noexcept {
  switch (f) {
  case backend_failure::unreachable: return "unreachable";
  case backend_failure::timed_out: return "timed-out";
  case backend_failure::lost: return "lost";
  case backend_failure::status: return "status";
  case backend_failure::bad_answer: return "bad-answer";
  case backend_failure::overloaded: return "overloaded";
  case backend_failure::circuit_open: return "circuit-open";
  case backend_failure::cancelled: return "cancelled";
  case backend_failure::unusable: return "unusable";
  }
  return "unknown";
}

struct backend_error {
  backend_failure kind = backend_failure::unreachable;
  unsigned status = 0; ///< the HTTP status for kind status, else 0
  std::string detail;  ///< for the log: which back-end, and what went wrong with it
  /// Of a status: at most 1 KiB of its body. It may repeat the request, passwords included: nothing
  /// for the log above debug, and there only through hide_secrets().
  std::string body;
};

/// What a library system said. Its code may be any, its fixed fields may be short.
struct backend_answer {
  message content;
  json_notes notes; ///< what was odd in it
};

/// The answer, or why there is none.
using backend_reply = result<backend_answer, backend_error>;

/// What takes a reply, which is there during the call only.
using backend_done = std::function<void(const backend_reply&)>;

/// Library systems behind one face. Requests of one session are sent one at a time by its owner.
class backend {
 public:
  virtual ~backend() = default;

  /// Sends `request`; `done` runs exactly once, later (never within this call), on this thread,
  /// with the answer or the failure, at the latest at the request's deadline. Throws std::bad_alloc
  /// when the request could not even be noted: then `done` does not run.
  virtual void send(backend_request&& request, backend_done done) = 0;

  /// Some back-end is believed to answer: what readiness and the answer to SC status go by.
  [[nodiscard]] virtual bool is_available() const noexcept = 0;
};

/// The message changes nothing in the library: sending it twice does no harm, so that it may be
/// tried again elsewhere even when the first may have arrived.
[[nodiscard]] inline bool may_repeat(message_code c) noexcept {
  const auto* spec = find_message(c);
  return spec && spec->way == direction::to_acs && spec->does == effect::none &&
         c != code::request_acs_resend;
}

/// A message that failed so may have changed something in the library: nobody knows.
[[nodiscard]] inline bool may_have_been_executed(message_code c, backend_failure f) noexcept {
  const auto* spec = find_message(c);
  return spec && spec->does == effect::change &&
         (f == backend_failure::timed_out || f == backend_failure::lost ||
          f == backend_failure::bad_answer || f == backend_failure::unusable);
}

} // namespace tandem::sip2
