// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/log.hpp>
#include <tandem/modules/auth/auth.hpp>
#include <tandem/modules/auth/authorize.hpp>
#include <tandem/modules/auth/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/databases.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/server/privileges.hpp>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace tandem::modules {

namespace {

using script::argument_kind;
using server::message_context;
using stack::challenger;

template <challenger By>
script::outcome run_authorize(script::call& c) {
  auto& m = c.as<message_context>();
  return authorize(m, By, realm_of(m, c.text(0)), c.text(1));
}

/// A parameter that is a field of the columns.
template <typename T>
auto column(T storage::sql_account_columns::*field) {
  return [field](auth_db_settings& of) -> T& { return of.columns.*field; };
}

const server::parameter_table<auth_db_settings>& table() {
  using columns = storage::sql_account_columns;
  static const auto made =
      server::parameter_table<auth_db_settings>{}
          .add("db_url", &auth_db_settings::db_url,
               "where the accounts are: file:PATH, in the form of htdigest(1), relative to the "
               "script; or a database: sqlite:PATH, postgresql://... or mysql://...")
          .add("deadline", &auth_db_settings::deadline, {.min = 1, .max = 60'000, .unit = "ms"},
               "that a request waits for an account; then 500")
          .add("max_waiting", &auth_db_settings::max_waiting, {.max = 1'000'000},
               "requests of each shard that wait for an account; more are refused with 503")
          .add("cache_expire", &auth_db_settings::cache_expire, {.max = 3'600, .unit = "s"},
               "that an answer of the database counts, and so until a changed password is seen; 0: "
               "it is asked for each request")
          .add("cache_size", &auth_db_settings::cache_size, {.min = 1, .max = 10'000'000},
               "answers of the database that are kept for that time")
          .add("user_column", column(&columns::user), {}, "of the user names")
          .add("domain_column", column(&columns::domain), {}, "of the domains")
          .add("use_domain", column(&columns::uses_domain), {},
               "the domain must be right, too: the one in the user name, or else the realm")
          .add("calculate_ha1", column(&columns::calculates_ha1), {},
               "password_column has passwords, not their hashes")
          .add("password_column", column(&columns::ha1), {},
               "of the MD5 hashes of user:realm:password")
          .add("password_column_2", column(&columns::ha1b), {},
               "the same of phones that give user@domain as their name")
          .add("sha256_column", column(&columns::sha256), {},
               "of the SHA-256 hashes, where auth offers that: ha1_sha256 in a database of ours")
          .add("sha256_column_2", column(&columns::sha256b), {},
               "the same of phones that give user@domain as their name: ha1b_sha256");
  return made;
}

script::function_info authorize_function(std::string name, std::string help,
                                         script::function_callback run) {
  return {.name = std::move(name),
          .arguments = {{"realm", argument_kind::text}, {"table", argument_kind::string}},
          .may_suspend = true,
          .help = std::move(help),
          .run = std::move(run)};
}

script::module_info declare() {
  script::module_info info{.name = "auth_db", .help = "digest authentication: who is let in"};
  info.functions = {
      authorize_function("www_authorize",
                         "true when Authorization is right for a user of the table, and always for "
                         "ACK and CANCEL",
                         run_authorize<challenger::user_agent>),
      authorize_function("proxy_authorize", "the same for Proxy-Authorization",
                         run_authorize<challenger::proxy>),
  };
  info.parameters = table().declared();
  return info;
}

/// The hashes that phones may choose: those of the algorithms of auth.
std::vector<crypto::hash_function> wanted_hashes(const server::module_setup& setup) {
  std::vector<crypto::hash_function> all;
  for (const script::module_info* const other : setup.program.modules())
    if (other->name == "auth")
      for (const auto each :
           parse_algorithms(setup.program.parameters().text(*other, "algorithms")))
        all.push_back(stack::hash_of(each));
  if (all.empty()) throw std::runtime_error{"it needs loadmodule \"auth\""};
  if (std::ranges::find(all, crypto::hash_function::sha512_256) != all.end())
    throw std::runtime_error{"accounts have no passwords for SHA-512-256, which auth offers"};
  return all;
}

/// Null when the URL says neither a file nor a database.
std::shared_ptr<storage::accounts> open(const server::module_setup& setup,
                                        const auth_db_settings& s) {
  if (s.db_url.empty()) return nullptr;
  const auto folder = std::filesystem::path{setup.program.text().name()}.parent_path();
  const std::size_t colon = std::min(s.db_url.find(':'), s.db_url.size());
  const auto& known = setup.shared.state<account_sources>().by_scheme;
  if (const auto opener = known.find(s.db_url.substr(0, colon)); opener != known.end()) {
    std::string rest{s.db_url.substr(std::min(colon + 1, s.db_url.size()))};
    if (opener->first == "file") rest = (folder / rest).string();
    return opener->second(rest);
  }
  return std::make_shared<storage::sql_accounts>(
      setup.shared.state<server::databases>().open(s.db_url, folder.string()), s.columns,
      storage::sql_accounts::options{
          .kept = s.cache_expire, .most_kept = s.cache_size, .deadline = s.deadline});
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<auth_db_settings>();
  table().read(setup, *s);
  if (!setup.program.has_module(setup.info.name)) return s;
  try {
    const auto wanted = wanted_hashes(setup);
    s->accounts = open(setup, *s);
    if (!s->accounts)
      log_warning(
          "auth_db: without db_url there are no accounts; everybody who has to give a password is "
          "answered 500");
    else if (const std::string who = s->accounts->find_incomplete(wanted); !who.empty())
      throw std::runtime_error{who + " has no password for one of the algorithms that auth offers"};
  } catch (const server::start_error&) {
    throw;
  } catch (const std::exception& error) {
    setup.refuse("db_url", error.what());
  }
  return s;
}

} // namespace

server::module_entry auth_db() { return {.declare = declare, .load = load}; }

} // namespace tandem::modules
