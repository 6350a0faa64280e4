// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_schema.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::storage {

namespace {

/// A column. Types mean the same to all three databases, but for times (type_for).
struct column {
  std::string_view name;
  std::string_view type;
};

struct table {
  std::string_view name;
  std::vector<column> columns;
  std::string_view primary_key = {};          ///< columns of it
  std::vector<std::string_view> indexes = {}; ///< columns of each
};

constexpr std::string_view name_type = "varchar(255) NOT NULL DEFAULT ''";
constexpr std::string_view domain_type = "varchar(128) NOT NULL DEFAULT ''";
constexpr std::string_view uri_type = "varchar(1024) NOT NULL DEFAULT ''";
constexpr std::string_view text_type = "varchar(255) NOT NULL DEFAULT ''";
constexpr std::string_view time_type = "timestamp NOT NULL DEFAULT '2000-01-01 00:00:00'";
constexpr std::string_view number_type = "bigint NOT NULL DEFAULT 0";
constexpr std::string_view hash_type = "varchar(64) NOT NULL DEFAULT ''";

table contacts(std::string_view name) {
  return {.name = name,
          .columns = {{"username", name_type},
                      {"domain", domain_type},
                      {"contact", uri_type},
                      {"expires", time_type},
                      {"q", "decimal(10,3) NOT NULL DEFAULT 1.0"},
                      {"callid", "varchar(1024) NOT NULL DEFAULT ''"},
                      {"cseq", number_type},
                      {"last_modified", time_type},
                      {"replicate", number_type},
                      {"state", number_type},
                      {"flags", number_type},
                      // SER had no room for these.
                      {"parameters", "varchar(1024) NOT NULL DEFAULT ''"},
                      {"path", "varchar(2048) NOT NULL DEFAULT ''"},
                      {"user_agent", text_type},
                      {"received", text_type}},
          .indexes = {"username, domain"}};
}

table accounting(std::string_view name) {
  return {.name = name,
          .columns = {{"sip_from", text_type},
                      {"sip_to", text_type},
                      {"sip_status", "varchar(128) NOT NULL DEFAULT ''"},
                      {"sip_method", "varchar(32) NOT NULL DEFAULT ''"},
                      {"i_uri", uri_type},
                      {"o_uri", uri_type},
                      {"from_uri", uri_type},
                      {"to_uri", uri_type},
                      {"sip_callid", text_type},
                      {"username", name_type},
                      {"domain", domain_type},
                      {"fromtag", "varchar(128) NOT NULL DEFAULT ''"},
                      {"totag", "varchar(128) NOT NULL DEFAULT ''"},
                      {"time", time_type},
                      {"timestamp", time_type}},
          .indexes = {"sip_callid", "time"}};
}

const std::vector<table>& tables() {
  static const std::vector<table> all{
      {.name = "subscriber",
       .columns = {{"username", "varchar(64) NOT NULL"},
                   {"domain", "varchar(128) NOT NULL DEFAULT ''"},
                   {"password", text_type},
                   {"first_name", text_type},
                   {"last_name", text_type},
                   {"phone", text_type},
                   {"email_address", text_type},
                   {"datetime_created", time_type},
                   {"datetime_modified", time_type},
                   {"confirmation", text_type},
                   {"flag", "varchar(1) NOT NULL DEFAULT 'o'"},
                   {"sendnotification", text_type},
                   {"greeting", text_type},
                   {"ha1", hash_type},
                   {"ha1b", hash_type},
                   {"perms", text_type},
                   {"allow_find", "varchar(1) NOT NULL DEFAULT '0'"},
                   {"timezone", text_type},
                   {"phplib_id", text_type},
                   {"ha1_sha256", hash_type},
                   {"ha1b_sha256", hash_type}},
       .primary_key = "username, domain"},
      contacts("location"),
      contacts("aliases"),
      {.name = "grp",
       .columns = {{"username", "varchar(64) NOT NULL"},
                   {"domain", "varchar(128) NOT NULL DEFAULT ''"},
                   {"grp", "varchar(64) NOT NULL"},
                   {"last_modified", time_type}},
       .primary_key = "username, domain, grp"},
      accounting("acc"),
      accounting("missed_calls"),
  };
  return all;
}

/// The timestamp of MySQL ends in 2038, and is turned into the time zone of who looks.
std::string type_for(sql_dialect of, std::string_view type) {
  constexpr std::string_view general = "timestamp ";
  if (of == sql_dialect::mysql && type.starts_with(general))
    return fmt::format("datetime {}", type.substr(general.size()));
  return std::string{type};
}

std::string index_name(const table& of, std::size_t number) {
  return fmt::format("tandem_{}_{}", of.name, number);
}

/// What makes the table, with the indexes as statements of their own.
void create(sql_connection& in, const table& one) {
  std::string text = fmt::format("CREATE TABLE {} (", one.name);
  const char* comma = "";
  for (const column& each : one.columns) {
    text += fmt::format("{}{} {}", std::exchange(comma, ", "), each.name,
                        type_for(in.dialect(), each.type));
  }
  if (!one.primary_key.empty()) text += fmt::format(", PRIMARY KEY ({})", one.primary_key);
  text += ')';
  // Names that differ in case or accents are different users.
  if (in.dialect() == sql_dialect::mysql)
    text += " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
  in.execute(text);
  for (std::size_t i = 0; i < one.indexes.size(); ++i)
    in.execute(
        fmt::format("CREATE INDEX {} ON {} ({})", index_name(one, i), one.name, one.indexes[i]));
}

void look_after(sql_connection& in, const table& one) {
  const auto there = in.columns_of(std::string{one.name});
  if (there.empty()) return create(in, one);
  for (const column& each : one.columns)
    if (std::ranges::find(there, each.name) == there.end())
      in.execute(fmt::format("ALTER TABLE {} ADD COLUMN {} {}", one.name, each.name,
                             type_for(in.dialect(), each.type)));
}

/// 0: there is none yet.
int version_of(sql_connection& in) {
  if (in.columns_of("tandem_schema").empty()) return 0;
  int found = 0;
  in.query("SELECT max(version) FROM tandem_schema", {}, 1, [&found](sql_row row) {
    const std::string_view text = row[0].value_or("0");
    std::from_chars(text.data(), text.data() + text.size(), found);
  });
  return found;
}

} // namespace

void make_contact_table(sql_connection& in, std::string_view name) {
  if (!is_sql_name(name)) throw sql_error{sql_error::kind::refused, "not a name of a table"};
  look_after(in, contacts(name));
}

void update_sql_schema(sql_connection& in) {
  if (version_of(in) == newest_sql_schema) return; // the usual case takes no lock
  // MySQL ends a transaction with each table that is made; there a start that was cut short goes on
  // where it stopped, since all of this looks before it makes.
  sql_transaction whole{in};
  const int version = version_of(in);
  if (version > newest_sql_schema)
    throw sql_error{sql_error::kind::unavailable,
                    fmt::format("the database was made by a newer version of this program (schema "
                                "{}, not {})",
                                version, newest_sql_schema)};
  if (version == newest_sql_schema) return;
  if (in.columns_of("tandem_schema").empty())
    in.execute("CREATE TABLE tandem_schema (version integer NOT NULL)");
  for (const table& one : tables()) look_after(in, one);
  in.run("INSERT INTO tandem_schema (version) VALUES (:version)",
         {std::to_string(newest_sql_schema)});
  whole.commit();
}

} // namespace tandem::storage
