// SPDX-License-Identifier: Apache-2.0
// SIP2 under hostile bytes: the first byte chooses what the rest is. Lines and JSON answers must
// give a line that is well formed; a whole session must survive any mixture of input and answers.
#include <tandem/io/proxy_header.hpp>
#include <tandem/sip2/mediator/backend_form.hpp>
#include <tandem/sip2/mediator/terminal.hpp>
#include <tandem/sip2/mediator/upstream_session.hpp>
#include <tandem/sip2/protocol/failure_answer.hpp>
#include <tandem/sip2/protocol/json.hpp>
#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <tandem/base/log.hpp>

#include <cstdlib>

namespace {

using namespace tandem;
using namespace tandem::sip2;

void require(bool condition) {
  if (!condition) std::abort();
}

/// One line, its end at its end only, fixed fields of their width.
void require_well_formed(const std::string& line, const message& m) {
  require(line.find_first_of("\r\n") == line.size() - 1);
  require(line.find('\0') == std::string::npos);
  if (const auto* spec = m.spec()) require(line.size() >= 2 + spec->fixed_width() + 1);
}

class world final : public terminal_host {
 public:
  void write(std::string bytes) override { require(!bytes.empty()); }
  void close() override { is_closed = true; }
  void send(backend_request&&) override { ++pending; }
  void on_line(direction, std::string_view) override {}
  [[nodiscard]] bool is_traced() const noexcept override { return true; }
  [[nodiscard]] wall_time wall_now() const override { return {}; }
  bool is_closed = false;
  int pending = 0;
};

/// Bytes for the terminal up to a 0x1e; bytes up to the next are an answer of the back-end.
void run_session(std::string_view input, line_discipline discipline) {
  world w;
  terminal_counters counters;
  terminal_options options;
  options.peer = "fuzz";
  options.session = "0123456789abcdef0123456789abcdef";
  options.discipline = discipline;
  options.rules = std::make_shared<terminal_rules>();
  options.counters = &counters;
  terminal t{std::move(options), w, instant{}};
  bool is_answer = false;
  while (!input.empty()) {
    const auto end = input.find('\x1e');
    const auto part = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    if (!is_answer) {
      t.on_bytes(part, instant{});
    } else if (w.pending > 0) {
      --w.pending;
      t.on_reply(read_json_answer(part, {}), instant{});
    }
    require(w.pending <= 1);
    is_answer = !is_answer;
  }
  t.on_end(instant{});
  while (w.pending > 0) {
    --w.pending;
    t.on_reply(fail(backend_error{backend_failure::lost, 0, {}, {}}), instant{});
  }
  require(t.is_finished());
}

/// The server's bytes up to a 0x1e, then up to the next, and so on; between them it is asked.
void run_upstream(std::string_view input, charset set, bool is_telnet) {
  upstream_profile p;
  p.wire.text = set;
  p.wire.detection = static_cast<error_detection>(input.size() % 3);
  p.dialogue = is_telnet ? upstream_dialogue::telnet : upstream_dialogue::raw;
  message login{code::login, {"0", "0"}};
  login.add(field_id{"CN"}, "u").add(field_id{"CO"}, "p");
  message question{code::checkout};
  question.add(field_id{"AA"}, "1").add(field_id{"AB"}, "2");
  upstream_session s{std::make_shared<const upstream_profile>(p), login};
  (void)s.begin();
  bool is_asked = false;
  while (!input.empty()) {
    const auto end = input.find('\x1e');
    const auto step = s.on_bytes(input.substr(0, end));
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    if (step.what == upstream_step::news::answered) {
      require(is_asked && step.answer.code == code::checkout_response);
      require(step.answer.fixed.size() == step.answer.spec()->fixed_width());
      require(s.is_idle());
      is_asked = false;
    }
    if (s.is_idle() && s.is_sound()) {
      require(!is_asked);
      (void)s.ask(question);
      is_asked = true;
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const bool is_quiet = [] { return set_log_level(log_level::critical), true; }();
  if (!is_quiet || size == 0) return 0;
  const std::string_view input{reinterpret_cast<const char*>(data) + 1, size - 1};
  wire_format format;
  format.text = static_cast<charset>((data[0] >> 4) % 5);
  switch (data[0] & 7) {
  case 0: run_session(input, line_discipline::raw); break;
  case 1: run_session(input, line_discipline::telnet); break;
  case 4: run_upstream(input, format.text, false); break;
  case 5: run_upstream(input, format.text, true); break;
  case 2: (void)io::read_proxy_header(input); break;
  case 3: {
    if (auto m = from_json(input)) {
      (void)complete_fixed(*m, "20261120    153457");
      require_well_formed(write_message(*m, format, "1"), *m);
      require(from_json(to_json(*m)).has_value());
    }
    break;
  }
  default: {
    const auto e = open_line(input, format);
    if (!e || !e->spec) break;
    const auto m = read_message(*e, format);
    require(m.fixed.size() == e->spec->fixed_width());
    require_well_formed(write_message(m, format), m);
    require_well_formed(write_message(failure_answer(m, "20261120    153457", "x"), format), {});
    require(from_json(to_json(m)).has_value());
  }
  }
  return 0;
}
