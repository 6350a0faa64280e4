// SPDX-License-Identifier: Apache-2.0
#include <tandem/sip/framer.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tandem::sip {
namespace {

using namespace std::string_literals;

std::string text_of(const frame& f) { return {f.block.data(), f.size}; }

/// Everything a framer makes of these reads: messages as their text, the rest by name.
std::vector<std::string> frames(const std::vector<std::string>& reads) {
  framer in;
  std::vector<std::string> out;
  for (const auto& read : reads) {
    in.feed(read);
    for (auto f = in.next(); f.kind != frame_kind::need_more; f = in.next()) {
      switch (f.kind) {
      case frame_kind::message: out.push_back(text_of(f)); break;
      case frame_kind::ping: out.emplace_back("ping"); break;
      case frame_kind::pong: out.emplace_back("pong"); break;
      default: out.push_back("failed: " + std::string{describe(f.error)}); break;
      }
    }
  }
  return out;
}

const std::string first =
    "OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 6\r\n\r\na\r\n\r\nb";
const std::string second = "SIP/2.0 200 OK\r\nc: x/y\r\nl \t: \r\n 0\r\n\r\n";
const std::string third = "ACK sip:a SIP/2.0\r\nl:1\r\nX: y\r\n\r\n\n";

TEST(framer, cuts_messages_wherever_the_reads_are_split) {
  const std::string stream = first + second + third;
  const std::vector<std::string> whole{first, second, third};
  EXPECT_EQ(frames({stream}), whole);
  for (std::size_t i = 1; i < stream.size(); ++i) {
    EXPECT_EQ(frames({stream.substr(0, i), stream.substr(i)}), whole) << i;
    for (std::size_t j = i + 1; j < stream.size(); j += 3)
      EXPECT_EQ(frames({stream.substr(0, i), stream.substr(i, j - i), stream.substr(j)}), whole)
          << i << ' ' << j;
  }
  std::vector<std::string> bytes;
  for (const char c : stream) bytes.emplace_back(1, c);
  EXPECT_EQ(frames(bytes), whole);
}

TEST(framer, takes_no_other_header_for_the_length_of_the_body) {
  const std::string stream = "OPTIONS sip:a SIP/2.0\r\nContent-Lengts: 9\r\nc: 8\r\nLength: 7\r\n"
                             "CONTENT-LENGTH: 1\r\nContent-Length-X: 6\r\n\r\na";
  EXPECT_EQ(frames({stream}), std::vector<std::string>{stream});
}

TEST(framer, waits_for_the_rest_of_every_truncated_message) {
  for (std::size_t n = 1; n < first.size(); ++n) {
    framer in;
    in.feed(std::string_view{first}.substr(0, n));
    EXPECT_EQ(in.next().kind, frame_kind::need_more);
    EXPECT_TRUE(in.is_inside_message());
    EXPECT_EQ(in.buffered(), n);
  }
}

TEST(framer, tells_pings_from_pongs_and_never_goes_deaf) {
  EXPECT_EQ(frames({"\r\n\r\n"}), (std::vector<std::string>{"ping"}));
  EXPECT_EQ(frames({"\r\n"}), (std::vector<std::string>{"pong"}));
  EXPECT_EQ(frames({"\r\n\r\n\r\n\r\n"}), (std::vector<std::string>{"ping", "ping"}));
  EXPECT_EQ(frames({"\r\n\r\n" + first + "\r\n\r\n" + second}),
            (std::vector<std::string>{"ping", first, "ping", second}));
  EXPECT_EQ(frames({first, "\r\n", second}), (std::vector<std::string>{first, "pong", second}));
  // An empty line in front of a message is no keep-alive (RFC 3261 7.5).
  EXPECT_EQ(frames({"\r\n" + first}), (std::vector<std::string>{first}));
  EXPECT_EQ(frames({"\n" + first}), (std::vector<std::string>{first}));
}

TEST(framer, answers_a_ping_however_it_is_cut) {
  const std::string stream = "\r\n\r\n" + first;
  for (std::size_t i = 1; i < stream.size(); ++i) {
    auto out = frames({stream.substr(0, i), stream.substr(i)});
    if (out.front() == "pong") out.erase(out.begin()); // seen while the second CRLF was missing
    EXPECT_EQ(out, (std::vector<std::string>{"ping", first})) << i;
  }
}

struct broken {
  const char* name;
  std::string stream;
  parse_errc error;
};

TEST(framer, ends_a_stream_whose_frames_two_parsers_could_cut_differently) {
  const std::string start = "OPTIONS sip:a SIP/2.0\r\n";
  const broken cases[] = {
      {"no Content-Length", start + "X: y\r\n\r\n", parse_errc::missing_length},
      {"two that differ", start + "l: 0\r\nContent-Length: 5\r\n\r\n",
       parse_errc::conflicting_length},
      {"two that agree", start + "l: 0\r\nl: 0\r\n\r\n", parse_errc::conflicting_length},
      {"hidden by a blank", start + "l: 0\r\nContent-Length : 5\r\n\r\n",
       parse_errc::conflicting_length},
      {"2^32 + 1", start + "l: 4294967297\r\n\r\n", parse_errc::bad_content_length},
      {"2^64 + 1", start + "l: 18446744073709551617\r\n\r\n", parse_errc::bad_content_length},
      {"negative", start + "l: -1\r\n\r\n", parse_errc::bad_content_length},
      {"signed", start + "l: +1\r\n\r\n", parse_errc::bad_content_length},
      {"hexadecimal", start + "l: 0x10\r\n\r\n", parse_errc::bad_content_length},
      {"a list", start + "l: 1, 1\r\n\r\n", parse_errc::bad_content_length},
      {"empty", start + "l:\r\n\r\n", parse_errc::bad_content_length},
      {"folded digits", start + "l: 1\r\n 2\r\n\r\n", parse_errc::bad_content_length},
      {"larger than a message", start + "l: 65535\r\n\r\n", parse_errc::too_large},
      {"bare CR", start + "X: a\rl: 5\r\nl: 0\r\n\r\n", parse_errc::bare_cr},
      {"bare LF", start + "X: a\nl: 5\r\nl: 0\r\n\r\n", parse_errc::bare_lf},
      {"LF ends the headers", start + "l: 0\r\n\n", parse_errc::bare_lf},
      {"NUL", start + "X: a\0b\r\nl: 0\r\n\r\n"s, parse_errc::nul_byte},
      {"CR between messages", "\rX", parse_errc::bare_cr},
  };
  for (const auto& c : cases) {
    framer in;
    in.feed(c.stream + first);
    const frame f = in.next();
    EXPECT_EQ(f.kind, frame_kind::failed) << c.name;
    EXPECT_EQ(f.error, c.error) << c.name;
    // It stays failed and keeps nothing.
    in.feed(first);
    EXPECT_EQ(in.next().kind, frame_kind::need_more) << c.name;
    EXPECT_EQ(in.buffered(), 0u) << c.name;
    // The same, byte by byte.
    std::vector<std::string> bytes;
    for (const char byte : c.stream + first) bytes.emplace_back(1, byte);
    EXPECT_EQ(frames(bytes),
              (std::vector<std::string>{"failed: " + std::string{describe(c.error)}}))
        << c.name;
  }
}

TEST(framer, gives_the_headers_of_a_failed_message_to_be_answered) {
  framer in;
  in.feed("OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nl: 70000\r\n\r\nxxxx");
  const frame f = in.next();
  ASSERT_EQ(f.kind, frame_kind::failed);
  const auto msg = message::parse(f.block, f.size);
  ASSERT_TRUE(msg);
  EXPECT_EQ(msg->call_id(), "1");
}

TEST(framer, is_bounded_when_headers_or_start_line_never_end) {
  for (const std::string chunk : {"X: y\r\n", "xxxxxxxxx", " folded\r\n"}) {
    framer in;
    in.feed("OPTIONS sip:a SIP/2.0\r\n");
    std::size_t fed = 0;
    frame f = in.next();
    while (f.kind == frame_kind::need_more && fed < 200'000) {
      in.feed(chunk);
      fed += chunk.size();
      f = in.next();
    }
    EXPECT_EQ(f.kind, frame_kind::failed);
    EXPECT_EQ(f.error, parse_errc::too_large);
    EXPECT_LT(fed, 66'000u);
    EXPECT_EQ(in.buffered(), 0u);
  }
}

TEST(framer, takes_the_largest_message_there_may_be) {
  std::string text = "MESSAGE sip:a SIP/2.0\r\nContent-Length: 65487\r\n\r\n";
  text.resize(max_message_size, 'b');
  framer in;
  in.feed(text + second);
  frame f = in.next();
  ASSERT_EQ(f.kind, frame_kind::message);
  EXPECT_TRUE(text_of(f) == text); // not EXPECT_EQ: it would print all of it
  f = in.next();
  EXPECT_EQ(text_of(f), second);
  EXPECT_EQ(in.buffered(), 0u);
}

} // namespace
} // namespace tandem::sip
