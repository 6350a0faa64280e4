// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/digest_client.hpp>

#include <tandem/base/big_endian.hpp>
#include <tandem/base/hex.hpp>
#include <tandem/base/random.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/auth.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/message_editor.hpp>
#include <tandem/sip/plain_text.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <stdexcept>

namespace tandem::stack {

namespace {

using sip::plain_text;

/// May go between quotes as it stands.
bool is_printable(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

/// The best qop that is offered; nothing when we have none of them (RFC 7616 3.3: unknown ones are
/// ignored).
std::optional<digest_qop> choose_qop(const sip::challenge& challenge) noexcept {
  if (!challenge.params.has("qop")) return digest_qop::none;
  // The body may be changed by what is in between (RFC 3261 26.3.1), so auth is the first choice.
  for (const digest_qop each : {digest_qop::auth, digest_qop::auth_int})
    if (challenge.offers_qop(to_string(each))) return each;
  return std::nullopt;
}

/// A number in hexadecimal digits, two for each of its `size` bytes.
std::string hex(std::uint64_t number, std::size_t size) {
  std::array<std::uint8_t, 8> bytes;
  put_big_endian(bytes.data(), number, size);
  std::string text(2 * size, '0');
  write_hex(text.data(), std::span{bytes}.first(size));
  return text;
}

std::string make_cnonce() { return hex(random_bits(), 8) + hex(random_bits(), 8); }

/// The nonce of the credentials that a request has for a realm.
std::optional<std::string> nonce_sent(const sip::message& request, challenger by,
                                      std::string_view realm) {
  const sip::header_id header = credentials_header(by);
  for (std::size_t i = request.find(header); i != sip::message::npos;
       i = request.find(header, i + 1)) {
    const auto sent = sip::credentials::parse(request.value(i));
    if (sent && sent->is_digest() && plain_text{sent->realm()}.view() == realm)
      return std::string{sent->nonce()};
  }
  return std::nullopt;
}

/// RFC 3261 22.2: what was rejected is not tried again, unless only the nonce was too old. Of one
/// that the server has forgotten many servers do not say so, hence the first answer goes.
bool is_refusal(const sip::message& request, const sip::challenge& challenge, challenger by,
                std::string_view realm, unsigned round) {
  const auto sent = nonce_sent(request, by, realm);
  if (!sent) return false;
  return *sent == challenge.nonce() || (round > 0 && !challenge.is_stale());
}

} // namespace

digest_client::digest_client(std::vector<client_account> accounts)
    : accounts_{std::move(accounts)} {
  for (const client_account& each : accounts_)
    for (const std::string_view text : {each.realm, each.host, each.username})
      if (text.empty() || !is_printable(text))
        throw std::invalid_argument{
            "an account for digest authentication needs a realm, a host and a user name"};
}

std::optional<std::size_t> digest_client::find_account(std::string_view realm,
                                                       std::string_view host) const {
  for (std::size_t i = 0; i < accounts_.size(); ++i)
    if (accounts_[i].realm == realm && iequals(accounts_[i].host, host)) return i;
  return std::nullopt;
}

result<std::vector<credentials_line>, digest_client_errc>
digest_client::answer(const sip::message& request, const sip::message& response,
                      std::string_view host, unsigned round) {
  using enum digest_client_errc;
  if (response.status() != 401 && response.status() != 407) return tl::unexpected{not_challenged};
  if (round >= most_rounds) return tl::unexpected{refused};
  std::vector<credentials_line> lines;
  digest_client_errc why_not = not_challenged;
  const auto note = [&why_not](digest_client_errc why) { why_not = std::max(why_not, why); };
  for (const challenger by : challengers) {
    const sip::header_id from = challenge_header(by);
    for (std::size_t i = response.find(from); i != sip::message::npos;
         i = response.find(from, i + 1)) {
      const auto challenge = sip::challenge::parse(response.value(i));
      if (!challenge || !challenge->is_digest()) continue;
      const plain_text realm{challenge->realm()};
      const auto is_for_it = [&](const credentials_line& l) {
        return l.by == by && l.realm == realm.view();
      };
      if (std::ranges::any_of(lines, is_for_it))
        continue; // RFC 8760 2.4: the first that we have is the one
      const auto account = find_account(realm.view(), host);
      if (!account) {
        note(no_account);
        continue;
      }
      if (is_refusal(request, *challenge, by, realm.view(), round)) {
        std::erase_if(sessions_,
                      [&](const session& s) { return s.account == *account && s.by == by; });
        note(refused);
        continue;
      }
      auto line = answer(request, *challenge, by, *account);
      if (line)
        lines.push_back(std::move(*line));
      else
        note(line.error());
    }
  }
  if (lines.empty()) return tl::unexpected{why_not};
  return lines;
}

result<credentials_line, digest_client_errc> digest_client::answer(const sip::message& request,
                                                                   const sip::challenge& challenge,
                                                                   challenger by,
                                                                   std::size_t account) {
  using enum digest_client_errc;
  const auto algorithm = parse_digest_algorithm(challenge.algorithm());
  const auto qop = choose_qop(challenge);
  const auto& ours = accounts_[account].algorithms;
  if (!algorithm || !qop || std::ranges::find(ours, *algorithm) == ours.end() ||
      challenge.nonce().empty() || challenge.params.text().size() > longest_challenge ||
      !is_printable(challenge.params.text()))
    return tl::unexpected{unsupported};
  session& with = open(challenge, by, account);
  with.algorithm = *algorithm;
  with.qop = *qop;
  auto line = write(with, request);
  if (!line) return tl::unexpected{failed};
  return std::move(*line);
}

digest_client::session& digest_client::open(const sip::challenge& challenge, challenger by,
                                            std::size_t account) {
  auto at = std::ranges::find_if(
      sessions_, [&](const session& s) { return s.account == account && s.by == by; });
  if (at == sessions_.end()) {
    at = sessions_.emplace(at);
    at->account = account;
    at->by = by;
  }
  // The same nonce once more: its counts go on (RFC 7616 3.4).
  if (at->nonce != challenge.nonce()) {
    at->nonce = challenge.nonce();
    at->cnonce = make_cnonce();
    at->count = 0;
  }
  at->opaque.reset();
  if (challenge.params.has("opaque")) at->opaque = std::string{challenge.opaque()};
  at->names_algorithm = challenge.params.has("algorithm");
  at->hashes_username = iequals(challenge.params.value("userhash"), "true");
  return *at;
}

std::optional<credentials_line> digest_client::write(session& with,
                                                     const sip::message& request) const {
  const client_account& account = accounts_[with.account];
  if (with.count == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  const std::string nonce_count = hex(++with.count, 4);
  const auto secret =
      make_ha1(with.algorithm, account.username, account.realm, account.password.reveal());
  if (!secret) return std::nullopt;
  const auto response = digest_response(*secret, {.algorithm = with.algorithm,
                                                  .qop = with.qop,
                                                  .method = request.method_text(),
                                                  .uri = request.request_uri(),
                                                  .nonce = plain_text{with.nonce}.view(),
                                                  .nonce_count = nonce_count,
                                                  .cnonce = with.cnonce,
                                                  .body = request.body()});
  if (!response) return std::nullopt;
  std::string username = sip::escape_quoted(account.username);
  if (with.hashes_username) {
    const auto hashed =
        crypto::hash(hash_of(with.algorithm), {account.username, ":", account.realm});
    if (!hashed) return std::nullopt;
    username = crypto::hex_digest{*hashed}.view();
  }
  std::string value;
  const auto add_quoted = [&value](std::string_view name, std::string_view text) {
    value += value.empty() ? "Digest " : ", ";
    value.append(name).append("=\"").append(text) += '"';
  };
  const auto add = [&value](std::string_view name, std::string_view text) {
    value.append(", ").append(name).append("=").append(text);
  };
  add_quoted("username", username);
  add_quoted("realm", sip::escape_quoted(account.realm));
  add_quoted("nonce", with.nonce);
  add_quoted("uri", sip::escape_quoted(request.request_uri()));
  add_quoted("response", crypto::hex_digest{*response}.view());
  if (with.names_algorithm) add("algorithm", to_string(with.algorithm));
  if (with.qop != digest_qop::none || is_of_session(with.algorithm))
    add_quoted("cnonce", with.cnonce);
  if (with.qop != digest_qop::none) {
    add("qop", to_string(with.qop));
    add("nc", nonce_count);
  }
  if (with.opaque) add_quoted("opaque", *with.opaque);
  if (with.hashes_username) add("userhash", "true");
  return credentials_line{with.by, account.realm, std::move(value)};
}

std::vector<credentials_line> digest_client::repeat(const sip::message& request,
                                                    std::string_view host) {
  std::vector<credentials_line> lines;
  if (!may_be_challenged(request.method())) return lines;
  for (session& each : sessions_) {
    if (!iequals(accounts_[each.account].host, host)) continue;
    if (auto line = write(each, request)) lines.push_back(std::move(*line));
  }
  return lines;
}

bool put_credentials(sip::message& request, const std::vector<credentials_line>& lines) {
  for (const credentials_line& line : lines) {
    erase_credentials(request, line.by, line.realm);
    if (!request.edit().append(credentials_header(line.by), line.value)) return false;
  }
  return true;
}

} // namespace tandem::stack
