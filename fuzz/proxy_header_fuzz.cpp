// SPDX-License-Identifier: Apache-2.0
// The first bytes of a connection as a header of the PROXY protocol: what a piece of them says
// stays true when more arrive, and a whole header is no longer than what was read.
#include <tandem/io/proxy_header.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace tandem::io;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using enum proxy_header::verdict;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  proxy_header before;
  for (std::size_t length = 0; length <= std::min(size, longest_proxy_header + 16); ++length) {
    const proxy_header now = read_proxy_header(bytes.substr(0, length));
    if (before.status != need_more &&
        (now.status != before.status || now.size != before.size || now.client != before.client))
      std::abort();
    if (now.status == complete && (now.size > length || now.size > longest_proxy_header))
      std::abort();
    if (now.status == need_more && length >= longest_proxy_header) std::abort();
    before = now;
  }
  return 0;
}
