// SPDX-License-Identifier: Apache-2.0
// Whole calls through a forking proxy while sends fail, connections break, buffers fill, ports
// refuse, messages are lost, repeated and overtaken, users think and timers run, all at random.
// The seed is printed; SEED= replays from there, SEQUENCES= runs more (`make soak`).
#include <tandem/stack/proxy_for_test.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <malloc.h>
#include <map>
#include <random>
#include <set>

namespace tandem::stack {
namespace {

using namespace for_test;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name); // NOLINT(concurrency-mt-unsafe): before any thread
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// Several calls that cross, with everything that may go wrong.
class sequence : public proxy_fixture {
 public:
  explicit sequence(std::uint64_t seed) : random_{seed} {
    constexpr std::array shares{0.0, 0.1, 0.5};
    failing_ = shares[below(shares.size())];
    fails_ = failing_ > 0;
    out.refuses = [this](const target& to) { return any_failure(to); };
    edit = [this](sip::message& request) {
      if (request.method() == sip::method::ack) return;
      // Copies are absorbed, but where the answer to the first could not be sent (RFC 3261 17.2.4),
      // and after timer I, which an ACK starts (17.2.1).
      const unsigned times = ++shown_[transaction_of(request)];
      EXPECT_TRUE(times == 1 || fails_ || request.method() == sip::method::invite);
      if (request.method() == sip::method::cancel) return;
      ++contexts_;
      choose_ways();
    };
    on_failed = [this](context_handle c, int) { return decide(c); };
    on_replied = [this](context_handle c, sip::message&) {
      holds_replies = chance(0.2);
      if (chance(0.02)) give_up(c);
      if (chance(0.02)) core.reply(c, 480, {});
    };
    on_answered = [this](context_handle c, int) {
      EXPECT_EQ(++answers_[name_of(c)], 1) << "a second final answer";
    };
    on_ended = [this](context_handle c) {
      EXPECT_EQ(++ends_[name_of(c)], 1);
      if (!given_up_.contains(name_of(c))) {
        EXPECT_EQ(answers_[name_of(c)], 1) << "ended without";
      }
    };
  }

  void run() {
    const auto steps = 5 + below(40);
    for (std::size_t i = 0; i < steps; ++i) {
      step();
      collect();
    }
    // The world is well again, and nobody says anything more but those who must.
    out.refuses = nullptr;
    out.has_room = true;
    failing_ = 0;
    for (int round = 0; round < 40; ++round) {
      decide_all();
      answer_all();
      out.advance(seconds{30});
      collect();
    }
    decide_all();
    out.advance(std::chrono::hours{1});
    EXPECT_EQ(layer.size(), 0U) << "a transaction outlives its timers";
    EXPECT_EQ(core.size(), 0U);
    EXPECT_EQ(layer.counters().impossible, 0U);
    EXPECT_FALSE(out.timers().next_due()) << "a timer without anybody";
    EXPECT_EQ(ends_.size(), contexts_) << "each request that arrived has ended";
    for (const auto& [request, finals] : finals_)
      EXPECT_LE(finals.size(), shown_[request]) << "two answers to " << request;
  }

 private:
  /// A request that arrived, for its copies and its CANCEL.
  struct asked {
    request_parts parts;
    instant at;
  };

