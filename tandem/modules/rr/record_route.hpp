// SPDX-License-Identifier: Apache-2.0
// The entries that this server puts into Record-Route, and how it knows its own again.
#pragma once

#include <tandem/server/message_context.hpp>
#include <tandem/stack/target.hpp>

#include <array>
#include <string_view>

namespace tandem::modules {

/// The parameters of module rr in one script.
struct rr_settings final : server::module {
  bool append_fromtag = true;  ///< ;ftag=
  bool enable_full_lr = false; ///< ;lr=on instead of ;lr
  bool enable_double_rr =
      true;                  ///< two entries where the request leaves by another way than it came
  bool add_username = false; ///< the user of the Request-URI, as SER put it there
};

/// Puts an entry of ours on top (RFC 3261 16.6 step 4): `sent_by` is host and port of the listener.
/// \return false when the message takes no more.
bool push_record_route(server::message_context& m, std::string_view sent_by,
                       stack::transport_kind transport, bool is_one_of_two);

/// A request of which record_route() made an entry leaves by `to`, another transport or address
/// family than it came by: it needs a second entry (double Record-Route).
[[nodiscard]] bool needs_second_record_route(const server::message_context& m,
                                             const stack::target& to);

/// Puts the second entry on top, and the mark that there are two into the first.
/// \return false when the message takes no more.
bool put_second_record_route(server::message_context& m, sip::message& leaving,
                             const stack::target& to);

/// A mark that only this server can make, of the call: in Record-Route it proves later that a
/// request within a dialog follows a route that we have set up. Ten hexadecimal digits.
class dialog_mark {
 public:
  explicit dialog_mark(const server::message_context& m);
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 10> text_;
};

} // namespace tandem::modules
