// SPDX-License-Identifier: Apache-2.0
// Where a database is, as an operator writes it:
//
//   sqlite:/var/lib/tandem/tandem.db            a file; relative ones begin where the caller says
//   postgresql://user:password@host:5432/name   also postgres://
//   mysql://user:password@host:3306/name        MySQL and MariaDB; also sql://, as SER wrote it
//
// `?socket=/path` names a unix socket in the place of the host. Values, any thread.
#pragma once

#include <tandem/base/result.hpp>
#include <tandem/base/secret.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem::storage {

enum class sql_dialect : std::uint8_t { sqlite, postgresql, mysql };

struct sql_url {
  sql_dialect dialect = sql_dialect::sqlite;
  std::string path; ///< of the file (sqlite)
  std::string host; ///< empty: this machine
  std::string port; ///< digits, or empty
  std::string user;
  tandem::secret password;
  std::string name;   ///< of the database on its server
  std::string socket; ///< a unix socket in the place of host and port

  /// \param folder where a relative path of a file begins; empty: where the process stands
  /// \return what is wrong, for people; it does not repeat the password
  [[nodiscard]] static result<sql_url, std::string> parse(std::string_view text,
                                                          std::string_view folder = {});

  /// For logs, metrics and commands: everything but the password.
  [[nodiscard]] std::string shown() const;
};

} // namespace tandem::storage
