// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/hidden_arguments.hpp>

#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(hidden_arguments, values_are_overwritten_and_the_rest_stays) {
  char texts[][16] = {"program", "--token", "abc", "--token=de", "--port", "6001", "--token"};
  char* arguments[] = {texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6]};
  hide_arguments(7, arguments, {"--token"});
  const char* expected[] = {"program", "--token", "***", "--token=**", "--port", "6001", "--token"};
  for (int i = 0; i < 7; ++i) EXPECT_STREQ(arguments[i], expected[i]);
}

} // namespace
} // namespace tandem
