// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/demo/ils.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>
#include <tandem/sip2/demo/schema.hpp>
#include <tandem/sip2/protocol/json.hpp>

#include <chrono>
#include <exception>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr const char* institution = "DEMO";

ils_answer refuse(unsigned status, std::string_view code, std::string_view text) {
  return {status, fmt::format(R"({{"error":"{}","text":"{}"}})", code, text)};
}

wall_time time_of(std::int64_t seconds) { return std::chrono::system_clock::from_time_t(seconds); }

} // namespace

std::string to_money(std::int64_t cents) {
  return fmt::format("{}{}.{:02}", cents < 0 ? "-" : "", std::abs(cents) / 100,
                     std::abs(cents) % 100);
}

std::optional<std::int64_t> parse_money(std::string_view text) {
  const auto dot = text.find_first_of(".,");
  const auto whole = parse_number<std::uint32_t>(text.substr(0, dot));
  if (!whole) return std::nullopt;
  std::int64_t cents = 0;
  if (dot != std::string_view::npos) {
    const auto part = text.substr(dot + 1);
    const auto value = parse_number<std::uint32_t>(part);
    if (!value || part.size() > 2) return std::nullopt;
    cents = part.size() == 1 ? *value * 10 : *value;
  }
  return std::int64_t{*whole} * 100 + cents;
}

demo_ils::demo_ils(const std::string& path, wall_time now) : db_{path} {
  prepare_demo_library(db_, now);
}

std::string demo_ils::today() const { return format_date(time_of(now_)); }
std::string demo_ils::day_of(std::int64_t when) const {
  const auto date = format_date(time_of(when));
  return date.substr(0, 4) + '-' + date.substr(4, 2) + '-' + date.substr(6, 2);
}

ils_answer demo_ils::handle(std::string_view session, std::string_view json, wall_time now) {
  now_ = std::chrono::system_clock::to_time_t(now);
  if (session.empty()) return refuse(403, "NO_SESSION", "a session key is needed");
  const auto request = from_json(json);
  if (!request) return refuse(400, "BAD_MESSAGE", to_text(request.error()));
  const bool needs_login = request->code != code::login && request->code != code::sc_status &&
                           request->code != code::end_session;
  try {
    if (needs_login && db_.number("SELECT count(*) FROM sessions WHERE key = ?", session) == 0)
      return refuse(400, "SIP2_SESSION_REQUIRED", "this session has not logged in");
    const auto m = answer_whole(*request, session);
    if (m.code == message_code{})
      return refuse(400, "SIP2_NOT_IMPLEMENTED", "no message that a library system answers");
    return {200, to_json(m)};
  } catch (const std::exception& e) {
    log_error("demonstration library: {}", e.what());
    return refuse(500, "INTERNAL", "the library system has failed");
  }
}

message demo_ils::answer_whole(const message& request, std::string_view session) {
  db_.run_script("BEGIN");
  try {
    auto m = answer(request, session);
    db_.run_script("COMMIT");
    return m;
  } catch (...) {
    db_.run_script("ROLLBACK");
    throw;
  }
}

message demo_ils::answer(const message& request, std::string_view session) {
  const auto c = request.code;
  if (c == code::login) return login(request, session);
  if (c == code::sc_status) return status(request);
  if (c == code::end_session) {
    db_.run("DELETE FROM sessions WHERE key = ?", session);
    return message{code::end_session_done};
  }
  if (c == code::patron_status) return patron_status(request);
  if (c == code::patron_information) return patron_information(request);
  if (c == code::patron_enable) return patron_enable(request);
  if (c == code::block_patron) return block_patron(request);
  if (c == code::end_patron_session) return end_patron_session(request);
  if (c == code::fee_paid) return fee_paid(request);
  if (c == code::checkout) return checkout(request);
  if (c == code::checkin) return checkin(request);
  if (c == code::renew) return renew(request);
  if (c == code::renew_all) return renew_all(request);
  if (c == code::hold) return hold(request);
  if (c == code::item_information) return item_information(request);
  if (c == code::item_status_update) return item_status_update(request);
  return {};
}

message demo_ils::login(const message& request, std::string_view session) {
  const bool is_right =
      db_.number("SELECT count(*) FROM accounts WHERE login = ? AND password = ?",
                 request.value(field_id{"CN"}), request.value(field_id{"CO"})) > 0;
  if (is_right)
    db_.run("INSERT OR REPLACE INTO sessions VALUES (?, ?)", session,
            request.value(field_id{"CN"}));
  return {code::login_response, {is_right ? "1" : "0"}};
}

message demo_ils::status(const message& request) {
  const auto version = request.fixed_named("protocol version");
  message m{
      code::acs_status,
      {"Y", "Y", "Y", "Y", "Y", "Y", "300", "003", today(), version == "1.00" ? version : "2.00"}};
  m.add(field_id{"AO"}, institution).add(field_id{"AM"}, "Demonstration Library");
  m.add(field_id{"BX"}, "YYYYYYYYYYYYYYYY").add(field_id{"AN"}, "SELF-CHECK");
  return m;
}

} // namespace tandem::sip2
