// SPDX-License-Identifier: Apache-2.0
// The instructions of a program as text.
#include <tandem/script/program.hpp>

#include <fmt/format.h>

#include <tandem/script/code.hpp>

namespace tandem::script {

namespace {

std::string_view name_of(opcode op) {
  switch (op) {
  case opcode::call: return "call";
  case opcode::route: return "route";
  case opcode::last: return "last";
  case opcode::text_is: return "text_is";
  case opcode::text_equals: return "text_equals";
  case opcode::text_matches: return "text_matches";
  case opcode::ip_in: return "ip_in";
  case opcode::ip_is_host: return "ip_is_host";
  case opcode::ip_matches: return "ip_matches";
  case opcode::number_is: return "number_is";
  case opcode::myself: return "myself";
  case opcode::jump: return "jump";
  case opcode::set: return "set";
  case opcode::end: return "end";
  case opcode::leave: return "leave";
  case opcode::give: return "return";
  case opcode::quit: return "exit";
  }
  return "";
}

/// What the instruction is about, in the words of the script.
std::string subject_of(const code& c, const instruction& i) {
  switch (i.op) {
  case opcode::call: return c.calls[i.index].function->name;
  case opcode::route: return c.blocks[i.index].name;
  case opcode::text_is:
  case opcode::text_equals: return fmt::format("\"{}\"", c.texts[i.index]);
  case opcode::text_matches:
  case opcode::ip_matches: return fmt::format("/{}/", c.patterns[i.index].text());
  case opcode::ip_in:
    return fmt::format("{}/{}", c.prefixes[i.index].address.to_string(), c.prefixes[i.index].bits);
  case opcode::ip_is_host: return c.hosts[i.index];
  case opcode::number_is: return std::to_string(i.index);
  case opcode::give: return std::to_string(static_cast<std::int32_t>(i.index));
  default: return {};
  }
}

bool has_two_ways(opcode op) { return op < opcode::jump; }
bool has_one_way(opcode op) { return op == opcode::jump || op == opcode::set; }

} // namespace

std::string program::listing() const {
  const code& c = *code_;
  std::string out;
  auto to = std::back_inserter(out);
  for (std::size_t at = 0; at < c.instructions.size(); ++at) {
    for (std::size_t b = 0; b < c.blocks.size(); ++b)
      if (c.entries[b] == at)
        fmt::format_to(to, "{}[{}]:\n", to_string(c.blocks[b].kind), c.blocks[b].name);
    const instruction& i = c.instructions[at];
    const position p = source_->at(c.places[at].offset);
    fmt::format_to(to, "{:5}  {} {}", at, name_of(i.op), subject_of(c, i));
    if (has_two_ways(i.op)) fmt::format_to(to, " -> {} : {}", i.on_true, i.on_false);
    if (has_one_way(i.op)) fmt::format_to(to, "-> {}", i.on_true);
    fmt::format_to(to, "  ({}:{})\n", p.line, p.column);
  }
  return out;
}

} // namespace tandem::script
