// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share: a context that is set by hand, a registry of functions whose
// value is their argument, and a trace of what ran.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tandem/script/execution.hpp>
#include <tandem/script/program.hpp>

namespace tandem::script::test {

struct plain_context : context {
  std::string method_text = "INVITE";
  std::string uri_text = "sip:alice@example.com";
  std::string status_text;
  ip_address from = ip_address::v4(192, 0, 2, 7);
  ip_address to = ip_address::v4(192, 0, 2, 1);
  std::uint16_t from_port = 5062;
  std::uint16_t to_port = 5060;
  script::protocol over = script::protocol::udp;
  bool uri_is_myself = false;
  bool source_is_myself = false;
  bool destination_is_myself = true;
  std::string known_host; ///< whose address is `from`
  std::size_t length = 500;
  std::uint32_t flags = 0;

  std::string trace;        ///< what ran, words with blanks between
  bool suspend_all = false; ///< every function suspends, its value is in `later`
  std::optional<int> later;

  std::string_view method() const override { return method_text; }
  std::string_view uri() const override { return uri_text; }
  std::string_view status() const override { return status_text; }
  ip_address source_ip() const override { return from; }
  ip_address destination_ip() const override { return to; }
  std::uint16_t source_port() const override { return from_port; }
  std::uint16_t destination_port() const override { return to_port; }
  script::protocol transport() const override { return over; }
  bool is_myself(subject what) const override {
    return what == subject::uri      ? uri_is_myself
           : what == subject::source ? source_is_myself
                                     : destination_is_myself;
  }
  bool is_host(std::string_view name, const ip_address& address) const override {
    return name == known_host && address == from;
  }
  std::size_t message_length() const override { return length; }
  bool flag(unsigned number) const override { return ((flags >> number) & 1U) != 0; }
  void set_flag(unsigned number, bool value) override {
    flags = value ? flags | (1U << number) : flags & ~(1U << number);
  }

  void note(std::string_view word) {
    if (!trace.empty()) trace += ' ';
    trace += word;
  }
};

/// yes("a") 1, no("a") -1, stop("a") 0, say("text $m"), run(["a", ...]), and a module `demo`.
std::shared_ptr<const registry> test_registry();

compilation compile_text(std::string text);

/// Errors and warnings as one text, empty when there are none.
std::string complaints(std::string text);

/// What route[0] of the script leaves in the trace, and its value: "a b =1".
std::string run(std::string text, plain_context& on);
std::string run(std::string text);

} // namespace tandem::script::test
