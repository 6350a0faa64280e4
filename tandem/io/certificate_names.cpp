// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/certificate_names.hpp>

#include <tandem/base/ip_address.hpp>
#include <tandem/base/text.hpp>

#include <fmt/format.h>
#include <memory>
#include <openssl/x509v3.h>

namespace tandem::io {

namespace {

struct free_names {
  void operator()(GENERAL_NAMES* all) const noexcept { GENERAL_NAMES_free(all); }
};
using name_list = std::unique_ptr<GENERAL_NAMES, free_names>;

name_list names_of(const X509* certificate) {
  return name_list{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
}

/// With whatever it holds: a name with a NUL inside equals none.
std::string_view text_of(const ASN1_STRING* text) noexcept {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// RFC 5922 7.1: the host of a URI of sip:, unless it has a user, for then it names a person. sips:
/// and other schemes name no domain.
std::string_view domain_of(std::string_view uri) noexcept {
  constexpr std::string_view scheme = "sip:";
  if (!iequals(uri.substr(0, scheme.size()), scheme)) return {};
  uri.remove_prefix(scheme.size());
  if (uri.find('@') != std::string_view::npos) return {};
  if (uri.starts_with('[')) return {}; // an address has a form of its own
  return uri.substr(0, uri.find_first_of(":;?"));
}

} // namespace

bool certifies_sip_domain(const X509* certificate, std::string_view name) {
  if (!certificate || name.empty()) return false;
  if (const auto ip = ip_address::parse(name))
    return X509_check_ip_asc(const_cast<X509*>(certificate), ip->to_string().c_str(), 0) == 1;
  if (name.ends_with('.')) name.remove_suffix(1); // the same name, written out
  const name_list all = names_of(certificate);
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(all.get(), i);
    std::string_view held;
    if (one->type == GEN_DNS) held = text_of(one->d.dNSName);
    if (one->type == GEN_URI) held = domain_of(text_of(one->d.uniformResourceIdentifier));
    // RFC 5922 7.2: as a whole and without case; "*.example.com" is no name of anybody.
    if (!held.empty() && held.find('*') == std::string_view::npos && iequals(held, name))
      return true;
  }
  return false;
}

std::string names_for_people(const X509* certificate) {
  constexpr std::size_t longest = 200;
  std::string line;
  const name_list all = certificate ? names_of(certificate) : nullptr;
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* one = sk_GENERAL_NAME_value(all.get(), i);
    std::string text;
    if (one->type == GEN_DNS)
      text = text_of(one->d.dNSName);
    else if (one->type == GEN_URI)
      text = text_of(one->d.uniformResourceIdentifier);
    else if (one->type == GEN_IPADD) {
      const auto* bytes = ASN1_STRING_get0_data(one->d.iPAddress);
      if (ASN1_STRING_length(one->d.iPAddress) == 4)
        text = fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
      else
        text = "an IPv6 address";
    }
    if (text.empty()) continue;
    if (line.size() + text.size() > longest) return line + " ...";
    line += (line.empty() ? "" : ", ") + text;
  }
  return line;
}

} // namespace tandem::io
