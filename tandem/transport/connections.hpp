// SPDX-License-Identifier: Apache-2.0
// The connections of one shard that carry SIP: accepted and opened, framed, found again by flow or
// by where they lead (RFC 3261 18, RFC 5923), bounded in number, time and bytes. One thread. RFC
// 5626 keep-alives are answered.
#pragma once

#include <tandem/base/intrusive_list.hpp>
#include <tandem/base/slot_map.hpp>
#include <tandem/base/sparse_log.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>
#include <tandem/sip/framer.hpp>
#include <tandem/stack/outbox.hpp>
#include <tandem/transport/connection_key.hpp>
#include <tandem/transport/connection_shares.hpp>
#include <tandem/transport/options.hpp>
#include <tandem/transport/stream_flow.hpp>
#include <tandem/transport/tls_contexts.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem::transport {

/// What answers a keep-alive of two line ends (RFC 5626 4.4.1).
inline constexpr std::string_view pong = "\r\n";

/// Who the connections work for.
class stream_owner {
 public:
  virtual void on_stream_message(block_ref&& block, std::uint32_t size,
                                 const stack::arrival& from) = 0;
  /// The stream has lost its frames and closes after this call; see message_user::on_broken.
  virtual void on_stream_broken(block_ref&& block, std::uint32_t size, sip::parse_errc error,
                                const stack::arrival& from) = 0;
  virtual void on_stream_ping() = 0;
  /// \param shard the one that asked to send. Throws nothing.
  virtual void on_stream_send_error(stack::origin on_behalf_of, std::uint16_t shard,
                                    stack::send_error reason) = 0;

 protected:
  ~stream_owner() = default;
};

class connections {
 public:
  connections(io::shard& loop, stream_owner& owner, const transport_options& options);
  ~connections();

  /// Accepts connections of that kind there; one that is secure needs a context of a TLS server,
  /// and no other may have one. \param listener its number, which flows of these connections say
  /// \return the address with its real port, or why not.
  [[nodiscard]] result<socket_address, std::string>
  listen(transport_kind kind, const socket_address& at, io::port_use use,
         const io::tls_context& tls = {}, std::uint32_t listener = listener_table::none);

  /// TLS connections may be opened from now on, with this context: who is reached by it must prove
  /// the server name of the target. Those that are there keep theirs.
  void use_tls(io::tls_context client) { tls_client_ = std::move(client); }

  /// Secure listeners accept with this context from now on. Connections that are there keep theirs.
  void renew_tls(const io::tls_context& server);

  /// Messages of that transport can be sent here at all.
  [[nodiscard]] bool carries(transport_kind transport) const noexcept;

  /// Sends on the flow, on a connection that leads to the target, or on one that it opens. It fails
  /// later, through on_stream_send_error. What is for TLS never leaves by anything else (RFC 3261
  /// 26.2.2), nor by a TLS connection whose peer has not proved the name of the target.
  /// \param from local address of a new connection, none: the kernel chooses.
  /// \return the local end of the connection that has taken it; none where none has.
  socket_address send(const stack::target& to, const ip_address& from,
                      const stack::wire_message& message, stack::origin on_behalf_of,
                      std::uint16_t asking_shard);

  /// A registration that was accepted over it lasts until then: see connection_shares.
  void bind(flow_handle flow, instant until) noexcept;

  /// Ends a connection after what waits in it has left.
  void close(flow_handle flow);

  /// The address refused a TCP connection lately, or let it time out.
  [[nodiscard]] bool has_refused(const socket_address& peer) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }

 private:
  struct unproven_tag;
  struct handshake_tag;
  struct connection;
  using key = handle<connection>;

  /// Connections that have not brought a message yet, the oldest first: the first to go when the
  /// bound is reached.
  struct connection final : io::connection_handler,
                            tandem::list_hook<unproven_tag>,
                            tandem::list_hook<handshake_tag>,
                            connection_shares::place {
    connection(connections& of, connection_key where, const io::connection_limits& limits);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    [[nodiscard]] tandem::list_hook<unproven_tag>& as_unproven() noexcept { return *this; }
    [[nodiscard]] tandem::list_hook<handshake_tag>& as_handshake() noexcept { return *this; }
    void on_connected() override { end_handshake(); }
    void on_data(std::string_view bytes) override;
    void on_unsent(io::send_token token, io::connection_end why) override;
    void on_closed(io::connection_end why, std::string_view detail) override;

    /// TLS has to come about. Throws std::bad_alloc.
    void begin_handshake();
    /// It has, or it never will.
    void end_handshake() noexcept;

    connections& owner;
    const connection_key leads_to;
    std::optional<connection_key> alias; ///< where it leads as well (RFC 5923)
    io::connection carrier;
    std::optional<connection_shares::place> handshake; ///< while it was accepted and is not up
    sip::framer input;
    key self;
    bool is_accepted = false;
    std::uint32_t listener = listener_table::none; ///< that accepted it
    bool has_deadline = false;
    bool may_offer_alias = false; ///< a peer that has shown a certificate, and has not done so yet
  };

  /// A socket that is listened on.
  struct listening {
    transport_kind kind;
    std::uint32_t number;
    io::tls_context tls;
    std::unique_ptr<io::tcp_listener> socket = nullptr;
  };

  void accept(const listening& by, io::unique_fd fd, const socket_address& peer);
  [[nodiscard]] connection* find_usable(key which, transport_kind transport) noexcept;
  [[nodiscard]] result<connection*, stack::send_error> open(const connection_key& where,
                                                            const ip_address& from);
  [[nodiscard]] bool has_room(const ip_address& source);
  [[nodiscard]] bool has_room_for_handshake(const ip_address& source);
  connection& add(connection_key where, duration open_limit);
  void forget(connection& c, io::connection_end why);
  void forget_way(const connection_key& where, key of) noexcept;
  void note_refusal(const socket_address& peer);
  void note_tls_failure(const socket_address& peer, bool came, const stack::server_name& name,
                        std::string_view detail);
  void take_frames(connection& c);
  void note_alias(connection& c, std::string_view message);
  void note_progress(connection& c);
  [[nodiscard]] stack::arrival arrival_of(const connection& c) const;

  io::shard& loop_;
  stream_owner& owner_;
  const transport_options& options_;
  io::tls_context tls_client_;
  std::vector<std::unique_ptr<listening>> listeners_;
  connection_shares shares_; ///< outlives the connections, as do
  connection_shares handshakes_;
  std::size_t handshake_count_ = 0;
  std::unordered_map<connection_key, key> by_key_;
  slot_map<connection> all_;
  intrusive_list<connection, unproven_tag> unproven_;
  intrusive_list<connection, handshake_tag> shaking_hands_; ///< the oldest first
  std::unordered_map<socket_address, instant> refused_;     ///< until when
  block_ref pong_;
  sparse_log tls_failures_; ///< of peers that connected, who may be anybody
  sparse_log tls_refusals_; ///< of those that were to be reached
};

} // namespace tandem::transport
