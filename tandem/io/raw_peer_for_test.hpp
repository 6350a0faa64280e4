// SPDX-License-Identifier: Apache-2.0
// For tests: the other end of a connection, as rude as a peer can be. A socket of the loopback,
// plain or with TLS as client, whose records pass through memory, so that a test may cut them.
#pragma once

#include <tandem/base/ip_address.hpp>
#include <tandem/io/tls.hpp>
#include <tandem/io/unique_fd.hpp>

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace tandem::io {

class raw_peer_for_test {
 public:
  /// Connects. With TLS, shake_hands() is due before anything else.
  explicit raw_peer_for_test(const socket_address& to, const tls_context& tls = {})
      : fd_{::socket(to.ip.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_storage address{};
    const socklen_t size = to.to_sockaddr(address);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    if (!tls) return;
    tls_.reset(SSL_new(tls.native()));
    SSL_set_bio(tls_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_verify(tls_.get(), SSL_VERIFY_NONE, nullptr);
    SSL_set_connect_state(tls_.get());
  }

  /// Goes on with the handshake; true when it is done, as a plain one is. A condition to wait for.
  [[nodiscard]] bool shake_hands() {
    if (!tls_) return true;
    take_records();
    ERR_clear_error();
    const int result = SSL_do_handshake(tls_.get());
    send_raw(made_records());
    return result == 1;
  }

  void say(std::string_view bytes) { send_raw(as_sent(bytes)); }

  /// The bytes that say() would send: those, or records of TLS with them.
  [[nodiscard]] std::string as_sent(std::string_view bytes) {
    if (!tls_) return std::string{bytes};
    EXPECT_EQ(SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
    return made_records();
  }
  void send_raw(std::string_view bytes) const {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  /// What has come so far since the last call.
  [[nodiscard]] std::string heard() {
    std::string all;
    std::array<char, 65'536> buffer;
    if (!tls_) {
      for (;;) {
        const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n == 0) has_seen_fin_ = true;
        if (n <= 0) return all;
        all.append(buffer.data(), static_cast<std::size_t>(n));
      }
    }
    take_records();
    ERR_clear_error();
    for (int n = 0; (n = SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()))) > 0;)
      all.append(buffer.data(), static_cast<std::size_t>(n));
    return all;
  }
  /// The other side has said that nothing more comes, over TLS with close_notify; after heard().
  [[nodiscard]] bool has_heard_the_end() const {
    return has_seen_fin_ && (!tls_ || (SSL_get_shutdown(tls_.get()) & SSL_RECEIVED_SHUTDOWN) != 0);
  }

  /// Says that nothing more will come (close_notify, FIN), and may still be sent to.
  void finish() {
    if (tls_) {
      SSL_shutdown(tls_.get());
      send_raw(made_records());
    }
    cut();
  }
  /// FIN alone: over TLS, whoever reads cannot know whether there was more.
  void cut() const { EXPECT_EQ(::shutdown(fd_.get(), SHUT_WR), 0); }
  /// Ends the connection at once (RST).
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    fd_.reset();
  }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  struct free_tls {
    void operator()(SSL* session) const noexcept { SSL_free(session); }
  };

  void take_records() {
    std::array<char, 65'536> buffer;
    for (;;) {
      const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n == 0) has_seen_fin_ = true;
      if (n <= 0) return;
      BIO_write(SSL_get_rbio(tls_.get()), buffer.data(), static_cast<int>(n));
    }
  }
  [[nodiscard]] std::string made_records() {
    BIO* made = SSL_get_wbio(tls_.get());
    std::string records(BIO_ctrl_pending(made), '\0');
    if (!records.empty()) BIO_read(made, records.data(), static_cast<int>(records.size()));
    return records;
  }

  unique_fd fd_;
  std::unique_ptr<SSL, free_tls> tls_;
  bool has_seen_fin_ = false;
};

} // namespace tandem::io
