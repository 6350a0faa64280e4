// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/usrloc/usrloc.hpp>

#include <tandem/io/shard.hpp>
#include <tandem/modules/usrloc/list_command.hpp>
#include <tandem/modules/usrloc/location_tables.hpp>
#include <tandem/modules/usrloc/record_commands.hpp>
#include <tandem/modules/usrloc/table_commands.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/server/services.hpp>

namespace tandem::modules {

namespace {

struct usrloc_settings final : server::module {
  std::int64_t db_mode = 0;
  bool use_database = false;
  bool use_domain = false; ///< read by module registrar
  std::int64_t max_kilobytes = 1'048'576;
  std::int64_t max_kilobytes_per_user = 16;
  std::int64_t max_kilobytes_per_source = 16'384;
  location_tables* tables = nullptr;

  /// The script that a server starts with sets the bounds; one that is only checked sets nothing.
  void apply_to(server::core&) const override { tables->limit(bounds()); }
  [[nodiscard]] storage::location_limits bounds() const {
    storage::location_limits made;
    made.bytes = static_cast<std::size_t>(max_kilobytes) * 1024;
    made.bytes_per_record = static_cast<std::size_t>(max_kilobytes_per_user) * 1024;
    made.bytes_per_source = static_cast<std::size_t>(max_kilobytes_per_source) * 1024;
    return made;
  }
};

const server::parameter_table<usrloc_settings>& table() {
  constexpr auto text = script::parameter_kind::string;
  constexpr const char* in_memory = "contacts are kept in memory";
  constexpr auto at_start = script::read_when::start;
  static const auto made = [] {
    auto rows =
        server::parameter_table<usrloc_settings>{}
            .add("db_mode", &usrloc_settings::db_mode, {.max = 3},
                 "where contacts are kept: 0 in memory")
            .add("use_database", &usrloc_settings::use_database, {},
                 "older name of db_mode: whether contacts are stored")
            .without_effect("flush_interval", script::parameter_kind::integer, in_memory)
            .without_effect("table", text, in_memory)
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
  auto made = std::make_unique<usrloc_settings>();
  table().read(setup, *made);
  if (made->db_mode != 0 || made->use_database)
    setup.refuse(made->use_database ? "use_database" : "db_mode",
                 "contacts can be kept in memory only (0) as long as there is no "
                 "database support; with another mode they would be lost at a restart "
                 "although the script says that they are stored");
  made->tables = &setup.shared.state<location_tables>();
  return made;
}

/// Drops contacts in the second in which they expire.
class expiry final : public server::module_work, timer {
 public:
  explicit expiry(const server::module_surroundings& on)
      : tables_{on.shared.state<location_tables>()}, loop_{on.loop} {
    on_timer(tandem::now());
  }

 private:
  void on_timer(instant now) override {
    loop_.timers().arm(*this, now + seconds{1}); // first: memory may run out below
    tables_.expire(now);
  }

  location_tables& tables_;
  io::shard& loop_;
};

std::vector<control::command> commands(const server::module_surroundings& on) {
  std::vector<control::command> made;
  auto& tables = on.shared.state<location_tables>();
  made.push_back(make_list_command(tables));
  for (auto& one : make_table_commands(tables)) made.push_back(std::move(one));
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
        return std::make_unique<expiry>(on);
      }};
}

} // namespace tandem::modules
