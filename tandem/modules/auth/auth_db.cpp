// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/log.hpp>
#include <tandem/modules/auth/auth.hpp>
#include <tandem/modules/auth/authorize.hpp>
#include <tandem/modules/auth/settings.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/core.hpp>
#include <tandem/server/parameters.hpp>
#include <tandem/server/privileges.hpp>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace tandem::modules {

namespace {

using script::argument_kind;
using script::parameter_kind;
using server::message_context;
using stack::challenger;

template <challenger By>
script::outcome run_authorize(script::call& c) {
  auto& m = c.as<message_context>();
  return authorize(m, By, realm_of(m, c.text(0)), c.text(1));
}

const server::parameter_table<auth_db_settings>& table() {
  static const auto made = [] {
    constexpr const char* in_file = "accounts of a file have neither tables nor columns";
    auto rows =
        server::parameter_table<auth_db_settings>{}
            .add("db_url", &auth_db_settings::db_url,
                 "where the accounts are: file:PATH, in the form of htdigest(1), relative to the "
                 "script")
            .add("deadline", &auth_db_settings::deadline, {.min = 1, .max = 60'000, .unit = "ms"},
                 "that a request waits for an account; then 500")
            .add("max_waiting", &auth_db_settings::max_waiting, {.max = 1'000'000},
                 "requests of each shard that wait for an account; more are refused with 503")
            .without_effect("calculate_ha1", parameter_kind::boolean,
                            "accounts of a file have hashes, never passwords")
            .without_effect("use_domain", parameter_kind::boolean,
                            "the realm tells users of different domains apart");
    for (const char* column : {"user_column", "domain_column", "password_column",
                               "password_column_2", "sha256_column", "sha256_column_2"})
      rows = std::move(rows).without_effect(column, parameter_kind::string, in_file);
    return rows;
  }();
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

std::shared_ptr<storage::accounts> open(const server::module_setup& setup, std::string_view url) {
  const std::size_t colon = std::min(url.find(':'), url.size());
  const auto& known = setup.shared.state<account_sources>().by_scheme;
  const auto opener = known.find(url.substr(0, colon));
  if (opener == known.end()) return nullptr;
  std::string rest{url.substr(std::min(colon + 1, url.size()))};
  if (opener->first == "file")
    rest = (std::filesystem::path{setup.program.text().name()}.parent_path() / rest).string();
  return opener->second(rest);
}

std::unique_ptr<const server::module> load(const server::module_setup& setup) {
  auto s = std::make_unique<auth_db_settings>();
  table().read(setup, *s);
  if (!setup.program.has_module(setup.info.name)) return s;
  try {
    const auto wanted = wanted_hashes(setup);
    s->accounts = open(setup, s->db_url);
    if (!s->accounts)
      log_warning(
          "auth_db: db_url is not file:PATH; as long as there is no database, everybody who "
          "has to give a password is answered 500");
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
