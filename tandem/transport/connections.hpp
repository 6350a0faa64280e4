// SPDX-License-Identifier: Apache-2.0
// The stream connections of one shard: accepted and opened, framed, found again by flow or by peer
// (RFC 3261 18), bounded in number, time and bytes. One thread. RFC 5626 keep-alives are answered.
#pragma once

#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/io/tcp_listener.hpp>
#include <tandem/io/tcp_stream.hpp>
#include <tandem/sip/framer.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/transport/options.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace tandem::transport {

/// Who the connections work for.
class stream_owner {
 public:
  virtual void on_stream_message(block_ref&& block, std::uint32_t size,
                                 const stack::arrival& from) = 0;
  /// The stream has lost its frames and closes after this call; see message_user::on_broken.
  virtual void on_stream_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                                const stack::arrival& from) = 0;
  virtual void on_stream_ping() = 0;
  /// \param shard the one that asked to send.
  virtual void on_stream_send_error(stack::origin on_behalf_of, std::uint16_t shard,
                                    stack::send_error reason) = 0;

 protected:
  ~stream_owner() = default;
};

class connections {
 public:
  connections(io::shard& home, stream_owner& owner, const transport_options& options);
  ~connections();

  /// Accepts connections there. \return the address with its real port, or why not.
  [[nodiscard]] result<socket_address, std::string> listen(const socket_address& at,
                                                           io::port_use use);

  /// Sends on the flow, on a connection to that address, or on one that it opens. It fails later,
  /// through on_stream_send_error.
  /// \param from local address of a new connection, none: the kernel chooses.
  void send(const stack::target& to, const ip_address& from, const stack::wire_message& message,
            stack::origin on_behalf_of, std::uint16_t asking_shard);

  /// Ends a connection after what waits in it has left.
  void close(flow_handle flow);

  /// The local address of a flow; none when it is gone.
  [[nodiscard]] socket_address local_of(flow_handle flow) noexcept;

  /// The address refused a connection lately, or let it time out.
  [[nodiscard]] bool has_refused(const socket_address& peer) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

 private:
  struct unproven_tag;
  struct connection;
  using key = handle<connection>;

  /// Connections that have not brought a message yet, the oldest first: the first to go when the
  /// bound is reached.
  struct connection final : io::byte_stream_user, list_hook<unproven_tag> {
    explicit connection(connections& of) noexcept : owner{of} {}
    void on_bytes(io::byte_stream& on, std::string_view bytes) override;
    void on_end(io::byte_stream& on, io::byte_stream_end why) override;
    void on_unsent(io::byte_stream& on, io::send_token token, io::byte_stream_end why) override;

    connections& owner;
    std::unique_ptr<io::byte_stream> stream;
    sip::framer input;
    key self;
    bool is_accepted = false;
    bool has_deadline = false;
  };

  void accept(io::unique_fd fd, const socket_address& peer);
  connection* open(const socket_address& to, const ip_address& from);
  [[nodiscard]] bool has_room(const ip_address& source);
  void add(connection& c);
  void forget(connection& c, io::byte_stream_end why);
  void take_frames(connection& c);
  void note_progress(connection& c);
  [[nodiscard]] stack::arrival arrival_of(const connection& c) const;

  io::shard& home_;
  stream_owner& owner_;
  const transport_options& options_;
  io::tcp_options tcp_options_;
  std::vector<std::unique_ptr<io::tcp_listener>> listeners_;
  slot_map<connection> all_;
  intrusive_list<connection, unproven_tag> unproven_;
  std::unordered_map<socket_address, key> by_peer_;
  std::unordered_map<ip_address, std::uint32_t> by_source_;
  std::unordered_map<socket_address, instant> refused_; ///< until when
  block_ref pong_;
};

} // namespace tandem::transport
