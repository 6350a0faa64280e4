// SPDX-License-Identifier: Apache-2.0
// load: a cheap load generator for SIP servers on the loopback, caller and callee in one thread.
// Bounded in count and time. Prints one line of JSON. bench/run leads it; `load --help` tells how
// to use it by hand.
#include "callee.hpp"
#include "caller.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <map>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace tandem::bench;
using clock_type = caller::clock;

struct settings {
  plan work;
  double seconds = 5;
  double rate = 0;
  std::size_t sources = 1;
  bool hold = false;
};

/// Everything that has a descriptor: our callers' channels first, then the callee's.
class generator {
 public:
  explicit generator(const settings& wanted);
  void run();

 private:
  void watch(int descriptor, std::uint64_t tag);
  void serve(std::chrono::milliseconds at_most);
  void accept_all();
  void wait_for_word() const;
  void report(double seconds) const;

  static constexpr std::uint64_t listener_tag = 1ULL << 32;
  static constexpr std::size_t sources_per_host = 1000;

  settings settings_;
  int epoll_;
  int listener_ = -1;
  std::vector<std::unique_ptr<channel>> callers_;
  std::vector<std::unique_ptr<channel>> callees_;
  std::unique_ptr<caller> caller_;
  std::unique_ptr<callee> callee_;
};

generator::generator(const settings& wanted) : settings_(wanted), epoll_(epoll_create1(0)) {
  const sockaddr_in server = parse_address(settings_.work.server);
  const transport kind = settings_.work.kind;
  if (settings_.work.what == unit::call) {
    if (kind == transport::udp) {
      callees_.push_back(std::make_unique<channel>(kind, server, settings_.work.callee_port));
    } else {
      listener_ = listen_tcp(settings_.work.callee_port);
      watch(listener_, listener_tag);
    }
    callee_ = std::make_unique<callee>(settings_.hold ? answering::ring_only : answering::at_once,
                                       kind, settings_.work.callee_port);
  }
  for (std::size_t n = 0; n < settings_.sources; ++n) {
    // A server may bound the connections of one address.
    const auto host = static_cast<std::uint8_t>(1 + n / sources_per_host % 250);
    callers_.push_back(std::make_unique<channel>(kind, server, std::uint16_t{0}, host));
    watch(callers_.back()->descriptor(), n);
  }
  for (std::size_t n = 0; n < callees_.size(); ++n) {
    watch(callees_[n]->descriptor(), callers_.size() + n);
  }
  caller_ = std::make_unique<caller>(settings_.work, callers_);
  caller_->keep_going(settings_.rate == 0 && !settings_.hold);
}

void generator::watch(int descriptor, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
}

void generator::accept_all() {
  for (int accepted = accept(listener_, nullptr, nullptr); accepted >= 0;
       accepted = accept(listener_, nullptr, nullptr)) {
    callees_.push_back(std::make_unique<channel>(accepted));
    watch(accepted, callers_.size() + callees_.size() - 1);
  }
}

/// One turn: waits for input, handles all of it, then writes what it caused.
void generator::serve(std::chrono::milliseconds at_most) {
  bool waiting_output = false;
  for (auto* group : {&callers_, &callees_}) {
    for (auto& one : *group) {
      if (one->has_output()) {
        one->flush();
        waiting_output |= one->has_output();
      }
    }
  }
  std::array<epoll_event, 64> events{};
  const int timeout = waiting_output ? 1 : static_cast<int>(at_most.count());
  const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
  for (int n = 0; n < count; ++n) {
    const std::uint64_t tag = events[static_cast<std::size_t>(n)].data.u64;
    if (tag == listener_tag) {
      accept_all();
      continue;
    }
    const bool is_caller = tag < callers_.size();
    channel& one = is_caller ? *callers_[tag] : *callees_[tag - callers_.size()];
    const bool open = one.receive([&](std::string_view message) {
      if (is_caller) {
        caller_->on_message(tag, message);
      } else {
        callee_->on_request(one, message);
      }
    });
    if (!open) {
      epoll_ctl(epoll_, EPOLL_CTL_DEL, one.descriptor(), nullptr);
    }
  }
}

void generator::wait_for_word() const {
  std::puts("held");
  std::fflush(stdout);
  std::array<char, 16> word{};
  [[maybe_unused]] const ssize_t got = read(STDIN_FILENO, word.data(), word.size());
}

