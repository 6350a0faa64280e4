// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/databases.hpp>

#include <tandem/server/services.hpp>
#include <tandem/storage/sql_schema.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace tandem::server {

databases::databases(services& of) : metrics_{of.metrics} {}

storage::sql_pool& databases::open(std::string_view url, const std::string& folder) {
  auto parsed = storage::sql_url::parse(url, folder);
  if (!parsed) throw std::runtime_error{parsed.error()};
  // Another password is another pool, so that a reload can change it.
  const std::string key = parsed->shown() + '\n' + std::string{parsed->password.reveal()};
  const std::lock_guard lock{mutex_};
  if (const auto found = pools_.find(key); found != pools_.end()) return *found->second;
  auto made = std::make_unique<storage::sql_pool>(std::move(*parsed), storage::sql_pool_options{},
                                                  storage::update_sql_schema, metrics_);
  if (is_started_) made->start();
  return *pools_.emplace(key, std::move(made)).first->second;
}

void databases::start() {
  const std::lock_guard lock{mutex_};
  is_started_ = true;
  for (const auto& [key, each] : pools_) each->start();
}

void databases::stop(duration at_most) {
  const std::lock_guard lock{mutex_};
  const instant end = tandem::now() + at_most;
  for (const auto& [key, each] : pools_)
    each->stop(std::max(end - tandem::now(), duration{milliseconds{1}}));
}

} // namespace tandem::server
