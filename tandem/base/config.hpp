// SPDX-License-Identifier: Apache-2.0
// Configuration files in TOML, read by type. Nothing throws: each fault is noted with its place,
// and the reader goes on, so that all of them are told at once. Only at start-up and reload; one
// thread. Tables point into their document and must not outlive it.
//
//   config_document file = config_document::read("/etc/tandem/sip2.toml");
//   config_table listener = file.root().table("listener");
//   listener.read("port", options.port, 1, 65535);
//   if (!file.finish()) log_error("{}", file.explain());
#pragma once

#include <tandem/base/clock.hpp>
#include <tandem/base/secret.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tandem {

/// A fault of a configuration file: what is wrong, where, and what would be right.
struct config_error {
  std::uint32_t line = 0; ///< from 1; 0: the file as a whole
  std::uint32_t column = 0;
  std::string text;
};

/// A number of bytes as people write it: "64 KiB", "10 MB" (powers of 1,000), "512". Nothing when
/// it is none or does not fit.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// A length of time as people write it: "500 ms", "30s", "5 min", "1.5 h", "7 d". Nothing when it
/// is none, is negative, or has no unit (but 0 needs none).
[[nodiscard]] std::optional<duration> parse_duration(std::string_view text);

/// One table of a document. A key that is absent leaves its target as it is; a key that is never
/// asked for is a fault, told by finish().
class config_table {
 public:
  /// Is the key there? It counts as asked for.
  [[nodiscard]] bool has(std::string_view key) const;

  void read(std::string_view key, bool& target) const;
  void read(std::string_view key, std::string& target) const;
  void read(std::string_view key, double& target) const;
  void read(std::string_view key, std::vector<std::string>& target) const; ///< or a single string

  /// The path of a file. One that is not absolute is taken from the folder of the document, so that
  /// it means the same file at a reload, wherever the process is by then.
  void read_path(std::string_view key, std::string& target) const;

  /// A secret is a string, or where to find it: { file = "path" } (its first line, the path as with
  /// read_path) or { env = "NAME" }.
  void read(std::string_view key, secret& target) const;

  /// Any integer, held to its range. \param lowest, highest both allowed.
  template <std::integral T>
  requires(!std::same_as<T, bool>) void read(
      std::string_view key, T& target,
      std::type_identity_t<T> lowest = std::numeric_limits<T>::min(),
      std::type_identity_t<T> highest = std::numeric_limits<T>::max()) const {
    // TOML's integers are those of 64 bits with a sign.
    constexpr auto top = std::numeric_limits<std::int64_t>::max();
    const auto value = read_integer(
        key, std::in_range<std::int64_t>(lowest) ? static_cast<std::int64_t>(lowest) : top,
        std::in_range<std::int64_t>(highest) ? static_cast<std::int64_t>(highest) : top);
    if (value) target = static_cast<T>(*value);
  }

  /// A length of time with its unit; parse_duration().
  void read_duration(std::string_view key, duration& target) const;

  /// Bytes, as a number or with a unit; parse_size().
  void read_size(std::string_view key, std::size_t& target) const;

  /// One of some names; the index of the one that is there.
  void read_choice(std::string_view key, std::span<const std::string_view> names,
                   std::size_t& target) const;

  /// An enumeration whose values 0, 1, ... are called `names`.
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void read_choice(std::string_view key, std::span<const std::string_view> names,
                   Enum& target) const {
    auto index = static_cast<std::size_t>(target);
    read_choice(key, names, index);
    target = static_cast<Enum>(index);
  }

  /// The table under a key; an empty one when there is none.
  [[nodiscard]] config_table table(std::string_view key) const;

  /// The tables of an array of tables ([[key]]), in their order.
  [[nodiscard]] std::vector<config_table> tables(std::string_view key) const;

  /// The tables that stand in the table under `key`, with their names: [key.name].
  [[nodiscard]] std::vector<std::pair<std::string, config_table>>
  named_tables(std::string_view key) const;

  /// All entries of this table that are strings, with their keys: a map.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> text_entries() const;

  /// Notes a fault when the key is absent.
  void require(std::string_view key) const;

  /// Notes a fault of the caller's own finding, at the key's value (or at the table, without one).
  void complain(std::string_view key, std::string text) const;

  /// "file:line:column" of a key's value, for log lines.
  [[nodiscard]] std::string where(std::string_view key) const;

 private:
  friend class config_document;
  struct document_data;
  config_table(document_data* document, const void* node) : document_{document}, node_{node} {}

  [[nodiscard]] std::optional<std::int64_t> read_integer(std::string_view key, std::int64_t lowest,
                                                         std::int64_t highest) const;

  document_data* document_;
  const void* node_; ///< toml::table, null: an empty one
};

class config_document {
 public:
  /// Reads a file. One that cannot be read or is no TOML gives a document with that fault.
  [[nodiscard]] static config_document read(const std::string& path);

  /// The same from text; `name` stands in the messages.
  [[nodiscard]] static config_document parse(std::string_view text, std::string name);

  config_document(config_document&&) noexcept;
  config_document& operator=(config_document&&) noexcept;
  ~config_document();

  [[nodiscard]] config_table root() const;

  /// To be called when everything has been read: notes the keys nobody asked for.
  /// \return whether the document is without fault.
  bool finish();

  /// The faults so far, in the order of the file.
  [[nodiscard]] const std::vector<config_error>& errors() const;

  /// All faults, a line each: "file:line:column: text".
  [[nodiscard]] std::string explain() const;

 private:
  config_document();
  std::unique_ptr<config_table::document_data> data_;
};

} // namespace tandem
