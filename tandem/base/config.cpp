// SPDX-License-Identifier: Apache-2.0
#include <tandem/base/config.hpp>

#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <map>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <toml++/toml.h>
#pragma GCC diagnostic pop

namespace tandem {

namespace {

struct unit {
  std::string_view name;
  double factor;
};

constexpr std::array size_units{unit{"", 1},       unit{"B", 1},           unit{"KB", 1e3},
                                unit{"KiB", 1024}, unit{"MB", 1e6},        unit{"MiB", 1048576},
                                unit{"GB", 1e9},   unit{"GiB", 1073741824}};
constexpr std::array time_units{unit{"us", 1e3},   unit{"ms", 1e6},   unit{"s", 1e9},
                                unit{"sec", 1e9},  unit{"min", 6e10}, unit{"m", 6e10},
                                unit{"h", 3.6e12}, unit{"d", 8.64e13}};

/// A number, blanks, and one of the units; the product.
std::optional<double> parse_with_unit(std::string_view text, std::span<const unit> units) {
  text = trim(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !std::isfinite(number) || number < 0) return std::nullopt;
  const std::string_view name = trim(text.substr(static_cast<std::size_t>(end - text.data())));
  for (const unit& u : units)
    if (iequals(u.name, name)) return number * u.factor;
  if (name.empty() && number == 0) return 0;
  return std::nullopt;
}

std::string_view kind_name(const toml::node& node) {
  switch (node.type()) {
  case toml::node_type::table: return "a table";
  case toml::node_type::array: return "an array";
  case toml::node_type::string: return "a string";
  case toml::node_type::integer: return "an integer";
  case toml::node_type::floating_point: return "a number with a fraction";
  case toml::node_type::boolean: return "true or false";
  default: return "a date or time";
  }
}

} // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto value = parse_with_unit(text, size_units);
  if (!value || *value > 9e15) return std::nullopt; // beyond it a double is not exact
  return static_cast<std::uint64_t>(*value);
}

std::optional<duration> parse_duration(std::string_view text) {
  const auto value = parse_with_unit(text, time_units);
  if (!value || *value > 9e18) return std::nullopt;
  return duration{static_cast<duration::rep>(*value)};
}

struct config_table::document_data {
  std::string name;
  std::filesystem::path folder; ///< of the file; empty: the text is of no file
  toml::table root;
  std::vector<config_error> errors;
  std::map<const toml::table*, std::vector<std::string>> asked;

  void complain(const toml::source_region& at, std::string text) {
    const config_error error{
        .line = at.begin.line, .column = at.begin.column, .text = std::move(text)};
    const auto place = std::upper_bound(
        errors.begin(), errors.end(), error, [](const config_error& a, const config_error& b) {
          return std::pair{a.line, a.column} < std::pair{b.line, b.column};
        });
    errors.insert(place, error);
  }

  /// The node of a key, null when it is absent; either way the key is known from now on.
  const toml::node* find(const void* table_node, std::string_view key) {
    const auto* table = static_cast<const toml::table*>(table_node);
    if (!table) return nullptr;
    auto& names = asked[table];
    if (std::find(names.begin(), names.end(), key) == names.end()) names.emplace_back(key);
    return table->get(key);
  }

  void wrong_kind(std::string_view key, const toml::node& node, std::string_view expected) {
    complain(node.source(),
             fmt::format("'{}' must be {}, but is {}", key, expected, kind_name(node)));
  }

  void note_unknown(const toml::table& table) {
    const auto known = asked.find(&table);
    static const std::vector<std::string> none;
    const auto& names = known == asked.end() ? none : known->second;
    for (const auto& [key, node] : table) {
      if (std::find(names.begin(), names.end(), key.str()) != names.end()) {
        note_unknown_in(node);
        continue;
      }
      std::string text = fmt::format("unknown key '{}'", key.str());
      if (const auto near = nearest_name(key.str(), names); !near.empty())
        text += fmt::format("; did you mean '{}'?", near);
      complain(key.source(), std::move(text));
    }
  }

  /// Looks only into tables that were read as tables: text_entries() knows its keys by itself.
  void note_unknown_in(const toml::node& node) {
    if (const auto* table = node.as_table(); table && asked.contains(table)) note_unknown(*table);
    if (const auto* array = node.as_array())
      for (const toml::node& element : *array) note_unknown_in(element);
  }
};

bool config_table::has(std::string_view key) const {
  return document_->find(node_, key) != nullptr;
}

