// SPDX-License-Identifier: Apache-2.0
#include <tandem/http/message.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace tandem;
using namespace tandem::http;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr auto requests = parser::kind::requests;
constexpr auto responses = parser::kind::responses;

const std::string post =
    "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Y:  z \r\n\r\nhello";

TEST(parser, reads_a_request) {
  parser parser{requests};
  ASSERT_EQ(parser.feed(post), true);
  EXPECT_TRUE(parser.keeps_alive());
  const request r = parser.take_request();
  EXPECT_EQ(r.method, "POST");
  EXPECT_EQ(r.path(), "/a");
  EXPECT_EQ(r.query(), "b=c");
  EXPECT_EQ(find_header(r.headers, "x-y"), "z");
  EXPECT_EQ(r.body, "hello");
  EXPECT_FALSE(parser.is_inside_message());
}

// RFC 9112 7.1: a last chunk has three bytes or more, and they come as the peer sends them.
TEST(parser, reads_a_last_chunk_that_comes_byte_by_byte) {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string chunks :
       {"0\r\n\r\n", "0;\r\n\r\n", "0;x=y\r\n\r\n", "1\r\na\r\n0\r\n\r\n"}) {
    parser parser{requests};
    ASSERT_EQ(parser.feed(head), false);
    result<bool, parse_errc> state = false;
    for (const char byte : chunks) {
      ASSERT_EQ(state, false);
      state = parser.feed("");
      if (state) state = parser.feed({&byte, 1});
    }
    if (chunks == "0;\r\n\r\n")
      EXPECT_FALSE(state) << "an extension has a name";
    else
      EXPECT_EQ(state, true) << chunks;
  }
}

TEST(parser, reads_the_same_however_it_is_cut) {
  for (std::size_t cut = 0; cut <= post.size(); ++cut) {
    parser parser{requests};
    const auto first = parser.feed(post.substr(0, cut));
    ASSERT_TRUE(first) << cut;
    EXPECT_EQ(*first, cut == post.size());
    ASSERT_EQ(parser.feed(post.substr(cut)), true) << cut;
    EXPECT_EQ(parser.take_request().body, "hello");
  }
  parser parser{requests};
  for (const char c : post) ASSERT_TRUE(parser.feed({&c, 1}));
  EXPECT_EQ(parser.take_request().target, "/a?b=c");
}

TEST(parser, reads_one_request_after_the_other) {
  parser parser{requests};
  ASSERT_EQ(parser.feed(post + "GET /2 HTTP/1.1\r\n\r\n" + post.substr(0, 10)), true);
  EXPECT_TRUE(parser.has_more());
  EXPECT_EQ(parser.take_request().method, "POST");
  ASSERT_EQ(parser.feed({}), true);
  EXPECT_EQ(parser.take_request().target, "/2");
  ASSERT_EQ(parser.feed({}), false);
  EXPECT_TRUE(parser.is_inside_message());
  ASSERT_EQ(parser.feed(post.substr(10)), true);
  EXPECT_EQ(parser.take_request().body, "hello");
}

TEST(parser, reads_chunks_and_bodies_that_end_with_the_connection) {
  parser chunked{responses};
  ASSERT_EQ(chunked.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            false);
  ASSERT_EQ(chunked.feed("2;x=y\r\nde\r\n0\r\n\r\n"), true);
  EXPECT_EQ(chunked.take_response().body, "abcde");
  EXPECT_TRUE(chunked.keeps_alive());

  parser to_end{responses};
  ASSERT_EQ(to_end.feed("HTTP/1.0 200 OK\r\n\r\nsome"), false);
  ASSERT_EQ(to_end.feed(" body"), false);
  ASSERT_EQ(to_end.feed_end(), true);
  EXPECT_FALSE(to_end.keeps_alive());
  EXPECT_EQ(to_end.take_response().body, "some body");
}

