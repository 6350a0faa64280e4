// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/method.hpp>

#include <array>
#include <cstring>

namespace tandem::sip {
namespace {

constexpr std::array<std::string_view, method_count> names{
    "",          "INVITE", "ACK",     "BYE",  "CANCEL", "OPTIONS", "REGISTER", "PRACK",
    "SUBSCRIBE", "NOTIFY", "PUBLISH", "INFO", "REFER",  "MESSAGE", "UPDATE"};

template <std::size_t N>
method only_if(method candidate, const char (&its_name)[N], std::string_view name) noexcept {
  const bool is_it = name.size() == N - 1 && std::memcmp(name.data(), its_name, N - 1) == 0;
  return is_it ? candidate : method::unknown;
}

} // namespace

method find_method(std::string_view name) noexcept {
  if (name.size() < 3) return method::unknown;
  // First letter and length leave one candidate, and the comparison a constant size.
  const bool has_five = name.size() == 5;
  switch (name[0]) {
  case 'A': return only_if(method::ack, "ACK", name);
  case 'B': return only_if(method::bye, "BYE", name);
  case 'C': return only_if(method::cancel, "CANCEL", name);
  case 'I':
    return name.size() == 4 ? only_if(method::info, "INFO", name)
                            : only_if(method::invite, "INVITE", name);
  case 'M': return only_if(method::message, "MESSAGE", name);
  case 'N': return only_if(method::notify, "NOTIFY", name);
  case 'O': return only_if(method::options, "OPTIONS", name);
  case 'P':
    return has_five ? only_if(method::prack, "PRACK", name)
                    : only_if(method::publish, "PUBLISH", name);
  case 'R':
    return has_five ? only_if(method::refer, "REFER", name)
                    : only_if(method::register_, "REGISTER", name);
  case 'S': return only_if(method::subscribe, "SUBSCRIBE", name);
  case 'U': return only_if(method::update, "UPDATE", name);
  default: return method::unknown;
  }
}

std::string_view to_string(method m) noexcept { return names[static_cast<std::size_t>(m)]; }

} // namespace tandem::sip
