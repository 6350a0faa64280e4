// SPDX-License-Identifier: Apache-2.0
#include <tandem/io/bind_failure.hpp>

#include <cerrno>
#include <fmt/format.h>
#include <system_error>

namespace tandem::io {

namespace {

std::string_view remedy_for(int error) noexcept {
  switch (error) {
  case EADDRINUSE: return "; another program listens there: stop it or take another port";
  case EACCES: return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
  case EADDRNOTAVAIL: return "; this machine does not have that address";
  default: return {};
  }
}

} // namespace

std::string bind_failure(std::string_view what, const socket_address& at, int error) {
  return fmt::format("cannot {} {}: {}{}", what, at.to_string(),
                     std::generic_category().message(error), remedy_for(error));
}

} // namespace tandem::io
