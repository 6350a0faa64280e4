// SPDX-License-Identifier: Apache-2.0
// The interpreter: a loop over instructions and an array of return places. Nothing of a run lives
// on the C++ stack, which is why it can stop and go on anywhere.
#include <tandem/script/execution.hpp>

#include <cassert>
#include <utility>

#include <tandem/base/log.hpp>
#include <tandem/base/text.hpp>
#include <tandem/script/code.hpp>

namespace tandem::script {

execution::state execution::start(const program& what, block_id block, context& message,
                                  observer* watch) {
  assert(state_ != state::running && state_ != state::suspended);
  program_ = &what;
  context_ = &message;
  observer_ = watch;
  depth_ = 0;
  route_calls_ = 0;
  complained_ = false;
  last_ = 1;
  const code& c = program_->instructions();
  assert(block < c.blocks.size());
  kind_ = c.blocks[block].kind;
  pc_ = c.entries[block];
  if (observer_ != nullptr) observer_->entered(c.blocks[block]);
  return go_on();
}

execution::state execution::resume(int value) {
  if (state_ != state::suspended) return state_;
  if (observer_ != nullptr) observer_->resumed(*waiting_for(), where(), value);
  settle(value);
  return state_ == state::finished ? state_ : go_on();
}

void execution::abandon() noexcept {
  if (state_ != state::suspended) return;
  last_ = -1;
  finish();
}

const function_info* execution::waiting_for() const noexcept {
  if (state_ != state::suspended) return nullptr;
  const code& c = program_->instructions();
  return c.calls[c.instructions[pc_].index].function;
}

span execution::where() const noexcept {
  return program_ ? program_->instructions().places[pc_] : span{};
}

void execution::finish() noexcept {
  state_ = state::finished;
  program_ = nullptr;
  context_ = nullptr;
  observer_ = nullptr;
}

/// The function or block at pc_ has its value: go on after it, or leave the block for 0.
void execution::settle(int value) {
  last_ = value;
  if (value == 0) return leave(0);
  const instruction& i = program_->instructions().instructions[pc_];
  pc_ = value > 0 ? i.on_true : i.on_false;
}

/// Ends the innermost block. Its route() call counts as `value`, 1 in place of 0: the caller goes
/// on.
void execution::leave(int value) {
  last_ = value;
  if (depth_ == 0) return finish();
  pc_ = frames_[--depth_];
  settle(value == 0 ? 1 : value);
}

/// False when routes are nested too deeply or the run has called too many.
bool execution::enter(std::uint32_t block) {
  const code& c = program_->instructions();
  if (depth_ == max_depth) {
    if (!std::exchange(complained_, true)) // once a run: it can happen thousands of times
      log_error("{}: routes call each other deeper than {} levels", program_->text().place(where()),
                max_depth);
    return false;
  }
  frames_[depth_++] = pc_;
  last_ = 1;
  pc_ = c.entries[block];
  if (observer_ != nullptr) observer_->entered(c.blocks[block]);
  return true;
}

execution::state execution::go_on() {
  state_ = state::running;
  try {
    return run();
  } catch (...) {
    last_ = -1;
    finish();
    throw;
  }
}

execution::state execution::run() {
  while (state_ == state::running) {
    const code& c = program_->instructions();
    const instruction& i = c.instructions[pc_];
    switch (i.op) {
    case opcode::call: {
      const outcome o = call_function(i.index);
      if (o.is_suspended()) {
        state_ = state::suspended;
        return state_;
      }
      settle(o.value());
      break;
    }
    case opcode::route:
      if (++route_calls_ > max_route_calls) {
        log_error("{}: the run has called {} routes and is ended", program_->text().place(where()),
                  max_route_calls);
        last_ = -1;
        finish();
      } else if (!enter(i.index)) {
        settle(-1);
      }
      break;
    case opcode::last: settle(last_); break;
    case opcode::text_is:
    case opcode::text_equals:
    case opcode::text_matches:
    case opcode::ip_in:
    case opcode::ip_is_host:
    case opcode::ip_matches:
    case opcode::number_is:
    case opcode::myself: {
      const bool is_true = evaluate(i);
      if (observer_ != nullptr) observer_->compared(where(), is_true);
      pc_ = is_true ? i.on_true : i.on_false;
      break;
    }
    case opcode::jump: pc_ = i.on_true; break;
    case opcode::set:
      last_ = 1;
      pc_ = i.on_true;
      break;
    case opcode::end: leave(last_ < 0 ? last_ : 1); break;
    case opcode::leave: leave(0); break;
    case opcode::give: leave(static_cast<std::int32_t>(i.index)); break;
    case opcode::quit:
      last_ = 0;
      finish();
      break;
    }
  }
  return state_;
}

outcome execution::call_function(std::uint32_t site) {
  const call_site& s = program_->instructions().calls[site];
  const function_info& f = *s.function;
  if ((f.blocks & static_cast<block_mask>(kind_)) == 0) {
    log_error("{}: {} cannot be called in {}", program_->text().place(where()), f.name,
              to_string(kind_));
    return outcome::no();
  }
  if (!s.texts) fill_in(s.arguments);
  call c(*context_, *this, f, kind_, s.arguments, s.texts ? *s.texts : texts_, s.prepared.get(),
         program_->instructions().places[pc_]);
  outcome o = f.run(c);
  if (o.is_suspended() && !f.may_suspend) {
    log_error("{}: {} waits without having said that it may", program_->text().place(where()),
              f.name);
    o = outcome::no();
  }
  if (observer_ != nullptr) observer_->called(f, where(), o);
  return o;
}

/// Evaluates the texts of a call into scratch_; the views are made once it has stopped growing.
void execution::fill_in(std::span<const argument> arguments) {
  scratch_.clear();
  ends_.clear();
  for (const argument& a : arguments) {
    if (a.kind == argument_kind::array)
      for (const argument& item : a.items) append_text(item);
    else
      append_text(a);
  }
  texts_.clear();
  std::size_t begin = 0;
  std::size_t text = 0;
  const auto add = [&](const argument& a) {
    const std::size_t end = ends_[text++];
    texts_.push_back(a.pieces.empty() ? std::string_view(a.text)
                                      : std::string_view(scratch_).substr(begin, end - begin));
    begin = end;
  };
  for (const argument& a : arguments) {
    if (a.kind == argument_kind::array)
      for (const argument& item : a.items) add(item);
    else
      add(a);
  }
}

void execution::append_text(const argument& from) {
  for (const text_piece& piece : from.pieces) {
    scratch_ += piece.literal;
    append_variable(piece.variable);
  }
  ends_.push_back(scratch_.size());
}

/// A variable without value appends nothing, whatever its callback left behind.
void execution::append_variable(const variable_use& use) {
  if (use.info == nullptr) return;
  const std::size_t before = scratch_.size();
  variable_read read(*context_, use, scratch_, last_);
  if (!use.info->read(read)) scratch_.resize(before);
}

std::string_view execution::text_of(const instruction& i) {
  switch (i.left) {
  case operand::method: return context_->method();
  case operand::uri: return context_->uri();
  case operand::status: return context_->status();
  default:
    scratch_.clear();
    append_variable(program_->instructions().variables[i.variable]);
    return scratch_;
  }
}

bool execution::evaluate(const instruction& i) {
  const code& c = program_->instructions();
  const auto ip = [&] {
    return i.left == operand::source_ip ? context_->source_ip() : context_->destination_ip();
  };
  switch (i.op) {
  case opcode::text_is: return iequals(text_of(i), c.texts[i.index]);
  case opcode::text_equals: return text_of(i) == c.texts[i.index];
  case opcode::text_matches: return c.patterns[i.index].matches(text_of(i));
  case opcode::ip_in: return c.prefixes[i.index].contains(ip());
  case opcode::ip_is_host: return context_->is_host(c.hosts[i.index], ip());
  case opcode::ip_matches: {
    char text[64];
    const char* const end = ip().write(text);
    return c.patterns[i.index].matches({text, static_cast<std::size_t>(end - text)});
  }
  case opcode::number_is:
    switch (i.left) {
    case operand::source_port: return context_->source_port() == i.index;
    case operand::destination_port: return context_->destination_port() == i.index;
    case operand::protocol: return static_cast<std::uint32_t>(context_->transport()) == i.index;
    default: return (context_->source_ip().is_v6() ? 10U : 2U) == i.index;
    }
  case opcode::myself:
    return context_->is_myself(i.left == operand::uri         ? subject::uri
                               : i.left == operand::source_ip ? subject::source
                                                              : subject::destination);
  default: return false;
  }
}

} // namespace tandem::script
