// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/client/scenario.hpp>

#include <tandem/base/text.hpp>
#include <tandem/sip2/protocol/parser.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace tandem::sip2 {
namespace {

message with_fee(message m, const scenario& s) {
  if (s.acknowledges_fee) m.add(field_id{"BO"}, "Y");
  return m;
}

constexpr named_message table[] = {
    {"sc-status", "99: is the system there, and what can it do", false, false,
     [](const scenario&) { return make_sc_status(); }},
    {"patron-status", "23: what a patron may do", true, false,
     [](const scenario& s) { return make_patron_status(s.basics); }},
    {"patron-information", "63: the same with lists (--patron-summary)", true, false,
     [](const scenario& s) {
       auto m = make_patron_information(s.basics, s.summary);
       m.add_if(field_id{"BP"}, s.start_item).add_if(field_id{"BQ"}, s.end_item);
       return m;
     }},
    {"item-information", "17: what is known of an item", false, true,
     [](const scenario& s) { return make_item_information(s.basics); }},
    {"checkout", "11: lend an item to a patron", true, true,
     [](const scenario& s) { return with_fee(make_checkout(s.basics), s); }},
    {"checkin", "09: take an item back (--current-location)", false, true,
     [](const scenario& s) {
       auto m = make_checkin(s.basics, s.current_location);
       if (s.with_cancel) m.add(field_id{"BI"}, "Y");
       return m;
     }},
    {"renew", "29: lend it for longer", true, true,
     [](const scenario& s) { return with_fee(make_renew(s.basics), s); }},
    {"renew-all", "65: lend everything for longer", true, false,
     [](const scenario& s) { return with_fee(make_renew_all(s.basics), s); }},
    {"hold", "15+: reserve an item (--pickup-location)", true, true,
     [](const scenario& s) {
       return with_fee(make_hold(s.basics, hold_mode::add, s.pickup_location), s);
     }},
    {"cancel-hold", "15-: give the reservation up", true, true,
     [](const scenario& s) { return make_hold(s.basics, hold_mode::remove); }},
    {"change-hold", "15*: change its pickup location", true, true,
     [](const scenario& s) { return make_hold(s.basics, hold_mode::change, s.pickup_location); }},
    {"fee-payment", "37: pay (--fee-amount, --fee-identifier)", true, false,
     [](const scenario& s) { return make_fee_paid(s.basics, s.pays); }},
    {"end-session", "35: the patron is done", true, false,
     [](const scenario& s) { return make_end_patron_session(s.basics); }},
    {"block-patron", "01: block a card (--block-text)", true, false,
     [](const scenario& s) { return make_block_patron(s.basics, s.block_text); }},
    {"patron-enable", "25: undo that", true, false,
     [](const scenario& s) { return make_patron_enable(s.basics); }},
    {"item-status-update", "19: change an item's properties (--item-properties)", false, true,
     [](const scenario& s) { return make_item_status_update(s.basics, s.properties); }},
    {"resend", "97: the last answer once more", false, false,
     [](const scenario&) { return make_resend_request(); }},
};

constexpr std::string_view raw_prefix = "raw:";

/// What the terminals of a run share.
struct board {
  const run_events& events;
  std::mutex mutex; ///< guards result and the events
  run_result result;

  void note(run_end end, std::string text) {
    const std::lock_guard lock{mutex};
    const bool is_graver = result.end == run_end::done ||
                           (result.end == run_end::answered_no && end != run_end::answered_no);
    if (!is_graver) return;
    result.end = end;
    result.text = std::move(text);
  }
};

/// One terminal: connects, logs in, and goes through the list.
class one_run {
 public:
  one_run(const scenario& s, board& b) : s_{s}, board_{b} {}

  void operator()() {
    auto connected = client::connect(s_.server);
    if (!connected) return board_.note(run_end::cannot_connect, connected.error().text);
    auto c = std::move(*connected);
    if (!s_.user.empty()) {
      const auto login = exchange_of(c, make_login(s_.user, s_.password, s_.login_location), {});
      if (!login) return;
      if (!login->is_ok) return board_.note(run_end::login_refused, "*SIP login failed*");
    }
    for (unsigned round = 0; round < s_.repeat; ++round) {
      for (const auto& name : s_.messages)
        if (!step(c, name)) return;
      for (const auto& r : s_.recording)
        if (!replay(c, r)) return;
    }
  }

 private:
  bool step(client& c, const std::string& name) {
    const bool is_raw = name.starts_with(raw_prefix);
    const auto raw = is_raw ? std::string_view{name}.substr(raw_prefix.size()) : std::string_view{};
    const auto question = is_raw ? message{} : make_named(name, s_).value_or(message{});
    const auto e = exchange_of(c, question, raw);
    if (!e) return false;
    if (!e->is_ok) board_.note(run_end::answered_no, name + ": the answer says no");
    return finish(*e);
  }

