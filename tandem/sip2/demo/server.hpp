// SPDX-License-Identifier: Apache-2.0
// The demonstration library system behind HTTP: what sip2-mediator --demo asks. One thread.
#pragma once

#include <tandem/http/server.hpp>
#include <tandem/sip2/demo/ils.hpp>

#include <string>

namespace tandem::sip2 {

class demo_server {
 public:
  /// \param path of the SQLite file, or ":memory:". Throws std::runtime_error when it cannot be
  /// opened.
  demo_server(io::shard& loop, const std::string& path);

  /// \return where it listens, or why it does not.
  [[nodiscard]] result<socket_address, std::string> listen(const socket_address& at);

 private:
  void answer(const http::request& request, http::responder answer);

  demo_ils library_;
  http::server http_;
};

} // namespace tandem::sip2
