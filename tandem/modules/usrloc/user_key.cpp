// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/user_key.hpp>

#include <tandem/base/text.hpp>

namespace tandem::modules {

std::optional<std::string> make_user_key(std::string_view user, storage::key_form form) {
  const auto at = user.find('@');
  const std::string_view name = user.substr(0, at);
  const std::string_view domain = at == user.npos ? std::string_view{} : user.substr(at + 1);
  if (name.empty()) return std::nullopt;
  std::string key =
      form.of_case == storage::key_form::user_case::kept ? std::string{name} : to_lower_copy(name);
  if (form.of_domain == storage::key_form::domain::left_out) return key;
  if (domain.empty()) return std::nullopt;
  return key + "@" + to_lower_copy(domain);
}

} // namespace tandem::modules
