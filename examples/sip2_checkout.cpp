// SPDX-License-Identifier: Apache-2.0
// Checks a book out at a SIP2 server (login siplogin): sip2_checkout HOST PATRON ITEM [PORT]
#include <tandem/sip2/client/client.hpp>

#include <iostream>
#include <string>

int main(int argc, char** argv) {
  using namespace tandem::sip2;
  if (argc < 4) return std::cerr << "usage: sip2_checkout HOST PATRON ITEM [PORT]\n", 1;

  client_options options;
  options.host = argv[1];
  if (argc > 4) options.port = static_cast<std::uint16_t>(std::stoi(argv[4]));
  auto terminal = client::connect(options);
  if (!terminal) return std::cerr << terminal.error().text << '\n', 2;
  const auto accepted = terminal->login("siplogin", "sippassword");
  if (!accepted || !*accepted) return std::cerr << "login refused\n", 3;

  request_basics what;
  what.institution = "DEMO";
  what.patron = argv[2];
  what.item = argv[3];
  const auto answer = terminal->ask(make_checkout(what));
  if (!answer) return std::cerr << answer.error().text << '\n', 4;
  std::cout << answer->value(field_id{"AJ"}) << ": due " << answer->value(field_id{"AH"}) << ", "
            << answer->value(field_id{"AF"}) << '\n';
  return says_ok(*answer) ? 0 : 5;
}
