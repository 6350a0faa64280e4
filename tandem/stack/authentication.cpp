// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/authentication.hpp>

#include <tandem/base/random.hpp>
#include <tandem/base/text.hpp>
#include <tandem/base/utf8.hpp>
#include <tandem/crypto/compare.hpp>
#include <tandem/sip/escape.hpp>
#include <tandem/sip/uri.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace tandem::stack {

namespace {

enum part : std::uint8_t {
  username,
  realm,
  nonce,
  uri,
  response,
  algorithm,
  cnonce,
  qop,
  nc,
  userhash,
  part_count
};
constexpr std::array<std::string_view, part_count> part_names{
    "username",  "realm",  "nonce", "uri", "response",
    "algorithm", "cnonce", "qop",   "nc",  "userhash"};

/// The parameters that count, read in one pass.
struct digest_parts {
  std::array<std::optional<std::string_view>, part_count> values;
  bool has_repeated = false; ///< not every reader would take the same one

  explicit digest_parts(const sip::auth_params& params) noexcept {
    for (const sip::param& each : params) {
      for (std::size_t i = 0; i < part_count; ++i) {
        if (!iequals(each.name, part_names[i])) continue;
        has_repeated |= values[i].has_value();
        values[i] = each.value;
        break;
      }
    }
  }
  [[nodiscard]] std::string_view operator[](part i) const noexcept {
    return values[i].value_or(std::string_view{});
  }
  /// What every response needs stands there (RFC 7616 3.4).
  [[nodiscard]] bool has_required() const noexcept {
    return !(*this)[username].empty() && !(*this)[nonce].empty() && !(*this)[uri].empty() &&
           !(*this)[response].empty();
  }
};

bool is_realm(std::string_view between_quotes, std::string_view plain) {
  return sip::plain_text{between_quotes}.view() == plain;
}

/// It goes into logs, programs and databases, whatever pairs it was written with.
bool is_username(std::string_view plain) noexcept {
  return !plain.empty() && plain.size() <= authentication::longest_username && is_utf8(plain) &&
         std::ranges::all_of(
             plain, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

std::optional<auth_claim> claim_of(const sip::credentials& credentials, const digest_parts& parts,
                                   digest_algorithm by) {
  if (parts.has_repeated || !parts.has_required()) return std::nullopt;
  // RFC 7616 3.4.4: only where the challenge asked for hashed user names, and ours do not.
  if (iequals(parts[userhash], "true")) return std::nullopt;
  auth_claim claim;
  claim.algorithm = by;
  const auto protection = parse_digest_qop(parts[qop]);
  if (!protection || (parts.values[qop] && parts[qop].empty())) return std::nullopt;
  claim.qop = *protection;
  const auto answer = sip::parse_hex_bytes(parts[response]);
  if (!answer || 2 * answer->size != digest_length(by)) return std::nullopt;
  claim.response = *answer;
  if (claim.qop != digest_qop::none) {
    const auto count = credentials.nc();
    if (!count || *count == 0) return std::nullopt;
    claim.count = *count;
    claim.nonce_count = parts[nc];
  }
  const bool has_cnonce = !parts[cnonce].empty();
  if (!has_cnonce && (claim.qop != digest_qop::none || is_of_session(by))) return std::nullopt;
  claim.username = sip::plain_text{parts[username]};
  claim.nonce = sip::plain_text{parts[nonce]};
  claim.cnonce = sip::plain_text{parts[cnonce]};
  claim.uri = sip::plain_text{parts[uri]};
  if (!is_username(claim.username.view())) return std::nullopt;
  return claim;
}

/// RFC 3261 19.1.2
std::uint16_t port_of(const sip::uri& of) noexcept {
  return of.port().value_or(of.scheme() == sip::uri_scheme::sips ? 5061 : 5060);
}

bool has_same_target(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto one = sip::uri::parse(a);
  const auto other = sip::uri::parse(b);
  if (!one || !other || one->scheme() != other->scheme()) return false;
  if (!one->is_sip()) return sip::equivalent(*one, *other);
  return port_of(*one) == port_of(*other) && sip::equivalent(one->host(), other->host()) &&
         sip::means_same_escaped(one->user(), other->user(), sip::letter_case::exact);
}

} // namespace

std::string_view auth_claim::user() const noexcept {
  const std::string_view all = username.view();
  return all.substr(0, all.rfind('@'));
}

std::string_view auth_claim::domain() const noexcept {
  const std::string_view all = username.view();
  const std::size_t at = all.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : all.substr(at + 1);
}

authentication::authentication(authentication_settings settings, nonce_issuer& shared)
    : settings_{std::move(settings)}, nonces_{shared} {
  const auto& all = settings_.algorithms;
  if (all.empty()) throw std::invalid_argument{"authentication needs at least one algorithm"};
  for (auto it = all.begin(); it != all.end(); ++it) {
    if (std::find(all.begin(), it, *it) != it)
      throw std::invalid_argument{std::string{to_string(*it)} + " stands twice"};
    if (!crypto::hash(hash_of(*it), {}))
      throw std::invalid_argument{std::string{to_string(*it)} + " is not available here"};
  }
  crypto::message_digest random;
  random.size = random.bytes.size();
  fill_random(random.bytes.data(), random.size);
  nobody_ = ha1{random};
  random.size = 16;
  nobody_short_ = ha1{random};
}

bool authentication::offers(digest_algorithm algorithm) const noexcept {
  return std::ranges::find(settings_.algorithms, algorithm) != settings_.algorithms.end();
}

result<auth_claim, auth_verdict> authentication::read(const sip::message& request,
                                                      const protection_space& space) const {
  using enum auth_verdict;
  if (!may_be_challenged(request.method())) return tl::unexpected{exempt};
  auth_verdict otherwise = none;
  const sip::header_id header = credentials_header(space.by);
  for (std::size_t i = request.find(header); i != sip::message::npos;
       i = request.find(header, i + 1)) {
    const auto credentials = sip::credentials::parse(request.value(i));
    if (!credentials) {
      sip::cursor at{request.value(i)};
      if (iequals(at.take_token(), "Digest")) otherwise = malformed; // unless good ones follow
      continue;
    }
    if (!credentials->is_digest()) continue; // RFC 4475 3.3.7: as if there were none
    const digest_parts parts{credentials->params};
    if (!parts.values[realm]) otherwise = malformed;
    if (!parts.values[realm] || !is_realm(parts[realm], space.realm)) continue;
    // RFC 8760 2.3: one that was not offered is as none.
    const auto by = parse_digest_algorithm(parts[algorithm]);
    if (!by || !offers(*by)) continue;
    auto claim = claim_of(*credentials, parts, *by);
    if (!claim) return tl::unexpected{malformed};
    if (settings_.uri_rule == digest_uri_rule::same_target &&
        !has_same_target(claim->uri.view(), request.request_uri()))
      return tl::unexpected{malformed}; // RFC 7616 3.4.6
    claim->method = request.method_text();
    claim->body = request.body();
    return std::move(*claim);
  }
  return tl::unexpected{otherwise};
}

auth_verdict authentication::judge(const auth_claim& claim, const ha1* known,
                                   const protection_space& space, instant now) const noexcept {
  using enum auth_verdict;
  // All is computed whatever the user is, so that time does not tell who exists.
  const std::size_t length = digest_length(claim.algorithm);
  const bool is_known = known && known->reveal().size() == length;
  const ha1& nobody = length == 32 ? nobody_short_ : nobody_;
  const auto expected =
      digest_response(is_known ? *known : nobody, {.algorithm = claim.algorithm,
                                                   .qop = claim.qop,
                                                   .method = claim.method,
                                                   .uri = claim.uri.view(),
                                                   .nonce = claim.nonce.view(),
                                                   .nonce_count = claim.nonce_count,
                                                   .cnonce = claim.cnonce.view(),
                                                   .body = claim.body});
  const auto ticket = nonces_.read(claim.nonce.view(), space.realm, space.source, now);
  if (!expected) return failed;
  const std::span given = std::span{claim.response.bytes}.first(claim.response.size);
  const bool is_right = crypto::is_equal(expected->view(), given);
  if (!is_known || !is_right) return wrong;
  // RFC 7616 3.3: stale only when the password was right.
  if (!ticket) return stale;
  if (!is_offered(claim.qop, ticket->offer)) return malformed;
  return nonces_.take(*ticket, claim.count, now) ? good : stale;
}

bool authentication::add_challenges(sip::response_writer& to, const protection_space& space,
                                    qop_offer offer, auth_verdict why, instant now) const {
  // Refused here already, not for each line.
  if (!sip::is_all(sip::char_class::text, space.realm)) return false;
  const auto nonce = nonces_.make({space.realm, space.source, offer}, now);
  if (!nonce) return false;
  const bool is_plain = space.realm.find_first_of("\"\\") == std::string_view::npos;
  const std::string escaped = is_plain ? std::string{} : sip::escape_quoted(space.realm);
  const std::string_view stale = why == auth_verdict::stale ? ", stale=true" : "";
  const std::string_view qop = to_string(offer);
  for (const digest_algorithm each : settings_.algorithms) {
    const auto added = to.add(
        challenge_header(space.by),
        {"Digest realm=\"", is_plain ? space.realm : std::string_view{escaped}, "\", nonce=\"",
         std::string_view{nonce->data(), nonce->size()}, "\", algorithm=", to_string(each),
         qop.empty() ? "" : ", qop=\"", qop, qop.empty() ? "" : "\"", stale});
    if (!added) return false;
  }
  return true;
}

} // namespace tandem::stack
