// SPDX-License-Identifier: Apache-2.0
// Statements and control flow: conditions become jumps, so that a run needs no stack for them.
#include <tandem/script/compiler.hpp>

#include <algorithm>
#include <fmt/format.h>

#include <tandem/base/text.hpp>

namespace tandem::script {

compiler::compiler(const source& text, const names& known, code& to, diagnostics& found)
    : source_(text), names_(known), code_(to),
      found_(found), around_{text, known, to.blocks,
                             to.parameters.compat() == compatibility::classic
                                 ? unknown_variable::is_text
                                 : unknown_variable::is_error} {}

// Until the end an instruction's targets are labels; then they become addresses.

compiler::label compiler::new_label() {
  labels_.push_back(0);
  return static_cast<label>(labels_.size() - 1);
}

void compiler::place(label here) {
  labels_[here] = static_cast<std::uint32_t>(code_.instructions.size());
}

std::uint32_t compiler::emit(instruction what, span where) {
  code_.instructions.push_back(what);
  code_.places.push_back(where);
  return static_cast<std::uint32_t>(code_.instructions.size() - 1);
}

void compiler::resolve_labels() {
  for (instruction& i : code_.instructions) {
    i.on_true = labels_[i.on_true];
    i.on_false = labels_[i.on_false];
  }
}

void compiler::run(const script_syntax& script) {
  (void)new_label(); // label 0: the targets of instructions that have none
  declare_blocks(script);
  for (block_id b = 0; b < code_.blocks.size(); ++b) {
    current_ = b;
    code_.entries.push_back(static_cast<std::uint32_t>(code_.instructions.size()));
    // Several definitions of one block follow each other.
    for (const block_syntax& s : script.blocks)
      if (s.kind == code_.blocks[b].kind && s.name == code_.blocks[b].name) statements(s.body);
    emit({.op = opcode::end}, code_.blocks[b].where);
  }
  resolve_labels();
  check_blocks();
}

void compiler::declare_blocks(const script_syntax& script) {
  for (const block_syntax& b : script.blocks)
    if (!find_block(code_.blocks, b.kind, b.name))
      code_.blocks.push_back({b.kind, b.name, b.where});
  if (const auto main = find_block(code_.blocks, block_kind::request, "0"))
    code_.main = *main;
  else
    found_.error({0, 0}, "there is no main route block, which every request runs",
                 "the smallest is: route { sl_send_reply(\"404\", \"Not Found\"); }");
}

bool compiler::ends_block(const statement_syntax& s) {
  if (s.what == statement_syntax::form::block) return !s.body.empty() && ends_block(s.body.back());
  if (s.what != statement_syntax::form::call) return false;
  const std::string& name = s.call.name.text;
  return name == "break" || name == "drop" || name == "exit" || name == "return";
}

void compiler::statements(const std::vector<statement_syntax>& all) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    statement(all[i]);
    if (ends_block(all[i]) && i + 1 < all.size()) {
      found_.warning(all[i + 1].where, "this is never reached");
      for (++i; i < all.size(); ++i) statement(all[i]); // checked all the same
    }
  }
}

void compiler::statement(const statement_syntax& s) {
  switch (s.what) {
  case statement_syntax::form::call: return call_statement(s.call);
  case statement_syntax::form::branch: return branch(s);
  case statement_syntax::form::block:
    if (s.body.empty()) {
      const label after = new_label();
      emit({.op = opcode::set, .on_true = after, .on_false = after}, s.where);
      place(after);
    }
    return statements(s.body);
  }
}

void compiler::call_statement(const call_syntax& c) {
  const label after = new_label();
  call(c, after, after);
  place(after);
}

void compiler::branch(const statement_syntax& s) {
  const label after = new_label();
  for (const clause_syntax& clause : s.clauses) {
    const label yes = new_label();
    const label no = new_label();
    condition(clause.condition, yes, no);
    place(yes);
    if (clause.body.empty())
      emit({.op = opcode::set, .on_true = after, .on_false = after}, s.where);
    statements(clause.body);
    emit({.op = opcode::jump, .on_true = after, .on_false = after}, s.where);
    place(no);
  }
  // Nothing chosen counts as true.
  if (s.body.empty()) emit({.op = opcode::set, .on_true = after, .on_false = after}, s.where);
  statements(s.body);
  place(after);
}

void compiler::condition(const expression_syntax& e, label yes, label no) {
  using form = expression_syntax::form;
  switch (e.what) {
  case form::any:
  case form::all:
    for (std::size_t i = 0; i < e.parts.size(); ++i) {
      if (i + 1 == e.parts.size()) {
        condition(e.parts[i], yes, no);
      } else {
        const label next = new_label();
        if (e.what == form::any)
          condition(e.parts[i], yes, next);
        else
          condition(e.parts[i], next, no);
        place(next);
      }
    }
    return;
  case form::negation: return condition(e.parts.front(), no, yes);
  case form::number: {
    const label to = e.number != 0 ? yes : no;
    emit({.op = opcode::jump, .on_true = to, .on_false = to}, e.where);
    return;
  }
  case form::call: return call(e.call, yes, no);
  case form::block:
    if (e.block.empty()) {
      emit({.op = opcode::jump, .on_true = yes, .on_false = yes}, e.where);
      return;
    }
    statements(e.block);
    emit({.op = opcode::last, .on_true = yes, .on_false = no}, e.where);
    return;
  case form::comparison: return comparison(e.comparison, e.where, yes, no);
  case form::invalid: return; // already complained about
  }
}

