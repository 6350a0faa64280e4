// SPDX-License-Identifier: Apache-2.0
#include <tandem/process/plain_command.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace tandem::process;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(plain_command, is_a_path_and_words_without_meaning_to_a_shell) {
  EXPECT_THAT(plain_command("/bin/true", {}), ElementsAre("/bin/true"));
  EXPECT_THAT(plain_command(" /bin/x\t--queue=7  -v  a.b:c@d,e%f+g_h ", {}),
              ElementsAre("/bin/x", "--queue=7", "-v", "a.b:c@d,e%f+g_h"));
}

TEST(plain_command, has_its_parameter_as_one_word_whatever_that_contains) {
  EXPECT_THAT(plain_command("/bin/x \"$1\"", {"a b; $(id)"}), ElementsAre("/bin/x", "a b; $(id)"));
  EXPECT_THAT(plain_command("/bin/x \"$1\"", {}), IsEmpty());
  EXPECT_THAT(plain_command("/bin/x \"$2\"", {"a", "b"}), IsEmpty());
  EXPECT_THAT(plain_command("/bin/x $1", {"a"}), IsEmpty());
}

TEST(plain_command, is_nothing_that_takes_a_shell) {
  for (const char* text : {"",
                           "  ",
                           "true",
                           "exit 3",
                           "./x",
                           "A=/b /bin/x",
                           "\"$1\"",
                           "~/x",
                           "/bin/x ~",
                           "/bin/x; y",
                           "/bin/x\ny",
                           "/bin/x &",
                           "/bin/x|y",
                           "/bin/x>y",
                           "/bin/x<y",
                           "/bin/x *",
                           "/bin/x ?",
                           "/bin/x [a]",
                           "/bin/x {a,b}",
                           "/bin/x $A",
                           "/bin/x `y`",
                           "/bin/x 'y'",
                           "/bin/x \"y\"",
                           "/bin/x \\y",
                           "/bin/x #y",
                           "/bin/x !",
                           "/bin/x (y)",
                           "/bin/x^y",
                           "/bin/\xc3\xa4",
                           "/x\r"})
    EXPECT_THAT(plain_command(text, {"p"}), IsEmpty()) << text;
}
