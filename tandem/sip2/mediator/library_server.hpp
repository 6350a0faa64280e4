// SPDX-License-Identifier: Apache-2.0
// One library system as the pool sees it, whatever it speaks: it takes a message and says what came
// of it; the pool decides what that means for its health and whether another one is asked. It
// belongs to the pool and its shard.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/sip2/mediator/backend.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace tandem::sip2 {

struct library_failure {
  /// What the failure says about the system.
  enum class blame : std::uint8_t {
    none,        ///< nothing: it failed here
    well,        ///< it works, and refuses this message
    doubt,       ///< perhaps no other message would have failed
    unreachable, ///< nothing can be sent to it
  };
  backend_error error;
  blame what = blame::none;
  bool was_sent = false; ///< some of the message may have arrived
};

using library_reply = result<backend_answer, library_failure>;

class library_server {
 public:
  using done_handler = std::function<void(library_reply&&)>;
  /// \param problem empty: it is well. \param is_known false: the probe came to nothing here.
  using probe_handler = std::function<void(const std::string& problem, bool is_known)>;

  library_server() = default;
  library_server(const library_server&) = delete;
  library_server& operator=(const library_server&) = delete;
  /// Gives up everything; no handler is called any more.
  virtual ~library_server() = default;

  /// Sends a message, at most once. `done` runs exactly once, later, never within this call, at the
  /// latest after `left`. Throws std::bad_alloc when it could not even be noted: then it does not
  /// run.
  virtual void send(const backend_request& request, duration left, done_handler done) = 0;

  /// Asks whether it works, beside all requests. As send().
  virtual void probe(duration left, probe_handler done) = 0;

  /// The session has gone to another system, or is over.
  virtual void forget(const std::string& /*session*/) {}

  /// The configuration was read again. \return whether this one goes on, with the new options for
  /// what it sends from now on; else the pool makes another one, and this one ends what it began.
  virtual bool renew(const io::tls_context& tls) = 0;

  [[nodiscard]] virtual std::size_t in_flight() const noexcept = 0;
  [[nodiscard]] virtual std::size_t connections() const noexcept = 0;
  /// It is asked by probes while it is up, too.
  [[nodiscard]] virtual bool is_watched() const noexcept = 0;
};

} // namespace tandem::sip2
