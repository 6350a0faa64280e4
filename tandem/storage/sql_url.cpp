// SPDX-License-Identifier: Apache-2.0
#include <tandem/storage/sql_url.hpp>

#include <tandem/base/hex.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>

namespace tandem::storage {

namespace {

/// What cannot stand in the connection strings that the libraries of databases read.
constexpr std::string_view unwritable{"'\"\\\r\n\0", 6};

/// RFC 3986 2.1, and nothing that a connection string cannot hold.
std::optional<std::string> decode(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (unwritable.find(c) != std::string_view::npos) return std::nullopt;
    made += c;
  }
  return made;
}

std::optional<sql_dialect> dialect_of(std::string_view scheme) {
  if (iequals(scheme, "sqlite") || iequals(scheme, "sqlite3")) return sql_dialect::sqlite;
  if (iequals(scheme, "postgresql") || iequals(scheme, "postgres")) return sql_dialect::postgresql;
  if (iequals(scheme, "mysql") || iequals(scheme, "sql") || iequals(scheme, "mariadb"))
    return sql_dialect::mysql;
  return std::nullopt;
}

result<sql_url, std::string> parse_file(std::string_view rest, std::string_view folder) {
  if (rest.starts_with("//")) rest.remove_prefix(2); // sqlite:///var/lib/x is written, too
  const auto path = decode(rest);
  if (!path || path->empty()) return fail(std::string{"sqlite: must be followed by a path"});
  sql_url made;
  made.path = (std::filesystem::path{folder} / *path).string();
  return made;
}

/// Cuts what stands behind the last or first `mark` off the text.
std::string_view cut(std::string_view& text, std::size_t mark) {
  if (mark == std::string_view::npos) return {};
  const std::string_view behind = text.substr(mark + 1);
  text = text.substr(0, mark);
  return behind;
}

} // namespace

result<sql_url, std::string> sql_url::parse(std::string_view text, std::string_view folder) {
  constexpr const char* usage = "must be sqlite:PATH, postgresql://USER:PASSWORD@HOST/NAME or "
                                "mysql://USER:PASSWORD@HOST/NAME";
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return fail(std::string{usage});
  const auto dialect = dialect_of(text.substr(0, colon));
  if (!dialect) return fail(std::string{usage});
  std::string_view rest = text.substr(colon + 1);
  if (*dialect == sql_dialect::sqlite) return parse_file(rest, folder);
  if (!rest.starts_with("//")) return fail(std::string{usage});
  rest.remove_prefix(2);

  std::string_view options = cut(rest, rest.find('?'));
  const std::string_view name = cut(rest, rest.find('/'));
  // A password may hold an @ although it should be written %40.
  std::string_view host = rest, login;
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    host = rest.substr(at + 1);
    login = rest.substr(0, at);
  }
  const std::string_view password = cut(login, login.find(':'));
  std::string_view port;
  if (host.starts_with('[')) { // RFC 3986 3.2.2
    const std::size_t end = host.find(']');
    if (end == std::string_view::npos) return fail(std::string{"the host lacks its ]"});
    if (host.substr(end + 1).starts_with(':')) port = host.substr(end + 2);
    host = host.substr(1, end - 1);
  } else {
    port = cut(host, host.rfind(':'));
  }

  sql_url made;
  made.dialect = *dialect;
  const auto take = [](std::string_view from, std::string& to) {
    const auto plain = decode(from);
    if (plain) to = *plain;
    return plain.has_value();
  };
  const auto plain_password = decode(password);
  if (!plain_password || !take(host, made.host) || !take(name, made.name) ||
      !take(login, made.user))
    return fail(std::string{"a part of the URL is badly encoded, or has a quote, a backslash or a "
                            "line end, which a database cannot be told"});
  made.password = secret{*plain_password};
  if (port.size() > 5 || !std::ranges::all_of(port, is_digit))
    return fail(std::string{"the port must be a number"});
  made.port = port;
  if (made.name.empty()) return fail(std::string{"the name of the database is missing"});
  constexpr std::string_view socket = "socket=";
  if (!options.empty()) {
    if (!options.starts_with(socket) || !take(options.substr(socket.size()), made.socket))
      return fail(std::string{"the only option behind ? is socket=PATH"});
  }
  return made;
}

std::string sql_url::shown() const {
  if (dialect == sql_dialect::sqlite) return "sqlite:" + path;
  const std::string_view at = !socket.empty() ? socket : host;
  return fmt::format("{}://{}{}{}{}{}/{}", dialect == sql_dialect::mysql ? "mysql" : "postgresql",
                     user, user.empty() ? "" : "@", at, port.empty() ? "" : ":", port, name);
}

} // namespace tandem::storage
