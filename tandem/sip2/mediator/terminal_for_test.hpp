// SPDX-License-Identifier: Apache-2.0
// A terminal in virtual time with a back-end that answers what the test says.
#pragma once

#include <tandem/sip2/mediator/terminal.hpp>

#include <tandem/base/log.hpp>
#include <tandem/sip2/mediator/backend_form.hpp>
#include <tandem/sip2/protocol/checksum.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <gtest/gtest.h>

#include <deque>

namespace tandem::sip2 {

inline const std::string d = "20261120    153457";
inline const std::string item = "17" + d + "AOi|AB3|";
inline const std::string checkout = "11YN" + d + d + "AOi|AApat|AB3|AC|";

/// What the back-end was asked, with the JSON of it.
struct request_for_test : backend_request {
  message_code code = {};
  std::string message = {};
};

/// A world for one terminal, in virtual time.
class terminal_test : public ::testing::Test, public terminal_host {
 public:
  terminal_test() {
    set_log_level(log_level::critical);
    rules = std::make_shared<terminal_rules>();
  }

  void write(std::string bytes) override { writes.push_back(std::move(bytes)); }
  void close() override { is_closed = true; }
  void send(backend_request&& request) override {
    requests.push_back({std::move(request)});
    requests.back().code = requests.back().content.code;
    requests.back().message = to_json(requests.back().content);
  }
  void on_line(direction, std::string_view line) override { lines.emplace_back(line); }
  [[nodiscard]] bool is_traced() const noexcept override { return true; }
  [[nodiscard]] wall_time wall_now() const override { return *parse_date("20261120    153457"); }

  terminal& make(line_discipline discipline = line_discipline::raw) {
    terminal_options options;
    options.peer = "192.0.2.7:4711";
    options.session = "0123456789abcdef0123456789abcdef";
    options.discipline = discipline;
    options.rules = rules;
    options.counters = &counters;
    t.emplace(std::move(options), *this, now);
    return *t;
  }
  void set(const profile& p) { rules->profiles[p.name] = std::make_shared<const profile>(p); }

  void feed(std::string_view bytes) { t->on_bytes(bytes, now); }
  void reply(std::string_view json) { t->on_reply(read_json_answer(json, reading), now); }
  void fail_reply(backend_failure kind, unsigned status = 0, std::string body = {}) {
    t->on_reply(tandem::fail(backend_error{kind, status, "http://ils", std::move(body)}), now);
  }
  std::string take_write() {
    if (writes.empty()) return "(nothing written)";
    auto first = writes.front();
    writes.pop_front();
    return first;
  }
  request_for_test take_request() {
    if (requests.empty()) return {};
    auto first = requests.front();
    requests.pop_front();
    return first;
  }
  /// The line with a right tail.
  static std::string checked(std::string line, std::string_view sequence) {
    append_tail(line, sequence);
    return line + '\r';
  }

  std::shared_ptr<terminal_rules> rules;
  terminal_counters counters;
  instant now{seconds{1000}};
  std::deque<std::string> writes;
  std::deque<request_for_test> requests;
  json_rules reading;
  std::vector<std::string> lines;
  bool is_closed = false;
  std::optional<terminal> t;
};

inline const std::string item_answer = R"({"code":"18","fixed_fields":["03","01","01",")" + d +
                                       R"("],"fields":[{"AB":"3"},{"AJ":"Emma"}]})";
inline const std::string item_line = "18030101" + d + "AB3|AJEmma|";
inline const std::string login_ok = R"({"code":"94","fixed_fields":["1"]})";
inline const std::string login_bad = R"({"code":"94","fixed_fields":["0"]})";

} // namespace tandem::sip2
