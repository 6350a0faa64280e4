// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/client.hpp>

#include <tandem/io/connection.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/names/search_list.hpp>
#include <tandem/sip2/client/client_session.hpp>

#include <optional>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

client_error no_connection(std::string text) {
  return {client_errc::cannot_connect, std::move(text)};
}

} // namespace

/// A loop of its own, which runs while somebody waits; the connection, and the session on it.
class client::impl final : io::connection_handler {
 public:
  explicit impl(const client_options& options)
      : options_{options}, session_{options.wire, options.detects_errors, options.retries},
        connection_{loop_, *this, {.open = options.connect_limit}} {}
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() {
    // One turn, in which what waits leaves and the server is told that it was all.
    connection_.finish();
    bool has_turned = false;
    loop_.post([&] { has_turned = true; });
    loop_.run_until([&] { return has_turned; });
  }

  /// Nothing, or why there is no connection.
  [[nodiscard]] std::optional<client_error> open() {
    io::tls_context tls;
    if (options_.has_tls) {
      auto made =
          io::tls_context::client({options_.ca_file, options_.certificate_file, options_.key_file});
      if (!made) return no_connection("TLS: " + made.error());
      tls = std::move(*made);
    }
    const auto addresses = find_addresses();
    if (!addresses)
      return no_connection(
          fmt::format("{}: {}", options_.host, names::to_string(addresses.error())));
    const auto& name = options_.server_name.empty() ? options_.host : options_.server_name;
    for (const ip_address& ip : *addresses) {
      ended_.reset();
      connection_.connect({ip, options_.port}, tls, name);
      loop_.run_until([this] { return connection_.is_connected() || ended_; },
                      2 * options_.connect_limit); // the connection's own limit comes first
      if (connection_.is_connected()) return std::nullopt;
      if (ended_ && ended_->why == io::connection_end::tls_failed)
        return no_connection("TLS: " + ended_->detail);
    }
    const std::string_view hint =
        options_.has_tls && ended_ && ended_->why == io::connection_end::open_limit
            ? "; does that port speak TLS?"
            : "";
    return no_connection(fmt::format("{} port {}: {}{}", options_.host, options_.port,
                                     ended_ ? ended_->detail : "no address", hint));
  }

  result<message, client_error> run(client_step step) {
    auto until = now() + options_.answer_limit;
    for (;;) {
      if (step.answer) return std::move(*step.answer);
      if (step.has_failed)
        return fail(client_error{client_errc::no_answer, "no usable answer after all tries"});
      if (!step.send.empty()) {
        connection_.write(step.send);
        until = now() + options_.answer_limit;
      }
      next_.reset();
      loop_.run_until([this] { return next_ || ended_; }, until - now());
      if (next_) {
        step = std::move(*next_);
      } else if (ended_) {
        return fail(client_error{client_errc::connection_lost, explain_end()});
      } else {
        step = session_.on_timeout();
        if (step.has_failed) return fail(client_error{client_errc::no_answer, "no answer in time"});
      }
    }
  }

  /// Each piece has left before the next is written.
  result<message, client_error> run_in_pieces(const client_step& step, std::size_t piece) {
    const std::string_view bytes{step.send};
    next_.reset();
    for (std::size_t at = 0; at < bytes.size() && !ended_; at += piece) {
      connection_.write(bytes.substr(at, piece));
      loop_.run_until([this] { return connection_.waiting_output() == 0 || ended_; },
                      options_.answer_limit);
    }
    if (next_) return run(std::move(*next_));
    return run({});
  }

  client_session& session() noexcept { return session_; }

 private:
  struct ending {
    io::connection_end why;
    std::string detail;
  };

  void on_data(std::string_view bytes) override {
    has_received_ = true;
    auto step = session_.on_bytes(bytes);
    if (!step.send.empty() || step.answer || step.has_failed) next_ = std::move(step);
  }
  void on_closed(io::connection_end why, std::string_view detail) override {
    ended_.emplace(ending{why, {}});
    ended_->detail = detail;
  }

  [[nodiscard]] names::resolver::answer find_addresses() {
    names::resolver names{loop_};
    return names::find_by_search(loop_, names, names::search_list::read(), options_.host,
                                 options_.connect_limit);
  }

  [[nodiscard]] std::string explain_end() const {
    const bool is_hung_up =
        ended_->why == io::connection_end::by_peer || ended_->why == io::connection_end::cut_off;
    const std::string_view hint =
        has_received_ || options_.has_tls
            ? ""
            : "; a port for TLS does so with a terminal that does not use it";
    return fmt::format("{}{}", is_hung_up ? "the server hung up" : ended_->detail, hint);
  }

  client_options options_;
  io::shard loop_;
  bool has_received_ = false;
  client_session session_;
  std::optional<client_step> next_; ///< what the last bytes led to
  std::optional<ending> ended_;
  io::connection connection_;
};

client::client(std::unique_ptr<impl> i) : impl_{std::move(i)} {}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

result<client, client_error> client::connect(const client_options& options) {
  try {
    auto i = std::make_unique<impl>(options);
    if (auto error = i->open()) return fail(std::move(*error));
    return client{std::move(i)};
  } catch (const std::runtime_error& e) { // the loop has no descriptors
    return fail(no_connection(e.what()));
  }
}

result<message, client_error> client::ask(const message& question) {
  return impl_->run(impl_->session().ask(question));
}

result<message, client_error> client::ask_raw(std::string_view line) {
  return impl_->run(impl_->session().ask_raw(line));
}

result<message, client_error> client::ask_in_pieces(std::string_view line, std::size_t piece) {
  return impl_->run_in_pieces(impl_->session().ask_raw(line), piece);
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
