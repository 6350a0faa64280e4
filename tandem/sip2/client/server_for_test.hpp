// SPDX-License-Identifier: Apache-2.0
// For tests: a SIP2 server on a thread of its own that keeps to the protocol, but for the one flaw
// that a test gives it.
#pragma once

#include <tandem/io/unique_fd.hpp>
#include <tandem/sip2/protocol/date.hpp>
#include <tandem/sip2/protocol/failure_answer.hpp>
#include <tandem/sip2/protocol/framer.hpp>
#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <algorithm>
#include <cstdint>
#include <list>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace tandem::sip2 {

enum class server_flaw : std::uint8_t {
  none,
  refuses_logins,
  drops_second_message,  ///< of those that come at once
  forgets_its_answer,    ///< a 97 gets a 96
  answers_unknown_codes, ///< with a 96
  echoes_no_sequence,
  takes_wrong_checksums,
  is_off_line,
  has_short_list, ///< BX
  sends_short_fixed_fields,
  hangs_up, ///< after the login
};

class server_for_test {
 public:
  explicit server_for_test(server_flaw flaw = server_flaw::none)
      : flaw_{flaw}, listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)},
        stop_{::eventfd(0, EFD_CLOEXEC)} {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        ::listen(listener_.get(), 16) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0)
      std::abort();
    port_ = ntohs(at.sin_port);
    thread_ = std::thread{[this] { serve(); }};
  }
  ~server_for_test() {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof one);
    thread_.join();
  }
  server_for_test(const server_for_test&) = delete;
  server_for_test& operator=(const server_for_test&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  struct connection {
    io::unique_fd fd;
    line_framer framer{line_discipline::raw};
    std::string last;
    bool is_over = false;
  };

  void serve() {
    std::list<connection> all;
    for (;;) {
      std::vector<pollfd> ready{{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const auto& c : all) ready.push_back({c.fd.get(), POLLIN, 0});
      if (::poll(ready.data(), ready.size(), -1) < 0) continue;
      if (ready[0].revents != 0) return;
      auto at = ready.begin() + 2;
      for (auto& c : all)
        if ((at++)->revents != 0) read(c);
      all.remove_if([](const connection& c) { return c.is_over; });
      if (ready[1].revents != 0)
        all.emplace_back().fd = io::unique_fd{::accept(listener_.get(), nullptr, nullptr)};
    }
  }

  void read(connection& c) {
    char bytes[4096];
    const auto n = ::recv(c.fd.get(), bytes, sizeof bytes, 0);
    if (n <= 0) {
      c.is_over = true;
      return;
    }
    c.framer.append({bytes, static_cast<std::size_t>(n)});
    bool is_first = true;
    while (const auto line = c.framer.next(wire_format{}.accepts)) {
      if (!is_first && flaw_ == server_flaw::drops_second_message) continue;
      is_first = false;
      const auto answer = answer_to(c, *line);
      (void)::send(c.fd.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }

  std::string answer_to(connection& c, std::string_view line) const {
    const auto e = open_line(line, {});
    if (!e || !e->spec) return flaw_ == server_flaw::answers_unknown_codes ? "96\r" : "";
    if (!e->is_intact && flaw_ != server_flaw::takes_wrong_checksums) return "96AZFEF6\r";
    if (e->code == code::request_acs_resend)
      return flaw_ == server_flaw::forgets_its_answer ? "96\r" : c.last;
    if (e->code != code::login && flaw_ == server_flaw::hangs_up) {
      c.is_over = true;
      return {};
    }
    auto answer = answer_to(read_message(*e, {}));
    std::optional<std::string_view> sequence;
    if (e->tail && flaw_ != server_flaw::echoes_no_sequence) sequence = e->tail->sequence;
    c.last = write_message(answer, {}, sequence);
    if (e->code == code::item_information && flaw_ == server_flaw::sends_short_fixed_fields)
      c.last = "18030101\r";
    return c.last;
  }

  [[nodiscard]] message answer_to(const message& question) const {
    const auto date = format_date(std::chrono::system_clock::now());
    if (question.code == code::login)
      return {code::login_response, {flaw_ == server_flaw::refuses_logins ? "0" : "1"}};
    if (question.code != code::sc_status) return failure_answer(question, date, "not here");
    message m{code::acs_status,
              {flaw_ == server_flaw::is_off_line ? "N" : "Y", "Y", "Y", "Y", "N", "N", "999", "999",
               date, "2.00"}};
    m.add(field_id{"AO"}, "i");
    m.add(field_id{"BX"}, flaw_ == server_flaw::has_short_list ? "YYY" : "YYYNYNYYNYYNNNYN");
    return m;
  }

  server_flaw flaw_;
  io::unique_fd listener_;
  io::unique_fd stop_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

} // namespace tandem::sip2
