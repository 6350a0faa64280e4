// SPDX-License-Identifier: Apache-2.0
// The arithmetic of digest authentication (RFC 7616 3.4, RFC 8760), the same for who asks and who
// answers: algorithms, qop, A1, A2, the response. Pure, any thread. All texts are what quoted
// strings mean, their pairs resolved.
#pragma once

#include <tandem/crypto/hash.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace tandem::stack {

/// RFC 7616 3.3, RFC 8760 2.1.
enum class digest_algorithm : std::uint8_t {
  md5,
  md5_sess,
  sha_256,
  sha_256_sess,
  sha_512_256,
  sha_512_256_sess,
};
inline constexpr std::size_t digest_algorithm_count = 6;

/// The token on the wire: "SHA-256-sess".
[[nodiscard]] std::string_view to_string(digest_algorithm algorithm) noexcept;
/// Case ignored; an empty text is MD5 (RFC 7616 3.3). Nothing for any other.
[[nodiscard]] std::optional<digest_algorithm>
parse_digest_algorithm(std::string_view text) noexcept;
[[nodiscard]] crypto::hash_function hash_of(digest_algorithm algorithm) noexcept;
/// A1 is of the session: it has a nonce and a cnonce in it (3.4.2).
[[nodiscard]] bool is_of_session(digest_algorithm algorithm) noexcept;
/// The digits of a response, and of a ha1: 32 or 64.
[[nodiscard]] std::size_t digest_length(digest_algorithm algorithm) noexcept;

/// Quality of protection: what the response is made of (3.4.3).
enum class digest_qop : std::uint8_t {
  none,     ///< no qop parameter, as in RFC 2069
  auth,     ///< method and URI
  auth_int, ///< the body, too
};
/// The token on the wire; empty for none.
[[nodiscard]] std::string_view to_string(digest_qop qop) noexcept;
/// Case ignored; an empty text is none. Nothing for any other.
[[nodiscard]] std::optional<digest_qop> parse_digest_qop(std::string_view text) noexcept;

/// Which qop values a challenge offers.
enum class qop_offer : std::uint8_t {
  none, ///< as in RFC 2069; each nonce then serves once
  auth,
  auth_int,
  auth_or_auth_int,
};
/// As the challenge has it: "auth,auth-int"; empty for none.
[[nodiscard]] std::string_view to_string(qop_offer offer) noexcept;
[[nodiscard]] bool is_offered(digest_qop qop, qop_offer by) noexcept;

/// H(username:realm:password): what is stored in place of a password (3.4.2). Whoever knows it is
/// let in to that realm. It is the same for an algorithm and its -sess.
using ha1 = crypto::secret_digest;

/// Nothing when the hash cannot be made.
[[nodiscard]] std::optional<ha1> make_ha1(digest_algorithm algorithm, std::string_view username,
                                          std::string_view realm,
                                          std::string_view password) noexcept;

/// What a response is made of, but for the secret.
struct digest_input {
  digest_algorithm algorithm = digest_algorithm::md5;
  digest_qop qop = digest_qop::none;
  std::string_view method = {};
  std::string_view uri = {}; ///< as the credentials have it
  std::string_view nonce = {};
  std::string_view nonce_count = {}; ///< eight digits; nothing without qop
  std::string_view cnonce = {};      ///< nothing without qop, unless the algorithm is of a session
  std::string_view body = {};        ///< for auth-int
};

/// The response (3.4.1). Nothing when a hash cannot be made.
/// Deviates: the A1 of a -sess algorithm is of the nonce and cnonce that began the session (3.4.2);
/// here it is of those of this response, since a server that keeps no sessions knows no others. A
/// client that goes on with another cnonce and its old A1 is not recognised.
[[nodiscard]] std::optional<crypto::message_digest>
digest_response(const ha1& secret, const digest_input& of) noexcept;

} // namespace tandem::stack
