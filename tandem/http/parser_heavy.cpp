// SPDX-License-Identifier: Apache-2.0
// parser over Beast's parsers: they read, sockets are ours.

// Beast 1.81 asserts that a last chunk of which a part has come before has five bytes now; "0" CR
// LF has three, and the next one may come alone. What it does then is right: a peer must not end a
// build with assertions by it.
#define BOOST_DISABLE_ASSERTS
#include <tandem/http/message.hpp>

#include <tandem/base/text.hpp>

#include <iterator>
#include <limits>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#pragma GCC diagnostic pop

namespace tandem::http {

namespace http = boost::beast::http;

namespace {

parse_errc to_errc(const boost::beast::error_code& error) noexcept {
  if (error == http::error::header_limit) return parse_errc::headers_too_large;
  if (error == http::error::body_limit) return parse_errc::body_too_large;
  if (error == http::error::partial_message || error == http::error::end_of_stream)
    return parse_errc::cut_off;
  return parse_errc::malformed;
}

template <typename Fields>
header_list copy_headers(const Fields& fields) {
  header_list all;
  all.reserve(static_cast<std::size_t>(std::distance(fields.begin(), fields.end())));
  for (const auto& field : fields)
    all.emplace_back(std::string{field.name_string()}, std::string{field.value()});
  return all;
}

} // namespace

class parser::impl {
 public:
  impl(kind reads, message_limits limits) : reads_{reads}, limits_{limits} { restart(); }

  result<bool, parse_errc> feed(std::string_view bytes) {
    if (is_done_) {
      waiting_.append(bytes);
      return true;
    }
    // Usually nothing waits, and the bytes are read where they are.
    if (!waiting_.empty()) {
      waiting_.append(bytes);
      std::string all;
      all.swap(waiting_);
      return request_ ? put(*request_, all) : put(*response_, all);
    }
    return request_ ? put(*request_, bytes) : put(*response_, bytes);
  }

  result<bool, parse_errc> feed_end() {
    if (is_done_) return true;
    boost::beast::error_code error;
    if (!is_inside_message()) return fail(parse_errc::cut_off);
    if (request_)
      request_->put_eof(error);
    else
      response_->put_eof(error);
    if (error) return fail(to_errc(error));
    if (response_) note_end(*response_);
    return true;
  }

  request take_request() {
    auto& message = request_->get();
    request taken{.method = std::string{message.method_string()},
                  .target = std::string{message.target()},
                  .headers = copy_headers(message.base()),
                  .body = std::move(message.body())};
    restart();
    return taken;
  }

  response take_response() {
    auto& message = response_->get();
    response taken{.status = message.result_int(),
                   .headers = copy_headers(message.base()),
                   .body = std::move(message.body())};
    restart();
    return taken;
  }

  bool wants_continue() noexcept {
    if (!request_ || told_continue_ || is_done_ || !request_->is_header_done()) return false;
    told_continue_ = true;
    return iequals(request_->get()[http::field::expect], "100-continue");
  }

  [[nodiscard]] bool is_inside_message() const noexcept {
    if (is_done_) return false;
    return !waiting_.empty() || (request_ ? request_->got_some() : response_->got_some());
  }

  void reset() {
    waiting_.clear();
    restart();
  }

  [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }
  [[nodiscard]] bool knows_chunks() const noexcept { return knows_chunks_; }
  [[nodiscard]] bool has_more() const noexcept { return !waiting_.empty(); }

 private:
  void restart() {
    is_done_ = false;
    told_continue_ = false;
    head_size_ = 0;
    if (reads_ == kind::requests) {
      request_.emplace();
      configure(*request_);
    } else {
      response_.emplace();
      configure(*response_);
    }
  }

  template <typename Parser>
  void configure(Parser& parser) const {
    parser.eager(true);
    // Beast counts the first line and the fields apart, and the whole when it comes in pieces.
    parser.header_limit(std::numeric_limits<std::uint32_t>::max());
    parser.body_limit(limits_.body);
  }

