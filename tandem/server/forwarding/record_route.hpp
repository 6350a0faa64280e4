// SPDX-License-Identifier: Apache-2.0
// The entries that this server puts into Record-Route (RFC 3261 16.6 step 4), and how it knows its
// own again. One thread.
#pragma once

#include <tandem/server/message_context.hpp>
#include <tandem/stack/target.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace tandem::server {

/// How entries are written.
struct record_route_rules {
  bool append_fromtag = true;  ///< ;ftag=
  bool enable_full_lr = false; ///< ;lr=on instead of ;lr
  bool enable_double_rr =
      true;                  ///< two entries where the request leaves by another way than it came
  bool add_username = false; ///< the user of the Request-URI, as SER put it there
};

/// What a run has done about it: message_context::state<recorded_route>().
struct recorded_route {
  enum class kind : std::uint8_t {
    none,
    single, ///< one entry of ours, for the side it came from; a second one where it is needed
    preset, ///< exactly what the script says
  };
  kind made = kind::none;
  record_route_rules rules;

  void clear() noexcept { made = kind::none; }
};

/// Puts an entry of ours on top of the message's: `sent_by` is host and port of the listener.
/// \return false when the message takes no more.
bool push_record_route(message_context& m, const record_route_rules& rules,
                       std::string_view sent_by, transport_kind transport);

/// A request with a single entry of ours leaves by `to`, another transport or address family than
/// it came by: it needs a second entry (double Record-Route).
[[nodiscard]] bool needs_second_record_route(const message_context& m, const stack::target& to);

/// Puts the second entry on top of `leaving`, and the mark that there are two into the first.
/// \return false when the message takes no more.
bool put_second_record_route(const message_context& m, sip::message& leaving,
                             const stack::target& to);

/// A mark that only this server can make, of the call: in Record-Route it proves later that a
/// request within a dialog follows a route that we have set up. Ten hexadecimal digits.
class dialog_mark {
 public:
  explicit dialog_mark(const message_context& m);
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 10> text_;
};

} // namespace tandem::server
