// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/digest.hpp>

#include <tandem/base/text.hpp>

#include <array>

namespace tandem::stack {

namespace {

constexpr std::array<std::string_view, digest_algorithm_count> algorithm_names{
    "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"};
constexpr std::array<std::string_view, 3> qop_names{"", "auth", "auth-int"};

template <typename Enum, std::size_t N>
std::optional<Enum> find(const std::array<std::string_view, N>& names,
                         std::string_view text) noexcept {
  for (std::size_t i = 0; i < N; ++i)
    if (iequals(names[i], text)) return static_cast<Enum>(i);
  return std::nullopt;
}

} // namespace

std::string_view to_string(digest_algorithm algorithm) noexcept {
  return algorithm_names[static_cast<std::size_t>(algorithm)];
}

std::optional<digest_algorithm> parse_digest_algorithm(std::string_view text) noexcept {
  if (text.empty()) return digest_algorithm::md5;
  return find<digest_algorithm>(algorithm_names, text);
}

crypto::hash_function hash_of(digest_algorithm algorithm) noexcept {
  return static_cast<crypto::hash_function>(static_cast<unsigned>(algorithm) / 2);
}
static_assert(static_cast<unsigned>(digest_algorithm::sha_512_256) / 2 ==
              static_cast<unsigned>(crypto::hash_function::sha512_256));

bool is_of_session(digest_algorithm algorithm) noexcept {
  return static_cast<unsigned>(algorithm) % 2 != 0;
}

std::size_t digest_length(digest_algorithm algorithm) noexcept {
  return hash_of(algorithm) == crypto::hash_function::md5 ? 32 : 64;
}

std::string_view to_string(digest_qop qop) noexcept {
  return qop_names[static_cast<std::size_t>(qop)];
}

std::optional<digest_qop> parse_digest_qop(std::string_view text) noexcept {
  return find<digest_qop>(qop_names, text);
}

std::string_view to_string(qop_offer offer) noexcept {
  constexpr std::array<std::string_view, 4> texts{"", "auth", "auth-int", "auth,auth-int"};
  return texts[static_cast<std::size_t>(offer)];
}

bool is_offered(digest_qop qop, qop_offer by) noexcept {
  switch (by) {
  case qop_offer::none: return qop == digest_qop::none;
  case qop_offer::auth: return qop == digest_qop::auth;
  case qop_offer::auth_int: return qop == digest_qop::auth_int;
  case qop_offer::auth_or_auth_int: return qop != digest_qop::none;
  }
  return false;
}

std::optional<ha1> make_ha1(digest_algorithm algorithm, std::string_view username,
                            std::string_view realm, std::string_view password) noexcept {
  return crypto::hash_secret(hash_of(algorithm), {username, ":", realm, ":", password});
}

std::optional<crypto::message_digest> digest_response(const ha1& secret,
                                                      const digest_input& of) noexcept {
  const crypto::hash_function function = hash_of(of.algorithm);
  std::optional<ha1> of_session;
  if (is_of_session(of.algorithm)) { // 3.4.2: A1 = H(...) ":" nonce ":" cnonce
    of_session = crypto::hash_secret(function, {secret.reveal(), ":", of.nonce, ":", of.cnonce});
    if (!of_session) return std::nullopt;
  }
  const std::string_view a1 = (of_session ? *of_session : secret).reveal();
  std::optional<crypto::message_digest> a2;
  if (of.qop == digest_qop::auth_int) { // 3.4.3: A2 = Method ":" uri ":" H(entity-body)
    const auto body = crypto::hash(function, {of.body});
    if (!body) return std::nullopt;
    const crypto::hex_digest text{*body};
    a2 = crypto::hash(function, {of.method, ":", of.uri, ":", text.view()});
  } else {
    a2 = crypto::hash(function, {of.method, ":", of.uri});
  }
  if (!a2) return std::nullopt;
  const crypto::hex_digest ha2{*a2};
  if (of.qop == digest_qop::none) // RFC 2069 2.1.2
    return crypto::hash(function, {a1, ":", of.nonce, ":", ha2.view()});
  return crypto::hash(function, {a1, ":", of.nonce, ":", of.nonce_count, ":", of.cnonce, ":",
                                 to_string(of.qop), ":", ha2.view()});
}

} // namespace tandem::stack
