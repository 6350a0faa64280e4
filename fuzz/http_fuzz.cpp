// SPDX-License-Identifier: Apache-2.0
// HTTP messages, both kinds, whole and cut in two: the same verdict and the same message either
// way, and limits that hold.
#include <tandem/http/message.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace tandem::http;

namespace {

constexpr message_limits limits{.header = 1024, .body = 4096};

struct verdict {
  bool is_whole = false;
  bool is_refused = false;
  std::string body;
};

verdict read(parser::kind kind, std::string_view first, std::string_view second) {
  parser reader{kind, limits};
  verdict v;
  auto state = reader.feed(first);
  if (state && !*state) state = reader.feed(second);
  v.is_refused = !state;
  v.is_whole = state && *state;
  if (!v.is_whole) return v;
  if (kind == parser::kind::requests) {
    request r = reader.take_request();
    static_cast<void>(r.path());
    static_cast<void>(form_value(r.query(), "message"));
    v.body = std::move(r.body);
  } else {
    v.body = reader.take_response().body;
  }
  if (v.body.size() > limits.body) std::abort();
  return v;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::size_t cut = data[0] * bytes.size() / 256;
  for (const auto kind : {parser::kind::requests, parser::kind::responses}) {
    const verdict whole = read(kind, bytes, {});
    const verdict halves = read(kind, bytes.substr(0, cut), bytes.substr(cut));
    if (whole.is_whole != halves.is_whole || whole.body != halves.body) std::abort();
  }
  if (const auto read_url = url::parse(bytes);
      read_url && !url::parse(read_url->origin() + read_url->path))
    std::abort();
  if (form_decode(form_encode(bytes)) != bytes) std::abort();
  return 0;
}
