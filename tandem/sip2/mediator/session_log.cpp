// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/session_log.hpp>

#include <fmt/format.h>
#include <utility>

namespace tandem::sip2 {

session_log::session_log(std::string peer, std::string session, log_privacy privacy)
    : peer_{std::move(peer)}, session_{std::move(session)}, privacy_{privacy} {}

void session_log::hide_login(const message& as_sent, const message& as_relayed) {
  login_secrets_ = secrets_of(as_sent);
  for (auto& s : secrets_of(as_relayed)) login_secrets_.push_back(std::move(s));
}

std::string session_log::request_id() const { return fmt::format("{}-{}", session_, requests_); }

std::string session_log::label() const {
  return fmt::format("[{} {} {}-{}]", peer_, account_.empty() ? "-" : account_, session_,
                     requests_);
}

std::string session_log::line_of(const message& m, char delimiter, std::string_view tail) const {
  return to_log_line(m, privacy_, message_secrets_, delimiter).append(tail);
}

std::string session_log::without_secrets(std::string_view text) const {
  auto all = message_secrets_;
  all.insert(all.end(), login_secrets_.begin(), login_secrets_.end());
  return hide_secrets(text, all);
}

} // namespace tandem::sip2
