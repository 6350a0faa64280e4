// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/client_session.hpp>

#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/writer.hpp>

namespace tandem::sip2 {
namespace {

std::string with_end(const std::string& line, const wire_format& format) {
  std::string out;
  out.reserve(line.size() + 2);
  out.append(line).append(bytes_of(format.end));
  return out;
}

} // namespace

client_step client_session::ask(const message& question) {
  framer_ = line_framer{};
  is_open_ = true;
  is_raw_ = false;
  has_asked_for_resend_ = false;
  tries_ = 0;
  expected_ = question.spec() ? question.spec()->answer : message_code{};
  std::string sequence;
  if (detects_ && question.code != code::request_acs_resend) {
    sequence = std::to_string(sequence_);
    sequence_ = (sequence_ + 1) % 10;
  }
  sent_ = write_message(question, format_,
                        detects_ ? std::optional<std::string_view>{sequence} : std::nullopt);
  sent_.erase(sent_.size() - bytes_of(format_.end).size());
  return {with_end(sent_, format_), {}, false};
}

client_step client_session::ask_raw(std::string_view line) {
  framer_ = line_framer{};
  is_open_ = true;
  is_raw_ = true;
  tries_ = retries_; // what is not understood is not repeated
  sent_ = line;
  return {with_end(sent_, format_), {}, false};
}

client_step client_session::on_bytes(std::string_view bytes) {
  framer_.append(bytes);
  while (is_open_) {
    const auto line = framer_.next(format_.accepts);
    if (!line) break;
    auto step = take_line(*line);
    if (!step.send.empty() || step.answer || step.has_failed) return step;
  }
  return framer_.is_overflowing() ? give_up() : client_step{};
}

client_step client_session::on_timeout() {
  if (!is_open_) return {};
  has_asked_for_resend_ = false;
  return send_again();
}

client_step client_session::take_line(std::string_view line) {
  const auto e = open_line(line, format_);
  if (!e) return {};
  received_ = line;
  if (is_raw_) {
    is_open_ = false;
    return {{}, read_message(*e, format_), false};
  }
  if (!e->is_intact || (detects_ && !e->tail)) {
    if (tries_++ >= retries_) return give_up();
    has_asked_for_resend_ = true;
    return {write_message(message{code::request_acs_resend}, format_, ""), {}, false};
  }
  if (e->code == code::request_sc_resend) {
    if (expected_ == message_code{}) { // a 97 with nothing to repeat
      is_open_ = false;
      return {{}, read_message(*e, format_), false};
    }
    // A 96 in answer to our 97: neither side understands the other.
    return has_asked_for_resend_ ? give_up() : send_again();
  }
  const bool is_ours = !detects_ || expected_ == message_code{} ||
                       e->tail->sequence == std::to_string((sequence_ + 9) % 10);
  if (!is_ours) return {}; // the late answer to an older question
  if (expected_ != message_code{} && e->code != expected_)
    return detects_ ? client_step{} : give_up();
  is_open_ = false;
  return {{}, read_message(*e, format_), false};
}

client_step client_session::send_again() {
  if (tries_++ >= retries_) return give_up();
  has_asked_for_resend_ = false;
  return {with_end(sent_, format_), {}, false};
}

client_step client_session::give_up() {
  is_open_ = false;
  return {{}, {}, true};
}

} // namespace tandem::sip2
