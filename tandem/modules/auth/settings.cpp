// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/auth/settings.hpp>

#include <tandem/base/text.hpp>
#include <tandem/server/services.hpp>
#include <tandem/storage/account_file.hpp>

#include <fmt/format.h>
#include <stdexcept>

namespace tandem::modules {

stack::nonce_issuer& shared_nonces::get(const stack::nonce_settings& settings) {
  const std::lock_guard held{mutex_};
  if (!issuer_) {
    issuer_.emplace(settings);
    all_.metrics.add_counter(
        "tandem_auth_nonces_dropped_total",
        "Nonces that had to go for newer ones before their time; each cost its phone a round.", {},
        [this] { return static_cast<double>(issuer_->dropped()); });
  }
  return *issuer_;
}

std::vector<stack::digest_algorithm> parse_algorithms(std::string_view text) {
  std::vector<stack::digest_algorithm> all;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view name = trim(text.substr(0, comma));
    const auto algorithm = name.empty() ? std::nullopt : stack::parse_digest_algorithm(name);
    // A -sess algorithm needs a session that a server without memory does not have.
    if (!algorithm || stack::is_of_session(*algorithm))
      throw std::invalid_argument{
          fmt::format("'{}' must be one of MD5, SHA-256, SHA-512-256", name)};
    all.push_back(*algorithm);
    if (comma == std::string_view::npos) return all;
    text.remove_prefix(comma + 1);
  }
}

account_sources::account_sources(server::services&)
    : by_scheme{{"file", [](const std::string& path) -> std::shared_ptr<storage::accounts> {
                   return storage::account_file::read(path);
                 }}} {}

} // namespace tandem::modules
