// SPDX-License-Identifier: Apache-2.0
// The location tables of a program, for whoever looks contacts up and saves them without knowing
// who keeps the tables. Any thread.
#pragma once

#include <tandem/storage/location.hpp>

#include <cstdint>
#include <functional>
#include <string_view>

namespace tandem::storage {

/// How a user is written as the key of a table.
struct alignas(2) key_form { // so that an atomic one is read and written at once
  enum class domain : std::uint8_t { left_out, part };
  enum class user_case : std::uint8_t { ignored, kept };

  domain of_domain = domain::left_out;
  user_case of_case = user_case::ignored;
};

class locations {
 public:
  /// The table of that name, made when it is new. It lives as long as the program serves.
  [[nodiscard]] virtual location_table& table(std::string_view name) = 0;

  /// Calls f(table) for each that there is.
  virtual void for_each(const std::function<void(location_table&)>& f) = 0;

  /// How the script at work writes users, for whoever names one without a message.
  virtual void use(key_form form) noexcept = 0;

  /// Whoever tells a phone that it is registered waits for when_stored() first.
  [[nodiscard]] virtual bool are_stored_first() const noexcept = 0;

  /// Calls done(true) when the contacts that this address of record has now will be there after the
  /// program has ended, in whatever way; false when they could not be stored.
  /// \param done on any thread, perhaps from inside of this call; once
  virtual void when_stored(const location_table& table, std::string_view aor,
                           std::function<void(bool)> done) = 0;

  /// Where consumers of their changes subscribe, before the first table is used.
  [[nodiscard]] virtual change_feed& changes() noexcept = 0;

 protected:
  ~locations() = default;
};

} // namespace tandem::storage
