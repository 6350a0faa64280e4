// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/table_commands.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/modules/usrloc/lifetime.hpp>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <memory>
#include <span>
#include <utility>

namespace tandem::modules {

namespace {

namespace json = boost::json;
using control::command_call;
using control::fifo_text;
using control::role;
using control::value_type;
using storage::location_table;

json::object row_of(const sip::binding& b, instant now) {
  return {{"contact", b.contact},
          {"expires", seconds_left(b, now)},
          {"q", b.q},
          {"call_id", b.call_id},
          {"cseq", b.cseq},
          {"flags", b.flags}};
}

/// A row for each table with its size, and behind it one for each user.
class dump_rows final : public control::row_source {
 public:
  explicit dump_rows(location_tables& tables) {
    tables.for_each([this](location_table& one) { tables_.push_back(&one); });
  }

  void next(taker brought) override {
    constexpr std::size_t users_of_a_piece = 100;
    control::row_piece piece;
    if (of_ < tables_.size()) {
      const location_table& table = *tables_[of_];
      if (is_first_) piece.rows.push_back({{"table", table.name()}, {"users", table.records()}});
      const instant now = tandem::now();
      const auto next = table.for_page(
          at_, users_of_a_piece, now, [&](std::string_view aor, std::span<const sip::binding> all) {
            json::array contacts;
            for (const sip::binding& b : all) contacts.push_back(row_of(b, now));
            piece.rows.push_back(
                {{"table", table.name()}, {"aor", aor}, {"contacts", std::move(contacts)}});
          });
      is_first_ = !next;
      if (next)
        at_ = *next;
      else
        at_ = {}, ++of_;
    }
    if (of_ == tables_.size()) piece.rest.emplace();
    brought(std::move(piece));
  }

 private:
  std::vector<const location_table*> tables_;
  std::size_t of_ = 0;
  location_table::position at_;
  bool is_first_ = true; ///< piece of its table
};

/// The text that tools read: a mark around each table, user and contact. What stood there of
/// pointers has no meaning, and is (nil).
class dump_text final : public control::fifo_list {
 public:
  std::string begin() override { return "200 ok\n===Domain list===\n"; }

  std::string row(const json::object& row) override {
    if (row.contains("aor")) return record(row);
    const std::string before = end_table();
    return before + begin_table(row);
  }

  std::string end(const json::object&) override { return end_table() + "===/Domain list===\n"; }

 private:
  std::string begin_table(const json::object& row) {
    is_open_ = true;
    has_records_ = row.at("users").to_number<std::int64_t>() > 0;
    return fmt::format("---Domain---\nname : '{}'\nsize : 512\ntable: (nil)\nd_ll {{\n"
                       "    n    : {}\n    first: (nil)\n    last : (nil)\n}}\n{}",
                       fifo_text(row, "table"), row.at("users").to_number<std::int64_t>(),
                       has_records_ ? "\n" : "");
  }

  std::string end_table() {
    if (!std::exchange(is_open_, false)) return {};
    return std::string{has_records_ ? "\n" : ""} + "---/Domain---\n";
  }

  static std::string record(const json::object& row) {
    const auto table = fifo_text(row, "table");
    const auto aor = fifo_text(row, "aor");
    std::string text = fmt::format("...Record((nil))...\ndomain: '{}'\naor   : '{}'\n", table, aor);
    for (const json::value& v : row.at("contacts").as_array()) {
      const json::object& c = v.as_object();
      const auto number = [&c](std::string_view name) {
        return c.at(name).to_number<std::int64_t>();
      };
      text += fmt::format("~~~Contact((nil))~~~\ndomain : '{}'\naor    : '{}'\nContact: '{}'\n"
                          "Expires: {}\nq      : {:10.2f}\nCall-ID: '{}'\nCSeq   : {}\n"
                          "replic : 0\nState  : CS_NEW\nFlags  : {}\nnext   : (nil)\n"
                          "prev   : (nil)\n~~~/Contact~~~~\n",
                          table, aor, fifo_text(c, "contact"), number("expires"),
                          static_cast<double>(number("q")) / 1'000.0, fifo_text(c, "call_id"),
                          number("cseq"), number("flags"));
    }
    return text + ".../Record...\n";
  }

