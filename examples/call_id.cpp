// SPDX-License-Identifier: Apache-2.0
// Reads a SIP message and prints its Call-ID: call_id < message
#include <tandem/sip/message.hpp>

#include <iostream>
#include <iterator>

int main() {
  const std::string bytes{std::istreambuf_iterator<char>{std::cin}, {}};
  const auto message = tandem::sip::message::parse(bytes);
  if (!message) return std::cerr << to_string(message.error()) << '\n', 1;
  std::cout << message->first(tandem::sip::header_id::call_id).value_or("(none)") << '\n';
}
