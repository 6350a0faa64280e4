// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 messages as values (RFC 9110, RFC 9112), their parser and their writers. Any thread.
#pragma once

#include <tandem/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tandem::http {

/// Header fields in their order.
using header_list = std::vector<std::pair<std::string, std::string>>;

/// The first field of a name (letter case does not matter), empty when there is none.
[[nodiscard]] std::string_view find_header(const header_list& headers, std::string_view name);

struct request {
  std::string method = "GET";
  std::string target = "/"; ///< path and query, as on the wire
  header_list headers = {};
  std::string body = {};

  [[nodiscard]] std::string_view path() const;  ///< target without the query
  [[nodiscard]] std::string_view query() const; ///< after the ?, empty without one
};

struct response {
  unsigned status = 200;
  header_list headers = {};
  std::string body = {};
};

/// The standard reason phrase of a status (RFC 9110 15).
[[nodiscard]] std::string_view reason_phrase(unsigned status) noexcept;

/// Why bytes are no message, or none that is taken.
enum class parse_errc : std::uint8_t {
  malformed,         ///< not HTTP: answer 400
  headers_too_large, ///< more than the limit: answer 431
  body_too_large,    ///< more than the limit: answer 413
  cut_off,           ///< the connection ended in the middle
};

[[nodiscard]] std::string_view to_string(parse_errc e) noexcept;

struct message_limits {
  std::size_t header = std::size_t{16} * 1024;
  std::size_t body = std::size_t{1024} * 1024;
};

/// Reads one kind of message after the other from a stream of bytes, however it is cut. What came
/// after the end of a message is kept for the next.
class parser {
 public:
  enum class kind : std::uint8_t { requests, responses };

  explicit parser(kind reads, message_limits limits = {});
  parser(parser&&) noexcept;
  parser& operator=(parser&&) noexcept;
  ~parser();

  /// Takes bytes. \return whether a whole message is there, or what is wrong; after that only
  /// reset() helps.
  result<bool, parse_errc> feed(std::string_view bytes);

  /// The connection has ended, which may be the end of a response's body.
  result<bool, parse_errc> feed_end();

  /// The whole message that is there; then the parser goes on with the bytes that came after it,
  /// when feed({}) is called.
  [[nodiscard]] request take_request();
  [[nodiscard]] response take_response();

  /// Of the message that is there, or was taken last: may the connection be used again?
  [[nodiscard]] bool keeps_alive() const noexcept;
  /// Of the same: its sender knows HTTP/1.1, and so chunks (RFC 9112 6.1).
  [[nodiscard]] bool knows_chunks() const noexcept;
  /// The headers of a request are there and its sender waits for 100 (RFC 9110 10.1.1). Told once.
  [[nodiscard]] bool wants_continue() noexcept;
  /// Part of a message has come, but not all of it.
  [[nodiscard]] bool is_inside_message() const noexcept;
  /// Bytes after the message that is there.
  [[nodiscard]] bool has_more() const noexcept;

  /// Forgets everything.
  void reset();

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

/// Where a request goes: the parts of an absolute http or https URL.
struct url {
  bool is_secure = false;
  std::string host; ///< name or address; IPv6 without brackets
  std::uint16_t port = 80;
  std::string path = "/"; ///< with the query

  [[nodiscard]] static std::optional<url> parse(std::string_view text);
  /// host[:port] for the Host header: the port only when it is not the scheme's.
  [[nodiscard]] std::string authority() const;
  /// scheme://authority
  [[nodiscard]] std::string origin() const;
};

/// The lines that all requests to a server have: Host, which is `authority`, and these headers.
/// Those with CR, LF or NUL in them are left out.
[[nodiscard]] std::string write_common_headers(std::string_view authority,
                                               const header_list& headers = {});

/// The bytes of a request, ready to send: its own headers come after the common ones.
/// Content-Length is added where there is a body or the method calls for one. Headers with CR, LF
/// or NUL in them are left out.
/// \return nothing when the method is no token or the target is empty or has a control character
/// or blank in it: that would not be the request that was meant (RFC 9112 3).
[[nodiscard]] std::optional<std::string> write_request(const request& request,
                                                       std::string_view common_headers);

/// The bytes of a response. \param keeps_alive false adds "Connection: close".
/// \param has_body false for the answer to HEAD: all but the body.
[[nodiscard]] std::string write_response(const response& response, bool keeps_alive,
                                         bool has_body = true);

/// How the end of a body is told whose length is not known when it begins.
enum class body_end : std::uint8_t {
  chunk, ///< by an empty chunk (RFC 9112 7.1)
  close, ///< by the end of the connection, for HTTP/1.0
};
/// The head of such a response; its `body` counts for nothing. \param end close adds "Connection:
/// close", as `keeps_alive` false does.
[[nodiscard]] std::string write_response_head(const response& response, bool keeps_alive,
                                              body_end end);
/// Bytes of a body as a chunk; nothing for no bytes, which would end it.
[[nodiscard]] std::string write_chunk(std::string_view bytes);
/// Ends a body of chunks.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Appends text in application/x-www-form-urlencoded form: unreserved characters bare, blank as +.
void append_form_encoded(std::string& out, std::string_view text);
[[nodiscard]] std::string form_encode(std::string_view text);
/// The reverse; nothing when a % is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> form_decode(std::string_view text);
/// The value of a name in a form body or query string; nothing when it is not there.
[[nodiscard]] std::optional<std::string> form_value(std::string_view form, std::string_view name);

} // namespace tandem::http
