// SPDX-License-Identifier: Apache-2.0
#include <tandem/modules/textops/textops.hpp>

#include <tandem/modules/textops/header_text.hpp>
#include <tandem/modules/textops/replacement.hpp>
#include <tandem/script/argument.hpp>
#include <tandem/server/message_context.hpp>
#include <tandem/sip/message_editor.hpp>

namespace tandem::modules {

namespace {

using script::argument_kind;
using script::outcome;
using server::message_context;

sip::message& message_of(script::call& c) { return c.as<message_context>().message(); }

// ---- regular expressions

/// Argument 0 as a regular expression, letter case ignored, `^` and `$` the ends of lines.
std::shared_ptr<const void> check_pattern(script::check& c) {
  auto made = script::pattern::compile(c.at(0).text, script::letter_case::ignored,
                                       script::text_shape::lines);
  if (!made) {
    c.error(0, "the expression cannot be read: " + made.error());
    return nullptr;
  }
  return std::make_shared<const script::pattern>(std::move(*made));
}

outcome search(script::call& c) {
  return outcome::of(c.prepared<script::pattern>()->matches(message_of(c).to_string()));
}

outcome replace(script::call& c, occurrences which) {
  // The call's text may lie in what is edited.
  const std::string text{c.text(1)};
  return outcome::of(
      replace_in(message_of(c), *c.prepared<script::pattern>(), which,
                 [&](std::span<const std::string_view>, std::string& out) { out += text; }));
}

outcome replace_first(script::call& c) { return replace(c, occurrences::first); }
outcome replace_all(script::call& c) { return replace(c, occurrences::all); }

outcome search_append(script::call& c) {
  const std::string text{c.text(1)};
  return outcome::of(replace_in(message_of(c), *c.prepared<script::pattern>(), occurrences::first,
                                [&](std::span<const std::string_view> groups, std::string& out) {
                                  out.append(groups[0]).append(text);
                                }));
}

outcome subst(script::call& c) {
  const auto& s = *c.prepared<substitution>();
  return outcome::of(replace_in(message_of(c), s.what(), s.which(), s.writer(c.message())));
}

outcome subst_uri(script::call& c) {
  auto& m = c.as<message_context>();
  const auto& s = *c.prepared<substitution>();
  const std::string before{m.uri()};
  const auto after = replace_in(before, s.what(), s.which(), s.writer(c.message()));
  if (!after || !m.rewrite_uri(*after)) return outcome::no();
  m.reach().clear();
  return outcome::yes();
}

// ---- headers

outcome insert_text(script::call& c, std::string_view text, std::size_t at) {
  std::string room;
  const auto fields = c.prepared<header_text>()->split(text, room);
  return outcome::of(fields && insert_fields(message_of(c), at, *fields));
}

outcome append_hf(script::call& c) {
  const sip::message& m = message_of(c);
  std::size_t at = m.header_count();
  if (c.has(1))
    if (const std::size_t after = m.find(c.text(1)); after != sip::message::npos) at = after + 1;
  return insert_text(c, c.text(0), at);
}

outcome insert_hf(script::call& c) {
  std::size_t at = 0;
  if (c.has(1))
    if (const std::size_t before = message_of(c).find(c.text(1)); before != sip::message::npos)
      at = before;
  return insert_text(c, c.text(0), at);
}

outcome append_urihf(script::call& c) {
  std::string text{c.text(0)};
  text.append(c.as<message_context>().original_uri()).append(c.text(1));
  return insert_text(c, text, message_of(c).header_count());
}

outcome remove_hf(script::call& c) {
  // Every spelling: compact, another case, blanks before the colon (CVE-2020-28361).
  return outcome::of(message_of(c).edit().erase(c.text(0)) > 0);
}

outcome is_present_hf(script::call& c) { return outcome::of(message_of(c).has(c.text(0))); }

outcome append_to_reply(script::call& c) {
  sip::header_lines& lines = c.as<message_context>().reply_headers();
  const header_text& text = *c.prepared<header_text>();
  if (!text.constant.empty()) return outcome::of(lines.add(text.constant).has_value());
  std::string room;
  const auto fields = text.split(c.text(0), room);
  if (!fields) return outcome::no();
  bool is_good = true;
  for (const header_field& f : *fields) is_good &= lines.add(f.name, f.value).has_value();
  return outcome::of(is_good);
}

/// "CC-Diversion: " and ">\r\n": a header line only with a URI between them.
std::shared_ptr<const void> check_uri_header(script::check& c) {
  if (c.is_constant(0) && c.text(0).find(':') == std::string_view::npos)
    c.error(0, "this does not begin a header line", R"(usage: "Name: ")");
  return std::make_shared<const header_text>(header_text{1});
}

script::module_info declare() {
  constexpr auto text = argument_kind::text;
  constexpr auto constant = argument_kind::string;
  script::module_info info{.name = "textops", .help = "looking into messages and editing them"};
  info.functions = {
      {.name = "search",
       .arguments = {{"re", constant}},
       .blocks = script::anywhere,
       .help = "true when the expression is found in the message",
       .run = search,
       .prepare = check_pattern},
      {.name = "search_append",
       .arguments = {{"re", constant}, {"text", text}},
       .blocks = script::anywhere,
       .help = "puts text behind the first match in headers or body",
       .run = search_append,
       .prepare = check_pattern},
      {.name = "replace",
       .arguments = {{"re", constant}, {"text", text}},
       .blocks = script::anywhere,
       .help = "puts text in place of the first match in headers or body",
       .run = replace_first,
       .prepare = check_pattern},
      {.name = "replace_all",
       .arguments = {{"re", constant}, {"text", text}},
       .blocks = script::anywhere,
       .help = "the same for every match",
       .run = replace_all,
       .prepare = check_pattern},
      {.name = "subst",
       .arguments = {{"/re/replacement/flags", text}},
       .blocks = script::anywhere,
       .help = "replaces in headers and body as perl does; \\\\1 is the first group, flags i and g",
       .run = subst,
       .prepare = substitution::prepare},
      {.name = "subst_uri",
       .arguments = {{"/re/replacement/flags", text}},
       .blocks = script::anywhere,
       .help = "the same in the Request-URI",
       .run = subst_uri,
       .prepare = substitution::prepare},
      {.name = "append_hf",
       .arguments = {{"line", text}, {"after", text}},
       .required = 1,
       .blocks = script::anywhere,
       .help = "adds header lines at the end, or after the first header of a name",
       .run = append_hf,
       .prepare = check_header_text},
      {.name = "insert_hf",
       .arguments = {{"line", text}, {"before", text}},
       .required = 1,
       .blocks = script::anywhere,
       .help = "adds header lines at the front, or before the first header of a name",
       .run = insert_hf,
       .prepare = check_header_text},
      {.name = "append_urihf",
       .arguments = {{"prefix", text}, {"suffix", text}},
       .blocks = script::in_request | script::in_failure,
       .help = "adds a header line of prefix, the Request-URI as received, and suffix",
       .run = append_urihf,
       .prepare = check_uri_header},
      {.name = "remove_hf",
       .arguments = {{"name", text}},
       .blocks = script::anywhere,
       .help = "removes every header of the name, however it is spelt; false when there was none",
       .run = remove_hf},
      {.name = "is_present_hf",
       .arguments = {{"name", text}},
       .blocks = script::anywhere,
       .help = "true when there is a header of the name",
       .run = is_present_hf},
      {.name = "append_to_reply",
       .arguments = {{"line", text}},
       .blocks = script::in_request | script::in_failure,
       .help = "adds header lines to every reply that is made here from now on",
       .run = append_to_reply,
       .prepare = check_header_text},
  };
  return info;
}

} // namespace

server::module_entry textops() { return {.declare = declare}; }

} // namespace tandem::modules