TEST(parser, skips_interim_responses) {
  parser parser{responses};
  ASSERT_EQ(
      parser.feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 204 "
                  "No Content\r\n\r\n"),
      true);
  EXPECT_EQ(parser.take_response().status, 204U);
}

TEST(parser, knows_who_waits_for_100) {
  parser parser{requests};
  ASSERT_EQ(parser.feed("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            false);
  EXPECT_TRUE(parser.wants_continue());
  EXPECT_FALSE(parser.wants_continue()) << "told once";
  ASSERT_EQ(parser.feed("ok"), true);
}

TEST(parser, refuses_what_is_cut_off) {
  for (const std::string& whole :
       {std::string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
        std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"}})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      parser parser{responses};
      ASSERT_EQ(parser.feed(whole.substr(0, size)), false) << size;
      EXPECT_FALSE(parser.feed_end()) << size;
    }
}

TEST(parser, refuses_what_is_not_http_or_too_large) {
  const struct {
    parser::kind kind;
    std::string bytes;
    parse_errc expected;
  } table[] = {
      {responses, "941AY0AZFDFC\r\n\r\n", parse_errc::malformed},
      {responses, "HTTP/1.1 abc\r\n\r\n", parse_errc::malformed},
      {responses, "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", parse_errc::malformed},
      {responses, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       parse_errc::malformed},
      {responses, "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", parse_errc::body_too_large},
      {responses, "HTTP/1.1 200 OK\r\nX: " + std::string(300, 'y') + "\r\n\r\n",
       parse_errc::headers_too_large},
      {responses, "HTTP/1.1 200 OK\r\nX: " + std::string(300, 'y'), parse_errc::headers_too_large},
      {responses, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       parse_errc::malformed},
      {responses,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(255, 'x') +
           "\r\n",
       parse_errc::body_too_large},
      {requests, std::string("\x16\x03\x01\x02\x00", 5) + std::string(20, 'a') + "\r\n\r\n",
       parse_errc::malformed},
      {requests, "GET / HTTP/1.1\r\nA b: c\r\n\r\n", parse_errc::malformed},
  };
  for (const auto& row : table) {
    parser parser{row.kind, {.header = 256, .body = 100}};
    const auto state = parser.feed(row.bytes);
    ASSERT_FALSE(state) << row.bytes;
    EXPECT_EQ(state.error(), row.expected) << row.bytes << to_string(state.error());
  }
}

/// What a parser says of these bytes when they come in two pieces.
result<bool, parse_errc> read_in_two(parser::kind kind, std::string_view bytes, std::size_t cut,
                                     message_limits limits) {
  parser parser{kind, limits};
  const auto first = parser.feed(bytes.substr(0, cut));
  return first ? parser.feed(bytes.substr(cut)) : first;
}

TEST(parser, the_verdict_on_a_message_at_a_limit_does_not_depend_on_where_the_stream_is_cut) {
  constexpr std::size_t limit = 200;
  const auto padded = [](std::string begin, std::size_t size, const std::string& end) {
    return begin + std::string(size - begin.size() - end.size(), 'x') + end;
  };
  for (const std::size_t size : {limit - 1, limit, limit + 1, limit + 30}) {
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const struct {
      parser::kind kind;
      std::string bytes;
    } table[] = {
        {requests, padded("GET / HTTP/1.1\r\nA: ", size, "\r\n\r\n")},
        {requests, padded("GET /", size, " HTTP/1.1\r\nA: b\r\n\r\n")},
        {requests, padded("GET /", size, " HTTP/1.1\r\n\r\n")},
        {responses, padded("HTTP/1.1 204 ", size, "\r\nA: b\r\n\r\n")},
        // The line of a chunk, and the last one with the trailer.
        {responses, chunked + padded("1;a=", size, "\r\n") + "x\r\n0\r\n\r\n"},
        {responses, chunked + padded("0\r\nA: ", size, "\r\n\r\n")},
    };
    for (const auto& row : table)
      for (std::size_t cut = 0; cut <= row.bytes.size(); ++cut) {
        const auto state = read_in_two(row.kind, row.bytes, cut, {.header = limit, .body = 100});
        if (size <= limit)
          ASSERT_EQ(state, true) << size << ", cut at " << cut << ": " << row.bytes;
        else
          ASSERT_EQ(state, fail(parse_errc::headers_too_large)) << size << ", cut at " << cut;
      }
  }
}

TEST(parser, keeps_no_more_of_an_endless_chunk_line_or_trailer_than_the_limit) {
  for (const char* begin : {"1;", "0\r\n"}) {
    parser parser{responses, {.header = 1000, .body = 100}};
    ASSERT_EQ(parser.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), false);
    auto state = parser.feed(begin);
    for (int i = 0; state && i < 200; ++i) state = parser.feed("0123456789");
    EXPECT_EQ(state, fail(parse_errc::headers_too_large));
  }
}

TEST(http_writer, writes_no_request_whose_method_or_target_would_end_early_rfc_9112_3) {
  for (const char* method : {"", "GET ", "G\r\nX", "GE T", "G\tT"})
    EXPECT_FALSE(write_request({.method = method}, {})) << method;
  for (const std::string& target : {std::string{}, std::string{"/a b"}, std::string{"/\r\nX: y"},
                                    std::string{"/\n"}, std::string{"/\0", 2}})
    EXPECT_FALSE(write_request({.target = target}, {})) << target;
}

TEST(http_writer, writes_what_the_parser_reads) {
  request request{.method = "POST", .target = "/x", .headers = {{"A", "b"}}, .body = "body"};
  EXPECT_EQ(write_request(request, write_common_headers("host:1")),
            "POST /x HTTP/1.1\r\nHost: host:1\r\nA: b\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_EQ(write_response({.status = 404, .body = "no"}, false),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
  EXPECT_EQ(write_response({.body = "x"}, true, false),
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
}

TEST(http_writer, lets_nobody_inject_headers) {
  const response evil{.headers = {{"X", "a\r\nSet-Cookie: b"}, {"Y\r\nZ", "c"}, {"Good", "d"}}};
  const std::string out = write_response(evil, true);
  EXPECT_THAT(out, HasSubstr("Good: d\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("Set-Cookie")));
  EXPECT_THAT(out, Not(HasSubstr("Z: c")));
}

TEST(url, reads_what_it_should_and_nothing_else) {
  const auto url = url::parse("https://[2001:db8::1]:8443/a/b?c#d");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->is_secure);
  EXPECT_EQ(url->host, "2001:db8::1");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->path, "/a/b?c");
  EXPECT_EQ(url->origin(), "https://[2001:db8::1]:8443");
  EXPECT_EQ(url::parse("HTTP://ils.example")->authority(), "ils.example");
  EXPECT_EQ(url::parse("http://ils.example?x")->path, "/?x");
  EXPECT_EQ(url::parse("https://ils.example:443/")->authority(), "ils.example");
  for (const char* bad : {"", "ils.example", "ftp://x/", "http://", "http:///x", "http://a:b/",
                          "http://a:0/", "http://a:99999/", "http://u:p@h/", "http://[::1",
                          "http://[x]/", "http://a b/", "http://a/ b", "http://a/\r\nX: y"})
    EXPECT_FALSE(url::parse(bad)) << bad;
}

TEST(http_form, encodes_and_decodes) {
  EXPECT_EQ(form_encode("{\"a\": \"b~c\"}&=+\xc3\xa4"),
            "%7B%22a%22%3A+%22b~c%22%7D%26%3D%2B%C3%A4");
  EXPECT_EQ(form_decode("a%20b+c%7e"), "a b c~");
  EXPECT_FALSE(form_decode("%4"));
  EXPECT_FALSE(form_decode("%zz"));
  EXPECT_EQ(form_value("session=1&message=%7B%7D&x", "message"), "{}");
  EXPECT_EQ(form_value("session=1&x", "x"), "");
  EXPECT_FALSE(form_value("session=1", "message"));
}

} // namespace
