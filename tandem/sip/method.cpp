// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/method.hpp>

#include <array>

namespace tandem::sip {
namespace {

constexpr std::array<std::string_view, method_count> names{
    "",          "INVITE", "ACK",     "BYE",  "CANCEL", "OPTIONS", "REGISTER", "PRACK",
    "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER",  "MESSAGE", "UPDATE"};

constexpr method only_if(method candidate, std::string_view name) noexcept {
  return names[static_cast<std::size_t>(candidate)] == name ? candidate : method::unknown;
}

} // namespace

method find_method(std::string_view name) noexcept {
  if (name.size() < 3) return method::unknown;
  // First letter and length leave one candidate.
  switch (name[0]) {
  case 'A': return only_if(method::ack, name);
  case 'B': return only_if(method::bye, name);
  case 'C': return only_if(method::cancel, name);
  case 'I': return only_if(name.size() == 4 ? method::info : method::invite, name);
  case 'M': return only_if(method::message, name);
  case 'N': return only_if(method::notify, name);
  case 'O': return only_if(method::options, name);
  case 'P': return only_if(name.size() == 5 ? method::prack : method::publish, name);
  case 'R': return only_if(name.size() == 5 ? method::refer : method::register_, name);
  case 'S': return only_if(method::subscribe, name);
  case 'U': return only_if(method::update, name);
  default: return method::unknown;
  }
}

std::string_view to_string(method m) noexcept { return names[static_cast<std::size_t>(m)]; }

} // namespace tandem::sip
