// SPDX-License-Identifier: Apache-2.0
// URIs: sip and sips (RFC 3261 19.1), tel (RFC 3966), urn (RFC 8141) and any other, which
// round-trips. A uri is a view into the text it was parsed from, which must outlive it. Any thread.
#pragma once

#include <tandem/sip/escape.hpp>
#include <tandem/sip/host.hpp>
#include <tandem/sip/step_iterator.hpp>
#include <tandem/sip/text_place.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace tandem::sip {

enum class uri_scheme : std::uint8_t { sip, sips, tel, urn, other };

/// A parameter or header of a URI, escapes as they stand.
struct uri_param {
  std::string_view name;
  std::string_view value;
  bool has_value = false; ///< an "=" was there

  /// Has that name; case and escapes, of either, make no difference (19.1.4).
  [[nodiscard]] bool is(std::string_view other) const noexcept {
    return means_same_escaped(name, other, letter_case::ignored);
  }
};

/// Parameters (";a=b;c") or headers ("a=b&c=d") of a URI in their order.
template <char Separator>
class uri_part_list {
 public:
  /// Takes one part after the other.
  class steps {
   public:
    using value_type = uri_param;

    steps() noexcept = default;
    explicit steps(std::string_view text) noexcept : rest_{text} {}
    void step() noexcept;
    [[nodiscard]] bool is_done() const noexcept { return done_; }
    [[nodiscard]] const uri_param& now() const noexcept { return now_; }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

   private:
    std::string_view rest_;
    std::string_view text_;
    uri_param now_;
    bool done_ = true;
  };
  using iterator = step_iterator<steps>;

  constexpr uri_part_list() noexcept = default;
  /// `text` as uri::params_text and uri::headers_text give it.
  constexpr explicit uri_part_list(std::string_view text) noexcept : text_{text} {}

  [[nodiscard]] iterator begin() const noexcept { return iterator{text_}; }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// The first of that name; case and escapes of it make no difference (19.1.4).
  [[nodiscard]] std::optional<uri_param> find(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return find(name).has_value(); }
  /// Its value, escapes as they stand; empty when there is none.
  [[nodiscard]] std::string_view value(std::string_view name) const noexcept;

 private:
  std::string_view text_;
};

using uri_parameters = uri_part_list<';'>;
using uri_header_fields = uri_part_list<'&'>;

extern template class uri_part_list<';'>;
extern template class uri_part_list<'&'>;

/// A URI, its parts found, its text kept. No URI at all until it is parsed.
class uri {
 public:
  /// An empty text, a sip URI without a host: only a place to assign to.
  constexpr uri() noexcept = default;

