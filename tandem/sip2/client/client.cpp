// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/client.hpp>

#include <tandem/io/tls.hpp>
#include <tandem/io/unique_fd.hpp>
#include <tandem/sip2/client/client_session.hpp>

#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

client_error no_connection(std::string text) {
  return {client_errc::cannot_connect, std::move(text)};
}
client_error lost(std::string text) { return {client_errc::connection_lost, std::move(text)}; }

/// Waits until the descriptor is ready; false when the moment has come first.
bool wait_for(int fd, short events, instant until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - now()).count();
    if (left <= 0) return false;
    pollfd p{fd, events, 0};
    const int n = ::poll(&p, 1, static_cast<int>(left));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return true; // the next call on it will tell
  }
}

struct address_list {
  addrinfo* first = nullptr;
  ~address_list() {
    if (first) ::freeaddrinfo(first);
  }
};

result<io::unique_fd, client_error> open_socket(const client_options& options) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  address_list addresses;
  const auto port = std::to_string(options.port);
  if (const int e = ::getaddrinfo(options.host.c_str(), port.c_str(), &hints, &addresses.first))
    return fail(no_connection(options.host + ": " + ::gai_strerror(e)));
  std::string why = "no address";
  for (const auto* a = addresses.first; a; a = a->ai_next) {
    io::unique_fd fd{::socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!fd) continue;
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int error = 0;
    if (::connect(fd.get(), a->ai_addr, a->ai_addrlen) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        socklen_t size = sizeof error;
        if (!wait_for(fd.get(), POLLOUT, now() + options.connect_limit))
          error = ETIMEDOUT;
        else
          ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) return fd;
    why = std::strerror(error);
  }
  return fail(no_connection(fmt::format("{} port {}: {}", options.host, options.port, why)));
}

} // namespace

/// The socket, TLS on it where wanted, and the session.
class client::impl {
 public:
  impl(const client_options& options, io::unique_fd fd)
      : options_{options}, fd_{std::move(fd)}, session_{options.wire, options.detects_errors,
                                                        options.retries} {}
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() {
    if (tls_) {
      SSL_shutdown(tls_);
      io::free_tls_session(tls_);
    }
  }

  /// Empty, or why there is no TLS.
  [[nodiscard]] std::string begin_tls() {
    auto context =
        io::tls_context::client({options_.ca_file, options_.certificate_file, options_.key_file});
    if (!context) return context.error();
    tls_ = io::make_tls_session(*context, fd_.get());
    const auto& name = options_.server_name.empty() ? options_.host : options_.server_name;
    if (!tls_ || !io::expect_tls_host(tls_, name))
      return "'" + name + "' is not a name that a certificate can hold";
    const auto until = now() + options_.connect_limit;
    for (;;) {
      const int n = SSL_connect(tls_);
      if (n == 1) return {};
      if (wait_for_tls(n, until)) continue;
      if (now() >= until) return "no TLS in time; does that port speak it?";
      return io::explain_tls_failure(tls_);
    }
  }

  result<message, client_error> run(client_step step) {
    auto until = now() + options_.answer_limit;
    for (;;) {
      if (step.answer) return std::move(*step.answer);
      if (step.has_failed)
        return fail(client_error{client_errc::no_answer, "no usable answer after all tries"});
      if (!step.send.empty()) {
        until = now() + options_.answer_limit;
        if (const auto e = write(step.send, until); e.has_value()) return fail(*e);
      }
      char bytes[65536];
      const auto n = read(bytes, sizeof bytes, until);
      if (!n) return fail(n.error());
      step = *n == 0 ? session_.on_timeout() : session_.on_bytes({bytes, *n});
      if (*n == 0 && step.has_failed)
        return fail(client_error{client_errc::no_answer, "no answer in time"});
    }
  }

  client_session& session() noexcept { return session_; }

 private:
  /// After a TLS call that did not succeed: waits for what it wants. False when it cannot go on.
  bool wait_for_tls(int n, instant until) {
    const int error = SSL_get_error(tls_, n);
    if (error == SSL_ERROR_WANT_READ) return wait_for(fd_.get(), POLLIN, until);
    if (error == SSL_ERROR_WANT_WRITE) return wait_for(fd_.get(), POLLOUT, until);
    return false;
  }

  std::optional<client_error> write(std::string_view bytes, instant until) {
    while (!bytes.empty()) {
      if (tls_) {
        const int n = SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
        if (n > 0)
          bytes.remove_prefix(static_cast<std::size_t>(n));
        else if (!wait_for_tls(n, until))
          return lost("the connection broke while sending");
        continue;
      }
      const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0)
        bytes.remove_prefix(static_cast<std::size_t>(n));
      else if (errno != EAGAIN || !wait_for(fd_.get(), POLLOUT, until))
        return lost(std::string{"cannot send: "} + std::strerror(errno));
    }
    return std::nullopt;
  }

  /// Bytes read; 0: none in time.
  result<std::size_t, client_error> read(char* to, std::size_t size, instant until) {
    for (;;) {
      if (tls_) {
        const int n = SSL_read(tls_, to, static_cast<int>(size));
        if (n > 0) return static_cast<std::size_t>(n);
        const int error = SSL_get_error(tls_, n);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
          return fail(lost("the server hung up"));
        if (!wait_for_tls(n, until)) return std::size_t{0};
        continue;
      }
      const auto n = ::recv(fd_.get(), to, size, 0);
      if (n > 0) {
        has_received_ = true;
        return static_cast<std::size_t>(n);
      }
      const std::string_view hint =
          has_received_ ? "" : "; a port for TLS does so with a terminal that does not use it";
      if (n == 0) return fail(lost(fmt::format("the server hung up{}", hint)));
      if (errno != EAGAIN && errno != EINTR)
        return fail(lost(fmt::format("cannot receive: {}{}", std::strerror(errno), hint)));
      if (!wait_for(fd_.get(), POLLIN, until)) return std::size_t{0};
    }
  }

  client_options options_;
  io::unique_fd fd_;
  ssl_st* tls_ = nullptr;
  bool has_received_ = false;
  client_session session_;
};

client::client(std::unique_ptr<impl> i) : impl_{std::move(i)} {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

result<client, client_error> client::connect(const client_options& options) {
  auto fd = open_socket(options);
  if (!fd) return fail(fd.error());
  auto i = std::make_unique<impl>(options, std::move(*fd));
  if (options.has_tls)
    if (const auto why = i->begin_tls(); !why.empty()) return fail(no_connection("TLS: " + why));
  return client{std::move(i)};
}

result<message, client_error> client::ask(const message& question) {
  return impl_->run(impl_->session().ask(question));
}

result<message, client_error> client::ask_raw(std::string_view line) {
  return impl_->run(impl_->session().ask_raw(line));
}

result<bool, client_error> client::login(std::string_view user, std::string_view password,
                                         std::string_view location) {
  const auto answer = ask(make_login(user, password, location));
  if (!answer) return fail(answer.error());
  return answer->fixed.starts_with('1');
}

const std::string& client::sent() const noexcept { return impl_->session().sent(); }
const std::string& client::received() const noexcept { return impl_->session().received(); }

} // namespace tandem::sip2
