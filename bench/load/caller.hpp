// SPDX-License-Identifier: Apache-2.0
// The calling side: a fixed number of places, each of which does one unit of work after the other
// (closed loop) or when it is told to (paced). A place that hears nothing for a second gives its
// unit up as lost. One thread.
#pragma once

#include "channel.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tandem::bench {

enum class unit {
  call,         ///< INVITE 100 180 200 ACK BYE 200 through the server to our callee
  options,      ///< OPTIONS to the server itself
  registration, ///< REGISTER of one of the users
  lookup, ///< OPTIONS to one of the users, answered by the server after it has looked the user up
};

/// What to send. `users` counts the users u0 ... of registrations and lookups.
struct plan {
  unit what = unit::options;
  transport kind = transport::udp;
  std::string server; // 127.0.0.1:5060
  std::string domain = "example.test";
  std::uint16_t callee_port = 0;
  std::uint64_t users = 1;
  std::size_t places = 64;
  std::uint64_t count = 0; // units to start in all; 0: until told to stop
};

struct tally {
  std::uint64_t started = 0;
  std::uint64_t done = 0;
  std::uint64_t ringing = 0;   // calls that reached 180
  std::uint64_t refused = 0;   // ended by an error response
  std::uint64_t lost = 0;      // given up: nothing heard for a second
  std::uint64_t reordered = 0; // 180 that came after the 200 of its call
  std::vector<std::uint32_t>
      took; // microseconds from the first request to the last answer of each unit that is done
};

class caller {
 public:
  using clock = std::chrono::steady_clock;

  caller(plan work, std::vector<std::unique_ptr<channel>>& channels);

  /// Fills every free place, `at_most` units; in a closed loop the places then keep themselves
  /// busy.
  void start(std::uint64_t at_most);
  /// Whether a place starts the next unit when one ends (closed loop), or waits for start().
  void keep_going(bool yes) { closed_loop_ = yes; }

  void on_message(std::size_t channel_index, std::string_view message);
  void give_up_silent(clock::time_point now);

  const tally& counts() const { return counts_; }
  bool is_idle() const { return busy_ == 0; }
  bool has_started_all() const { return work_.count != 0 && counts_.started >= work_.count; }

 private:
  enum class phase : std::uint8_t { free, asked, ringing, ending };
  struct place {
    phase now = phase::free;
    std::uint32_t generation = 0;
    clock::time_point began;
    clock::time_point heard;
  };

  void begin(std::size_t index);
  void end(std::size_t index);
  void on_call_answer(std::size_t index, int status, std::string_view message);
  channel& channel_of(std::size_t index) { return *channels_[index % channels_.size()]; }
  void open_request(std::size_t index, char step, std::string_view start_line);
  void append_call_id(std::size_t index);

  plan work_;
  std::vector<std::unique_ptr<channel>>& channels_;
  std::vector<place> places_;
  std::vector<std::size_t> free_;
  std::size_t busy_ = 0;
  bool closed_loop_ = true;
  std::uint64_t run_ = 0; // makes this run's identifiers its own
  std::uint64_t serial_ = 0;
  clock::time_point now_ = clock::now();
  tally counts_;
  std::string callee_uri_;
  std::string text_; // the message in the making
};

} // namespace tandem::bench
