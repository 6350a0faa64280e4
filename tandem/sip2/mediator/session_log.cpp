// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/session_log.hpp>

#include <fmt/format.h>
#include <utility>

namespace tandem::sip2 {

session_log::session_log(std::string peer, std::string session, log_privacy privacy)
    : peer_{std::move(peer)}, session_{std::move(session)}, privacy_{privacy} {}

void session_log::hide_login(const message& as_sent, const message& as_relayed) {
  secrets_ = secrets_of(as_sent);
  for (auto& s : secrets_of(as_relayed)) secrets_.push_back(std::move(s));
  login_secrets_ = secrets_.size();
}

void session_log::hide_message(const message& m) {
  secrets_.resize(login_secrets_);
  for (auto& s : secrets_of(m)) secrets_.push_back(std::move(s));
}

std::string session_log::request_id() const { return fmt::format("{}-{}", session_, requests_); }

std::string session_log::label() const {
  return fmt::format("[{} {} {}-{}]", peer_, account_.empty() ? "-" : account_, session_,
                     requests_);
}

std::string session_log::line_of(const message& m, char delimiter, std::string_view tail) const {
  return to_log_line(m, privacy_, secrets_, delimiter).append(tail);
}

std::string session_log::without_secrets(std::string_view text) const {
  return hide_secrets(text, secrets_);
}

} // namespace tandem::sip2
