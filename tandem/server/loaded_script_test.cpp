// SPDX-License-Identifier: Apache-2.0
#include <tandem/server/loaded_script.hpp>

#include <tandem/base/folder_for_test.hpp>
#include <tandem/server/privileges.hpp>
#include <tandem/server/services.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

namespace tandem::server {
namespace {

struct lamp_settings final : module {
  std::int64_t height = 0;
  bool is_on = false;
  std::string colour;
};
struct door_settings final : module {};

script::module_info declare_lamp() {
  script::module_info info{.name = "lamp", .help = "for tests"};
  info.parameters = {{"height", script::parameter_kind::integer, "3", "how high", 1, 100},
                     {"lit", script::parameter_kind::boolean, "0", "whether it burns"},
                     {"colour", script::parameter_kind::string, "white", "of the light"}};
  return info;
}
script::module_info declare_door() { return {.name = "door", .help = "for tests"}; }
script::module_info declare_core_part() {
  script::module_info info{.name = "core", .help = "of every script"};
  info.functions.push_back(
      {.name = "knock", .arguments = {}, .help = "does nothing", .run = [](script::call&) {
         return script::outcome::yes();
       }});
  return info;
}

std::unique_ptr<const module> load_lamp(const module_setup& setup) {
  auto made = std::make_unique<lamp_settings>();
  made->height = setup.number("height");
  made->is_on = setup.is_on("lit");
  made->colour = setup.text("colour");
  if (made->colour == "black") setup.refuse("colour", "a lamp does not shine black");
  return made;
}
std::unique_ptr<const module> load_door(const module_setup&) {
  return std::make_unique<door_settings>();
}

constexpr std::array<module_entry, 3> some_modules{
    {{declare_lamp, load_lamp}, {declare_door, load_door}, {declare_core_part, nullptr}}};

class loaded : public ::testing::Test {
 protected:
  std::shared_ptr<const loaded_script> load(std::string text) {
    const std::shared_ptr<const script::registry> names{std::shared_ptr<void>{}, &loader.names()};
    const auto checked =
        script::compile(std::make_shared<script::source>("test.cfg", std::move(text)), names);
    EXPECT_FALSE(checked.found.has_errors()) << checked.found.to_string();
    return loader.load(checked.made, shared);
  }
  script_loader loader{some_modules};
  services shared;
};

TEST_F(loaded, has_the_settings_of_the_modules_that_it_loads_and_of_no_others) {
  const auto made = load("loadmodule \"lamp\"\nmodparam(\"lamp\", \"height\", 42)\n"
                         "modparam(\"lamp\", \"lit\", 1)\nroute { knock(); }\n");
  EXPECT_EQ(made->settings_of<lamp_settings>().height, 42);
  EXPECT_TRUE(made->settings_of<lamp_settings>().is_on);
  EXPECT_EQ(made->settings_of<lamp_settings>().colour, "white") << "the default";
  EXPECT_NE(made->find_settings_of<lamp_settings>(), nullptr);
  EXPECT_EQ(made->find_settings_of<door_settings>(), nullptr);
}

TEST_F(loaded, refuses_two_modules_that_keep_settings_of_one_type) {
  const auto second = [] { return script::module_info{.name = "gate", .help = "for tests"}; };
  const std::array<module_entry, 2> modules{{{declare_door, load_door}, {second, load_door}}};
  const script_loader both{modules};
  const auto checked = script::compile(
      std::make_shared<script::source>("test.cfg", "loadmodule \"door\"\nloadmodule \"gate\"\n"
                                                   "route { drop; }\n"),
      both.shared_names());
  ASSERT_FALSE(checked.found.has_errors()) << checked.found.to_string();
  EXPECT_THROW((void)both.load(checked.made, shared), std::logic_error);
}

TEST_F(loaded, tells_where_a_parameter_stands_that_its_module_refuses) {
  try {
    (void)load("loadmodule \"lamp\"\n\n modparam(\"lamp\", \"colour\", \"black\")\nroute { }\n");
    ADD_FAILURE() << "it was taken";
  } catch (const start_error& error) {
    EXPECT_EQ(std::string_view{error.what()},
              "test.cfg:3:29: modparam(\"lamp\", \"colour\"): a lamp does not shine black");
  }
}

TEST_F(loaded, is_classic_by_its_first_line_or_where_it_says_so) {
  EXPECT_FALSE(load("route { }\n")->is_classic());
  EXPECT_TRUE(load("#!SER\nroute { }\n")->is_classic());
  EXPECT_TRUE(load("compat=classic\nroute { }\n")->is_classic());
  EXPECT_FALSE(load("#!SER\ncompat=rfc\nroute { }\n")->is_classic());
}

TEST_F(loaded, checks_a_file_and_says_what_to_do_about_one_that_is_not_there) {
  const tandem::for_test::own_folder folder;
  const auto file = folder / "a.cfg";
  std::ofstream{file} << "route { knok(); }\n";
  const auto checked = loader.check(file.string());
  EXPECT_FALSE(checked.made);
  const std::string said = checked.found.to_string();
  EXPECT_NE(said.find("a.cfg:1:9"), std::string::npos) << said;
  EXPECT_NE(said.find("did you mean 'knock'?"), std::string::npos) << said;
  try {
    (void)loader.check((folder / "missing.cfg").string());
    ADD_FAILURE() << "it was read";
  } catch (const start_error& error) {
    const std::string_view text{error.what()};
    EXPECT_NE(text.find("No such file"), text.npos) << text;
    EXPECT_NE(text.find("-f"), text.npos) << text;
  }
}

} // namespace
} // namespace tandem::server
