// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_accounts.hpp>

#include <tandem/base/keyed_text_hash.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>
#include <utility>

namespace tandem::storage {

namespace {

using crypto::hash_function;
using kind = account_answer::kind;

/// Unambiguous: none of the parts holds a NUL, which no header does.
std::string cache_key(std::string_view table, std::string_view username, std::string_view realm,
                      hash_function hash) {
  std::string key;
  key.reserve(table.size() + username.size() + realm.size() + 4);
  for (const std::string_view part : {table, username, realm}) key.append(part).append(1, '\0');
  return key.append(1, static_cast<char>(hash));
}

/// A name as it is looked up: the user, and the domain that it came with.
struct split_name {
  std::string user, domain;
};

split_name split(const std::string& username) {
  const std::size_t at = username.rfind('@');
  if (at == std::string::npos) return {username, {}};
  return {username.substr(0, at), username.substr(at + 1)};
}

} // namespace

sql_accounts::sql_accounts(sql_pool& database, const sql_account_columns& columns,
                           const options& how)
    : database_{database}, columns_{columns}, how_{how}, cache_{std::make_shared<cache>(
                                                             std::max<std::size_t>(how.most_kept,
                                                                                   1))} {
  const auto check = [](std::string_view name, bool may_be_empty) {
    if ((name.empty() && may_be_empty) || is_sql_name(name)) return;
    throw std::invalid_argument{fmt::format("'{}' cannot be the name of a column", name)};
  };
  check(columns_.user, false);
  check(columns_.domain, !columns_.uses_domain);
  for (const std::string* const each :
       {&columns_.ha1, &columns_.ha1b, &columns_.sha256, &columns_.sha256b})
    check(*each, true);
}

const std::string& sql_accounts::column_for(bool has_domain, hash_function hash) const noexcept {
  static const std::string none;
  if (columns_.calculates_ha1) return columns_.ha1;
  switch (hash) {
  case hash_function::md5: return has_domain ? columns_.ha1b : columns_.ha1;
  case hash_function::sha256: return has_domain ? columns_.sha256b : columns_.sha256;
  default: return none; // no table has a column of another
  }
}

std::string sql_accounts::find_incomplete(std::span<const hash_function> wanted) const {
  for (const hash_function hash : wanted)
    if (column_for(false, hash).empty()) return "everybody";
  return {};
}

std::optional<account_answer> sql_accounts::find(const account_key& whose) const {
  if (how_.kept <= duration{}) return std::nullopt;
  const std::string key = cache_key(whose.table, whose.username, whose.realm, whose.hash);
  const std::lock_guard lock{cache_->mutex};
  const kept_answer* const known = cache_->answers.find(key);
  if (!known || known->until <= tandem::now()) return std::nullopt;
  return known->what;
}

void sql_accounts::fetch(account_query whose, std::function<void(account_answer)> done) {
  const split_name name = split(whose.username);
  const std::string& column = column_for(!name.domain.empty(), whose.hash);
  if (!is_sql_name(whose.table)) return done({.what = kind::failed});
  if (column.empty()) return done({.what = kind::unknown});
  std::string statement = fmt::format("SELECT {}, {} FROM {} WHERE {} = :username", column,
                                      columns_.user, whose.table, columns_.user);
  if (columns_.uses_domain) statement += fmt::format(" AND {} = :domain", columns_.domain);
  const std::size_t bytes = sizeof whose + whose.username.size() + whose.realm.size() +
                            whose.table.size() + statement.size();
  auto work = [statement, name, whose, uses_domain = columns_.uses_domain,
               calculates = columns_.calculates_ha1](sql_connection& in) {
    account_answer made{.what = kind::unknown};
    const std::string_view domain = name.domain.empty() ? whose.realm : name.domain;
    const sql_value values[]{name.user, domain};
    in.query(statement, std::span{values, uses_domain ? 2U : 1U}, 2, [&](sql_row row) {
      // A database may take names for equal that differ in case or in accents.
      if (!row[0] || row[1] != sql_value{name.user}) return;
      const auto secret =
          calculates
              ? crypto::hash_secret(whose.hash, {whose.username, ":", whose.realm, ":", *row[0]})
              : crypto::secret_digest::parse(trim(*row[0]));
      const std::size_t digits = whose.hash == hash_function::md5 ? 32 : 64;
      if (secret && secret->reveal().size() == digits)
        made = {.what = kind::found, .secret = *secret};
    });
    return made;
  };
  database_.ask<account_answer>(
      {.key = keyed_text_hash{}(name.user), .bytes = bytes, .deadline = how_.deadline},
      std::move(work),
      [all = cache_, kept = how_.kept,
       key = cache_key(whose.table, whose.username, whose.realm, whose.hash),
       done = std::move(done)](result<account_answer, sql_failure> found) {
        if (!found) return done({.what = kind::failed});
        if (kept > duration{}) {
          const std::lock_guard lock{all->mutex};
          all->answers.set(key, {*found, tandem::now() + kept});
        }
        done(std::move(*found));
      });
}

} // namespace tandem::storage
