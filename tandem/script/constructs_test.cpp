// SPDX-License-Identifier: Apache-2.0
// Scripts with the constructs of those that people have: each must be read whole, none of its
// beginnings may crash the reader, and a run must not care which of its functions suspend.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <tandem/script/script_fixture_for_test.hpp>

namespace tandem::script::test {
namespace {

const char* const scripts[] = {
    // A proxy: listing of parameters, size checks, own domain, else-less ifs with ';' after '}'.
    R"cfg(# a plain proxy
debug=3          # less noise
fork=no
log_stderror=yes	/* both */
/* listen=10.0.0.1 /* nested */ children=4 */
check_via=no
dns=no
port=5060
children=4
fifo="/tmp/f"
loadmodule "modules/demo/demo.so"
modparam("demo", "timer", 10)
modparam("demo|other", "table", "x")
route{
	if (!yes("10")) {
		yes("483");
		break;
	};
	if (len_gt( max_len )) { yes("513"); break; };
	yes("record");
	if (no("loose")) { yes("t_relay"); break; };
	if (uri==myself) {
		if (method=="REGISTER") {
			yes("save");
			break;
		};
		if (!yes("lookup")) { yes("404"); break; };
	};
	if (!yes("relay")) { yes("error"); };
}
)cfg",
    // Shell between single quotes; a function as a condition; a multi-line string.
    R"cfg(route {
	if (method=="ACK") break;
	if (uri=~"^sip:jo@") {
		run('printf "%s\n" "$SIP_USER" | while read u; do
	mail -s "call for \"$u\"" root </dev/null; done; # not a comment
exit 0');
		yes("first line
second line\tand a tab");
	} else if (yes('only "single" quotes')) {
		yes("600");
	} else {
		yes("404");
	};
}
)cfg",
    // Numbered blocks, no ';' before else, break after route().
    R"cfg(route[0] {
	if (!stop("newtran")) { yes("no") ; break; };
	if (method=="INVITE") route(1) else yes("x");
	break;
}
route[1] { if (yes("lookup")) { arm("1"); yes("relay"); break; } yes("600"); }
failure_route[1] { yes("mail"); yes("relay"); }
)cfg",
    // Old names, single '|' and '&', a proto, addresses and networks.
    R"cfg(loadmodule "/usr/lib/ser/modules/demo.so"
alias=example.com "example.net" listen=192.0.2.1 listen=lo
route {
	if (!uri=~"[@:](example\.com)([;:].*)*") { forward(uri:host, uri:port); break; }
	if (method=="INVITE" & (src_ip==192.0.2.10 | uri=~"^sip:79[0-9][0-9]@.*") & !src_ip==backup.example) {
		setflag(1);
		forward("192.0.2.10", 5060);
		drop();
	}
	if (src_ip==10.0.0.0/255.0.0.0 || proto==tcp and dst_port==5060 or not af==inet6) demo_old("x");
	if ({ yes("a"); no("b"); } | 0) break;
}
reply_route[2] { log(1, "second\n"); route(3); }
route[3] { log("done"); }
onreply_route[1] { if (status=~"18[0-9]") arm("0"); }
)cfg",
    // Newer forms.
    R"cfg(compat=rfc
route {
	if ($m =~ "^INV" && $hdr(X-Loop) != "1") { route(RELAY); exit; }
	run(["/bin/echo", "$m", 'a "b"', "$(hdr(Via)[-1])"]);
	say("$$ $m", $m);
	return -1;
}
route[RELAY] { if (!yes("relay")) return 2; }
)cfg",
};

TEST(constructs, of_existing_scripts_are_all_read) {
  for (const char* text : scripts) {
    // The first names a module that it does not load: that part is left out.
    std::string whole = text;
    if (const auto at = whole.find("|other"); at != whole.npos) whole.erase(at, 6);
    EXPECT_TRUE(compile_text(whole).made) << complaints(whole);
  }
}

