// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc.hpp>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>
#include <tandem/control/command_registry.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/server/contact_changes.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/server/services.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <span>

namespace tandem::modules {

namespace {

struct settings final : server::module {
  std::int64_t db_mode = 0;
  bool use_database = false;
  bool use_domain = false; ///< read by module registrar
  std::int64_t max_kilobytes = 1'048'576;
  std::int64_t max_kilobytes_per_user = 16;
  std::int64_t max_kilobytes_per_source = 16'384;

  [[nodiscard]] storage::location_limits bounds() const {
    storage::location_limits made;
    made.bytes = static_cast<std::size_t>(max_kilobytes) * 1024;
    made.bytes_per_record = static_cast<std::size_t>(max_kilobytes_per_user) * 1024;
    made.bytes_per_source = static_cast<std::size_t>(max_kilobytes_per_source) * 1024;
    return made;
  }
};

const server::parameter_table<settings>& table() {
  constexpr auto text = script::parameter_kind::string;
  constexpr const char* in_memory = "contacts are kept in memory";
  static const auto made = [] {
    auto rows =
        server::parameter_table<settings>{}
            .add("db_mode", &settings::db_mode, {.max = 3}, "where contacts are kept: 0 in memory")
            .add("use_database", &settings::use_database, {},
                 "older name of db_mode: whether contacts are stored")
            .without_effect("flush_interval", script::parameter_kind::integer, in_memory)
            .without_effect("table", text, in_memory)
            .add("use_domain", &settings::use_domain, {},
                 "users of different domains are different; the same as use_domain of registrar")
            .add("max_kilobytes", &settings::max_kilobytes, {.min = 0},
                 "KiB that all contacts of a table may take; more are refused with 503; 0: no "
                 "bound")
            .add("max_kilobytes_per_user", &settings::max_kilobytes_per_user, {.min = 0},
                 "KiB that the contacts of one user may take; more are refused with 503; 0: no "
                 "bound")
            .add("max_kilobytes_per_source", &settings::max_kilobytes_per_source, {.min = 0},
                 "KiB that contacts registered from one IPv4 address or IPv6 /64 may take; more "
                 "are refused with 503; 0: no bound")
            .without_effect("timer_interval", script::parameter_kind::integer,
                            "contacts are dropped in the second in which they expire")
            .without_effect("db_url", text, in_memory);
    for (const char* column : {"user_column", "domain_column", "contact_column", "expires_column",
                               "q_column", "callid_column", "cseq_column", "flags_column",
                               "replicate_column", "state_column", "method_column"})
      rows = std::move(rows).without_effect(column, text, in_memory);
    return rows;
  }();
  return made;
}

script::module_info declare() {
  script::module_info info{.name = "usrloc",
                           .help = "the location tables: who is registered where"};
  info.parameters = table().declared();
  return info;
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto made = std::make_unique<settings>();
  table().read(setup, *made);
  if (made->db_mode != 0 || made->use_database)
    setup.refuse(made->use_database ? "use_database" : "db_mode",
                 "contacts can be kept in memory only (0) as long as there is no "
                 "database support; with another mode they would be lost at a restart "
                 "although the script says that they are stored");
  if (!setup.shared.limit_locations(made->bounds()))
    log_warning("usrloc: the bounds in KiB are fixed at start-up; new values need a restart");
  return made;
}

/// Drops contacts in the second in which they expire.
class expiry final : public server::module_work, timer {
 public:
  explicit expiry(const server::module_surroundings& on) : on_{on} { on_timer(tandem::now()); }

 private:
  void on_timer(instant now) override {
    on_.shared.for_each_location([&](storage::location_table& table) {
      table.expire(now, server::are_contact_changes_told() ? &expired_ : nullptr);
      server::tell_contact_changes(expired_, now);
    });
    on_.home.timers().arm(*this, now + seconds{1});
  }