void generator::run() {
  const auto began = clock_type::now();
  const auto deadline = began + std::chrono::duration_cast<clock_type::duration>(
                                    std::chrono::duration<double>(settings_.seconds));
  auto next_look = began + std::chrono::milliseconds(100);
  double due = 0;
  // Nobody repeats a lost INVITE here, so what is to be held is not sent in one burst.
  const double rate = settings_.hold && settings_.rate == 0 ? 2000 : settings_.rate;
  const bool paced = rate > 0;
  if (!paced) {
    caller_->start(settings_.work.places);
  }
  auto now = began;
  for (; now < deadline; now = clock_type::now()) {
    if (paced) {
      const double owed = std::chrono::duration<double>(now - began).count() * rate;
      if (owed - due >= 1) {
        caller_->start(static_cast<std::uint64_t>(owed - due));
        due += static_cast<double>(static_cast<std::uint64_t>(owed - due));
      }
    }
    serve(std::chrono::milliseconds(paced ? 1 : 50));
    if (now >= next_look && !settings_.hold) {
      caller_->give_up_silent(now);
      next_look = now + std::chrono::milliseconds(100);
    }
    const tally& counts = caller_->counts();
    const bool all_held =
        settings_.hold && counts.started >= settings_.work.places &&
        (settings_.work.what == unit::call ? counts.ringing >= counts.started : caller_->is_idle());
    if (all_held || (!settings_.hold && caller_->has_started_all() && caller_->is_idle())) {
      break;
    }
  }
  const double took = std::chrono::duration<double>(clock_type::now() - began).count();
  caller_->keep_going(false);
  // What is in progress ends by itself, within a bound.
  const auto end = clock_type::now() + std::chrono::seconds(2);
  while (!settings_.hold && !caller_->is_idle() && clock_type::now() < end) {
    serve(std::chrono::milliseconds(20));
    caller_->give_up_silent(clock_type::now());
  }
  if (settings_.hold) {
    wait_for_word();
  }
  report(took);
}

/// The value that so many of a hundred do not exceed; 0 of none.
std::uint32_t percentile(std::vector<std::uint32_t> values, std::size_t percent) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * percent / 100);
  std::ranges::nth_element(values, at);
  return *at;
}

void generator::report(double seconds) const {
  const tally& counts = caller_->counts();
  std::printf(
      "{\"started\": %llu, \"done\": %llu, \"ringing\": %llu, \"refused\": %llu, \"lost\": %llu, "
      "\"reordered\": %llu, \"seconds\": %.4f, \"per_second\": %.1f, \"p50_us\": %u, \"p99_us\": "
      "%u}\n",
      static_cast<unsigned long long>(counts.started), static_cast<unsigned long long>(counts.done),
      static_cast<unsigned long long>(counts.ringing),
      static_cast<unsigned long long>(counts.refused), static_cast<unsigned long long>(counts.lost),
      static_cast<unsigned long long>(counts.reordered), seconds,
      static_cast<double>(counts.done) / seconds, percentile(counts.took, 50),
      percentile(counts.took, 99));
}

} // namespace

int main(int argc, char** argv) {
  settings wanted;
  CLI::App app{
      "Load for a SIP server on the loopback, in a closed loop or at a rate. Ends by itself."};
  const std::map<std::string, unit> units{{"call", unit::call},
                                          {"options", unit::options},
                                          {"register", unit::registration},
                                          {"lookup", unit::lookup}};
  const std::map<std::string, transport> kinds{{"udp", transport::udp}, {"tcp", transport::tcp}};
  app.add_option("unit", wanted.work.what, "call, options, register or lookup")
      ->required()
      ->transform(CLI::CheckedTransformer(units));
  app.add_option("--target", wanted.work.server, "the server, as 127.0.0.1:5060")->required();
  app.add_option("--transport", wanted.work.kind, "udp or tcp")
      ->transform(CLI::CheckedTransformer(kinds));
  app.add_option("--domain", wanted.work.domain, "the domain of registrations and lookups");
  app.add_option("--seconds", wanted.seconds, "stop starting after this time")
      ->check(CLI::Range(0.1, 600.0));
  app.add_option("--count", wanted.work.count,
                 "start at most so many units; 0: no bound but the time");
  app.add_option("--places", wanted.work.places, "units in progress at once")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--sources", wanted.sources, "source ports, or connections")
      ->check(CLI::Range(1, 30000));
  app.add_option("--users", wanted.work.users, "users of registrations and lookups")
      ->check(CLI::Range(1, 10000000));
  app.add_option("--callee-port", wanted.work.callee_port, "port of our callee (calls)");
  app.add_option("--rate", wanted.rate, "units a second; without it as fast as the server goes");
  app.add_flag("--hold", wanted.hold,
               "start one unit in each place; say 'held' when calls ring or units are done; wait "
               "for a line");
  CLI11_PARSE(app, argc, argv);
  if (wanted.work.what == unit::call && wanted.work.callee_port == 0) {
    std::fputs("load: calls need --callee-port PORT\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (wanted.hold) {
    wanted.work.count = wanted.work.places;
  }
  try {
    generator{wanted}.run();
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "load: %s\n", problem.what());
    return 1;
  }
  return 0;
}
