// SPDX-License-Identifier: Apache-2.0
// A name server on the loopback, for tests: it answers from a table. One thread, that of its shard.
#pragma once

#include <tandem/io/udp_socket.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::names::for_test {

/// A name server on the loopback: answers from a table, and counts what it is asked.
struct name_server final : io::datagram_user {
  struct record {
    std::vector<std::string> addresses;
    unsigned ttl = 60;
    int code = 0; ///< RFC 1035 4.1.1: 2 server failure, 3 no such name
    bool is_silent = false;
  };

  explicit name_server(io::shard& loop)
      : socket{io::udp_socket::open(loop, *socket_address::parse("127.0.0.1:0"), *this).value()} {}
  void on_send_failed(io::udp_socket&, const socket_address&, io::send_token, int) override {}
  void on_icmp_error(io::udp_socket&, const socket_address&, int, std::string_view) override {}
  void on_datagram(io::udp_socket& on, io::datagram&& d) override {
    const std::string_view query{d.block.data(), d.size};
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      const auto length = static_cast<unsigned char>(query[at]);
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, length);
      at += length + 1;
    }
    const bool is_v6 = query[at + 2] == 28;
    ++asked[name];
    const auto found = table.find(name);
    record none;
    none.code = 3;
    const record& r = found == table.end() ? none : found->second;
    if (r.is_silent) return;
    std::string answers;
    int count = 0;
    for (const auto& text : r.addresses) {
      const auto ip = *ip_address::parse(text);
      if (ip.is_v6() != is_v6) continue;
      ++count;
      const std::size_t size = is_v6 ? 16 : 4;
      answers += std::string{"\xc0\x0c\x00", 3} + (is_v6 ? '\x1c' : '\x01');
      answers += std::string{"\x00\x01", 2};
      for (int shift = 24; shift >= 0; shift -= 8)
        answers += static_cast<char>(r.ttl >> static_cast<unsigned>(shift));
      answers += std::string{"\x00", 1} + static_cast<char>(size);
      answers.append(reinterpret_cast<const char*>(ip.bytes().data()), size);
    }
    std::string reply{query.substr(0, at + 5)};
    reply[2] = '\x81';
    reply[3] = static_cast<char>(0x80 | r.code);
    reply[7] = static_cast<char>(count);
    reply[8] = reply[9] = reply[10] = reply[11] = 0;
    reply += answers;
    on.send(d.source, block_ref::copy_of(reply), static_cast<std::uint32_t>(reply.size()));
  }

  std::unique_ptr<io::udp_socket> socket;
  std::map<std::string, record> table;
  std::map<std::string, int> asked;
};

} // namespace tandem::names::for_test
