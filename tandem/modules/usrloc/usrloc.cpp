// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/usrloc.hpp>

#include <tandem/base/log.hpp>
#include <tandem/io/shard.hpp>
#include <tandem/modules/usrloc/list_command.hpp>
#include <tandem/modules/usrloc/location_tables.hpp>
#include <tandem/modules/usrloc/record_commands.hpp>
#include <tandem/modules/usrloc/table_commands.hpp>
#include <tandem/server/databases.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/server/services.hpp>

#include <array>
#include <filesystem>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace tandem::modules {

namespace {

using write_when = storage::location_store::write_when;

struct usrloc_settings final : server::module {
  std::int64_t db_mode = 0;
  bool use_database = false;
  bool use_domain = false; ///< read by module registrar
  std::string db_url{server::usual_database};
  duration timer_interval = seconds{60};
  duration db_deadline = milliseconds{2'000};
  std::int64_t max_kilobytes = 1'048'576;
  std::int64_t max_kilobytes_per_user = 16;
  std::int64_t max_kilobytes_per_source = 16'384;
  location_tables* tables = nullptr;
  storage::sql_pool* database = nullptr; ///< null: contacts are kept in memory only

  /// The script that a server starts with sets the bounds; one that is only checked sets nothing.
  void apply_to(server::core&) const override {
    tables->limit(bounds());
    if (database)
      tables->keep(*database,
                   {.when = when(), .interval = timer_interval, .deadline = db_deadline});
  }
  [[nodiscard]] write_when when() const noexcept {
    return db_mode == 1   ? write_when::at_once
           : db_mode == 2 ? write_when::by_timer
                          : write_when::never;
  }
  [[nodiscard]] storage::location_limits bounds() const {
    storage::location_limits made;
    made.bytes = static_cast<std::size_t>(max_kilobytes) * 1024;
    made.bytes_per_record = static_cast<std::size_t>(max_kilobytes_per_user) * 1024;
    made.bytes_per_source = static_cast<std::size_t>(max_kilobytes_per_source) * 1024;
    return made;
  }
};

/// Names of columns that scripts may say, and what they are.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> columns{
    {{"user_column", "username"},
     {"domain_column", "domain"},
     {"contact_column", "contact"},
     {"expires_column", "expires"},
     {"q_column", "q"},
     {"callid_column", "callid"},
     {"cseq_column", "cseq"},
     {"flags_column", "flags"},
     {"replicate_column", "replicate"},
     {"state_column", "state"},
     {"method_column", "method"}}};

const server::parameter_table<usrloc_settings>& table() {
  constexpr auto text = script::parameter_kind::string;
  constexpr auto at_start = script::read_when::start;
  static const auto made = [] {
    auto rows =
        server::parameter_table<usrloc_settings>{}
            .add(
                "db_mode", &usrloc_settings::db_mode, {.max = 3, .when = at_start},
                "where contacts are kept: 0 in memory; 1 also in a database, before a REGISTER is "
                "answered; 2 also in a database, by the timer and at the end; 3 they are read from "
                "a database at the start and never written")
            .add(
                "db_url", &usrloc_settings::db_url, {.when = at_start},
                "the database, when db_mode is not 0: sqlite:PATH, postgresql://... or mysql://...")
            .add("use_database", &usrloc_settings::use_database, {.when = at_start},
                 "older name of db_mode 2")
            .add("timer_interval", &usrloc_settings::timer_interval,
                 {.min = 1,
                  .max = 86'400,
                  .unit = "s",
                  .when = at_start,
                  .synonyms = {"flush_interval"}},
                 "between two times that db_mode 2 writes; contacts are dropped in the second in "
                 "which they expire, whatever it is")
            .add("db_deadline", &usrloc_settings::db_deadline,
                 {.min = 10, .max = 60'000, .unit = "ms", .when = at_start},
                 "that the database may take to write; then a REGISTER that waits is refused")
            .without_effect("table", text, "save() and lookup() name the table")
            .add("use_domain", &usrloc_settings::use_domain, {},
                 "users of different domains are different; the same as use_domain of registrar")
            .add("max_kilobytes", &usrloc_settings::max_kilobytes, {.min = 0, .when = at_start},
                 "KiB that all contacts of a table may take; more are refused with 503; 0: no "
                 "bound")
            .add("max_kilobytes_per_user", &usrloc_settings::max_kilobytes_per_user,
                 {.min = 0, .when = at_start},
                 "KiB that the contacts of one user may take; more are refused with 503; 0: no "
                 "bound")
            .add("max_kilobytes_per_source", &usrloc_settings::max_kilobytes_per_source,
                 {.min = 0, .when = at_start},
                 "KiB that contacts registered from one IPv4 address or IPv6 /64 may take; more "
                 "are refused with 503; 0: no bound");
    for (const auto& [parameter, name] : columns)
      rows = std::move(rows).without_effect(std::string{parameter}, text,
                                            "the columns have the names that SER gave them");
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
  auto made = std::make_unique<usrloc_settings>();
  table().read(setup, *made);
  if (made->use_database && !setup.is_set("db_mode")) made->db_mode = 2;
  made->tables = &setup.shared.state<location_tables>();
  if (made->db_mode == 0) return made;
  for (const auto& [parameter, name] : columns)
    if (setup.is_set(parameter) && setup.text(parameter) != name)
      setup.refuse(parameter, fmt::format("the column is called {}, as SER named it", name));
  try {
    const auto folder = std::filesystem::path{setup.program.text().name()}.parent_path();
    made->database = &setup.shared.state<server::databases>().open(made->db_url, folder.string());
  } catch (const std::exception& error) {
    setup.refuse("db_url", error.what());
  }
  return made;
}

/// How long the last contacts of db_mode 2 may take to be written.
constexpr duration end_limit = seconds{5};

/// Drops contacts in the second in which they expire, and has what changed written.
class upkeep final : public server::module_work, timer {
 public:
  explicit upkeep(const server::module_surroundings& on)
      : tables_{on.shared.state<location_tables>()}, loop_{on.loop} {
    on_timer(tandem::now());
  }
  ~upkeep() override {
    if (!has_begun_ || !tables_.store()) return;
    if (const std::string why = tables_.store()->write_rest(end_limit); !why.empty())
      log_error("at the end {}", why);
  }

  void begin() override {
    tables_.read();
    has_begun_ = true;
  }

 private:
  void on_timer(instant now) override {
    loop_.timers().arm(*this, now + seconds{1}); // first: memory may run out below
    tables_.expire(now);
    if (has_begun_ && tables_.store()) tables_.store()->tick(now);
  }

  location_tables& tables_;
  bool has_begun_ = false;
  io::shard& loop_;
};

std::vector<control::command> commands(const server::module_surroundings& on) {
  std::vector<control::command> made;
  auto& tables = on.shared.state<location_tables>();
  made.push_back(make_list_command(tables));
  for (auto& one : make_table_commands(tables, on.loop)) made.push_back(std::move(one));
  for (auto& one : make_record_commands(tables)) made.push_back(std::move(one));
  return made;
}

} // namespace

server::module_entry usrloc() {
  return {
      .declare = declare,
      .load = load,
      .commands = commands,
      .start = [](const server::module_surroundings& on) -> std::unique_ptr<server::module_work> {
        return std::make_unique<upkeep>(on);
      }};
}

} // namespace tandem::modules
