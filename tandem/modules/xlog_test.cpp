// SPDX-License-Identifier: Apache-2.0
// xlog, print and the pseudo-variables, as their reader sees them.
#include <tandem/base/log.hpp>
#include <tandem/modules/script_fixture_for_test.hpp>

#include <cstdio>
#include <regex>
#include <unistd.h>

namespace tandem::modules::for_test {
namespace {

class xlog : public script_fixture {
 protected:
  ~xlog() override { set_log_level(log_level::notice); }

  /// What a request leaves on standard error, or on standard output.
  template <typename Run>
  static std::string written(int descriptor, Run&& run) {
    std::FILE* const stream = descriptor == 1 ? stdout : stderr;
    std::fflush(stream);
    std::FILE* const file = std::tmpfile();
    const int before = ::dup(descriptor);
    ::dup2(::fileno(file), descriptor);
    run();
    std::fflush(stream);
    ::dup2(before, descriptor);
    ::close(before);
    std::rewind(file);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
  }
  std::string logged(std::string_view block) {
    load_route(block);
    return written(2, [&] { receive(request("OPTIONS")); });
  }
  /// What is wrong with a script; empty when nothing is.
  static std::string complaint(std::string_view block) {
    static const server::script_loader loader{all()};
    const std::shared_ptr<const script::registry> names{std::shared_ptr<void>{}, &loader.names()};
    const auto made = script::compile(
        std::make_shared<script::source>("test.cfg", "loadmodule \"xlog\"\nroute {\n" +
                                                         std::string{block} + "\n}\n"),
        names);
    return made.found.has_errors() ? made.found.to_string() : std::string{};
  }
};

TEST_F(xlog, writes_a_line_at_its_level_with_the_variables_filled_in) {
  set_log_level(log_level::debug);
  struct row {
    std::string_view statement, level;
  };
  const row table[] = {
      {R"(xlog("L_ALERT", "<$rm>");)", "ALERT"},   {R"(xlog("L_CRIT", "<$rm>");)", "CRITICAL"},
      {R"(xlog("L_ERR", "<$rm>");)", "ERROR"},     {R"(xlog("<$rm>");)", "ERROR"},
      {R"(xlog("L_WARN", "<$rm>");)", "WARNING"},  {R"(xlog("l_warning", "<$rm>");)", "WARNING"},
      {R"(xlog("L_NOTICE", "<$rm>");)", "NOTICE"}, {R"(xlog("L_INFO", "<$rm>");)", "INFO"},
      {R"(xlog("L_DBG", "<$rm>");)", "DEBUG"},     {R"(xdbg("<$rm>");)", "DEBUG"},
  };
  for (const row& r : table) {
    const std::string text = logged(r.statement);
    EXPECT_NE(text.find(std::string{" "} + std::string{r.level} + " <OPTIONS>\n"), text.npos)
        << r.statement << ": " << text;
  }
}

TEST_F(xlog, writes_nothing_beyond_the_level_of_the_log) {
  set_log_level(log_level::warning);
  EXPECT_EQ(logged(R"(xlog("L_NOTICE", "one"); xdbg("two");)"), "");
}

TEST_F(xlog, ends_its_line_once_and_lets_nobody_begin_another) {
  const std::string text = logged("xlog(\"L_ERR\", \"one\\n\");");
  EXPECT_TRUE(text.ends_with(" one\n")) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  load_route(R"(xlog("L_ERR", "<$rb>");)");
  auto p = request("MESSAGE");
  p.body = "first\nFAKE line {} %s %n";
  const std::string body = written(2, [&] { receive(p); });
  EXPECT_EQ(std::count(body.begin(), body.end(), '\n'), 1) << body;
  EXPECT_NE(body.find(R"(first\x0aFAKE line {} %s %n>)"), body.npos) << body;
}

TEST_F(xlog, refuses_a_level_that_is_none_and_text_that_cannot_be_read_when_it_is_loaded) {
  struct row {
    std::string_view statement, says;
  };
  const row table[] = {
      {R"(xlog("L_LOUD", "x");)", "this is not a level of the log"},
      {R"(xlog("L_ERR", "$nosuch");)", "unknown variable '$nosuch'"},
      {R"(xlog("$hdr");)", "$hdr needs an argument"},
      {R"_(xlog("$hdr()");)_", "$hdr needs an argument"},
      {R"_(xlog("$(ru");)_", "expected ')' after '$(ru'"},
      {R"_(xlog("$(hdr(Via)[x])");)_", "expected a number and ']' after '['"},
      {R"_(xlog("$(ru{s.len})");)_", "transformations of variables are not known here"},
      {R"(xlog("a", "b", "c");)", "xlog"},
  };
  for (const row& r : table) {
    const std::string text = complaint(r.statement);
    EXPECT_NE(text.find(r.says), text.npos) << r.statement << ": " << text;
    EXPECT_NE(text.find("test.cfg:3:"), text.npos) << r.statement << ": " << text;
  }
  EXPECT_EQ(complaint(R"(xlog("L_ERR", "100 $ and $$ru and 5$");)"), "");
}

TEST_F(xlog, print_writes_to_standard_output_as_it_is) {
  load_route(R"(print("$rm to $rU\n"); print("100%s");)", "loadmodule \"print\"\n");
  EXPECT_EQ(written(1,
                    [&] {
                      receive(request("OPTIONS"));
                      EXPECT_TRUE(shared.standard_output.flush(seconds{10}));
                    }),
            "OPTIONS to bob\n100%s");
}

using variables = xlog;

TEST_F(variables, of_replies_show_in_an_onreply_route) {
  load_route(R"(t_on_reply("1"); t_relay();)", R"(
onreply_route[1] { xlog("L_ERR", "<$rs $rr $rm $ru>"); }
)");
  receive(request("INVITE"));
  take("100");
  const auto invite = take("INVITE");
  const std::string text = written(2, [&] { answer(invite, 183); });
  EXPECT_NE(text.find("<183 Whatever INVITE >"), text.npos) << text;
}

TEST_F(variables, tell_time_process_and_flags) {
  load_route(R"(setflag(0); setflag(5); sl_send_reply("200", "$Ts|$TS|$Tf|$pp|$mf");)");
  const std::string text = said();
  std::smatch parts;
  const std::regex shape{R"((\d+)\|(\d+)\|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\|(\d+)\|33)"};
  ASSERT_TRUE(std::regex_match(text, parts, shape)) << text;
  EXPECT_NEAR(static_cast<double>(std::stoll(parts[1])), static_cast<double>(std::time(nullptr)),
              5.0);
  EXPECT_EQ(parts[3], std::to_string(::getpid()));
}

TEST_F(variables, are_empty_where_a_message_has_nothing_of_theirs) {
  load_route(R"(sl_send_reply("200", "[$fn$tn$tt$rp$rP$ua$ct$cT$rb$du$rs$rr$hdr(X-None)]");)");
  EXPECT_EQ(said(), "[]");
}

TEST_F(variables, show_what_the_script_has_rewritten_beside_what_came) {
  load_route(
      R"(rewriteuser("new"); sethost("h.example"); sl_send_reply("200", "$rU@$rd $oU@$od");)");
  EXPECT_EQ(said(), "new@h.example bob@192.0.2.2");
  load_route(R"_(append_hf("X-New: 1\r\n"); sl_send_reply("200", "$hdr(X-New)");)_");
  EXPECT_EQ(said(), "1") << "an edit is visible to every later reader";
}

TEST_F(variables, whole_message_is_the_one_with_its_edits) {
  load_route(R"(append_hf("X-New: 1\r\n"); rewriteuser("new"); xlog("L_ERR", "$mb");)");
  const std::string text = written(2, [&] { receive(request("OPTIONS")); });
  EXPECT_NE(text.find("OPTIONS sip:new@192.0.2.2 SIP/2.0\\x0d\\x0aVia: "), text.npos) << text;
  EXPECT_NE(text.find("\\x0d\\x0aX-New: 1"), text.npos) << text;
}

} // namespace
} // namespace tandem::modules::for_test
