// SPDX-License-Identifier: Apache-2.0
// One path to the server under test: a connected UDP socket or a TCP connection. Output is
// collected and goes out with flush(); input comes in batches. One thread. A message handed out
// lives until the callback returns.
#pragma once

#include <functional>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::bench {

enum class transport { udp, tcp };

/// A connected, non-blocking path with its own source port. Throws std::system_error when it cannot
/// be made.
class channel {
 public:
  using on_message = std::function<void(std::string_view)>;

  /// Connects to the server from a port of the kernel's choice (`source_port` 0) or a given one, of
  /// the loopback address 127.0.0.`source_host`.
  channel(transport kind, const sockaddr_in& server, std::uint16_t source_port = 0,
          std::uint8_t source_host = 1);
  /// Takes a TCP connection that the server opened to us.
  explicit channel(int accepted);
  ~channel();
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;

  int descriptor() const { return descriptor_; }
  std::uint16_t port() const { return port_; }

  /// Puts a message in the output of this turn.
  void send(std::string_view message);

  /// Writes the output; what a full socket buffer refuses stays for the next turn.
  void flush();
  bool has_output() const { return !out_.empty(); }

  /// Reads all that is there; false when a TCP peer has closed.
  bool receive(const on_message& each);

 private:
  bool receive_datagrams(const on_message& each);
  bool receive_stream(const on_message& each);

  transport kind_ = transport::tcp;
  int descriptor_ = -1;
  std::uint16_t port_ = 0;
  std::string out_;                // messages of this turn, back to back
  std::vector<std::size_t> sizes_; // of each message in out_ (UDP)
  std::string in_;                 // bytes of a stream that are no whole message yet
};

/// A listening TCP socket on 127.0.0.1; its descriptor, or throws std::system_error.
int listen_tcp(std::uint16_t port);

/// "127.0.0.1:5060" as an address; throws std::invalid_argument.
sockaddr_in parse_address(const std::string& text);

} // namespace tandem::bench
