// SPDX-License-Identifier: Apache-2.0
// Who sent this request? The server's side of digest authentication (RFC 3261 22, RFC 7616, RFC
// 8760): reads the credentials of a realm, judges them, makes the challenges. Sans-I/O: between
// read() and judge() the caller looks the user up, and may wait for that.
//
//   const auto claim = auth.read(request, space);  // or why there is none
//   const ha1* known = table.find(claim->username.view(), hash_of(claim->algorithm));
//   const auto verdict = auth.judge(*claim, known, space, now);
//   if (verdict != auth_verdict::good) auth.add_challenges(response, space, offer, verdict, now);
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/auth.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/sip/plain_text.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/challenger.hpp>
#include <tandem/stack/digest.hpp>
#include <tandem/stack/nonce_issuer.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace tandem::stack {

enum class auth_verdict : std::uint8_t {
  good,
  none,      ///< no credentials for the realm by an algorithm that was offered: challenge
  stale,     ///< the password is right, the nonce is too old or used up: challenge, stale=true
  wrong,     ///< unknown user or wrong password, which nobody can tell apart: challenge, or refuse
  malformed, ///< 400: no new challenge would help
  exempt,    ///< ACK and CANCEL: there can be no answer, or none is retried (RFC 3261 22.1)
  failed,    ///< 500: a hash could not be made, which says nothing about the password
};

/// What the uri of credentials must be (RFC 7616 3.4.6).
enum class digest_uri_rule : std::uint8_t {
  /// Scheme, user, host and port of the Request-URI. What is in the way of a request adds
  /// parameters. Deviates: a port that is missing is the default of its scheme (RFC 3261 19.1.2),
  /// though 19.1.4 tells the two apart: phones add or drop it.
  same_target,
  /// Anything: for phones behind proxies that rewrite the Request-URI.
  any,
};

/// What is protected. Views live as long as the call they are given to.
struct protection_space {
  challenger by = challenger::user_agent;
  std::string_view realm = {};  ///< as a plain text, not empty
  std::string_view source = {}; ///< where the request came from, if nonces are bound to it
};

/// Credentials as a request has them: who it says it is from. Views the request, which outlives it.
struct auth_claim {
  sip::plain_text username; ///< what the digest was made of
  digest_algorithm algorithm = digest_algorithm::md5;
  digest_qop qop = digest_qop::none;
  sip::plain_text nonce;
  sip::plain_text cnonce;
  sip::plain_text uri;
  std::string_view nonce_count = {}; ///< as it stands; eight digits, or nothing without qop
  std::uint32_t count = 1;           ///< the same as a number
  sip::hex_bytes response;
  std::string_view method = {};
  std::string_view body = {};

  /// Before the last "@" of the user name, or all of it.
  [[nodiscard]] std::string_view user() const noexcept;
  /// Behind it; empty when there is none. A ha1 is then of the whole user name.
  [[nodiscard]] std::string_view domain() const noexcept;
};

struct authentication_settings {
  /// What is offered and accepted, the preferred first (RFC 8760 2.3). What is not among them is
  /// never accepted. Who is between phone and server can take the better ones out of a challenge:
  /// whoever offers MD5, too, can be brought to it (RFC 7616 5.8), whatever its place.
  std::vector<digest_algorithm> algorithms{digest_algorithm::sha_256, digest_algorithm::md5};
  digest_uri_rule uri_rule = digest_uri_rule::same_target;
};

/// Immutable, over nonces that all share. Any thread.
class authentication {
 public:
  static constexpr std::size_t longest_username = 255; ///< bytes

  /// \param shared outlives it. Throws std::invalid_argument without algorithms, with one twice,
  ///               or with one that the library does not have (MD5 under FIPS rules).
  authentication(authentication_settings settings, nonce_issuer& shared);

  [[nodiscard]] const authentication_settings& settings() const noexcept { return settings_; }

  /// The credentials that count: of the lines for `space.by`, the first of the realm by an
  /// algorithm that is offered. Others are for other servers (RFC 3261 22.3). Allocates only for
  /// escaped characters. A user name with control characters, or that is not UTF-8, is malformed.
  /// \param request as it arrived: with a Request-URI that was rewritten since, all is malformed
  /// \return none, malformed or exempt when there is nothing to judge
  [[nodiscard]] result<auth_claim, auth_verdict> read(const sip::message& request,
                                                      const protection_space& space) const;

  /// Judges them, once for a request: good takes the count of the nonce, and whoever asks again is
  /// told that it is stale.
  /// \param known of the whole user name, the realm and the claim's algorithm; null for an unknown
  ///              user, which takes as long
  /// \return good, stale, wrong, malformed or failed
  [[nodiscard]] auth_verdict judge(const auth_claim& claim, const ha1* known,
                                   const protection_space& space, instant now) const noexcept;

  /// Adds the challenge headers, one for each algorithm, in this order (RFC 8760 2.3). One nonce
  /// serves all. Allocates only for a realm with quotes or backslashes.
  /// \param to  a response of challenge_status(space.by)
  /// \param why the verdict that led here; stale is told to the phone
  /// \return false when a nonce could not be made, or the realm is no text for a header: without
  ///         a challenge the response must not be sent
  [[nodiscard]] bool add_challenges(sip::response_writer& to, const protection_space& space,
                                    qop_offer offer, auth_verdict why, instant now) const;

 private:
  [[nodiscard]] bool offers(digest_algorithm algorithm) const noexcept;

  authentication_settings settings_;
  nonce_issuer& nonces_;
  ha1 nobody_; ///< one that no password has, in the digits of the longest
  ha1 nobody_short_;
};

} // namespace tandem::stack
