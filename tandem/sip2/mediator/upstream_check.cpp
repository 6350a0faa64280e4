// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip2/mediator/upstream_check.hpp>

#include <tandem/sip2/mediator/sip2_library.hpp>
#include <tandem/sip2/protocol/form_faults.hpp>
#include <tandem/sip2/protocol/writer.hpp>

#include <fmt/format.h>

namespace tandem::sip2 {
namespace {

constexpr duration answer_limit = seconds{10};

std::string join(const std::vector<std::string_view>& names) {
  std::string out;
  for (const auto name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out.empty() ? "nothing" : out;
}

/// One connection, one login, one 99.
class visitor final : public upstream_link_user {
 public:
  visitor(io::shard& loop, upstream_finding& to, upstream_link_setup setup)
      : loop_{loop}, found_{to}, link_{loop, std::move(setup), *this} {
    link_.open(loop.now() + answer_limit);
  }
  [[nodiscard]] bool is_done() const noexcept { return is_done_; }

 private:
  void on_ready(upstream_link& link) override {
    found_.is_reached = true;
    link.ask(message{code::sc_status, {"0", "999", "2.00"}}, loop_.now() + answer_limit);
  }
  void on_answer(upstream_link& link, message&& m) override {
    auto line = write_message(m, {});
    line.pop_back();
    const auto bx = m.value(field_id{"BX"});
    found_.lines.push_back(fmt::format("protocol {}, on-line {}", m.fixed_named("protocol version"),
                                       m.fixed_named("on-line status")));
    found_.lines.push_back("answers: " + join(read_supported(bx, 'Y')));
    found_.lines.push_back("does not answer: " + join(read_supported(bx, 'N')));
    for (const auto& fault : find_form_faults(m, line))
      found_.lines.push_back("leaves the standard: " + fault);
    if (bx.size() != 16)
      found_.lines.push_back(
          fmt::format("leaves the standard: BX has {} characters, not 16", bx.size()));
    link.close();
    is_done_ = true;
  }
  void on_over(upstream_link& link, library_failure&& why) override {
    const bool is_after_login = found_.is_reached;
    found_.lines.push_back(
        link.is_refused() ? "the login is refused"
        : is_after_login ? fmt::format("no answer to a 99 without a login, which many servers want "
                                       "first ({})",
                                       why.error.detail)
                         : "cannot be reached: " + why.error.detail);
    is_done_ = true;
  }

  io::shard& loop_;
  upstream_finding& found_;
  upstream_link link_;
  bool is_done_ = false;
};

} // namespace

std::vector<upstream_finding> check_upstreams(const backend_pool_options& options) {
  std::vector<upstream_finding> all;
  io::shard loop;
  names::resolver resolver{loop};
  for (const auto& url : options.urls) {
    if (!url.is_sip2) continue;
    auto& found = all.emplace_back();
    found.server = url.to_string();
    io::tls_context tls;
    if (url.is_secure) {
      auto made = io::tls_context::client(options.tls);
      if (!made) {
        found.lines.push_back(made.error());
        continue;
      }
      tls = std::move(*made);
    }
    const auto& p = *options.upstream;
    if (!p.login && p.dialogue == upstream_dialogue::telnet) {
      found.is_reached = true;
      found.lines.emplace_back("asks for a login in words, and terminals bring theirs: not tried");
      continue;
    }
    upstream_link_setup setup{.at = url,
                              .profile = options.upstream,
                              .tls = tls,
                              .names = &resolver,
                              .connect_deadline = options.connect_deadline,
                              .login = std::nullopt};
    if (p.login) setup.login = make_upstream_login(p);
    visitor v{loop, found, std::move(setup)};
    loop.run_until([&] { return v.is_done(); }, 4 * answer_limit);
  }
  return all;
}

} // namespace tandem::sip2
