// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/tls_settings.hpp>

#include <tandem/server/core_settings.hpp>
#include <tandem/server/module.hpp>

#include <algorithm>

namespace tandem::server {

namespace {

io::tls_versions versions_of(const tls_settings& set) noexcept {
  if (set.method == "TLSv1.2") return io::tls_versions::only_1_2;
  if (set.method == "TLSv1.3") return io::tls_versions::only_1_3;
  return io::tls_versions::from_1_2; // SSLv23 of the original: whatever both know
}

/// Its certificates with their keys, in the script's order.
std::vector<io::tls_identity> identities_of(const tls_settings& set, const find_file& find) {
  std::vector<io::tls_identity> all;
  for (std::size_t i = 0; i < set.certificates.size(); ++i) {
    io::tls_identity one{find(set.certificates[i].text)};
    if (i < set.keys.size()) one.key_file = find(set.keys[i].text);
    all.push_back(std::move(one));
  }
  return all;
}

} // namespace

bool need_tls(std::span<const transport::listen_point> points) noexcept {
  return std::any_of(points.begin(), points.end(),
                     [](const transport::listen_point& p) { return is_secure(p.transport); });
}

transport::tls_contexts read_tls(const script::program& program, const find_file& find) {
  const tls_settings set = core_settings::of(program).tls;
  const parameter_values values{program, program.core()};
  if (set.certificates.empty())
    values.refuse("tls_certificate",
                  "TLS is listened for, which needs a certificate: name its file, or say "
                  "disable_tls=yes");
  if (!set.keys.empty() && set.keys.size() != set.certificates.size())
    values.refuse("tls_private_key", "there must be one for each tls_certificate, in their order, "
                                     "or none where the keys are in the files of the certificates");
  const bool asks_clients = set.verifies_clients || set.requires_certificate;
  if (asks_clients && set.authorities.empty())
    values.refuse(set.verifies_clients ? "tls_verify" : "tls_require_certificate",
                  "clients are verified by the authorities of tls_ca_list: name its file");
  std::vector<io::tls_identity> all = identities_of(set, find);
  const io::tls_identity first = all.front();
  all.erase(all.begin());
  const std::string authorities = set.authorities.empty() ? "" : find(set.authorities);
  // What clients may be verified by is told apart from what is shown to them.
  auto client = io::tls_context::client({.ca_file = authorities,
                                         .certificate_file = first.certificate_file,
                                         .key_file = first.key_file,
                                         .names = io::tls_name_rule::sip,
                                         .versions = versions_of(set)});
  if (!client) values.refuse("tls_certificate", client.error());
  auto server = io::tls_context::server({.certificate_file = first.certificate_file,
                                         .key_file = first.key_file,
                                         .client_ca_file = asks_clients ? authorities : "",
                                         .may_clients_be_unknown = !set.requires_certificate,
                                         .by_name = std::move(all),
                                         .versions = versions_of(set)});
  if (!server) values.refuse("tls_certificate", server.error());
  return {std::move(*server), std::move(*client)};
}

std::vector<std::string> tls_files(const script::program& program, const find_file& find) {
  const tls_settings set = core_settings::of(program).tls;
  std::vector<std::string> all;
  for (const auto& one : set.certificates) all.push_back(find(one.text));
  for (const auto& one : set.keys) all.push_back(find(one.text));
  if (!set.authorities.empty()) all.push_back(find(set.authorities));
  return all;
}

} // namespace tandem::server