/// What execution::fill_in would make of the arguments, when that is always the same.
std::optional<std::vector<std::string_view>>
compiler::constant_texts(std::span<const argument> arguments) {
  std::vector<std::string_view> texts;
  const auto add = [&](const argument& a) {
    texts.emplace_back(a.text);
    return a.pieces.empty();
  };
  for (const argument& a : arguments) {
    const bool is_constant =
        a.kind == argument_kind::array ? std::all_of(a.items.begin(), a.items.end(), add) : add(a);
    if (!is_constant) return std::nullopt;
  }
  return texts;
}

void compiler::call(const call_syntax& c, label yes, label no) {
  if (language_call(c, yes, no)) return;
  const function_info* f =
      names_.find_function(c.name.text, c.arguments.size(), c.name.where, found_);
  if (f == nullptr) return; // already complained about
  call_notes_.push_back({current_, f, c.name.where});
  call_site site;
  site.function = f;
  const std::size_t errors = found_.error_count();
  site.arguments = convert_arguments(c, *f, around_, found_);
  if (f->prepare && found_.error_count() == errors) {
    check at(site.arguments, c.where, found_);
    site.prepared = f->prepare(at);
  }
  site.texts = constant_texts(site.arguments);
  code_.calls.push_back(std::move(site));
  emit({.op = opcode::call,
        .index = static_cast<std::uint32_t>(code_.calls.size() - 1),
        .on_true = yes,
        .on_false = no},
       c.where);
}

/// route(n), break, drop, exit, return [n].
bool compiler::language_call(const call_syntax& c, label yes, label no) {
  const std::string& name = c.name.text;
  if (name == "route") {
    static const function_info route{
        .name = "route",
        .arguments = {{"block", argument_kind::route}},
        .blocks = anywhere,
        .help = {},
        .run = {},
    };
    if (c.arguments.size() != 1) {
      found_.error(c.where, "route takes the number or name of one block", "usage: route(1)");
      return true;
    }
    const std::vector<argument> made = convert_arguments(c, route, around_, found_);
    if (made[0].kind != argument_kind::route || made[0].number == no_block) return true;
    const auto to = static_cast<block_id>(made[0].number);
    route_notes_.push_back({current_, to});
    emit({.op = opcode::route, .index = to, .on_true = yes, .on_false = no}, c.where);
    return true;
  }
  if (name == "break" || name == "drop" || name == "exit") {
    if (!c.arguments.empty()) found_.error(c.where, fmt::format("{} takes no argument", name));
    emit({.op = name == "exit" ? opcode::quit : opcode::leave}, c.where);
    return true;
  }
  if (name == "return") {
    std::int64_t value = 1;
    if (c.arguments.size() > 1 ||
        (c.arguments.size() == 1 && c.arguments[0].what != argument_syntax::form::number)) {
      found_.error(c.where, "return takes one number or nothing");
    } else if (c.arguments.size() == 1) {
      value = c.arguments[0].number;
      if (value > 0x7fffffff || value < -0x7fffffff) {
        found_.error(c.where, "the value of return is too large; the limit is 2147483647");
        value = 1;
      }
    }
    emit(
        {.op = opcode::give, .index = static_cast<std::uint32_t>(static_cast<std::int32_t>(value))},
        c.where);
    return true;
  }
  return false;
}

/// A function in a block where it may not be called is an error. A route block runs in the name of
/// every block that calls it, and is judged by them: all of them refuse, an error; some, a warning.
void compiler::check_blocks() {
  std::vector<block_mask> runs_in(code_.blocks.size(), 0);
  const auto spread = [&] {
    for (bool changed = true; changed;) {
      changed = false;
      for (const route_note& r : route_notes_) {
        const auto mask = static_cast<block_mask>(runs_in[r.to] | runs_in[r.from]);
        changed = changed || mask != runs_in[r.to];
        runs_in[r.to] = mask;
      }
    }
  };
  for (block_id b = 0; b < code_.blocks.size(); ++b)
    if (code_.blocks[b].kind != block_kind::request || b == code_.main)
      runs_in[b] = static_cast<block_mask>(code_.blocks[b].kind);
  spread();
  for (block_id b = 0; b < code_.blocks.size(); ++b) {
    if (runs_in[b] != 0) continue;
    found_.warning(code_.blocks[b].where,
                   fmt::format("route[{}] is never called", code_.blocks[b].name));
    runs_in[b] = in_request;
  }
  spread();

  for (const call_note& c : call_notes_) {
    const auto refused = static_cast<block_mask>(runs_in[c.in] & ~c.function->blocks);
    if (refused == 0) continue;
    const block_info& block = code_.blocks[c.in];
    std::string where;
    std::string allowed;
    for (const block_kind kind : {block_kind::request, block_kind::failure, block_kind::onreply}) {
      const auto bit = static_cast<block_mask>(kind);
      if ((refused & bit) != 0)
        where += fmt::format("{}{}", where.empty() ? "" : " and ", to_string(kind));
      if ((c.function->blocks & bit) != 0)
        allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", to_string(kind));
    }
    std::string text = fmt::format("{} cannot be called in {}", c.function->name, where);
    if (block.kind == block_kind::request && refused != in_request)
      text += fmt::format(", where route({}) is called", block.name);
    std::string hint = fmt::format("it may be called in {}", allowed);
    if (refused == runs_in[c.in])
      found_.error(c.where, std::move(text), std::move(hint));
    else
      found_.warning(c.where, std::move(text), std::move(hint));
  }
}

} // namespace tandem::script
