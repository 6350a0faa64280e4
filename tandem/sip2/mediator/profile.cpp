// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/profile.hpp>

#include <tandem/sip2/protocol/failure_answer.hpp>

#include <algorithm>

namespace tandem::sip2 {
namespace {

constexpr field_id institution{"AO"};
constexpr field_id supported_messages{"BX"};

bool concerns(const field_filter& f, const message& m, direction way) {
  return f.way == way &&
         (f.messages.empty() || std::ranges::find(f.messages, m.code) != f.messages.end());
}

void apply(const field_filter& f, message& m) {
  const auto is_meant = [&f](const field& x) {
    return x.id == f.id && (!f.only_if || x.value == *f.only_if);
  };
  switch (f.what) {
  case field_filter::action::strip: std::erase_if(m.fields, is_meant); break;
  case field_filter::action::replace:
    for (auto& x : m.fields)
      if (is_meant(x)) x.value = f.value;
    break;
  case field_filter::action::add:
    if (!m.has(f.id)) m.add(f.id, f.value);
    break;
  }
}

void mask_supported(message& m, std::string_view mask) {
  for (auto& f : m.fields)
    if (f.id == supported_messages)
      for (std::size_t i = 0; i < f.value.size() && i < mask.size(); ++i)
        if (mask[i] != 'Y') f.value[i] = 'N';
}

} // namespace

std::shared_ptr<const profile> terminal_rules::find_profile(std::string_view name) const {
  auto found = profiles.find(name);
  if (found == profiles.end()) found = profiles.find(std::string_view{"default"});
  if (found != profiles.end()) return found->second;
  static const auto plain = std::make_shared<const profile>();
  return plain;
}

const account* terminal_rules::find_account(std::string_view login) const {
  const auto found = accounts.find(login);
  return found == accounts.end() ? nullptr : &found->second;
}

void apply_to_request(message& m, const profile& p) {
  for (auto& f : m.fields)
    if (f.id == institution)
      for (const auto& [here, there] : p.institutions)
        if (f.value == here) {
          f.value = there;
          break;
        }
  for (const auto& filter : p.filters)
    if (concerns(filter, m, direction::to_acs)) apply(filter, m);
}

void apply_to_answer(message& m, const profile& p) {
  for (auto& f : m.fields)
    if (f.id == institution)
      for (const auto& [here, there] : p.institutions)
        if (f.value == there) {
          f.value = here;
          break;
        }
  for (const auto& filter : p.filters)
    if (concerns(filter, m, direction::to_sc)) apply(filter, m);
  if (!p.supported_mask.empty()) mask_supported(m, p.supported_mask);
  if (p.fills_required) add_required(m);
}

} // namespace tandem::sip2
