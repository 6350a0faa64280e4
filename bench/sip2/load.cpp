// SPDX-License-Identifier: Apache-2.0
// SIP2 load: terminals that log in and then ask, each as soon as it is answered (saturated) or all
// together at a rate (paced). Prints one JSON object. One thread, epoll.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace {

using wall = std::chrono::steady_clock;

constexpr std::string_view login = "9300CNsiplogin|COsippassword|\r";
constexpr std::string_view question = "1720261120    153457AOexample|AB31000001|AC|\r";

struct terminal {
  int fd = -1;
  bool is_busy = false;
  wall::time_point asked;
};

struct options {
  std::uint16_t port = 6001;
  unsigned terminals = 120;
  double rate = 0;
  double seconds = 5;
  bool is_idle = false;
};

class load {
 public:
  explicit load(const options& o) : o_{o}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
    terminals_.resize(o.terminals);
  }

  int run() {
    const auto begin = wall::now();
    if (!connect_all()) return 1;
    const auto logins = since(begin);
    fmt::print(stderr, "{} terminals logged in\n", o_.terminals);
    if (o_.is_idle) {
      std::puts("ready");
      std::fflush(stdout);
      (void)std::getchar(); // until whoever measures has done so
      return 0;
    }
    ask_for(1.0, nullptr); // warm
    std::puts("measuring");
    std::fflush(stdout);
    std::vector<double> times;
    times.reserve(1 << 20);
    const double took = ask_for(o_.seconds, &times);
    std::sort(times.begin(), times.end());
    const auto at = [&times](double share) {
      if (times.empty()) return 0.0;
      const auto i = static_cast<std::size_t>(std::ceil(share * static_cast<double>(times.size())));
      return times[std::clamp<std::size_t>(i, 1, times.size()) - 1] * 1000;
    };
    fmt::print("{{\"answers\": {}, \"seconds\": {:.3f}, \"rate\": {:.1f}, \"logins_per_second\": "
               "{:.0f}, \"p50_ms\": {:.3f}, \"p99_ms\": {:.3f}, \"max_ms\": {:.3f}}}\n",
               times.size(), took, static_cast<double>(times.size()) / took, o_.terminals / logins,
               at(0.5), at(0.99), at(1));
    return 0;
  }

 private:
  static double since(wall::time_point t) {
    return std::chrono::duration<double>(wall::now() - t).count();
  }

  bool connect_all() {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(o_.port);
    std::size_t answered = 0;
    for (std::size_t i = 0; i < terminals_.size(); ++i) {
      auto& t = terminals_[i];
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      t.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (t.fd < 0 || ::connect(t.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
        return std::perror("connect"), false;
      const int on = 1;
      ::setsockopt(t.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::fcntl(t.fd, F_SETFL, O_NONBLOCK);
      epoll_event e{};
      e.events = EPOLLIN;
      e.data.u64 = i;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, t.fd, &e);
      send(t, login);
      answered += collect(0, nullptr);
    }
    const auto begin = wall::now();
    while (answered < terminals_.size()) {
      answered += collect(0.1, nullptr);
      if (since(begin) > 60) return std::fputs("logins are not answered\n", stderr), false;
    }
    return true;
  }

  void send(terminal& t, std::string_view line) {
    t.asked = wall::now();
    t.is_busy = true;
    if (::send(t.fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size())) {
      std::perror("send");
      std::exit(1);
    }
  }

  /// Takes the answers that are there; how many they were.
  std::size_t collect(double wait_seconds, std::vector<double>* times) {
    epoll_event events[256];
    const auto whole = static_cast<std::time_t>(wait_seconds);
    const timespec wait{whole,
                        static_cast<long>((wait_seconds - static_cast<double>(whole)) * 1e9)};
    const int n = ::epoll_pwait2(epoll_, events, 256, &wait, nullptr);
    std::size_t answered = 0;
    for (int i = 0; i < n; ++i) {
      auto& t = terminals_[events[i].data.u64];
      char bytes[2048];
      const auto size = ::recv(t.fd, bytes, sizeof bytes, 0);
      if (size <= 0) {
        if (size < 0 && errno == EAGAIN) continue;
        std::fputs("a terminal was hung up on\n", stderr);
        std::exit(1);
      }
      if (bytes[size - 1] != '\r') continue; // never, as answers come in one segment
      if (times && bytes[0] == '1' && bytes[1] == '8' && bytes[3] == '3')
        times->push_back(since(t.asked));
      t.is_busy = false;
      ++answered;
      ready_.push_back(events[i].data.u64);
    }
    return answered;
  }

  double ask_for(double seconds, std::vector<double>* times) {
    const auto begin = wall::now();
    ready_.clear();
    first_ready_ = 0;
    for (std::size_t i = 0; i < terminals_.size(); ++i)
      if (!terminals_[i].is_busy) ready_.push_back(i);
    std::vector<std::size_t> now;
    std::size_t sent = 0;
    while (since(begin) < seconds) {
      if (o_.rate <= 0) {
        now.swap(ready_);
        ready_.clear();
        for (const auto i : now) send(terminals_[i], question);
        collect(0.01, times);
        continue;
      }
      const auto due = static_cast<std::size_t>(since(begin) * o_.rate);
      for (; sent < due && next_ready(); ++sent) {
      }
      const double until = static_cast<double>(sent + 1) / o_.rate - since(begin);
      collect(std::max(0.0, until), times);
    }
    const double took = since(begin);
    const auto end = wall::now(); // what is under way is waited for, and counts
    while (std::any_of(terminals_.begin(), terminals_.end(),
                       [](const terminal& t) { return t.is_busy; }) &&
           since(end) < 5)
      collect(0.1, times);
    return took;
  }

  /// The terminal that has been silent for longest asks.
  bool next_ready() {
    if (first_ready_ >= ready_.size()) {
      ready_.clear();
      first_ready_ = 0;
      return false;
    }
    send(terminals_[ready_[first_ready_++]], question);
    if (first_ready_ > 4096) {
      ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(first_ready_));
      first_ready_ = 0;
    }
    return true;
  }

  const options& o_;
  int epoll_;
  std::vector<terminal> terminals_;
  std::vector<std::size_t> ready_;
  std::size_t first_ready_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  options o;
  CLI::App app{"Terminals that ask a SIP2 server", "sip2_load"};
  app.add_option("--port", o.port);
  app.add_option("--terminals", o.terminals);
  app.add_option("--rate", o.rate, "Messages a second; 0: as fast as answers come");
  app.add_option("--seconds", o.seconds);
  app.add_flag("--idle", o.is_idle, "Only log in, then stay until a line comes on standard input");
  CLI11_PARSE(app, argc, argv);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  return load{o}.run();
}
