// SPDX-License-Identifier: Apache-2.0
// The floor under the mediator: takes a terminal's bytes to one of 32 connections to the library,
// and what comes back to the terminal. It understands nothing of either; what it costs is the
// kernel's and the event loop's. relay SIP-PORT LIBRARY-PORT; one question a terminal at a time.
#include <tandem/base/text.hpp>
#include <tandem/io/connection.hpp>
#include <tandem/io/tcp_listener.hpp>

#include <deque>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace tandem;

class terminal;

/// A connection to the library, with the terminal whose question it carries.
class channel final : io::connection_handler {
 public:
  channel(io::shard& loop, class relay& owner, const socket_address& library)
      : owner_{owner}, connection_{loop, *this} {
    connection_.connect(library);
  }

  void carry(terminal& from, std::string_view question) {
    asker = &from;
    connection_.write(question);
  }

  terminal* asker = nullptr; ///< null when it is idle, or when the terminal has gone

 private:
  void on_data(std::string_view answer) override;
  void on_closed(io::connection_end, std::string_view) override {
    std::exit(1);
  } // ends with the library

  class relay& owner_;
  io::connection connection_;
};

class relay {
 public:
  relay(io::shard& loop, std::uint16_t library)
      : loop_{loop}, library_{ip_address::v4(127, 0, 0, 1), library, 0} {}

  void ask(terminal& from, std::string_view text) {
    constexpr std::size_t most = 32; // as the mediator has them
    if (idle_.empty() && channels_.size() == most)
      return waiting_.push_back({&from, std::string{text}});
    if (idle_.empty()) {
      channels_.push_back(std::make_unique<channel>(loop_, *this, library_));
      return channels_.back()->carry(from, text);
    }
    channel* free = idle_.back();
    idle_.pop_back();
    free->carry(from, text);
  }

  void release(channel& done) {
    if (waiting_.empty()) return idle_.push_back(&done);
    const question next = std::move(waiting_.front());
    waiting_.pop_front();
    done.carry(*next.from, next.text);
  }

  void forget(const terminal& gone) {
    for (const auto& c : channels_)
      if (c->asker == &gone) c->asker = nullptr;
    std::erase_if(waiting_, [&gone](const question& waiting) { return waiting.from == &gone; });
  }

 private:
  struct question {
    terminal* from;
    std::string text;
  };

  io::shard& loop_;
  socket_address library_;
  std::vector<std::unique_ptr<channel>> channels_;
  std::vector<channel*> idle_;
  std::deque<question> waiting_;
};

class terminal final : io::connection_handler {
 public:
  terminal(io::shard& loop, relay& owner, io::unique_fd fd, const socket_address& peer)
      : owner_{owner}, connection_{loop, *this} {
    connection_.accept(std::move(fd), peer);
  }
  void answer(std::string_view bytes) { connection_.write(bytes); }

 private:
  void on_data(std::string_view bytes) override { owner_.ask(*this, bytes); }
  void on_closed(io::connection_end, std::string_view) override {
    owner_.forget(*this);
    delete this;
  }

  relay& owner_;
  io::connection connection_;
};

void channel::on_data(std::string_view answer) {
  if (auto* from = std::exchange(asker, nullptr)) from->answer(answer);
  owner_.release(*this);
}

} // namespace

int main(int argc, char** argv) {
  const auto port = parse_number<std::uint16_t>(argc == 3 ? argv[1] : "");
  const auto library = parse_number<std::uint16_t>(argc == 3 ? argv[2] : "");
  if (!port || !library) return std::cerr << "usage: sip2_relay SIP-PORT LIBRARY-PORT\n", 1;
  io::shard loop;
  relay all{loop, *library};
  const auto listener = io::tcp_listener::listen(loop, {ip_address::v4(127, 0, 0, 1), *port, 0},
                                                 [&](io::unique_fd fd, const socket_address& peer) {
                                                   new terminal{loop, all, std::move(fd), peer};
                                                 });
  if (!listener) return std::cerr << listener.error() << '\n', 1;
  loop.run();
}