  /// The whole text, without blanks or angle brackets around it.
  static result<uri, parse_error> parse(std::string_view text) noexcept;
  /// The same in place, which spares a copy. \return why the text is no URI; nothing can be asked
  /// of this one then.
  std::optional<parse_error> assign(std::string_view text) noexcept;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] uri_scheme scheme() const noexcept { return scheme_; }
  /// As it stands: "sip", "SIP", "h323".
  [[nodiscard]] std::string_view scheme_text() const noexcept { return part(0, scheme_end_); }
  /// sip or sips: user, host, port, parameters and headers mean something.
  [[nodiscard]] bool is_sip() const noexcept {
    return scheme_ == uri_scheme::sip || scheme_ == uri_scheme::sips;
  }
  /// Everything behind the scheme and its colon, escapes as they stand.
  [[nodiscard]] std::string_view opaque() const noexcept;

  /// sip, sips: the user, escapes as they stand; empty when there is none.
  [[nodiscard]] std::string_view user() const noexcept { return part(user_, user_end_); }
  /// sip, sips: the password, which may be empty though it is there.
  [[nodiscard]] std::optional<std::string_view> password() const noexcept;
  /// sip, sips: the host.
  [[nodiscard]] host_view host() const noexcept { return {part(host_, host_end_), host_kind_}; }
  /// sip, sips: the port, if it is written.
  [[nodiscard]] std::optional<std::uint16_t> port() const noexcept {
    return has_port_ ? std::optional{port_} : std::nullopt;
  }

  /// tel: the number with its visual separators, such as "+1-201-555-0123".
  [[nodiscard]] std::string_view number() const noexcept;
  /// tel: the number is global, that is, it begins with a plus (RFC 3966 5.1.4).
  [[nodiscard]] bool is_global_number() const noexcept { return number().starts_with('+'); }

  /// sip, sips, tel: the parameters.
  [[nodiscard]] uri_parameters params() const noexcept { return uri_parameters{params_text()}; }
  [[nodiscard]] std::string_view params_text() const noexcept { return part(params_, params_end_); }
  /// sip, sips: the headers.
  [[nodiscard]] uri_header_fields headers() const noexcept {
    return uri_header_fields{headers_text()};
  }
  [[nodiscard]] std::string_view headers_text() const noexcept {
    return headers_ == 0 ? std::string_view{} : text_.substr(headers_);
  }

  // The parameters of 19.1.1, empty or nothing when they are missing or malformed. They are found
  // while the URI is parsed; of one that stands twice the first counts.
  [[nodiscard]] std::string_view transport() const noexcept { return part(marks_.transport); }
  [[nodiscard]] bool has_transport() const noexcept { return is_there(marks_.transport); }
  [[nodiscard]] std::string_view user_type() const noexcept { return part(marks_.user); }
  [[nodiscard]] std::string_view method() const noexcept { return part(marks_.method); }
  [[nodiscard]] std::string_view maddr_text() const noexcept { return part(marks_.maddr); }
  [[nodiscard]] bool has_maddr() const noexcept { return is_there(marks_.maddr); }
  [[nodiscard]] std::optional<host_view> maddr() const noexcept {
    return host_view::from_text(maddr_text());
  }
  [[nodiscard]] std::optional<std::uint8_t> ttl() const noexcept {
    return parse_number<std::uint8_t>(part(marks_.ttl));
  }
  [[nodiscard]] bool is_loose_router() const noexcept { return is_there(marks_.lr); }
  /// One of them stands twice, which 19.1.1 forbids: not every reader takes the same one.
  [[nodiscard]] bool has_repeated() const noexcept { return marks_.has_repeated; }

  /// As it stands, but an IPv6 reference with three colons gets two (RFC 5118 4.10).
  void write(sink& out) const noexcept;

 private:
  [[nodiscard]] std::string_view part(std::size_t from, std::size_t to) const noexcept {
    return {text_.data() + from, to - from};
  }
  /// Values of parameters, as places in the text. One that is there begins behind 0.
  struct marks {
    text_place transport, maddr, ttl, user, method, lr;
    bool has_repeated = false;
  };

  [[nodiscard]] std::string_view part(text_place p) const noexcept { return p.in(text_.data()); }
  [[nodiscard]] static bool is_there(text_place p) noexcept { return p.begin != 0; }
  [[nodiscard]] text_place* find_mark(std::string_view name) noexcept;
  std::optional<parse_error> read_sip(cursor& at) noexcept;
  std::optional<parse_error> read_user(cursor& at) noexcept;
  std::optional<parse_error> read_tel(cursor& at) noexcept;
  std::optional<parse_error> read_params(cursor& at) noexcept;
  std::optional<parse_error> read_headers(cursor& at) noexcept;

  std::string_view text_;
  // Offsets in the text; a part that is missing is empty.
  std::uint16_t scheme_end_ = 0;
  std::uint16_t user_ = 0, user_end_ = 0;
  std::uint16_t password_ = 0; ///< 0: none
  std::uint16_t host_ = 0, host_end_ = 0;
  std::uint16_t params_ = 0, params_end_ = 0;
  std::uint16_t headers_ = 0; ///< 0: none
  std::uint16_t port_ = 0;
  marks marks_;
  uri_scheme scheme_ = uri_scheme::sip;
  host_kind host_kind_ = host_kind::name;
  bool has_port_ = false;
};

/// The comparison of RFC 3261 19.1.4 for sip and sips, of RFC 3966 4 for tel, of RFC 8141 3 for
/// urn; others are the same when their bytes are, but for the case of the scheme. It is not
/// transitive.
[[nodiscard]] bool equivalent(const uri& a, const uri& b) noexcept;

/// Equal for equivalent URIs, and mostly for no others: finds those that are worth comparing.
[[nodiscard]] std::uint32_t likeness(const uri& of) noexcept;

} // namespace tandem::sip
