// SPDX-License-Identifier: Apache-2.0
// What a script may hand to exec, seen when it is checked. How programs run:
// tests/e2e/test_exec.py.
#include <tandem/modules/script_fixture_for_test.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::modules::for_test {
namespace {

std::string complaint_about(std::string_view call) {
  static const server::script_loader loader{all()};
  const std::shared_ptr<const script::registry> names{std::shared_ptr<void>{}, &loader.names()};
  const auto made =
      script::compile(std::make_shared<script::source>(
                          "test.cfg", "route { if (" + std::string{call} + ") break; }\n"),
                      names);
  return made.found.has_errors() ? made.found.to_string() : std::string{};
}

TEST(exec, a_caller_never_chooses_the_program) {
  for (const char* call : {R"x(exec(["$rU"]))x", R"x(exec(["/usr/bin/$rU", "x"]))x",
                           R"x(exec(["$hdr(X-Program)", "x"]))x"})
    EXPECT_THAT(complaint_about(call),
                ::testing::HasSubstr("the program itself must not come from a variable"))
        << call;
  EXPECT_EQ(complaint_about(R"x(exec(["/usr/bin/logger", "$rU"]))x"), "");
}

TEST(exec, an_empty_program_is_an_error) {
  for (const char* call : {R"x(exec([""]))x", R"x(exec([" ", "x"]))x"})
    EXPECT_THAT(complaint_about(call), ::testing::HasSubstr("there is no program to run")) << call;
}

} // namespace
} // namespace tandem::modules::for_test