  bool is_open_ = false;
  bool has_records_ = false;
};

std::string stats_text(const json::object& reply) {
  std::string text = "200 ok\nDomain Registered Expired\n";
  for (const json::value& v : reply.at("tables").as_array()) {
    const json::object& row = v.as_object();
    text += fmt::format("'{}' {} {}\n", fifo_text(row, "table"),
                        row.at("registered").to_number<std::int64_t>(),
                        row.at("expired").to_number<std::int64_t>());
  }
  return text;
}

/// The database answers on a thread of its own, the command on shard 0.
void flush(location_tables& tables, io::shard& loop, command_call call) {
  if (!tables.store()) return call.answer({{"written", 0}});
  const auto waits = std::make_shared<command_call>(std::move(call));
  tables.store()->flush([waits, &loop](result<std::size_t, std::string> done) {
    loop.post([waits, done] {
      if (done)
        waits->answer({{"written", *done}});
      else
        waits->refuse(control::command_error::failed, done.error());
    });
  });
}

} // namespace

std::vector<control::command> make_table_commands(location_tables& tables, io::shard& loop) {
  const std::vector<control::reply_field> contact{
      {"contact", value_type::text, "its URI"},
      {"expires", value_type::integer, "seconds from now; 1073741823: permanent"},
      {"q", value_type::integer, "preference, in thousandths"},
      {"call_id", value_type::text, "of the REGISTER"},
      {"cseq", value_type::integer, "of the REGISTER"},
      {"flags", value_type::integer, "of the script"}};
  std::vector<control::command> made;
  made.push_back({.name = "ul.dump",
                  .help = "All users of all tables with all that is kept of their contacts.",
                  .needs = role::read,
                  .reply = {{"rows",
                             value_type::list,
                             "a table with its size, then its users",
                             {{"table", value_type::text},
                              {"users", value_type::integer, "of the table"},
                              {"aor", value_type::text, "of a user"},
                              {"contacts", value_type::list, "", contact}}}},
                  .run =
                      [&tables](command_call call) {
                        call.answer_rows("rows", std::make_shared<dump_rows>(tables));
                      },
                  .fifo = control::fifo_form{
                      .name = "ul_dump", .list = [] { return std::make_unique<dump_text>(); }}});
  made.push_back({.name = "ul.stats",
                  .help = "How many contacts each table has, and how many have expired.",
                  .needs = role::read,
                  .reply = {{"tables",
                             value_type::list,
                             "",
                             {{"table", value_type::text},
                              {"registered", value_type::integer},
                              {"expired", value_type::integer, "since the start"}}}},
                  .run =
                      [&tables](command_call call) {
                        json::array rows;
                        tables.for_each_with_expired(
                            [&](const location_table& one, std::uint64_t expired) {
                              rows.push_back({{"table", one.name()},
                                              {"registered", one.bindings()},
                                              {"expired", static_cast<std::int64_t>(expired)}});
                            });
                        call.answer({{"tables", std::move(rows)}});
                      },
                  .fifo = control::fifo_form{.name = "ul_stats", .text = stats_text}});
  made.push_back(
      {.name = "ul.flush",
       .help = "Writes what is only in memory to the database, if there is one.",
       .needs = role::change,
       .reply = {{"written", value_type::integer, "users whose contacts were written"}},
       .run = [&tables, &loop](command_call call) { flush(tables, loop, std::move(call)); },
       .fifo = control::fifo_form{.name = "ul_flush", .text = [](const json::object&) {
                                    return std::string{"200 ul_flush completed"};
                                  }}});
  return made;
}

} // namespace tandem::modules
