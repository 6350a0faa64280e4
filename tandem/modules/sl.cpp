// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/sl.hpp>

#include <tandem/base/counter.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/arguments/status_argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/forwarding/redirection.hpp>

#include <array>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <memory>
#include <string_view>

namespace tandem::modules {

namespace {

namespace json = boost::json;
using script::outcome;
using server::message_context;

/// Replies of one shard by status, in the order in which sl_stats tells them.
struct reply_counts {
  explicit reply_counts(server::core&) noexcept {}

  struct kind {
    unsigned status; ///< of a class: its first digit
    std::string_view name;
    std::string_view end; ///< of the text behind it
  };
  static constexpr std::string_view on = " ";
  static constexpr std::string_view last = "      \n";
  static constexpr std::array<kind, 19> kinds{{{200, "200", on},
                                               {202, "202", on},
                                               {2, "2xx", last},
                                               {300, "300", on},
                                               {301, "301", on},
                                               {302, "302", on},
                                               {3, "3xx", last},
                                               {400, "400", on},
                                               {401, "401", on},
                                               {403, "403", on},
                                               {404, "404", on},
                                               {407, "407", on},
                                               {408, "408", on},
                                               {483, "483", on},
                                               {4, "4xx", last},
                                               {500, "500", on},
                                               {5, "5xx", last},
                                               {6, "6xx", last},
                                               {0, "xxx", last}}};

  void note(unsigned status) noexcept {
    for (std::size_t i = 0; i < kinds.size(); ++i)
      if (kinds[i].status == status || kinds[i].status == status / 100 || kinds[i].status == 0)
        return (void)++by_kind[i];
  }

  std::array<counter, kinds.size()> by_kind{};
  counter failures;
};

outcome send(message_context& m, unsigned status, sip::response_writer&& made) {
  server::add_redirection(m, made);
  auto& counts = m.core().state<reply_counts>();
  if (m.core().reply(m.arrived(), m.from(), std::move(made))) {
    counts.note(status);
    m.note_served();
    return outcome::yes();
  }
  ++counts.failures;
  m.set_error(server::routing_error::bad_request);
  return outcome::no();
}

outcome sl_send_reply(script::call& c) {
  auto& m = c.as<message_context>();
  const auto status = static_cast<int>(c.number(0));
  return send(m, static_cast<unsigned>(status), m.core().begin_reply(m, status, c.text(1)));
}

outcome sl_reply_error(script::call& c) {
  auto& m = c.as<message_context>();
  const auto answer = server::answer_for(m.error(), "SL");
  auto made = m.core().begin_reply(m, answer.status, answer.reason);
  // RFC 3261 21.5.4: a caller that is told when to come back need not try another server at once.
  if (answer.status == 503) m.core().add_retry_after(made);
  return send(m, static_cast<unsigned>(answer.status), std::move(made));
}

script::module_info declare() {
  using script::argument_kind;
  script::module_info info{.name = "sl", .help = "replies without a transaction"};
  info.other_names = {"sl_module"};
  info.functions.push_back({
      .name = "sl_send_reply",
      .arguments = {{"code", argument_kind::integer}, {"reason", argument_kind::text}},
      .help = "answers the request without a transaction; nothing is sent for an ACK",
      .run = sl_send_reply,
      .prepare = server::check_status_argument,
  });
  info.functions.push_back({
      .name = "sl_reply_error",
      .arguments = {},
      .help = "answers with the status that fits what failed last",
      .run = sl_reply_error,
  });
  info.functions.push_back({
      .name = "sl_filter_ACK",
      .arguments = {},
      .help = "false: an ACK for a reply of ours ends here before any script sees it",
      .run = [](script::call&) { return outcome::no(); },
  });
  return info;
}

/// Has the counts made before the first message, which then needs no memory for them.
struct sl_settings final : server::module {
  void apply_to(server::core& owner) const override { (void)owner.state<reply_counts>(); }
};

std::unique_ptr<const server::module> load(const server::module_setup&) {
  return std::make_unique<sl_settings>();
}

json::value counts_of(server::core& at) {
  const auto& counts = at.state<reply_counts>();
  json::array all;
  for (const counter& one : counts.by_kind) all.emplace_back(one.value());
  all.emplace_back(counts.failures.value());
  return all;
}

json::object sum_of(const std::vector<json::value>& parts) {
  json::object reply;
  const auto put = [&](std::size_t i, std::string_view name) {
    std::int64_t sum = 0;
    for (const json::value& part : parts) sum += part.as_array()[i].to_number<std::int64_t>();
    reply[name] = sum;
  };
  for (std::size_t i = 0; i < reply_counts::kinds.size(); ++i) put(i, reply_counts::kinds[i].name);
  put(reply_counts::kinds.size(), "failures");
  return reply;
}

std::string stats_text(const json::object& reply) {
  std::string text = "200 ok\n";
  for (const auto& kind : reply_counts::kinds)
    text += fmt::format("{}: {}{}", kind.name, reply.at(kind.name).as_int64(), kind.end);
  return text + fmt::format("failures: {}{}", reply.at("failures").as_int64(), reply_counts::last);
}

std::vector<control::command> commands(const server::module_surroundings& on) {
  std::vector<control::command> made;
  made.push_back(
      {.name = "sl.stats",
       .help = "Replies without a transaction, by status; a class counts those that are not named.",
       .needs = control::role::read,
       .reply = {{"*", control::value_type::integer, "replies"}},
       .on_shard = [core_of = on.core_of](
                       io::shard& at, const control::arguments&) { return counts_of(core_of(at)); },
       .merge = [](const std::vector<json::value>& parts, const control::arguments&)
           -> control::command_reply { return json::value(sum_of(parts)); },
       .fifo = control::fifo_form{.name = "sl_stats", .text = stats_text}});
  return made;
}

} // namespace

server::module_entry sl() { return {.declare = declare, .load = load, .commands = commands}; }

} // namespace tandem::modules
