// SPDX-License-Identifier: Apache-2.0
// A contact as a row of a database, with the columns that SER gave it and four more. On threads of
// an sql_pool.
#pragma once

#include <tandem/sip/binding.hpp>
#include <tandem/storage/sql_connection.hpp>
#include <tandem/storage/sql_time.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::storage {

struct contact_row {
  contact_row() = default;
  contact_row(const sip::binding& of, const clock_pair& clocks);

  /// The texts live as long as the row. Nothing when it is no contact: of a URI that is none, say.
  /// The connection that it came by is gone.
  [[nodiscard]] std::optional<sip::binding> to_binding(const clock_pair& clocks) const;

  void insert(sql_connection& in, const std::string& table, std::string_view username,
              std::string_view domain) const;

  std::string contact, expires, q, call_id, cseq, modified, flags, parameters, path, user_agent,
      received;
};

/// \param domain nothing: of whatever domain
void erase_contact_rows(sql_connection& in, const std::string& table, std::string_view username,
                        std::optional<std::string_view> domain);

/// Rows of a table, some thousand at a time, those of one user together.
class contact_page {
 public:
  /// Reads those behind a user; empty texts: the first ones.
  void read(sql_connection& in, const std::string& table, std::string_view username,
            std::string_view domain);

  [[nodiscard]] std::size_t size() const noexcept { return rows_.size(); }
  [[nodiscard]] bool has_more() const noexcept { return has_more_; }
  [[nodiscard]] const std::string& last_username() const { return rows_.back().username; }
  [[nodiscard]] const std::string& last_domain() const { return rows_.back().domain; }
  void for_each(const std::function<void(std::string_view username, std::string_view domain,
                                         const contact_row&)>& f) const {
    for (const row& each : rows_) f(each.username, each.domain, each.value);
  }

 private:
  struct row {
    std::string username, domain;
    contact_row value;
  };
  std::vector<row> rows_;
  bool has_more_ = false;
};

} // namespace tandem::storage
