// SPDX-License-Identifier: Apache-2.0
// A phone for tests that is made of nothing but the arithmetic of digest authentication.
#pragma once

#include <tandem/sip/headers.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/stack/authentication.hpp>
#include <tandem/stack/messages_for_test.hpp>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::stack::for_test {

/// What a phone writes; a test changes what it likes.
struct digest_phone {
  std::string username = "alice";
  std::string realm = "example.com";
  std::string password = "secret";
  digest_algorithm algorithm = digest_algorithm::sha_256;
  digest_qop qop = digest_qop::auth;
  std::string method = "REGISTER";
  std::string uri = "sip:example.com";
  std::string cnonce = "abc";
  std::string body = "";
  std::string request_uri = "sip:example.com";

  static std::string in_quotes(std::string_view text) {
    return '"' + sip::escape_quoted(text) + '"';
  }

  /// A value of Authorization.
  [[nodiscard]] std::string credentials(const std::string& nonce, unsigned count = 1) const {
    std::array<char, 9> nc;
    std::snprintf(nc.data(), nc.size(), "%08x", count);
    const bool has_qop = qop != digest_qop::none;
    const auto secret = make_ha1(algorithm, username, realm, password);
    const auto made = digest_response(*secret, {.algorithm = algorithm,
                                                .qop = qop,
                                                .method = method,
                                                .uri = uri,
                                                .nonce = nonce,
                                                .nonce_count = nc.data(),
                                                .cnonce = cnonce,
                                                .body = body});
    std::string text = "Digest username=" + in_quotes(username) + ", realm=" + in_quotes(realm) +
                       ", nonce=" + in_quotes(nonce) + ", uri=" + in_quotes(uri) + ", response=\"" +
                       std::string{crypto::hex_digest{*made}.view()} +
                       "\", algorithm=" + std::string{to_string(algorithm)};
    if (has_qop || is_of_session(algorithm)) text += ", cnonce=" + in_quotes(cnonce);
    if (has_qop) text += ", qop=" + std::string{to_string(qop)} + ", nc=" + nc.data();
    return text;
  }

  [[nodiscard]] sip::message request(std::string_view lines) const {
    return make_request(
        {.method = method, .uri = request_uri, .more = std::string{lines}, .body = body});
  }
};

/// The response with the challenges of a server; nothing when there are none.
inline std::optional<sip::message> challenged_by(const authentication& server,
                                                 const sip::message& request,
                                                 const protection_space& space, qop_offer offer,
                                                 auth_verdict why, instant now) {
  sip::response_writer out{request, challenge_status(space.by), "", "tag"};
  if (!server.add_challenges(out, space, offer, why, now)) return std::nullopt;
  auto made = out.finish();
  if (!made) return std::nullopt;
  const auto& [block, size] = *made;
  return parsed({block.data(), size});
}

/// The values of its challenges, one a line.
inline std::vector<std::string> challenges_of(const sip::message& response, challenger by) {
  std::vector<std::string> all;
  const auto header = challenge_header(by);
  for (std::size_t i = response.find(header); i != sip::message::npos;
       i = response.find(header, i + 1))
    all.emplace_back(response.value(i));
  return all;
}

} // namespace tandem::stack::for_test
