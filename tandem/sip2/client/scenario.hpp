// SPDX-License-Identifier: Apache-2.0
// What sip2-client sends: messages by name, in a row, repeated, by several terminals at once, with
// what came of them. Each terminal runs on a thread of its own.
#pragma once

#include <tandem/sip2/client/client.hpp>
#include <tandem/sip2/client/recording.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::sip2 {

struct scenario {
  client_options server;
  std::string user;
  std::string password;
  std::string login_location; ///< CP
  request_basics basics;
  std::string current_location; ///< AP
  std::string pickup_location;  ///< BS
  std::string summary = "          ";
  std::string start_item, end_item; ///< BP, BQ: which part of a patron information's list
  std::string properties;           ///< CH of an item status update
  std::string block_text;           ///< AL
  bool with_cancel = false;         ///< BI Y in a checkin
  bool acknowledges_fee = false;    ///< BO Y in checkout, renew, renew-all and hold
  payment pays;
  std::vector<std::string> messages; ///< names, or "raw:..." for a line as it is
  std::vector<recorded> recording;   ///< asked again after the messages
  unsigned repeat = 1;               ///< of the whole list
  duration pause{0};                 ///< after each message
  unsigned parallel = 1;             ///< terminals at once
};

/// A message that a scenario can name.
struct named_message {
  std::string_view name;
  std::string_view help;
  bool needs_patron;
  bool needs_item;
  message (*make)(const scenario& s); ///< the request, from the scenario's values
};
[[nodiscard]] std::span<const named_message> named_messages() noexcept;
[[nodiscard]] const named_message* find_named_message(std::string_view name) noexcept;

/// The request of that name; nothing when there is none.
[[nodiscard]] std::optional<message> make_named(std::string_view name, const scenario& s);

/// All names with what they do, a line each.
[[nodiscard]] std::string messages_help();

/// The first thing that a run of the scenario lacks, in the original's words and as options of
/// sip2-client; empty when all is there.
[[nodiscard]] std::string find_missing(const scenario& s);

/// One question and its answer.
struct exchange {
  std::string sent, received; ///< lines as they went over the wire
  message question, answer;
  duration took{0};
  bool is_ok = false; ///< says_ok(answer); of what was recorded with its answer: no differences
  std::vector<std::string> differences; ///< from what was recorded
};

/// How a run ended; the numbers are the exit status of sip2-client.
enum class run_end : int {
  done = 0,
  cannot_connect = 2,
  login_refused = 3,
  no_answer = 4,
  answered_no = 5, ///< at least one answer said no
};

struct run_result {
  run_end end = run_end::done;
  std::string text;            ///< of the first fault
  std::vector<duration> times; ///< of all answers, the login's apart
  duration whole{0};
  std::size_t different = 0; ///< answers that differ from what was recorded
};

/// What is told while it runs; calls come one at a time.
struct run_events {
  std::function<void(const message& question, std::string_view line)> on_send = {};
  std::function<void(const exchange&)> on_answer = {};
};

[[nodiscard]] run_result run(const scenario& s, const run_events& events);

/// The time under which `share` (0 to 1) of the times lie; 0 without any. Sorts them.
[[nodiscard]] duration percentile(std::vector<duration>& times, double share);

} // namespace tandem::sip2
