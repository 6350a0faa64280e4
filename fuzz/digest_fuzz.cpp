// SPDX-License-Identifier: Apache-2.0
// Any bytes as credentials for a server, and as a challenge for a client: nobody without the
// password gets in, nothing gets in twice, and what a client answers is credentials that fit into
// one line.
#include <tandem/sip/message.hpp>
#include <tandem/sip/response_writer.hpp>
#include <tandem/stack/authentication.hpp>
#include <tandem/stack/digest_client.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tandem;
using namespace tandem::stack;

void must(bool holds) {
  if (!holds) std::abort();
}

constexpr instant now_is{seconds{1'000'000}};
constexpr protection_space space{.by = challenger::user_agent, .realm = "r"};

std::string rest_of(std::string_view start_line, std::string_view line) {
  return std::string{start_line} +
         "\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@r>;tag=1"
         "\r\nTo: <sip:a@r>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n" +
         std::string{line} + "\r\nContent-Length: 0\r\n\r\n";
}

/// The input as credentials; "$" stands for a nonce that is good.
void ask_server(std::string_view input) {
  static nonce_issuer shared;
  static authentication server{{.algorithms = {digest_algorithm::sha_256, digest_algorithm::md5}},
                               shared};
  const auto asking = sip::message::parse(rest_of("REGISTER sip:r SIP/2.0", "Expires: 1"));
  sip::response_writer out{*asking, 401, "", "tag"};
  must(server.add_challenges(out, space, qop_offer::auth, auth_verdict::none, now_is));
  const auto written = out.finish();
  const auto response = sip::message::parse({written->first.data(), written->second});
  const auto challenge =
      sip::challenge::parse(response->value(response->find(sip::header_id::www_authenticate)));
  std::string value;
  for (const char c : input) {
    if (c == '$')
      value += challenge->nonce();
    else
      value += c;
  }
  const auto request =
      sip::message::parse(rest_of("REGISTER sip:r SIP/2.0", "Authorization: " + value));
  if (!request) return;
  const auto claim = server.read(*request, space);
  if (!claim) return;
  must(!claim->username.view().empty());
  must(claim->username.view().size() <= authentication::longest_username);
  must(claim->count >= 1);
  must(server.judge(*claim, nullptr, space, now_is) == auth_verdict::wrong);
  const auto known = make_ha1(claim->algorithm, claim->username.view(), "r", "a password");
  must(server.judge(*claim, &*known, space, now_is) != auth_verdict::good);
}

void ask_client(std::string_view input) {
  client_account account;
  account.realm = "r";
  account.host = "h";
  account.username = "a";
  std::vector<client_account> all;
  all.push_back(std::move(account));
  digest_client client{std::move(all)};
  const auto request = sip::message::parse(rest_of("REGISTER sip:r SIP/2.0", "Expires: 1"));
  const auto response = sip::message::parse(
      rest_of("SIP/2.0 401 Unauthorized", "WWW-Authenticate: " + std::string{input}));
  if (!response) return;
  must(!client.answer(*request, *response, "another host", 0));
  const auto lines = client.answer(*request, *response, "h", 0);
  if (!lines) return;
  for (const credentials_line& line : *lines) {
    must(line.realm == "r");
    must(line.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string::npos);
    must(sip::credentials::parse(line.value).has_value());
  }
  sip::message retry = request->clone();
  must(put_credentials(retry, *lines));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input{reinterpret_cast<const char*>(data), size};
  if (size > 8'192) return 0;
  ask_server(input);
  ask_client(input);
  return 0;
}
