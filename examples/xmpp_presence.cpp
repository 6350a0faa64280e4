// SPDX-License-Identifier: Apache-2.0
// Shows a phone in the roster of its user's contacts, over BOSH:
//   XMPP_PASSWORD=... xmpp_presence URL USER@DOMAIN FILE [CA-FILE]
// It reads states, one for each line: online, onthephone, still-online, offline. "keep" ends it and
// leaves the session to the next run, which finds it in FILE; so does kill -9.
#include <tandem/names/resolver.hpp>
#include <tandem/xmpp/client_pool.hpp>
#include <tandem/xmpp/phone_presence.hpp>

#include <cstdlib>
#include <iostream>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>

namespace {

using namespace tandem;

/// Lines of standard input.
class line_reader final : public io::readiness {
 public:
  line_reader(io::shard& loop, std::function<void(std::string_view)> on_line)
      : loop_{loop}, on_line_{std::move(on_line)} {
    loop_.watch(STDIN_FILENO, *this, EPOLLIN);
  }
  ~line_reader() { loop_.unwatch(STDIN_FILENO, *this); }

 private:
  void on_ready(std::uint32_t) override {
    char piece[512];
    const auto size = ::read(STDIN_FILENO, piece, sizeof piece);
    if (size <= 0) {
      loop_.unwatch(STDIN_FILENO, *this);
      return on_line_("end");
    }
    text_.append(piece, static_cast<std::size_t>(size));
    for (auto end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      on_line_(line);
    }
  }

  io::shard& loop_;
  std::function<void(std::string_view)> on_line_;
  std::string text_;
};

} // namespace

int main(int argc, char** argv) {
  const char* const password = std::getenv("XMPP_PASSWORD");
  const auto url = argc > 3 ? http::url::parse(argv[1]) : std::nullopt;
  const auto address = argc > 3 ? xmpp::jid::parse(argv[2]) : std::nullopt;
  if (!url || !address || !password)
    return std::cerr << "usage: XMPP_PASSWORD=... xmpp_presence URL USER@DOMAIN FILE [CA-FILE]\n",
           2;

  io::shard loop;
  names::resolver names{loop};
  const auto store = xmpp::session_store::open(argv[3]);
  if (!store) return std::cerr << store.error() << '\n', 1;
  const auto tls = io::tls_context::client({.ca_file = argc > 4 ? argv[4] : ""});
  if (!tls) return std::cerr << tls.error() << '\n', 1;

  xmpp::pool_events events;
  events.on_state = [](const std::string&, xmpp::client_state now) {
    std::cout << "state: " << to_string(now) << std::endl;
  };
  events.on_message = [](const std::string&, const xmpp::xml_element& message) {
    const auto* const body = message.find_child("body", "jabber:client");
    std::cout << "message: " << (body ? body->text : "") << std::endl;
  };
  xmpp::client_pool pool{loop, {.tls = *tls, .names = &names, .store = store->get()}, events};

  xmpp::account account;
  account.address = *address;
  account.resource = xmpp::only_phone;
  account.password = secret{password};
  account.url = *url;
  if (!pool.add("phone", account)) return 1;

  xmpp::phone_presence phone;
  const line_reader lines{loop, [&](std::string_view line) {
                            if (line == "keep" || line == "end") {
                              using enum xmpp::client_pool::ending;
                              pool.stop(line == "keep" ? keep : leave, [&loop] { loop.stop(); });
                            } else if (const auto state = xmpp::phone_state_of(line)) {
                              phone.take(*state);
                              pool.show("phone", phone.shown());
                            } else {
                              std::cerr << "no such state: " << line << '\n';
                            }
                          }};
  loop.run();
  std::cout << "logins: " << pool.statistics().logins << ", resumed: " << pool.statistics().resumed
            << std::endl;
}
