// SPDX-License-Identifier: Apache-2.0
// A name server on the loopback, for tests: it answers from a table, by UDP and TCP, and is as
// unkind as it is told to be. One thread, that of its shard.
#pragma once

#include <tandem/base/dns_records.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>
#include <tandem/io/udp_socket.hpp>

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::names::for_test {

inline std::string wire_16(unsigned v) {
  return {static_cast<char>(v >> 8U), static_cast<char>(v & 0xffU)};
}
inline std::string wire_32(std::uint32_t v) { return wire_16(v >> 16U) + wire_16(v & 0xffffU); }
inline std::string wire_text(std::string_view text) {
  return static_cast<char>(text.size()) + std::string{text};
}
/// Without compression; "" is the root.
inline std::string wire_name(std::string_view name) {
  std::string made;
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    made += wire_text(name.substr(0, dot));
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return made + '\0';
}
/// RFC 1035 4.1.3.
inline std::string wire_record(std::string_view owner, unsigned type, std::uint32_t ttl,
                               std::string_view data) {
  return wire_name(owner) + wire_16(type) + wire_16(1) + wire_32(ttl) +
         wire_16(static_cast<unsigned>(data.size())) + std::string{data};
}
inline std::string wire_data(const ip_address& ip) {
  return {reinterpret_cast<const char*>(ip.bytes().data()), ip.is_v6() ? 16U : 4U};
}
inline std::string wire_data(const srv_record& r) {
  return wire_16(r.priority) + wire_16(r.weight) + wire_16(r.port) + wire_name(r.target);
}
inline std::string wire_data(const naptr_record& r) {
  return wire_16(r.order) + wire_16(r.preference) + wire_text(r.flags) + wire_text(r.services) +
         wire_text(r.has_regexp ? "!.*!sip:x@example.com!" : "") + wire_name(r.replacement);
}

/// A name server on the loopback: answers from a table, and counts what it is asked.
struct name_server final : io::datagram_user {
  struct record {
    std::vector<std::string> addresses = {};
    unsigned ttl = 60;
    int code = 0; ///< RFC 1035 4.1.1: 2 server failure, 3 no such name
    bool is_silent = false;
    std::vector<srv_record> servers = {};
    std::vector<naptr_record> services = {};
    std::string alias = {};                    ///< a CNAME, and the records of that name
    std::string poison = {};                   ///< records that nobody asked for, as wire_record()
    std::optional<unsigned> negative_ttl = {}; ///< of the SOA that goes with "there is none"
    std::optional<std::string> reply = {};     ///< instead of all that, behind the id
  };

  explicit name_server(io::shard& on) : loop{on} {
    // Both sockets have one port, as a name server has it.
    while (!listener) {
      socket = io::udp_socket::open(loop, *socket_address::parse("127.0.0.1:0"), *this).value();
      auto made = io::tcp_listener::listen(
          loop, socket->local(), [this](io::unique_fd fd, const socket_address& peer) {
            streams.emplace_back(*this).stream.accept(std::move(fd), peer);
          });
      if (made) listener = std::move(*made);
    }
  }
  void on_send_failed(io::udp_socket&, const socket_address&, io::send_token, int) override {}
  void on_icmp_error(io::udp_socket&, const socket_address&, int, std::string_view) override {}
  void on_datagram(io::udp_socket& by, io::datagram&& d) override {
    std::string reply = answer({d.block.data(), d.size});
    if (reply.empty()) return;
    if (reply.size() > 512) { // RFC 1035 4.2.1
      ++truncated;
      reply = reply.substr(0, 512);
      reply[2] = static_cast<char>(static_cast<unsigned char>(reply[2]) | 2U);
    }
    by.send(d.source, block_ref::copy_of(reply), static_cast<std::uint32_t>(reply.size()));
  }

  /// Empty for silence.
  std::string answer(std::string_view query) {
    std::string name;
    std::size_t at = 12;
    while (at < query.size() && query[at] != 0) {
      const auto length = static_cast<unsigned char>(query[at]);
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, length);
      at += length + 1;
    }
    const unsigned type = static_cast<unsigned char>(query[at + 2]);
    ++asked[name];
    record none;
    none.code = 3;
    auto found = table.find(name);
    const record& r = found == table.end() ? none : found->second;
    if (r.is_silent) return {};
    if (r.reply) return std::string{query.substr(0, 2)} + *r.reply;
    std::string answers;
    unsigned count = 0;
    const auto add = [&](std::string_view record) {
      answers += record;
      ++count;
    };
    const record* last = &r;
    for (int i = 0; i < 12 && !last->alias.empty(); ++i) {
      add(wire_record(name, 5, last->ttl, wire_name(last->alias)));
      name = last->alias;
      found = table.find(name);
      last = found == table.end() ? &none : &found->second;
    }
    if (!r.poison.empty()) add(r.poison);
    for (const auto& text : last->addresses) {
      const auto ip = *ip_address::parse(text);
      if (type == (ip.is_v6() ? 28U : 1U)) add(wire_record(name, type, last->ttl, wire_data(ip)));
    }
    for (const auto& s : last->servers)
      if (type == 33) add(wire_record(name, type, last->ttl, wire_data(s)));
    for (const auto& s : last->services)
      if (type == 35) add(wire_record(name, type, last->ttl, wire_data(s)));
    std::string reply{query.substr(0, at + 5)};
    reply[2] = '\x81';
    reply[3] = static_cast<char>(0x80 | r.code);
    reply.replace(6, 2, wire_16(count));
    reply.replace(8, 4, 4, '\0');
    reply += answers;
    if (r.negative_ttl) {
      reply[9] = 1;
      reply +=
          wire_record("example.com", 6, 3'600,
                      wire_name("ns.example.com") + wire_name("root.example.com") + wire_32(1) +
                          wire_32(2) + wire_32(3) + wire_32(4) + wire_32(*r.negative_ttl));
    }
    if (!r.poison.empty()) {
      reply[11] = 1;
      reply += r.poison;
    }
    return reply;
  }

  /// RFC 1035 4.2.2: each message behind its length.
  struct stream_of_questions final : io::connection_handler {
    explicit stream_of_questions(name_server& by) : of{by}, stream{by.loop, *this} {}
    void on_data(std::string_view bytes) override {
      read += bytes;
      while (read.size() >= 2) {
        const std::size_t size =
            static_cast<std::size_t>(static_cast<unsigned char>(read[0])) * 256 +
            static_cast<unsigned char>(read[1]);
        if (read.size() < size + 2) return;
        ++of.asked_by_stream;
        const std::string reply = of.answer(std::string_view{read}.substr(2, size));
        if (!reply.empty()) stream.write(wire_16(static_cast<unsigned>(reply.size())) + reply);
        read.erase(0, size + 2);
      }
    }
    void on_closed(io::connection_end, std::string_view) override {}
    name_server& of;
    io::connection stream;
    std::string read;
  };

  io::shard& loop;
  std::unique_ptr<io::udp_socket> socket;
  std::unique_ptr<io::tcp_listener> listener;
  std::list<stream_of_questions> streams;
  std::map<std::string, record> table;
  std::map<std::string, int> asked;
  int truncated = 0;
  int asked_by_stream = 0;
};

} // namespace tandem::names::for_test
