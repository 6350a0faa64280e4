// SPDX-License-Identifier: Apache-2.0
// Reads the six messages over and over with the parser linked in and prints one line of JSON:
// nanoseconds and allocations a message, and the answers, so that all parsers can be held against
// each other. Under callgrind with
// --toggle-collect=measured_round, exactly the rounds are counted.
//   parse_<name> [ROUNDS]
#include "parser.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace tandem::bench;

std::string answers;    // of the first round, in words
std::uint64_t seen = 0; // keeps the compiler from leaving the work out
constexpr int warm_up = 50;

void spell(const answer& one) {
  answers += std::string(one.method) + "/" + std::to_string(one.status) + " " +
             std::string(one.branch) + " " + std::string(one.from_tag) + " " +
             std::string(one.to_tag) + " " + std::string(one.call_id) + " " +
             std::to_string(one.cseq) + " " + std::string(one.cseq_method) + " " +
             std::string(one.contact_user) + "@" + std::string(one.contact_host) + "|";
}

void touch(const answer& one) {
  seen += one.method.size() + static_cast<std::uint64_t>(one.status) + one.branch.size() +
          one.from_tag.size() + one.to_tag.size() + one.call_id.size() + one.cseq +
          one.cseq_method.size() + one.contact_user.size() + one.contact_host.size();
}

} // namespace

/// One round: each message once.
extern "C" [[gnu::noinline]] void measured_round() {
  for (const std::string_view message : measured_messages()) {
    read_message(message, touch);
  }
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20000;
  prepare_parser();
  for (const std::string_view message : measured_messages()) {
    if (!read_message(message, spell)) {
      answers += "refused|";
    }
  }
  for (int n = 0; n < warm_up; ++n) {
    for (const std::string_view message : measured_messages()) {
      read_message(message, touch);
    }
  }
  const std::uint64_t allocated = allocations();
  const auto began = std::chrono::steady_clock::now();
  for (int n = 0; n < rounds; ++n) {
    measured_round();
  }
  const auto took = std::chrono::steady_clock::now() - began;
  const double messages =
      static_cast<double>(rounds) * static_cast<double>(measured_messages().size());
  std::printf("{\"parser\": \"%s\", \"nanoseconds\": %.0f, \"allocations\": %.2f, \"messages\": "
              "%.0f, \"answers\": \"%s\"}\n",
              parser_name, std::chrono::duration<double, std::nano>(took).count() / messages,
              static_cast<double>(allocations() - allocated) / messages, messages, answers.c_str());
  return seen == 0 ? 1 : 0;
}
