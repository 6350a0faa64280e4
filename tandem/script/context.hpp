// SPDX-License-Identifier: Apache-2.0
// What a program runs on: the message and its surroundings, as far as the language itself looks at
// them. server/ implements it over SIP; this room knows no more of SIP than this.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <tandem/base/ip_address.hpp>

namespace tandem::script {

/// What is asked whether it is this server (`uri == myself`).
enum class subject : std::uint8_t { uri, source, destination };

/// Values of the constants `udp`, `tcp` ... that `proto` is compared with.
enum class protocol : std::uint8_t {
  none = 0,
  udp = 1,
  tcp = 2,
  tls = 3,
  sctp = 4,
  ws = 5,
  wss = 6
};

/// The operands of conditions. Views that it returns need to live until the next call of a function
/// of the program. Nothing here may block or throw.
class context {
 public:
  virtual ~context() = default;

  /// Method of a request; of a reply, that of its CSeq. Empty when there is none.
  [[nodiscard]] virtual std::string_view method() const = 0;
  /// The current Request-URI, as rewritten so far.
  [[nodiscard]] virtual std::string_view uri() const = 0;
  /// Status code of a reply as text ("180"), empty for a request.
  [[nodiscard]] virtual std::string_view status() const = 0;

  [[nodiscard]] virtual ip_address source_ip() const = 0;
  [[nodiscard]] virtual ip_address destination_ip() const = 0; ///< our own address
  [[nodiscard]] virtual std::uint16_t source_port() const = 0;
  [[nodiscard]] virtual std::uint16_t destination_port() const = 0;
  [[nodiscard]] virtual protocol transport() const = 0;

  /// True when the host and port are ours, or the host is an alias (core parameter `alias`).
  [[nodiscard]] virtual bool is_myself(subject what) const = 0;

  /// True when `name` is known to stand for `address`. Names of conditions are listed by
  /// program::host_names() so that they can be resolved before the program runs: no blocking here.
  [[nodiscard]] virtual bool is_host(std::string_view name, const ip_address& address) const = 0;

  [[nodiscard]] virtual std::size_t message_length() const = 0; ///< bytes as received

  /// Flags 0 to 31 of the message.
  [[nodiscard]] virtual bool flag(unsigned number) const = 0;
  virtual void set_flag(unsigned number, bool value) = 0;
};

} // namespace tandem::script
