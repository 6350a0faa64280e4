// SPDX-License-Identifier: Apache-2.0
// Any text is either a program or a complaint; and a program runs to an end, whatever its functions
// answer. The first byte chooses their answers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include <tandem/base/log.hpp>
#include <tandem/script/execution.hpp>
#include <tandem/script/program.hpp>

namespace {

using namespace tandem;
using namespace tandem::script;

struct fuzz_context final : context {
  std::uint8_t answers = 0;
  unsigned calls = 0;
  std::uint32_t flags = 0;
  std::string_view method() const override { return "INVITE"; }
  std::string_view uri() const override { return "sip:a@example.com"; }
  std::string_view status() const override { return "180"; }
  ip_address source_ip() const override { return ip_address::v4(192, 0, 2, 7); }
  ip_address destination_ip() const override { return ip_address::v4(192, 0, 2, 1); }
  std::uint16_t source_port() const override { return 5060; }
  std::uint16_t destination_port() const override { return 5060; }
  script::protocol transport() const override { return script::protocol::udp; }
  bool is_myself(subject what) const override { return what == subject::uri; }
  bool is_host(std::string_view, const ip_address&) const override { return false; }
  std::size_t message_length() const override { return 700; }
  bool flag(unsigned number) const override { return ((flags >> number) & 1U) != 0; }
  void set_flag(unsigned number, bool value) override {
    flags = value ? flags | (1U << number) : flags & ~(1U << number);
  }
};

outcome answer(call& c) {
  auto& on = c.as<fuzz_context>();
  for (std::size_t i = 0; i < c.count(); ++i)
    if (c.kind(i) == argument_kind::array) {
      if (c.items(i).empty()) std::abort();
    } else if (c.text(i).size() > 100'000'000) {
      std::abort();
    }
  switch ((on.answers >> (on.calls++ % 7)) & 3U) {
  case 0: return outcome::leave();
  case 1: return outcome::yes();
  case 2: return outcome::no();
  default: return outcome::suspended();
  }
}

std::shared_ptr<const registry> names() {
  auto r = std::make_shared<registry>();
  module_info m{.name = "tm", .help = "for fuzzing"};
  m.functions = {
      {.name = "f",
       .arguments = {{"a", argument_kind::text | argument_kind::array | argument_kind::integer},
                     {"b", argument_kind::host | argument_kind::uri_part}},
       .required = 0,
       .blocks = anywhere,
       .may_suspend = true,
       .help = "f",
       .run = answer},
      {.name = "t_on_failure",
       .arguments = {{"n", argument_kind::failure_route}},
       .may_suspend = true,
       .help = "arms",
       .run = answer},
  };
  m.variables = {{.name = "hdr",
                  .takes = variable_info::argument::required,
                  .help = "header",
                  .read = [](variable_read& v) {
                    v.append(v.argument());
                    return v.index() >= 0;
                  }}};
  m.parameters = {{.name = "fr_timer", .default_value = "30", .help = "seconds"}};
  r->add(std::move(m));
  return r;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto known = [] {
    set_log_level(log_level::alert);
    return names();
  }();
  if (size == 0 || size > 20'000) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const compilation c = compile(std::make_shared<const source>("fuzz.cfg", text), known);
  if (c.found.to_string(colour::on).empty() != c.found.all().empty()) std::abort();
  if (!c.made) {
    if (!c.found.has_errors()) std::abort();
    return 0;
  }
  if (c.made->listing().empty() && !c.made->blocks().empty()) std::abort();
  for (block_id b = 0; b < c.made->blocks().size() && b < 4; ++b) {
    fuzz_context on;
    on.answers = data[0];
    execution e;
    e.start(*c.made, b, on);
    for (unsigned n = 0; e.is_suspended(); ++n) {
      if (n == 20'000) {
        e.abandon();
        break;
      }
      e.resume(static_cast<int>(n % 3) - 1);
    }
    if (e.now() != execution::state::finished) std::abort();
  }
  return 0;
}
