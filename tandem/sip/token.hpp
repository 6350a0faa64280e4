// SPDX-License-Identifier: Apache-2.0
// Headers made of tokens, words and plain text: Allow, Require, Event, Reason, Privacy, Call-ID,
// Replaces, Subject ... (RFC 3261 20 and extensions). Views into the text they were parsed from.
#pragma once

#include <tandem/sip/params.hpp>

#include <string_view>

namespace tandem::sip {

/// One token: a method of Allow, an option tag, a language, a priority.
struct token {
  std::string_view text;

  static result<token, parse_error> parse(std::string_view text) noexcept;
  static result<token, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept { out.put(text); }
};

/// token *( SEMI generic-param ): Accept-Encoding, Content-Disposition, Event, Reason, Security-*
struct token_params {
  std::string_view name;
  sip::params params;

  static result<token_params, parse_error> parse(std::string_view text) noexcept;
  static result<token_params, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  /// The preference in thousandths; nothing when it is missing or malformed.
  [[nodiscard]] std::optional<std::uint16_t> q() const noexcept {
    return parse_qvalue(params.value("q"));
  }
};

/// Subscription-State (RFC 6665 8.2.3)
struct subscription_state : token_params {
  static result<subscription_state, parse_error> parse(std::string_view text) noexcept;
  static result<subscription_state, parse_error> read(cursor& at) noexcept;

  [[nodiscard]] bool is_active() const noexcept { return iequals(name, "active"); }
  [[nodiscard]] bool is_pending() const noexcept { return iequals(name, "pending"); }
  [[nodiscard]] bool is_terminated() const noexcept { return iequals(name, "terminated"); }
  /// Why it ended; empty when it is not said.
  [[nodiscard]] std::string_view reason() const noexcept { return params.value("reason"); }
  /// Seconds that are left.
  [[nodiscard]] std::optional<std::uint32_t> expires() const noexcept {
    return params.number<std::uint32_t>("expires");
  }
  /// Seconds to wait before the next try.
  [[nodiscard]] std::optional<std::uint32_t> retry_after() const noexcept {
    return params.number<std::uint32_t>("retry-after");
  }
};

/// A quoted string, or any run without blanks and separators, and parameters: Identity (base64),
/// P-Visited-Network-ID (token or quoted string), P-DCS-Billing-Info, P-DCS-LAES, P-DCS-Redirect.
struct word_params {
  std::string_view word; ///< without its quotes, pairs still escaped
  bool is_quoted = false;
  sip::params params;

  static result<word_params, parse_error> parse(std::string_view text) noexcept;
  static result<word_params, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;
};

/// Parameters alone: P-Charging-Vector, P-Charging-Function-Addresses (RFC 7315 5.5, 5.6).
struct param_value {
  sip::params params;

  static result<param_value, parse_error> parse(std::string_view text) noexcept;
  static result<param_value, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept { out.put(params.text()); }
};

/// Privacy = priv-value *( ";" priv-value ) (RFC 3323 4.2). Commas are taken for semicolons.
struct privacy {
  std::string_view text;

  static result<privacy, parse_error> parse(std::string_view text) noexcept;
  void write(sink& out) const noexcept { out.put(text); }

  /// Whether the kind of privacy is asked for: "id", "header", "none" ...
  [[nodiscard]] bool has(std::string_view kind) const noexcept;
};

/// callid = word [ "@" word ] (20.8); compared byte by byte
struct call_id {
  std::string_view text;

  static result<call_id, parse_error> parse(std::string_view text) noexcept;
  static result<call_id, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept { out.put(text); }
};

/// callid *( SEMI generic-param ): Replaces, Join, Target-Dialog (RFC 3891, 3911, 4538)
struct call_id_params {
  std::string_view call_id;
  sip::params params;

  static result<call_id_params, parse_error> parse(std::string_view text) noexcept;
  static result<call_id_params, parse_error> read(cursor& at) noexcept;
  void write(sink& out) const noexcept;

  [[nodiscard]] std::string_view to_tag() const noexcept { return params.value("to-tag"); }
  [[nodiscard]] std::string_view from_tag() const noexcept { return params.value("from-tag"); }
  [[nodiscard]] std::string_view local_tag() const noexcept { return params.value("local-tag"); }
  [[nodiscard]] std::string_view remote_tag() const noexcept { return params.value("remote-tag"); }
  [[nodiscard]] bool is_early_only() const noexcept { return params.has("early-only"); }
};

/// Free text: Subject, Organization, User-Agent, Server, and every header that is not known. It may
/// be empty.
struct text_value {
  std::string_view text;

  static result<text_value, parse_error> parse(std::string_view text) noexcept;
  void write(sink& out) const noexcept { out.put(text); }
};

} // namespace tandem::sip
