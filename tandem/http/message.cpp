// SPDX-License-Identifier: Apache-2.0
#include <tandem/http/message.hpp>

#include <tandem/base/ip_address.hpp>
#include <tandem/base/split.hpp>
#include <tandem/base/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

namespace tandem::http {

namespace {

/// A table of bytes: which of them are letters, digits, or in `others`.
constexpr std::array<bool, 256> make_set(std::string_view others) {
  std::array<bool, 256> set{};
  for (unsigned b = 0; b < 128; ++b)
    set[b] = is_alnum(static_cast<char>(b)) ||
             others.find(static_cast<char>(b)) != std::string_view::npos;
  return set;
}

constexpr auto token_bytes = make_set("!#$%&'*+-.^_`|~"); // RFC 9110 5.6.2
constexpr auto form_bytes = make_set("-._~");

constexpr bool is_in(const std::array<bool, 256>& set, char c) noexcept {
  return set[static_cast<unsigned char>(c)];
}

/// What names of methods and fields are made of.
bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return is_in(token_bytes, c); });
}

bool is_field_value(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

/// Fields that the writers set themselves.
bool is_ours(std::string_view name) {
  constexpr std::string_view first = "cChHtT";
  if (name.empty() || first.find(name.front()) == std::string_view::npos) return false;
  return iequals(name, "Content-Length") || iequals(name, "Transfer-Encoding") ||
         iequals(name, "Connection") || iequals(name, "Host");
}

/// Nothing in it ends the target, the line or the text (RFC 9112 3.2).
bool is_target(std::string_view text) {
  return !text.empty() && std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= ' ' || byte == 0x7f;
  });
}

void append_headers(std::string& out, const header_list& headers) {
  for (const auto& [name, value] : headers)
    if (!is_ours(name) && is_token(name) && is_field_value(value))
      out.append(name).append(": ").append(value).append("\r\n");
}

void append_length(std::string& out, std::size_t size) {
  out.append("Content-Length: ").append(std::to_string(size)).append("\r\n");
}

} // namespace

std::string_view find_header(const header_list& headers, std::string_view name) {
  for (const auto& [field, value] : headers)
    if (iequals(field, name)) return value;
  return {};
}

std::string_view request::path() const {
  return std::string_view{target}.substr(0, target.find('?'));
}

std::string_view request::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view{target}.substr(mark + 1);
}

std::string_view to_string(parse_errc e) noexcept {
  switch (e) {
  case parse_errc::malformed: return "not HTTP";
  case parse_errc::headers_too_large: return "the headers are too large";
  case parse_errc::body_too_large: return "the body is too large";
  case parse_errc::cut_off: break;
  }
  return "the message is cut off";
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
  case 100: return "Continue";
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 204: return "No Content";
  case 301: return "Moved Permanently";
  case 302: return "Found";
  case 304: return "Not Modified";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 411: return "Length Required";
  case 413: return "Content Too Large";
  case 415: return "Unsupported Media Type";
  case 417: return "Expectation Failed";
  case 422: return "Unprocessable Content";
  case 429: return "Too Many Requests";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 501: return "Not Implemented";
  case 502: return "Bad Gateway";
  case 503: return "Service Unavailable";
  case 504: return "Gateway Timeout";
  default: return "Status";
  }
}

std::optional<url> url::parse(std::string_view text) {
  url url;
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  if (iequals(text.substr(0, colon), "https")) {
    url.is_secure = true;
    url.port = 443;
  } else if (!iequals(text.substr(0, colon), "http")) {
    return std::nullopt;
  }
  text.remove_prefix(colon + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  text.remove_prefix(end);
  text = text.substr(0, text.find('#'));
  if (std::ranges::any_of(text, [](char c) { return c <= ' ' || c == 0x7f; })) return std::nullopt;
  url.path = text.empty() || text.front() != '/' ? "/" + std::string{text} : std::string{text};

  if (authority.find('@') != std::string_view::npos) return std::nullopt; // no secrets in URLs
  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host = authority.substr(1, close - 1);
    if (!ip_address::parse(url.host)) return std::nullopt;
    port = authority.substr(close + 1);
    if (!port.empty() && port.front() != ':') return std::nullopt;
  } else {
    const auto mark = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, mark);
    port = authority.substr(mark);
    const bool is_name = std::ranges::all_of(
        url.host, [](char c) { return is_alnum(c) || c == '.' || c == '-' || c == '_'; });
    if (url.host.empty() || !is_name) return std::nullopt;
  }
  if (port.size() > 1) {
    const auto number = parse_number<std::uint16_t>(port.substr(1));
    if (!number || *number == 0) return std::nullopt;
    url.port = *number;
  }
  return url;
}

std::string url::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string text = is_v6 ? "[" + host + "]" : host;
  if (port != (is_secure ? 443 : 80)) text += fmt::format(":{}", port);
  return text;
}

std::string url::origin() const { return (is_secure ? "https://" : "http://") + authority(); }

std::string write_common_headers(std::string_view authority, const header_list& headers) {
  std::string out = "Host: ";
  out.append(authority).append("\r\n");
  append_headers(out, headers);
  return out;
}

std::optional<std::string> write_request(const request& request, std::string_view common_headers) {
  if (!is_token(request.method) || !is_target(request.target)) return std::nullopt;
  std::string out;
  out.reserve(512 + common_headers.size() + request.body.size());
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  out.append(common_headers);
  append_headers(out, request.headers);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT")
    append_length(out, request.body.size());
  out += "\r\n";
  out += request.body;
  return out;
}

namespace {

void append_status_and_headers(std::string& out, const response& response) {
  out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  out.append(reason_phrase(response.status)).append("\r\n");
  append_headers(out, response.headers);
}

} // namespace

std::string write_response_head(const response& response, bool keeps_alive, body_end end) {
  std::string out;
  append_status_and_headers(out, response);
  if (end == body_end::chunk) out += "Transfer-Encoding: chunked\r\n";
  if (!keeps_alive || end == body_end::close) out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

std::string write_chunk(std::string_view bytes) {
  if (bytes.empty()) return {};
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
  std::string out;
  out.reserve(bytes.size() + size.size() + 4);
  out.append(size.data(), end).append("\r\n").append(bytes).append("\r\n");
  return out;
}

std::string write_response(const response& response, bool keeps_alive, bool has_body) {
  std::string out;
  out.reserve(512 + response.body.size());
  append_status_and_headers(out, response);
  if (response.status != 204 && response.status != 304) append_length(out, response.body.size());
  if (!keeps_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (has_body && response.status != 204 && response.status != 304) out += response.body;
  return out;
}

void append_form_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto begin = out.size();
  out.resize(begin + text.size() * 3);
  char* end = out.data() + begin;
  for (const char c : text) {
    if (is_in(form_bytes, c)) {
      *end++ = c;
    } else if (c == ' ') {
      *end++ = '+';
    } else {
      const auto byte = static_cast<unsigned char>(c);
      *end++ = '%';
      *end++ = digits[byte >> 4U];
      *end++ = digits[byte & 15U];
    }
  }
  out.resize(static_cast<std::size_t>(end - out.data()));
}

std::string form_encode(std::string_view text) {
  std::string out;
  append_form_encoded(out, text);
  return out;
}

std::optional<std::string> form_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::optional<std::string> form_value(std::string_view form, std::string_view name) {
  for (const std::string_view pair : split(form, '&')) {
    const auto equals = std::min(pair.find('='), pair.size());
    if (form_decode(pair.substr(0, equals)) == name)
      return form_decode(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

} // namespace tandem::http