void config_table::read(std::string_view key, bool& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  if (const auto value = node->value_exact<bool>())
    target = *value;
  else
    document_->wrong_kind(key, *node, "true or false");
}

void config_table::read(std::string_view key, std::string& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  if (auto value = node->value_exact<std::string>())
    target = std::move(*value);
  else
    document_->wrong_kind(key, *node, "a string");
}

void config_table::read_path(std::string_view key, std::string& target) const {
  std::string path;
  read(key, path);
  if (!path.empty()) target = (document_->folder / path).string();
}

void config_table::read(std::string_view key, double& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  if (node->is_number())
    target = *node->value<double>();
  else
    document_->wrong_kind(key, *node, "a number");
}

void config_table::read(std::string_view key, std::vector<std::string>& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  if (auto single = node->value_exact<std::string>()) {
    target = {std::move(*single)};
    return;
  }
  const toml::array* array = node->as_array();
  if (!array) return document_->wrong_kind(key, *node, "an array of strings");
  std::vector<std::string> all;
  for (const toml::node& element : *array) {
    if (auto value = element.value_exact<std::string>())
      all.push_back(std::move(*value));
    else
      document_->wrong_kind(key, element, "an array of strings");
  }
  target = std::move(all);
}

void config_table::read(std::string_view key, secret& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  if (auto value = node->value_exact<std::string>()) {
    target = secret{*value};
    return;
  }
  if (!node->is_table())
    return document_->wrong_kind(key, *node, "a string, { file = \"path\" } or { env = \"NAME\" }");
  const config_table source = table(key);
  std::string path;
  std::string variable;
  source.read_path("file", path);
  source.read("env", variable);
  if (path.empty() == variable.empty())
    return complain(key, fmt::format("'{}' needs either file or env", key));
  if (!variable.empty()) {
    const char* value = std::getenv(variable.c_str());
    if (!value) return complain(key, fmt::format("environment variable {} is not set", variable));
    target = secret{value};
    return;
  }
  errno = 0; // a stream says no more than that something failed
  std::ifstream stream{path};
  std::string line;
  if (!stream || !std::getline(stream, line))
    return complain(key, fmt::format("cannot read a secret from {}: {}", path,
                                     errno != 0 ? std::strerror(errno) : "it is empty"));
  target = secret{trim(line)};
}

std::optional<std::int64_t> config_table::read_integer(std::string_view key, std::int64_t lowest,
                                                       std::int64_t highest) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return std::nullopt;
  const auto value = node->value_exact<std::int64_t>();
  if (!value) {
    document_->wrong_kind(key, *node, "an integer");
  } else if (*value < lowest || *value > highest) {
    document_->complain(node->source(), fmt::format("'{}' must be from {} to {}, but is {}", key,
                                                    lowest, highest, *value));
  } else {
    return value;
  }
  return std::nullopt;
}

void config_table::read_duration(std::string_view key, duration& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  const auto text = node->value_exact<std::string>();
  const auto value = text ? parse_duration(*text) : std::nullopt;
  if (value)
    target = *value;
  else if (node->value_exact<std::int64_t>() == 0)
    target = duration{0};
  else
    document_->complain(
        node->source(),
        fmt::format("'{}' must be a time with a unit, such as \"500 ms\", \"30 s\", \"5 min\" or "
                    "\"1 h\"",
                    key));
}

void config_table::read_size(std::string_view key, std::size_t& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  if (const auto number = node->value_exact<std::int64_t>(); number && *number >= 0) {
    target = static_cast<std::size_t>(*number);
    return;
  }
  const auto text = node->value_exact<std::string>();
  const auto value = text ? parse_size(*text) : std::nullopt;
  if (value)
    target = *value;
  else
    document_->complain(node->source(),
                        fmt::format("'{}' must be a number of bytes, such as 4096, \"64 KiB\" or "
                                    "\"10 MB\"",
                                    key));
}

void config_table::read_choice(std::string_view key, std::span<const std::string_view> names,
                               std::size_t& target) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return;
  const auto text = node->value_exact<std::string>();
  if (!text) return document_->wrong_kind(key, *node, "a string");
  for (std::size_t i = 0; i < names.size(); ++i)
    if (iequals(names[i], *text)) {
      target = i;
      return;
    }
  std::string complaint = fmt::format("'{}' must be one of ", key);
  for (std::size_t i = 0; i < names.size(); ++i)
    complaint += fmt::format("{}\"{}\"", i == 0 ? "" : ", ", names[i]);
  complaint += fmt::format(", but is \"{}\"", *text);
  if (const auto near = nearest_name(*text, names); !near.empty())
    complaint += fmt::format("; did you mean \"{}\"?", near);
  document_->complain(node->source(), std::move(complaint));
}

