// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/account_file.hpp>

#include <tandem/base/folder_for_test.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace tandem::storage {
namespace {

using crypto::hash_function;
using kind = account_answer::kind;

const std::string md5(32, 'a');
const std::string sha256(64, 'b');

account_answer look(const account_file& in, std::string_view name, std::string_view realm,
                    hash_function hash = hash_function::md5) {
  return *in.find({.table = "subscriber", .username = name, .realm = realm, .hash = hash});
}

TEST(account_file, finds_the_password_of_a_name_in_a_realm_by_its_hash) {
  const account_file file{"# ours\n\nalice:a.org:" + md5 + "\nalice:a.org:" + sha256 +
                              "\r\n  alice@b.org:b.org:" + md5,
                          "file"};
  EXPECT_EQ(look(file, "alice", "a.org").secret.reveal(), md5);
  EXPECT_EQ(look(file, "alice", "a.org", hash_function::sha256).secret.reveal(), sha256);
  EXPECT_EQ(look(file, "alice@b.org", "b.org").what, kind::found);
  EXPECT_EQ(look(file, "alice@b.org", "b.org", hash_function::sha256).what, kind::unknown);
  EXPECT_EQ(look(file, "alice", "a.org", hash_function::sha512_256).what, kind::unknown);
  for (const std::string_view name : {"Alice", "bob", "", "alice@a.org", "# ours"})
    EXPECT_EQ(look(file, name, "a.org").what, kind::unknown) << name;
  EXPECT_EQ(look(file, "alice", "b.org").what, kind::unknown);
}

TEST(account_file, tells_the_line_that_is_wrong_and_never_what_stands_there) {
  for (const std::string& bad : std::vector<std::string>{
           "alice", "alice:" + md5, ":a.org:" + md5, "alice::" + md5,
           "alice:a.org:", "alice:a.org:" + md5 + "0", "alice:a.org:" + std::string(32, 'g'),
           std::string{"alice:a.org:"}.append(md5).append("\nalice:a.org:").append(md5)}) {
    try {
      const account_file file{"# first\n" + bad, "subscribers"};
      ADD_FAILURE() << bad;
    } catch (const std::runtime_error& error) {
      const std::string said = error.what();
      EXPECT_TRUE(said.starts_with("subscribers:")) << said;
      EXPECT_EQ(said.find("aaaa"), std::string::npos) << said;
    }
  }
}

TEST(account_file, names_who_lacks_a_password_that_phones_may_choose) {
  const account_file file{"alice:a.org:" + md5 + "\n", "file"};
  constexpr std::array both{hash_function::sha256, hash_function::md5};
  EXPECT_EQ(file.find_incomplete(both), "alice in realm a.org");
  EXPECT_EQ(file.find_incomplete(std::span{both}.subspan(1)), "");
}

TEST(account_file, is_refused_when_others_may_read_it) {
  const tandem::for_test::own_folder folder;
  const std::string path = folder / "subscribers";
  std::ofstream{path} << "alice:a.org:" << md5 << "\n";
  for (const auto& [mode, is_good] :
       {std::pair{0600, true}, std::pair{0640, true}, std::pair{0400, true}, std::pair{0644, false},
        std::pair{0604, false}, std::pair{0660, false}}) {
    ASSERT_EQ(::chmod(path.c_str(), static_cast<mode_t>(mode)), 0);
    if (is_good)
      EXPECT_EQ(look(*account_file::read(path), "alice", "a.org").what, kind::found) << mode;
    else
      EXPECT_THROW(static_cast<void>(account_file::read(path)), std::runtime_error) << mode;
  }
  EXPECT_THROW(static_cast<void>(account_file::read(folder.path())), std::runtime_error);
  EXPECT_THROW(static_cast<void>(account_file::read(folder / "none")), std::runtime_error);
}

} // namespace
} // namespace tandem::storage
