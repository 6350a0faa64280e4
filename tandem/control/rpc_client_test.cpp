// SPDX-License-Identifier: Apache-2.0
#include <tandem/control/rpc_client.hpp>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace tandem::control {
namespace {

std::string read(const std::vector<std::string>& words) {
  const auto properties = boost::json::parse(
      R"({"id":{"type":"string"},"from":{"type":"integer"},"all":{"type":"boolean"}})");
  const auto made = read_arguments(properties.as_object(), words);
  return made ? boost::json::serialize(*made) : made.error();
}

TEST(rpc_client, words_become_what_the_command_declares) {
  EXPECT_EQ(read({"id=1-1", "from=5", "all=yes"}), R"({"id":"1-1","from":5,"all":true})");
  EXPECT_EQ(read({"1-1", "5"}), R"({"id":"1-1","from":5})");
  EXPECT_EQ(read({"from=5", "1-1"}), R"({"from":5,"id":"1-1"})");
  EXPECT_EQ(read({"id=7"}), R"({"id":"7"})");
  EXPECT_EQ(read({"a=b"}), R"({"id":"a=b"})") << "no parameter of that name: a value";
  EXPECT_EQ(read({"1", "x"}), "'from' must be an integer, not 'x'");
  EXPECT_EQ(read({"all=perhaps"}), "'all' must be true or false, not 'perhaps'");
  EXPECT_EQ(read({"1", "2", "true", "4"}), "'4' is one argument too many");
  EXPECT_EQ(read({"1", "2", "true", "no=4"}), "there is no parameter 'no'");
}

} // namespace
} // namespace tandem::control
