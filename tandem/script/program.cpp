// SPDX-License-Identifier: Apache-2.0
// A compiled script, and how one is made.
#include <tandem/script/program.hpp>

#include <algorithm>

#include <tandem/script/code.hpp>
#include <tandem/script/compiler.hpp>
#include <tandem/script/configuration.hpp>
#include <tandem/script/names.hpp>
#include <tandem/script/syntax.hpp>

namespace tandem::script {

namespace {
/// Offsets are 32 bits wide, and no sane script is near it.
constexpr std::size_t max_source = 16U << 20U;
} // namespace

program::program(std::shared_ptr<const source> from, std::shared_ptr<const registry> names,
                 std::unique_ptr<const code> instructions)
    : source_(std::move(from)), registry_(std::move(names)), code_(std::move(instructions)) {}
program::~program() = default;

const settings& program::parameters() const noexcept { return code_->parameters; }
std::span<const module_info* const> program::modules() const noexcept { return code_->modules; }

bool program::has_module(std::string_view name) const noexcept {
  return std::any_of(code_->modules.begin(), code_->modules.end(),
                     [&](const module_info* m) { return m->name == name; });
}

block_id program::main_block() const noexcept { return code_->main; }

std::optional<block_id> program::find_block(block_kind kind, std::string_view name) const noexcept {
  return script::find_block(code_->blocks, kind, name);
}

std::span<const block_info> program::blocks() const noexcept { return code_->blocks; }
std::span<const std::string> program::host_names() const noexcept { return code_->hosts; }

std::vector<std::string> program::texts_given(std::string_view module, std::string_view function,
                                              std::size_t argument) const {
  std::vector<std::string> found;
  const auto of = std::ranges::find(code_->modules, module, &module_info::name);
  if (of == code_->modules.end()) return found;
  for (const call_site& site : code_->calls) {
    const auto& all = (*of)->functions;
    const bool is_meant = site.function->name == function && site.function >= all.data() &&
                          site.function < all.data() + all.size();
    if (!is_meant || !site.texts || argument >= site.texts->size()) continue;
    std::string text{(*site.texts)[argument]};
    if (std::ranges::find(found, text) == found.end()) found.push_back(std::move(text));
  }
  return found;
}

compilation compile(std::shared_ptr<const source> text, std::shared_ptr<const registry> names) {
  diagnostics found(text);
  if (text->text().size() > max_source) {
    found.error({}, "the script is longer than 16 MiB");
    return {nullptr, std::move(found)};
  }
  const script_syntax syntax = parse(*text, *names, found);
  auto made = std::make_unique<code>();
  apply_parameters(syntax, *names, made->parameters, found);
  made->parameters.set_compat(detect_compatibility(syntax, *names, made->parameters));
  script::names known(*names);
  load_modules(syntax, *names, known, found);
  apply_modparams(syntax, known, made->parameters, found);
  made->modules.assign(known.loaded().begin(), known.loaded().end());
  compiler(*text, known, *made, found).run(syntax);
  found.sort();
  if (found.has_errors()) return {nullptr, std::move(found)};
  auto whole = std::make_shared<const program>(std::move(text), std::move(names), std::move(made));
  return {std::move(whole), std::move(found)};
}

} // namespace tandem::script