  bool chance(double share) { return std::uniform_real_distribution{}(random_) < share; }
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random_);
  }
  static std::string name_of(context_handle c) {
    return std::to_string(c.slot) + "." + std::to_string(c.generation);
  }

  std::optional<send_error> any_failure(const target& to) {
    if (!chance(failing_)) return std::nullopt;
    constexpr std::array by_datagram{send_error::refused, send_error::unreachable};
    constexpr std::array by_stream{send_error::refused,   send_error::unreachable,
                                   send_error::timed_out, send_error::closed,
                                   send_error::full,      send_error::unsupported};
    return is_reliable(to.transport) ? by_stream[below(by_stream.size())]
                                     : by_datagram[below(by_datagram.size())];
  }
  target any_target(std::size_t host) {
    target to = target_at("192.0.2." + std::to_string(host),
                          chance(0.3) ? transport_kind::tcp : transport_kind::udp);
    if (chance(0.1)) to.address.port = 0;
    return to;
  }
  void choose_ways() {
    ways.clear();
    const auto branches = 1 + below(4);
    for (std::size_t i = 0; i < branches; ++i) {
      way w{"sip:bob@192.0.2." + std::to_string(10 + i), {}};
      const auto addresses = 1 + below(3);
      for (std::size_t a = 0; a < addresses; ++a) w.targets.push_back(any_target(10 * (i + 1) + a));
      ways.push_back(w);
    }
  }

  void give_up(context_handle c) {
    given_up_.insert(name_of(c));
    core.drop(c);
  }
  failure_verdict decide(context_handle c) {
    if (chance(0.2)) {
      undecided_.push_back(c);
      return failure_verdict::later;
    }
    if (chance(0.3)) {
      if (const sip::message kept = core.request_of(c)) static_cast<void>(relay(c, kept));
    } else if (chance(0.2)) {
      core.reply(c, 404, {});
    }
    return failure_verdict::decided;
  }
  /// What users have thought about comes back.
  void decide_one() {
    if (!undecided_.empty()) {
      core.conclude(undecided_.back());
      undecided_.pop_back();
    } else if (!held.empty()) {
      auto [branch, response] = std::move(held.front());
      held.pop_front();
      core.pass(branch, std::move(response));
    }
  }
  void decide_all() {
    while (!undecided_.empty() || !held.empty()) {
      decide_one();
      out.end_turn();
    }
  }

  /// What left: requests wait for their answers, some are lost on the way.
  void collect() {
    out.end_turn();
    for (; !out.sent.empty(); out.sent.pop_front()) {
      const sent_message& m = out.sent.front();
      if (!m.text.starts_with("SIP/2.0")) {
        if (m.kind() != "ACK" && !chance(failing_ / 2)) requests_.push_back(m);
        continue;
      }
      note_answer(m);
      if (chance(failing_ / 2)) layer.on_datagram_refused(m.text);
    }
    out.end_turn();
  }
  /// RFC 3261 17.2: of final answers other than a 2xx to INVITE a transaction sends one.
  void note_answer(const sent_message& m) {
    const auto response = parsed(m.text);
    const bool is_invite = response.key()->cseq_method == sip::method::invite;
    if (response.status() < 200 || (is_invite && response.status() < 300)) return;
    finals_[transaction_of(response)].insert(m.text);
  }
  static std::string transaction_of(const sip::message& m) {
    return std::string{m.key()->cseq_method_text} + " " + std::string{m.key()->branch};
  }
  void answer_all() {
    collect();
    const auto all = std::exchange(requests_, {});
    for (const sent_message& m : all) answer(m, m.kind() == "INVITE" ? 487 : 200);
  }

  request_parts new_request(std::string method) {
    request_parts p;
    p.method = std::move(method);
    p.call_id = "call-" + std::to_string(below(3));
    p.via = "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKrequest" + std::to_string(next_++);
    asked_.push_back({p, out.now()});
    return p;
  }
  /// One that its transaction still knows.
  const asked* any_asked() {
    if (asked_.empty()) return nullptr;
    const asked& one = asked_[below(asked_.size())];
    return out.now() - one.at < seconds{30} ? &one : nullptr;
  }

  void step() {
    switch (below(12)) {
    case 0:
    case 1: receive(new_request("INVITE")); break;
    case 2: receive(new_request(chance(0.5) ? "OPTIONS" : "BYE")); break;
    case 3: // a copy
      if (const asked* const one = any_asked()) receive(one->parts);
      break;
    case 4: cancel(); break;
    case 5:
      if (const asked* const one = any_asked()) {
        request_parts ack = one->parts;
        ack.method = "ACK";
        ack.to += ";tag=bob-1";
        receive(ack);
      }
      break;
    case 6:
    case 7: { // in any order, late and twice
      if (requests_.empty()) break;
      constexpr std::array statuses{100, 180, 183, 200, 202, 302, 401,
                                    407, 486, 487, 500, 503, 600, 603};
      const sent_message m = requests_[below(requests_.size())];
      answer(m, statuses[below(statuses.size())], "bob-" + std::to_string(below(3)));
      break;
    }
    case 8: break_something(); break;
    case 9: out.has_room = chance(0.7); break;
    case 10: decide_one(); break;
    default:
      out.advance(chance(0.2) ? duration{seconds{below(200)}}
                              : duration{milliseconds{below(3'000)}});
    }
  }
  void cancel() {
    const asked* const one = any_asked();
    if (!one || one->parts.method != "INVITE") return;
    request_parts p = one->parts;
    p.method = "CANCEL";
    auto m = make_request(p);
    const auto from = arrived_from("192.0.2.1:5060");
    if (core.context_of(layer.find_server(m, from))) layer.receive_request(m, from);
  }
  /// A port refuses what was sent to it, or the connection breaks over which it left.
  void break_something() {
    if (requests_.empty()) return;
    const sent_message& m = requests_[below(requests_.size())];
    if (is_reliable(m.to.transport))
      layer.on_send_error(m.on_behalf_of, send_error::closed);
    else
      layer.on_datagram_refused(m.text);
  }

  std::mt19937_64 random_;
  double failing_ = 0;
  bool fails_ = false;
  unsigned next_ = 0;
  std::vector<asked> asked_;
  std::map<std::string, unsigned> shown_; ///< requests that made a context, and how often
  std::size_t contexts_ = 0;
  std::vector<sent_message> requests_; ///< that left and may be answered
  std::vector<context_handle> undecided_;
  std::set<std::string> given_up_;
  std::map<std::string, int> answers_;
  std::map<std::string, int> ends_;
  std::map<std::string, std::set<std::string>> finals_;
};

/// Bytes that are allocated at present; 0 under sanitizers, which find what is lost themselves.
std::size_t level() { return mallinfo2().uordblks; }

TEST(failing_network, every_call_ends_once_and_nothing_is_left_whatever_fails) {
  const std::uint64_t seed = number_from_environment("SEED", 20'261'128);
  const std::uint64_t sequences = number_from_environment("SEQUENCES", 3'000);
  RecordProperty("seed", std::to_string(seed));
  std::cout << "SEED=" << seed << " SEQUENCES=" << sequences << '\n';
  const auto run = [&](std::uint64_t n) {
    SCOPED_TRACE("SEED=" + std::to_string(seed + n));
    sequence{seed + n}.run();
  };
  for (std::uint64_t n = 0; n < sequences && !HasFailure(); ++n) run(n);
  // The stores of blocks keep what was used once: the last of these are measured when they come for
  // the third time, and need no more than the second time.
  const std::uint64_t first_again = sequences - std::min<std::uint64_t>(sequences, 300);
  std::size_t before = 0;
  for (const int time : {2, 3}) {
    for (std::uint64_t n = first_again; n < sequences && !HasFailure(); ++n) run(n);
    if (time == 2) before = level();
  }
  constexpr std::size_t noise = 4096; // less than 14 bytes of each
  EXPECT_LE(level(), before + noise);
}

} // namespace
} // namespace tandem::stack
