// SPDX-License-Identifier: Apache-2.0
// The databases of the process: one pool of connections for each URL, whoever asks for it. A module
// opens one when its script is loaded; its threads start when the server is who it will be, since
// files that root has made could not be read later.
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/storage/sql_pool.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace tandem::observe {
class metrics;
}

namespace tandem::server {

struct services;

/// Where the database is when nobody says otherwise.
inline constexpr std::string_view usual_database = "sqlite:/var/lib/tandem/tandem.db";

class databases {
 public:
  /// Becomes services::state<databases>().
  explicit databases(services& of);
  databases(const databases&) = delete;
  databases& operator=(const databases&) = delete;

  /// The pool of a URL (storage/sql_url.hpp), made when it is new. It lives as long as the process;
  /// once the server runs, its threads run, too. Any thread.
  /// \param folder where the relative path of a file begins
  /// Throws std::runtime_error that says what is wrong with the URL.
  [[nodiscard]] storage::sql_pool& open(std::string_view url, const std::string& folder);

  /// Starts the threads of what was opened, and of what will be.
  void start();
  /// Ends them; see sql_pool::stop(). Who still waits for a database hears that it has ended.
  void stop(duration at_most);

 private:
  observe::metrics& metrics_;
  std::mutex mutex_; ///< guards what follows
  bool is_started_ = false;
  std::map<std::string, std::unique_ptr<storage::sql_pool>, std::less<>> pools_; ///< none goes
};

} // namespace tandem::server
