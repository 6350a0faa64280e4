// SPDX-License-Identifier: Apache-2.0
// A statement of a test's own, to the end.
#pragma once

#include <tandem/storage/sql_pool.hpp>

#include <future>
#include <gtest/gtest.h>
#include <string>

namespace tandem::storage::for_test {

/// Runs it, and waits until it was run; the test fails with what the database says.
inline void run_sql(sql_pool& in, const std::string& statement) {
  std::promise<void> told;
  in.ask<int>(
      {.deadline = seconds{20}},
      [statement](sql_connection& by) {
        by.execute(statement);
        return 1;
      },
      [&](const auto& all) {
        EXPECT_TRUE(all) << all.error().why;
        told.set_value();
      });
  told.get_future().get();
}

} // namespace tandem::storage::for_test
