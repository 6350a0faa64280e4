// SPDX-License-Identifier: Apache-2.0
// Via (RFC 3261 20.42, RFC 3581 for rport). A view into the text it was parsed from.
#pragma once

#include <tandem/base/transport_kind.hpp>
#include <tandem/sip/essentials.hpp>
#include <tandem/sip/params.hpp>

namespace tandem::sip {

/// *( SEMI via-params ): all of them, and at no cost those that routing asks for.
class via_params : public params {
 public:
  /// No parameters.
  constexpr via_params() noexcept = default;

  /// Its value without quotes; empty when there is no such parameter or value. The first counts.
  [[nodiscard]] std::string_view branch() const noexcept { return text_of(marks_.branch); }
  [[nodiscard]] std::string_view received() const noexcept { return text_of(marks_.received); }
  [[nodiscard]] std::string_view rport() const noexcept { return text_of(marks_.rport); }
  [[nodiscard]] std::string_view maddr() const noexcept { return text_of(marks_.maddr); }
  [[nodiscard]] std::string_view ttl() const noexcept { return text_of(marks_.ttl); }
  [[nodiscard]] bool has_received() const noexcept { return marks_.received.begin != 0; }
  [[nodiscard]] bool has_rport() const noexcept { return marks_.rport.begin != 0; }
  /// One of these stands twice.
  [[nodiscard]] bool has_repeated() const noexcept { return marks_.has_repeated; }

 private:
  friend struct via;
  via_params(std::string_view text, const via_marks& marks) noexcept
      : params{text}, marks_{marks} {}
  [[nodiscard]] std::string_view text_of(text_place p) const noexcept {
    return p.in(text().data());
  }

  via_marks marks_;
};

/// sent-protocol LWS sent-by *( SEMI via-params )
struct via {
  std::string_view protocol = "SIP";
  std::string_view version = "2.0";
  std::string_view transport = "UDP"; ///< as it stands
  host_port sent_by;                  ///< its port only when it was written
  via_params params;

  static result<via, parse_error> parse(std::string_view text) noexcept;
  static result<via, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  /// What stands at these places of the text that begins at `first`.
  [[nodiscard]] static via from_places(const via_places& places, const char* first) noexcept;

  [[nodiscard]] std::optional<transport_kind> transport_id() const noexcept {
    return find_transport(transport);
  }
  [[nodiscard]] std::string_view branch() const noexcept { return params.branch(); }
  /// The source address that a hop noted, IPv6 with or without brackets (RFC 5118 4.5).
  [[nodiscard]] std::optional<host_view> received() const noexcept {
    return host_view::from_text(params.received());
  }
  /// A hop noted an address, or claims to.
  [[nodiscard]] bool has_received() const noexcept { return params.has_received(); }
  /// The sender asks for the source port, or a hop noted it (RFC 3581 4).
  [[nodiscard]] bool has_rport() const noexcept { return params.has_rport(); }
  /// The port that a hop noted; nothing while it is only asked for, or malformed.
  [[nodiscard]] std::optional<std::uint16_t> rport() const noexcept {
    return parse_number<std::uint16_t>(params.rport());
  }
  [[nodiscard]] std::optional<host_view> maddr() const noexcept {
    return host_view::from_text(params.maddr());
  }
  [[nodiscard]] std::optional<std::uint8_t> ttl() const noexcept {
    return parse_number<std::uint8_t>(params.ttl());
  }
};

} // namespace tandem::sip
