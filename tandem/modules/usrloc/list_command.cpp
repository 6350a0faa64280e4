// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/list_command.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <optional>
#include <span>

namespace tandem::modules {

namespace {

namespace json = boost::json;
using control::command_error;
using control::value_type;
using storage::location_table;

/// "stripe.hash", which only means something to this server.
std::string to_text(const location_table::position& at) {
  return fmt::format("{}.{:016x}", at.stripe, at.hash);
}

std::optional<location_table::position> parse_position(std::string_view text) {
  location_table::position at;
  const auto dot = text.find('.');
  const auto stripe = parse_number<std::uint32_t>(text.substr(0, dot));
  if (!stripe || dot == text.npos) return std::nullopt;
  const auto hash = parse_number<std::uint64_t>(text.substr(dot + 1), 16);
  if (!hash) return std::nullopt;
  at.stripe = *stripe;
  at.hash = *hash;
  return at;
}

json::object row_of(const sip::binding& b, instant now) {
  json::object row{{"contact", b.contact}};
  if (b.received.ip) row["received"] = b.received.to_string();
  row["user_agent"] = b.user_agent;
  row["q"] = b.q;
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

/// The users of a table from a position on, some at a time, each look under the mutex of a stripe.
class record_rows final : public control::row_source {
 public:
  /// \param of outlives this \param most users of the whole list
  record_rows(const location_table& of, location_table::position from, std::size_t most)
      : of_{of}, at_{from}, left_{most} {}

  void next(taker brought) override {
    constexpr std::size_t users_of_a_piece = 100;
    control::row_piece piece;
    const instant now = tandem::now();
    const auto next = of_.for_page(at_, std::min(left_, users_of_a_piece), now,
                                   [&](std::string_view aor, std::span<const sip::binding> all) {
                                     add_record(piece.rows, aor, all, now);
                                   });
    left_ -= std::min(left_, piece.rows.size());
    if (!next)
      piece.rest.emplace();
    else if (left_ == 0)
      piece.rest = json::object{{"next", to_text(*next)}};
    else
      at_ = *next;
    brought(std::move(piece));
  }

 private:
  const location_table& of_;
  location_table::position at_;
  std::size_t left_;
};

void list(location_tables& tables, control::command_call& call) {
  const location_table* const table = tables.find(call.text("table").value_or("location"));
  if (!table && call.text("table"))
    return call.refuse(command_error::not_found,
                       fmt::format("there is no table '{}'", *call.text("table")));
  if (!table) return call.answer({{"records", json::array{}}}); // nobody has registered yet
  if (const auto aor = call.text("aor")) {
    json::array records;
    const instant now = tandem::now();
    (void)table->lookup(
        *aor, now, [&](std::span<const sip::binding> all) { add_record(records, *aor, all, now); });
    return call.answer({{"records", std::move(records)}});
  }
  const auto from = parse_position(call.text("from").value_or("0.0"));
  if (!from)
    return call.refuse(command_error::invalid_parameters,
                       "'from' must be `next` of the last answer");
  const auto limit = call.integer("limit");
  const std::size_t most = limit ? static_cast<std::size_t>(std::max<std::int64_t>(*limit, 1))
                                 : std::numeric_limits<std::size_t>::max();
  call.answer_rows("records", std::make_shared<record_rows>(*table, *from, most));
}

} // namespace

control::command make_list_command(location_tables& tables) {
  const std::vector<control::reply_field> contact{
      {"contact", value_type::text, "its URI"},
      {"received", value_type::text,
       "where the REGISTER came from; not there for what a command has added"},
      {"user_agent", value_type::text},
      {"q", value_type::integer, "preference, in thousandths"},
      {"expires", value_type::integer, "seconds from now; absent: permanent"},
      {"path", value_type::text, "of the REGISTER, when it had one (RFC 3327)"}};
  return {.name = "ul.list",
          .help = "Who is registered where.",
          .needs = control::role::read,
          .parameters = {{.name = "aor",
                          .is_required = false,
                          .help = "only this user, as `save` keeps it: user, or user@domain"},
                         {.name = "limit",
                          .type = value_type::integer,
                          .is_required = false,
                          .help = "most users of the answer; without it all"},
                         {.name = "from",
                          .is_required = false,
                          .help = "`next` of the answer before; without it the first user"},
                         {.name = "table", .is_required = false, .help = "location without it"}},
          .reply = {{"records",
                     value_type::list,
                     "a user and his contacts",
                     {{"aor", value_type::text}, {"contacts", value_type::list, "", contact}}},
                    {"next", value_type::text, "where the next answer begins; absent at the end"}},
          .run = [&tables](control::command_call call) { list(tables, call); }};
}

} // namespace tandem::modules
