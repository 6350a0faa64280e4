// SPDX-License-Identifier: Apache-2.0
// Answers challenges with the accounts that are configured (RFC 3261 22.2, 22.3; RFC 7616, RFC
// 8760), and nobody else's: whoever is not named by realm and host gets no response that he could
// try passwords on. Sans-I/O. One thread; what it keeps is bounded by the accounts.
//
//   auto lines = client.answer(request, response, next_hop_name, round);
//   if (lines) put_credentials(retry, *lines);   // with a new branch and CSeq (RFC 3261 8.1.3.5)
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/secret.hpp>
#include <tandem/sip/auth.hpp>
#include <tandem/sip/message.hpp>
#include <tandem/stack/challenger.hpp>
#include <tandem/stack/digest.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::stack {

/// Who we are at one server.
struct client_account {
  std::string realm; ///< exactly as the server writes it
  std::string host;  ///< that requests are sent to; case does not matter
  std::string username;
  secret password;
  /// Challenges by others are not answered. Who is between the two can take away all challenges but
  /// the weakest of these: leave MD5 out where the server has better (RFC 7616 5.8).
  std::vector<digest_algorithm> algorithms{
      digest_algorithm::sha_512_256,  digest_algorithm::sha_256,
      digest_algorithm::md5,          digest_algorithm::sha_512_256_sess,
      digest_algorithm::sha_256_sess, digest_algorithm::md5_sess};
};

enum class digest_client_errc : std::uint8_t {
  not_challenged, ///< no challenge of scheme Digest in it
  no_account,     ///< none for its realm and host
  unsupported,    ///< no algorithm or qop that we have, or more than we would keep
  refused,        ///< a realm did not accept what it got: the password is wrong
  failed,         ///< a hash could not be made
};

/// A header line for the retry.
struct credentials_line {
  challenger by;     ///< whom they are for
  std::string realm; ///< as plain text
  std::string value;
};

class digest_client {
 public:
  static constexpr std::size_t longest_challenge = 2'048; ///< bytes; no longer one is answered
  static constexpr unsigned most_rounds = 3;              ///< answers for one request

  /// Throws std::invalid_argument when a text of an account is empty or no text of a header.
  explicit digest_client(std::vector<client_account> accounts);

  /// Answers the challenges of a 401 or 407: for each realm the first by an algorithm and a qop
  /// that we have (RFC 8760 2.4). One realm that is answered is enough: a fork may join the refusal
  /// of one branch and the first challenge of another (RFC 3261 16.7 step 7).
  /// \param request what was refused, with the credentials that it had
  /// \param host    name of the server it was sent to, as it was configured or dialled; never what
  ///                the response says
  /// \param round   how often this request was answered for before
  [[nodiscard]] result<std::vector<credentials_line>, digest_client_errc>
  answer(const sip::message& request, const sip::message& response, std::string_view host,
         unsigned round);

  /// Credentials for a further request, with the nonces that this host gave before and the next
  /// count of each (RFC 3261 22.2: it spares a round trip). Empty when there are none, and for ACK
  /// and CANCEL: an ACK has those of its INVITE (copy_credentials()), a CANCEL needs none (22.1).
  [[nodiscard]] std::vector<credentials_line> repeat(const sip::message& request,
                                                     std::string_view host);

 private:
  /// A nonce in use: one for each account and challenger. Texts as they stood between quotes.
  struct session {
    std::size_t account = 0;
    challenger by = challenger::user_agent;
    std::string nonce, cnonce;
    std::optional<std::string> opaque;
    digest_algorithm algorithm = digest_algorithm::md5;
    bool names_algorithm = false; ///< the challenge did
    bool hashes_username = false; ///< RFC 7616 3.4.4
    digest_qop qop = digest_qop::none;
    std::uint32_t count = 0; ///< of the last response
  };

  [[nodiscard]] std::optional<std::size_t> find_account(std::string_view realm,
                                                        std::string_view host) const;
  result<credentials_line, digest_client_errc> answer(const sip::message& request,
                                                      const sip::challenge& challenge,
                                                      challenger by, std::size_t account);
  session& open(const sip::challenge& challenge, challenger by, std::size_t account);
  [[nodiscard]] std::optional<credentials_line> write(session& with,
                                                      const sip::message& request) const;

  std::vector<client_account> accounts_;
  std::vector<session> sessions_;
};

/// Puts the lines into a request, in place of those that it has for the same realms.
/// \return whether all were put
[[nodiscard]] bool put_credentials(sip::message& request,
                                   const std::vector<credentials_line>& lines);

} // namespace tandem::stack