  bool replay(client& c, const recorded& r) {
    const auto question =
        ask_again(r.question, s_.basics.terminal_password, s_.basics.patron_password);
    const auto e = exchange_of(c, question, {}, &r);
    if (!e) return false;
    if (!e->differences.empty()) board_.note(run_end::answered_no, "answers differ");
    return finish(*e);
  }

  bool finish(const exchange& e) {
    {
      const std::lock_guard lock{board_.mutex};
      board_.result.times.push_back(e.took);
      board_.result.different += e.differences.empty() ? 0U : 1U;
    }
    if (s_.pause > duration{0}) std::this_thread::sleep_for(s_.pause);
    return true;
  }

  std::optional<exchange> exchange_of(client& c, const message& question, std::string_view raw,
                                      const recorded* before = nullptr) {
    {
      const std::lock_guard lock{board_.mutex};
      auto line = raw.empty() ? write_message(question, s_.server.wire) : std::string{raw};
      if (board_.events.on_send) board_.events.on_send(question, trim_end(line));
    }
    const auto begin = now();
    auto answer = raw.empty() ? c.ask(question) : c.ask_raw(raw);
    if (!answer) {
      board_.note(run_end::no_answer, answer.error().text);
      return std::nullopt;
    }
    exchange e;
    e.took = now() - begin;
    e.sent = c.sent();
    e.received = c.received();
    e.question = question;
    e.answer = std::move(*answer);
    e.is_ok = says_ok(e.answer);
    if (before && before->answer) {
      e.differences = find_differences(*before->answer, e.answer);
      e.is_ok = e.differences.empty();
    }
    const std::lock_guard lock{board_.mutex};
    if (board_.events.on_answer) board_.events.on_answer(e);
    return e;
  }

  static std::string_view trim_end(std::string_view line) {
    while (line.ends_with('\r') || line.ends_with('\n')) line.remove_suffix(1);
    return line;
  }

  const scenario& s_;
  board& board_;
};

} // namespace

std::span<const named_message> named_messages() noexcept { return table; }

const named_message* find_named_message(std::string_view name) noexcept {
  const auto* found = std::ranges::find(table, name, &named_message::name);
  return found == std::end(table) ? nullptr : found;
}

std::optional<message> make_named(std::string_view name, const scenario& s) {
  const auto* known = find_named_message(name);
  return known ? std::optional{known->make(s)} : std::nullopt;
}

std::string messages_help() {
  std::string text = "Messages:\n";
  for (const auto& m : table) text += fmt::format("  {:<20}{}\n", m.name, m.help);
  return text + "  raw:LINE            LINE as it is, for instance raw:9909992.00\n";
}

std::string find_missing(const scenario& s) {
  if (s.user.empty()) return "! --sip-username required !";
  if (s.password.empty()) return "! --sip-password required !";
  if (s.basics.institution.empty()) return "! --institution required !";
  if (s.summary.size() != 10) return "! --patron-summary must have exactly 10 characters !";
  for (const auto& name : s.messages) {
    if (name.starts_with(raw_prefix) && name.size() > raw_prefix.size()) continue;
    const auto* known = find_named_message(name);
    if (!known) {
      std::vector<std::string_view> names;
      for (const auto& m : table) names.push_back(m.name);
      const auto near = nearest_name(name, names);
      return fmt::format("! unknown message '{}'{} !", name,
                         near.empty() ? "" : fmt::format("; did you mean {}?", near));
    }
    if (known->needs_item && s.basics.item.empty())
      return fmt::format("! --item-barcode required for {} !", name);
    if (known->needs_patron && s.basics.patron.empty())
      return fmt::format("! --patron-barcode required for {} !", name);
  }
  return {};
}

run_result run(const scenario& s, const run_events& events) {
  board b{events, {}, {}};
  const auto begin = now();
  if (s.parallel <= 1) {
    one_run{s, b}();
  } else {
    std::vector<std::thread> terminals;
    terminals.reserve(s.parallel);
    for (unsigned i = 0; i < s.parallel; ++i) terminals.emplace_back(one_run{s, b});
    for (auto& t : terminals) t.join();
  }
  b.result.whole = now() - begin;
  return std::move(b.result);
}

duration percentile(std::vector<duration>& times, double share) {
  if (times.empty()) return duration{0};
  std::ranges::sort(times);
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(times.size())));
  return times[std::clamp<std::size_t>(rank, 1, times.size()) - 1];
}

} // namespace tandem::sip2
