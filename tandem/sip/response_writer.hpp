// SPDX-License-Identifier: Apache-2.0
// A response to a request (RFC 3261 8.2.6), written once, in the order of the wire, into the block
// that is sent and kept: no message in between. What it holds is copied; any thread.
#pragma once

#include <tandem/base/block.hpp>
#include <tandem/base/result.hpp>
#include <tandem/sip/edit_errc.hpp>
#include <tandem/sip/header_lines.hpp>
#include <tandem/sip/message.hpp>

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace tandem::sip {

///   response_writer out{request, 200, {}, tag};
///   out.add(header_id::contact, "<sip:a@b>");
///   auto [block, size] = *out.finish();
class response_writer {
 public:
  /// Writes the status line; Via, From, To, Call-ID and CSeq as in the request (8.2.6.2),
  /// Record-Route where a dialog may form (12.1.1), Timestamp (8.2.6.1).
  /// \param reason  the default one when it is empty
  /// \param to_tag  goes into To when the status is above 100 and To has none; empty: To as it is
  response_writer(const message& request, int status, std::string_view reason = {},
                  std::string_view to_tag = {});

  [[nodiscard]] int status() const noexcept { return status_; }
  /// Bytes that are written so far; finish() adds a few.
  [[nodiscard]] std::size_t size() const noexcept { return used_; }

  /// Appends a header line. What is refused (bad_name, unsafe_text) is left out, and the response
  /// is as good without it; only too_large spoils it.
  result<void, edit_errc> add(header_name name, std::string_view value) {
    return add(name, {value});
  }
  /// The same of a value in pieces, one after the other.
  result<void, edit_errc> add(header_name name, std::initializer_list<std::string_view> value);
  /// Not {first, last}: that would be two texts, of which the second has no end.
  void add(header_name name, std::initializer_list<const char*> value) = delete;
  /// Appends lines that were checked before.
  void add(const header_lines& lines);

  /// Ends it with Content-Length 0 and gives the block away, with the bytes in use. Fails when the
  /// status is none, when the reason or a line of the request is no text for the wire
  /// (unsafe_text), or beyond 65,535 bytes.
  [[nodiscard]] result<std::pair<block_ref, std::uint32_t>, edit_errc> finish();

 private:
  struct copied_lines;

  void begin(const message& request, std::string_view reason, std::string_view to_tag);
  bool reserve(std::size_t bytes, std::size_t further = 0);
  void refuse(edit_errc error) noexcept;

  block_ref block_;
  std::size_t used_ = 0;
  int status_;
  edit_errc error_{};
  bool is_failed_ = false;
};

/// The whole of a response that has nothing but what every one has.
[[nodiscard]] inline result<std::pair<block_ref, std::uint32_t>, edit_errc>
write_response(const message& request, int status, std::string_view reason = {},
               std::string_view to_tag = {}) {
  return response_writer{request, status, reason, to_tag}.finish();
}

} // namespace tandem::sip
