// SPDX-License-Identifier: Apache-2.0
// Messages of our own making: ACK for a refused INVITE (17.1.1.3), CANCEL (9.1), and new requests
// (8.1.1); responses are response_writer's. What they hold is copied; any thread.
#pragma once

#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/message.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace tandem::sip {

/// Writes a message line by line. The first refused text makes finish() fail, so that a chain needs
/// one test at its end:
///
///   auto msg = message_builder::request("OPTIONS", "sip:a@b").add(header_id::to, "<sip:a@b>") ...
///                .finish();
class message_builder {
 public:
  [[nodiscard]] static message_builder request(std::string_view method, std::string_view uri);
  [[nodiscard]] static message_builder request(sip::method method, std::string_view uri) {
    return request(to_string(method), uri);
  }

  /// Appends a header line.
  message_builder& add(header_name name, std::string_view value);
  /// Appends a header line whose value is these pieces, one after the other.
  message_builder& add(header_name name, std::initializer_list<std::string_view> value);
  /// Not {first, last}: that would be two texts, of which the second has no end.
  void add(header_name name, std::initializer_list<const char*> value) = delete;
  /// Appends the lines of that name of another message, each as it stands there; of a header that
  /// may stand once only the first.
  message_builder& copy(const message& from, header_id id);
  /// The body, with its Content-Length, ends the message; without it Content-Length is 0.
  message_builder& body(std::string_view type, std::string_view bytes);

  /// The message; the builder is empty afterwards.
  [[nodiscard]] result<message, edit_errc> finish();

 private:
  message_builder() = default;
  bool reserve(std::size_t bytes);
  void put(std::string_view bytes) noexcept;
  void add_line(header_name name, std::initializer_list<std::string_view> value);
  void end_start_line() noexcept;
  void refuse(edit_errc error) noexcept;

  block_ref block_;
  std::size_t used_ = 0;
  message_places at_;
  std::array<index_line, max_header_lines> lines_;
  edit_errc error_{};
  bool is_failed_ = false;
  block_ref body_;
  std::size_t body_size_ = 0;
};

/// What response_writer writes, read again: for who wants to look at a response, or edit it, before
/// it is sent. Fails with bad_value when the request lacks what a response needs to be one.
[[nodiscard]] result<message, edit_errc> make_response(const message& request, int status,
                                                       std::string_view reason = {},
                                                       std::string_view to_tag = {});

/// RFC 3261 17.1.1.3: the ACK for a final response other than 2xx to `invite` as it was sent.
[[nodiscard]] result<message, edit_errc> make_ack(const message& invite, const message& response);

/// RFC 3261 9.1: the CANCEL for `invite` as it was sent.
[[nodiscard]] result<message, edit_errc> make_cancel(const message& invite);

} // namespace tandem::sip
