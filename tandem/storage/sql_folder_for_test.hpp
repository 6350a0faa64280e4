// SPDX-License-Identifier: Apache-2.0
// A folder for the database of one test, gone with it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace tandem::storage {

class sql_folder_for_test {
 public:
  sql_folder_for_test() {
    std::string form = (std::filesystem::temp_directory_path() / "tandem-sql-XXXXXX").string();
    if (!::mkdtemp(form.data())) throw std::runtime_error{"no folder for a test"};
    path_ = form;
  }
  sql_folder_for_test(const sql_folder_for_test&) = delete;
  sql_folder_for_test& operator=(const sql_folder_for_test&) = delete;
  ~sql_folder_for_test() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

} // namespace tandem::storage
