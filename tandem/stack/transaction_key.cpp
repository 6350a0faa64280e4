// SPDX-License-Identifier: Apache-2.0
#include <tandem/stack/transaction_key.hpp>

#include <tandem/base/letters.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip/lexical.hpp>
#include <tandem/sip/magic_cookie.hpp>
#include <tandem/sip/message.hpp>

#include <string>

namespace tandem::stack {

namespace {

constexpr std::uint64_t client_side = 0x636c69656e740000; // apart from every server key

/// A number for the method; ACK counts as the INVITE it is about (RFC 3261 17.2.3).
std::uint64_t class_of(sip::method method, std::string_view text, const hash_key& secret) noexcept {
  switch (method) {
  case sip::method::ack: return static_cast<std::uint64_t>(sip::method::invite);
  case sip::method::unknown: return keyed_hash(secret, text);
  default: return static_cast<std::uint64_t>(method);
  }
}

/// Under the secret `common` is spread evenly already, so that a constant tells the methods apart.
constexpr std::uint64_t with_method(std::uint64_t common, std::uint64_t method) noexcept {
  return common ^ (method * 0x9e3779b97f4a7c15);
}

} // namespace

std::optional<request_keys> keys_of_request(const sip::message& request,
                                            const hash_key& secret) noexcept {
  const auto key = request.key();
  if (!key) return std::nullopt;
  std::uint64_t common = 0;
  if (sip::has_magic_cookie(key->branch)) {
    common = keyed_hash(secret, key->branch, key->sent_by_host, key->sent_by_port);
  } else {
    // RFC 3261 17.2.3: the To tag is left out, since that of an ACK is the response's and all else
    // tells two requests of one Call-ID apart.
    common = keyed_hash(secret, key->from_tag, key->call_id, key->cseq);
    common = keyed_hash(secret, request.request_uri(), request.top_via(), common);
  }
  request_keys keys;
  keys.own = with_method(common, class_of(request.method(), request.method_text(), secret));
  keys.invite = with_method(common, static_cast<std::uint64_t>(sip::method::invite));
  return keys;
}

std::uint64_t call_key(const sip::message& request, const hash_key& secret) noexcept {
  return keyed_hash(secret, request.call_id());
}

std::optional<std::uint64_t> key_of_response(const sip::message& response,
                                             const hash_key& secret) noexcept {
  const auto key = response.key();
  if (!key || !sip::has_magic_cookie(key->branch))
    return std::nullopt; // RFC 3261 17.1.3: ours have it
  return client_key(key->branch, key->cseq_method_text, secret);
}

std::uint64_t client_key(std::string_view branch, std::string_view method,
                         const hash_key& secret) noexcept {
  return keyed_hash(secret, branch, method, client_side);
}

std::optional<std::uint64_t> key_of_quoted_request(std::string_view quoted,
                                                   const hash_key& secret) noexcept {
  const std::string_view method = quoted.substr(0, quoted.find(' '));
  // Of the Via: a URI has whatever parameters a peer gave it.
  constexpr std::string_view header = "\r\nVia:";
  constexpr std::string_view parameter = ";branch=";
  const std::size_t via = quoted.find(header);
  if (!sip::is_token(method) || via == std::string_view::npos) return std::nullopt;
  const std::string_view line = quoted.substr(via + header.size());
  const std::size_t at = line.find(parameter);
  if (at == std::string_view::npos || line.find('\r') < at) return std::nullopt;
  sip::cursor rest{line.substr(at + parameter.size())};
  const std::string_view branch = rest.take_token();
  if (branch.empty() || rest.at_end()) return std::nullopt; // cut in the middle of it
  return client_key(branch, method, secret);
}

std::optional<std::uint64_t> key_of_quoted_response(std::string_view quoted,
                                                    const hash_key& secret) {
  if (!quoted.starts_with("SIP/2.0 ")) return std::nullopt;
  // Its whole lines are a message that can be read.
  const std::size_t end = quoted.rfind("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const auto parsed = sip::message::parse(std::string{quoted.substr(0, end)} + "\r\n\r\n");
  if (!parsed) return std::nullopt;
  const auto key = parsed->key();
  if (!key || !sip::has_magic_cookie(key->branch)) return std::nullopt;
  return with_method(keyed_hash(secret, key->branch, key->sent_by_host, key->sent_by_port),
                     class_of(key->cseq_method, key->cseq_method_text, secret));
}

local_tag local_tag_of(const sip::message& request, const hash_key& secret) noexcept {
  std::uint64_t bits = 0;
  if (const auto key = request.key())
    bits = keyed_hash(secret, key->call_id, key->from_tag, key->cseq);
  local_tag tag;
  write_letters(tag.text.data(), bits, tag.text.size());
  return tag;
}

} // namespace tandem::stack