TEST(constructs, cut_at_any_byte_give_a_program_or_a_complaint) {
  for (const char* text : scripts) {
    const std::string_view whole = text;
    for (std::size_t n = 0; n <= whole.size(); ++n) {
      const compilation c = compile_text(std::string(whole.substr(0, n)));
      ASSERT_TRUE(c.made != nullptr || c.found.has_errors()) << whole.substr(0, n);
      ASSERT_EQ(c.found.to_string().empty(), c.found.all().empty());
    }
  }
}

TEST(constructs, without_any_one_byte_give_a_program_or_a_complaint) {
  for (const char* text : scripts) {
    const std::string whole = text;
    for (std::size_t n = 0; n < whole.size(); ++n) {
      std::string cut = whole;
      cut.erase(n, 1);
      const compilation c = compile_text(std::move(cut));
      ASSERT_TRUE(c.made != nullptr || c.found.has_errors());
      const std::string text_of_all = c.found.to_string();
      ASSERT_EQ(text_of_all.empty(), c.found.all().empty());
    }
  }
}

/// Scripts made by chance from every kind of statement and condition.
class generator {
 public:
  explicit generator(unsigned seed) : state_(seed * 2654435761U + 1) {}

  std::string script() {
    std::string out;
    for (int block = 3; block >= 0; --block) {
      block_ = block;
      out += fmt::format("route[{}] {{\n{}}}\n", block, statements(3));
    }
    return out;
  }

 private:
  unsigned pick(unsigned n) {
    state_ = state_ * 1664525U + 1013904223U;
    return (state_ >> 16U) % n;
  }

  std::string call() {
    static constexpr const char* names[] = {"yes", "no", "two", "yes", "no", "stop"};
    const char* const name = names[pick(6)];
    return fmt::format("{}(\"{}\")", name, ++calls_);
  }

  std::string condition(int depth) {
    switch (pick(depth > 0 ? 8 : 3)) {
    case 0: return pick(2) != 0 ? "method==\"INVITE\"" : "uri=~\"nobody\"";
    case 1:
    case 2: return call();
    case 3: return fmt::format("!{}", condition(depth - 1));
    case 4: return fmt::format("({} && {})", condition(depth - 1), condition(depth - 1));
    case 5: return fmt::format("({} || {})", condition(depth - 1), condition(depth - 1));
    case 6: return fmt::format("{{ {} }}", statements(depth - 1));
    default: return block_ < 3 ? fmt::format("route({})", block_ + 1) : std::string("1");
    }
  }

  std::string statement(int depth) {
    switch (pick(depth > 0 ? 7 : 3)) {
    case 0:
    case 1: return call() + ";";
    case 2: return pick(6) == 0 ? std::string("break;") : call() + ";";
    case 3: return fmt::format("if ({}) {{ {} }}", condition(depth), statements(depth - 1));
    case 4:
      return fmt::format("if ({}) {{ {} }} else {{ {} }}", condition(depth), statements(depth - 1),
                         statements(depth - 1));
    case 5: return block_ < 3 ? fmt::format("route({});", block_ + 1) : std::string("{ }");
    default:
      return pick(4) == 0 ? fmt::format("return {};", pick(3)) : fmt::format("{{ {}; }}", call());
    }
  }

  std::string statements(int depth) {
    std::string out;
    for (unsigned n = pick(4); n > 0; --n) out += statement(depth) + "\n";
    return out;
  }

  unsigned state_;
  int block_ = 0;
  int calls_ = 0;
};

TEST(constructs, run_alike_whether_functions_suspend_or_not) {
  std::size_t ran = 0;
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    const std::string text = generator(seed).script();
    plain_context fast;
    plain_context slow;
    slow.suspend_all = true;
    const std::string expected = run(text, fast);
    ASSERT_EQ(expected.find("error"), expected.npos) << expected << text;
    ASSERT_EQ(run(text, slow), expected) << "seed " << seed << "\n" << text;
    ran += fast.trace.size();
  }
  EXPECT_GT(ran, 5000U); // the scripts do something
}

} // namespace
} // namespace tandem::script::test
