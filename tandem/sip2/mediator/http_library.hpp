// SPDX-License-Identifier: Apache-2.0
// A library system that answers JSON over HTTP. As library_server.
#pragma once

#include <tandem/http/client.hpp>
#include <tandem/sip2/mediator/backend_pool.hpp>
#include <tandem/sip2/mediator/library_server.hpp>

namespace tandem::sip2 {

class http_library final : public library_server {
 public:
  /// \param options outlive it. \param tls for an https URL.
  http_library(io::shard& loop, const http::url& at, const backend_pool_options& options,
               const io::tls_context& tls);

  void send(const backend_request& request, duration left, done_handler done) override;
  void probe(duration left, probe_handler done) override;
  bool renew(const io::tls_context& /*tls*/) override { return false; }
  [[nodiscard]] std::size_t in_flight() const noexcept override;
  [[nodiscard]] std::size_t connections() const noexcept override;
  [[nodiscard]] bool is_watched() const noexcept override { return !options_.health_path.empty(); }

 private:
  const backend_pool_options& options_;
  std::string path_;
  http::client client_;
  http::client prober_; ///< of its own, so that no request is in its way
};

} // namespace tandem::sip2
