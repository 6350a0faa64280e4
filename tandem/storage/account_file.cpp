// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/account_file.hpp>

#include <tandem/base/text.hpp>
#include <tandem/io/secret_file.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace tandem::storage {

namespace {

using crypto::hash_function;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw std::runtime_error{fmt::format("{}: {}", path, why)};
}

} // namespace

std::shared_ptr<account_file> account_file::read(const std::string& path) {
  const auto text = io::read_secret_file(path, most_bytes);
  if (!text && text.error().is_missing)
    refuse(path, text.error().why + "; an empty one of mode 600 lets nobody in, and docs/auth.md "
                                    "says how to put accounts into it");
  if (!text) refuse(path, text.error().why);
  return std::make_shared<account_file>(text->reveal(), path);
}

account_file::account_file(std::string_view text, const std::string& name) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line.front() == '#') continue;
    try {
      add_line(line);
    } catch (const std::runtime_error& error) { // never the line itself: it is a password
      throw std::runtime_error{fmt::format("{}:{}: {}", name, number, error.what())};
    }
  }
}

void account_file::add_line(std::string_view line) {
  const std::size_t first = line.find(':');
  const std::size_t last = line.rfind(':');
  if (first == last || first == 0 || last == first + 1)
    throw std::runtime_error{"must be username:realm:hash"};
  const std::string_view realm = line.substr(first + 1, last - first - 1);
  const auto secret = crypto::secret_digest::parse(line.substr(last + 1));
  if (!secret) throw std::runtime_error{"a hash has 32 (MD5) or 64 (SHA-256) hexadecimal digits"};
  auto& of_name = by_name_[std::string{line.substr(0, first)}];
  auto at = std::ranges::find(of_name, realm, &account::realm);
  if (at == of_name.end()) at = of_name.insert(at, account{.realm = std::string{realm}});
  auto& place = secret->reveal().size() == 32 ? at->md5 : at->sha256;
  if (place) throw std::runtime_error{"the account has such a password already"};
  place = secret;
}

const std::optional<crypto::secret_digest>&
account_file::account::of(hash_function hash) const noexcept {
  static const std::optional<crypto::secret_digest> none;
  return hash == hash_function::md5 ? md5 : hash == hash_function::sha256 ? sha256 : none;
}

std::string account_file::find_incomplete(std::span<const hash_function> wanted) const {
  for (const auto& [name, all] : by_name_)
    for (const account& each : all)
      for (const hash_function hash : wanted)
        if (!each.of(hash)) return fmt::format("{} in realm {}", name, each.realm);
  return {};
}

std::optional<account_answer> account_file::find(const account_key& whose) const {
  using kind = account_answer::kind;
  const auto named = by_name_.find(whose.username);
  if (named != by_name_.end())
    for (const account& each : named->second)
      if (each.realm == whose.realm)
        if (const auto& secret = each.of(whose.hash))
          return account_answer{.what = kind::found, .secret = *secret};
  return account_answer{.what = kind::unknown};
}

void account_file::fetch(account_query whose, std::function<void(account_answer)> done) {
  done(*find({.table = whose.table,
              .username = whose.username,
              .realm = whose.realm,
              .hash = whose.hash}));
}

} // namespace tandem::storage