  server::module_surroundings on_;
  storage::change_set expired_;
};

// ---- ul.list

namespace json = boost::json;
using control::value_type;
using storage::location_table;

constexpr std::int64_t most_rows = 1000;

/// "stripe.hash", which only means something to this server.
std::string to_text(const location_table::position& at) {
  return fmt::format("{}.{:016x}", at.stripe, at.hash);
}

std::optional<location_table::position> parse_position(std::string_view text) {
  location_table::position at;
  const auto dot = text.find('.');
  const auto stripe = parse_number<std::uint32_t>(text.substr(0, dot));
  if (!stripe || dot == text.npos) return std::nullopt;
  text.remove_prefix(dot + 1);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), at.hash, 16);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  at.stripe = *stripe;
  return at;
}

json::object row_of(const sip::binding& b, instant now) {
  json::object row{{"contact", b.contact},
                   {"received", b.received.to_string()},
                   {"user_agent", b.user_agent},
                   {"q", b.q}};
  if (b.expires != instant::max()) row["expires"] = (b.expires - now) / seconds{1};
  if (!b.path.empty()) row["path"] = b.path;
  return row;
}

void add_record(json::array& to, std::string_view aor, std::span<const sip::binding> all,
                instant now) {
  json::array contacts;
  for (const sip::binding& b : all) contacts.push_back(row_of(b, now));
  to.push_back({{"aor", aor}, {"contacts", std::move(contacts)}});
}

void list(const server::module_surroundings& on, control::command_call& call) {
  using control::command_error;
  const std::string_view name = call.text("table").value_or("location");
  const location_table* found = nullptr;
  on.shared.for_each_location([&](const location_table& t) {
    if (t.name() == name) found = &t;
  });
  if (!found && call.text("table"))
    return call.refuse(command_error::not_found, fmt::format("there is no table '{}'", name));
  if (!found) return call.answer({{"records", json::array{}}}); // nobody has registered yet
  const location_table& table = *found;
  json::array records;
  const instant now = tandem::now();
  if (const auto aor = call.text("aor")) {
    (void)table.lookup(
        *aor, now, [&](std::span<const sip::binding> all) { add_record(records, *aor, all, now); });
    return call.answer({{"records", std::move(records)}});
  }
  const auto from = parse_position(call.text("from").value_or("0.0"));
  if (!from)
    return call.refuse(command_error::invalid_parameters,
                       "'from' must be `next` of the last answer");
  const auto limit = std::clamp<std::int64_t>(call.integer("limit").value_or(100), 1, most_rows);
  const auto next = table.for_page(*from, static_cast<std::size_t>(limit), now,
                                   [&](std::string_view aor, std::span<const sip::binding> all) {
                                     add_record(records, aor, all, now);
                                   });
  json::object reply{{"records", std::move(records)}};
  if (next) reply["next"] = to_text(*next);
  call.answer(std::move(reply));
}

std::vector<control::command> commands(const server::module_surroundings& on) {
  const std::vector<control::reply_field> contact{
      {"contact", value_type::text, "its URI"},
      {"received", value_type::text, "where the REGISTER came from"},
      {"user_agent", value_type::text},
      {"q", value_type::integer, "preference, in thousandths"},
      {"expires", value_type::integer, "seconds from now; absent: permanent"},
      {"path", value_type::text, "of the REGISTER, when it had one (RFC 3327)"}};
  return {{.name = "ul.list",
           .help = "Who is registered where, page by page.",
           .needs = control::role::read,
           .parameters = {{.name = "aor",
                           .is_required = false,
                           .help = "only this user, as `save` keeps it: user, or user@domain"},
                          {.name = "limit",
                           .type = value_type::integer,
                           .is_required = false,
                           .help = "most users of a page: 1 to 1000, 100 without it"},
                          {.name = "from",
                           .is_required = false,
                           .help = "`next` of the page before; without it the first"},
                          {.name = "table", .is_required = false, .help = "location without it"}},
           .reply = {{"records",
                      value_type::list,
                      "a user and his contacts",
                      {{"aor", value_type::text}, {"contacts", value_type::list, "", contact}}},
                     {"next", value_type::text, "where the next page begins; absent at the end"}},
           .run = [on](control::command_call call) { list(on, call); }}};
}

} // namespace

server::module_entry usrloc() {
  return {
      .declare = declare,
      .load = load,
      .commands = commands,
      .start = [](const server::module_surroundings& on) -> std::unique_ptr<server::module_work> {
        return std::make_unique<expiry>(on);
      }};
}

} // namespace tandem::modules