  template <typename Parser>
  void note_end(Parser& parser) {
    is_done_ = true;
    keeps_alive_ = parser.keep_alive();
    knows_chunks_ = parser.get().version() >= 11;
  }

  /// Offers bytes to Beast in pieces that make the limits independent of how the stream was cut:
  /// the head alone, and of a chunked body no more at once than one chunk's line or trailer may
  /// have.
  template <typename Parser>
  result<bool, parse_errc> put(Parser& parser, std::string_view bytes) {
    while (!bytes.empty()) {
      std::string_view offered = bytes;
      const bool is_head = !parser.is_header_done();
      if (is_head) {
        const std::size_t end = find_head_end(bytes);
        const std::size_t head = head_size_ + std::min(end, bytes.size());
        if (head > limits_.header || (end == std::string_view::npos && head == limits_.header))
          return fail(parse_errc::headers_too_large);
        offered = bytes.substr(0, end);
      } else if (parser.chunked()) {
        offered = bytes.substr(0, limits_.header);
      }
      boost::beast::error_code error;
      const std::size_t used =
          parser.put(boost::asio::const_buffer{offered.data(), offered.size()}, error);
      bytes.remove_prefix(used);
      if (is_head) head_size_ += used;
      if (error == http::error::need_more) {
        if (used > 0) continue;
        if (!is_head && offered.size() == limits_.header)
          return fail(parse_errc::headers_too_large);
        break;
      }
      if (error) return fail(to_errc(error));
      if (parser.is_done()) {
        if (skip_interim(parser)) return put(*response_, bytes);
        note_end(parser);
        break;
      }
      if (used == 0) break;
    }
    waiting_.assign(bytes);
    return is_done_;
  }

  /// Where the head ends whose rest this is. Beast consumes it by whole lines.
  [[nodiscard]] std::size_t find_head_end(std::string_view rest) const noexcept {
    if (head_size_ > 0 && rest.starts_with("\r\n")) return 2;
    const auto blank_line = rest.find("\r\n\r\n");
    return blank_line == std::string_view::npos ? blank_line : blank_line + 4;
  }

  /// RFC 9110 15.2: any number of interim responses may come before the final one.
  template <typename Parser>
  bool skip_interim(Parser& parser) {
    if constexpr (!Parser::is_request::value) {
      const unsigned status = parser.get().result_int();
      if (status >= 100 && status < 200 && status != 101) {
        restart();
        return true;
      }
    }
    return false;
  }

  struct request_parser : http::parser<true, http::string_body> {
    using parser::parser;
  };
  struct response_parser : http::parser<false, http::string_body> {
    using parser::parser;
  };

  const kind reads_;
  const message_limits limits_;
  std::optional<request_parser> request_;
  std::optional<response_parser> response_;
  std::string waiting_;       ///< an unfinished header, or what came after a whole message
  std::size_t head_size_ = 0; ///< bytes of the head that Beast has
  bool is_done_ = false;
  bool keeps_alive_ = false;
  bool knows_chunks_ = false;
  bool told_continue_ = false;
};

parser::parser(kind reads, message_limits limits) : impl_{std::make_unique<impl>(reads, limits)} {}
parser::parser(parser&&) noexcept = default;
parser& parser::operator=(parser&&) noexcept = default;
parser::~parser() = default;

result<bool, parse_errc> parser::feed(std::string_view bytes) { return impl_->feed(bytes); }
result<bool, parse_errc> parser::feed_end() { return impl_->feed_end(); }
request parser::take_request() { return impl_->take_request(); }
response parser::take_response() { return impl_->take_response(); }
bool parser::keeps_alive() const noexcept { return impl_->keeps_alive(); }
bool parser::knows_chunks() const noexcept { return impl_->knows_chunks(); }
bool parser::wants_continue() noexcept { return impl_->wants_continue(); }
bool parser::is_inside_message() const noexcept { return impl_->is_inside_message(); }
bool parser::has_more() const noexcept { return impl_->has_more(); }
void parser::reset() { impl_->reset(); }

} // namespace tandem::http
