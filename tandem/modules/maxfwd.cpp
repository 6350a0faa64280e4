// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/maxfwd.hpp>

#include <tandem/base/text.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/sip/max_forwards.hpp>
#include <tandem/sip/message_editor.hpp>

#include <string>

namespace tandem::modules {

namespace {

using script::outcome;
using server::message_context;

/// What the script has counted, forwarding does not count again.
outcome counted(message_context& m, bool is_done) {
  if (is_done) m.set_hops(stack::hop_count::before);
  return outcome::of(is_done);
}

outcome add_header(script::call& c) {
  auto& m = c.as<message_context>();
  const auto initial = std::to_string(static_cast<unsigned>(c.number(0)));
  return counted(m, m.message().edit().append(sip::header_id::max_forwards, initial).has_value());
}

outcome mf_process_maxfwd_header(script::call& c) {
  auto& m = c.as<message_context>();
  if (!m.message().has(sip::header_id::max_forwards)) return add_header(c);
  // A value that is not a number is as good as none left (RFC 4475 3.1.2).
  return counted(m, decrement_max_forwards(m.message()).has_value());
}

script::module_info declare() {
  script::module_info info{.name = "maxfwd", .help = "Max-Forwards: the end of loops"};
  info.other_names = {"maxfwd_module"};
  info.functions.push_back({
      .name = "mf_process_maxfwd_header",
      .arguments = {{"initial", script::argument_kind::integer}},
      .help = "takes one from Max-Forwards, or adds the header with this value; false when it is 0",
      .run = mf_process_maxfwd_header,
  });
  // Older scripts asked, added and counted in steps of their own.
  info.functions.push_back({
      .name = "mf_is_maxfwd_present",
      .arguments = {},
      .help = "true when the request has Max-Forwards",
      .run =
          [](script::call& c) {
            return outcome::of(c.as<message_context>().message().has(sip::header_id::max_forwards));
          },
  });
  info.functions.push_back({
      .name = "mf_add_maxfwd_header",
      .arguments = {{"initial", script::argument_kind::integer}},
      .help = "adds Max-Forwards with this value",
      .run = add_header,
  });
  info.functions.push_back({
      .name = "mf_decrement_maxfwd_header",
      .arguments = {},
      .help = "takes one from Max-Forwards; false when it is 0 or not there",
      .run =
          [](script::call& c) {
            auto& m = c.as<message_context>();
            return counted(m, m.message().has(sip::header_id::max_forwards) &&
                                  decrement_max_forwards(m.message()).has_value());
          },
  });
  info.functions.push_back({
      .name = "mf_is_maxfwd_zero",
      .arguments = {},
      .help = "true when Max-Forwards is 0, or not a number",
      .run =
          [](script::call& c) {
            const sip::message& m = c.as<message_context>().message();
            const auto at = m.find(sip::header_id::max_forwards);
            if (at == sip::message::npos) return outcome::no();
            return outcome::of(parse_number<std::uint32_t>(trim(m.value(at))).value_or(0) == 0);
          },
  });
  info.aliases = {{"mf_decrement_maxfwd", "mf_decrement_maxfwd_header"}};
  return info;
}

} // namespace

server::module_entry maxfwd() { return {.declare = declare}; }

} // namespace tandem::modules
