// SPDX-License-Identifier: Apache-2.0
// The client's side of SASL (RFC 6120 6) with libgsasl: SCRAM-SHA-256, SCRAM-SHA-1 (RFC 5802,
// RFC 7677), and PLAIN over TLS, or without it for an account that says so. A machine without I/O.
// What has passed is the password of neither side: the server must have proved that it knows it.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/xmpp/xml_element.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tandem::xmpp {

inline constexpr std::string_view sasl_space = "urn:ietf:params:xml:ns:xmpp-sasl";

enum class sasl_errc : std::uint8_t {
  no_mechanism,        ///< the server offers none at all here: a way without TLS, perhaps
  no_usable_mechanism, ///< none that we know, or PLAIN where it is not allowed
  bad_challenge,       ///< not what the mechanism says, or too large
  iterations,          ///< too few to be safe or more than we do (4096 to 100,000)
  unproved_server,     ///< it said success, and has not proved that it knows the password
  no_memory,
};

[[nodiscard]] std::string_view to_string(sasl_errc e) noexcept;

struct sasl_account {
  std::string user = {};   ///< the local part of the address
  std::string domain = {}; ///< for mechanisms that want one
  secret password = {};
  bool allows_plain_without_tls = false;
};

/// What hashing the password so often has cost; worth keeping for the next login (RFC 5802 5.1).
struct scram_cache {
  std::string mechanism = {};
  std::string salt = {}; ///< in base64
  std::string iterations = {};
  secret salted_password = {}; ///< in hexadecimal digits
};

class sasl_login {
 public:
  /// Chooses the best of what <mechanisms/> offers. The result has first().
  /// \param cache of this account; read, and filled. It outlives this.
  [[nodiscard]] static result<sasl_login, sasl_errc> begin(const xml_element& mechanisms,
                                                           bool is_over_tls,
                                                           const sasl_account& account,
                                                           scram_cache& cache);

  /// <auth/> to be sent. Of PLAIN it holds the password.
  [[nodiscard]] const std::string& first() const noexcept { return first_; }
  [[nodiscard]] std::string_view mechanism() const noexcept { return mechanism_; }

  /// The <response/> to a <challenge/>.
  [[nodiscard]] result<std::string, sasl_errc> on_challenge(const xml_element& challenge);

  /// The server said <success/>: whether it has proved itself. Hashes nothing anew.
  [[nodiscard]] result<void, sasl_errc> on_success(const xml_element& success);

 private:
  class exchange;
  struct free_exchange {
    void operator()(exchange* e) const noexcept;
  };
  sasl_login(std::unique_ptr<exchange, free_exchange> made, std::string_view mechanism)
      : exchange_{std::move(made)}, mechanism_{mechanism} {}

  std::unique_ptr<exchange, free_exchange> exchange_;
  std::string_view mechanism_;
  std::string first_;
};

/// Whether a <failure/> means that only somebody who changes the account can help
/// (RFC 6120 6.5); else it may go by.
[[nodiscard]] bool is_lasting_failure(const xml_element& failure) noexcept;

} // namespace tandem::xmpp
