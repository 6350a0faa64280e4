// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/registrar/address_of_record.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip/escape.hpp>

#include <algorithm>

namespace tandem::modules {

address_of_record::address_of_record(const sip::uri& uri, const registrar_settings& rules) {
  if (!uri.is_sip() || (uri.user().empty() && !rules.use_domain)) return;
  std::string_view user = uri.user();
  std::string unescaped;
  if (user.find('%') != std::string_view::npos) user = unescaped = sip::unescape_uri(user);
  const std::string_view domain = rules.use_domain ? uri.host().text : std::string_view{};

  const std::size_t most = user.size() + 1 + domain.size();
  if (most > near_.size()) far_.resize(most);
  char* const begin = far_.empty() ? near_.data() : far_.data();
  char* end = rules.case_sensitive ? std::copy(user.begin(), user.end(), begin)
                                   : std::transform(user.begin(), user.end(), begin, to_lower);
  if (rules.use_domain) {
    *end++ = '@';
    end = std::transform(domain.begin(), domain.end(), end, to_lower);
  }
  text_ = {begin, static_cast<std::size_t>(end - begin)};
}

} // namespace tandem::modules
