// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/descriptor_limit.hpp>

#include <limits>
#include <sys/resource.h>

namespace tandem::io {

std::size_t raise_descriptor_limit() noexcept {
  constexpr auto none = std::numeric_limits<std::size_t>::max();
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return none;
  if (files.rlim_cur != files.rlim_max) {
    const rlimit raised{.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) files = raised;
  }
  return files.rlim_cur == RLIM_INFINITY ? none : static_cast<std::size_t>(files.rlim_cur);
}

} // namespace tandem::io
