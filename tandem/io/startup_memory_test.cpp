// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/startup_memory.hpp>

#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <numeric>
#include <string>

namespace tandem::io {
namespace {

/// Bytes of files that are mapped into memory now.
std::size_t mapped_bytes_of_files() {
  std::ifstream status{"/proc/self/status"};
  for (std::string word; status >> word;)
    if (word == "RssFile:") {
      std::size_t kilobytes = 0;
      status >> kilobytes;
      return kilobytes * 1024;
    }
  return 0;
}

/// Read-only data of this program: each number is its index.
constexpr auto numbers = [] {
  std::array<unsigned, 65'536> all{};
  std::iota(all.begin(), all.end(), 0U);
  return all;
}();

std::size_t count_right_numbers() {
  std::size_t right = 0;
  for (const volatile unsigned& number : numbers) right += number == right ? 1 : 0;
  return right;
}

TEST(startup_memory, what_was_given_back_is_there_again_for_who_reads_it) {
  ASSERT_EQ(count_right_numbers(), numbers.size());
  const auto before = mapped_bytes_of_files();
  give_back_startup_memory();
  EXPECT_LT(mapped_bytes_of_files() + sizeof numbers / 2, before);
  EXPECT_EQ(count_right_numbers(), numbers.size());
}

} // namespace
} // namespace tandem::io
