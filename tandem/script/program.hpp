// SPDX-License-Identifier: Apache-2.0
// A script, checked and compiled. Immutable: a reload compiles another and swaps the pointer, and
// executions in flight keep the one that they began with. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tandem/script/argument.hpp>
#include <tandem/script/diagnostics.hpp>
#include <tandem/script/registry.hpp>
#include <tandem/script/settings.hpp>
#include <tandem/script/source.hpp>

namespace tandem::script {

struct code; // the instructions, in code.hpp

/// A block of a program, for execution::start.
using block_id = std::uint32_t;

struct block_info {
  block_kind kind;
  std::string name; ///< "0", "1", "RELAY"
  span where;       ///< of its first definition
};

class program {
 public:
  program(std::shared_ptr<const source> from, std::shared_ptr<const registry> names,
          std::unique_ptr<const code> instructions);
  ~program();

  [[nodiscard]] const source& text() const noexcept { return *source_; }
  /// What it sets, of the core and of modules.
  [[nodiscard]] const settings& parameters() const noexcept;
  /// What every script can name.
  [[nodiscard]] const module_info& core() const noexcept { return registry_->core(); }
  /// The loaded modules, in the order of the script, each once.
  [[nodiscard]] std::span<const module_info* const> modules() const noexcept;
  [[nodiscard]] bool has_module(std::string_view name) const noexcept;

  /// The block route[0], which each request runs. There is one: a script without it has errors.
  [[nodiscard]] block_id main_block() const noexcept;
  [[nodiscard]] std::optional<block_id> find_block(block_kind kind,
                                                   std::string_view name) const noexcept;
  [[nodiscard]] std::span<const block_info> blocks() const noexcept;

  /// Names that conditions compare addresses with (`src_ip == backup.example.com`), each once, to
  /// be resolved before the program runs: context::is_host is asked about them.
  [[nodiscard]] std::span<const std::string> host_names() const noexcept;

  /// The constant texts that calls of a function give as that argument, each once.
  [[nodiscard]] std::vector<std::string>
  texts_given(std::string_view module, std::string_view function, std::size_t argument) const;

  /// For the interpreter.
  [[nodiscard]] const code& instructions() const noexcept { return *code_; }

  /// The instructions as text, one a line, for people and tests.
  [[nodiscard]] std::string listing() const;

 private:
  std::shared_ptr<const source> source_;
  std::shared_ptr<const registry> registry_;
  std::unique_ptr<const code> code_;
};

struct compilation {
  std::shared_ptr<const program> made; ///< null when there are errors
  diagnostics found;                   ///< errors and warnings, in the order of the source
};

/// Checks a script and compiles it. Never throws for what a script says.
/// @param text  the script; kept by the program
/// @param names what it may call; kept by the program
[[nodiscard]] compilation compile(std::shared_ptr<const source> text,
                                  std::shared_ptr<const registry> names);

} // namespace tandem::script