config_table config_table::table(std::string_view key) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return {document_, nullptr};
  const toml::table* found = node->as_table();
  if (found)
    document_->asked.try_emplace(found);
  else
    document_->wrong_kind(key, *node, "a table");
  return {document_, found};
}

std::vector<config_table> config_table::tables(std::string_view key) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) return {};
  std::vector<config_table> all;
  if (const toml::array* array = node->as_array()) {
    for (const toml::node& element : *array) {
      if (const toml::table* found = element.as_table()) {
        document_->asked.try_emplace(found);
        all.push_back({document_, found});
      } else {
        document_->wrong_kind(key, element, fmt::format("tables, each begun by [[{}]]", key));
      }
    }
  } else {
    document_->wrong_kind(key, *node, fmt::format("tables, each begun by [[{}]]", key));
  }
  return all;
}

std::vector<std::pair<std::string, config_table>>
config_table::named_tables(std::string_view key) const {
  const config_table outer = table(key);
  std::vector<std::pair<std::string, config_table>> all;
  if (!outer.node_) return all;
  for (const auto& [name, node] : *static_cast<const toml::table*>(outer.node_)) {
    if (node.is_table())
      all.emplace_back(std::string{name.str()}, outer.table(name.str()));
    else {
      static_cast<void>(outer.has(name.str()));
      document_->wrong_kind(name.str(), node, "a table");
    }
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> config_table::text_entries() const {
  std::vector<std::pair<std::string, std::string>> all;
  if (!node_) return all;
  for (const auto& [name, node] : *static_cast<const toml::table*>(node_)) {
    std::string text;
    read(name.str(), text);
    if (node.is_string()) all.emplace_back(std::string{name.str()}, std::move(text));
  }
  return all;
}

void config_table::require(std::string_view key) const {
  if (!has(key)) complain(key, fmt::format("'{}' is missing", key));
}

void config_table::complain(std::string_view key, std::string text) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) node = static_cast<const toml::table*>(node_);
  document_->complain(node ? node->source() : toml::source_region{}, std::move(text));
}

std::string config_table::where(std::string_view key) const {
  const toml::node* node = document_->find(node_, key);
  if (!node) node = static_cast<const toml::table*>(node_);
  if (!node) return document_->name;
  return fmt::format("{}:{}:{}", document_->name, node->source().begin.line,
                     node->source().begin.column);
}

config_document::config_document() : data_{std::make_unique<config_table::document_data>()} {}
config_document::config_document(config_document&&) noexcept = default;
config_document& config_document::operator=(config_document&&) noexcept = default;
config_document::~config_document() = default;

config_document config_document::read(const std::string& path) {
  std::ifstream stream{path, std::ios::binary};
  std::string text;
  std::array<char, 4'096> piece;
  while (stream.read(piece.data(), piece.size()) || stream.gcount() > 0)
    text.append(piece.data(), static_cast<std::size_t>(stream.gcount()));
  if (!stream.eof()) { // a part of it would be another configuration
    config_document document;
    document.data_->name = path;
    document.data_->complain({}, fmt::format("cannot be read: {}", std::strerror(errno)));
    return document;
  }
  config_document document = parse(text, path);
  document.data_->folder = std::filesystem::absolute(path).parent_path();
  return document;
}

config_document config_document::parse(std::string_view text, std::string name) {
  config_document document;
  document.data_->name = std::move(name);
  try {
    document.data_->root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    document.data_->complain(error.source(), std::string{error.description()});
  }
  document.data_->asked.try_emplace(&document.data_->root);
  return document;
}

config_table config_document::root() const { return {data_.get(), &data_->root}; }

bool config_document::finish() {
  data_->note_unknown(data_->root);
  return data_->errors.empty();
}

const std::vector<config_error>& config_document::errors() const { return data_->errors; }

std::string config_document::explain() const {
  std::string all;
  for (const config_error& error : data_->errors) {
    if (!all.empty()) all += '\n';
    all += error.line == 0
               ? fmt::format("{}: {}", data_->name, error.text)
               : fmt::format("{}:{}:{}: {}", data_->name, error.line, error.column, error.text);
  }
  return all;
}

} // namespace tandem
