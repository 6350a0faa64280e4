// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/registrar/address_of_record.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/escape.hpp>

namespace tandem::modules {

std::string address_of_record(const sip::uri& uri, const registrar_settings& rules) {
  if (!uri.is_sip() || (uri.user().empty() && !rules.use_domain)) return {};
  std::string key = uri.user().find('%') == std::string_view::npos ? std::string{uri.user()}
                                                                   : sip::unescape_uri(uri.user());
  if (!rules.case_sensitive)
    for (char& c : key) c = to_lower(c);
  if (rules.use_domain) {
    key += '@';
    for (const char c : uri.host().text) key += to_lower(c);
  }
  return key;
}

} // namespace tandem::modules
