// SPDX-License-Identifier: Apache-2.0
// The parameters of module http_route in one script.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/server/module.hpp>

#include <cstddef>
#include <string>

namespace tandem::modules {

struct http_route_settings final : server::module {
  duration deadline = seconds{2};
  std::size_t max_connections = 16;
  std::size_t max_waiting = 1'000;
  std::size_t max_answer = std::size_t{64} * 1024;
  bool sends_body = true;
  std::string ca_file;
  std::string token_file;
  secret token;          ///< what token_file has
  io::tls_context trust; ///< for https

  void apply_to(server::core& owner) const override;
};

} // namespace tandem::modules
