// SPDX-License-Identifier: Apache-2.0
// The parameters of modules auth and auth_db in one script, and what is made of them.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/crypto/hash.hpp>
#include <tandem/server/module.hpp>
#include <tandem/stack/authentication.hpp>
#include <tandem/storage/accounts.hpp>
#include <tandem/storage/sql_accounts.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::modules {

/// The nonces of the process, of whatever script. Any thread.
class shared_nonces {
 public:
  explicit shared_nonces(server::services& all) : all_{all} {}

  /// The first who asks decides about the size.
  [[nodiscard]] stack::nonce_issuer& get(const stack::nonce_settings& settings);

 private:
  server::services& all_;
  std::mutex mutex_;
  std::optional<stack::nonce_issuer> issuer_;
};

struct auth_settings final : server::module {
  duration nonce_expire = seconds{300};
  std::string algorithms = "MD5";
  std::string uri_rule = "target";
  bool bind_source = true;
  std::size_t max_nonces = stack::nonce_settings{}.most_counted;
  bool is_classic = false;
  /// Nothing in a script that does not load auth.
  std::optional<stack::authentication> asks = std::nullopt;
  stack::nonce_issuer* nonces = nullptr;

  void apply_to(server::core&) const override {
    if (nonces) nonces->set_lifetime(nonce_expire);
  }
};

/// The algorithms of the parameter, in its order. Throws std::invalid_argument for one that is
/// unknown, or that is not offered.
[[nodiscard]] std::vector<stack::digest_algorithm> parse_algorithms(std::string_view text);

struct auth_db_settings final : server::module {
  std::string db_url;
  duration deadline = milliseconds{2'000};
  std::size_t max_waiting = 1'000;
  storage::sql_account_columns columns;
  duration cache_expire = seconds{5};
  std::size_t cache_size = 10'000;
  /// Null when db_url leads to none: then nobody can be looked up.
  std::shared_ptr<storage::accounts> accounts = nullptr;
};

/// Who opens accounts, by the scheme of their URL: "file" from the start. Filled before scripts are
/// loaded.
struct account_sources {
  /// \param rest what stands behind the colon. Throws std::runtime_error with the cause.
  using opener = std::function<std::shared_ptr<storage::accounts>(const std::string& rest)>;

  explicit account_sources(server::services&);
  std::map<std::string, opener, std::less<>> by_scheme;
};

} // namespace tandem::modules
